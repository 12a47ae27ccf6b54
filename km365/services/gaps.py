"""The gaps of handovers: found when a note is filed or somebody is gone, and followed until they are closed.

Who may know of a gap is looked at anew at each read: the filed note says who is around it, else the
*Departures* list does.
"""

from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial

from km365.core import gap_finding
from km365.core.departures import BANK, CANCELLED, SAME_DEPARTURE
from km365.core.gaps import Circle, Found, Gap, Method, Rules, in_order, renewed
from km365.core.handover_note import HANDOVER, HandoverNote
from km365.core.interviews import Interview
from km365.core.keepout import keep_out
from km365.core.key_documents import Found as Link
from km365.core.loss_risk import Factor
from km365.core.questions import Bank
from km365.core.schedule import day_at
from km365.core.who_now import Departed
from km365.documents.handover_gaps import gap_rules
from km365.documents.messages import catalogue
from km365.documents.questions import Banks
from km365.errors import InputRefused, NotFound
from km365.graph import people
from km365.graph.client import Graph
from km365.graph.people import Person
from km365.jobs.port import Jobs
from km365.services import accounts, calendar, filed_notes, handover_facts, handover_plan, key_documents
from km365.services.accounts import at_work
from km365.services.filed_notes import FiledNote
from km365.services.who_now import departures_of
from km365.settings import Settings
from km365.store import events, loss_factors
from km365.store import gaps as store
from km365.store.database import Connection, Database
from km365.store.gaps import Handover
from km365.templates import Templates

LONGEST = 500
"""Characters of why a gap is closed."""


@dataclass(frozen=True, kw_only=True)
class GapDesk:
    """What finding and following gaps needs."""

    graph: Graph
    db: Database
    jobs: Jobs
    settings: Settings
    banks: Banks

    @staticmethod
    def of(graph: Graph, db: Database, jobs: Jobs, settings: Settings, templates: Templates) -> "GapDesk":
        """The desk of an app, made of its parts."""
        return GapDesk(graph=graph, db=db, jobs=jobs, settings=settings, banks=Banks(templates))

    def rules(self) -> Rules:
        """What is done about gaps. Raises TemplateError."""
        return gap_rules(self.banks.templates, self.banks.get(BANK, "en"))


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The gaps of one handover as one person may see them, the most important first, open before closed.

    `names` are those of everybody named in it, by id. `may_set` says who does what by when.
    """

    handover: Handover
    circle: Circle
    gaps: tuple[Gap, ...]
    names: dict[str, str] = field(default_factory=dict)
    may_set: bool
    note_url: str = ""

    @property
    def person(self) -> str:
        """Who leaves or left, by name where the directory knows one."""
        return self.names.get(self.handover.person_id, "")

    @property
    def open(self) -> tuple[Gap, ...]:
        """Those of which something is to be done."""
        return tuple(one for one in self.gaps if one.is_open)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be different about a gap; None leaves it. `owner` is an object id or sign-in name."""

    owner: str | None = None
    due_on: date | None = None
    method: Method | None = None


# Found -----------------------------------------------------------------------------------------------------


async def note_filed(
    desk: GapDesk, interview: Interview, bank: Bank, note: HandoverNote, *, at: datetime
) -> None:
    """Keeps what the note that was just filed leaves open; filed again, what is written by now closes.

    Needs what `key_documents.look_up` needs.
    """
    today = day_at(at, calendar.hours_of(desk.settings).of(note.office))
    handover = _handover_of(note, interview.due_on or today)
    linked = f"{HANDOVER}documents"
    text = "\n".join(line.text for one in note.sections if one.target == linked for line in one.lines)
    links = await key_documents.look_up(desk.graph, desk.settings, text, person_id=note.person_id)
    spared, known = await desk.db.run(_said, handover_plan.Rules.of(desk.banks), handover, interview.campaign)
    found = [
        *gap_finding.in_answers(interview, bank, note.sections, spared=spared),
        *gap_finding.dead_links(sum(one.found is Link.NO for one in links)),
        *gap_finding.in_risk(known, gone=handover.last_on < today),
    ]
    if not note.successor_id:
        found += gap_finding.too_early(note.sections, note.language, last_on=handover.last_on)
    await keep(desk, handover, found, at=at)


