"""A group reflects together: each member is asked alone, and the group is shown what several said alike.

That it closes, what it made of the answers, the message that says so and the end of the answers are all in
one transaction: killed at any moment, it has closed or it has not, and the group hears of it once.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from km365.core import group_reflection as rules
from km365.core.audience import Audience
from km365.core.group_reflection import Asked, Closed, Given, Summary
from km365.core.interviews import Interview, InterviewState
from km365.core.questions import GROUP_BANK, Question
from km365.core.schedule import Before, Hours, Outcome, Plan, day_at, next_open
from km365.documents.questions import Banks
from km365.errors import InputRefused
from km365.jobs.port import Args, Jobs
from km365.services import interview as service
from km365.services import prompts
from km365.services.interview import LOOK
from km365.services.preferences import hours_of_person
from km365.store import campaigns, events, interviews, outbox
from km365.store import group_reflections as store
from km365.store.campaigns import Campaign
from km365.store.database import Connection, Database
from km365.store.group_reflections import GroupReflection
from km365.store.outbox import Message
from km365.store.rows import Json

GROUP = "group:"
"""How the id of a reflection begins, under which its group is reached."""

SUMMARY = "group_summary"
"""The card of the message that tells the group what came of it."""

_QUOTE, _YES = "quote", "yes"
"""The question whether a person's words may be quoted, and the one answer that allows it."""
_REMINDED = (0, 1)
"""Days after the start on which a member is asked and reminded."""
_CLOSING = "closing"
"""Where a campaign's data notes when its beginner first wanted it closed, and with which activity."""
_SURE_WITHIN = timedelta(minutes=5)
"""How long closing waits for a second yes."""
_DONE = frozenset({InterviewState.SENDING, InterviewState.DECLINED, InterviewState.WITHDRAWN})
_NOT_ASKED = frozenset({Outcome.OPTED_OUT, Outcome.UNREACHABLE})


@dataclass(frozen=True, kw_only=True)
class Member:
    """Somebody of the group, with the name by which the others know them."""

    person_id: str
    name: str
    language: str


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A reflection that somebody asks for. `begun_with` is their activity, which may come twice."""

    conversation_id: str
    service_url: str
    tenant_id: str
    begun_by: str
    begun_with: str
    language: str
    subject: str
    members: Sequence[Member]
    roster: str = ""
    """What names those who read along, whom the summary is looked up for once more."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far a reflection is. `fresh` says that it was begun by what was just asked for."""

    id: str
    subject: str
    begun_by: str
    closes_at: datetime
    asked: int
    answered: int
    fresh: bool = False
    later: int = 0
    """How many of those asked are asked only when their hours begin; known of a fresh one alone."""


async def begin(
    db: Database, hours: Hours, wanted: Wanted, *, now: datetime, new_id: Callable[[], str]
) -> Standing:
    """Begins it; the one that is open in this conversation, if one is.

    The members are asked within a minute, or when their hours begin, by `prompts.send_due`. The same activity
    begins nothing twice. Callers have seen to it that the group is large enough.
    """
    return await db.run(_begin, hours, wanted, now=now, new_id=new_id)


async def standing(db: Database, conversation_id: str) -> Standing | None:
    """The reflection that is open in this conversation, or None."""

    def look(c: Connection) -> Standing | None:
        found = store.open_in(c, conversation_id)
        return _standing(c, found) if found else None

    return await db.run(look)


async def open_here(db: Database, conversation_id: str, roster: str) -> bool:
    """Whether a reflection is open in this conversation, or in a channel of this team."""
    return await db.run(lambda c: bool(_open_here(c, conversation_id, roster)))


async def ask_too(
    db: Database, conversation_id: str, roster: str, members: Sequence[Member], *, now: datetime
) -> None:
    """Takes those into the reflections open here who have come since they began, as far as they may grow.

    They are asked like everybody else, and are shown nothing of what others answered.
    """

    def add(c: Connection) -> None:
        for found in _open_here(c, conversation_id, roster):
            known = {one.person_id for one in campaigns.people(c, found.id)}
            new = [one for one in members if one.person_id not in known][: rules.MOST_MEMBERS - len(known)]
            for one in new:
                key = _key(found.id, one.person_id)
                campaigns.add_person(c, found.id, one.person_id, key=key, language=one.language, at=now)
            if new:
                store.add_names(c, found, [one.name for one in new])

    await db.run(add)


