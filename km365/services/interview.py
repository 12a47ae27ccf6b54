"""An interview, kept: every turn is read, decided by `core/turns` and saved at once, before any reply.

The answers are rows of their own, each with its audience, so that they can expire or be taken back one by
one; a person's wording of a draft is kept the same way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from km365.core import interviews
from km365.core.audience import narrowest
from km365.core.interviews import WAITING, Interview, InterviewState, Part, prompt
from km365.core.preferences import Asked
from km365.core.questions import Bank, BankKind
from km365.core.said import Said, Verb
from km365.core.schedule import Outcome
from km365.core.sorting import given
from km365.core.turns import Turn, step
from km365.documents.questions import Banks
from km365.errors import ChangedMeanwhile, NotFound
from km365.jobs.port import Jobs
from km365.store import campaigns, events, outbox, preferences
from km365.store import interviews as store
from km365.store.campaigns import Campaign
from km365.store.database import Connection, Database
from km365.store.interviews import StoredAnswer, StoredInterview
from km365.store.outbox import Message

HAND_ON = "hand_on"
"""The job that brings what a person has sent where it belongs (`services/handing_on.py`)."""

LOOK = "group_look"
"""The job that looks whether a group's reflection can be closed (`services/group_reflection.py`)."""

RESUME = "resume"
"""The card of a reminder that a person asked for with "later"."""

_EDIT = "edit:"
_CHOICE = "choice:"
"""Before the key of a row that holds no answer itself, but a field of the draft or a choice."""
_ATTEMPTS = 5


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What an interview is about and why it is held. `key` is unique: one interview a person and reason."""

    key: str
    bank: str
    title: str
    subject: str = ""
    office: str = ""
    campaign: str = ""
    due_on: date | None = None


def subject_of(campaign: Campaign, person_id: str) -> Subject:
    """What this person is asked about in this campaign."""
    return Subject(
        key=f"{campaign.id}:{person_id}",
        bank=str(campaign.data["bank"]),
        title=campaign.title,
        subject=str(campaign.data.get("milestone") or campaign.data.get("departure") or ""),
        office=str(campaign.data.get("office") or ""),
        campaign=campaign.id,
        due_on=campaign.due_on,
    )


async def start(
    db: Database,
    banks: Banks,
    jobs: Jobs,
    *,
    person_id: str,
    subject: Subject,
    language: str,
    said: Said,
    now: datetime,
    new_id: Callable[[], str],
    words: Mapping[str, str] | None = None,
    plan: Callable[[Connection], tuple[Part, ...]] = lambda _: (),
) -> Turn:
    """The first turn of an interview, or the next if it began before; `said` is start, later or decline.

    `words` are answers that it begins with, by question, where they were said beforehand and none is given.
    `plan` says what is asked in which sitting; without one all is asked, with a break now and then.
    """
    bank = banks.get(subject.bank, language)

    def first_turn(c: Connection) -> Turn:
        fresh = Interview(
            id=new_id(),
            key=subject.key,
            bank=bank.id,
            person_id=person_id,
            language=language,
            state=InterviewState.INVITED,
            created_at=now,
            changed_at=now,
            subject=subject.subject,
            subject_title=subject.title,
            office=subject.office,
            campaign=subject.campaign,
            due_on=subject.due_on,
            parts=plan(c),
        )
        made = create(c, fresh, at=now)
        if words and not made.answers:
            made = keep(c, given(made, bank, words, at=now))
        return _turn(c, banks, jobs, made, said, now)

    return await db.run(first_turn)


async def take(
    db: Database, banks: Banks, jobs: Jobs, interview: Interview, said: Said, *, now: datetime
) -> Turn:
    """One turn of an interview that was read, saved when this returns.

    A repeated activity changes nothing and repeats the prompt. With what is sent the job that hands it on is
    queued, in the same transaction. Should anything have been saved since it was read, this turn is applied
    to that. Raises NotFound where there is none any more.
    """

    def turn(c: Connection, *, again: bool) -> Turn:
        before = load(c, interview.id) if again else interview
        done = _turn(c, banks, jobs, before, said, now)
        if done.interview == before and store.get(c, before.id).version != before.version:
            raise ChangedMeanwhile("This interview has moved on in another turn; nothing was changed.")
        return done

    for attempt in range(_ATTEMPTS):
        try:
            return await db.run(turn, again=attempt > 0)
        except ChangedMeanwhile:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


async def get(db: Database, banks: Banks, interview_id: str, *, person_id: str) -> Turn:
    """The interview as it stands, with its prompt. Raises NotFound where it is not this person's."""
    found = await db.run(_mine, interview_id, person_id)
    return Turn(interview=found, prompt=prompt(found, bank_of(banks, found)))


