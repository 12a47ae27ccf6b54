"""A group reflects together: somebody asks for it there, each member is asked alone, the group hears."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from km365.core.chat import Event, EventKind, Reply
from km365.core.commands import Understood
from km365.core.group_reflection import LIMIT, LONGEST_SUBJECT, LONGEST_WAIT, MOST_MEMBERS, days_left
from km365.core.languages import best
from km365.core.questions import BankKind
from km365.core.schedule import Hours, day_at
from km365.errors import KM365Error
from km365.services import group_reflection as service
from km365.services.group_reflection import Member, Standing, Wanted
from km365_bots import interviewing
from km365_bots.buttons import Pick
from km365_bots.chat import Chat, Reader
from km365_bots.groups import aside
from km365_bots.topics import Told, Topic

Milestones = Callable[[Event, Sequence[Reader]], Awaitable[Sequence[str]]]
"""The titles of milestones that all of a group may see, by who asks and who reads along."""

_DAYS = (1, 2, 3, 5, 10)


async def no_milestones(_: Event, __: Sequence[Reader]) -> Sequence[str]:
    """For an organisation without a calendar."""
    return ()


class GroupReflections(Topic):
    """Begun, followed and closed in a group chat or channel. What members answer is an interview."""

    name = "group"
    here = ("group.here_reflect", "group.here_open")
    internal = False

    def __init__(self, hours: Hours, milestones: Milestones = no_milestones) -> None:
        self._hours = hours
        self._milestones = milestones

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """In a chat of one's own: that it is for a group; an interview's answer where one is open."""
        if not wish or await interviewing.current(chat) is not None:
            return None
        return Told(replies=[chat.speech.say("group.where")])

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        return Told(replies=[chat.speech.say("group.where")])

    async def in_group(self, chat: Chat, wish: str, meant: Understood) -> Sequence[Reply]:
        now_open = await service.standing(chat.parts.db, chat.event.conversation_id)
        if wish == "reflect_on":
            return [await self._begin(chat, meant.text)]
        if wish == "reflect" and now_open is None:
            return [await self._choose(chat)]
        if now_open is None:
            return [chat.speech.say("group.none_open")]
        if wish == "close":
            return [await self._close(chat, now_open)]
        await service.leave_open(chat.parts.db, now_open.id, now=chat.event.at)
        if wish == "keep_open":
            return [await self._keep_open(chat, now_open, meant.text)]
        return [await self._far(chat, now_open)]

    async def pressed_in_group(self, chat: Chat, pick: Pick) -> Sequence[Reply]:
        if pick.verb == "begin":
            return [await self._begin(chat, pick.inputs.get("subject", ""))]
        now_open = await service.standing(chat.parts.db, chat.event.conversation_id)
        if now_open is None or now_open.id != pick.about:
            return [aside(chat.speech.say("group.none_open"))]
        if pick.verb == "close":
            return [await self._close(chat, now_open)]
        await service.leave_open(chat.parts.db, now_open.id, now=chat.event.at)
        if pick.verb == "keep":
            return [await self._keep_open(chat, now_open, pick.inputs.get("days", ""))]
        return [chat.in_place(await self._far(chat, now_open))]

    async def joined(self, chat: Chat) -> None:
        """Who has come to a group that reflects is asked too, alone like the others."""
        if not await service.open_here(chat.parts.db, chat.event.conversation_id, chat.event.roster):
            return
        readers, refused = await _readers(chat)
        if not refused:
            await self._ask_too(chat, readers)

    async def _ask_too(self, chat: Chat, readers: Sequence[Reader]) -> None:
        event = chat.event
        members = await _members(chat, readers)
        await service.ask_too(chat.parts.db, event.conversation_id, event.roster, members, now=event.at)

    async def _begin(self, chat: Chat, subject: str) -> Reply:
        """Says what will happen, and has every member asked alone; or says why not."""
        wanted = " ".join(subject.split())
        if not wanted:
            return await self._choose(chat)
        if refused := await _unfit(chat, wanted):
            return _to_whom_asked(chat, refused)
        readers, refused = await _readers(chat)
        if refused := refused or _wrong_size(chat, len(readers)):
            return refused
        return chat.in_place(self._going(chat, await self._ask(chat, wanted, readers)))

    async def _ask(self, chat: Chat, subject: str, readers: Sequence[Reader]) -> Standing:
        parts, event = chat.parts, chat.event
        members = await _members(chat, readers)
        wanted = Wanted(
            conversation_id=event.conversation_id,
            service_url=event.service_url,
            tenant_id=event.tenant_id,
            begun_by=event.person_id,
            begun_with=chat.activity_key or parts.new_id(),
            language=chat.language,
            subject=subject,
            members=members,
            roster=event.roster,
        )
        return await service.begin(parts.db, self._hours, wanted, now=event.at, new_id=parts.new_id)

    async def _close(self, chat: Chat, found: Standing) -> Reply:
        """Closed, where the one who began it says so twice: nobody is heard any more after that."""
        parts, event = chat.parts, chat.event
        if found.begun_by != event.person_id:
            return self._not_theirs(chat, found)
        if not await service.sure(parts.db, found.id, with_=chat.activity_key, now=event.at):
            return chat.in_place(self._sure(chat, found))
        await service.close(parts.db, parts.banks, parts.jobs, found.id, by=event.person_id, now=event.at)
        return chat.in_place(chat.speech.say("group.closed"))

    def _sure(self, chat: Chat, found: Standing) -> Reply:
        """Whether it is to be closed, and who is not heard then; without its subject, whoever reads along."""
        say = chat.speech.messages.say
        return chat.speech.menu(
            self.name,
            title=say("group.sure_title"),
            text=say("group.sure_text", answered=found.answered, asked=found.asked),
            buttons=[
                {"verb": "close", "label": say("group.sure_yes")},
                {"verb": "far", "label": say("group.sure_no")},
            ],
            about=found.id,
            hint=say("group.sure_hint"),
        )

    async def _keep_open(self, chat: Chat, found: Standing, said: str) -> Reply:
        """Another day on which it closes by itself."""
        days = int(said) if said.isdecimal() and len(said) <= 3 else 0
        if not 1 <= days <= LONGEST_WAIT:
            return _to_whom_asked(chat, chat.speech.say("group.which_days", most=str(LONGEST_WAIT)))
        event = chat.event
        kept = await service.keep_open(
            chat.parts.db, self._hours, found.id, by=event.person_id, days=days, now=event.at
        )
        return chat.in_place(await self._far(chat, kept)) if kept else self._not_theirs(chat, found)

    def _not_theirs(self, chat: Chat, found: Standing) -> Reply:
        return _to_whom_asked(chat, chat.speech.say("group.only_beginner", when=self._day(chat, found)))

    async def _choose(self, chat: Chat) -> Reply:
        """What a group may want to reflect on: milestones that all of it may see, and our banks' subjects.

        Nothing of either where no reflection could begin, as where people from outside read along.
        """
        readers, refused = await _readers(chat)
        if refused := refused or _wrong_size(chat, len(readers)):
            return refused
        subjects = [*await self._milestones(chat.event, readers), *_of_the_banks(chat)]
        say = chat.speech.messages.say
        listed = "\n".join(f"• {subject}" for subject in subjects)
        return chat.speech.menu(
            self.name,
            title=say("group.choose_title"),
            text=say("group.choose_text"),
            fields=[
                {
                    "key": "subject",
                    "label": say("group.choose_label"),
                    "value": subjects[0],
                    "choices": [{"value": subject, "label": subject} for subject in subjects],
                }
            ],
            buttons=[{"verb": "begin", "label": say("group.begin"), "inputs": True}],
            hint=f"{listed}\n\n{say('group.choose_hint')}",
        )

    async def _far(self, chat: Chat, found: Standing) -> Reply:
        """How far it is; its subject only where nobody from outside has come to read along meanwhile."""
        readers, refused = await _readers(chat)
        if refused:
            return Reply(text=self._so_far(chat, found))
        await self._ask_too(chat, readers)
        return self._going(chat, await service.standing(chat.parts.db, chat.event.conversation_id) or found)

    def _going(self, chat: Chat, found: Standing) -> Reply:
        """What happens now, or how far it is."""
        say = chat.speech.messages.say
        if found.fresh:
            text = say("group.begun_text", asked=found.asked, when=self._day(chat, found), limit=LIMIT)
            if found.later:
                text += "\n\n" + say("group.asked_later", now=found.asked - found.later, later=found.later)
        else:
            text = self._so_far(chat, found)
        left = max(1, days_left(chat.event.at, found.closes_at, self._hours))
        days = [{"value": str(days), "label": str(days)} for days in sorted({*_DAYS, left})]
        return chat.speech.menu(
            self.name,
            title=say("group.begun_title" if found.fresh else "group.going_title", subject=found.subject),
            text=text,
            fields=[
                {
                    "key": "days",
                    "label": say("group.days"),
                    "choices": days,
                    "value": str(left),
                    "small": True,
                }
            ],
            buttons=[
                {"verb": "far", "label": say("group.far")},
                {"verb": "keep", "label": say("group.keep"), "inputs": True},
                {"verb": "close", "label": say("group.close")},
            ],
            about=found.id,
            hint=say("group.going_hint"),
        )

    def _so_far(self, chat: Chat, found: Standing) -> str:
        when = self._day(chat, found)
        say = chat.speech.messages.say
        return say("group.going_text", answered=found.answered, asked=found.asked, when=when)

    def _day(self, chat: Chat, found: Standing) -> str:
        return chat.speech.messages.day(day_at(found.closes_at, self._hours))


async def _members(chat: Chat, readers: Sequence[Reader]) -> list[Member]:
    """Those who read along, each with the language in their profile."""
    languages = await asyncio.gather(*(chat.parts.profile_language(one.person_id) for one in readers))
    return [
        Member(person_id=one.person_id, name=one.name, language=best([language, chat.language]))
        for one, language in zip(readers, languages, strict=True)
    ]


async def _unfit(chat: Chat, subject: str) -> Reply | None:
    """Why a group is not asked about this, if it is not."""
    if len(subject) > LONGEST_SUBJECT:
        return chat.speech.say("group.too_long", most=str(LONGEST_SUBJECT))
    return chat.speech.say("group.unfit") if await chat.keeps_out(subject) else None


async def _readers(chat: Chat) -> tuple[Sequence[Reader], Reply | None]:
    """Who reads along; or nobody, and why nobody is asked."""
    try:
        readers = await chat.parts.members(chat.event)
    except KM365Error:
        return (), chat.speech.say("group.no_members")
    if any(one.outsider for one in readers):
        return (), _to_whom_asked(chat, chat.speech.say("group.outsiders_reflect"))
    return readers, None


def _wrong_size(chat: Chat, count: int) -> Reply | None:
    """Why so many are not asked, if they are not."""
    if count < LIMIT:
        return chat.speech.say("group.too_small", limit=str(LIMIT), count=str(count))
    if count > MOST_MEMBERS:
        return chat.speech.say("group.too_large", most=str(MOST_MEMBERS), count=str(count))
    return None


def _of_the_banks(chat: Chat) -> list[str]:
    """What the reflections at milestones are called."""
    banks = chat.parts.banks
    found = (banks.get(name, chat.language) for name in banks.names())
    return [bank.title for bank in found if bank.kind is BankKind.REFLECTION and bank.milestones]


def _to_whom_asked(chat: Chat, reply: Reply) -> Reply:
    """The reply aside, where a card was pressed; what was typed is answered where it was typed."""
    return aside(reply) if chat.event.kind is EventKind.SUBMIT else reply
