"""What happens after a handover note is filed: the supervisor reads it first, then it is the successor's.

The columns of the note in *Handover notes* say how far it is, the *Departures* list who its readers are now;
our own database only knows which messages were sent. All of this may be killed between any two lines and is
gone on with by the next look: access is given before a column says so, a column says so before a message.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from km365.core.departures import CANCELLED, Leaver, departure_of
from km365.core.languages import best
from km365.core.note_readers import Deadline, deadline
from km365.core.preferences import Asked
from km365.core.schedule import day_at
from km365.errors import ChangedMeanwhile, GraphError, GraphUnreachable, NotFound, Throttled
from km365.graph import people
from km365.graph.client import Graph
from km365.graph.people import Person
from km365.graph.wire import moment_text
from km365.jobs.port import Jobs
from km365.services import calendar, departures, filed_notes, note_access, restricted
from km365.services.departures import Departures
from km365.services.filed_notes import FiledNote
from km365.services.leave import on_leave
from km365.services.preferences import hours_of_person
from km365.services.prompts import SEND_MESSAGE, has_room
from km365.settings import Settings
from km365.store import cursors, events, outbox, preferences
from km365.store.database import Connection, Database
from km365.store.outbox import Delivery, Message

JOB = "handover"
LAST = "flow:handover"
"""The bookmark of the last look."""
TO_ACKNOWLEDGE, RECEIVED = "note_to_acknowledge", "note_received"
"""The cards with which the supervisor and the successor are told of a note."""
_LET_IN = "flow:handover:let in"
"""The bookmark of the day on which the readers of all notes were last seen to be let in."""
_TOLD_WITHIN = timedelta(days=30)
"""How long afterwards somebody is told who was not: should our database be lost, not of every old note."""
_TRIES = 3
"""How often a column is written that somebody else writes at the same moment."""


@dataclass(frozen=True, kw_only=True)
class ReadersDesk:
    """What seeing to the readers of notes needs."""

    graph: Graph
    db: Database
    jobs: Jobs
    settings: Settings


@dataclass(frozen=True, kw_only=True)
class Circle:
    """A note and those of its readers who are at work, by the *Departures* list as it is now.

    `called_off`: the person does not leave after all. `today` is the day where the supervisor is.
    """

    note: FiledNote
    supervisor: Person | None
    successor: Person | None
    deadline: Deadline
    today: date
    called_off: bool = False

    @property
    def waits_for_supervisor(self) -> bool:
        """Whether the supervisor still has time to read it first."""
        unread = self.supervisor is not None and not is_acknowledged(self.note)
        return unread and self.today < self.deadline.goes_on

    @property
    def is_successors(self) -> bool:
        """Whether the successor has it, or is to have it now."""
        if self.note.received_at is not None:
            return True
        return self.successor is not None and not self.called_off and not self.waits_for_supervisor


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What a look did: messages put into the outbox, and in words what it could not do."""

    messages: int = 0
    problems: tuple[str, ...] = ()


class Heard(StrEnum):
    """What came of somebody's saying that they have read a note."""

    ACKNOWLEDGED = "acknowledged"  # the supervisor
    READ = "read"  # the successor
    ALREADY = "already"
    NOT_THEIRS = "not_theirs"  # they are not, or no longer, among its readers, or it is gone


def is_acknowledged(note: FiledNote) -> bool:
    """Whether the supervisor has read it as it is: its author may file it anew."""
    return is_since_filed(note, note.acknowledged_at)


def is_read(note: FiledNote) -> bool:
    """Whether the successor has read it as it is."""
    return is_since_filed(note, note.read_at)


def is_since_filed(note: FiledNote, at: datetime | None) -> bool:
    """Whether that was after the note was filed as it is."""
    return at is not None and (note.filed_at is None or at >= note.filed_at)


def begin(c: Connection, jobs: Jobs, note: FiledNote, *, interview_id: str, at: datetime) -> None:
    """A note was filed, perhaps anew: the job `handover` sees to its readers."""
    events.append(c, kind="note filed", subject=interview_id, who=note.person_id, what={}, at=at)
    jobs.enqueue(c, JOB, key=JOB, args={})


# The look ------------------------------------------------------------------------------------------------


async def look(desk: ReadersDesk, *, at: datetime, dry_run: bool = False) -> Moved:
    """Brings every filed note as far as it may be by now; repeatable. With `dry_run` it only counts.

    Needs Sites.Selected with write, User.Read.All and Presence.Read.All, and fullcontrol to let readers in.
    """
    messages, problems = 0, list[str]()
    circles = await _circles(desk, problems, at=at, follow=not dry_run)
    for circle in circles:
        with _one_note(problems):
            messages += await see_to(desk, circle, at=at, dry_run=dry_run)
    if not dry_run:
        await _let_in(desk, circles, at=at)
        await desk.db.run(cursors.put, LAST, at.isoformat(timespec="minutes"), at=at)
    return Moved(messages=messages, problems=tuple(problems))


