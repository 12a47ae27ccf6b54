"""The daily scan of the calendar: finds whom to ask, and brings the campaigns to what the calendar wants.

What it writes has keys that never repeat, so a restart at any moment asks nobody twice and forgets nobody.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from km365.core import languages, schedule
from km365.core.asking import Choice, RuleWords, choose, rank, read_rule
from km365.core.departures import BANK, Leaver, due_leavers, handover_plan, notice
from km365.core.schedule import Calendar, Hours, Milestone, Outcome
from km365.documents.asking import importance, rule_words
from km365.documents.questions import Banks
from km365.graph.client import Graph
from km365.graph.people import Person
from km365.jobs import Jobs
from km365.services import calendar, calendar_moves, departure_moves, departures, post_left, prompts
from km365.services.calendar import Directory
from km365.services.departures import Departures
from km365.services.post_left import Team
from km365.settings import Settings
from km365.store import campaigns, cursors, duty_stations, events
from km365.store.campaigns import Campaign
from km365.store.database import Connection, Database
from km365.templates import Templates

LAST_SCAN = "flow:scan"
"""The bookmark of the last day the calendar was scanned."""


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Somebody to be asked, and in which language."""

    person_id: str
    language: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A campaign as the calendar wants it, with everyone it asks."""

    campaign: Campaign
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What a scan did for one milestone or departure. `new` counts the people taken in now, or again.

    `out` counts those taken out, because they are no longer among those it asks.
    """

    subject: str
    title: str
    due_on: date
    new: int
    asked: int
    out: int


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a scan did, or with a dry run would do; `ended` are campaigns called off or over."""

    opened: tuple[Opened, ...]
    ended: tuple[str, ...]
    warnings: tuple[str, ...]
    messages: int


async def scan(
    graph: Graph, db: Database, jobs: Jobs, settings: Settings, *, now: datetime, dry_run: bool = False
) -> Report:
    """Takes everyone into the campaigns that are due, ends those called off, and sends what is due at once.

    Doing it again changes nothing. A milestone or departure that cannot be used is a warning that names it.
    Needs Sites.Selected on the knowledge site, User.Read.All and User-LifeCycleInfo.Read.All.
    """
    hours = calendar.hours_of(settings)
    today = schedule.day_at(now, hours)
    names = await calendar.directory(graph)
    planned = schedule.sort_milestones(await calendar.milestones(graph, settings), today=today)
    leaving = await departures.known(graph, db, settings, names, now=now, today=today)

    warnings = [
        f"The milestone {one.title!r} has no date, so nobody is asked; set it in the Milestones list."
        for one in planned.undated
    ]
    templates = Templates(settings.templates or None)
    banks, words = Banks(templates).by_milestone(noting=warnings), rule_words(templates)
    order = importance(templates)
    wanted = []
    for milestone in planned.due:
        already = await db.run(campaigns.asked_of, milestone.subject)
        asked, unknown = audience(milestone, names, words, already=already)
        warnings += unknown
        found = _milestone_campaign(milestone, milestone.due_on or today, asked, banks)
        wanted.append(replace(found, campaign=replace(found.campaign, rank=rank(milestone.kind, order))))
    wanted += [
        _departure_campaign(leaver, names, today) for leaver in due_leavers(leaving.leavers, today=today)
    ]
    teams = await post_left.teams(graph, leaving.leavers, today=today)
    wanted += await db.run(_posts_left, leaving, names, teams, today)
    opened, ended = await db.run(_take_in, wanted, planned, leaving, hours, now=now, dry_run=dry_run)
    messages = 0
    if not dry_run:
        await db.run(duty_stations.put, {person.id: person.office for person in names.people})
        await db.run(calendar_moves.put_off, planned.later, hours, who=LAST_SCAN, now=now)
        await db.run(departure_moves.put_off, leaving.leavers, hours, who=LAST_SCAN, now=now)
        messages = await prompts.send_due(
            db, jobs, hours, graph=graph, per_week=settings.prompts_per_week, now=now
        )
        await db.run(cursors.put, LAST_SCAN, today.isoformat(), at=now)
    return Report(
        opened=tuple(opened),
        ended=tuple(ended),
        warnings=(*warnings, *leaving.problems),
        messages=messages,
    )


def audience(
    milestone: Milestone, names: Directory, words: RuleWords, *, already: Container[str]
) -> tuple[list[Person], list[str]]:
    """Whom the milestone asks, each once, and in words which of its lines name nobody."""
    rule = read_rule("\n".join(milestone.asked), words=words, office=milestone.office)
    choice = choose(rule, names.colleagues, seed=milestone.subject, already=already)
    asked = {one.id for one in choice.asked}
    return [person for person in names.people if person.id in asked], problems_of(milestone, choice)


def problems_of(milestone: Milestone, choice: Choice) -> list[str]:
    """Which of the milestone's lines name nobody, in words, or that it asks nobody at all."""
    problems = [
        f"The milestone {milestone.title!r}: line {number} of who is asked speaks of nobody with an "
        "account that works; correct it in the Milestones list."
        for number in choice.unknown
        if number
    ]
    if not choice.asked and not problems:
        problems = [
            f"The milestone {milestone.title!r} asks the office {milestone.office!r}, where nobody works."
        ]
    return problems


