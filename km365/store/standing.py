"""How campaigns stand, read in one statement, and their messages taken back and called off in one each.

A person's last message is the only one of a campaign that may still wait: the next is not put before it left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, ScalarSelect, String, and_, case, cast, delete, func, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from km365.core.schedule import Outcome
from km365.core.standing import Row, are_too_many
from km365.store.outbox import Delivery
from km365.store.tables import campaign, interview, message, prompt

ASKING = ("open", "paused")
"""The states of a campaign that asks people: now, or once it goes on. It may also have `ended`, and start
anew, or be `cancelled`, for good."""
_AT_ONCE = 1_000
"""Keys that one statement names."""


class Told(StrEnum):
    """What the focal points are told of a campaign, and whether they were."""

    UNREACHABLE = "unreachable"  # that many cannot be reached, soon
    UNREACHABLE_TOLD = "unreachable told"
    OVER = "over"  # how it went, soon
    OVER_TOLD = "over told"


def read(c: Connection, campaign_ids: Sequence[str]) -> Mapping[str, list[Row]]:
    """Everyone in these campaigns, with what became of the messages to them."""
    first, last = message.alias(), message.alias()
    query = (
        select(
            prompt.c.campaign_id,
            prompt.c.state,
            prompt.c.sent,
            prompt.c.next_at,
            first.c.state.label("first"),
            last.c.state.label("last"),
            last.c.note,
            last.c.due_at,
            interview.c.state.label("said"),
        )
        .select_from(prompt)
        .outerjoin(first, first.c.key == prompt.c.key)
        .outerjoin(last, last.c.key == _last_key())
        .outerjoin(interview, interview.c.key == prompt.c.campaign_id + ":" + prompt.c.person_id)
        .where(prompt.c.campaign_id.in_(campaign_ids))
    )
    found: dict[str, list[Row]] = {one: [] for one in campaign_ids}
    for row in c.execute(query):
        found[row.campaign_id].append(
            Row(
                outcome=Outcome(row.state),
                sent=row.sent,
                next_at=row.next_at,
                first=row.first if row.sent else None,
                last=row.last if row.sent else None,
                note=row.note or "",
                due_at=row.due_at,
                put_off=row.said == "invited",
            )
        )
    return found


def waiting(c: Connection, campaign_id: str) -> list[str]:
    """The keys of the campaign's messages that still wait."""
    mine = message.c.key.in_(_last_messages(campaign_id)) & (message.c.state == Delivery.WAITING)
    return list(c.execute(select(message.c.key).where(mine)).scalars())


def take_back(c: Connection, campaign_id: str, *, at: datetime) -> int:
    """What waits in the campaign becomes its person's next step again, due at `at`, and is counted.

    It certainly has not left, so its key is free again; when the step comes, all rules are asked anew.
    """
    keys = waiting(c, campaign_id)
    if not keys:
        return 0
    waits = select(message.c.key).where(message.c.key == _last_key(), message.c.state == Delivery.WAITING)
    asked = and_(prompt.c.campaign_id == campaign_id, prompt.c.state == Outcome.OPEN, prompt.c.sent > 0)
    back = update(prompt).where(asked, waits.exists())
    c.execute(back.values(sent=prompt.c.sent - 1, next_at=at, changed_at=at))
    count = 0
    for start in range(0, len(keys), _AT_ONCE):
        some = message.c.key.in_(keys[start : start + _AT_ONCE]) & (message.c.state == Delivery.WAITING)
        count += c.execute(delete(message).where(some)).rowcount
    return count


def call_off(c: Connection, campaign_id: str, *, note: str, at: datetime) -> int:
    """What waits in the campaign is cancelled, and counted."""
    values = {"state": Delivery.CANCELLED, "note": note, "changed_at": at}
    mine = (message.c.state == Delivery.WAITING) & message.c.key.in_(_last_messages(campaign_id))
    return c.execute(update(message).where(mine).values(**values)).rowcount


def pause(c: Connection, campaign_id: str, *, at: datetime) -> None:
    """Nobody's next step comes before the campaign goes on."""
    values = {"state": "paused", "paused_at": at, "changed_at": at}
    c.execute(update(campaign).where(campaign.c.id == campaign_id).values(**values))


def go_on(c: Connection, campaign_id: str, *, at: datetime) -> datetime:
    """A paused campaign is open again; since when it was paused."""
    mine = campaign.c.id == campaign_id
    since = c.execute(select(campaign.c.paused_at).where(mine)).scalar()
    c.execute(update(campaign).where(mine).values(state="open", paused_at=None, changed_at=at))
    return since or at


