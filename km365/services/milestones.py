"""What a focal point sees of the calendar: each milestone, whom it asks and where they stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from km365.core import languages
from km365.core.schedule import Milestone, Outcome
from km365.errors import NotFound
from km365.graph.client import Graph
from km365.services import calendar, prompts
from km365.settings import Settings
from km365.store import campaigns
from km365.store.database import Connection, Database


@dataclass(frozen=True, kw_only=True)
class Overview:
    """One milestone and how many people were asked, answered and declined."""

    milestone: Milestone
    asked: int
    answered: int
    declined: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """One person of a milestone. `outcome` is `not asked yet` before the campaign; `sent` counts messages."""

    name: str
    language: str
    outcome: str
    sent: int
    next_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Detail:
    """One milestone with its people, and in words what is wrong with its list of people."""

    milestone: Milestone
    people: tuple[Line, ...]
    problems: tuple[str, ...]


async def overview(
    graph: Graph, db: Database, settings: Settings, *, office: str | None = None
) -> list[Overview]:
    """The milestones, of one office if named, the earliest first; those without a date last."""
    found = await calendar.milestones(graph, settings)
    if office is not None:
        found = [one for one in found if one.office.casefold() == office.casefold()]
    found.sort(key=lambda one: (one.due_on or date.max, one.id))
    counts = await db.run(_counts, [prompts.subject_of(one) for one in found])
    return [
        Overview(
            milestone=one,
            asked=sum(counts[prompts.subject_of(one)].values()),
            answered=counts[prompts.subject_of(one)].get(Outcome.ANSWERED, 0),
            declined=counts[prompts.subject_of(one)].get(Outcome.DECLINED, 0),
        )
        for one in found
    ]


def _counts(c: Connection, subjects: list[str]) -> Mapping[str, Mapping[Outcome, int]]:
    return {subject: campaigns.counts(c, subject) for subject in subjects}


async def show(graph: Graph, db: Database, settings: Settings, milestone_id: str) -> Detail:
    """The milestone with that id and everyone it asks. Raises NotFound."""
    found = {one.id: one for one in await calendar.milestones(graph, settings)}
    if milestone_id not in found:
        raise NotFound(f"There is no milestone {milestone_id!r}; `km365 milestone list` shows their ids.")
    milestone = found[milestone_id]
    people, problems = prompts.audience(milestone, await calendar.directory(graph))
    stand = {one.person_id: one for one in await db.run(campaigns.people, prompts.subject_of(milestone))}
    lines = []
    for person in sorted(people, key=lambda one: one.name):
        prompt = stand.get(person.id)
        lines.append(
            Line(
                name=person.name,
                language=prompt.language if prompt else languages.best([person.language]),
                outcome=prompt.progress.state if prompt else "not asked yet",
                sent=prompt.progress.sent if prompt else 0,
                next_at=prompt.progress.next_at if prompt else None,
            )
        )
    return Detail(milestone=milestone, people=tuple(lines), problems=tuple(problems))
