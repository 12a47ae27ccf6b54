"""What waits for those who decide on lessons: for one who asks, in a message a day, and in figures."""

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from km365.core import sla
from km365.core.audience import Reader
from km365.core.knowledge import Maturity
from km365.core.languages import best
from km365.core.moves import Actor
from km365.core.preferences import Asked
from km365.core.schedule import Hours, day_at
from km365.core.sla import Awaits, Figures, Waiting
from km365.errors import Forbidden, InputRefused
from km365.graph import people
from km365.graph.people import Person
from km365.services import life_news
from km365.services.calendar import working_days_of
from km365.services.capture import Kept
from km365.services.life import LifeDesk
from km365.services.review import is_readable, list_items, roles_of
from km365.settings import Settings
from km365.store import moves, outbox, preferences
from km365.store.database import Connection
from km365.store.outbox import Message

_log = logging.getLogger(__name__)

CARD = "lessons_wait"
"""The card that tells who decides that lessons wait, and begins the key of its message."""
_A_WEEK = 5
"""Working days between two reminders of something overdue."""


@dataclass(frozen=True, kw_only=True)
class Waits:
    """An item that waits for a decision or to be published."""

    kept: Kept
    waiting: Waiting
    overdue: bool


async def waits_for(desk: LifeDesk, reader: Reader, *, at: datetime) -> list[Waits]:
    """What this person may decide on now, what is due first before the rest; nothing of their own.

    What they have found sound already waits for others. Needs Sites.Selected with read on the knowledge site,
    and GroupMember.ReadBasic.All.
    """
    roles = await roles_of(desk.graph, desk.settings, reader.office, reader)
    if not roles:
        return []
    office = "" if Actor.REVIEWER in roles else reader.office
    found = [one async for one in _all(desk, at, office) if _decides(one, reader, roles)]
    return sorted(found, key=_urgency)


def _urgency(one: Waits) -> tuple[date, str]:
    return one.waiting.due_on or date.max, one.kept.item.id


async def _all(desk: LifeDesk, at: datetime, office: str = "") -> AsyncIterator[Waits]:
    hours, days = working_days_of(desk.settings), days_of(desk.settings)
    for maturity in sla.WAITING:
        async for kept in list_items(desk.graph, desk.settings, maturity=maturity, office=office):
            there = hours.of(kept.item.office)
            if waiting := sla.waiting(kept.item, days, there):
                yield Waits(kept=kept, waiting=waiting, overdue=waiting.is_overdue(day_at(at, there)))


def days_of(settings: Settings) -> Mapping[Awaits, int]:
    """Within how many working days of being sent an item is decided on, and published."""
    return {Awaits.DECISION: settings.decision_days, Awaits.PUBLICATION: settings.publication_days}


def _decides(one: Waits, reader: Reader, roles: frozenset[Actor]) -> bool:
    """Whether they may make the decision that is waited for. `roles` are theirs in their own office."""
    item = one.kept.item
    here = bool(item.office) and item.office == reader.office
    if not (roles if here else roles & {Actor.REVIEWER}) or reader.person_id in item.contributors:
        return False
    sound_to_them = item.maturity is not Maturity.VALIDATED and reader.person_id in item.validated_by
    return not sound_to_them and is_readable(item, reader)


# Once a day ------------------------------------------------------------------------------------------------


async def tell(desk: LifeDesk, *, at: datetime, dry_run: bool = False) -> int:
    """Tells everybody who decides, in one message, that something new waits for them, is due or overdue.

    Counts the messages. Those of the item's office hear first; the reviewers elsewhere where nobody there may
    decide on it, and once twice the time is over. Repeatable: a message a person and day. Needs
    Sites.Selected with read, and GroupMember.Read.All.
    """
    waiting = [one async for one in _all(desk, at)]
    try:
        deciders = await _deciders(desk) if waiting else []
    except Forbidden as error:
        _log.warning("Nobody is told which lessons wait for a decision: %s", error)
        return 0
    hours = working_days_of(desk.settings)
    theirs = {person.id: (person, list[Waits]()) for person, _ in deciders}
    for one in waiting:
        for person in _who_hears(one, deciders, day_at(at, hours.of(one.kept.item.office))):
            theirs[person.id][1].append(one)

    def put(c: Connection) -> int:
        count = 0
        for person, found in theirs.values():
            there = hours.of(person.office)
            if there.works_on(day_at(at, there)) and _has_news(c, person, found, there, at=at):
                count += 1
                if not dry_run:
                    life_news.send(c, desk.jobs, _message(person, found, day_at(at, there)), at=at)
        return count

    return await desk.db.run(put)


