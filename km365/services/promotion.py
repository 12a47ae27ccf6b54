"""Proposes good practices where lessons agree, and drafts them, and lessons of innovations, for review."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from km365.core.audience import Reader
from km365.core.knowledge import Kind, KnowledgeItem, Relation
from km365.core.languages import best
from km365.core.promotion import (
    Against,
    Agreement,
    Confirmed,
    Proof,
    Rules,
    against,
    agreements,
    country_of,
    disagreement,
    draft,
    id_of,
    missing,
    proofs,
    refusal,
    too_early,
)
from km365.core.schedule import Hours
from km365.core.schema import LESSON_TAG_COLUMNS
from km365.core.search_entries import SHOWN
from km365.core.still_true import CONFIRMS
from km365.documents.offices import offices
from km365.documents.promotion import promotion
from km365.errors import InputRefused, NotFound
from km365.graph import lists, metadata
from km365.graph.lists import Item
from km365.graph.metadata import TermRef
from km365.graph.people import Person
from km365.services import flows, life
from km365.services.calendar import today
from km365.services.capture import Kept, find, knowledge_list, submit_item
from km365.services.life import LifeDesk
from km365.services.prompts import SEND_MESSAGE, has_room
from km365.services.review import focal_points_by_office, is_readable, kept_of, no_such_item, roles_of
from km365.services.search import EVERYONE
from km365.store import outbox, preferences
from km365.store import still_true as store
from km365.store.database import Connection
from km365.store.outbox import Message
from km365.templates import Templates

CARD = "good_practice_proposed"
"""The card that tells focal points that lessons agree."""
REASON = "promotion"


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Items that agree: what proves them a good practice, what proof is missing, what speaks against."""

    agreement: Agreement
    proofs: tuple[Proof, ...]
    missing: tuple[str, ...]
    against: tuple[Against, ...]


@dataclass(frozen=True, kw_only=True)
class Promoted:
    """A draft, and where it lies, None where it was only tried. `unquoted` are in other languages."""

    draft: KnowledgeItem
    proposal: Proposal
    unquoted: tuple[str, ...]
    kept: Kept | None = None
    was_there: bool = False
    """Whether it had been drafted of the same items before, and is left as it is now."""


@dataclass(frozen=True, kw_only=True)
class _Shelf:
    """What the reader may read of the list, and who says that it holds."""

    rows: Mapping[str, Item]
    items: Mapping[str, KnowledgeItem]
    confirmed: Mapping[str, Confirmed]
    """What of it was checked."""
    rules: Rules
    countries: Mapping[str, str]

    def country(self, office: str) -> str:
        return country_of(office, self.countries, self.rules)

    def proposal(self, agreement: Agreement) -> Proposal:
        found = proofs(agreement.items, self.rules)
        return Proposal(
            agreement=agreement,
            proofs=tuple(found),
            missing=tuple(missing(found, self.rules)),
            against=tuple(against(agreement, (one.item for one in self.confirmed.values()))),
        )


async def proposals(desk: LifeDesk, templates: Templates, reader: Reader) -> list[Proposal]:
    """The lessons that agree by the rule and of which no good practice has been made, the best proved first.

    Only of what the reader may read. Raises TemplateError. Needs Sites.Selected with read.
    """
    shelf = await _read(desk, templates, reader)
    made = {
        link.to
        for one in shelf.items.values()
        if one.kind is Kind.GOOD_PRACTICE
        for link in one.links
        if link.relation in {Relation.DERIVED_FROM, Relation.CONFIRMS}
    }
    lessons = [one for one in shelf.confirmed.values() if one.item.kind is Kind.LESSON]
    found = [
        shelf.proposal(one)
        for one in agreements(lessons, shelf.country)
        if not disagreement(one, shelf.rules) and made.isdisjoint(item.id for item in one.items)
    ]
    return sorted(
        found, key=lambda one: (len(one.missing), -one.agreement.offices, one.agreement.items[0].id)
    )


async def propose(
    desk: LifeDesk, templates: Templates, hours: Hours, *, at: datetime, dry_run: bool = False
) -> int:
    """Tells the focal points of their offices, once, of lessons for everyone that agree; counts the messages.

    Whoever wants no messages is not told; whose week or day has no room is looked at again the next day. With
    `dry_run` it only counts. Needs Sites.Selected with read, User.Read.All, GroupMember.ReadBasic.All.
    """
    found = await proposals(desk, templates, EVERYONE)
    offices = {item.office for one in found for item in one.agreement.items}
    points = await focal_points_by_office(desk.graph, desk.settings, offices) if found else {}
    count = 0
    for one in found:
        there = sorted({item.office for item in one.agreement.items})
        who = [person for office in there for person in points.get(office, ())]
        work = partial(_tell, desk=desk, proposal=one, who=who, hours=hours, at=at)
        count += await flows.run(desk.db, work, dry_run=dry_run)
    return count


def _tell(
    c: Connection, *, desk: LifeDesk, proposal: Proposal, who: Sequence[Person], hours: Hours, at: datetime
) -> int:
    """One more lesson that agrees is no news: whoever was told of one of them was told."""
    agreement, count = proposal.agreement, 0
    ids = [item.id for item in agreement.items]
    data = {
        "title": agreement.items[0].title,
        "items": " ".join(ids),
        "lessons": str(len(ids)),
        "countries": str(agreement.countries),
    }
    for one in who:
        if any(outbox.get(c, f"{CARD}:{item_id}:{one.id}") for item_id in ids):
            continue
        if not preferences.get(c, one.id).takes_lessons:
            continue
        if not has_room(c, one.id, hours, per_week=desk.settings.prompts_per_week, at=at):
            continue
        message = Message(
            key=f"{CARD}:{ids[0]}:{one.id}",
            person_id=one.id,
            card=CARD,
            data=data,
            language=best([one.language]),
            reason=REASON,
        )
        if outbox.put(c, message, at=at):
            desk.jobs.enqueue(c, SEND_MESSAGE, key=message.key, args={"key": message.key})
            count += 1
    return count


