"""What one person contributed, newest first: interviews of ours and items of the *Knowledge* list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from km365.core.audience import Audience
from km365.core.contributions import Course, Standing, Wish, WishKind, course, reopened, standing_of
from km365.core.interviews import WAITING, Interview, InterviewState, prompt
from km365.core.knowledge import from_fields
from km365.core.questions import Bank, BankKind
from km365.core.said import Said, Verb
from km365.core.turns import Turn, step
from km365.documents.questions import Banks
from km365.errors import GraphError, NotFound
from km365.graph import lists, people
from km365.graph.client import Graph
from km365.graph.wire import odata_text
from km365.services import interview as service
from km365.services.capture import Kept, Place, find, knowledge_list
from km365.services.review import kept_of
from km365.settings import Settings
from km365.store import interviews as store
from km365.store import wishes
from km365.store.database import Connection, Database

NOTE = "note:"
"""Before an interview's id it names the handover note; `KM-` before it names the item."""
ITEM = "KM-"


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """One thing somebody contributed. At least one of `interview` and `kept` is there.

    `at` is when it was sent, or touched last where it was not. `wishes` are those still open.
    """

    id: str
    standing: Standing
    at: datetime
    interview: Interview | None = None
    bank: Bank | None = None
    kept: Kept | None = None
    wishes: tuple[Wish, ...] = ()

    def course(self, kind: WishKind, person_id: str) -> Course:
        """What becomes of this wish of its author, as things stand."""
        item = self.kept.item if self.kept else None
        said = self.interview is not None and self.interview.said_something
        return course(
            self.standing,
            kind,
            alone=item is None or item.contributors == (person_id,),
            for_everyone=item is not None and item.audience is Audience.EVERYONE,
            words=said,
        )


async def list_mine(
    graph: Graph, db: Database, settings: Settings, banks: Banks, person_id: str
) -> list[Contribution]:
    """Everything the person contributed, newest first; where Graph does not answer, what we know ourselves.

    Items are found by the person's office and by the interviews they came of, and only those that name the
    person are theirs. Needs User.Read.All and Sites.Selected with read.
    """
    ours, open_wishes = await db.run(_ours, person_id)
    try:
        items: Mapping[str, Kept] | None = await _items(graph, settings, person_id, ours)
    except GraphError:
        items = None
    by_item: dict[str, tuple[Wish, ...]] = {}
    for wish in open_wishes:
        by_item[wish.item_id] = (*by_item.get(wish.item_id, ()), wish)
    found = [one for interview in ours for one in _of(interview, service.bank_of(banks, interview), items)]
    known = {one.id for one in found}
    for kept in (items or {}).values():
        if kept.item.id not in known and kept.item.submitted_at is not None:
            standing = standing_of(kept.item)
            found.append(
                Contribution(id=kept.item.id, standing=standing, at=kept.item.submitted_at, kept=kept)
            )
    found = [replace(one, wishes=by_item.get(one.id, ())) for one in found]
    return sorted(found, key=lambda one: (one.at, one.id), reverse=True)


async def get_mine(
    graph: Graph, db: Database, settings: Settings, banks: Banks, person_id: str, contribution_id: str
) -> Contribution:
    """One of them. Raises NotFound for any other id, be it somebody else's or nobody's."""
    for one in await list_mine(graph, db, settings, banks, person_id):
        if one.id == contribution_id:
            return one
    raise NotFound("This is not among what this person contributed.")


async def open_again(
    db: Database, banks: Banks, contribution: Contribution, *, person_id: str, now: datetime
) -> Turn:
    """The draft of what was sent, open again and as the list has it now; or what was left open, gone on with.

    Raises NotFound where the interview is not this person's.
    """
    interview = contribution.interview
    if interview is None:
        raise NotFound("This did not come of an interview of ours; there is no draft of it.")
    item = contribution.kept.item if contribution.kept else None

    def act(c: Connection) -> Turn:
        found = service.load(c, interview.id)
        if found.person_id != person_id:
            raise NotFound("This interview is another person's.")
        bank = service.bank_of(banks, found)
        after = found
        if found.state is InterviewState.FINISHED:
            after = reopened(found, bank, item)
        elif found.state is not InterviewState.DRAFT:
            after = step(found, bank, Said(verb=Verb.RESUME), now).interview
        after = replace(after, step=found.step + 1, changed_at=now, confirming=None)
        service.keep(c, after)
        service.note_change(c, found, after, at=now)
        return Turn(interview=after, prompt=prompt(after, bank))

    return await db.run(act)


def _ours(c: Connection, person_id: str) -> tuple[list[Interview], list[Wish]]:
    """The person's interviews in which they said or sent something, and what they still want done."""
    found = [service.load(c, stored.id) for stored in store.list_(c, person_id=person_id)]
    theirs = [one for one in found if one.sent_at is not None or one.said_something]
    return theirs, wishes.list_(c, person_id=person_id)


async def _items(
    graph: Graph, settings: Settings, person_id: str, ours: Iterable[Interview]
) -> Mapping[str, Kept]:
    """The items that name the person, by id."""
    place = await knowledge_list(graph, settings)
    person = await people.get_person(graph, person_id)
    found: dict[str, Kept] = {}
    if person.office:
        query = f"fields/KMOffice eq {odata_text(person.office)}"
        async for row in lists.list_items(graph, place.site_id, place.list_id, filter=query):
            if person_id in from_fields(row.fields).contributors:
                kept = kept_of(row)
                found[kept.item.id] = kept
    for interview in ours:
        item_id = f"{ITEM}{interview.id}"
        if interview.begun_at is not None and item_id not in found:
            found |= await _elsewhere(graph, place, item_id, person_id)
    return found


async def _elsewhere(graph: Graph, place: Place, item_id: str, person_id: str) -> Mapping[str, Kept]:
    """An item of another office, which the person has left; none where it is not there or not theirs."""
    try:
        kept = kept_of(await find(graph, place, item_id))
    except NotFound:
        return {}
    return {item_id: kept} if person_id in kept.item.contributors else {}


def _of(interview: Interview, bank: Bank, items: Mapping[str, Kept] | None) -> list[Contribution]:
    """What an interview became: an item; or a note, and the lesson beside it if there is one."""
    item_id = f"{ITEM}{interview.id}"
    kept = (items or {}).get(item_id)
    at = interview.sent_at or interview.changed_at
    whole = Contribution(
        id=f"{NOTE}{interview.id}" if bank.kind is BankKind.HANDOVER else item_id,
        standing=_standing(interview, bank, kept, known=items is not None),
        at=at,
        interview=interview,
        bank=bank,
    )
    if bank.kind is not BankKind.HANDOVER:
        return [replace(whole, kept=kept)]
    if kept is None:
        return [whole]
    lesson = replace(whole, id=item_id, standing=standing_of(kept.item), kept=kept)
    return [whole, lesson]


def _standing(interview: Interview, bank: Bank, kept: Kept | None, *, known: bool) -> Standing:
    if interview.state is InterviewState.SENDING:
        return Standing.HANDED_IN if bank.kind is BankKind.GROUP else Standing.SENDING
    if interview.begun_at is None and (interview.state in WAITING or interview.sent_at is None):
        return Standing.UNSENT
    if bank.kind is BankKind.HANDOVER:
        return Standing.FILED
    if bank.kind is BankKind.GROUP:
        return Standing.TOLD
    if kept is not None:
        return standing_of(kept.item)
    return Standing.ABSENT if known else Standing.UNKNOWN
