"""Whom milestones would ask, when and in which language, and why not others. Nothing is written."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from km365.core import languages, schedule
from km365.core.asking import Audience, Choice, NotAsked, choose, left_out, rank, read_rule
from km365.core.calendar_filter import Filter
from km365.core.preferences import Preferences, hours_for, may_ask
from km365.core.schedule import Before, Calendar, Hours, Milestone, Outcome, Plan, Progress, Why
from km365.documents.asking import importance, rule_words
from km365.errors import GraphError, InputRefused, NotFound
from km365.graph import presence
from km365.graph.client import Graph
from km365.graph.people import Person
from km365.services import calendar, calendar_scan
from km365.services.calendar import Directory
from km365.settings import Settings
from km365.store import campaigns, conversations, preferences
from km365.store.campaigns import Prompt
from km365.store.database import Connection, Database
from km365.templates import Templates


@dataclass(frozen=True, kw_only=True)
class Invited:
    """Somebody who would be asked at `at`, on the clock of `zone`; `put_off` is why not before."""

    name: str
    sign_in: str
    language: str
    at: datetime
    zone: str
    put_off: Why | None


@dataclass(frozen=True, kw_only=True)
class Other:
    """Somebody who would not be asked; `detail` is the line, or how they stand, or empty."""

    name: str
    sign_in: str
    why: NotAsked
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """How many of a section are drawn, of how many whom the rule means."""

    name: str
    drawn: int
    of: int


@dataclass(frozen=True, kw_only=True)
class Preview:
    """One milestone. `sections` is empty where nobody is left to the lot; `problems` are in words."""

    milestone: Milestone
    begins_at: datetime
    asked: tuple[Invited, ...]
    others: tuple[Other, ...]
    sections: tuple[Section, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What our own tables say of the people and campaigns that are looked at."""

    wanted: Mapping[str, Preferences]
    moments: Mapping[str, list[datetime]]
    blocked: Collection[str]
    standing: Mapping[str, Mapping[str, Prompt]]
    cancelled: Collection[str]


@dataclass(frozen=True, kw_only=True)
class _Look:
    """Everything a preview depends on, at one moment."""

    known: _Known
    hours: Hours
    away: Collection[str]
    problems: tuple[str, ...]
    per_week: int
    now: datetime


async def preview(
    graph: Graph,
    db: Database,
    settings: Settings,
    *,
    milestone_id: str | None = None,
    wanted: Filter | None = None,
    now: datetime,
) -> list[Preview]:
    """The milestone with that id, else all that are due and `wanted`, as things stand now.

    All that are due are thought through together, the most important first, because nobody is asked too
    often. Raises NotFound, and InputRefused for a milestone that asks nobody. Needs User.Read.All and
    Sites.Selected; without Presence.Read.All it says that leave is not known.
    """
    hours, templates = calendar.hours_of(settings), Templates(settings.templates or None)
    today = schedule.day_at(now, hours)
    planned = schedule.sort_milestones(await calendar.milestones(graph, settings), today=today)
    order = importance(templates)
    looked_at = {one.id: one for one in planned.due}
    if milestone_id is not None:
        looked_at[milestone_id] = _asking(planned, milestone_id)
    names, words = await calendar.directory(graph), rule_words(templates)
    rules = {
        one.id: read_rule("\n".join(one.asked), words=words, office=one.office) for one in looked_at.values()
    }
    already = await db.run(_already, list(looked_at.values()))
    choices = {
        one.id: choose(rules[one.id], names.colleagues, seed=one.subject, already=already[one.id])
        for one in looked_at.values()
    }
    people = {one.id for choice in choices.values() for one in choice.asked}
    known = await db.run(_known, people, [one.subject for one in looked_at.values()], now=now)
    away, problems = await _away(graph, people)
    look = _Look(
        known=known,
        hours=hours,
        away=away,
        problems=problems,
        per_week=settings.prompts_per_week,
        now=now,
    )
    found = [
        _preview(one, rules[one.id], choices[one.id], names, look)
        for one in sorted(looked_at.values(), key=lambda one: rank(one.kind, order))
    ]
    takes = (wanted or Filter()).takes
    shown = [
        one for one in found if (one.milestone.id == milestone_id if milestone_id else takes(one.milestone))
    ]
    return sorted(shown, key=lambda one: (one.begins_at, one.milestone.id))


def _asking(planned: Calendar, milestone_id: str) -> Milestone:
    """The milestone of that id, which asks somebody now or later."""
    for one in (*planned.due, *planned.later):
        if one.id == milestone_id:
            return one
    for one in (*planned.over, *planned.undated):
        if one.id == milestone_id:
            why = f"is {one.state}" if one.is_over else "is over" if one.due_on else "has no date"
            raise InputRefused(f"The milestone {one.title!r} {why}, so nobody is asked.")
    raise NotFound(f"There is no milestone {milestone_id!r}; `km365 milestone list` shows their ids.")


