"""Whether what was learnt before still holds: a card before a reflection's first question, and its text twin.

Nothing of it is needed to go on, and no reflection waits for it: where the lessons are not found at once, it
begins without them. The chat keeps the titles that were shown only until they are answered. The same card
shows lessons that are due to be confirmed, once the person opens it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
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
from km365.services import review_by, verdicts
from km365.services.still_true import About, Lessons, Shown
from km365.services.verdicts import VerdictDesk
from km365.store.outbox import Message
from km365_bots import interviewing
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.speech import Speech
from km365_bots.topics import Told, Topic, gives_back, refused

PATIENCE_S = 2.0
"""A reflection begins without older lessons where they are not found within this."""
_SAVE, _WORDS, _DUE = "save", "words", "due"
_NAMES: Mapping[Verdict, str] = {verdict: verdict.replace(" ", "_") for verdict in Verdict}
_GOES_ON = frozenset(
    {Command.START, Command.RESUME, Command.YES, Command.NO, Command.SKIP, Command.AGREE, Command.REFUSE}
)
_ASKS_MORE = frozenset(Verdict) - {Verdict.STILL_TRUE}
_OPEN = frozenset({InterviewState.OPEN, InterviewState.DRAFT})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Round:
    """Lessons that are shown together: before the reflection `turn`, or because they are to be confirmed."""

    id: str
    milestone: str
    language: str
    turn: Turn | None = None

    @classmethod
    def of(cls, turn: Turn) -> "_Round":
        """What is shown before a reflection."""
        interview = turn.interview
        return cls(id=interview.id, milestone=interview.subject, language=interview.language, turn=turn)


class StillTrue(Topic):
    """ "1 still true, 2 changed" before the first question; "earlier lessons" shows them again.

    "Lessons to confirm" shows those that nobody has confirmed for long.
    """

    name = "still_true"

    def __init__(self, lessons: Lessons, desk: VerdictDesk) -> None:
        self._lessons, self._desk = lessons, desk
        self._typed: Phrases[Verdict] | None = None

    async def before(self, chat: Chat, turn: Turn) -> Told | None:
        """The lessons a reflection on a milestone opens with; None where there are none to be had now."""
        interview = turn.interview
        shown = await self._look(chat, interview)
        if not shown:
            return None
        return _told(chat, _Round.of(turn), shown)

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """The lessons once more, or what is said to those shown; None for what is for the interview."""
        if wish == _DUE:
            return await self._due(chat, await review_by.latest_round(self._desk, chat.event.person_id))
        if wish:
            turn = await interviewing.current(chat)
            told = await self.before(chat, turn) if turn and turn.interview.state in _OPEN else None
            return told or Told(replies=[chat.speech.say("still_true.none")])
        kept = chat.state.get("waiting") or {}
        about = await _round(chat, str(kept.get("interview", "")))
        if about is None:
            return None
        return await self._heard(replace(chat, language=about.language), about, kept, meant)

    def tells(self, speech: Speech, message: Message) -> Reply | None:
        """That lessons are to be confirmed; which, whoever may read them sees when they open it."""
        if message.card != review_by.CARD:
            return None
        say, count = speech.messages.say, int(str(message.data.get("count", 1)))
        return speech.menu(
            self.name,
            title=say("still_true.due_title"),
            text=say("still_true.due_text", n=count),
            buttons=[{"verb": _DUE, "label": say("still_true.due_show")}],
            about=str(message.data.get("round", "")),
            hint=say("still_true.due_help"),
        )

    async def _due(self, chat: Chat, round_id: str) -> Told:
        """The lessons of a round that are still to be confirmed."""
        about = await _round(chat, round_id)
        if about is None:
            return Told(replies=[chat.speech.say("still_true.due_none")])
        try:
            shown = await review_by.open_round(
                self._desk, chat.event.person_id, about.milestone, at=chat.event.at
            )
        except KM365Error as error:
            _log.warning("Lessons to be confirmed are not shown: %s", error)
            return Told(replies=[chat.speech.say("find.away")])
        if not shown:
            return Told(replies=[chat.speech.say("still_true.due_none")])
        return _told(chat, about, shown)

    async def _heard(
        self, chat: Chat, about: _Round, kept: Mapping[str, Any], meant: Understood | None
    ) -> Told | None:
        """What is said to the lessons that were shown, or to what was asked about them."""
        asks = kept.get("asks")
        if meant is not None and not (asks and numbered(chat.event.text)):
            return _goes_on(chat, about) if meant.command in _GOES_ON else None
        if asks:
            return await self._worded(chat, about, kept)
        said = self._phrases(chat).spoken(chat.event.text, most=len(kept["titles"]))
        if said is not None:
            return await self._said(chat, about, said, kept["titles"])
        if about.turn is None:
            return None
        if refusal := await chat.keeps_out(chat.event.text):
            return refused(chat, refusal, waits=kept)
        return Told(replies=[chat.speech.say("still_true.not_understood")], waits=kept)

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """What was chosen or written on the card; "Continue" alone says nothing."""
        if pick.verb == _DUE:
            return await self._due(chat, pick.about)
        about = await _round(chat, pick.about)
        if about is None:
            return Told(replies=[chat.speech.say("chat.forged")])
        chat = replace(chat, language=about.language)
        kept = chat.state.get("waiting") or {}
        titles = kept.get("titles", {}) if kept.get("interview") == about.id else {}
        if pick.verb == _WORDS:
            words = {key[1:]: text.strip() for key, text in pick.inputs.items() if key.startswith("w")}
            return await self._keep_words(
                chat, about, {key: text for key, text in words.items() if text}, kept
            )
        chosen = {key[1:]: value for key, value in pick.inputs.items() if key.startswith("v")}
        said = {
            int(key): Verdict(value)
            for key, value in chosen.items()
            if key.isdecimal() and value in frozenset(Verdict)
        }
        return await self._said(chat, about, said, titles)

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
        self, chat: Chat, about: _Round, said: Mapping[int, Verdict], titles: Mapping[str, str]
    ) -> Told:
        """Keeps the verdicts, by the place of each on the card; then one thing more is asked, if anything."""
        person_id, milestone = chat.event.person_id, about.milestone
        shown = await verdicts.shown(self._desk.db, person_id, milestone)
        by_id = {one.item_id: said[one.place] for one in shown if one.place in said}
        if not by_id:
            return _goes_on(chat, about)
        await verdicts.say(self._desk, by_id, person_id=person_id, milestone=milestone, at=chat.event.at)
        asks = {str(place): one for place, one in sorted(said.items()) if one in _ASKS_MORE}
        asks = {place: one for place, one in asks.items() if place in titles}
        if not asks:
            return Told(replies=[chat.speech.say("still_true.thanks")])
        kept = {"interview": about.id, "titles": {place: titles[place] for place in asks}}
        kept |= {"asks": {place: one.value for place, one in asks.items()}}
        return Told(replies=[_more(chat, about, kept)], waits=kept, own_words=True)

    async def _worded(self, chat: Chat, about: _Round, kept: Mapping[str, Any]) -> Told:
        """A sentence to one of the lessons that were asked about: by its number, or to the only one."""
        said, asks = numbered(chat.event.text), kept["asks"]
        if said is not None and str(said.number) in asks and said.text:
            return await self._keep_words(chat, about, {str(said.number): said.text}, kept)
        if len(asks) == 1:
            return await self._keep_words(chat, about, dict.fromkeys(asks, chat.event.text.strip()), kept)
        if refusal := await chat.keeps_out(chat.event.text):
            return refused(chat, refusal, waits=kept, own_words=True)
        reply = chat.speech.say("still_true.more_hint_numbers")
        return Told(replies=[reply], waits=kept, own_words=True)

    async def _keep_words(
        self, chat: Chat, about: _Round, words: Mapping[str, str], kept: Mapping[str, Any]
    ) -> Told:
        """Keeps the sentences, but none that belongs to another channel; goes on once all were asked for."""
        if not words:
            return _goes_on(chat, about, said=True)
        waits = kept if kept.get("asks") else None
        if refusal := await chat.keeps_out(*words.values()):
            told = refused(chat, refusal, waits=waits, own_words=waits is not None)
            if waits is None or not gives_back(chat, refusal):
                return told
            card = _more(chat, about, kept, words)
            return Told(replies=[*told.replies, card], waits=waits, own_words=True)
        person_id, milestone = chat.event.person_id, about.milestone
        shown = await verdicts.shown(self._desk.db, person_id, milestone)
        by_id = {one.item_id: words[str(one.place)] for one in shown if str(one.place) in words}
        await verdicts.add_words(self._desk, by_id, person_id=person_id, milestone=milestone)
        left = {place: one for place, one in (waits or {}).get("asks", {}).items() if place not in words}
        if left and chat.event.kind is EventKind.MESSAGE:
            rest = {**kept, "asks": left, "titles": {place: kept["titles"][place] for place in left}}
            return Told(replies=[_more(chat, about, rest)], waits=rest, own_words=True)
        return Told(replies=[chat.speech.say("still_true.thanks")])

    def _phrases(self, chat: Chat) -> Phrases[Verdict]:
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


async def _round(chat: Chat, about: str) -> _Round | None:
    """The lessons shown together under that id: an interview's, or those of a day's round."""
    if about.startswith(review_by.ROUND):
        return _Round(id=about, milestone=about, language=chat.language)
    turn = await interviewing.named(chat, about) if about else None
    return _Round.of(turn) if turn else None


def _told(chat: Chat, about: _Round, shown: Sequence[Shown]) -> Told:
    """The card, and what the chat keeps of it."""
    titles = {str(place): one.title for place, one in enumerate(shown, start=1)}
    reply = _card(chat.speaking(about.language), about, shown)
    return Told(replies=[reply], waits={"interview": about.id, "titles": titles})


def _card(speech: Speech, about: _Round, shown: Sequence[Shown]) -> Reply:
    """The lessons, each with a choice below it."""
    say, due = speech.messages.say, "due_" if about.turn is None else ""
    choices = [
        {"value": verdict.value, "label": say(f"still_true.{name}")} for verdict, name in _NAMES.items()
    ]
    return speech.menu(
        StillTrue.name,
        title=say(f"still_true.{due}title"),
        text=say(f"still_true.{due}intro"),
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
        about=about.id,
        hint=say(f"still_true.{due}hint"),
    )


def _more(
    chat: Chat, about: _Round, kept: Mapping[str, Any], words: Mapping[str, str] | None = None
) -> Reply:
    """What changed, or what was done: a field for each lesson that somebody said so of."""
    speech = chat.speaking(about.language)
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
        about=about.id,
        hint="\n".join([*lines, hint]),
    )


def _goes_on(chat: Chat, about: _Round, *, said: bool = False) -> Told:
    """What the reflection asks next, without another word; `said` is whether anything was said before."""
    if about.turn is not None:
        return Told(replies=[interviewing.prompt(chat, about.turn)], begun=True)
    return Told(replies=[chat.speech.say("still_true.thanks" if said else "still_true.due_later")])


def _entry(speech: Speech, one: Shown, place: int) -> Mapping[str, str]:
    """A lesson with its sentence, its office and year, and why it is shown."""
    say = speech.messages.say
    why = [
        say("still_true.why_own") if one.why.own else "",
        say("still_true.why_kind") if one.why.same_kind else "",
        _about(speech, one.about) if one.about and not one.why.own else "",
        _unconfirmed(speech, one.unconfirmed_since) if one.unconfirmed_since else "",
    ]
    where = ", ".join(part for part in (one.office, str(one.year or "")) if part)
    return {
        "number": str(place),
        "title": one.title,
        "quote": one.sentence,
        "note": " ".join([f"{where}.", *(reason for reason in why if reason)]),
        "link": one.web_url,
    }


def _unconfirmed(speech: Speech, since: date) -> str:
    return f"{speech.messages.say('notice.unconfirmed', month=speech.messages.month(since))}."


def _about(speech: Speech, terms: Sequence[str]) -> str:
    listed = format_list(list(terms), locale=speech.messages.language)
    return speech.messages.say("still_true.why_about", terms=listed)
