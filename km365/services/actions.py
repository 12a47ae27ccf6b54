"""Actions agreed because of knowledge items: what their owners do with them, and the reminders.

The *Knowledge* list says what is to be done, by whom and by when; nothing of it is kept beside. So an action
that somebody changes in the list is reminded of as it is then.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from km365.core.audience import Reader
from km365.core.knowledge import Effect, Maturity
from km365.core.languages import best
from km365.core.moves import EFFECT_MOVES, Made, Move
from km365.core.preferences import Asked
from km365.core.schedule import Hours, day_at
from km365.graph import lists
from km365.graph.people import Person
from km365.graph.wire import odata_text
from km365.services import flows, life, life_news
from km365.services.accounts import at_work
from km365.services.capture import Kept, knowledge_list
from km365.services.leave import on_leave
from km365.services.life import LifeDesk, Wanted
from km365.services.prompts import SEND_MESSAGE, has_room
from km365.services.review import focal_points, get_item, is_readable, kept_of
from km365.store import moves, outbox, preferences
from km365.store.database import Connection
from km365.store.outbox import Message

BACK = "action_back"
"""The card that tells whoever agreed an action that it is nobody's now."""
DUE, LATE = "due", "late"
"""What reminds of an action: its day, and that a week has gone by since."""
_LATE = timedelta(days=7)
_LOOKED_BACK = timedelta(days=60)
"""An action this long over its day has been reminded of, or never will be."""
_OFF_SHELF = frozenset({Maturity.RETIRED, Maturity.SUPERSEDED})


@dataclass(frozen=True, kw_only=True)
class Reminded:
    """What a look did: messages to owners, and actions that went back to whoever agreed them."""

    owners: int
    back: int


async def list_mine(desk: LifeDesk, reader: Reader) -> list[Kept]:
    """The actions this person is to do, the earliest day first. Needs Sites.Selected with read."""
    found = [one async for one in _agreed(desk, f"fields/KMActionOwner eq {odata_text(reader.person_id)}")]
    mine = [one for one in found if is_readable(one.item, reader)]
    return sorted(mine, key=lambda one: (one.item.action_due or date.max, one.item.id))


async def _agreed(desk: LifeDesk, query: str) -> AsyncIterator[Kept]:
    """The items of the query with an action that is still to be done."""
    place = await knowledge_list(desk.graph, desk.settings)
    async for row in lists.list_items(desk.graph, place.site_id, place.list_id, filter=query):
        kept = kept_of(row)
        if kept.item.effect is Effect.ACTION_AGREED and kept.item.maturity not in _OFF_SHELF:
            yield kept


async def done(desk: LifeDesk, item_id: str, reader: Reader, link: str, *, at: datetime) -> Kept:
    """It is done, as `link` shows. Raises what `life.make` raises."""
    wanted = Wanted(move=Move.CHANGE, reader=reader, link=link)
    return (await life.make(desk, item_id, wanted, at=at)).kept


async def put_off(desk: LifeDesk, item_id: str, reader: Reader, due: date, *, at: datetime) -> Kept:
    """Its owner does it by another day. Raises what `life.make` raises."""
    item = (await get_item(desk.graph, desk.settings, item_id, reader=reader)).item
    wanted = Wanted(move=Move.AGREE, reader=reader, words=item.action, owner=reader, due=due)
    return (await life.make(desk, item_id, wanted, at=at)).kept


async def hand_back(desk: LifeDesk, item_id: str, reader: Reader, words: str, *, at: datetime) -> Kept:
    """It is not theirs: whoever agreed it is told, with why. Raises what `life.make` raises.

    Killed before that is told, the look of the next day does.
    """
    wanted = Wanted(move=Move.HAND_BACK, reader=reader, words=words)
    kept = (await life.make(desk, item_id, wanted, at=at)).kept
    await _tell_back(desk, kept, at=at)
    return kept


# By itself -------------------------------------------------------------------------------------------------


