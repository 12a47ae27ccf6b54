"""Choosing the headline messages of a milestone that is over: a card with boxes to tick, and its text twin.

The chat remembers which milestone is looked at and which of its messages were shown, by number: no word of
what people wrote.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from km365.app import App
from km365.core.chat import Reply
from km365.core.commands import Understood, numbered, plain
from km365.core.languages import LANGUAGES
from km365.errors import InputRefused, NotFound
from km365.services import headline_choice as choice
from km365.services import headlines as service
from km365.services.headline_answers import HeadlineDesk
from km365.services.headline_summary import Labels
from km365.services.headlines import Overview, Sheet, Shown
from km365.store.headlines import State
from km365.store.outbox import Message
from km365_bots.buttons import Pick
from km365_bots.card_page import shorten
from km365_bots.chat import Chat
from km365_bots.speech import Speech
from km365_bots.topics import DECIDING, Told, Topic, gives_back, refused
from km365_bots.who import reader_of

_LIST = "list"
"""What the card is about that asks for one of several milestones."""
_CHOSEN, _WORDS, _WHICH = "chosen", "words", "which"
_VERBS: Mapping[str, State] = {"choose": State.CHOSEN, "drop": State.DROPPED, "undo": State.OPEN}
_LABEL = 70
"""Characters of a message beside its box; all of it stands above."""


class Headlines(Topic):
    """ "Headlines", and then "choose 1 3", "drop 2", "undo 1", "2: new words"."""

    name = "headlines"
    for_whom = DECIDING

    def __init__(self, app: App, desk: HeadlineDesk) -> None:
        self._app, self._desk = app, desk
        self._labels: dict[str, Labels] = {}

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """The milestones to choose for, or what is said to the messages shown last."""
        if wish == "list":
            return await self._list(chat)
        kept = _kept(chat)
        if kept.get("milestones"):
            return await self._one_of(chat, kept["milestones"])
        return await self._said(chat, kept) if kept.get("campaign") else None

    async def _said(self, chat: Chat, kept: Mapping[str, Any]) -> Told | None:
        """A decision on some of those shown, or one in the chooser's own words."""
        numbers: Sequence[int] = kept["numbers"]
        said, (state, places) = numbered(chat.event.text), _decision(chat)
        reworded = said is not None and bool(said.number and said.text)
        if said is not None and reworded:
            state, places = State.CHOSEN, [said.number]
        if state is None or not places:
            return None
        if max(places) > len(numbers) or min(places) < 1:
            reply = chat.speech.say("headlines.no_such_number", most=str(len(numbers)))
            return Told(replies=[reply], waits=dict(kept))
        wanted = [numbers[place - 1] for place in places]
        edits = {wanted[0]: said.text} if said is not None and reworded else {}
        return await self._decide(chat, str(kept["campaign"]), {state: wanted}, edits)

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """The boxes as they were left: what is ticked is chosen, what no longer is is open again."""
        if pick.about == _LIST:
            return await self._show(chat, pick.inputs.get(_WHICH, ""))
        if pick.verb == "show":
            return await self._show(chat, pick.about)
        seen = await self._seen(chat, pick.about)
        if not isinstance(seen, Sheet):
            return seen
        words = pick.inputs.get(_WORDS, "").strip()
        said = numbered(words) if words else Understood()
        if said is None or (words and not (said.text and 1 <= said.number <= len(seen.candidates))):
            told = await self._show(chat, pick.about, words=words)
            problem = chat.speech.say("headlines.no_such_number", most=str(len(seen.candidates)))
            return Told(replies=[problem, *told.replies], waits=told.waits)
        edits = {seen.candidates[said.number - 1].number: said.text} if words else {}
        ticked = {int(one) for one in pick.inputs.get(_CHOSEN, "").split(",") if one.strip().isdecimal()}
        there = {one.number for one in seen.candidates}
        before = {one.number for one in seen.candidates if one.state is State.CHOSEN}
        chosen = (ticked & there) | set(edits)
        wanted = {State.CHOSEN: sorted(chosen), State.OPEN: sorted(before - chosen)}
        return await self._decide(chat, pick.about, wanted, edits)

    def tells(self, speech: Speech, message: Message) -> Reply | None:
        """That there is something to choose from; what it says is shown to who may read it when they ask."""
        if message.card != service.CARD:
            return None
        say, data = speech.messages.say, message.data
        return speech.menu(
            self.name,
            title=say("headlines.told_title", title=str(data.get("title", ""))),
            text=say("headlines.told_text"),
            buttons=[{"verb": "show", "label": say("headlines.show")}],
            about=str(data.get("campaign", "")),
            hint=say("headlines.help"),
        )

    async def _list(self, chat: Chat) -> Told:
        found = await service.overview(self._desk, await reader_of(self._app.graph, chat))
        if not found:
            return Told(replies=[chat.speech.say("headlines.none")])
        if len(found) == 1:
            return await self._show(chat, found[0].campaign.id)
        return Told(
            replies=[_choice(chat.speech, self.name, found)],
            waits={"milestones": [one.campaign.id for one in found]},
        )

    async def _one_of(self, chat: Chat, milestones: Sequence[str]) -> Told | None:
        said = numbered(chat.event.text)
        if said is None or not said.number or said.text:
            return None
        if said.number > len(milestones):
            reply = chat.speech.say("headlines.no_such_number", most=str(len(milestones)))
            return Told(replies=[reply], waits={"milestones": list(milestones)})
        return await self._show(chat, milestones[said.number - 1])

    async def _seen(self, chat: Chat, campaign_id: str) -> Sheet | Told:
        """What this person may see of it, or why it is nothing."""
        try:
            seen = await service.sheet(self._desk, campaign_id, await reader_of(self._app.graph, chat))
        except NotFound:
            return Told(replies=[chat.speech.say("headlines.none")])
        except InputRefused:
            return Told(replies=[chat.speech.say("headlines.not_yours")])
        if not seen.candidates:
            return Told(replies=[chat.speech.say("headlines.none" if seen.people else "headlines.few")])
        return seen

    async def _show(self, chat: Chat, campaign_id: str, *, done: str = "", words: str = "") -> Told:
        seen = await self._seen(chat, campaign_id)
        if not isinstance(seen, Sheet):
            return seen
        reply = await asyncio.to_thread(self._card, chat.speech, seen, done, words)
        waits = {"campaign": campaign_id, "numbers": [one.number for one in seen.candidates]}
        return Told(replies=[chat.in_place(reply)], waits=waits if seen.kept else None)

    async def _decide(
        self,
        chat: Chat,
        campaign_id: str,
        wanted: Mapping[State, Sequence[int]],
        edits: Mapping[int, str],
    ) -> Told:
        """Keeps the choice, but no words that belong to another channel; what follows of it is a job's."""
        if told := await self._kept_out(chat, campaign_id, edits):
            return told
        reader = await reader_of(self._app.graph, chat)
        done = "saved"
        try:
            for state, numbers in wanted.items():
                if numbers:
                    mine = edits if state is State.CHOSEN else {}
                    await choice.decide(self._desk, campaign_id, numbers, state, reader=reader, edits=mine)
        except NotFound:  # taken back since it was shown: what is there now says so
            done = ""
        except InputRefused:
            done = "cannot"
        return await self._show(chat, campaign_id, done=done)

    async def _kept_out(self, chat: Chat, campaign_id: str, edits: Mapping[int, str]) -> Told | None:
        """Points to the right channel where a chooser's words belong there."""
        refusal = await chat.keeps_out(*edits.values()) if edits else None
        if refusal is None:
            return None
        if not gives_back(chat, refusal):
            return refused(chat, refusal)
        words = "\n".join(f"{number}: {text}" for number, text in edits.items())
        told = await self._show(chat, campaign_id, words=words)
        return Told(replies=[chat.kept_out(refusal), *told.replies], waits=told.waits)

    def _card(self, speech: Speech, seen: Sheet, done: str, words: str) -> Reply:
        say = speech.messages.say
        labels = self._words_of(speech.messages.language)
        shown = seen.candidates
        lines = [
            say(f"headlines.{done}") if done else "",
            say("headlines.intro" if seen.kept else "headlines.not_over"),
            labels.line("answered", str(seen.people)),
            say("headlines.hidden") if seen.hidden else "",
        ]
        boxes = [  # to a card, a number with a full stop behind it begins a list
            {"value": str(one.number), "label": f"{place} · {shorten(labels.title(one), _LABEL)[0]}"}
            for place, one in enumerate(shown, start=1)
        ]
        ticked = ",".join(str(one.number) for one in shown if one.state is State.CHOSEN)
        fields: list[Mapping[str, object]] = [
            {
                "key": _CHOSEN,
                "label": say("headlines.choose"),
                "choices": boxes,
                "value": ticked,
                "many": True,
            },
            {"key": _WORDS, "label": say("headlines.words"), "value": words},
        ]
        return speech.menu(
            self.name,
            title=say("headlines.title", title=seen.campaign.title),
            text="\n".join(line for line in lines if line),
            entries=[_entry(speech, labels, one) for one in shown],
            fields=fields if seen.kept else [],
            buttons=[{"verb": "save", "label": say("headlines.save"), "inputs": True}] if seen.kept else [],
            about=seen.campaign.id,
            hint=say("headlines.hint") if seen.kept else "",
        )

    def _words_of(self, language: str) -> Labels:
        if language not in self._labels:
            self._labels[language] = Labels(self._app.templates, language)
        return self._labels[language]