def _already(c: Connection, milestones: Iterable[Milestone]) -> Mapping[str, frozenset[str]]:
    return {one.id: campaigns.asked_of(c, one.subject) for one in milestones}


def _known(c: Connection, people: Iterable[str], subjects: Iterable[str], *, now: datetime) -> _Known:
    everyone, about = list(people), list(subjects)
    addresses = {one: conversations.address_of(c, one) for one in everyone}
    return _Known(
        wanted={one: preferences.get(c, one) for one in everyone},
        moments=campaigns.asked(c, everyone, at=now),
        blocked={one for one, found in addresses.items() if found and found.unreachable_reason},
        standing={one: {found.person_id: found for found in campaigns.people(c, one)} for one in about},
        cancelled={one for one in about if campaigns.is_cancelled(c, one)},
    )


async def _away(graph: Graph, people: Collection[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    try:
        return await presence.out_of_office(graph, people), ()
    except GraphError as error:
        return frozenset(), (f"Who is on leave is not known: {error}",)


def _preview(milestone: Milestone, rule: Audience, choice: Choice, names: Directory, look: _Look) -> Preview:
    begins_at = look.now
    if milestone.due_on is not None:
        first_on = milestone.due_on - schedule.LEAD
        begins_at = max(look.now, schedule.midnight(first_on, look.hours).astimezone(UTC))
    by_id = {one.id: one for one in names.people}
    out = left_out(rule, choice, names.colleagues, office=milestone.office)
    others = [_other(by_id[one.id], why, f"line {line}" if line else "") for one, why, line in out]
    asked: list[Invited] = []
    problems = calendar_scan.problems_of(milestone, choice)
    if milestone.subject in look.known.cancelled:
        problems = [*problems, "A person cancelled its campaign, so nobody is asked."]
        choice = replace(choice, asked=())
    for colleague in choice.asked:
        found = _person(by_id[colleague.id], milestone, look, begins_at=begins_at)
        if isinstance(found, Invited):
            asked.append(found)
        else:
            others.append(found)
    return Preview(
        milestone=milestone,
        begins_at=begins_at,
        asked=tuple(sorted(asked, key=lambda one: (one.at, one.name))),
        others=tuple(sorted(others, key=lambda one: (list(NotAsked).index(one.why), one.name))),
        sections=_sections(choice),
        problems=(*problems, *look.problems),
    )


def _person(person: Person, milestone: Milestone, look: _Look, *, begins_at: datetime) -> Invited | Other:
    """When somebody whom the milestone means is asked, or why not."""
    known = look.known
    prompt = known.standing[milestone.subject].get(person.id)
    stands = prompt.progress if prompt else None
    if stands is not None and (stands.sent or stands.state not in {Outcome.OPEN, Outcome.TAKEN_OUT}):
        return _other(person, NotAsked.ASKED, stands.state)
    wanted = known.wanted[person.id]
    if not may_ask("milestone", wanted.asked, sent=0):
        return _other(person, NotAsked.WANTS_NONE)
    if person.id in known.blocked:
        return _other(person, NotAsked.BLOCKED)
    hours = hours_for(wanted, look.hours.of(person.office))
    at, put_off = schedule.foresee(
        Progress(state=Outcome.OPEN, started_at=begins_at, next_at=begins_at),
        Plan(),
        hours,
        due_on=milestone.due_on or schedule.day_at(begins_at, hours),
        before=Before(moments=known.moments[person.id], per_week=look.per_week),
        away_on=schedule.day_at(look.now, hours) if person.id in look.away else None,
    )
    if at is None:
        return _other(person, NotAsked.TOO_LATE, put_off or "")
    known.moments[person.id].append(at)
    return Invited(
        name=person.name,
        sign_in=person.upn,
        language=prompt.language if prompt else languages.best([person.language]),
        at=at,
        zone=str(hours.zone),
        put_off=put_off,
    )


def _other(person: Person, why: NotAsked, detail: str = "") -> Other:
    return Other(name=person.name, sign_in=person.upn, why=why, detail=detail)


def _sections(choice: Choice) -> tuple[Section, ...]:
    """How the lot fell, the largest section first."""
    if not choice.not_drawn:
        return ()
    drawn = Counter(one.section for one in choice.asked)
    meant = drawn + Counter(one.section for one in choice.not_drawn)
    return tuple(Section(name=name, drawn=drawn[name], of=of) for name, of in meant.most_common())
