"""Campaigns: a milestone or a departure that people are asked about, and where each person stands.

Waiting is a row here: `next_at` says when somebody is due. The key of a person's row is the beginning of the
keys of their messages in the outbox.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, and_, bindparam, func, select, update

from km365.core.schedule import WEEK, Outcome, Plan, Progress, Why
from km365.store import outbox, rows, standing
from km365.store.outbox import Delivery
from km365.store.rows import Json, Prepared
from km365.store.tables import campaign, message, prompt

_STILL_ASKED = and_(
    prompt.c.campaign_id == bindparam("subject"),
    prompt.c.person_id == bindparam("wanted"),
    prompt.c.state == bindparam("asked", Outcome.OPEN),
)
_KEY_OF = Prepared(select(prompt.c.key).where(_STILL_ASKED), "subject", "wanted")
_STOP = update(prompt).where(_STILL_ASKED)
"""Made once: every turn of a chat needs them."""
_SAVE = update(prompt).where(
    prompt.c.campaign_id == bindparam("subject"), prompt.c.person_id == bindparam("wanted")
)

KINDS = ("departure", "post", "group", "milestone")
"""What a campaign may be about: its kind, and the reason of its messages."""
BESIDE = ("action", "alumni", "open_gaps", "promotion", "push", "review")
"""Reasons of messages that ask a person something beside campaigns; the limit of a week counts them too."""

ASKING = standing.ASKING
"""The states of a campaign that asks people, now or once it goes on."""


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """What people are asked about. `id` is its subject: `milestone:7` or `departure:PERSON:DAY`."""

    id: str
    kind: str
    title: str
    due_on: date
    plan: Plan
    data: Json
    """What the card is given, without anything about the person."""
    rank: int = 0
    """How important it is beside others that ask the same person, 0 being the most."""
    state: str = "open"

    def after_leaving(self, today: date) -> bool:
        """Whether it asks somebody whose last day has passed."""
        return self.kind == "departure" and self.due_on < today


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One person in one campaign."""

    campaign_id: str
    person_id: str
    key: str
    language: str
    progress: Progress


def create(c: Connection, wanted: Campaign, *, at: datetime) -> bool:
    """Opens the campaign; False, and nothing changes, when it was opened before."""
    values = {
        "id": wanted.id,
        "kind": wanted.kind,
        "title": wanted.title,
        "due_on": wanted.due_on,
        "plan": _plan_json(wanted.plan),
        "data": wanted.data,
        "rank": wanted.rank,
        "state": wanted.state,
        "started_at": at,
        "changed_at": at,
    }
    return rows.insert_new(c, campaign, values)


def get(c: Connection, campaign_id: str) -> Campaign | None:
    """The campaign, or None."""
    row = c.execute(select(campaign).where(campaign.c.id == campaign_id)).first()
    return _campaign(row._mapping) if row else None


def list_(c: Connection, *, kind: str | None = None, state: str | None = None) -> list[Campaign]:
    """Campaigns that match, the earliest date first."""
    query = select(campaign).order_by(campaign.c.due_on, campaign.c.id)
    if kind is not None:
        query = query.where(campaign.c.kind == kind)
    if state is not None:
        query = query.where(campaign.c.state == state)
    return [_campaign(row._mapping) for row in c.execute(query)]


def asking(c: Connection, *, kind: str | None = None) -> list[Campaign]:
    """Campaigns that are open or paused, the earliest date first."""
    return [one for one in list_(c, kind=kind) if one.state in ASKING]


def is_cancelled(c: Connection, campaign_id: str) -> bool:
    """Whether a person cancelled it, so that the calendar does not open it again."""
    found = get(c, campaign_id)
    return found is not None and found.state == "cancelled"


def change(c: Connection, wanted: Campaign, *, at: datetime) -> None:
    """Gives the campaign all that is wanted of it; the people in it stay where they are."""
    values = {
        "title": wanted.title,
        "due_on": wanted.due_on,
        "plan": _plan_json(wanted.plan),
        "data": wanted.data,
        "rank": wanted.rank,
        "state": wanted.state,
        "changed_at": at,
    }
    c.execute(update(campaign).where(campaign.c.id == wanted.id).values(**values))


def add_person(
    c: Connection, campaign_id: str, person_id: str, *, key: str, language: str, at: datetime
) -> bool:
    """Takes the person into the campaign, due at once; False when they were ever in it."""
    values = {
        "campaign_id": campaign_id,
        "person_id": person_id,
        "key": key,
        "language": language,
        "state": Outcome.OPEN,
        "sent": 0,
        "started_at": at,
        "next_at": at,
        "changed_at": at,
    }
    return rows.insert_new(c, prompt, values)


