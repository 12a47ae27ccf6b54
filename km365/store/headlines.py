"""Headline messages that were found for a milestone, and what became of each.

Of what people wrote only its place is here (`core.headlines.Place`), so it goes where they take it back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Connection, and_, delete, exists, or_, select, update

from km365.core.headlines import Headline, Place, Why
from km365.core.schedule import GRACE, Outcome
from km365.store import rows
from km365.store.rows import Json
from km365.store.tables import campaign, headline, headline_list, prompt


class State(StrEnum):
    """What was decided about a candidate."""

    OPEN = "open"  # nobody has said anything yet
    CHOSEN = "chosen"  # it becomes a lesson and stands in the summary
    DROPPED = "dropped"  # not wanted


@dataclass(frozen=True, kw_only=True)
class Listed:
    """That a milestone's answers were looked at. `people` sent something: 0 for too few to show anything.

    `summary` is where the Word file lies, None before there is one.
    """

    campaign_id: str
    people: int
    language: str
    made_at: datetime
    summary: Json | None = None
    carried_out_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One candidate without its words. `words` are those of whoever chose it, where they reworded it."""

    number: int
    perspective: str
    theme: str
    says: Place
    quotes: tuple[Place, ...]
    others: tuple[Place, ...]
    sources: tuple[str, ...]
    people: int | None
    against: int | None
    why: tuple[Why, ...]
    state: State
    changed_at: datetime
    words: str = ""
    item_id: str = ""
    """The lesson it became."""
    decided_by: str = ""


def waiting(c: Connection, *, today: date) -> list[str]:
    """The campaigns of milestones that are over and were not looked at since, the earliest first.

    Over is one that the calendar has ended, and one a week past its day in which nobody is asked any more.
    """
    still = exists().where(prompt.c.campaign_id == campaign.c.id, prompt.c.state == Outcome.OPEN)
    passed = and_(campaign.c.due_on < today - GRACE, ~still)
    looked = headline_list.c.campaign_id
    query = (
        select(campaign.c.id)
        .outerjoin(headline_list, looked == campaign.c.id)
        .where(
            campaign.c.kind == "milestone",
            or_(campaign.c.state == "ended", passed),
            or_(looked.is_(None), headline_list.c.made_at < campaign.c.changed_at),
        )
        .order_by(campaign.c.due_on, campaign.c.id)
    )
    return list(c.execute(query).scalars())


def keep(
    c: Connection, found: Sequence[Headline], *, campaign_id: str, people: int, language: str, at: datetime
) -> bool:
    """Keeps what was found in place of earlier candidates; False, and they stay, where one was decided on."""
    if any(one.state is not State.OPEN for one in list_(c, campaign_id)):
        mine = headline_list.c.campaign_id == campaign_id
        c.execute(update(headline_list).where(mine).values(made_at=at))
        return False
    c.execute(delete(headline).where(headline.c.campaign_id == campaign_id))
    values = {"campaign_id": campaign_id, "people": people, "language": language, "made_at": at}
    rows.put(c, headline_list, values)
    for number, one in enumerate(found, start=1):
        c.execute(
            headline.insert().values(campaign_id=campaign_id, number=number, **_values(one), changed_at=at)
        )
    return True


def looked_at(c: Connection, campaign_id: str) -> Listed | None:
    """When the milestone's answers were looked at, or None."""
    row = c.execute(select(headline_list).where(headline_list.c.campaign_id == campaign_id)).first()
    return Listed(**row._mapping) if row else None


def every(c: Connection) -> list[Listed]:
    """All that were looked at and had enough to show, the newest first."""
    query = select(headline_list).where(headline_list.c.people > 0).order_by(headline_list.c.made_at.desc())
    return [Listed(**row._mapping) for row in c.execute(query)]


def list_(c: Connection, campaign_id: str) -> list[Candidate]:
    """The candidates of a milestone in their order."""
    query = select(headline).where(headline.c.campaign_id == campaign_id).order_by(headline.c.number)
    return [_candidate(row._mapping) for row in c.execute(query)]


def decide(
    c: Connection,
    campaign_id: str,
    number: int,
    state: State,
    *,
    words: str | None,
    by: str,
    at: datetime,
) -> int:
    """Gives the candidate the state and the words; 1 where that changed it."""
    mine = and_(headline.c.campaign_id == campaign_id, headline.c.number == number)
    same = and_(headline.c.state == state, headline.c.words.is_not_distinct_from(words))
    values = {"state": state, "words": words, "decided_by": by, "changed_at": at}
    return c.execute(update(headline).where(mine & ~same).values(**values)).rowcount


def became(c: Connection, campaign_id: str, number: int, item_id: str) -> None:
    """Keeps which lesson a candidate became; "" for none any more."""
    mine = and_(headline.c.campaign_id == campaign_id, headline.c.number == number)
    c.execute(update(headline).where(mine).values(item_id=item_id or None))


def carried_out(c: Connection, campaign_id: str, summary: Json | None, *, at: datetime) -> None:
    """Keeps where the summary lies, and when what was decided was last carried out."""
    mine = headline_list.c.campaign_id == campaign_id
    c.execute(update(headline_list).where(mine).values(summary=summary, carried_out_at=at))


def to_carry_out(c: Connection, *, changed_since: datetime, looked_before: datetime) -> list[str]:
    """The milestones with a decision that was not carried out yet.

    And those of which a message was chosen since the one moment, and not looked at since the other.
    """
    of_it = headline.c.campaign_id == headline_list.c.campaign_id
    done_at = headline_list.c.carried_out_at
    touched = or_(headline.c.state != State.OPEN, headline.c.item_id.is_not(None))
    undone = exists().where(of_it, touched, or_(done_at.is_(None), headline.c.changed_at > done_at))
    chosen = exists().where(of_it, headline.c.state == State.CHOSEN, headline.c.changed_at >= changed_since)
    wanted = or_(undone, and_(chosen, done_at < looked_before))
    return list(c.execute(select(headline_list.c.campaign_id).where(wanted)).scalars())


def forget(c: Connection, *, changed_before: datetime) -> int:
    """Deletes the candidates of long ago with their wordings, and counts them; the lessons stand."""
    old = headline.c.changed_at < changed_before
    return c.execute(delete(headline).where(old)).rowcount


def _values(one: Headline) -> Json:
    return {
        "perspective": one.perspective,
        "theme": one.theme,
        "places": {
            "says": one.says.place.to_json(),
            "quotes": [quote.place.to_json() for quote in one.quotes],
            "others": [quote.place.to_json() for quote in one.others],
            "sources": list(one.sources),
        },
        "people": one.people,
        "against": one.against,
        "why": [why.value for why in one.why],
        "state": State.OPEN,
    }


def _candidate(row: rows.Row) -> Candidate:
    places = row["places"]
    return Candidate(
        number=row["number"],
        perspective=row["perspective"],
        theme=row["theme"],
        says=Place.from_json(places["says"]),
        quotes=tuple(map(Place.from_json, places["quotes"])),
        others=tuple(map(Place.from_json, places["others"])),
        sources=tuple(places["sources"]),
        people=row["people"],
        against=row["against"],
        why=tuple(map(Why, row["why"])),
        state=State(row["state"]),
        changed_at=row["changed_at"],
        words=row["words"] or "",
        item_id=row["item_id"] or "",
        decided_by=row["decided_by"] or "",
    )