async def remind(desk: LifeDesk, hours: Hours, *, at: datetime, dry_run: bool = False) -> Reminded:
    """Reminds owners on the day and once a week later; an action without an owner goes to whoever agreed it.

    So does that of somebody who left or may not read the item any more. A reminder for which a person's week
    has no room, or that finds them on leave, waits for the next look. Repeatable: each message has its key.
    With `dry_run` it only counts. Needs Sites.Selected with read, User.Read.All, GroupMember.ReadBasic.All
    and Presence.Read.All.
    """
    owners = back = 0
    since = f"{day_at(at, hours) - _LOOKED_BACK}T00:00:00Z"
    found = [one async for one in _agreed(desk, f"fields/KMActionDue ge {odata_text(since)}")]
    away = await on_leave(
        desk.graph, desk.db, {one.item.action_owner for one in found if one.item.action_owner}, now=at
    )
    for kept in found:
        owner = await at_work(desk.graph, kept.item.action_owner)
        if owner is None or not is_readable(kept.item, owner.reader):
            back += await _tell_back(desk, kept, at=at, dry_run=dry_run)
        elif owner.id not in away and (when := _when(kept.item.action_due, day_at(at, hours))):
            work = partial(_remind, desk=desk, kept=kept, when=when, hours=hours, at=at)
            owners += await flows.run(desk.db, work, dry_run=dry_run)
    return Reminded(owners=owners, back=back)


def _when(due: date | None, today: date) -> str:
    """What there is to remind of, if anything."""
    if due is None or today < due:
        return ""
    return LATE if today >= due + _LATE else DUE


def _remind(c: Connection, *, desk: LifeDesk, kept: Kept, when: str, hours: Hours, at: datetime) -> bool:
    owner, per_week = kept.item.action_owner, desk.settings.prompts_per_week
    if preferences.get(c, owner).asked is Asked.NONE:
        return False
    if outbox.get(c, life_news.action_key(kept.item, when)) is not None:
        return False
    if not has_room(c, owner, hours, per_week=per_week, at=at):
        return False
    life_news.tell_owner(c, desk.jobs, kept, when, at=at)
    return True


async def _tell_back(desk: LifeDesk, kept: Kept, *, at: datetime, dry_run: bool = False) -> bool:
    """Tells whoever agreed the action, else the focal points, once, that somebody else is to do it."""
    item = kept.item
    recorded = await desk.db.run(moves.list_, item.id)
    recorded = [one for one in recorded if one.done and one.move in EFFECT_MOVES]
    agreed = next((one for one in reversed(recorded) if one.move is Move.AGREE), None)
    back = recorded[-1] if recorded and recorded[-1].move is Move.HAND_BACK else None
    giver = await _giver(desk, kept, recorded)
    found = focal_points(desk.graph, desk.settings, item.office)
    readers = [giver] if giver else [one async for one in found if is_readable(item, one.reader)]
    moment = next((f"{one.at:%Y%m%d%H%M%S}" for one in (back, agreed) if one), "list")
    data = {
        "item": item.id,
        "title": item.title,
        "action": item.action,
        "words": back.words if back else "",
        "url": kept.web_url,
    }

    def tell(c: Connection) -> bool:
        told = False
        for one in readers:
            message = Message(
                key=f"{BACK}:{item.id}:{moment}:{one.id}",
                person_id=one.id,
                card=BACK,
                data=data,
                language=best([one.language, item.language]),
                reason="an action that was agreed has no owner",
            )
            if outbox.put(c, message, at=at):
                desk.jobs.enqueue(c, SEND_MESSAGE, key=message.key, args={"key": message.key})
                told = True
        return told

    return await flows.run(desk.db, tell, dry_run=dry_run)


async def _giver(desk: LifeDesk, kept: Kept, recorded: list[Made]) -> Person | None:
    """Who agreed the action with its last owner, where they still work here and may read the item.

    An owner who only moved the day agreed nothing with themselves.
    """
    owners = {one.who for one in recorded if one.move is Move.HAND_BACK} | {kept.item.action_owner}
    asked = (one.who for one in reversed(recorded) if one.move is Move.AGREE and one.who not in owners)
    person = await at_work(desk.graph, next(asked, ""))
    return person if person and is_readable(kept.item, person.reader) else None


def _reader(person: Person) -> Reader:
    return person.reader