def _open_here(c: Connection, conversation_id: str, roster: str) -> list[GroupReflection]:
    """Those open in this conversation; of a team, which tells of newcomers as a whole, in any channel."""
    here = store.open_in(c, conversation_id)
    found = {here.id: here} if here else {}
    for reflection_id in store.open_ids(c):
        campaign, one = campaigns.get(c, reflection_id), store.get(c, reflection_id)
        if campaign and one and roster and campaign.data.get("roster") == roster:
            found[one.id] = one
    return [*found.values()]


async def keep_open(
    db: Database, hours: Hours, reflection_id: str, *, by: str, days: int, now: datetime
) -> Standing | None:
    """Lets it close by itself so many working days from today; None where it is not that person's, or closed.

    `days` beyond what is allowed are brought within it.
    """

    def change(c: Connection) -> Standing | None:
        found = store.get(c, reflection_id)
        campaign = campaigns.get(c, reflection_id)
        if found is None or campaign is None or found.closed_at or found.begun_by != by:
            return None
        closes_at = rules.closing(now, hours, days=min(max(days, 1), rules.LONGEST_WAIT))
        last_on = day_at(closes_at, hours)
        store.change_end(c, reflection_id, closes_at=closes_at)
        plan = replace(campaign.plan, last_on=last_on)
        campaigns.change(c, replace(campaign, plan=plan, due_on=last_on), at=now)
        return _standing(c, replace(found, closes_at=closes_at))

    return await db.run(change)


async def sure(db: Database, reflection_id: str, *, with_: str, now: datetime) -> bool:
    """Whether closing was asked for within the last minutes, by another activity; else notes that it is now.

    Kept with the reflection, for in a channel each message may begin a thread.
    """

    def look(c: Connection) -> bool:
        campaign = campaigns.get(c, reflection_id)
        if campaign is None:
            return False
        before = campaign.data.get(_CLOSING) or {"at": now.isoformat(), "with": with_}
        if before["with"] != with_ and now - datetime.fromisoformat(before["at"]) <= _SURE_WITHIN:
            return True
        _note_closing(c, campaign, {"at": now.isoformat(), "with": with_}, now=now)
        return False

    return await db.run(look)


async def leave_open(db: Database, reflection_id: str, *, now: datetime) -> None:
    """Waits for no second yes to closing any more."""

    def forget(c: Connection) -> None:
        campaign = campaigns.get(c, reflection_id)
        if campaign is not None and campaign.data.get(_CLOSING):
            _note_closing(c, campaign, None, now=now)

    await db.run(forget)


def _note_closing(c: Connection, campaign: Campaign, noted: Json | None, *, now: datetime) -> None:
    campaigns.change(c, replace(campaign, data={**campaign.data, _CLOSING: noted}), at=now)


async def close(
    db: Database, banks: Banks, jobs: Jobs, reflection_id: str, *, by: str, now: datetime
) -> bool:
    """Closes it now, for the one who began it; False, and nothing changes, for anybody else.

    Closing what has closed is no fault.
    """

    def end(c: Connection) -> bool:
        found = store.get(c, reflection_id)
        if found is None or found.begun_by != by:
            return False
        _close(c, banks, jobs, reflection_id, asked_for=True, now=now)
        return True

    return await db.run(end)


async def placed(db: Database, message: Message) -> Message:
    """The summary with where its group is: an older km365 kept in it what was said and no more.

    Raises InputRefused where neither the message nor the database knows the group.
    """
    if "roster" in message.data:
        return message

    def find(c: Connection) -> Message:
        found, campaign = store.get(c, message.person_id), campaigns.get(c, message.person_id)
        if found is None or campaign is None:
            raise InputRefused("An older km365 kept this summary, and its group is not known any more.")
        return replace(message, data={**_where(found, campaign), **message.data})

    return await db.run(find)