async def gone(desk: GapDesk, handover: Handover, *, campaign_id: str, at: datetime) -> None:
    """Keeps what is open where somebody left without an interview: all that nobody wrote down."""
    rules = handover_plan.Rules.of(desk.banks)
    spared, known = await desk.db.run(_said, rules, handover, campaign_id)
    found = [*gap_finding.without_note(rules.bank, spared=spared), *gap_finding.in_risk(known, gone=True)]
    await keep(desk, handover, found, at=at)


async def told_by_colleagues(desk: GapDesk, note: HandoverNote, *, at: datetime) -> None:
    """Keeps what is open once colleagues have told of a post that was left; what they told closes."""
    rules = handover_plan.Rules.of(desk.banks)
    handover = _handover_of(note, day_at(at, calendar.hours_of(desk.settings)))
    spared, known = await desk.db.run(_said, rules, handover, "")
    headings = gap_finding.without_note(rules.bank, spared=spared, sections=note.sections)
    await keep(desk, handover, [*headings, *gap_finding.in_risk(known, gone=True)], at=at)


def _handover_of(note: HandoverNote, otherwise: date) -> Handover:
    """Whose note it is; `otherwise` is the last day where nobody knows it."""
    return Handover(
        person_id=note.person_id,
        last_on=note.last_on or otherwise,
        post=note.post,
        office=note.office,
        supervisor_id=note.supervisor_id or "",
        successor_id=note.successor_id or "",
    )


async def keep(desk: GapDesk, handover: Handover, found: Sequence[Found], *, at: datetime) -> None:
    """Keeps the gaps that were found, beside what people said of those kept before."""
    hours = calendar.hours_of(desk.settings).of(handover.office)
    rules = desk.rules()

    def work(c: Connection) -> None:
        before = store.of_person(c, handover.person_id, handover.last_on)
        after = renewed(
            before[1] if before else [],
            found,
            rules,
            first=store.next_number(c, handover.person_id),
            last_on=handover.last_on,
            today=day_at(at, hours),
            hours=hours,
            at=at,
        )
        store.save(c, handover, after)

    await desk.db.run(work)


def _said(
    c: Connection, plan: handover_plan.Rules, handover: Handover, campaign_id: str
) -> tuple[Container[str], dict[str, int | None]]:
    """The questions that need not be asked of them, and what is known of each factor."""
    spared = handover_plan.spared(c, plan, campaign_id, handover.person_id, post=handover.post)
    milestone = handover_facts.read(c, campaign_id).milestone.value
    said = {one.name: one.value for one in loss_factors.list_(c, handover.person_id)}
    return spared, {Factor.MILESTONE: milestone} | said


# Read ------------------------------------------------------------------------------------------------------


async def list_(desk: GapDesk, reader: str) -> list[Shown]:
    """The open gaps this person may know of, by handover, the nearest last day first.

    Needs Sites.Selected with read and User.Read.All.
    """
    concerned = await desk.db.run(store.concerning, reader)
    known = await what_is_known(desk, {one for one, _ in concerned})
    found = [await _shown(desk, one, last_on, reader, known) for one, last_on in concerned]
    shown = [replace(one, gaps=one.open) for one in found if one and one.open]
    return sorted(shown, key=lambda one: (one.handover.last_on, one.person))


async def get(
    desk: GapDesk, person: str, reader: str, *, number: int | None = None, last_on: date | None = None
) -> Shown:
    """All gaps of one handover that the reader may know of, closed ones too.

    It is that with the gap `number`, that around `last_on`, else the latest this reader may know of.
    `person` is a sign-in name or object id. Raises NotFound where there is none for this reader.
    """
    found = await accounts.who(desk.graph, person.strip())
    person_id = found.id if found else person.strip().casefold()
    days = [last_on] if last_on else await desk.db.run(store.last_days, person_id, number)
    known = await what_is_known(desk, {person_id} if days else set())
    for day in days:
        if shown := await _shown(desk, person_id, day, reader, known):
            return shown
    raise NotFound(
        "There are no open gaps of this person that you may see: the supervisor, the person, the "
        "successor who has the note, and whoever is named for a gap see them."
    )


