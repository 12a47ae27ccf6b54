"""The questions with which a contribution came back, asked one by one where its draft is open again.

An answer goes where its words belong in the draft, and is kept beside its question for whoever asked. The
chat remembers which question is asked, by number: the words are with the interview.
"""

from collections.abc import Mapping
from typing import Any

from km365.core.answers import key_of, placed, questions_of
from km365.core.commands import Command, Understood
from km365.core.interviews import InterviewState
from km365.core.notes import Note
from km365.core.said import clean
from km365.core.turns import Turn
from km365.store import moves
from km365_bots import interviewing
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.meaning import worded
from km365_bots.topics import Told, Topic, gives_back, refused

_CUES = "lesson"
"""The bank whose cues tell where a sentence belongs."""


class Answers(Topic):
    """ "In Mara and Kilo", "skip"."""

    name = "answers"

    async def reopened(self, chat: Chat, turn: Turn, text: str = "") -> Told | None:
        """The first question without an answer, or what comes of `text` as that; None where there is none."""
        asked, edits = await _questions(chat, turn), turn.interview.edits
        left = [number for number, one in enumerate(asked) if not edits.get(key_of(one))]
        if not left:
            return None
        if text:
            return await self._answer(chat, turn, left[0], text)
        return self._ask(chat, turn, asked, left[0])

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """An answer, or "skip"; any other command is for the draft."""
        kept = _kept(chat)
        turn = await interviewing.named(chat, str(kept.get("interview", "")))
        if turn is None or turn.interview.state is not InterviewState.DRAFT:
            return None
        number = int(kept["number"])
        if kept.get("done") and kept["done"] == chat.activity_key:
            return self._ask(chat, turn, await _questions(chat, turn), number)
        if meant is not None:
            return await self._next(chat, turn, number) if meant.command is Command.SKIP else None
        return await self._answer(chat, turn, number, chat.event.text)

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """The answer on the card, or that there is none."""
        interview_id, _, place = pick.about.rpartition("|")
        turn = await interviewing.named(chat, interview_id)
        if turn is None or not place.isdecimal():
            return Told(replies=[chat.speech.say("chat.forged")])
        if turn.interview.state is not InterviewState.DRAFT:
            return Told(replies=[chat.speech.say("notes.late"), interviewing.prompt(chat, turn)], begun=True)
        text = pick.inputs.get("words", "").strip()
        if pick.verb == "skip" or not text:
            return await self._next(chat, turn, int(place))
        return await self._answer(chat, turn, int(place), text)

    def _ask(
        self, chat: Chat, turn: Turn, asked: list[str], number: int, *, value: str = "", done: str = ""
    ) -> Told:
        if number >= len(asked):
            said = chat.speech.say("answers.done")
            return Told(replies=[said, interviewing.prompt(chat, turn)], begun=True)
        say = chat.speech.messages.say
        reply = chat.speech.menu(
            self.name,
            title=say("answers.title", number=str(number + 1), total=str(len(asked))),
            text=asked[number],
            fields=[{"key": "words", "label": say("answers.label"), "value": value, "multiline": True}],
            buttons=[
                {"verb": "answer", "label": say("answers.send"), "inputs": True},
                {"verb": "skip", "label": say("answers.skip")},
            ],
            about=f"{turn.interview.id}|{number}",
            hint=say("answers.hint"),
        )
        waits = {"interview": turn.interview.id, "number": number, "done": done}
        return Told(replies=[chat.in_place(reply)], waits=waits, own_words=True)

    async def _next(self, chat: Chat, turn: Turn, number: int) -> Told:
        return self._ask(chat, turn, await _questions(chat, turn), number + 1, done=chat.activity_key)

    async def _answer(self, chat: Chat, turn: Turn, number: int, text: str) -> Told:
        """Keeps the answer, but none that belongs to another channel, and asks the next."""
        if refusal := await chat.keeps_out(text):
            waits = {"interview": turn.interview.id, "number": number}
            told = refused(chat, refusal, waits=waits, own_words=True)
            if not gives_back(chat, refusal):
                return told
            card = self._ask(chat, turn, await _questions(chat, turn), number, value=text)
            return Told(replies=[*told.replies, *card.replies], waits=card.waits, own_words=True)
        asked = await _questions(chat, turn)
        if number >= len(asked) or turn.interview.edits.get(key_of(asked[number])) == clean(text):
            return self._ask(chat, turn, asked, number + 1, done=chat.activity_key)
        cues = chat.parts.banks.get(_CUES, turn.interview.language)
        fields = placed(text, worded(chat, turn.interview), cues)
        after = await interviewing.keep(chat, turn, {**fields, key_of(asked[number]): text})
        if Note.TOO_LONG in after.notes:
            waits = {"interview": turn.interview.id, "number": number}
            return Told(replies=[chat.speech.say("answers.too_long")], waits=waits, own_words=True)
        return await self._next(chat, after, number)


async def _questions(chat: Chat, turn: Turn) -> list[str]:
    """What was asked when the item of this interview came back; none where it has not."""
    return questions_of(await chat.parts.db.run(moves.list_, f"KM-{turn.interview.id}"))


def _kept(chat: Chat) -> Mapping[str, Any]:
    kept = chat.state.get("waiting")
    return kept if isinstance(kept, Mapping) else {}