async def _let_in(desk: ReadersDesk, circles: Sequence[Circle], *, at: datetime) -> None:
    """Lets in the readers of notes filed before the library was closed, or whom something has locked out.

    Once a day, for the notes of the last year, as each takes 5 resource units; again at the next look where
    somebody could not be let in, because what kept them out may be mended by then.
    """
    today = calendar.today(desk.settings, at).isoformat()
    filed = [one for one in circles if one.note.filed_at and at - one.note.filed_at <= restricted.LOOKED_BACK]
    if not filed or await desk.db.run(cursors.get, _LET_IN) == today:
        return
    if not await restricted.is_closed(desk.graph, desk.settings):
        return
    every = True
    for one in filed:
        if not one.called_off:
            readers = {person.id for person in (one.supervisor, one.successor) if person}
            every &= await note_access.let_in(desk.graph, one.note, readers)
    if every:
        await desk.db.run(cursors.put, _LET_IN, today, at=at)


@contextmanager
def _one_note(problems: list[str]) -> Iterator[None]:
    """What keeps one note back, such as its being open in Word, keeps back no other."""
    try:
        yield
    except (GraphUnreachable, Throttled):
        raise
    except ChangedMeanwhile:  # somebody is writing to it; the next look sees to it
        return
    except (GraphError, NotFound) as error:
        problems.append(str(error))


async def _circles(desk: ReadersDesk, problems: list[str], *, at: datetime, follow: bool) -> list[Circle]:
    """Every note whose readers km365 sees to, with its readers by now, the one filed first first.

    With `follow` the columns name them afterwards, and who is none any more can open it no longer.
    """
    notes = [one for one in await filed_notes.list_(desk.graph, desk.settings) if one.filed_at]
    if not notes:
        return []
    names = await calendar.directory(desk.graph)
    today = calendar.today(desk.settings, at)
    gone = {one.person_id for one in notes}
    listed = await departures.in_list(desk.graph, desk.settings, names, today=today, gone=gone)
    dated = await departures.in_directory(desk.graph, now=at)
    found = []
    for filed in notes:
        said = _said_of(filed, listed.leavers, dated, today)
        with _one_note(problems):
            note = await _follow(desk, filed, said, at=at) if follow else _with(filed, said)
            supervisor, successor = (names.find(one) for one in (note.supervisor_id, note.successor_id))
            found.append(await _circle(desk, note, supervisor, successor, called_off=said is None, at=at))
    return found


async def circle_of(desk: ReadersDesk, note: FiledNote, *, at: datetime) -> Circle:
    """One note with its readers as its columns name them, which is as the last look found them."""
    return (await circles_of(desk, [note], at=at))[0]


async def circles_of(desk: ReadersDesk, notes: Sequence[FiledNote], *, at: datetime) -> list[Circle]:
    """The same of several, whose readers the directory is asked for at once. Needs User.Read.All."""
    readers = {one for note in notes for one in (note.supervisor_id, note.successor_id) if one}
    there = {one.id: one for one in await people.get_people(desk.graph, readers) if one.account_enabled}
    return [
        await _circle(
            desk, one, there.get(one.supervisor_id), there.get(one.successor_id), called_off=False, at=at
        )
        for one in notes
    ]


async def _circle(
    desk: ReadersDesk,
    note: FiledNote,
    supervisor: Person | None,
    successor: Person | None,
    *,
    called_off: bool,
    at: datetime,
) -> Circle:
    """Who follows in a post they supervised reads it as the successor alone."""
    if supervisor is not None and supervisor.id in {note.person_id, note.successor_id}:
        supervisor = None
    hours = calendar.working_days_of(desk.settings)
    if supervisor is not None:
        hours = await desk.db.run(hours_of_person, supervisor.id, hours)
    else:
        hours = hours.of(note.office)
    return Circle(
        note=note,
        supervisor=supervisor,
        successor=successor,
        deadline=deadline(day_at(note.filed_at or at, hours), note.last_on, hours),
        today=day_at(at, hours),
        called_off=called_off,
    )


# Who the readers are -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Said:
    """What the *Departures* list says now; what it leaves empty stays as it was."""

    successor_id: str
    supervisor_id: str
    last_on: date | None


def _said_of(note: FiledNote, listed: Iterable[Leaver], dated: Departures, today: date) -> _Said | None:
    """What is said of the note's departure now; None where the person does not leave after all.

    A manager in the directory is not followed: whoever rotates has another one in their next post.
    """
    day = note.last_on or (note.filed_at.date() if note.filed_at else today)
    found = departure_of(listed, note.person_id, last_on=day)
    if found is None:
        leaves = any(one.person_id == note.person_id for one in dated.leavers)
        if day >= today and note.last_on is not None and dated.complete and not leaves:
            return None
        return _Said(successor_id=note.successor_id, supervisor_id=note.supervisor_id, last_on=note.last_on)
    if found.state == CANCELLED:
        return None
    return _Said(
        successor_id=found.successor_id or note.successor_id,
        supervisor_id=found.supervisor_id or note.supervisor_id,
        last_on=found.leaves_on,
    )