async def promote(
    desk: LifeDesk,
    templates: Templates,
    item_ids: Sequence[str],
    reader: Reader,
    *,
    kind: Kind,
    at: datetime,
    dry_run: bool = False,
) -> Promoted:
    """Drafts one of these items, the first giving title and language, and puts it before the focal point.

    The same items make the same draft, so that repeating it makes no second one. Raises NotFound for what the
    reader may not read, InputRefused where the rules do not allow it or the reader decides on none of the
    items. Needs Sites.Selected with write, and GroupMember.ReadBasic.All.
    """
    shelf = await _read(desk, templates, reader)
    for one in item_ids:
        if one not in shelf.items:
            raise no_such_item(one)
    sources = [shelf.items[one] for one in item_ids]
    await _refuse(desk, shelf, sources, reader, kind=kind, at=at)
    wanted = draft(
        sources,
        kind=kind,
        item_id=id_of(item_ids, kind),
        drafter=reader.person_id,
        sentences=shelf.rules.sentences,
    )
    together = agreements([shelf.confirmed[one] for one in item_ids], shelf.country)
    quoted = {line.rpartition(" ")[2] for line in wanted.sources.splitlines()}
    promoted = Promoted(
        draft=wanted,
        proposal=shelf.proposal(together[0]),
        unquoted=tuple(one for one in item_ids if one not in quoted),
    )
    return promoted if dry_run else await _keep(desk, shelf, promoted, item_ids, reader, at=at)


async def _refuse(
    desk: LifeDesk,
    shelf: _Shelf,
    sources: Sequence[KnowledgeItem],
    reader: Reader,
    *,
    kind: Kind,
    at: datetime,
) -> None:
    """Raises InputRefused with the reason where these are not promoted."""
    if why := refusal(sources, kind):
        raise InputRefused(why)
    confirmed = [shelf.confirmed[one.id] for one in sources]
    if kind is Kind.GOOD_PRACTICE:
        first, *apart = agreements(confirmed, shelf.country)
        if apart:
            raise InputRefused(
                f"{apart[0].items[0].id} does not confirm {first.items[0].id}: where it does, write that "
                "into the column Links of one of them, as “confirms KM-…”; else leave it out."
            )
        if why := disagreement(first, shelf.rules):
            raise InputRefused(why)
    for one in confirmed if kind is Kind.LESSON else ():
        if why := too_early(one, shelf.rules, today=today(desk.settings, at, reader.office)):
            raise InputRefused(why)
    for office in {one.office for one in sources}:
        if await roles_of(desk.graph, desk.settings, office, reader):
            return
    raise InputRefused(
        "A knowledge focal point of one of their offices or a knowledge reviewer takes items further; "
        "`km365 settings show` names their groups."
    )


async def _keep(
    desk: LifeDesk,
    shelf: _Shelf,
    promoted: Promoted,
    item_ids: Sequence[str],
    reader: Reader,
    *,
    at: datetime,
) -> Promoted:
    """Puts the draft into the list, in review, unless it is there."""
    wanted = promoted.draft
    place = await knowledge_list(desk.graph, desk.settings)
    try:
        kept, was_there = kept_of(await find(desk.graph, place, wanted.id)), True
    except NotFound:
        terms = _terms([shelf.rows[one] for one in item_ids])
        kept, was_there = await submit_item(desk.graph, desk.settings, wanted, terms=terms, at=at), False
    await life.note_sent(desk, kept, who=reader.person_id, at=kept.item.submitted_at or at)
    return replace(promoted, draft=kept.item, kept=kept, was_there=was_there)


async def _read(desk: LifeDesk, templates: Templates, reader: Reader) -> _Shelf:
    rules = promotion(templates)
    place = await knowledge_list(desk.graph, desk.settings)
    found = lists.list_items(desk.graph, place.site_id, place.list_id)
    pairs = [(kept_of(row).item, row) async for row in found]
    readable = [(item, row) for item, row in pairs if item.id and is_readable(item, reader)]
    answers = await desk.db.run(store.answers)
    confirmed = {}
    for item, row in readable:
        said = [one for one in answers.get(item.id, ()) if one.verdict in CONFIRMS]
        counted = row.fields.get("KMConfirmedBy")
        if item.maturity in SHOWN:
            confirmed[item.id] = Confirmed(
                item=item,
                offices=frozenset(one.office for one in said if one.office),
                counted=int(counted) if isinstance(counted, int | float) else 0,
            )
    return _Shelf(
        rows={item.id: row for item, row in readable},
        items={item.id: item for item, _ in readable},
        confirmed=confirmed,
        rules=rules,
        countries={code: one.country for code, one in offices(templates).items()},
    )


def _terms(rows: Sequence[Item]) -> Mapping[str, tuple[TermRef, ...]]:
    """What the sources are about, together; what an item can be only one of is left to the reviewer."""
    found: dict[str, tuple[TermRef, ...]] = {}
    for column in (one.name for one in LESSON_TAG_COLUMNS if one.multiple):
        refs = {ref.id: ref for row in rows for ref in metadata.decode(row.fields.get(column))}
        if refs:
            found[column] = tuple(refs.values())
    return found