async def _shown(desk: GapDesk, person_id: str, last_on: date, reader: str, known: "Known") -> Shown | None:
    kept = await desk.db.run(store.of_person, person_id, last_on)
    around = await look_around(desk, kept[0], known) if kept else None
    if kept is None or around is None:
        return None
    handover, circle = around
    gaps = [circle.shown(one, reader) for one in kept[1] if circle.may_read(one, reader)]
    if not gaps:
        return None
    named = {handover.person_id, *(circle.owner_of(one) for one in gaps)} - {""}
    note = _note_of(handover, known.notes)
    return Shown(
        handover=handover,
        circle=circle,
        gaps=tuple(in_order(gaps, desk.rules())),
        names={one: person.name for one in named if (person := await accounts.who(desk.graph, one))},
        may_set=circle.may_set(reader),
        note_url=note.web_url if note and filed_notes.readable_by(note, reader) else "",
    )


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known now of people who leave or left, by id; `notes` are all that were filed."""

    notes: Sequence[FiledNote] = ()
    people: Mapping[str, Person] = field(default_factory=dict)
    entries: Mapping[str, Sequence[Departed]] = field(default_factory=dict)


async def what_is_known(desk: GapDesk, people_ids: Collection[str]) -> Known:
    """The notes, the people, and what the *Departures* list says of them; nothing is asked about nobody."""
    if not people_ids:
        return Known()
    notes = await _notes(desk, people_ids)
    found = {one.id: one for one in await people.get_people(desk.graph, people_ids)}
    for person_id in set(people_ids) - found.keys():
        if gone := await accounts.who(desk.graph, person_id):
            found[person_id] = gone
    entries = await departures_of(desk.graph, desk.settings, {one: found.get(one) for one in people_ids})
    return Known(notes=notes, people=found, entries=entries)


async def _notes(desk: GapDesk, people_ids: Collection[str]) -> Sequence[FiledNote]:
    """The notes of one, as a turn of the chat asks; of several, the library once."""
    if len(people_ids) > 1:
        return await filed_notes.list_(desk.graph, desk.settings)
    (only,) = people_ids
    return await filed_notes.around(desk.graph, desk.settings, only, roles=["KMPerson"])


async def look_around(desk: GapDesk, kept: Handover, known: Known) -> tuple[Handover, Circle] | None:
    """The handover and who is around it now; None where the departure was called off."""
    entries = [
        one
        for one in known.entries.get(kept.person_id, ())
        if one.left_on and abs(one.left_on - kept.last_on) < SAME_DEPARTURE
    ]
    entry = min(entries, key=lambda one: (one.state == CANCELLED, one.left_on or date.max), default=None)
    if entry is not None and entry.state == CANCELLED:
        return None
    note = _note_of(kept, known.notes)
    if note is not None:
        now = replace(kept, supervisor_id=note.supervisor_id, successor_id=note.successor_id)
        received = note.received_at is not None or note.filed_at is None
        return _with_circle(replace(now, last_on=note.last_on or kept.last_on), received=received)
    if entry is None:
        return _with_circle(kept, received=True)
    successor, supervisor = [await at_work(desk.graph, one) for one in (entry.successor, entry.supervisor)]
    if supervisor is None and kept.person_id in known.people:
        supervisor = await people.get_manager(desk.graph, kept.person_id)
    now = replace(
        kept,
        last_on=entry.left_on or kept.last_on,
        supervisor_id=supervisor.id if supervisor else "",
        successor_id=successor.id if successor else "",
    )
    return _with_circle(now, received=True)


def _with_circle(handover: Handover, *, received: bool) -> tuple[Handover, Circle]:
    circle = Circle(
        person_id=handover.person_id,
        supervisor_id=handover.supervisor_id,
        successor_id=handover.successor_id,
        received=received,
    )
    return handover, circle


def _note_of(kept: Handover, notes: Sequence[FiledNote]) -> FiledNote | None:
    """The note of this handover that was filed last."""
    theirs = (one for one in reversed(notes) if one.person_id == kept.person_id)
    near = (one for one in theirs if not one.last_on or abs(one.last_on - kept.last_on) < SAME_DEPARTURE)
    return next(near, None)


# Said ------------------------------------------------------------------------------------------------------


async def set_(
    desk: GapDesk, person: str, number: int, wanted: Wanted, *, reader: str, at: datetime
) -> Shown:
    """The supervisor says who closes a gap, how, or by when. Raises NotFound and InputRefused."""
    shown = await get(desk, person, reader, number=number)
    if not shown.may_set:
        raise InputRefused("Only the supervisor says who closes a gap, how and by when.")
    owner = None
    if wanted.owner is not None:
        found = await at_work(desk.graph, wanted.owner)
        if found is None or found.is_guest:
            raise InputRefused("The owner of a gap is a colleague who works here; give their sign-in name.")
        owner = "" if found.id == shown.circle.supervisor_id else found.id
    hours = calendar.hours_of(desk.settings).of(shown.handover.office)
    if wanted.due_on is not None and wanted.due_on < day_at(at, hours):
        raise InputRefused("That day is past; give one that is to come.")

    def change(gap: Gap) -> Gap:
        if not gap.is_open:
            raise InputRefused(f"Gap {number} is closed; open it again first.")
        return replace(
            gap,
            owner=gap.owner if owner is None else owner,
            given_at=at if owner is not None and owner != gap.owner else gap.given_at,
            due_on=wanted.due_on or gap.due_on,
            method=wanted.method or gap.method,
            by_hand=gap.by_hand or wanted.due_on is not None,
        )

    return await _change(desk, shown, number, change, "gap set", reader=reader, at=at)


async def close(desk: GapDesk, person: str, number: int, because: str, *, reader: str, at: datetime) -> Shown:
    """The supervisor, or whoever owns it, says that a gap is closed, and why. Raises as `set_` does."""
    because = because.strip()
    if not because or len(because) > LONGEST:
        raise InputRefused(f"Say why it is closed in 1 to {LONGEST} characters.")
    if kept_out := keep_out(because, catalogue(desk.banks.templates).keep_out):
        raise InputRefused(f"This reason is not kept ({kept_out}); docs/security.md says where it belongs.")
    shown = await get(desk, person, reader, number=number)
    closed = partial(replace, closed_at=at, closed_by=reader, because=because)
    return await _change(
        desk, shown, number, _theirs(shown, reader, closed), "gap closed", reader=reader, at=at
    )


async def open_again(desk: GapDesk, person: str, number: int, *, reader: str, at: datetime) -> Shown:
    """The supervisor, or whoever owns it, says that it is not closed after all. Raises as `set_` does."""
    shown = await get(desk, person, reader, number=number)
    opened = partial(replace, closed_at=None, closed_by="", because="", given_at=at)
    return await _change(
        desk, shown, number, _theirs(shown, reader, opened), "gap opened", reader=reader, at=at
    )


def _theirs(shown: Shown, reader: str, change: Callable[[Gap], Gap]) -> Callable[[Gap], Gap]:
    def changed(gap: Gap) -> Gap:
        if not shown.circle.may_close(gap, reader):
            raise InputRefused("Only the supervisor and whoever is named for a gap say that it is closed.")
        return change(gap)

    return changed


async def _change(
    desk: GapDesk,
    shown: Shown,
    number: int,
    change: Callable[[Gap], Gap],
    kind: str,
    *,
    reader: str,
    at: datetime,
) -> Shown:
    """The gaps after one was changed; what was changed meanwhile is changed from there."""
    person_id = shown.handover.person_id

    def work(c: Connection) -> None:
        days = store.last_days(c, person_id, number)
        kept = store.of_person(c, person_id, days[0]) if days else None
        gap = next((one for one in (kept[1] if kept else []) if one.number == number), None)
        if kept is None or gap is None or not shown.circle.may_read(gap, reader):
            raise NotFound(f"There is no gap {number} here; `km365 handover gaps` lists them.")
        after = change(gap)
        if after != gap:
            store.save(c, kept[0], [after])  # as it was kept: the day's look moves the days of all at once
            what = {"gap": number}
            events.append(c, kind=kind, subject=f"handover:{person_id}", who=reader, what=what, at=at)

    await desk.db.run(work)
    return await get(desk, person_id, reader, number=number)