def _with(note: FiledNote, said: _Said | None) -> FiledNote:
    """The note with its readers as they are said to be; another successor has not received it yet."""
    if said is None:
        return note
    if said.successor_id != note.successor_id:
        note = replace(note, received_at=None, read_at=None)
    return replace(
        note, successor_id=said.successor_id, supervisor_id=said.supervisor_id, last_on=said.last_on
    )


async def _follow(desk: ReadersDesk, before: FiledNote, said: _Said | None, *, at: datetime) -> FiledNote:
    """The note after its columns name the readers it has now. Raises ChangedMeanwhile."""
    after = _with(before, said)
    if after == before:
        return before
    for former in {before.supervisor_id, before.successor_id} - {after.supervisor_id, after.successor_id}:
        if former:
            await note_access.take_back(desk.graph, before, former)
    fields: dict[str, Any] = {
        "KMSuccessor": after.successor_id,
        "KMSupervisor": after.supervisor_id,
        "KMLastDay": after.last_on.isoformat() if after.last_on else None,
    }
    if after.successor_id != before.successor_id:
        fields |= {"KMReceivedOn": None, "KMReadOn": None}
    written = await _write(desk, before, fields)
    await desk.db.run(_let_go, before, after, at=at)
    return written


async def _write(desk: ReadersDesk, note: FiledNote, fields: Mapping[str, Any]) -> FiledNote:
    await filed_notes.write(desk.graph, note, fields)
    return await filed_notes.get(desk.graph, desk.settings, note.item_id)


def _let_go(c: Connection, before: FiledNote, after: FiledNote, *, at: datetime) -> None:
    """What waits for who is no reader any more is not sent."""
    for card, one, now in (
        (TO_ACKNOWLEDGE, before.supervisor_id, after.supervisor_id),
        (RECEIVED, before.successor_id, after.successor_id),
    ):
        if one and one != now:
            outbox.cancel(c, _key(before, card, one), note="they do not read this note any more", at=at)


# What is done about a note -------------------------------------------------------------------------------


async def see_to(desk: ReadersDesk, circle: Circle, *, at: datetime, dry_run: bool = False) -> int:
    """Tells whoever is to read the note now, and passes it on; the number of messages. Repeatable.

    Raises ChangedMeanwhile where somebody else writes to it.
    """
    if circle.called_off:
        if not dry_run:
            await desk.db.run(_call_off, circle.note, at=at)
        return 0
    if not dry_run and circle.is_successors and circle.successor and circle.note.received_at is None:
        await note_access.grant(desk.graph, circle.note, circle.successor.id)
        received = await _write(desk, circle.note, {"KMReceivedOn": moment_text(at)})
        circle = replace(circle, note=received)
    count = 0
    for card, reader, key in await desk.db.run(_untold, circle, at=at):
        if not dry_run:
            opens = await note_access.grant(desk.graph, circle.note, reader.id)
            await desk.db.run(_tell, desk.jobs, circle, key, card, reader, opens=opens, at=at)
        count += 1
    return count + await _remind(desk, circle, at=at, dry_run=dry_run)


def _key(note: FiledNote, card: str, person_id: str) -> str:
    """The message's key: a note that is filed anew is told of anew."""
    filed = f"{note.filed_at:%Y%m%d%H%M%S}" if note.filed_at else ""
    return f"{card}:{note.item_id}:{filed}:{person_id}"


def _unused(c: Connection, key: str) -> str:
    """The key to tell somebody by: another where what waited was called off, "" where they were told."""
    number, unused = 1, key
    while (known := outbox.get(c, unused)) is not None:
        if known.state is not Delivery.CANCELLED:
            return ""
        number += 1
        unused = f"{key}:{number}"
    return unused


def _untold(c: Connection, circle: Circle, *, at: datetime) -> list[tuple[str, Person, str]]:
    """The cards for those who are to read the note now and were not told of it, each with its key."""
    note, cards = circle.note, []
    if circle.supervisor and not is_acknowledged(note) and _is_news(at, note.filed_at):
        cards.append((TO_ACKNOWLEDGE, circle.supervisor))
    if circle.successor and circle.is_successors and _is_news(at, note.filed_at, note.received_at):
        cards.append((RECEIVED, circle.successor))
    keyed = [(card, one, _unused(c, _key(note, card, one.id))) for card, one in cards]
    return [one for one in keyed if one[2]]