def due(c: Connection, *, at: datetime, limit: int = 200) -> list[tuple[Prompt, Campaign]]:
    """People whose next step is due, the most important campaign first, then the longest waiting."""
    ready = and_(prompt.c.state == Outcome.OPEN, prompt.c.next_at <= at, campaign.c.state == "open")
    query = (
        select(prompt)
        .join_from(prompt, campaign, prompt.c.campaign_id == campaign.c.id)
        .where(ready)
        .order_by(campaign.c.rank, prompt.c.next_at, prompt.c.campaign_id, prompt.c.person_id)
        .limit(limit)
    )
    waiting = [_prompt(row._mapping) for row in c.execute(query)]
    ids = {one.campaign_id for one in waiting}
    found = {
        row.id: _campaign(row._mapping) for row in c.execute(select(campaign).where(campaign.c.id.in_(ids)))
    }
    return [(one, found[one.campaign_id]) for one in waiting]


def people_due(c: Connection, *, at: datetime, limit: int = 200) -> frozenset[str]:
    """The ids of the people that `due` gives now."""
    return frozenset(one.person_id for one, _ in due(c, at=at, limit=limit))


def save(c: Connection, *wanted: Prompt, at: datetime) -> None:
    """Stores where these people stand."""
    if not wanted:
        return
    stands = [
        {
            "subject": one.campaign_id,
            "wanted": one.person_id,
            "state": one.progress.state,
            "sent": one.progress.sent,
            "next_at": one.progress.next_at,
            "last_at": one.progress.last_at,
            "why": one.progress.why,
            "changed_at": at,
        }
        for one in wanted
    ]
    c.execute(_SAVE, stands)


def stop(
    c: Connection, person_id: str, subject: str, *, outcome: Outcome = Outcome.ANSWERED, at: datetime
) -> bool:
    """Ends the person's part in the campaign `subject`: no reminder follows, and what waits is cancelled.

    False when they were not, or no longer, being asked. Call it in the transaction that stores the answer.
    """
    found = _KEY_OF.first(c, subject, person_id)
    if found is None:
        return False
    mine = {"subject": subject, "wanted": person_id}
    c.execute(_STOP, {**mine, "state": outcome, "next_at": None, "changed_at": at})
    outbox.cancel(c, found["key"], note=f"the person has {outcome}", at=at)
    return True


def stop_everyone(c: Connection, campaign_id: str, *, state: str, note: str, at: datetime) -> int:
    """Ends the campaign for everyone still being asked, and counts them; see `reopen`."""
    c.execute(update(campaign).where(campaign.c.id == campaign_id).values(state=state, changed_at=at))
    open_ = and_(prompt.c.campaign_id == campaign_id, prompt.c.state == Outcome.OPEN)
    standing.call_off(c, campaign_id, note=note, at=at)
    return c.execute(update(prompt).where(open_).values(state=Outcome.CANCELLED, changed_at=at)).rowcount


def reopen(c: Connection, campaign_id: str, *, at: datetime) -> int:
    """Takes up again a campaign that was called off, where it was, with those still asked; counts them."""
    c.execute(update(campaign).where(campaign.c.id == campaign_id).values(state="open", changed_at=at))
    mine = and_(prompt.c.campaign_id == campaign_id, prompt.c.state == Outcome.CANCELLED)
    return c.execute(update(prompt).where(mine).values(state=Outcome.OPEN, changed_at=at)).rowcount


def postpone(c: Connection, campaign_id: str, *, due_on: date, until: datetime, at: datetime) -> bool:
    """Moves a campaign that asks to another day: nothing is sent before `until`. False if there is none."""
    asks = campaign.c.state.in_(ASKING)
    mine = and_(campaign.c.id == campaign_id, asks, campaign.c.due_on != due_on)
    if not c.execute(update(campaign).where(mine).values(due_on=due_on, changed_at=at)).rowcount:
        return False
    early = and_(prompt.c.campaign_id == campaign_id, prompt.c.next_at < until)
    c.execute(update(prompt).where(early).values(next_at=until, changed_at=at))
    return True


