"""How far each handover has come: what was asked, filed, acknowledged and received, and what happens next.

Counts and days, never what was said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from km365.core.departures import BANK, CANCELLED, departure_of
from km365.core.drafting import in_note
from km365.core.interviews import Interview, InterviewState
from km365.errors import NotFound
from km365.graph import people
from km365.graph.people import Person
from km365.services import accounts, calendar, departure_list, filed_notes, handover_readers, note_access
from km365.services import interview as service
from km365.services.departure_list import Row
from km365.services.filed_notes import FiledNote
from km365.services.handover_readers import Circle, ReadersDesk
from km365.settings import Settings
from km365.store import gaps, interviews
from km365.store.database import Connection

_IN_INTERVIEW = frozenset({InterviewState.CONSENTING, InterviewState.OPEN, InterviewState.PAUSED})


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far one handover has come. Days are None where it has not come so far."""

    departure_id: str
    """The entry of the *Departures* list; empty where there is none."""
    person_id: str
    office: str
    post: str
    leaves_on: date | None
    state: str
    """In plain words: invited, in interview, draft, filed, acknowledged, received, read …"""
    answers: int
    """Those that the readers of the note may read: who sees this learns of no others."""
    sittings: int
    """Planned; 0 where the interview has none of its own."""
    sittings_done: int
    filed_on: date | None
    acknowledged_on: date | None
    received_on: date | None
    read_on: date | None
    gaps: int
    """What is still open of it, by count (`km365 handover gaps`)."""
    next: str
    """What happens next and when, in words."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One of them with the people: names, empty where the directory has none."""

    standing: Standing
    person: str
    supervisor: str
    successor: str
    locked_out: int | None
    """Readers whom SharePoint does not let in to the file; None where it does not tell or none is filed."""


@dataclass(frozen=True, kw_only=True)
class _Known:
    """A departure, the note filed for it, or both."""

    row: Row | None
    note: FiledNote | None

    @property
    def person_id(self) -> str:
        of = self.row or self.note
        return of.person_id if of else ""

    @property
    def leaves_on(self) -> date | None:
        return self.row.leaves_on if self.row else self.note.last_on if self.note else None


async def overview(desk: ReadersDesk, *, now: datetime) -> list[Standing]:
    """Every departure that is near, and every note that its successor has not read, the first to leave first.

    Needs what `departures.known` needs.
    """
    return [standing for standing, _ in await _seen(desk, await _known(desk, now=now), now=now)]


async def coming(desk: ReadersDesk, *, most: int, now: datetime) -> list[Standing]:
    """The same of so many whose last day has not passed."""
    today = calendar.today(desk.settings, now)
    near = [one for one in await _known(desk, now=now) if one.leaves_on and one.leaves_on >= today]
    return [standing for standing, _ in await _seen(desk, near[:most], now=now)]


async def _known(desk: ReadersDesk, *, now: datetime) -> list[_Known]:
    rows = (await departure_list.overview(desk.graph, desk.db, desk.settings, now=now)).rows
    left: dict[str, list[FiledNote]] = {}
    for note in await filed_notes.list_(desk.graph, desk.settings):
        left.setdefault(note.person_id, []).append(note)
    known = []
    for row in rows:
        theirs = left.get(row.person_id, [])
        its = next(
            (one for one in reversed(theirs) if departure_of([row], row.person_id, last_on=one.last_on)), None
        )
        if its is not None:
            theirs.remove(its)
        known.append(_Known(row=row, note=its))
    unread = [
        one for some in left.values() for one in some if one.filed_at and not handover_readers.is_read(one)
    ]
    known += [_Known(row=None, note=one) for one in unread]
    return sorted(known, key=lambda one: (one.leaves_on or date.max, one.person_id))


async def _seen(
    desk: ReadersDesk, some: Sequence[_Known], *, now: datetime
) -> list[tuple[Standing, Circle | None]]:
    """How far these have come, with the readers of those whose note is filed."""
    notes = [one.note for one in some if one.note is not None]
    circles = iter(await handover_readers.circles_of(desk, notes, at=now))
    seen = []
    for one in some:
        circle = next(circles) if one.note is not None else None
        talk, open_gaps = await desk.db.run(_said_and_open, one)
        seen.append((_standing(desk.settings, one.row, circle, talk, open_gaps=open_gaps), circle))
    return seen