async def find(db: Database, banks: Banks, interview_id: str, *, person_id: str) -> Turn | None:
    """The interview as `get` has it, or None where there is none of that id that is this person's."""
    try:
        return await get(db, banks, interview_id, person_id=person_id)
    except NotFound:
        return None


async def current(db: Database, banks: Banks, person_id: str, *, ended: bool = False) -> Turn | None:
    """The interview the person touched last and that is still open; with `ended`, the last of all."""

    def look(c: Connection) -> Interview | None:
        found = store.open_for(c, person_id) or (store.list_(c, person_id=person_id) if ended else [])
        return _read(c, found[0]) if found else None

    found = await db.run(look)
    return Turn(interview=found, prompt=prompt(found, bank_of(banks, found))) if found else None


async def waiting_campaign(db: Database, person_id: str) -> Campaign | None:
    """What the person has been asked and has not yet answered, the earliest date first; or None."""

    def look(c: Connection) -> Campaign | None:
        for kind in campaigns.KINDS:
            for found in campaigns.of_person(c, person_id, kind=kind):
                people = {p.person_id: p.progress for p in campaigns.people(c, found.id)}
                mine = people.get(person_id)
                if found.state in campaigns.ASKING and mine and mine.state is Outcome.OPEN and mine.sent:
                    return found
        return None

    return await db.run(look)


async def campaign(db: Database, campaign_id: str, *, person_id: str) -> Campaign | None:
    """The campaign, if it ever asked this person; else None."""

    def look(c: Connection) -> Campaign | None:
        found = campaigns.get(c, campaign_id)
        asked = {p.person_id for p in campaigns.people(c, campaign_id)}
        return found if person_id in asked else None

    return await db.run(look)


def bank_of(banks: Banks, interview: Interview) -> Bank:
    """The interview's question bank in its language."""
    return banks.get(interview.bank, interview.language)


def load(c: Connection, interview_id: str) -> Interview:
    """The interview with its words. Raises NotFound."""
    return _read(c, store.get(c, interview_id))


def create(c: Connection, fresh: Interview, *, at: datetime) -> Interview:
    """The new interview without its words, or the one that was made for the same key before."""
    made = store.create(
        c,
        interview_id=fresh.id,
        key=fresh.key,
        person_id=fresh.person_id,
        bank_id=fresh.bank,
        subject=fresh.subject,
        language=fresh.language,
        state=fresh.state,
        data=_without_words(fresh),
        at=at,
    )
    return _read(c, made)


def keep(c: Connection, interview: Interview, *, before: Interview | None = None) -> Interview:
    """Saves it over the version that was read, and returns it as it is kept. Raises ChangedMeanwhile.

    Where it is given as it was read `before`, answers that have not changed are not written again.
    """
    version = store.save(
        c,
        interview.id,
        state=interview.state,
        is_open=interview.state in WAITING,
        data=_without_words(interview),
        answers=_rows(interview),
        version=interview.version,
        at=interview.changed_at,
        language=interview.language,
        read=None if before is None else _rows(before),
    )
    return replace(interview, version=version)


def enqueue(c: Connection, jobs: Jobs, interview_id: str) -> None:
    """Queues the job that hands it on, unless one waits."""
    jobs.enqueue(c, HAND_ON, key=f"{HAND_ON}:{interview_id}", args={"interview": interview_id})


def note_change(c: Connection, before: Interview, after: Interview, *, at: datetime) -> None:
    """Records where an interview has come to, and nothing of what it says."""
    if after.state is not before.state:
        what = {"from": before.state.value, "to": after.state.value}
        events.append(c, kind="interview", subject=after.id, who=after.person_id, what=what, at=at)
    if after.consented_at and after.consented_at != before.consented_at:
        what = {"words": after.consent}
        events.append(c, kind="consent", subject=after.id, who=after.person_id, what=what, at=at)


def _turn(c: Connection, banks: Banks, jobs: Jobs, before: Interview, said: Said, now: datetime) -> Turn:
    """Decides one turn and saves it with all that follows from it."""
    if said.verb in _TAKING_UP and _was_returned(c, before):
        said = replace(said, verb=Verb.REOPEN)
    bank = bank_of(banks, before)
    turn = step(before, bank, said, now)
    after = turn.interview
    in_group = bank.kind is BankKind.GROUP
    if after.state is InterviewState.SENDING and said.verb is Verb.SEND and not in_group:
        enqueue(c, jobs, after.id)
    if after == before:
        return turn
    after = keep(c, after, before=before)
    if in_group and after.state is not before.state:
        jobs.enqueue(c, LOOK, key=f"{LOOK}:{after.campaign}", args={"reflection": after.campaign})
    _follow_up(c, before, after, said, now)
    return replace(turn, interview=after, prompt=prompt(after, bank_of(banks, after)))