async def tell_beginner(db: Database, jobs: Jobs, message: Message, *, now: datetime) -> None:
    """Tells the one who began it alone what the group was to be told; once, however often it is asked for."""

    def put(c: Connection) -> None:
        begun_by = message.data["begun_by"]
        alone = replace(message, key=f"{message.key}:alone", person_id=begun_by)
        if outbox.put(c, alone, at=now):
            jobs.enqueue(c, prompts.SEND_MESSAGE, key=alone.key, args={"key": alone.key})

    await db.run(put)


def open_desk(db: Database, banks: Banks, jobs: Jobs, now: Callable[[], datetime]) -> None:
    """Registers the look at a reflection whose members answered, and the look of every minute at all."""

    async def look(args: Args) -> None:
        await db.run(_close, banks, jobs, args["reflection"], now=now())

    async def look_at_all() -> None:
        for reflection_id in await db.run(store.open_ids):
            await db.run(_close, banks, jobs, reflection_id, now=now())

    jobs.register(LOOK, look)
    jobs.every_minute(LOOK, look_at_all)


def _begin(
    c: Connection, hours: Hours, wanted: Wanted, *, now: datetime, new_id: Callable[[], str]
) -> Standing:
    before = store.begun_with(c, wanted.begun_with) or store.open_in(c, wanted.conversation_id)
    if before is not None:
        return _standing(c, before)
    closes_at = rules.closing(now, hours)
    last_on = day_at(closes_at, hours)
    campaign = Campaign(
        id=f"{GROUP}{new_id()}",
        kind="group",
        title=wanted.subject,
        due_on=last_on,
        plan=Plan(days=_REMINDED, close_after=rules.LONGEST_WAIT * 2, last_on=last_on),
        data={"bank": GROUP_BANK, "title": wanted.subject, "roster": wanted.roster},
    )
    campaigns.create(c, campaign, at=now)
    reflection = GroupReflection(
        id=campaign.id,
        conversation_id=wanted.conversation_id,
        service_url=wanted.service_url,
        tenant_id=wanted.tenant_id,
        begun_by=wanted.begun_by,
        begun_with=wanted.begun_with,
        begun_at=now,
        language=wanted.language,
        names=[member.name for member in wanted.members],
        closes_at=closes_at,
    )
    store.add(c, reflection)
    for one in wanted.members:
        key = f"{campaign.id}:{one.person_id}"
        campaigns.add_person(c, campaign.id, one.person_id, key=key, language=one.language, at=now)
    what = {"asked": len(wanted.members)}
    events.append(
        c, kind="group reflection begun", subject=campaign.id, who=wanted.begun_by, what=what, at=now
    )
    later = sum(_asked_later(c, hours, one.person_id, now=now) for one in wanted.members)
    return replace(_standing(c, reflection), fresh=True, later=later)


def _asked_later(c: Connection, hours: Hours, person_id: str, *, now: datetime) -> bool:
    """Whether the person has no working hours now, or was asked something else too recently."""
    theirs = hours_of_person(c, person_id, hours)
    before = Before(moments=campaigns.asked(c, [person_id], at=now)[person_id])
    return before.free_at(now, theirs) > now or next_open(now, theirs) > now


def _standing(c: Connection, found: GroupReflection) -> Standing:
    campaign = campaigns.get(c, found.id)
    people = campaigns.people(c, found.id)
    held = interviews.by_keys(c, [_key(found.id, one.person_id) for one in people])
    return Standing(
        id=found.id,
        subject=campaign.title if campaign else "",
        begun_by=found.begun_by,
        closes_at=found.closes_at,
        asked=len(people),
        answered=sum(one.state == InterviewState.SENDING for one in held),
    )


def _key(reflection_id: str, person_id: str) -> str:
    """The key of a member's interview, as `service.subject_of` makes it."""
    return f"{reflection_id}:{person_id}"


