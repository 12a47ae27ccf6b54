"""The alumni line: who has handed over may be asked by their successor, if they want and until a day.

Nothing is passed on but what the successor has seen and sent, and nothing comes back but what the leaver has
seen and sent. A line is asked for once, after the note was filed; it is closed by its person at any time, and
by its day. Messages hold ids alone: what they say is read as they go out.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from km365.core.interviews import Interview
from km365.core.languages import best
from km365.core.preferences import Asked
from km365.core.schedule import Before, day_at
from km365.errors import GraphNotFound, InputRefused
from km365.graph import people
from km365.graph.client import Graph
from km365.jobs.port import Jobs
from km365.services.calendar import hours_of
from km365.services.filed_notes import FiledNote
from km365.services.preferences import hours_of_person
from km365.services.prompts import SEND_MESSAGE
from km365.settings import Settings
from km365.store import alumni as store
from km365.store import campaigns, events, outbox, preferences
from km365.store.alumni import Line, Question
from km365.store.database import Connection, Database
from km365.store.outbox import Message

OPENING, QUESTION, ANSWER = "alumni_opening", "alumni_question", "alumni_answer"
"""The cards: may you be asked, a question of your successor, and the answer to one."""
ASK_LATER = "ask_later"
"""The question of the bank on what one may be asked."""
LONGEST = timedelta(days=365)
"""A line is open so long at most."""
WAITS = timedelta(days=14)
"""A question waits so long for room in its reader's week; one that would wait longer is not passed on."""
KEPT = timedelta(days=30)
"""So long the words of a question and its answer are kept after they were said."""
_PART = r"[^\s@<>\"'(),:;?&%]"
_ADDRESS = re.compile(rf"(?<!{_PART}){_PART}+@{_PART}+\.{_PART}+")
_LONGEST_ADDRESS = 254


@dataclass(frozen=True, kw_only=True)
class AlumniDesk:
    """What the line needs."""

    graph: Graph
    db: Database
    jobs: Jobs
    settings: Settings
    now: Callable[[], datetime]

    @property
    def today(self) -> date:
        """The day at headquarters."""
        return day_at(self.now(), hours_of(self.settings))

    async def day_for(self, person_id: str, moment: datetime) -> date:
        """The day that moment is on where the person is."""
        return day_at(moment, await self.db.run(hours_of_person, person_id, hours_of(self.settings)))


def address_in(text: str) -> str:
    """The mail address in a text; "" where there is none."""
    found = _ADDRESS.search(text)
    return found[0].strip(".") if found and len(found[0]) <= _LONGEST_ADDRESS else ""


async def invite(db: Database, jobs: Jobs, interview: Interview, *, at: datetime) -> None:
    """Asks once, now that the note is filed, whether they may be asked later.

    Not who left out that question in the interview, nor who wants no messages.
    """
    answer = interview.answer(ASK_LATER)
    if answer is None or answer.text:
        await db.run(_invite, jobs, interview, at=at)


async def open_line(desk: AlumniDesk, note: FiledNote, until_on: date, address: str) -> Line:
    """Opens the line of a note for its successor, or changes it. Raises InputRefused for another day.

    `address` is "" where they are to be asked in Teams.
    """
    if not desk.today <= until_on <= desk.today + LONGEST:
        raise InputRefused("A line is open from today on, and for twelve months at most.")
    line = Line(
        note_id=note.item_id,
        person_id=note.person_id,
        until_on=until_on,
        address=address,
        opened_at=desk.now(),
    )
    await desk.db.run(_open, line, at=desk.now())
    return line


async def close(desk: AlumniDesk, person_id: str, *, by: str) -> bool:
    """Closes every line of this person, with what waits and the address. Whether any was open."""
    return await desk.db.run(_close, person_id, by=by, at=desk.now())


async def mine(desk: AlumniDesk, person_id: str) -> list[Line]:
    """The lines of this leaver that are open."""
    return await desk.db.run(store.of_person, person_id, today=desk.today)


async def line_to(desk: AlumniDesk, note: FiledNote, asker_id: str) -> Line | None:
    """The line over which this person may ask the author of the note: none for anybody but the successor.

    None too where it is one in Teams and the account does not work any more.
    """
    if asker_id != note.successor_id:
        return None
    line = await desk.db.run(store.of_note, note.item_id, today=desk.today)
    if line is None or line.address:
        return line
    try:
        person = await people.get_person(desk.graph, line.person_id)
    except GraphNotFound:
        return None
    return line if person.account_enabled else None