@dataclass(frozen=True, kw_only=True)
class Step:
    """A next step that everyone has who was taken in at `started_at` and is due at `next_at`."""

    next_at: datetime
    started_at: datetime


def steps(c: Connection, campaign_id: str) -> list[Step]:
    """The next steps of those who are asked, the last first: the many of a large campaign share a few."""
    asked = and_(prompt.c.campaign_id == campaign_id, prompt.c.state == Outcome.OPEN)
    query = (
        select(prompt.c.next_at, prompt.c.started_at).where(asked, prompt.c.next_at.is_not(None)).distinct()
    )
    ordered = c.execute(query.order_by(prompt.c.next_at.desc()))
    return [Step(next_at=row.next_at, started_at=row.started_at) for row in ordered]


def put_off(c: Connection, campaign_id: str, step: Step, *, until: datetime, at: datetime) -> None:
    """Whoever has that next step has it at `until`. Of several, put off the last first."""
    mine = and_(prompt.c.campaign_id == campaign_id, prompt.c.state == Outcome.OPEN)
    same = and_(prompt.c.next_at == step.next_at, prompt.c.started_at == step.started_at)
    c.execute(update(prompt).where(mine, same).values(next_at=until, changed_at=at))


def paused_ids(c: Connection) -> list[str]:
    """The campaigns that are paused."""
    return list(c.execute(select(campaign.c.id).where(campaign.c.state == "paused")).scalars())


def under_way(c: Connection, *, since: datetime) -> list[str]:
    """Campaigns that still ask, the earliest date first; with `since` those that ended after it as well."""
    asking = campaign.c.state.in_(ASKING) & _anybody_open()
    wanted = asking if since is None else or_(asking, campaign.c.changed_at >= since)
    return list(
        c.execute(select(campaign.c.id).where(wanted).order_by(campaign.c.due_on, campaign.c.id)).scalars()
    )


def to_be_told(c: Connection, *, at: datetime) -> list[tuple[str, Told]]:
    """The milestones' campaigns of which focal points are to be told, marked so that no other look misses it.

    Over are those that have asked somebody and ask nobody any more.
    """
    asks = func.sum(case((prompt.c.state == Outcome.OPEN, 1), else_=0))
    lost = func.sum(case((prompt.c.state == Outcome.UNREACHABLE, 1), else_=0))
    reached = func.sum(case((prompt.c.sent > 0, 1), else_=0))
    query = (
        select(campaign.c.id, campaign.c.told, asks, lost, func.count())
        .join(prompt, prompt.c.campaign_id == campaign.c.id)
        .where(campaign.c.kind == "milestone", campaign.c.state.in_(["open", "ended"]))
        .where(or_(campaign.c.told.is_(None), campaign.c.told != Told.OVER_TOLD))
        .group_by(campaign.c.id, campaign.c.told)
        .having(reached > 0)
    )
    found: list[tuple[str, Told]] = []
    for campaign_id, told, asking, unreachable, people in c.execute(query).all():
        if not asking:
            what = Told.OVER
        elif told != Told.UNREACHABLE_TOLD and are_too_many(unreachable, asked=people):
            what = Told.UNREACHABLE
        else:
            continue
        if told != what:
            tell(c, campaign_id, what, at=at)
        found.append((campaign_id, what))
    return found


def told(c: Connection, campaign_ids: Sequence[str]) -> Mapping[str, Told | None]:
    """What the focal points of each are to be told, or were told last."""
    query = select(campaign.c.id, campaign.c.told).where(campaign.c.id.in_(campaign_ids))
    return {row.id: Told(row.told) if row.told else None for row in c.execute(query)}


def tell(c: Connection, campaign_id: str, what: Told, *, at: datetime) -> None:
    """Notes what the focal points are to be told, or were."""
    c.execute(update(campaign).where(campaign.c.id == campaign_id).values(told=what, changed_at=at))


def _anybody_open() -> ColumnElement[bool]:
    mine = select(prompt.c.person_id).where(
        prompt.c.campaign_id == campaign.c.id, prompt.c.state == Outcome.OPEN
    )
    return mine.exists()


def _last_key() -> ColumnElement[str]:
    """`core.schedule.message_key` in SQL."""
    later = prompt.c.key + ":" + cast(prompt.c.sent - 1, String)
    return case((prompt.c.sent <= 1, prompt.c.key), else_=later)


def _last_messages(campaign_id: str) -> ScalarSelect[str]:
    """The keys of the last message to everyone who is still asked."""
    asked = and_(prompt.c.campaign_id == campaign_id, prompt.c.state == Outcome.OPEN)
    return select(_last_key()).where(asked).scalar_subquery()