def _close(
    c: Connection, banks: Banks, jobs: Jobs, reflection_id: str, *, asked_for: bool = False, now: datetime
) -> None:
    """Closes it if it is time: everybody is done, the time has passed, or it was asked for."""
    found = store.get(c, reflection_id)
    campaign = campaigns.get(c, reflection_id)
    if found is None or campaign is None or found.closed_at is not None:
        return
    people = campaigns.people(c, reflection_id)
    held = [
        service.load(c, one.id)
        for one in interviews.by_keys(c, [_key(reflection_id, one.person_id) for one in people])
    ]
    done = {one.person_id for one in held if one.state in _DONE}
    done |= {one.person_id for one in people if one.progress.state in _NOT_ASKED}
    why = Closed.ASKED if asked_for else Closed.TIME if now >= found.closes_at else Closed.ALL
    if why is Closed.ALL and any(one.person_id not in done for one in people):
        return
    handed_in = [one for one in held if one.state is InterviewState.SENDING]
    summary = _summary(banks, handed_in, asked=len(people), names=found.names)
    _tell(c, jobs, found, campaign, summary, now=now)
    for interview in held:
        service.keep(c, _ended(interview, now))
        outbox.cancel(c, f"{service.RESUME}:{interview.id}", note="the reflection is over", at=now)
    campaigns.stop_everyone(c, reflection_id, state="ended", note="the reflection is over", at=now)
    store.close(c, reflection_id, at=now)
    what = {"why": why.value, "asked": len(people), "answered": summary.answered}
    events.append(c, kind="group reflection closed", subject=reflection_id, who="km365", what=what, at=now)


def _ended(interview: Interview, now: datetime) -> Interview:
    """The interview without its answers: the group has been told what came of them, or they were not sent."""
    counted = interview.state is InterviewState.SENDING
    return replace(
        interview,
        state=InterviewState.FINISHED if counted else InterviewState.OVER,
        answers=(),
        audiences={},
        edits={},
        revisiting="",
        probing="",
        confirming=None,
        wake_at=None,
        begun_at=now if counted else None,
        changed_at=now,
        step=interview.step + 1,
    )


def _where(found: GroupReflection, campaign: Campaign) -> Json:
    """Where the group is, and who may be told alone."""
    return {
        "begun_by": found.begun_by,
        "conversation_id": found.conversation_id,
        "service_url": found.service_url,
        "tenant_id": found.tenant_id,
        "roster": campaign.data.get("roster") or found.conversation_id.partition(";")[0],
    }


def _tell(
    c: Connection, jobs: Jobs, found: GroupReflection, campaign: Campaign, summary: Summary, *, now: datetime
) -> None:
    message = Message(
        key=f"{SUMMARY}:{found.id}",
        person_id=found.id,
        card=SUMMARY,
        data={"title": campaign.title, "summary": summary.to_json(), **_where(found, campaign)},
        language=found.language,
        reason="a group has reflected",
    )
    if outbox.put(c, message, at=now):
        jobs.enqueue(c, prompts.SEND_MESSAGE, key=message.key, args={"key": message.key})


def _summary(banks: Banks, handed_in: Sequence[Interview], *, asked: int, names: Iterable[str]) -> Summary:
    """What came of the answers that were handed in."""
    spoken = [banks.get(GROUP_BANK, tag) for tag in sorted({one.language for one in handed_in} | {"en"})]
    questions = []
    for question in banks.get(GROUP_BANK, "en").questions:
        if question.id == _QUOTE:
            continue
        put = [same for bank in spoken if (same := bank.question(question.id))]
        questions.append(
            Asked(
                target=question.becomes[0],
                answers=tuple(given for one in handed_in if (given := _given(one, question))),
                said=tuple(f"{same.ask} {same.hint}" for same in put),
                choices=tuple(choice.value for choice in question.choices),
            )
        )
    return rules.summarise(questions, asked=asked, answered=len(handed_in), names=names)


def _given(interview: Interview, question: Question) -> Given | None:
    """The answer as the person worded it last; None where they gave none, or not to be recorded."""
    answer = interview.answer(question.id)
    if answer is None or not answer.text or answer.audience is Audience.UNRECORDED:
        return None
    if question.choices:
        return Given(text="", choice=answer.choice)
    allowed = interview.answer(_QUOTE)
    text = interview.edits.get(question.id, answer.text)
    return Given(text=text, quotable=allowed is not None and allowed.choice == _YES) if text else None