def _milestone_campaign(
    milestone: Milestone, due_on: date, asked: Iterable[Person], banks: Mapping[str, str]
) -> Wanted:
    campaign = Campaign(
        id=milestone.subject,
        kind="milestone",
        title=milestone.title,
        due_on=due_on,
        plan=schedule.Plan(),
        data={
            "milestone": milestone.id,
            "title": milestone.title,
            "kind": milestone.kind,
            "office": milestone.office,
            "bank": schedule.bank_for(milestone.kind, banks),
        },
    )
    recipients = (
        Recipient(
            person_id=person.id,
            language=languages.best([person.language]),
            key=f"invite:{milestone.id}:{person.id}",
        )
        for person in asked
    )
    return Wanted(campaign=campaign, recipients=tuple(recipients))


def _departure_campaign(leaver: Leaver, names: Directory, today: date) -> Wanted:
    last_day = leaver.leaves_on.isoformat()
    person = names.find(leaver.person_id)
    campaign = Campaign(
        id=f"departure:{leaver.person_id}:{last_day}",
        kind="departure",
        title=leaver.post,
        due_on=leaver.leaves_on,
        plan=handover_plan(leaver.leaves_on, today=today),
        data={
            "departure": leaver.departure_id,
            "leaves_on": last_day,
            "title": leaver.post,
            "office": leaver.office,
            "leaving": leaver.kind,
            "successor": leaver.successor_id,
            "supervisor": leaver.supervisor_id,
            "notice": notice(leaver.leaves_on, today=today),
            "bank": BANK,
        },
    )
    recipient = Recipient(
        person_id=leaver.person_id,
        language=languages.best([person.language if person else None]),
        key=f"handover:{leaver.person_id}:{last_day}",
    )
    return Wanted(campaign=campaign, recipients=(recipient,))


def _posts_left(
    c: Connection, leaving: Departures, names: Directory, teams: Mapping[str, Team], today: date
) -> list[Wanted]:
    """What is asked of colleagues about posts whose holders have left."""
    found = []
    for campaign, colleagues in post_left.due(c, leaving.leavers, names, teams, today=today):
        recipients = (
            Recipient(
                person_id=one.id,
                language=languages.best([one.language]),
                key=f"{campaign.id}:{one.id}",
            )
            for one in colleagues
        )
        found.append(Wanted(campaign=campaign, recipients=tuple(recipients)))
    return found


