"""What people say of lessons they found, in the record and to those who contributed them.

An answer is a row, and in the same transaction the job that brings the record to what all have said and sees
that its contributors are thanked: run again, or run late, it does nothing twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from km365.core.audience import Reader
from km365.core.knowledge import KnowledgeItem, Maturity, from_fields
from km365.core.languages import best
from km365.core.preferences import Asked
from km365.core.used import Tally, Use
from km365.errors import InputRefused, NotFound
from km365.graph import lists
from km365.graph.client import Graph
from km365.graph.wire import odata_text
from km365.jobs.port import Args, Jobs
from km365.services.capture import find, knowledge_list
from km365.services.prompts import SEND_MESSAGE
from km365.services.review import get_item, may_review
from km365.services.verdicts import VerdictDesk
from km365.settings import Settings
from km365.store import outbox, preferences
from km365.store import used as store
from km365.store.database import Connection, Database
from km365.store.outbox import Delivery, Message

RECORD = "record_uses"
"""The job that brings the record of a lesson to what was said of it."""
THANKS = "thanks"
"""The card that tells contributors that their lessons were of use."""
BETWEEN = timedelta(days=7)
"""So long after one such message the next one waits, and gathers what comes meanwhile."""
_TRIES = 200
"""Over a week of them, as for handing on."""
_AT_ONCE = 10
_GONE = frozenset({Maturity.RETIRED, Maturity.SUPERSEDED})
_EVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, kw_only=True)
class Thanked:
    """A lesson that was of use to so many colleagues since its contributor was told last."""

    title: str
    count: int


def open_desk(desk: VerdictDesk) -> None:
    """Registers the job."""

    async def work(args: Args) -> None:
        await bring_up(desk, args["item"])

    desk.jobs.register(RECORD, work, attempts=_TRIES)


async def say(
    desk: VerdictDesk, item_id: str, use: Use, *, reader: Reader, words: str = "", at: datetime
) -> KnowledgeItem:
    """Keeps what the reader says of a lesson; said twice it counts once, and the latest word counts.

    What belongs to another channel has been kept out of `words` before. Raises NotFound where the reader may
    not know of the lesson, InputRefused for one of their own. Needs Sites.Selected with read.
    """
    item = (await get_item(desk.graph, desk.settings, item_id, reader=reader)).item
    if reader.person_id in item.contributors:
        raise InputRefused(f"{item_id} is your own; what colleagues say of it is counted.")

    def act(c: Connection) -> None:
        if store.say(c, item_id, use, person_id=reader.person_id, words=words, at=at):
            desk.jobs.enqueue(c, RECORD, key=f"{RECORD}:{item_id}", args={"item": item_id})

    await desk.db.run(act)
    return item


async def tally_of(
    graph: Graph, db: Database, settings: Settings, item: KnowledgeItem, reader: Reader
) -> Tally:
    """For how many it was of use; why it did not fit only for its contributors and who decides on it.

    Needs GroupMember.ReadBasic.All where there is a reason.
    """
    found = await db.run(store.tally_of, item.id)
    if not found.reasons or reader.person_id in item.contributors:
        return found
    if await may_review(graph, settings, item.office, reader):
        return found
    return Tally(used=found.used, did_not_fit=found.did_not_fit)


async def bring_up(desk: VerdictDesk, item_id: str) -> bool:
    """Brings the record to how many used it, and thanks its contributors; False where the record says so.

    Its idempotency rules are the ETag, that the same answers make the same record, and the message's key.
    Raises GraphChangedMeanwhile where somebody changed the item since it was read, for the job to be tried
    again. Needs Sites.Selected with write.
    """
    place = await knowledge_list(desk.graph, desk.settings)
    try:
        row = await find(desk.graph, place, item_id)
    except NotFound:
        return False
    item = from_fields(row.fields)
    if item.maturity in _GONE:
        return False
    said = await desk.db.run(store.tally_of, item_id)
    known = row.fields.get("KMUsed")
    is_new = said.used != (int(known) if isinstance(known, int | float) else 0)
    if is_new:
        fields = {"KMUsed": said.used}
        await lists.update_fields(desk.graph, place.site_id, place.list_id, row.id, fields, etag=row.etag)
    if said.used:
        await desk.db.run(_thank, desk.jobs, item, at=desk.now())
    return is_new


def _thank(c: Connection, jobs: Jobs, item: KnowledgeItem, *, at: datetime) -> None:
    """Has its contributors thanked, where they were not told since somebody used it last.

    The message lists the lessons it is about, each with the moment since which it was used.
    """
    for person_id in item.contributors:
        told = outbox.list_(c, prefix=f"{THANKS}:{person_id}", person_id=person_id)
        about = [one for one in told if item.id in one.message.data.get("items", (item.id,))]
        if any(one.state in {Delivery.WAITING, Delivery.SENDING} for one in about):
            continue
        item_since = max((one.changed_at for one in about), default=_EVER)
        if not store.used_since(c, item.id, item_since):
            continue
        items = {item.id: item_since.isoformat()}
        if waiting := next((one.message for one in told if one.state is Delivery.WAITING), None):
            outbox.amend(c, waiting.key, {"items": {**waiting.data["items"], **items}})
            continue
        if preferences.get(c, person_id).asked is Asked.NONE:
            continue
        since = max((one.changed_at for one in told), default=None)
        due_at = max(at, since + BETWEEN) if since else at
        message = Message(
            key=f"{THANKS}:{person_id}:{due_at:%Y-%m-%d}",
            person_id=person_id,
            card=THANKS,
            data={"items": items},
            language=best([item.language]),
            reason="colleagues used what the person contributed",
        )
        if outbox.put(c, message, at=at, due_at=due_at) and due_at <= at:
            jobs.enqueue(c, SEND_MESSAGE, key=message.key, args={"key": message.key})


async def thanked(desk: VerdictDesk, message: Message) -> list[Thanked]:
    """What such a message says as it is sent: the lessons of its reader that were of use since the last one.

    The most used first; none where nobody says so any more. Needs Sites.Selected with read.
    """
    items: Mapping[str, str] = message.data.get("items", {})
    counts = {
        item_id: await desk.db.run(store.used_since, item_id, datetime.fromisoformat(since))
        for item_id, since in items.items()
    }
    found = [
        Thanked(title=item.title, count=counts[item.id])
        for item in (await _items(desk, counts)).values()
        if counts[item.id] and message.person_id in item.contributors and item.maturity not in _GONE
    ]
    return sorted(found, key=lambda one: (-one.count, one.title))


async def _items(desk: VerdictDesk, wanted: Mapping[str, int]) -> dict[str, KnowledgeItem]:
    """These items as SharePoint has them now."""
    place = await knowledge_list(desk.graph, desk.settings)
    found: dict[str, KnowledgeItem] = {}
    ids = sorted(wanted)
    for first in range(0, len(ids), _AT_ONCE):
        asked = " or ".join(f"fields/KMId eq {odata_text(one)}" for one in ids[first : first + _AT_ONCE])
        async for row in lists.list_items(desk.graph, place.site_id, place.list_id, filter=asked):
            item = from_fields(row.fields)
            found[item.id] = item
    return found
