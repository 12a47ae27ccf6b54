"""Lessons found in a leaver's answers: one card at a time below the draft of the note, and its text twin.

The note waits for none of it. A card names its lesson by the answer it was found in; what the chat keeps for
a day are the titles of lessons like it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from km365.core.audience import Audience
from km365.core.chat import Reply
from km365.core.commands import Command, Understood, plain
from km365.core.drafting import label
from km365.core.found_lessons import Found, is_time
from km365.core.interviews import Interview
from km365.core.knowledge import WRITTEN_FIELDS, Relation
from km365.core.languages import LANGUAGES
from km365.core.still_true import Phrases
from km365.core.turns import Turn
from km365.errors import KM365Error
from km365.services.found_lessons import FoundLessons
from km365.services.near import Near as Alike
from km365.services.near import Shown
from km365.services.tell import BANK
from km365.services.verdicts import VerdictDesk
from km365_bots import interviewing
from km365_bots.buttons import Pick
from km365_bots.chat import WAITING, Chat
from km365_bots.meaning import bank_of
from km365_bots.speech import Speech
from km365_bots.topics import LEAVING, Told, Topic, refused
from km365_bots.topics.near import PATIENCE_S, entry_of

FOUND = "found"
"""Where the state of a chat holds which lesson was shown, and which are like it."""
_PROPOSE, _CHANGE, _LEAVE, _CONFIRM = "propose", "change", "leave", "confirm"
_SURE = "sure_"
"""Before `propose` or `change`: the second yes to it."""
_YES = frozenset({Command.YES, Command.AGREE})
_NO = frozenset({Command.NO, Command.REFUSE})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """The lesson that was shown last, and the titles of those like it by their ids."""

    interview: str = ""
    question: str = ""
    alike: Mapping[str, str]

    @classmethod
    def of(cls, chat: Chat) -> "_Shown":
        kept = chat.state.get(FOUND) or {}
        return cls(
            interview=kept.get("interview", ""),
            question=kept.get("question", ""),
            alike=kept.get("alike", {}),
        )


class FoundInAnswers(Topic):
    """ "propose it", "change it first", "not this one"; "lessons in my answers" shows it again."""

    name = "found"
    for_whom = LEAVING

    def __init__(self, lessons: FoundLessons, alike: Alike, desk: VerdictDesk) -> None:
        self._lessons, self._alike, self._desk = lessons, alike, desk
        self._typed: dict[str, set[str]] = {}
        self._confirms: Phrases[Relation] | None = None

    async def beside(self, chat: Chat, turn: Turn) -> Told | None:
        """The first lesson that waits for an answer, shown once and then only waited for."""
        waiting = self._waiting(chat, turn)
        if not waiting:
            return None
        kept = _Shown.of(chat)
        if (kept.interview, kept.question) == (turn.interview.id, waiting[0].question):
            return Told(replies=[], waits={})
        return await self._show(chat, turn.interview, waiting[0])

    def _waiting(self, chat: Chat, turn: Turn) -> Sequence[Found]:
        return (
            self._lessons.of(turn.interview) if is_time(turn.interview, bank_of(chat, turn.interview)) else ()
        )

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """The next lesson once more, or what is said to the one shown; None for what is for the note."""
        if wish:
            return await self._asked(chat)
        kept = _Shown.of(chat)
        turn = await interviewing.named(chat, kept.interview)
        if turn is None:
            return None
        if chat.activity_key in turn.interview.heard:  # it comes again, and has been done
            return await self._next(chat, turn, [])
        sure = str((chat.state.get(WAITING) or {}).get("sure", ""))
        if verb := _second(sure, meant) if sure else self._verb(chat):
            return await self._said(chat, turn, kept.question, verb, sure=bool(sure))
        confirmed = self._phrases(chat).spoken(chat.event.text, most=len(kept.alike)) if kept.alike else None
        if sure or not confirmed or len(confirmed) > 1:
            return None
        return await self._confirm(chat, turn, kept.question, list(kept.alike)[min(confirmed) - 1])

    async def _asked(self, chat: Chat) -> Told:
        interview = await self._lessons.last(chat.event.person_id)
        if interview is None:
            return Told(replies=[chat.speech.say("found.none")])
        return await self._show(chat, interview, self._lessons.of(interview)[0])

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """A button of a lesson's card, or of those like it."""
        interview_id, question, *alike = pick.about.split("/")
        turn = await interviewing.named(chat, interview_id)
        if turn is None:
            return Told(replies=[chat.speech.say("found.gone")])
        if chat.activity_key in turn.interview.heard:
            return await self._next(chat, turn, [])
        number = pick.verb.removeprefix(_CONFIRM)
        if pick.verb.startswith(_CONFIRM) and number.isdecimal() and 0 < int(number) <= len(alike):
            return await self._confirm(chat, turn, question, alike[int(number) - 1])
        verb = pick.verb.removeprefix(_SURE)
        if verb not in {_PROPOSE, _CHANGE, _LEAVE}:
            return Told(replies=[chat.speech.say("chat.forged")])
        return await self._said(chat, turn, question, verb, sure=pick.verb.startswith(_SURE))

    async def _said(self, chat: Chat, turn: Turn, question: str, verb: str, *, sure: bool = False) -> Told:
        """What the person wants of a lesson: an item of its own, its draft, or nothing."""
        chat = replace(chat, language=turn.interview.language)
        one = next((one for one in self._lessons.of(turn.interview) if one.question == question), None)
        if one is None:
            return await self._next(chat, turn, [chat.speech.say("found.gone")])
        if verb == _LEAVE:
            await self._lessons.leave(
                turn.interview.id, question, activity=chat.activity_key, now=chat.event.at
            )
            return await self._next(chat, turn, [chat.speech.say("found.left")])
        if one.wider and not sure:
            return Told(
                replies=[_surely(chat.about(turn.interview), turn.interview, one, verb)], waits={"sure": verb}
            )
        if refusal := await chat.keeps_out(*one.words.values()):
            return refused(chat, refusal)
        return await self._made(chat, turn, one, send=verb == _PROPOSE)

    async def _made(self, chat: Chat, turn: Turn, one: Found, *, send: bool) -> Told:
        """The lesson goes its way, or its draft lies before the person, and the note waits."""
        made = await self._lessons.propose(
            turn.interview.id,
            one.question,
            send=send,
            activity=chat.activity_key,
            now=chat.event.at,
            new_id=chat.parts.new_id,
        )
        draft = await interviewing.named(chat, made)
        if draft is None or send:
            title = chat.speech.apart(one.item.title)
            key = "found.proposed" if draft else "found.gone"
            return await self._next(chat, turn, [chat.speech.say(key, title=title)])
        return Told(replies=[chat.speech.say("found.drafted"), interviewing.prompt(chat, draft)], begun=True)

    async def _confirm(self, chat: Chat, turn: Turn, question: str, item_id: str) -> Told:
        """A lesson there is holds here too, says this person; nothing new is filed."""
        chat = replace(chat, language=turn.interview.language)
        await self._lessons.confirm(
            self._desk,
            turn.interview,
            question,
            item_id,
            activity=chat.activity_key,
            now=chat.event.at,
        )
        title = chat.speech.apart(_Shown.of(chat).alike.get(item_id, item_id))
        return await self._next(chat, turn, [chat.speech.say("found.confirmed", title=title)])

    async def _next(self, chat: Chat, before: Turn, said: Sequence[Reply]) -> Told:
        """What was said, and the next lesson; where there is none, the note again where it is open."""
        turn = await interviewing.named(chat, before.interview.id)
        waiting = self._waiting(chat, turn) if turn else ()
        if turn is None or not waiting:
            return Told(replies=said or [chat.speech.say("found.gone")])
        told = await self._show(chat, turn.interview, waiting[0])
        return replace(told, replies=[*said, *told.replies])

    async def _show(self, chat: Chat, interview: Interview, one: Found) -> Told:
        alike = await self._like(chat, interview, one)
        kept = {
            "interview": interview.id,
            "question": one.question,
            "alike": {other.item_id: other.title for other in alike},
            "at": chat.event.at.isoformat(),
        }
        await chat.remember(**{FOUND: kept})
        speech = chat.about(interview)
        bank = chat.parts.banks.get(BANK, interview.language)
        labels = {name: label(bank, one.item.kind, name) for name in WRITTEN_FIELDS[1:]}
        cards = [_card(speech, interview, one, labels)]
        if alike:
            cards.append(_alike(speech, interview, one, alike))
        return Told(replies=cards, waits={})

    async def _like(self, chat: Chat, interview: Interview, one: Found) -> Sequence[Shown]:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._alike.like(one.item, chat.event.person_id, language=interview.language)
        except (KM365Error, TimeoutError) as error:
            _log.warning("A lesson is proposed without similar ones: %s", error or "they took too long")
            return ()

    # What people type -----------------------------------------------------------------------------------

    def _verb(self, chat: Chat) -> str:
        """What the words mean, in any language; "" where they are for something else."""
        if not self._typed:
            texts = [chat.parts.catalogue.get(tag).texts for tag in LANGUAGES]
            for verb in (_PROPOSE, _CHANGE, _LEAVE):
                self._typed[verb] = {
                    plain(str(one)) for words in texts for one in words[f"found.{verb}_words"]
                }
        said = plain(chat.event.text)
        return next((verb for verb, words in self._typed.items() if said in words), "")

    def _phrases(self, chat: Chat) -> Phrases[Relation]:
        if self._confirms is None:
            texts = [chat.parts.catalogue.get(tag).texts for tag in LANGUAGES]
            words = [str(one) for texts_of in texts for one in texts_of["near.confirms_words"]]
            self._confirms = Phrases(verdicts={Relation.CONFIRMS: words}, everything=())
        return self._confirms