def _is_news(at: datetime, *moments: datetime | None) -> bool:
    return any(one is None or at - one < _TOLD_WITHIN for one in moments)


def _tell(
    c: Connection,
    jobs: Jobs,
    circle: Circle,
    key: str,
    card: str,
    reader: Person,
    *,
    opens: bool,
    at: datetime,
) -> None:
    _send(c, jobs, circle, key, card, reader, {"opens": opens}, at=at)
    if card == RECEIVED:
        events.append(c, kind="note received", subject=circle.note.item_id, who=reader.id, what={}, at=at)


def _send(
    c: Connection,
    jobs: Jobs,
    circle: Circle,
    key: str,
    card: str,
    reader: Person,
    data: Mapping[str, bool],
    *,
    at: datetime,
) -> None:
    """What it says is read from the library when it goes out, so that nobody's name lies here."""
    note = circle.note
    message = Message(
        key=key,
        person_id=reader.id,
        card=card,
        data={"note": note.item_id, "goes_on": circle.deadline.goes_on.isoformat(), **data},
        language=best([reader.language, note.language]),
        reason="a handover note is yours to read",
    )
    if outbox.put(c, message, at=at):
        jobs.enqueue(c, SEND_MESSAGE, key=key, args={"key": key})


async def _remind(desk: ReadersDesk, circle: Circle, *, at: datetime, dry_run: bool) -> int:
    """Reminds the supervisor once, half-way; who is on leave or asked much already, later if at all."""
    reader, remind_on = circle.supervisor, circle.deadline.remind_on
    if reader is None or remind_on is None or not remind_on <= circle.today < circle.deadline.goes_on:
        return 0
    if is_acknowledged(circle.note) or await on_leave(desk.graph, desk.db, {reader.id}, now=at):
        return 0
    return await desk.db.run(_remind_once, desk, circle, reader, at=at, dry_run=dry_run)


def _remind_once(
    c: Connection, desk: ReadersDesk, circle: Circle, reader: Person, *, at: datetime, dry_run: bool
) -> int:
    first = _key(circle.note, TO_ACKNOWLEDGE, reader.id)
    key, usual = f"{first}:reminder", calendar.hours_of(desk.settings)
    if _unused(c, first) or outbox.get(c, key) is not None:
        return 0
    if preferences.get(c, reader.id).asked is Asked.NONE:
        return 0
    if not has_room(c, reader.id, usual, per_week=desk.settings.prompts_per_week, at=at):
        return 0
    if not dry_run:
        _send(c, desk.jobs, circle, key, TO_ACKNOWLEDGE, reader, {"opens": True, "reminder": True}, at=at)
    return 1


def _call_off(c: Connection, note: FiledNote, *, at: datetime) -> None:
    for card in (TO_ACKNOWLEDGE, RECEIVED):
        outbox.cancel(c, f"{card}:{note.item_id}", note="the departure is called off", at=at)


# What readers say ----------------------------------------------------------------------------------------


async def has_read(desk: ReadersDesk, item_id: str, person_id: str, *, at: datetime) -> Heard:
    """Notes that a reader has read the note; the supervisor's word lets it go on. Twice is as once.

    Raises ChangedMeanwhile where somebody else keeps writing to it.
    """
    for _ in range(_TRIES):
        try:
            note = await filed_notes.get(desk.graph, desk.settings, item_id)
        except NotFound:
            return Heard.NOT_THEIRS
        if not filed_notes.readable_by(note, person_id) or person_id == note.person_id:
            return Heard.NOT_THEIRS
        heard, fields = _heard(note, person_id, at=at)
        if not fields:
            return Heard.ALREADY
        try:
            await filed_notes.write(desk.graph, note, fields)
        except ChangedMeanwhile:
            continue
        await desk.db.run(_note, desk.jobs, item_id, heard, person_id, at=at)
        return heard
    raise ChangedMeanwhile("Somebody else writes to this note at the moment; try again.")


def _heard(note: FiledNote, person_id: str, *, at: datetime) -> tuple[Heard, dict[str, str]]:
    heard, fields = Heard.ALREADY, {}
    if person_id == note.successor_id and note.received_at is not None and not is_read(note):
        heard, fields = Heard.READ, {"KMReadOn": moment_text(at)}
    if person_id == note.supervisor_id and not is_acknowledged(note):
        heard = Heard.ACKNOWLEDGED
        fields |= {"KMAcknowledgedOn": moment_text(at), "KMAcknowledgedBy": person_id}
    return heard, fields


def _note(c: Connection, jobs: Jobs, item_id: str, heard: Heard, person_id: str, *, at: datetime) -> None:
    events.append(c, kind=f"note {heard}", subject=item_id, who=person_id, what={}, at=at)
    if heard is Heard.ACKNOWLEDGED:
        jobs.enqueue(c, JOB, key=JOB, args={})