async def pass_on(
    desk: AlumniDesk, note: FiledNote, asker_id: str, words: str, *, key: str
) -> datetime | None:
    """Passes a question on, as the successor has seen it; when it goes, None where there is no room in time.

    Repeatable: `key` names what was sent. Raises InputRefused where the line is not open in Teams.
    """
    line = await line_to(desk, note, asker_id)
    if line is None or line.address:
        raise InputRefused("There is no open line to the author of this note.")
    person = await people.get_person(desk.graph, line.person_id)
    asked = Question(
        id=key,
        note_id=note.item_id,
        person_id=line.person_id,
        asker_id=asker_id,
        words=words,
        asked_at=desk.now(),
    )
    return await desk.db.run(_pass_on, desk, asked, best([person.language]), at=desk.now())


async def questions(desk: AlumniDesk, person_id: str) -> list[Question]:
    """What this leaver was asked and has not answered, over lines that are open, the oldest first."""
    open_ = {line.note_id for line in await mine(desk, person_id)}
    waiting = await desk.db.run(store.waiting, person_id)
    return [one for one in waiting if one.note_id in open_]


async def get(desk: AlumniDesk, question_id: str) -> Question | None:
    """A question with its answer, while it is kept."""
    return await desk.db.run(store.get, question_id)


async def answer(desk: AlumniDesk, asked: Question, words: str) -> bool:
    """Sends the successor the answer, "" where the leaver gives none; False where they did before."""
    language = best([(await people.get_person(desk.graph, asked.asker_id)).language])
    return await desk.db.run(_answer, desk.jobs, asked, words, language, at=desk.now())


def _invite(c: Connection, jobs: Jobs, interview: Interview, *, at: datetime) -> None:
    if preferences.get(c, interview.person_id).asked is Asked.NONE:
        return
    message = Message(
        key=f"alumni:opening:{interview.id}",
        person_id=interview.person_id,
        card=OPENING,
        data={"interview": interview.id},
        language=interview.language,
        reason="they filed a handover note",
    )
    _put(c, jobs, message, at=at)


def _open(c: Connection, line: Line, *, at: datetime) -> None:
    store.open_line(c, line)
    what = {"until": line.until_on.isoformat()}
    events.append(c, kind="alumni line opened", subject=line.note_id, who=line.person_id, what=what, at=at)


def _close(c: Connection, person_id: str, *, by: str, at: datetime) -> bool:
    for asked in store.waiting(c, person_id):
        outbox.cancel(c, _key(asked.id), note="the line was closed", at=at)
    notes = store.close(c, person_id)
    for note_id in notes:
        events.append(c, kind="alumni line closed", subject=note_id, who=by, what={}, at=at)
    return bool(notes)


def _pass_on(
    c: Connection, desk: AlumniDesk, asked: Question, language: str, *, at: datetime
) -> datetime | None:
    if (sent := outbox.get(c, _key(asked.id))) is not None:
        return sent.due_at
    due_at = _free_at(c, desk, asked.person_id, at=at)
    if due_at is None:
        return None
    store.ask(c, asked)
    message = Message(
        key=_key(asked.id),
        person_id=asked.person_id,
        card=QUESTION,
        data={"question": asked.id},
        language=language,
        reason=store.REASON,
    )
    _put(c, desk.jobs, message, at=at, due_at=due_at)
    return due_at


def _free_at(c: Connection, desk: AlumniDesk, person_id: str, *, at: datetime) -> datetime | None:
    """When the leaver may be asked, within the limit of a week; None where that is too late."""
    hours = hours_of_person(c, person_id, hours_of(desk.settings))
    moments = campaigns.asked(c, [person_id], at=at)[person_id]
    before = Before(moments=moments, per_week=desk.settings.prompts_per_week)
    moment = at
    while (later := before.free_at(moment, hours)) > moment and later - at <= WAITS:
        moment = later
    return moment if later <= moment else None


def _answer(c: Connection, jobs: Jobs, asked: Question, words: str, language: str, *, at: datetime) -> bool:
    if not store.answer(c, asked.id, words, at=at):
        return False
    message = Message(
        key=f"alumni:answer:{asked.id}",
        person_id=asked.asker_id,
        card=ANSWER,
        data={"question": asked.id},
        language=language,
        reason="what they asked was answered",
    )
    _put(c, jobs, message, at=at)
    return True


def _put(
    c: Connection, jobs: Jobs, message: Message, *, at: datetime, due_at: datetime | None = None
) -> None:
    if outbox.put(c, message, at=at, due_at=due_at) and (due_at is None or due_at <= at):
        jobs.enqueue(c, SEND_MESSAGE, key=message.key, args={"key": message.key})


def _key(question_id: str) -> str:
    return f"alumni:question:{question_id}"
