"""Lessons whose *Review by* comes near: whoever knows best is asked, once, whether they still hold.

What is asked is kept as what a reflection opens with is (`store.still_true`), under the day's round in the
place of a milestone; so what is answered makes the same record.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from km365.core.knowledge import unconfirmed_since
from km365.core.languages import best
from km365.core.preferences import Asked
from km365.core.schedule import Hours, day_at
from km365.core.still_true import ASKED_BEFORE, Why, one_sentence, to_confirm, who_confirms
from km365.errors import NotFound
from km365.graph import lists, people
from km365.graph.people import Person
from km365.graph.wire import odata_text
from km365.services import calendar, flows
from km365.services.capture import Kept, find, knowledge_list
from km365.services.leave import on_leave
from km365.services.life import LifeDesk
from km365.services.prompts import SEND_MESSAGE, has_room
from km365.services.review import focal_points_by_office, is_readable, kept_of
from km365.services.still_true import Shown
from km365.services.verdicts import VerdictDesk
from km365.services.who_now import stand_ins
from km365.store import outbox, preferences
from km365.store import still_true as store
from km365.store.database import Connection
from km365.store.outbox import Message

CARD = "review"
"""The card that says that lessons are to be confirmed; what they say is read when it is opened."""
ROUND = "review:"
"""The beginning of what stands for the milestone: `review:2027-03-01` for those asked on that day."""
MOST = 5
"""Lessons on one card; what is left is asked a week later."""


async def ask(desk: LifeDesk, hours: Hours, *, at: datetime, dry_run: bool = False) -> int:
    """Asks about every lesson that is to be confirmed and was not asked about yet; counts the messages.

    Whose week has no room, or who is on leave, is looked at again the next day. Repeatable: what is asked is
    kept in the transaction that puts the message. With `dry_run` it only counts. Needs Sites.Selected with
    read, User.Read.All, GroupMember.ReadBasic.All and Presence.Read.All.
    """
    today = day_at(at, hours)
    due = await _due(desk, today, hours)
    if not due:
        return 0
    asked = await _whom(desk, due, today=today)
    away = await on_leave(desk.graph, desk.db, asked, now=at)
    count = 0
    for person_id, (person, theirs) in sorted(asked.items()):
        if person_id not in away:
            work = partial(_ask, desk=desk, person=person, due=theirs, hours=hours, at=at)
            count += await flows.run(desk.db, work, dry_run=dry_run)
    return count


async def _due(desk: LifeDesk, today: date, hours: Hours) -> list[Kept]:
    """What is to be confirmed, and was not asked about since it is."""
    place = await knowledge_list(desk.graph, desk.settings)
    latest = f"{today + ASKED_BEFORE + timedelta(days=1)}T00:00:00Z"
    rows = lists.list_items(
        desk.graph, place.site_id, place.list_id, filter=f"fields/KMReviewBy le {odata_text(latest)}"
    )
    found = [kept for kept in [kept_of(row) async for row in rows] if to_confirm(kept.item, today)]
    asked = await desk.db.run(store.shown_since, [one.item.id for one in found], beginning=ROUND)
    due = [one for one in found if not _was_asked(one, asked.get(one.item.id), hours)]
    return sorted(due, key=lambda one: (one.item.review_by or date.max, one.item.id))


def _was_asked(kept: Kept, shown_at: datetime | None, hours: Hours) -> bool:
    due = kept.item.review_by
    return shown_at is not None and due is not None and day_at(shown_at, hours) >= due - ASKED_BEFORE


async def _whom(
    desk: LifeDesk, due: Sequence[Kept], *, today: date
) -> Mapping[str, tuple[Person, list[Kept]]]:
    """Who is asked about what, by their id: those who work here and may read it."""
    authors = {one for kept in due for one in kept.item.contributors}
    known = {one.id: one for one in await people.get_people(desk.graph, authors) if one.account_enabled}
    orphans = [kept for kept in due if not known.keys() & set(kept.item.contributors)]
    posts = {one: kept.item.office for kept in orphans for one in kept.item.contributors}
    speak = await stand_ins(desk.graph, desk.settings, posts, today=today)
    known |= {one.id: one for one in speak.values()}
    followers = {left: person.id for left, person in speak.items()}
    offices = {kept.item.office for kept in orphans}
    points = await focal_points_by_office(desk.graph, desk.settings, offices) if orphans else {}
    known |= {one.id: one for there in points.values() for one in there}
    asked: dict[str, list[Kept]] = defaultdict(list)
    for kept in due:
        item = kept.item
        others = [one.id for one in points.get(item.office, ()) if is_readable(item, one.reader)]
        may = {
            *item.contributors,
            *others,
            *(followers[one] for one in item.contributors if one in followers),
        }
        here = {one for one in may & known.keys() if is_readable(item, known[one].reader)}
        for one in who_confirms(item.contributors, here=here, followers=followers, others=others):
            asked[one].append(kept)
    return {person_id: (known[person_id], theirs) for person_id, theirs in asked.items()}


def _ask(
    c: Connection, *, desk: LifeDesk, person: Person, due: Sequence[Kept], hours: Hours, at: datetime
) -> bool:
    """Keeps what the person is asked about and puts the message; False where they are not asked today."""
    if preferences.get(c, person.id).asked is not Asked.ALL:
        return False
    if not has_room(c, person.id, hours, per_week=desk.settings.prompts_per_week, at=at):
        return False
    some, round_id = due[:MOST], f"{ROUND}{day_at(at, hours)}"
    message = Message(
        key=f"{round_id}:{person.id}",
        person_id=person.id,
        card=CARD,
        data={"round": round_id, "count": len(some)},
        language=best([person.language]),
        reason=CARD,
    )
    if not outbox.put(c, message, at=at):
        return False
    ids = [one.item.id for one in some]
    store.show(c, ids, person_id=person.id, office=person.office, milestone=round_id, at=at)
    desk.jobs.enqueue(c, SEND_MESSAGE, key=message.key, args={"key": message.key})
    return True


# What the person is shown ----------------------------------------------------------------------------------


async def latest_round(desk: VerdictDesk, person_id: str) -> str:
    """The round in which the person was last asked about something they have not spoken of; "" for none."""
    return await desk.db.run(store.unsaid, person_id, beginning=ROUND) or ""


async def open_round(desk: VerdictDesk, person_id: str, round_id: str, *, at: datetime) -> list[Shown]:
    """What is still to be said in a round, as SharePoint has it now, without what was confirmed meanwhile.

    Raises GraphError. Needs User.Read.All and Sites.Selected with read.
    """
    person = await people.get_person(desk.graph, person_id)
    place = await knowledge_list(desk.graph, desk.settings)
    today = calendar.today(desk.settings, at, person.office)
    shown = []
    for one in await desk.db.run(store.shown, person_id, round_id):
        if one.verdict is not None:
            continue
        try:
            kept = kept_of(await find(desk.graph, place, one.item_id))
        except NotFound:
            continue
        if to_confirm(kept.item, today) and is_readable(kept.item, person.reader):
            shown.append(_shown(kept, today))
    ids = [one.item_id for one in shown]
    where = {"person_id": person_id, "office": person.office, "milestone": round_id}
    await desk.db.run(store.show, ids, **where, at=at)
    return shown


def _shown(kept: Kept, today: date) -> Shown:
    item = kept.item
    return Shown(
        item_id=item.id,
        title=item.title,
        sentence=one_sentence(item),
        office=item.office,
        year=item.submitted_at.year if item.submitted_at else None,
        language=item.language,
        why=Why(own=False),
        about=(),
        web_url=kept.web_url,
        unconfirmed_since=unconfirmed_since(item, today),
    )
