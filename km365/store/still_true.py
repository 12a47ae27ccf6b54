"""Which lessons people were shown when they began to reflect, and what they said of each.

A row stands for one lesson, person and milestone. It is there once the lesson was shown, so nobody can say
anything of what was not shown to them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from km365.core.still_true import DOUBTS, Answer, Verdict
from km365.store import rows
from km365.store.tables import still_true

_AT_ONCE = 1_000
"""Ids in one query; SQLite takes 32,766."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A lesson as it was shown: at which place of the card, and what was said of it."""

    item_id: str
    place: int
    verdict: Verdict | None


def show(
    c: Connection,
    item_ids: Sequence[str],
    *,
    person_id: str,
    office: str,
    milestone: str,
    at: datetime,
) -> None:
    """Keeps which lessons were shown, in their order, in the place of those that were shown before.

    What was said of one already stays.
    """
    s = still_true.c
    mine = (s.person_id == person_id, s.milestone == milestone)
    c.execute(delete(still_true).where(*mine, s.verdict.is_(None)))
    c.execute(update(still_true).where(*mine).values(place=0))
    for place, item_id in enumerate(item_ids, start=1):
        values = {"item_id": item_id, "person_id": person_id, "milestone": milestone}
        rows.put(c, still_true, values | {"place": place, "office": office, "shown_at": at})


def shown(c: Connection, person_id: str, milestone: str) -> list[Shown]:
    """The lessons that stand on this person's card, in their order."""
    s = still_true.c
    query = select(s.item_id, s.place, s.verdict).where(
        s.person_id == person_id, s.milestone == milestone, s.place > 0
    )
    return [
        Shown(item_id=item_id, place=place, verdict=Verdict(said) if said else None)
        for item_id, place, said in c.execute(query.order_by(s.place))
    ]


def shown_since(c: Connection, item_ids: Collection[str], *, beginning: str) -> Mapping[str, datetime]:
    """When each of these was last shown at a milestone whose id begins so; else it is not among them."""
    s = still_true.c
    query = (
        select(s.item_id, func.max(s.shown_at))
        .where(s.milestone.startswith(beginning, autoescape=True))
        .group_by(s.item_id)
    )
    found: dict[str, datetime] = {}
    for some in rows.batched(item_ids, _AT_ONCE):
        found |= {item_id: shown_at for item_id, shown_at in c.execute(query.where(s.item_id.in_(some)))}  # noqa: C416 - rows are no pairs
    return found


def unsaid(c: Connection, person_id: str, *, beginning: str) -> str | None:
    """The milestone of that beginning at which something was shown last and nothing is said of it yet."""
    s = still_true.c
    mine = (s.person_id == person_id, s.verdict.is_(None), s.milestone.startswith(beginning, autoescape=True))
    query = select(s.milestone).where(*mine).order_by(s.shown_at.desc(), s.milestone.desc()).limit(1)
    return c.execute(query).scalar()


def say(
    c: Connection, item_id: str, verdict: Verdict, *, person_id: str, milestone: str, at: datetime
) -> bool:
    """Keeps what somebody says of a lesson that was shown to them; False where that changes nothing."""
    s = still_true.c
    mine = (s.item_id == item_id, s.person_id == person_id, s.milestone == milestone)
    new = (*mine, s.verdict.is_distinct_from(verdict.value))
    values = {"verdict": verdict, "said_at": at, "words": None, "settled_at": None}
    return c.execute(update(still_true).where(*new).values(**values)).rowcount == 1


def confirm(
    c: Connection, item_id: str, *, person_id: str, office: str, milestone: str, at: datetime
) -> bool:
    """Somebody's own item, which stands for the milestone, says that a lesson holds; False where it did."""
    values = {"item_id": item_id, "person_id": person_id, "milestone": milestone}
    rows.put(c, still_true, values | {"place": 0, "office": office, "shown_at": at})
    return say(c, item_id, Verdict.STILL_TRUE, person_id=person_id, milestone=milestone, at=at)


def take_back(c: Connection, milestone: str, *, but: Mapping[str, str]) -> list[str]:
    """Forgets what was said there, `but` what these people say of these lessons; of which lessons it was."""
    s = still_true.c
    found = c.execute(select(s.item_id, s.person_id).where(s.milestone == milestone)).all()
    gone = [one for one in found if but.get(one.item_id) != one.person_id]
    for item_id, person_id in gone:
        mine = (s.item_id == item_id, s.person_id == person_id, s.milestone == milestone)
        c.execute(delete(still_true).where(*mine))
    return [item_id for item_id, _ in gone]


def add_words(c: Connection, item_id: str, words: str, *, person_id: str, milestone: str) -> bool:
    """Keeps what changed or was done; False where nothing was said of that lesson, or these words before."""
    s = still_true.c
    mine = (s.item_id == item_id, s.person_id == person_id, s.milestone == milestone)
    new = (*mine, s.verdict.is_not(None), s.words.is_distinct_from(words))
    return c.execute(update(still_true).where(*new).values(words=words, settled_at=None)).rowcount == 1


def answered(c: Connection, person_id: str, *, milestone: str, since: datetime) -> frozenset[str]:
    """The lessons this person has spoken of: at this milestone, or since then at any."""
    s = still_true.c
    lately = (s.milestone == milestone) | (s.said_at >= since)
    query = select(s.item_id).where(s.person_id == person_id, s.verdict.is_not(None), lately)
    return frozenset(c.execute(query).scalars())


def answers(c: Connection, item_ids: Collection[str] | None = None) -> Mapping[str, list[Answer]]:
    """What was said of these lessons (of all, for None), the oldest first, without who said it."""
    s = still_true.c
    query = (
        select(s.item_id, s.verdict, s.office, s.words, s.said_at, s.settled_at)
        .where(s.verdict.is_not(None))
        .order_by(s.said_at, s.item_id, s.person_id)
    )
    if item_ids is not None:
        query = query.where(s.item_id.in_(list(item_ids)))
    found: dict[str, list[Answer]] = {}
    for item_id, verdict, office, words, said_at, settled_at in c.execute(query):
        one = Answer(
            verdict=Verdict(verdict),
            office=office,
            on=said_at.date(),
            words=words or "",
            settled=settled_at is not None,
        )
        found.setdefault(item_id, []).append(one)
    return found


def doubted(c: Connection) -> frozenset[str]:
    """The lessons that somebody has put in doubt, and nobody has looked at since."""
    s = still_true.c
    query = select(s.item_id).where(s.verdict.in_([one.value for one in DOUBTS]), s.settled_at.is_(None))
    return frozenset(c.execute(query.distinct()).scalars())


def settle(c: Connection, item_id: str, *, at: datetime) -> int:
    """A reviewer has looked at the doubts about a lesson; counts them."""
    s = still_true.c
    doubts = (s.verdict.in_([one.value for one in DOUBTS]), s.settled_at.is_(None))
    return c.execute(update(still_true).where(s.item_id == item_id, *doubts).values(settled_at=at)).rowcount


def forget(c: Connection, *, before: datetime) -> int:
    """Deletes what was shown before that moment and never spoken of, and the words said before it."""
    s = still_true.c
    unsaid = c.execute(delete(still_true).where(s.verdict.is_(None), s.shown_at < before)).rowcount
    old = (s.said_at < before) & s.words.is_not(None)
    return unsaid + c.execute(update(still_true).where(old).values(words=None)).rowcount