def asked(c: Connection, people: Collection[str], *, at: datetime) -> dict[str, list[datetime]]:
    """When each was asked something in the seven days before `at`, and when what waits will go out."""
    gone = message.c.state.in_([Delivery.SENT, Delivery.UNKNOWN]) & (message.c.changed_at > at - WEEK)
    waits = message.c.state.in_([Delivery.WAITING, Delivery.SENDING])
    theirs = message.c.person_id.in_(people) & message.c.reason.in_((*KINDS, *BESIDE))
    columns = (message.c.person_id, message.c.state, message.c.due_at, message.c.changed_at)
    found: dict[str, list[datetime]] = {one: [] for one in people}
    for row in c.execute(select(*columns).where(theirs & (gone | waits))):
        is_gone = row.state in {Delivery.SENT, Delivery.UNKNOWN}
        found[row.person_id].append(row.changed_at if is_gone else max(at, row.due_at))
    return found


def asked_of(c: Connection, campaign_id: str) -> frozenset[str]:
    """The ids of those the campaign asks or has asked, but for those taken out."""
    still = (prompt.c.campaign_id == campaign_id) & (prompt.c.state != Outcome.TAKEN_OUT)
    return frozenset(c.execute(select(prompt.c.person_id).where(still)).scalars())


def people(c: Connection, campaign_id: str) -> list[Prompt]:
    """Everyone in the campaign."""
    query = select(prompt).where(prompt.c.campaign_id == campaign_id).order_by(prompt.c.person_id)
    return [_prompt(row._mapping) for row in c.execute(query)]


def of_message(c: Connection, message_key: str, person_id: str) -> Prompt | None:
    """Where the person stands in the campaign that wrote them this message; None when none did."""
    theirs = c.execute(select(prompt).where(prompt.c.person_id == person_id))
    keys = {row.key: _prompt(row._mapping) for row in theirs}
    return keys.get(message_key) or keys.get(message_key.rpartition(":")[0])


def of_person(c: Connection, person_id: str, *, kind: str) -> list[Campaign]:
    """The campaigns of that kind the person is or was in, the earliest date first."""
    query = (
        select(campaign)
        .join_from(campaign, prompt, prompt.c.campaign_id == campaign.c.id)
        .where(prompt.c.person_id == person_id, campaign.c.kind == kind)
        .order_by(campaign.c.due_on)
    )
    return [_campaign(row._mapping) for row in c.execute(query)]


def of(c: Connection, person_id: str, *, state: Outcome = Outcome.OPEN) -> list[tuple[Prompt, Campaign]]:
    """Where the person stands so in campaigns that ask, the earliest next step first."""
    mine = and_(prompt.c.person_id == person_id, prompt.c.state == state)
    ordered = select(prompt).where(mine).order_by(prompt.c.next_at, prompt.c.campaign_id)
    theirs = [_prompt(row._mapping) for row in c.execute(ordered)]
    found = {one.campaign_id: get(c, one.campaign_id) for one in theirs}
    return [(one, about) for one in theirs if (about := found[one.campaign_id]) and about.state in ASKING]


def counts(c: Connection, campaign_id: str) -> dict[Outcome, int]:
    """How many people stand where; outcomes nobody has are left out."""
    query = (
        select(prompt.c.state, func.count())
        .where(prompt.c.campaign_id == campaign_id)
        .group_by(prompt.c.state)
    )
    return {Outcome(state): number for state, number in c.execute(query)}


def _campaign(row: rows.Row) -> Campaign:
    plan = row["plan"]
    last_on = date.fromisoformat(plan["last_on"]) if plan["last_on"] else None
    return Campaign(
        id=row["id"],
        kind=row["kind"],
        title=row["title"],
        due_on=row["due_on"],
        plan=Plan(days=tuple(plan["days"]), close_after=plan["close_after"], last_on=last_on),
        data=row["data"],
        rank=row["rank"],
        state=row["state"],
    )


def _plan_json(plan: Plan) -> Json:
    last_on = plan.last_on.isoformat() if plan.last_on else None
    return {"days": list(plan.days), "close_after": plan.close_after, "last_on": last_on}


def _prompt(row: rows.Row) -> Prompt:
    progress = Progress(
        state=Outcome(row["state"]),
        started_at=row["started_at"],
        next_at=row["next_at"],
        sent=row["sent"],
        last_at=row["last_at"],
        why=Why(row["why"]) if row["why"] else None,
    )
    return Prompt(
        campaign_id=row["campaign_id"],
        person_id=row["person_id"],
        key=row["key"],
        language=row["language"],
        progress=progress,
    )
