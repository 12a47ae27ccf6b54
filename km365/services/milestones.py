"""What a focal point sees of the calendar: each milestone, whom it asks and where they stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from km365.core import languages
from km365.core.calendar_filter import Filter
from km365.core.schedule import Milestone, Outcome, Why, message_key
from km365.documents.asking import rule_words
from km365.errors import NotFound
from km365.graph.client import Graph
from km365.graph.people import Person
from km365.services import calendar, calendar_scan, messages
from km365.settings import Settings
from km365.store import campaigns, outbox
from km365.store.campaigns import Prompt
from km365.store.database import Connection, Database
from km365.store.outbox import Delivery, Sent
from km365.templates import Templates


@dataclass(frozen=True, kw_only=True)
class Overview:
    """One milestone and how many people were asked, answered and declined."""

    milestone: Milestone
    asked: int
    answered: int
    declined: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """One person of a milestone. `outcome` is `not asked yet` before the campaign; `sent` counts messages.

    `why` says what put off their next message or ended their part, None where the plan did.

    `became` says what became of the last of them and `advice` what to do, both empty where there is nothing.
    """

    name: str
    sign_in: str
    language: str
    outcome: str
    why: Why | None
    sent: int
    next_at: datetime | None
    delivery: Delivery | None
    became: str
    advice: str


@dataclass(frozen=True, kw_only=True)
class Detail:
    """One milestone with its people, and in words what is wrong with its list of people."""

    milestone: Milestone
    people: tuple[Line, ...]
    problems: tuple[str, ...]


async def overview(
    graph: Graph, db: Database, settings: Settings, wanted: Filter | None = None
) -> list[Overview]:
    """The milestones that are wanted, the earliest first; those without a date last."""
    wanted = wanted or Filter()
    found = [one for one in await calendar.milestones(graph, settings) if wanted.takes(one)]
    found.sort(key=lambda one: (one.due_on or date.max, one.id))
    counts = await db.run(_counts, [one.subject for one in found])
    return [
        Overview(
            milestone=one,
            asked=sum(counts[one.subject].values()),
            answered=counts[one.subject].get(Outcome.ANSWERED, 0),
            declined=counts[one.subject].get(Outcome.DECLINED, 0),
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
    words = rule_words(Templates(settings.templates or None))
    subject = milestone.subject
    already = await db.run(campaigns.asked_of, subject)
    names = await calendar.directory(graph)
    people, problems = calendar_scan.audience(milestone, names, words, already=already)
    stand = {prompt.person_id: (prompt, last) for prompt, last in await db.run(_standing, subject)}
    return Detail(
        milestone=milestone,
        people=tuple(
            _line(person, *stand.get(person.id, (None, None)))
            for person in sorted(people, key=lambda one: one.name)
        ),
        problems=tuple(problems),
    )


def _standing(c: Connection, subject: str) -> list[tuple[Prompt, Sent | None]]:
    """Everyone in the campaign with the last message to them."""
    found = []
    for one in campaigns.people(c, subject):
        key = message_key(one.key, one.progress.sent)
        found.append((one, outbox.get(c, key) if one.progress.sent else None))
    return found


def _line(person: Person, prompt: Prompt | None, last: Sent | None) -> Line:
    needs_advice = prompt is not None and prompt.progress.state in {Outcome.OPEN, Outcome.UNREACHABLE}
    return Line(
        name=person.name,
        sign_in=person.upn,
        language=prompt.language if prompt else languages.best([person.language]),
        outcome=prompt.progress.state if prompt else "not asked yet",
        why=prompt.progress.why if prompt else None,
        sent=prompt.progress.sent if prompt else 0,
        next_at=prompt.progress.next_at if prompt else None,
        delivery=last.state if last else None,
        became=messages.became(last) if last else "",
        advice=messages.advice(last) if last and needs_advice else "",
    )
