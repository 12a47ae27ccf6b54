"""What a person has sent goes where it belongs: begun once, gone on with until it is there, and then said.

The job can be killed between any two lines. Before the first word leaves, the interview says that it has
begun, and from then on it can be neither changed nor withdrawn; what is written twice has one effect; that it
is there, and the message that says so, are one transaction.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from km365.core.drafting import is_complete, knowledge_item
from km365.core.interviews import Interview, InterviewState
from km365.core.questions import GROUP_BANK, Bank, BankKind
from km365.documents.questions import Banks
from km365.errors import Forbidden, InputRefused, KM365Error, NotFound
from km365.jobs.port import Args, Jobs
from km365.services import interview as service
from km365.services import named_readers
from km365.services.interview import HAND_ON
from km365.store import interviews as store
from km365.store import outbox
from km365.store.database import Connection, Database
from km365.store.outbox import Message

_TRIES = 200
"""Over a week of them: they grow rarer, up to one an hour, and a person may be sure of what they sent."""
_MOST = 100_000
_PATIENCE = timedelta(minutes=1)
"""How long a failure that may pass by itself is not worth a message."""

Begin = Callable[[], Awaitable[None]]
"""To be awaited right before the first word leaves. Raises where the person has taken it back."""

Deliver = Callable[[Interview, Bank, Begin], Awaitable[str]]
"""Puts what an interview became where it belongs, however often it is asked; returns its address."""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What handing on needs."""

    db: Database
    jobs: Jobs
    banks: Banks
    submit: Deliver
    """The knowledge item made of the answers goes to the focal point."""
    file_note: Deliver
    """The handover note goes to the restricted library."""
    now: Callable[[], datetime]


class CalledOff(KM365Error):
    """The departure was called off before its note was ever filed; the person keeps their answers."""


class _TakenBack(KM365Error):
    """The person has withdrawn it before it began; sent again, it is another job's."""


async def open_desk(desk: Desk) -> None:
    """Registers the job, and takes up what an earlier run left on the way."""

    async def work(args: Args) -> None:
        await hand_on(desk, args["interview"])

    desk.jobs.register(HAND_ON, work, attempts=_TRIES)
    await desk.db.run(_take_up, desk.jobs)


async def hand_on(desk: Desk, interview_id: str) -> None:
    """Brings what was sent where it belongs and says so; does nothing where it is there already.

    Raises what Graph raised, for the job to be tried again; the person hears of it once, if it lasts.
    """
    interview = await desk.db.run(_on_its_way, interview_id)
    if interview is None:
        return
    try:
        link = await _deliver(desk, interview)
    except _TakenBack:
        return
    except CalledOff:
        with suppress(_TakenBack):
            await desk.db.run(_rest, desk.jobs, interview, at=desk.now())
        return
    except Exception as error:
        await desk.db.run(_say_trouble, desk.jobs, interview, error, at=desk.now())
        raise
    with suppress(_TakenBack):
        await desk.db.run(_finish, desk.jobs, interview, link, at=desk.now())


async def _deliver(desk: Desk, interview: Interview) -> str:
    """The address of what the interview has become: of the note, else of the item."""
    bank = service.bank_of(desk.banks, interview)

    async def begin() -> None:
        await desk.db.run(_begin, interview, at=desk.now())

    link = await desk.file_note(interview, bank, begin) if bank.kind is BankKind.HANDOVER else ""
    if is_complete(knowledge_item(interview, bank)):
        lesson = await desk.submit(interview, bank, begin)
        link = link or lesson
    return link


def _take_up(c: Connection, jobs: Jobs) -> None:
    for found in store.list_(c, state=InterviewState.SENDING, limit=_MOST):
        if found.bank_id != GROUP_BANK:  # what a group handed in waits for the others
            service.enqueue(c, jobs, found.id)


def _on_its_way(c: Connection, interview_id: str) -> Interview | None:
    try:
        found = service.load(c, interview_id)
    except NotFound:  # erased
        return None
    return found if found.state is InterviewState.SENDING else None


def _begin(c: Connection, read: Interview, *, at: datetime) -> None:
    found = _as_read(c, read)
    if found.begun_at is None:
        service.keep(c, replace(found, begun_at=at, confirming=None, changed_at=at))


def _as_read(c: Connection, read: Interview) -> Interview:
    """The interview, if it is still on the way as it was read. Raises _TakenBack."""
    try:
        found = service.load(c, read.id)
    except NotFound:
        raise _TakenBack("This was erased before it was handed on.") from None
    if found.state is not InterviewState.SENDING or found.sent_at != read.sent_at:
        raise _TakenBack("This was taken back before it was handed on.")
    return found


def _finish(c: Connection, jobs: Jobs, read: Interview, link: str, *, at: datetime) -> None:
    found = _as_read(c, read)
    done = replace(found, state=InterviewState.FINISHED, link=link, confirming=None, changed_at=at)
    service.keep(c, done)
    service.note_change(c, found, done, at=at)
    _say(c, jobs, done, "handed_on", {"url": link}, at=at)
    named_readers.tell(c, jobs, done, at=at)


def _rest(c: Connection, jobs: Jobs, read: Interview, *, at: datetime) -> None:
    """Nobody gets it: it rests with all that was said, and is taken up when the departure is on again."""
    found = _as_read(c, read)
    rested = replace(
        found,
        state=InterviewState.PAUSED,
        sent_at=None,
        confirming=None,
        step=found.step + 1,
        changed_at=at,
    )
    service.keep(c, rested)
    service.note_change(c, found, rested, at=at)
    _say(c, jobs, read, "not_handed_on", {"why": "called_off"}, at=at)


def _say_trouble(c: Connection, jobs: Jobs, interview: Interview, error: Exception, *, at: datetime) -> None:
    """Tells the person once that it takes longer, where somebody must mend something or it has lasted."""
    passes = isinstance(error, KM365Error) and not isinstance(error, Forbidden | NotFound | InputRefused)
    lasts = interview.sent_at is not None and at - interview.sent_at >= _PATIENCE
    if lasts or not passes:
        why = "away" if passes else "to_mend"
        _say(c, jobs, interview, "not_handed_on", {"why": why}, at=at)


def _say(
    c: Connection, jobs: Jobs, interview: Interview, card: str, data: dict[str, str], *, at: datetime
) -> None:
    sent = interview.sent_at.isoformat() if interview.sent_at else ""
    # that it was called off is said also where trouble was said before
    ended = ":called_off" if data.get("why") == "called_off" else ""
    message = Message(
        key=f"{card}:{interview.id}:{sent}{ended}",
        person_id=interview.person_id,
        card=card,
        data={"bank": interview.bank, "title": interview.subject_title, **data},
        language=interview.language,
        reason="the person sent what they wrote",
    )
    if outbox.put(c, message, at=at):
        jobs.enqueue(c, "send_message", key=message.key, args={"key": message.key})
