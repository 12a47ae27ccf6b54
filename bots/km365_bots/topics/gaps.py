"""What handovers leave open: listed to who sees to it, closed, given to somebody else, another day or way.

The chat keeps whose gap was listed at which place and what was asked about which, by id: no word of anybody.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from km365.core.chat import Reply
from km365.core.commands import Understood
from km365.core.gaps import Gap, Method
from km365.core.schedule import day_at
from km365.documents.gap_words import GapWords
from km365.errors import GraphError, InputRefused, NotFound
from km365.services import gaps, gaps_followed
from km365.services.gaps import GapDesk, Shown, Wanted
from km365.store.outbox import Message
from km365_bots.buttons import Pick
from km365_bots.chat import WAITING, Chat
from km365_bots.moments import Moments
from km365_bots.speech import Speech
from km365_bots.topics import LEAVING, NotWanted, Told, Topic, gives_back, refused
from km365_bots.topics.numbered import AROUND, phrases, said_of

_CLOSE, _OWNER, _DAY, _METHOD = _VERBS = ("close", "owner", "day", "method")
_SAVE, _WHICH, _LIST = "save", "which", "list"
_SIGN_IN = re.compile(r"[^\s@]+@[^\s@]+")


class OpenGaps(Topic):
    """ "Open gaps", and then "1 closed: we met", "2 owner: name@…", "2 by: 1 June", "3 how: shadowing"."""

    name = "gaps"
    for_whom = LEAVING

    def __init__(self, desk: GapDesk) -> None:
        self._desk, self._moments = desk, Moments()

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """The list, what is said to a gap of it, or the answer to what was asked about one."""
        try:
            return await self._list(chat) if wish else await self._heard(chat, meant)
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])

    async def _heard(self, chat: Chat, meant: Understood | None) -> Told | None:
        kept = chat.state.get(WAITING) or {}
        if kept.get("asks"):
            words = chat.event.text.strip()
            return None if meant else await self._answer(chat, str(kept["gap"]), str(kept["asks"]), words)
        listed = _listed(chat)
        number, verb, words = said_of(chat, self.name, _VERBS)
        open_ = [one for one in listed if one]
        if not verb or not (1 <= number <= len(listed) or (number == 0 and len(open_) == 1)):
            return None
        gap = listed[number - 1] if number else open_[0]
        if not gap:
            return Told(replies=[chat.speech.say("gaps.not_yours")], waits={"gaps": listed})
        return await (self._answer(chat, gap, verb, words) if words else self._ask(chat, gap, verb))

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """A button of a gap, of the list of them, or of the card that asked something about one."""
        try:
            gap, _, asked = pick.about.partition("|")
            if pick.verb == _SAVE and asked in _VERBS:
                return await self._answer(chat, gap, asked, pick.inputs.get("words", "").strip())
            gap = pick.inputs.get(_WHICH, "") if gap == _LIST else gap
            if pick.verb in _VERBS and gap:
                return await self._ask(chat, gap, pick.verb)
            return await self._list(chat)
        except GraphError:
            return Told(replies=[chat.speech.say("find.away")])

    def tells(self, speech: Speech, message: Message) -> Reply | None:
        """That something is open; what, whoever may read it sees when they open it."""
        if message.card != gaps_followed.CARD:
            return None
        say = speech.messages.say
        return speech.menu(
            self.name,
            title=say("gaps.told_title"),
            text=say("gaps.told_text", n=int(str(message.data.get("count", 1)))),
            buttons=[{"verb": _LIST, "label": say("gaps.told_show")}],
            about=_LIST,
            hint=say("gaps.told_hint"),
        )

    async def as_sent(self, speech: Speech, message: Message) -> Reply | None:
        """The same with what is open now. Raises NotWanted where all was closed meanwhile."""
        if message.card != gaps_followed.CARD:
            return None
        shown = await gaps.list_(self._desk, message.person_id)
        mine = [gap for one in shown for gap in _theirs(one, message)]
        if not mine:
            raise NotWanted("All gaps were closed meanwhile.")
        return self.tells(speech, _with_count(message, len(mine)))

    async def _list(self, chat: Chat, *, first: str = "") -> Told:
        """What is open and this person may see; of several handovers some each.

        After something was done, `first` says so, and each gap keeps the number it had in the list before.
        """
        found = await gaps.list_(self._desk, chat.event.person_id)
        say, words = chat.speech.messages.say, self._words(chat)
        if not found:
            return Told(replies=[chat.speech.say("gaps.none")])
        each = max(2, words.rules.most // len(found))
        listed = [(one, gap) for one in found for gap in one.open[:each]][: max(each, words.rules.most)]
        more = sum(len(one.open) for one in found) - len(listed)
        lines = [first, _last_day(chat.speech, found), say("gaps.more", count=more) if more else ""]
        places = _places([_key(one, gap) for one, gap in listed], _listed(chat) if first else ())
        listed.sort(key=lambda one: places.index(_key(*one)))
        numbers = [places.index(_key(*one)) + 1 for one in listed]
        may = [one.circle.may_close(gap, chat.event.person_id) for one, gap in listed]
        verbs = _VERBS if any(one.may_set for one in found) else (_CLOSE,) if any(may) else ()
        choices = [
            {"value": _key(one, gap), "label": f"{number} · {words.what(gap)}"}
            for number, (one, gap), mine in zip(numbers, listed, may, strict=True)
            if mine
        ]
        which = {"key": _WHICH, "label": say("gaps.which"), "choices": choices}
        reply = chat.speech.menu(
            self.name,
            title=_title(chat.speech, found),
            text="\n".join(line for line in lines if line),
            entries=[
                *_note(chat.speech, found),
                *(
                    _entry(chat, words, one, gap, number, several=len(found) > 1)
                    for number, (one, gap) in zip(numbers, listed, strict=True)
                ),
            ],
            fields=[which | {"value": choices[0]["value"]}] if choices else [],
            buttons=[{"verb": verb, "label": say(f"gaps.button_{verb}"), "inputs": True} for verb in verbs],
            about=_LIST,
            hint=say("gaps.hint" if len(verbs) > 1 else "gaps.hint_close") if verbs else "",
        )
        return Told(
            replies=[chat.in_place(reply) if first else reply], waits={"gaps": places} if verbs else None
        )

    async def _ask(self, chat: Chat, gap: str, verb: str, *, problem: str = "", words: str = "") -> Told:
        """Asks what was done, for the owner, the day or the way."""
        found = await self._one(chat, gap, verb)
        if found is None:
            return Told(replies=[chat.speech.say("gaps.not_yours")])
        say, told = chat.speech.messages.say, self._words(chat)
        methods = {one.value: told.method(one) for one in Method}
        entry: dict[str, Any] = {"key": "words", "label": say(f"gaps.label_{verb}"), "value": words}
        if verb == _METHOD:
            entry["choices"] = [{"value": key, "label": label} for key, label in methods.items()]
            entry["value"] = found.method.value
        reply = chat.speech.menu(
            self.name,
            title=told.what(found),
            text="\n".join(filter(None, (problem and say(f"gaps.{problem}"), say(f"gaps.ask_{verb}")))),
            fields=[entry],
            buttons=[{"verb": _SAVE, "label": say(f"gaps.save_{verb}"), "inputs": True}],
            about=f"{gap}|{verb}",
            hint=say(f"gaps.hint_{verb}_words", methods=chat.speech.messages.any_of(list(methods.values()))),
        )
        return Told(replies=[reply], waits=_asked(chat, gap, verb), own_words=True)

    async def _answer(self, chat: Chat, gap: str, verb: str, words: str) -> Told:
        """Does what was said; what belongs to another channel is kept nowhere."""
        if words and (refusal := await chat.keeps_out(words)):
            told = refused(chat, refusal, waits=_asked(chat, gap, verb), own_words=True)
            if not gives_back(chat, refusal):
                return told
            again = await self._ask(chat, gap, verb, words=words)
            return Told(replies=[*told.replies, *again.replies], waits=again.waits, own_words=True)
        meant = self._meant(chat, verb, words)
        try:
            first = await self._do(chat, gap, verb, meant, words) if meant else ""
        except (InputRefused, NotFound):
            first = ""
        if not first:
            return await self._ask(chat, gap, verb, problem=f"no_{verb}", words=words)
        return await self._list(chat, first=first)

    async def _do(self, chat: Chat, gap: str, verb: str, wanted: Wanted, words: str) -> str:
        """Does it, and says so. Raises what `services.gaps` raises."""
        person, number = _split(gap)
        reader, at, say = chat.event.person_id, chat.event.at, chat.speech.messages.say
        if verb == _CLOSE:
            await gaps.close(self._desk, person, number, words, reader=reader, at=at)
            return say("gaps.done_close")
        shown = await gaps.set_(self._desk, person, number, wanted, reader=reader, at=at)
        after = next(one for one in shown.gaps if one.number == number)
        name = shown.names.get(shown.circle.owner_of(after), "")
        day, method = chat.speech.messages.day(after.due_on), self._words(chat).method(after.method)
        return say(f"gaps.done_{verb}", name=name, day=day, method=method)

    def _meant(self, chat: Chat, verb: str, words: str) -> Wanted | None:
        """What is to be different, by these words; None where they do not say it."""
        if verb == _OWNER:
            found = _SIGN_IN.search(words)
            return Wanted(owner=found[0].strip(AROUND)) if found else None
        if verb == _DAY:
            day = self._day(chat, words)
            return Wanted(due_on=day) if day else None
        if verb == _METHOD:
            method = _method(chat, words)
            return Wanted(method=method) if method else None
        return Wanted() if words else None

    def _day(self, chat: Chat, words: str) -> date | None:
        """The day that is meant, today at the earliest."""
        found = self._moments.read(chat, words)
        day = day_at(found, chat.hours) if found else None
        return day if day and day >= day_at(chat.event.at, chat.hours) else None

    async def _one(self, chat: Chat, gap: str, verb: str) -> Gap | None:
        """The gap as it is now, where it is open and this person may do that with it."""
        person, number = _split(gap)
        reader = chat.event.person_id
        try:
            shown = await gaps.get(self._desk, person, reader, number=number)
        except NotFound:
            return None
        found = next((one for one in shown.open if one.number == number), None)
        if found is None:
            return None
        may = shown.circle.may_close(found, reader) if verb == _CLOSE else shown.may_set
        return found if may else None

    def _words(self, chat: Chat) -> GapWords:
        return GapWords.of(self._desk.banks, self._desk.rules(), chat.language)


def _theirs(shown: Shown, message: Message) -> Sequence[Gap]:
    """The open gaps that this person sees to."""
    return [one for one in shown.open if shown.circle.owner_of(one) == message.person_id]


def _with_count(message: Message, count: int) -> Message:
    return Message(**{**vars(message), "data": {"count": count}})


def _title(speech: Speech, found: Sequence[Shown]) -> str:
    if len(found) > 1:
        return speech.messages.say("gaps.title_many")
    return _named(speech, "gaps.title", found[0])


def _named(speech: Speech, key: str, shown: Shown) -> str:
    """A sentence that names the post and the person."""
    post, person = shown.handover.post, shown.person or shown.handover.office
    return speech.messages.say(key, post=speech.apart(post), person=speech.apart(person))


def _last_day(speech: Speech, found: Sequence[Shown]) -> str:
    """Of a single handover its last day."""
    if len(found) > 1:
        return ""
    return speech.messages.say("gaps.last_day", day=speech.messages.day(found[0].handover.last_on))


def _note(speech: Speech, found: Sequence[Shown]) -> list[Mapping[str, str]]:
    """Of a single handover its note, to be opened."""
    url = found[0].note_url if len(found) == 1 else ""
    return [{"title": speech.messages.say("gaps.note"), "link": url, "number": ""}] if url else []


def _entry(
    chat: Chat, words: GapWords, shown: Shown, gap: Gap, number: int, *, several: bool
) -> Mapping[str, str]:
    """What is open, why it matters, and how, by whom and by when it is to be closed."""
    say, speech = chat.speech.messages.say, chat.speech
    late = gap.due_on < day_at(chat.event.at, chat.hours)
    owner = shown.names.get(shown.circle.owner_of(gap), "")
    why = [_named(speech, "gaps.of", shown) if several else "", words.why(gap)]
    said = [
        say("gaps.how", method=words.method(gap.method)),
        say("gaps.who", name=speech.apart(owner)) if owner else "",
        say("gaps.late" if late else "gaps.by", day=speech.messages.day(gap.due_on)),
    ]
    lines = [" ".join(filter(None, part)) for part in (why, said)]
    return {"number": str(number), "title": words.what(gap), "note": "\n".join(filter(None, lines))}


def _listed(chat: Chat) -> Sequence[str]:
    """The gaps of the list that was shown last, by place; "" where one was closed."""
    kept = chat.state.get(WAITING) or {}
    return kept.get("gaps", ()) if kept.get("topic") == OpenGaps.name else ()


def _places(keys: Sequence[str], before: Sequence[str]) -> list[str]:
    """The gaps by place: those of the list before where they were, the others behind them."""
    return [one if one in keys else "" for one in before] + [one for one in keys if one not in before]


def _asked(chat: Chat, gap: str, verb: str) -> Mapping[str, Any]:
    """What the chat keeps while something is asked about a gap."""
    return {"gap": gap, "asks": verb, "gaps": _listed(chat)}


def _key(shown: Shown, gap: Gap) -> str:
    return f"{shown.handover.person_id}/{gap.number}"


def _split(key: str) -> tuple[str, int]:
    person, _, number = key.rpartition("/")
    return person, int(number) if number.isdecimal() else 0


def _method(chat: Chat, words: str) -> Method | None:
    """The way that is meant, as the card has it or as it is said in any language."""
    wanted = words.strip(AROUND).casefold()
    for method in Method:
        if wanted == method or wanted in {one.casefold() for one in phrases(chat, OpenGaps.name, method)}:
            return method
    return None
