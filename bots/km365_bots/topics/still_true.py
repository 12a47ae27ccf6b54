"""Whether what was learnt before still holds: a card before a reflection's first question, and its text twin.

Nothing of it is needed to go on, and no reflection waits for it: where the lessons are not found at once, it
begins without them. The chat keeps the titles that were shown only until they are answered.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from babel.lists import format_list

from km365.core.chat import EventKind, Reply
from km365.core.commands import Command, Understood, numbered
from km365.core.interviews import Interview, InterviewState
from km365.core.languages import LANGUAGES
from km365.core.still_true import Phrases, Verdict
from km365.core.turns import Turn
from km365.errors import KM365Error
from km365.services import interview as interviews
from km365.services import verdicts
from km365.services.still_true import About, Lessons, Shown
from km365.services.verdicts import VerdictDesk
from km365_bots import interviewing
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.speech import Speech
from km365_bots.topics import Told, Topic, gives_back, refused

PATIENCE_S = 2.0
"""A reflection begins without older lessons where they are not found within this."""
_SAVE, _WORDS = "save", "words"
_NAMES: Mapping[Verdict, str] = {verdict: verdict.replace(" ", "_") for verdict in Verdict}
_GOES_ON = frozenset(
    {Command.START, Command.RESUME, Command.YES, Command.NO, Command.SKIP, Command.AGREE, Command.REFUSE}
)
_ASKS_MORE = frozenset(Verdict) - {Verdict.STILL_TRUE}
_OPEN = frozenset({InterviewState.OPEN, InterviewState.DRAFT})

_log = logging.getLogger(__name__)


class StillTrue(Topic):
    """ "1 still true, 2 changed" before the first question; "earlier lessons" shows them again."""

    name = "still_true"

    def __init__(self, lessons: Lessons, desk: VerdictDesk) -> None:
        self._lessons, self._desk = lessons, desk
        self._typed: Phrases | None = None

    async def before(self, chat: Chat, turn: Turn) -> Told | None:
        """The lessons a reflection on a milestone opens with; None where there are none to be had now."""
        interview = turn.interview
        shown = await self._look(chat, interview)
        if not shown:
            return None
        titles = {str(place): one.title for place, one in enumerate(shown, start=1)}
        reply = _card(chat.speaking(interview.language), interview, shown)
        return Told(replies=[reply], waits={"interview": interview.id, "titles": titles})

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """The lessons once more, or what is said to those shown; None for what is for the interview."""
        if wish:
            turn = await interviewing.current(chat)
            told = await self.before(chat, turn) if turn and turn.interview.state in _OPEN else None
            return told or Told(replies=[chat.speech.say("still_true.none")])
        kept = chat.state.get("waiting") or {}
        turn = await interviewing.named(chat, str(kept.get("interview", "")))
        if turn is None:
            return None
        return await self._heard(replace(chat, language=turn.interview.language), turn, kept, meant)

    async def _heard(
        self, chat: Chat, turn: Turn, kept: Mapping[str, Any], meant: Understood | None
    ) -> Told | None:
        """What is said to the lessons that were shown, or to what was asked about them."""
        asks = kept.get("asks")
        if meant is not None and not (asks and numbered(chat.event.text)):
            return _goes_on(chat, turn) if meant.command in _GOES_ON else None
        if asks:
            return await self._worded(chat, turn, kept)
        said = self._phrases(chat).spoken(chat.event.text, most=len(kept["titles"]))
        if said is not None:
            return await self._said(chat, turn, said, kept["titles"])
        if refusal := await chat.keeps_out(chat.event.text):
            return refused(chat, refusal, waits=kept)
        return Told(replies=[chat.speech.say("still_true.not_understood")], waits=kept)

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """What was chosen or written on the card; "Continue" alone says nothing."""
        turn = await interviewing.named(chat, pick.about)
        if turn is None:
            return Told(replies=[chat.speech.say("chat.forged")])
        chat = replace(chat, language=turn.interview.language)
        kept = chat.state.get("waiting") or {}
        titles = kept.get("titles", {}) if kept.get("interview") == turn.interview.id else {}
        if pick.verb == _WORDS:
            words = {key[1:]: text.strip() for key, text in pick.inputs.items() if key.startswith("w")}
            return await self._keep_words(
                chat, turn, {key: text for key, text in words.items() if text}, kept
            )
        chosen = {key[1:]: value for key, value in pick.inputs.items() if key.startswith("v")}
        said = {
            int(key): Verdict(value)
            for key, value in chosen.items()
            if key.isdecimal() and value in frozenset(Verdict)
        }
        return await self._said(chat, turn, said, titles)

    async def _look(self, chat: Chat, interview: Interview) -> list[Shown]:
        """The lessons for this reflection; none where it is none on a milestone, or they cannot be had."""
        person_id = chat.event.person_id
        campaign = await interviews.campaign(self._desk.db, interview.campaign, person_id=person_id)
        if campaign is None or campaign.kind != "milestone" or not interview.subject:
            return []
        about = About(
            milestone=interview.subject,
            kind=str(campaign.data.get("kind") or ""),
            office=str(campaign.data.get("office") or ""),
            title=campaign.title,
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._lessons.opening(
                    about, person_id, language=interview.language, now=chat.event.at
                )
        except (KM365Error, TimeoutError) as error:
            _log.warning("A reflection begins without older lessons: %s", error or "they took too long")
            return []

    async def _said(
        self, chat: Chat, turn: Turn, said: Mapping[int, Verdict], titles: Mapping[str, str]
    ) -> Told:
        """Keeps the verdicts, by the place of each on the card; then one thing more is asked, if anything."""
        interview, person_id = turn.interview, chat.event.person_id
        shown = await verdicts.shown(self._desk.db, person_id, interview.subject)
        by_id = {one.item_id: said[one.place] for one in shown if one.place in said}
        if not by_id:
            return _goes_on(chat, turn)
        await verdicts.say(
            self._desk, by_id, person_id=person_id, milestone=interview.subject, at=chat.event.at
        )
        asks = {str(place): one for place, one in sorted(said.items()) if one in _ASKS_MORE}
        asks = {place: one for place, one in asks.items() if place in titles}
        if not asks:
            return Told(replies=[chat.speech.say("still_true.thanks")])
        kept = {"interview": interview.id, "titles": {place: titles[place] for place in asks}}
        kept |= {"asks": {place: one.value for place, one in asks.items()}}
        return Told(replies=[_more(chat, interview, kept)], waits=kept, own_words=True)

    async def _worded(self, chat: Chat, turn: Turn, kept: Mapping[str, Any]) -> Told:
        """A sentence to one of the lessons that were asked about: by its number, or to the only one."""
        said, asks = numbered(chat.event.text), kept["asks"]
        if said is not None and str(said.number) in asks and said.text:
            return await self._keep_words(chat, turn, {str(said.number): said.text}, kept)
        if len(asks) == 1:
            return await self._keep_words(chat, turn, dict.fromkeys(asks, chat.event.text.strip()), kept)
        if refusal := await chat.keeps_out(chat.event.text):
            return refused(chat, refusal, waits=kept, own_words=True)
        reply = chat.speech.say("still_true.more_hint_numbers")
        return Told(replies=[reply], waits=kept, own_words=True)

    async def _keep_words(
        self, chat: Chat, turn: Turn, words: Mapping[str, str], kept: Mapping[str, Any]
    ) -> Told:
        """Keeps the sentences, but none that belongs to another channel; goes on once all were asked for."""
        if not words:
            return _goes_on(chat, turn)
        waits = kept if kept.get("asks") else None
        if refusal := await chat.keeps_out(*words.values()):
            told = refused(chat, refusal, waits=waits, own_words=waits is not None)
            if waits is None or not gives_back(chat, refusal):
                return told
            card = _more(chat, turn.interview, kept, words)
            return Told(replies=[*told.replies, card], waits=waits, own_words=True)
        person_id, milestone = chat.event.person_id, turn.interview.subject
        shown = await verdicts.shown(self._desk.db, person_id, milestone)
        by_id = {one.item_id: words[str(one.place)] for one in shown if str(one.place) in words}
        await verdicts.add_words(self._desk, by_id, person_id=person_id, milestone=milestone)
        left = {place: one for place, one in (waits or {}).get("asks", {}).items() if place not in words}
        if left and chat.event.kind is EventKind.MESSAGE:
            rest = {**kept, "asks": left, "titles": {place: kept["titles"][place] for place in left}}
            return Told(replies=[_more(chat, turn.interview, rest)], waits=rest, own_words=True)
        return Told(replies=[chat.speech.say("still_true.thanks")])

    def _phrases(self, chat: Chat) -> Phrases:
        """What people type, in any language."""
        if self._typed is None:
            texts = [chat.parts.catalogue.get(tag).texts for tag in LANGUAGES]
            self._typed = Phrases(
                verdicts={
                    one: [str(said) for words in texts for said in words[f"still_true.{name}_words"]]
                    for one, name in _NAMES.items()
                },
                everything=[str(said) for words in texts for said in words["still_true.all_words"]],
            )
        return self._typed


def _card(speech: Speech, interview: Interview, shown: Sequence[Shown]) -> Reply:
    """The lessons, each with a choice below it."""
    say = speech.messages.say
    choices = [
        {"value": verdict.value, "label": say(f"still_true.{name}")} for verdict, name in _NAMES.items()
    ]
    return speech.menu(
        StillTrue.name,
        title=say("still_true.title"),
        text=say("still_true.intro"),
        entries=[_entry(speech, one, place) for place, one in enumerate(shown, start=1)],
        fields=[
            {
                "entry": place,
                "key": f"v{place}",
                "label": say("still_true.ask", number=place),
                "choices": choices,
                "small": True,
            }
            for place in range(1, len(shown) + 1)
        ],
        buttons=[{"verb": _SAVE, "label": say("still_true.continue"), "inputs": True}],
        about=interview.id,
        hint=say("still_true.hint"),
    )


def _more(
    chat: Chat, interview: Interview, kept: Mapping[str, Any], words: Mapping[str, str] | None = None
) -> Reply:
    """What changed, or what was done: a field for each lesson that somebody said so of."""
    speech = chat.speaking(interview.language)
    say = speech.messages.say
    asked = {
        place: say(f"still_true.what_{_NAMES[Verdict(said)]}", title=kept["titles"][place])
        for place, said in kept["asks"].items()
    }
    lines = [f"{place}. {text}" if len(asked) > 1 else text for place, text in asked.items()]
    hint = say("still_true.more_hint" if len(asked) == 1 else "still_true.more_hint_numbers")
    return speech.menu(
        StillTrue.name,
        title=say("still_true.more_title"),
        text=say("still_true.more_text"),
        fields=[
            {"key": f"w{place}", "label": text, "value": (words or {}).get(place, "")}
            for place, text in asked.items()
        ],
        buttons=[{"verb": _WORDS, "label": say("still_true.continue"), "inputs": True}],
        about=interview.id,
        hint="\n".join([*lines, hint]),
    )


def _goes_on(chat: Chat, turn: Turn) -> Told:
    """What the reflection asks next, without another word."""
    return Told(replies=[interviewing.prompt(chat, turn)], begun=True)


def _entry(speech: Speech, one: Shown, place: int) -> Mapping[str, str]:
    """A lesson with its sentence, its office and year, and why it is shown."""
    say = speech.messages.say
    why = [
        say("still_true.why_own") if one.why.own else "",
        say("still_true.why_kind") if one.why.same_kind else "",
        _about(speech, one.about) if one.about and not one.why.own else "",
    ]
    where = ", ".join(part for part in (one.office, str(one.year or "")) if part)
    return {
        "number": str(place),
        "title": one.title,
        "quote": one.sentence,
        "note": " ".join([f"{where}.", *(reason for reason in why if reason)]),
        "link": one.web_url,
    }


def _about(speech: Speech, terms: Sequence[str]) -> str:
    listed = format_list(list(terms), locale=speech.messages.language)
    return speech.messages.say("still_true.why_about", terms=listed)
