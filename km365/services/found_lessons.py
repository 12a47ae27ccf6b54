"""Lessons found in a leaver's answers: what the person says to each, kept with what comes of it.

One that is proposed is an interview of its own from then on, as if it had been told, and is handed on, shown
among the person's contributions, changed and taken back like one. What was said, the draft and the job that
hands it on are one transaction, so whatever is killed or repeated, there is one item or none.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from km365.core.coach import Coach
from km365.core.departures import BANK as HANDOVER
from km365.core.found_lessons import Answered, Found, begun, found
from km365.core.interviews import Interview, InterviewState
from km365.core.said import Said, Verb
from km365.core.still_true import Verdict
from km365.core.turns import REMEMBERED, step
from km365.documents.questions import Banks
from km365.jobs.port import Jobs
from km365.services import interview as service
from km365.services import verdicts
from km365.services.tell import BANK
from km365.services.verdicts import VerdictDesk
from km365.store import interviews as store
from km365.store import still_true
from km365.store.database import Connection, Database


class FoundLessons:
    """The lessons found in answers, as the coach judges them."""

    def __init__(self, db: Database, jobs: Jobs, banks: Banks, coach: Coach) -> None:
        self._db, self._jobs, self._banks, self._coach = db, jobs, banks, coach

    def of(self, interview: Interview) -> Sequence[Found]:
        """What may be proposed of this interview's answers now, the fullest first."""
        bank, lessons = service.bank_of(self._banks, interview), self._banks.get(BANK, interview.language)
        return found(interview, bank, lessons, self._coach)

    async def propose(
        self,
        interview_id: str,
        question: str,
        *,
        send: bool,
        activity: str,
        now: datetime,
        new_id: Callable[[], str],
    ) -> str:
        """The id of the lesson's own interview, which is on its way where it is to `send`, else a draft.

        "" where the lesson is not there any more. However often it is said, there is one.
        """

        def act(c: Connection) -> str:
            handover = service.load(c, interview_id)
            key = f"found:{handover.id}:{question}"
            if made := store.by_keys(c, [key]):
                return made[0].id
            one = next((one for one in self.of(handover) if one.question == question), None)
            if one is None:
                return ""
            lesson = self._begin(c, handover, one, key=key, interview_id=new_id(), send=send, now=now)
            _keep(c, handover, question, Answered.PROPOSED, activity, now)
            return lesson

        return await self._db.run(act)

    def _begin(
        self,
        c: Connection,
        handover: Interview,
        one: Found,
        *,
        key: str,
        interview_id: str,
        send: bool,
        now: datetime,
    ) -> str:
        lessons = self._banks.get(BANK, handover.language)
        draft = begun(
            handover, lessons, one.words, one.item.audience, interview_id=interview_id, key=key, at=now
        )
        made = service.create(c, draft, at=now)
        after = step(draft, lessons, Said(verb=Verb.SEND), now).interview if send else draft
        service.keep(c, replace(after, version=made.version))
        service.note_change(c, draft, after, at=now)
        if after.state is InterviewState.SENDING:
            service.enqueue(c, self._jobs, after.id)
        return after.id

    async def leave(self, interview_id: str, question: str, *, activity: str, now: datetime) -> None:
        """Not this one; it is not proposed again."""
        await self._answer(interview_id, question, Answered.LEFT, activity=activity, now=now)

    async def confirm(
        self,
        desk: VerdictDesk,
        interview: Interview,
        question: str,
        item_id: str,
        *,
        activity: str,
        now: datetime,
    ) -> None:
        """Says instead that a lesson there is, which this person may read, is still true."""
        about = f"found:{interview.id}:{question}"
        who = {"person_id": interview.person_id, "office": interview.office}
        await self._db.run(still_true.show, [item_id], **who, milestone=about, at=now)
        said = {item_id: Verdict.STILL_TRUE}
        await verdicts.say(desk, said, person_id=interview.person_id, milestone=about, at=now)
        await self._answer(interview.id, question, Answered.CONFIRMED, activity=activity, now=now)

    async def _answer(
        self, interview_id: str, question: str, said: Answered, *, activity: str, now: datetime
    ) -> None:
        def act(c: Connection) -> None:
            handover = service.load(c, interview_id)
            if question not in handover.lessons:
                _keep(c, handover, question, said, activity, now)

        await self._db.run(act)

    async def last(self, person_id: str) -> Interview | None:
        """The person's handover, the one touched last, whose answers may hold lessons; None without one."""

        def look(c: Connection) -> Interview | None:
            known = store.list_(c, person_id=person_id, bank_id=HANDOVER)
            return next((one for row in known if self.of(one := service.load(c, row.id))), None)

        return await self._db.run(look)


def _keep(
    c: Connection,
    handover: Interview,
    question: str,
    said: Answered,
    activity: str,
    now: datetime,
) -> None:
    """With what was said; the draft of the note, and what else waits in it, stay as they are."""
    heard = (*handover.heard, activity)[-REMEMBERED:] if activity else handover.heard
    after = replace(handover, lessons={**handover.lessons, question: said.value}, heard=heard)
    service.keep(c, after)