def _choice(speech: Speech, topic: str, found: Sequence[Overview]) -> Reply:
    """Which of several milestones."""
    say = speech.messages.say
    choices = [{"value": one.campaign.id, "label": f"{one.campaign.title} ({one.office})"} for one in found]
    return speech.menu(
        topic,
        title=say("headlines.which"),
        entries=[{"title": one["label"]} for one in choices],
        fields=[
            {
                "key": _WHICH,
                "label": say("headlines.which"),
                "choices": choices,
                "value": choices[0]["value"],
            }
        ],
        buttons=[{"verb": "show", "label": say("headlines.show"), "inputs": True}],
        about=_LIST,
        hint=say("headlines.which_hint"),
    )


def _entry(speech: Speech, labels: Labels, one: Shown) -> Mapping[str, str]:
    """A message with what others say, its number of people and where it stands."""
    quotes = [labels.quoted(quote) for quote in one.quotes]
    if one.words:
        quotes = [labels.line("reworded", labels.quoted(one.says)), *quotes]
    quotes += [labels.line("others", labels.quoted(quote)) for quote in one.others]
    stands = speech.messages.say(f"headlines.state_{one.state}") if one.state is not State.OPEN else ""
    note = f"{labels.heading(one)}. {labels.support(one)}. {stands}".strip()
    return {"title": labels.title(one), "quote": "\n".join(quotes), "note": note}


def _kept(chat: Chat) -> Mapping[str, Any]:
    kept = chat.state.get("waiting")
    return kept if isinstance(kept, Mapping) else {}


def _decision(chat: Chat) -> tuple[State | None, list[int]]:
    """What is to be done with which of those shown: "choose 1, 3", "écarter 2", in any language."""
    words = plain(chat.event.text).split()
    places = [int(word) for word in words if word.isdecimal() and len(word) < 3]
    verb = " ".join(word for word in words if not word.isdecimal())
    for name, state in _VERBS.items():
        for tag in LANGUAGES:
            known = chat.parts.catalogue.get(tag).texts[f"headlines.{name}_words"]
            if verb in {plain(str(one)) for one in known}:
                return state, places
    return None, []