def _second(wanted: str, meant: Understood | None) -> str:
    """What a yes or a no to more readers means."""
    said = meant.command if meant else None
    return wanted if said in _YES else _LEAVE if said in _NO else ""


def _about(interview: Interview, one: Found, *alike: str) -> str:
    return "/".join([interview.id, one.question, *alike])


def _card(speech: Speech, interview: Interview, one: Found, labels: Mapping[str, str]) -> Reply:
    """The lesson as it would be, and who would read it."""
    say, item = speech.messages.say, one.item
    answer = interview.answer(one.question)
    kept_to = say(f"audience.{answer.audience if answer else Audience.SUCCESSOR}")
    who = say("found.who", who=say(f"audience.{item.audience}"))
    return speech.menu(
        FoundInAnswers.name,
        title=say("found.title"),
        text="\n\n".join(
            [say("found.intro"), who, *([say("found.wider", who=kept_to)] if one.wider else [])]
        ),
        entries=[
            {"title": item.title},
            *({"title": name, "quote": text} for key, name in labels.items() if (text := getattr(item, key))),
        ],
        buttons=[{"verb": verb, "label": say(f"found.{verb}")} for verb in (_PROPOSE, _CHANGE, _LEAVE)],
        about=_about(interview, one),
        hint=say("found.hint"),
    )


