"""What people say of a lesson that a reflection opened with, and what comes of it in the record.

An answer is a row, and in the same transaction the job that brings the record in SharePoint to what all the
answers say: run again, or run late, it writes the same. Who answered is told to nobody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from km365.core.audience import Reader
from km365.core.knowledge import KnowledgeItem, Maturity, from_fields
from km365.core.still_true import DOUBTS, Answer, Held, Record, Verdict, held, record
from km365.errors import InputRefused, NotFound
from km365.graph import lists
from km365.graph.client import Graph
from km365.jobs.port import Args, Jobs
from km365.services import life
from km365.services.calendar import day_of
from km365.services.capture import Kept, find, knowledge_list
from km365.services.review import get_item, is_readable, may_review, named
from km365.settings import Settings
from km365.store import events
from km365.store import still_true as store
from km365.store.database import Connection, Database
from km365.store.still_true import Shown

RECORD = "record_verdicts"
"""The job that brings the record of a lesson to what was said of it."""
_TRIES = 200
"""Over a week of them, as for handing on."""
_GONE = frozenset({Maturity.RETIRED, Maturity.SUPERSEDED})


@dataclass(frozen=True, kw_only=True)
class VerdictDesk:
    """What recording what people say needs."""

    graph: Graph
    db: Database
    jobs: Jobs
    settings: Settings
    now: Callable[[], datetime]


@dataclass(frozen=True, kw_only=True)
class Doubted:
    """A lesson that somebody has put in doubt, and what is known of whether it holds."""

    kept: Kept
    held: Held


def open_desk(desk: VerdictDesk) -> None:
    """Registers the job."""

    async def work(args: Args) -> None:
        await bring_up(desk, args["item"], fewer=bool(args.get("fewer")))

    desk.jobs.register(RECORD, work, attempts=_TRIES)


async def shown(db: Database, person_id: str, milestone: str) -> list[Shown]:
    """The lessons that were shown to this person when they began to reflect on it, in their order."""
    return await db.run(store.shown, person_id, milestone)


async def say(
    desk: VerdictDesk, verdicts: Mapping[str, Verdict], *, person_id: str, milestone: str, at: datetime
) -> None:
    """Keeps what the person says of lessons, by id; of one that was not shown to them, nothing."""

    def act(c: Connection) -> None:
        for item_id, verdict in verdicts.items():
            if store.say(c, item_id, verdict, person_id=person_id, milestone=milestone, at=at):
                enqueue(c, desk.jobs, item_id)

    await desk.db.run(act)


async def add_words(desk: VerdictDesk, words: Mapping[str, str], *, person_id: str, milestone: str) -> None:
    """Keeps what changed or was done, in the person's words by the lesson's id, if they said something of it.

    What belongs to another channel has been kept out before.
    """

    def act(c: Connection) -> None:
        for item_id, text in words.items():
            if store.add_words(c, item_id, text, person_id=person_id, milestone=milestone):
                enqueue(c, desk.jobs, item_id)

    await desk.db.run(act)


def enqueue(c: Connection, jobs: Jobs, item_id: str, *, fewer: bool = False) -> None:
    """Queues the job that brings the record of an item to what is said of it, or to nothing that is left."""
    args = {"item": item_id, **({"fewer": "yes"} if fewer else {})}
    jobs.enqueue(c, RECORD, key=f"{RECORD}:{item_id}{':fewer' if fewer else ''}", args=args)


async def bring_up(desk: VerdictDesk, item_id: str, *, fewer: bool = False) -> bool:
    """Brings the record in the list to what all answers say; False where it says so, or is gone.

    Where nothing is said it stays as it is, because our database may have been lost; unless we know that
    there are `fewer`.

    Its idempotency rule is the ETag and that the same answers make the same record. Raises
    GraphChangedMeanwhile where somebody changed the item since it was read, for the job to be tried again.
    Needs Sites.Selected with write.
    """
    place = await knowledge_list(desk.graph, desk.settings)
    try:
        row = await find(desk.graph, place, item_id)
    except NotFound:
        return False
    answers = (await desk.db.run(store.answers, [item_id])).get(item_id, [])
    item = from_fields(row.fields)
    if not (answers or fewer) or item.maturity in _GONE:
        return False
    wanted = record(item, answers)
    if wanted == _recorded(item, row.fields):
        return False
    columns = {
        "KMEffect": wanted.effect.value,
        "KMReviewBy": wanted.review_by.isoformat() if wanted.review_by else None,
        "KMConfirmedOn": wanted.confirmed_on.isoformat() if wanted.confirmed_on else None,
        "KMConfirmedBy": wanted.confirmed_by,
    }
    await lists.update_fields(desk.graph, place.site_id, place.list_id, row.id, columns, etag=row.etag)
    await life.note_effect(desk.db, item, wanted.effect, at=desk.now())
    return True


def _recorded(item: KnowledgeItem, fields: Mapping[str, object]) -> Record:
    by = fields.get("KMConfirmedBy")
    return Record(
        effect=item.effect,
        review_by=item.review_by,
        confirmed_on=day_of(fields.get("KMConfirmedOn")),
        confirmed_by=int(by) if isinstance(by, int | float) else 0,
    )


# The reviewer's side ---------------------------------------------------------------------------------------


async def held_of(
    graph: Graph, db: Database, settings: Settings, item: KnowledgeItem, reader: Reader
) -> tuple[Held, tuple[Answer, ...]]:
    """Whether an item still holds by what people said; and what they said beside that it does, without who.

    The latter only for who decides on it. Needs GroupMember.ReadBasic.All where something was said.
    """
    answers = (await db.run(store.answers, [item.id])).get(item.id, [])
    told = [one for one in answers if one.words or (one.verdict in DOUBTS and not one.settled)]
    if told and not await may_review(graph, settings, item.office, reader):
        told = []
    return held(answers), tuple(told)


async def doubted(graph: Graph, db: Database, settings: Settings, reader: Reader) -> list[Doubted]:
    """The lessons in doubt on which the reader decides, and that are not taken back already.

    Needs Sites.Selected with read on the knowledge site, and GroupMember.ReadBasic.All.
    """
    wanted = await db.run(store.doubted)
    if not wanted:
        return []
    answers = await db.run(store.answers, wanted)
    may: dict[str, bool] = {}
    found = []
    for kept in (await named(graph, settings, sorted(wanted))).values():
        item = kept.item
        if item.maturity in _GONE or not is_readable(item, reader):
            continue
        if item.office not in may:
            may[item.office] = await may_review(graph, settings, item.office, reader)
        if may[item.office]:
            found.append(Doubted(kept=kept, held=held(answers[item.id])))
    return found


async def settle(desk: VerdictDesk, item_id: str, *, reader: Reader) -> int:
    """A reviewer has looked at the doubts, and the lesson stands; counts them.

    What it says is corrected in the list, and `services.review` retires it. Raises NotFound, and InputRefused
    where the reader does not decide on the item or nobody doubts it. Needs GroupMember.ReadBasic.All.
    """
    kept = await get_item(desk.graph, desk.settings, item_id, reader=reader)
    if not await may_review(desk.graph, desk.settings, kept.item.office, reader):
        raise InputRefused(
            f"A knowledge focal point of {kept.item.office or 'its office'} or a knowledge reviewer settles "
            "doubts about this item; `km365 settings show` names their groups."
        )

    def act(c: Connection) -> int:
        now = desk.now()
        count = store.settle(c, item_id, at=now)
        if count:
            what = {"count": count}
            events.append(c, kind="doubts settled", subject=item_id, who=reader.person_id, what=what, at=now)
            enqueue(c, desk.jobs, item_id)
        return count

    count = await desk.db.run(act)
    if not count:
        raise InputRefused(
            f"Nobody doubts {item_id}; `km365 lesson list --questioned` shows what is in doubt."
        )
    return count
