"""What happens after a handover note is filed: who is told, who has read it, and how far handovers are."""

from dataclasses import asdict, dataclass
from datetime import date, datetime

from km365.core import schedule
from km365.core.departures import BANK, Source
from km365.core.handover_note import HandoverNote
from km365.graph.client import Graph
from km365.jobs.port import Jobs
from km365.services import calendar, departures
from km365.services.filed_notes import FiledNote
from km365.settings import Settings
from km365.store import events, interviews, outbox
from km365.store.database import Connection, Database
from km365.store.outbox import Message


def tell(c: Connection, jobs: Jobs, note: HandoverNote, filed: FiledNote, *, at: datetime) -> None:
    """Tells the supervisor and the successor of the note that is filed, once."""
    for reader in (note.supervisor_id, note.successor_id):
        if reader is None:
            continue
        key = f"note:{note.interview_id}:{reader}"
        message = Message(
            key=key,
            person_id=reader,
            card="note_filed",
            data={"post": note.post, "person": note.person, "url": filed.web_url},
            language=note.language,
            reason="a handover note was filed for you to read",
        )
        if outbox.put(c, message, at=at):
            jobs.enqueue(c, "send_message", key=key, args={"key": key})
    events.append(c, kind="note filed", subject=note.interview_id, who=note.person_id, what={}, at=at)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far one handover has come. `answers` counts; what they say is for the person alone."""

    departure_id: str
    office: str
    post: str
    leaves_on: date
    state: str
    answers: int

    def to_json(self) -> dict[str, str | int]:
        """The same as JSON."""
        return asdict(self) | {"leaves_on": self.leaves_on.isoformat()}


async def overview(graph: Graph, db: Database, settings: Settings, *, now: datetime) -> list[Standing]:
    """Every departure that is known, earliest first, with how far its handover has come.

    Needs what `departures.known` needs.
    """
    found = await db.run(_handovers)
    names = await calendar.directory(graph)
    today = schedule.day_at(now, calendar.hours_of(settings))
    known = await departures.known(graph, db, settings, names, now=now, today=today)
    leavers = [
        one for one in known.leavers if one.decision and one.decision.counts.source is not Source.ACCOUNT
    ]
    return [
        Standing(
            departure_id=leaver.departure_id,
            office=leaver.office,
            post=leaver.post,
            leaves_on=leaver.leaves_on,
            state=found.get(leaver.person_id, (leaver.state, 0))[0],
            answers=found.get(leaver.person_id, ("", 0))[1],
        )
        for leaver in sorted(leavers, key=lambda one: one.leaves_on)
    ]


def _handovers(c: Connection) -> dict[str, tuple[str, int]]:
    return {
        found.person_id: (
            found.state,
            sum(":" not in row.question_id for row in interviews.answers(c, found.id)),
        )
        for found in reversed(interviews.list_(c, bank_id=BANK))
    }