def _alike(speech: Speech, interview: Interview, one: Found, alike: Sequence[Shown]) -> Reply:
    """What colleagues have learned that is like it: it may be enough to confirm one of these."""
    say = speech.messages.say
    return speech.menu(
        FoundInAnswers.name,
        title=say("near.title"),
        text=say("found.alike"),
        entries=[entry_of(speech, other, place) for place, other in enumerate(alike, start=1)],
        buttons=[
            {"verb": f"{_CONFIRM}{place}", "label": say("found.confirm"), "entry": place}
            for place in range(1, len(alike) + 1)
        ],
        about=_about(interview, one, *(other.item_id for other in alike)),
        hint=say("found.alike_hint"),
    )


def _surely(speech: Speech, interview: Interview, one: Found, verb: str) -> Reply:
    """Asks for the second yes to more readers than the answer has."""
    say, answer = speech.messages.say, interview.answer(one.question)
    kept_to = say(f"audience.{answer.audience if answer else Audience.SUCCESSOR}")
    return speech.menu(
        FoundInAnswers.name,
        title=say("found.sure_title"),
        text=say("found.sure_text", narrow=kept_to, who=say(f"audience.{one.item.audience}")),
        entries=[{"title": one.item.title}],
        buttons=[
            {"verb": f"{_SURE}{verb}", "label": say("found.sure_yes")},
            {"verb": _LEAVE, "label": say("found.sure_no")},
        ],
        about=_about(interview, one),
        hint=say("found.sure_hint"),
    )