def _follow_up(c: Connection, before: Interview, after: Interview, said: Said, now: datetime) -> None:
    """Ends the campaign's reminders, keeps the one asked for, and notes what happened, not what was said."""
    if after.campaign and after.state is InterviewState.DECLINED:
        campaigns.stop(c, after.person_id, after.campaign, outcome=Outcome.DECLINED, at=now)
    elif after.campaign and after.state is not InterviewState.INVITED:
        campaigns.stop(c, after.person_id, after.campaign, at=now)
    if before.wake_at and said.verb is not Verb.LANGUAGE:
        outbox.cancel(c, f"{RESUME}:{after.id}", note="the person has gone on", at=now)
    if after.wake_at and after.wake_at != before.wake_at:
        outbox.put(c, _reminder(after, f"{RESUME}:{after.id}:{after.step}"), at=now, due_at=after.wake_at)
    note_change(c, before, after, at=now)


def _reminder(interview: Interview, key: str) -> Message:
    data = {
        "interview": interview.id,
        "bank": interview.bank,
        "title": interview.subject_title,
        "step": interview.step,
    }
    return Message(
        key=key,
        person_id=interview.person_id,
        card=RESUME,
        data=data,
        language=interview.language,
        reason="the person asked to be reminded",
    )


def replan(c: Connection, before: Interview, after: Interview, *, now: datetime) -> None:
    """Saves an interview whose sittings were moved, with its reminder; nothing where nothing changed.

    Whoever asked to be left alone since is reminded of nothing. `before` was read in this transaction.
    """
    if after == before:
        return
    keep(c, after)
    note_change(c, before, after, at=now)
    if after.wake_at == before.wake_at:
        return
    waited = outbox.cancel(c, f"{RESUME}:{after.id}", note="the plan has changed", at=now)
    was_due = before.wake_at is None or before.wake_at <= now
    if after.wake_at and (waited or was_due) and preferences.get(c, after.person_id).asked is not Asked.NONE:
        key = f"{RESUME}:{after.id}:{after.step}:{after.wake_at:%Y-%m-%d}"
        outbox.put(c, _reminder(after, key), at=now, due_at=after.wake_at)


_TAKING_UP = frozenset({Verb.START, Verb.RESUME, Verb.YES, Verb.AGREE, Verb.DRAFT})


def _was_returned(c: Connection, interview: Interview) -> bool:
    """Whether the last that was heard of what this became is that it came back, with a question."""
    if interview.state is not InterviewState.FINISHED or interview.sent_at is None:
        return False
    heard = outbox.list_(c, prefix=f"decided:KM-{interview.id}", limit=1)
    return any(one.message.data.get("decision") == "returned" for one in heard) and (
        heard[0].created_at >= interview.sent_at
    )


def _mine(c: Connection, interview_id: str, person_id: str) -> Interview:
    stored = store.get(c, interview_id)
    if stored.person_id != person_id:
        raise NotFound("This interview does not exist any more; start it again from the invitation.")
    return _read(c, stored)


def _without_words(interview: Interview) -> dict[str, object]:
    """The interview as JSON without anything the person wrote."""
    data = interviews.to_json(interview)
    data["answers"] = [{**answer, "text": "", "choice": ""} for answer in data["answers"]]
    data["edits"] = dict.fromkeys(interview.edits, "")
    return data


def _rows(interview: Interview) -> list[StoredAnswer]:
    """A row for every answer, every choice and every edited field that holds words."""
    answers = [
        StoredAnswer(question_id=key, audience=a.audience, value=value, answered_at=a.at)
        for a in interview.answers
        for key, value in ((a.question, a.text), (f"{_CHOICE}{a.question}", a.choice))
        if value
    ]
    said = [a.audience for a in interview.answers if a.text]
    whole = narrowest(*said) if said else None
    edits = [
        StoredAnswer(
            question_id=f"{_EDIT}{name}", audience=whole, value=text, answered_at=interview.changed_at
        )
        for name, text in interview.edits.items()
        if whole is not None
    ]
    return answers + edits


def _read(c: Connection, stored: StoredInterview) -> Interview:
    """The interview with its words; an answer whose row has expired comes back without them."""
    data = dict(stored.data)
    words = {row.question_id: row.value or "" for row in store.answers(c, stored.id)}
    data["answers"] = [
        {**answer, "text": words.get(key, ""), "choice": words.get(f"{_CHOICE}{key}", "")}
        for answer in data["answers"]
        for key in (answer["question"],)
    ]
    data["edits"] = {name: words[f"{_EDIT}{name}"] for name in data["edits"] if f"{_EDIT}{name}" in words}
    return replace(interviews.from_json(data), version=stored.version)