def _take_in(
    c: Connection,
    wanted: Iterable[Wanted],
    planned: Calendar,
    leaving: Departures,
    hours: Hours,
    *,
    now: datetime,
    dry_run: bool,
) -> tuple[list[Opened], list[str]]:
    """Brings the campaigns to what the calendar wants: new ones, new people, moved dates, ended ones."""
    opened, today = [], schedule.day_at(now, hours)
    for one in wanted:
        campaign = _same_or_new(c, one, today)
        if campaigns.is_cancelled(c, campaign.id):
            continue
        known = campaigns.people(c, campaign.id)
        asked = {recipient.person_id for recipient in one.recipients}
        before = {prompt.person_id for prompt in known if prompt.progress.state is not Outcome.TAKEN_OUT}
        out = [one for one in known if one.person_id not in asked and one.progress.state is Outcome.OPEN]
        back = [one for one in known if one.person_id in asked - before]
        new = asked - {prompt.person_id for prompt in known}
        if not dry_run:
            recipients = (recipient for recipient in one.recipients if recipient.person_id in new)
            _open(c, campaign, recipients, hours, now=now)
            calendar_moves.take_out(c, out, now=now)
            calendar_moves.take_back(c, back, campaign, hours, now=now)
        opened.append(
            Opened(
                subject=campaign.id,
                title=campaign.title,
                due_on=campaign.due_on,
                new=len(new) + len(back),
                asked=len(before) - len(out) + len(new) + len(back),
                out=len(out),
            )
        )
    over = {
        **departure_moves.called_off(c, leaving, today=today),
        **post_left.called_off(c, leaving, today=today),
        **calendar_moves.called_off(c, planned),
    }
    ended = [one.id for one in campaigns.asking(c) if one.id in over]
    if not dry_run:
        for subject in ended:
            why = over[subject]
            campaigns.stop_everyone(c, subject, state="ended", note=why, at=now)
            departure_moves.rest(c, subject, now=now)
            post_left.rest(c, subject, now=now)
            events.append(c, kind="campaign ended", subject=subject, who=LAST_SCAN, what={"why": why}, at=now)
    return opened, ended


def _same_or_new(c: Connection, wanted: Wanted, today: date) -> Campaign:
    """The wanted campaign; under its first id where a departure was moved, so that nobody is asked again."""
    if wanted.campaign.kind != "departure":
        return wanted.campaign
    person_id = wanted.recipients[0].person_id
    found = departure_moves.campaign_of(c, person_id, wanted.campaign.due_on, today=today)
    return wanted.campaign if found is None else replace(wanted.campaign, id=found.id)


def _open(c: Connection, wanted: Campaign, new: Iterable[Recipient], hours: Hours, *, now: datetime) -> None:
    before = campaigns.get(c, wanted.id)
    if before is None:
        campaigns.create(c, wanted, at=now)
        events.append(c, kind="campaign opened", subject=wanted.id, who=LAST_SCAN, what={}, at=now)
    elif _told(before) != _told(wanted):
        is_new_day = wanted.kind == "departure" and before.due_on != wanted.due_on
        plan = wanted.plan if is_new_day else before.plan
        after = replace(wanted, plan=plan, state="paused" if before.state == "paused" else wanted.state)
        campaigns.change(c, after, at=now)
        move = departure_moves.move if is_new_day else calendar_moves.move
        move(c, before, after, hours, who=LAST_SCAN, now=now)
    if before is not None and before.state not in campaigns.ASKING:
        calendar_moves.take_up(c, wanted.id, hours, now=now)
        departure_moves.wake(c, wanted.id, hours, now=now)
        events.append(c, kind="campaign reopened", subject=wanted.id, who=LAST_SCAN, what={}, at=now)
    for one in new:
        campaigns.add_person(c, wanted.id, one.person_id, key=one.key, language=one.language, at=now)


def _told(campaign: Campaign) -> tuple[object, ...]:
    """What a scan may change of a campaign."""
    return campaign.due_on, campaign.title, campaign.data, campaign.rank