def _said_and_open(c: Connection, known: _Known) -> tuple[Interview | None, int]:
    """The person's latest handover interview, and how many gaps are open."""
    talks = interviews.list_(c, person_id=known.person_id, bank_id=BANK)
    last = max(talks, key=lambda one: one.started_at, default=None)
    kept = gaps.of_person(c, known.person_id, known.leaves_on)
    return service.load(c, last.id) if last else None, sum(one.is_open for one in kept[1]) if kept else 0


async def show(desk: ReadersDesk, who: str, *, now: datetime) -> Shown:
    """The handover of the person with that sign-in name, mail address or id, or of that entry of the list.

    Raises NotFound. Needs what `departures.known` needs, and fullcontrol to be told who may open the file.
    """
    wanted = who.strip().casefold()
    person = await _person(desk, wanted)
    known = [
        one
        for one in await _known(desk, now=now)
        if (one.row and one.row.departure_id == wanted) or (person and one.person_id == person.id)
    ]
    if not known:
        raise NotFound(f"No handover of {who!r} is known; `km365 handover list` shows which are.")
    ((standing, circle),) = await _seen(desk, known[:1], now=now)
    person = person or await accounts.who(desk.graph, standing.person_id)
    return Shown(
        standing=standing,
        person=person.name if person else "",
        supervisor=circle.supervisor.name if circle and circle.supervisor else "",
        successor=circle.successor.name if circle and circle.successor else "",
        locked_out=await _locked_out(desk, circle.note) if circle else None,
    )


async def _person(desk: ReadersDesk, wanted: str) -> Person | None:
    if wanted.isdecimal():
        return None
    try:
        return await people.get_person(desk.graph, wanted)
    except NotFound:
        return await accounts.who(desk.graph, wanted)


async def _locked_out(desk: ReadersDesk, note: FiledNote) -> int | None:
    access = await note_access.look(desk.graph, note)
    return len(note_access.locked_out(note, access)) if access.known else None


def _standing(
    settings: Settings, row: Row | None, circle: Circle | None, talk: Interview | None, *, open_gaps: int
) -> Standing:
    note = circle.note if circle else None
    known = row or note
    assert known is not None  # noqa: S101 - a standing is of a departure or of a note
    office = known.office

    def day(moment: datetime | None) -> date | None:
        return calendar.today(settings, moment, office) if moment else None

    answered = [one for one in talk.answers if one.text and in_note(one)] if talk else []
    parts = talk.parts if talk else ()
    dealt_with = {one.question for one in talk.answers} if talk else set()
    return Standing(
        departure_id=row.departure_id if row else "",
        person_id=known.person_id,
        office=known.office,
        post=known.post,
        leaves_on=row.leaves_on if row else note.last_on if note else None,
        state=_state(row, circle, talk),
        answers=len(answered),
        sittings=len(parts),
        sittings_done=sum(dealt_with.issuperset(one.questions) for one in parts),
        filed_on=day(note.filed_at or note.file.modified_at) if note else None,
        acknowledged_on=day(note.acknowledged_at) if note and _acknowledged(note) else None,
        received_on=day(note.received_at) if note else None,
        read_on=day(note.read_at) if note and handover_readers.is_read(note) else None,
        gaps=open_gaps,
        next=_next(row, circle),
    )


def _acknowledged(note: FiledNote) -> bool:
    return handover_readers.is_acknowledged(note)


def _state(row: Row | None, circle: Circle | None, talk: Interview | None) -> str:
    """Where it stands, in a word or two."""
    if row is not None and row.state == CANCELLED:
        return CANCELLED
    if circle is not None:
        note = circle.note
        reached = (
            ("read", handover_readers.is_read(note)),
            ("received", note.received_at is not None),
            ("acknowledged", _acknowledged(note)),
        )
        return next((word for word, holds in reached if holds), "filed")
    if talk is not None and talk.state in _IN_INTERVIEW:
        return "in interview"
    return str(talk.state) if talk is not None else row.state if row else ""


def _next(row: Row | None, circle: Circle | None) -> str:
    """What happens next and when."""
    if circle is None:
        return row.next if row else ""
    note = circle.note
    cancelled = row is not None and row.state == CANCELLED
    whats_next = {
        "nothing: cancelled; the note stays the person's, and nobody new receives it": cancelled,
        "nothing: filed by an older km365, which told its readers at once": note.filed_at is None,
        "nothing: the successor has read it": handover_readers.is_read(note),
        "the successor reads it": note.received_at is not None,
        f"the supervisor reads it; goes on by itself on {circle.deadline.goes_on}": (
            circle.waits_for_supervisor
        ),
        "waits for a successor: name one in the Departures list": circle.successor is None,
    }
    return next(
        (what for what, holds in whats_next.items() if holds), "goes to the successor at the next look"
    )