async def _deciders(desk: LifeDesk) -> list[tuple[Person, frozenset[Actor]]]:
    """Everybody in the two groups whose account works, with what they are."""
    settings = desk.settings
    found: dict[str, tuple[Person, frozenset[Actor]]] = {}
    for role, group in (
        (Actor.FOCAL_POINT, settings.focal_point_group),
        (Actor.REVIEWER, settings.reviewer_group),
    ):
        async for person in people.list_members(desk.graph, group):
            if person.account_enabled:
                roles = found[person.id][1] if person.id in found else frozenset[Actor]()
                found[person.id] = person, roles | {role}
    return list(found.values())


def _who_hears(one: Waits, deciders: Iterable[tuple[Person, frozenset[Actor]]], today: date) -> list[Person]:
    may = [person for person, roles in deciders if _decides(one, person.reader, roles)]
    there = [person for person in may if person.office == one.kept.item.office]
    return may if one.waiting.is_late(today) else there or may


def _has_news(c: Connection, person: Person, found: Iterable[Waits], hours: Hours, *, at: datetime) -> bool:
    """Whether something was sent since they were told last, is due today, or is to be reminded of today."""
    if preferences.get(c, person.id).asked is Asked.NONE:
        return False
    before = outbox.list_(c, prefix=f"{CARD}:{person.id}", limit=1)
    told_at = before[0].created_at if before else None
    today = day_at(at, hours)
    return any(
        _is_new(one.kept.item.submitted_at, told_at) or _reminds(one.waiting, today, hours) for one in found
    )


def _is_new(sent_at: datetime | None, told_at: datetime | None) -> bool:
    return told_at is None or (sent_at is not None and sent_at > told_at)


def _reminds(waiting: Waiting, today: date, hours: Hours) -> bool:
    """On the day it is due, on the first working day after, and once a week from then."""
    if waiting.due_on is None or today < waiting.due_on:
        return False
    return today == waiting.due_on or sla.between(waiting.due_on, today, hours) % _A_WEEK == 1


def _message(person: Person, found: list[Waits], today: date) -> Message:
    """How many wait, and nothing of what they say: that is shown to who asks for it."""
    return Message(
        key=f"{CARD}:{person.id}:{today}",
        person_id=person.id,
        card=CARD,
        data={
            "waiting": len(found),
            "publish": sum(one.waiting.awaits is Awaits.PUBLICATION for one in found),
            "overdue": sum(one.overdue for one in found),
        },
        language=best([person.language]),
        reason="lessons wait for somebody to decide",
    )


# Figures ---------------------------------------------------------------------------------------------------


async def figures(
    desk: LifeDesk, reader: Reader, *, office: str = "", begin: date | None = None, end: date | None = None
) -> list[Figures]:
    """How long items that were sent from `begin` to `end` waited, by office; small numbers are left out.

    A reviewer sees all offices, a focal point their own. Raises InputRefused for anybody else. It tells no
    item: what an office alone may read counts too, what is kept to fewer does not. Needs Sites.Selected with
    read on the knowledge site, and GroupMember.ReadBasic.All.
    """
    roles = await roles_of(desk.graph, desk.settings, reader.office, reader)
    wanted = office or ("" if Actor.REVIEWER in roles else reader.office)
    if not roles or (wanted != reader.office and Actor.REVIEWER not in roles):
        raise InputRefused(
            f"A knowledge reviewer, or a focal point of {wanted or 'the office'}, sees these figures; "
            "`km365 settings show` names their groups."
        )
    hours, recorded = working_days_of(desk.settings), await desk.db.run(moves.by_item)
    found = []
    async for kept in list_items(desk.graph, desk.settings):
        one = sla.checked(kept.item, recorded.get(kept.item.id, ()))
        if one is None or (wanted and one.office != wanted):
            continue
        sent_on = day_at(one.sent_at, hours.of(one.office))
        if (begin is None or begin <= sent_on) and (end is None or sent_on <= end):
            found.append(one)
    return sla.figures(found, hours.of)
