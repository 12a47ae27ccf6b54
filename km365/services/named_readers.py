"""Named readers: whom a leaver means by what they typed, and what is left for somebody when a note is filed.

What is left is read from our tables each time, for whoever may read it then. A message holds the interview's
id alone; its words are in no queue, log, event or index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from km365.core.audience import Reader
from km365.core.departures import BANK
from km365.core.interviews import Answer, Interview
from km365.core.named_readers import MOST, has_expired, left_for
from km365.errors import GraphNotFound, InputRefused
from km365.graph import people
from km365.graph.client import Graph
from km365.graph.people import Person
from km365.graph.wire import odata_text
from km365.jobs.port import Jobs
from km365.services import accounts, handover
from km365.services import interview as service
from km365.services.prompts import SEND_MESSAGE
from km365.settings import Settings
from km365.store import campaigns, interviews, outbox
from km365.store.database import Connection, Database
from km365.store.outbox import Message

LEFT = "left_for_you"
"""The card that brings a named reader what was left for them."""


class Why(StrEnum):
    """Why somebody cannot be named."""

    UNKNOWN = "unknown"
    """Nobody in the directory signs in or is called so."""
    AMBIGUOUS = "ambiguous"
    """Several colleagues are called so."""
    GUEST = "guest"
    """An account of somebody from elsewhere."""
    DISABLED = "disabled"
    """An account that does not work."""
    ONESELF = "oneself"
    TOO_MANY = "too_many"


@dataclass(frozen=True, kw_only=True)
class Sought:
    """Whom the words mean, in their order, and the words that mean nobody who can be named, with why."""

    people: tuple[Person, ...]
    refused: tuple[tuple[str, Why], ...]


@dataclass(frozen=True, kw_only=True)
class Left:
    """What one leaver left for one reader. Without `answers` it has expired; `person` is "" where unknown."""

    interview_id: str
    person: str
    post: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, kw_only=True)
class NamedDesk:
    """What naming and reading needs."""

    graph: Graph
    db: Database
    settings: Settings


# Whom a leaver names --------------------------------------------------------------------------------------


async def seek(graph: Graph, words: Sequence[str], *, leaver_id: str) -> Sought:
    """The colleagues whom these sign-in names or full names mean, at most `MOST`.

    Needs User.Read.All; raises GraphError.
    """
    found: dict[str, Person] = {}
    refused: list[tuple[str, Why]] = []
    for said in words:
        meant = await _meant(graph, said)
        if isinstance(meant, Person) and meant.id == leaver_id:
            meant = Why.ONESELF
        if isinstance(meant, Person) and meant.id not in found and len(found) == MOST:
            meant = Why.TOO_MANY
        if isinstance(meant, Person):
            found[meant.id] = meant
        else:
            refused.append((said, meant))
    return Sought(people=tuple(found.values()), refused=tuple(refused))


async def _meant(graph: Graph, said: str) -> Person | Why:
    """The one colleague who signs in or is called so, or why there is none."""
    if "@" in said:
        try:
            named = [await people.get_person(graph, said)]
        except (GraphNotFound, InputRefused):
            named = []
    else:
        query = f"displayName eq {odata_text(said)}"
        named = [one async for one in people.list_people(graph, filter=query)]
    if not named:
        return Why.UNKNOWN
    working = [one for one in named if one.account_enabled]
    colleagues = [one for one in working if not await people.is_guest(graph, one.id)]
    if len(colleagues) > 1:
        return Why.AMBIGUOUS
    if not colleagues:
        return Why.GUEST if working else Why.DISABLED
    return colleagues[0]


# What is left for somebody --------------------------------------------------------------------------------


def tell(c: Connection, jobs: Jobs, filed: Interview, *, at: datetime) -> None:
    """Asks for one message to each named reader of what was just filed, in the transaction that says so.

    Filed anew, it is one more. Nobody is told where nothing was left.
    """
    sent = filed.sent_at.isoformat() if filed.sent_at else ""
    for one in filed.named if filed.bank == BANK else ():
        if not left_for(filed, _reader(one)):
            continue
        message = Message(
            key=f"{LEFT}:{filed.id}:{one}:{sent}",
            person_id=one,
            card=LEFT,
            data={"interview": filed.id},
            language=filed.language,
            reason="a colleague who leaves named them as a reader",
        )
        if outbox.put(c, message, at=at):
            jobs.enqueue(c, SEND_MESSAGE, key=message.key, args={"key": message.key})


async def left(desk: NamedDesk, reader_id: str) -> list[Left]:
    """What was left for this person and what of it they may read now, what was touched last first.

    Not where they are named no more, the handover was withdrawn or is being changed, or the departure was
    cancelled. Needs User.Read.All and Sites.Selected with read; raises GraphError.
    """
    reader, found = _reader(reader_id), []
    for one in await desk.db.run(_for_reader, reader):
        if await _is_off(desk, one):
            continue
        person = await accounts.who(desk.graph, one.person_id)
        found.append(
            Left(
                interview_id=one.id,
                person=person.name if person else "",
                post=one.subject_title,
                answers=left_for(one, reader),
            )
        )
    return found


def _reader(person_id: str) -> Reader:
    """Somebody who reads what they are named for; their office opens nothing here."""
    return Reader(person_id=person_id, office="")


def _for_reader(c: Connection, reader: Reader) -> list[Interview]:
    """The handovers in which something is, or was, left for this reader, with its words."""
    naming = interviews.naming(c, reader.person_id, bank_id=BANK)
    there = [service.load(c, one.id) for one in naming]
    return [one for one in there if left_for(one, reader) or has_expired(one, reader)]


async def _is_off(desk: NamedDesk, interview: Interview) -> bool:
    """Whether the departure was cancelled, in our calendar or in the *Departures* list."""
    if await desk.db.run(campaigns.is_cancelled, interview.campaign):
        return True
    return await handover.is_called_off(desk.graph, desk.settings, interview.subject)
