"""Colleagues asked about a post whose holder has left, and the note that their answers make together.

They are asked by a campaign like any other, so within the week's limit, in their hours, not on leave, and not
if they want to be asked nothing; each agrees first, and reads what is sent. The note is filed when the first
of them has sent something, and anew with every further one.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from km365.core.departures import CANCELLED, SAME_DEPARTURE, Leaver, Source
from km365.core.handover_note import HandoverNote, without_kept_out
from km365.core.interviews import Interview, InterviewState
from km365.core.post_left import Peer, closest, told_together
from km365.core.questions import POST_LEFT
from km365.core.schedule import Plan
from km365.core.sittings import rested
from km365.documents.messages import catalogue
from km365.documents.questions import Banks
from km365.errors import GraphNotFound
from km365.graph import people
from km365.graph.client import Graph
from km365.graph.people import Person
from km365.jobs.port import Jobs
from km365.services import calendar, handover
from km365.services import interview as service
from km365.services.calendar import Directory
from km365.services.departure_moves import campaign_of, interview_of
from km365.services.departures import Departures
from km365.services.handing_on import Begin
from km365.services.handover_plan import COLLEAGUE
from km365.settings import Settings
from km365.store import campaigns, loss_factors
from km365.store.campaigns import Campaign
from km365.store.database import Connection, Database
from km365.templates import Templates

KIND = "post"
"""The kind of these campaigns."""
_WITHIN = timedelta(weeks=4)
"""How long after the last day colleagues are asked."""
_OFF_BEFORE = timedelta(days=7)
"""How long before the last day an account that is off means that they have gone: with leave still to take."""
_HANDED_IN = {InterviewState.SENDING, InterviewState.FINISHED}


@dataclass(frozen=True, kw_only=True)
class Team:
    """The supervisor of somebody who has left, and the ids of all whose supervisor they are; "" is nobody."""

    supervisor_id: str
    reports: frozenset[str]


async def teams(graph: Graph, leavers: Iterable[Leaver], *, today: date) -> dict[str, Team]:
    """The teams of those who have left, by their ids. The list goes before the directory.

    Needs User.Read.All.
    """
    found = {}
    for leaver in leavers:
        if not _is_gone(leaver, today):
            continue
        supervisor = leaver.supervisor_id
        if not supervisor:
            manager = await people.get_manager(graph, leaver.person_id)
            supervisor = manager.id if manager else ""
        reports = await people.list_reports(graph, supervisor) if supervisor else []
        team = Team(supervisor_id=supervisor, reports=frozenset(one.id for one in reports))
        found[leaver.person_id] = team
    return found


def due(
    c: Connection, leavers: Iterable[Leaver], names: Directory, teams: Mapping[str, Team], *, today: date
) -> list[tuple[Campaign, list[Person]]]:
    """What is asked about posts that were left, with whom it is asked of; nobody is taken out again."""
    found = []
    for leaver in leavers:
        team = teams.get(leaver.person_id)
        if team is None or _has_handed_over(c, leaver, today):
            continue
        campaign = _campaign(c, leaver, team)
        named = _named(c, leaver.person_id)
        asked = dict.fromkeys((*sorted(campaigns.asked_of(c, campaign.id)), *named))
        if not campaigns.asked_of(c, campaign.id):
            peers = [_peer(one, team) for one in names.people]
            ours = _as_peer(leaver, names, team)
            asked = dict.fromkeys(closest(peers, ours, successor_id=leaver.successor_id, named=named))
        if colleagues := [person for one in asked if (person := names.find(one))]:
            found.append((campaign, colleagues))
    return found


def called_off(c: Connection, found: Departures, *, today: date) -> Mapping[str, str]:
    """The campaigns about posts that nobody has left after all, or that were handed over, with the reason."""
    leavers = {one.person_id: one for one in found.leavers}
    over = {}
    for campaign in campaigns.asking(c, kind=KIND):
        leaver = leavers.get(str(campaign.data["leaver"]))
        if leaver is None:  # too long ago to be looked at, or called off while nobody looked
            if found.complete and campaign.due_on - _WITHIN >= today:
                over[campaign.id] = "nothing says any more that they leave"
        elif leaver.state == CANCELLED:
            over[campaign.id] = "the departure is cancelled"
        elif not _is_gone(leaver, today):
            over[campaign.id] = "the last day has not come"
        elif _has_handed_over(c, leaver, today):
            over[campaign.id] = "the handover note is filed"
    return over


def rest(c: Connection, campaign_id: str, *, now: datetime) -> None:
    """It was called off: interviews rest, and nobody is reminded of them."""
    if not campaign_id.startswith(f"{KIND}:"):
        return
    for person_id in campaigns.asked_of(c, campaign_id):
        if (talk := interview_of(c, campaign_id, person_id)) is not None:
            service.replan(c, talk, rested(talk), now=now)


async def file_note(
    graph: Graph,
    db: Database,
    jobs: Jobs,
    settings: Settings,
    templates: Templates,
    interview: Interview,
    begin: Begin,
    *,
    now: datetime,
) -> tuple[HandoverNote, str]:
    """Files what this colleague and the others told so far as one note; returns it with its address.

    Another who sends at the same moment is in it too: it is written again until it has all of them. Needs
    User.Read.All and Sites.Selected with write on the knowledge site.
    """
    banks = Banks(templates)
    await begin()
    told = await db.run(_told, interview.campaign)
    while True:
        note = await _note(graph, db, settings, banks, told, interview, at=now)
        filed = await handover.file_note(graph, db, jobs, settings, templates, note, at=now)
        before, told = told, await db.run(_told, interview.campaign)
        if [one.id for one in before] == [one.id for one in told]:
            return note, filed.web_url


def _is_gone(leaver: Leaver, today: date) -> bool:
    """Whether they have left; an account that is off proves nothing but in the week of a known last day."""
    known = leaver.decision is None or leaver.decision.counts.source is not Source.ACCOUNT
    off = not leaver.active and leaver.leaves_on <= today + _OFF_BEFORE
    return known and leaver.state != CANCELLED and (leaver.leaves_on < today or off)


def _has_handed_over(c: Connection, leaver: Leaver, today: date) -> bool:
    if leaver.state == "note filed":
        return True
    campaign = campaign_of(c, leaver.person_id, leaver.leaves_on, today=today)
    talk = interview_of(c, campaign.id, leaver.person_id) if campaign else None
    return talk is not None and talk.state in _HANDED_IN


def _campaign(c: Connection, leaver: Leaver, team: Team) -> Campaign:
    """The campaign about this post; the one there is, where the last day was moved a little."""
    name = hashlib.sha256(f"{leaver.person_id} {leaver.leaves_on}".encode()).hexdigest()[:16]
    near = (
        one.id
        for one in campaigns.list_(c, kind=KIND)
        if one.data["leaver"] == leaver.person_id
        and abs(one.due_on - _WITHIN - leaver.leaves_on) < SAME_DEPARTURE
    )
    return Campaign(
        id=next(near, f"{KIND}:{name}"),
        kind=KIND,
        title=leaver.post,
        due_on=leaver.leaves_on + _WITHIN,
        plan=Plan(days=(0, 3, 10), close_after=21),
        data={
            "bank": POST_LEFT,
            "title": leaver.post,
            "office": leaver.office,
            "leaver": leaver.person_id,
            "leaves_on": leaver.leaves_on.isoformat(),
            "successor": leaver.successor_id,
            "supervisor": team.supervisor_id,
        },
    )


def _named(c: Connection, person_id: str) -> list[str]:
    """The ids of those whom the supervisor has named besides."""
    newest = {one.name: one for one in loss_factors.list_(c, person_id)}
    return [
        name.removeprefix(COLLEAGUE)
        for name, one in newest.items()
        if name.startswith(COLLEAGUE) and one.value
    ]


def _peer(person: Person, team: Team) -> Peer:
    supervisor_id = team.supervisor_id if person.id in team.reports else ""
    return Peer(id=person.id, office=person.office, section=person.department, supervisor_id=supervisor_id)


def _as_peer(leaver: Leaver, names: Directory, team: Team) -> Peer:
    person = names.find_anyone(leaver.person_id)
    section = person.department if person else ""
    return Peer(id=leaver.person_id, office=leaver.office, section=section, supervisor_id=team.supervisor_id)


def _told(c: Connection, campaign_id: str) -> list[Interview]:
    """What colleagues have handed in, the first to do so first; what can still be taken back is not in it."""
    talks = (interview_of(c, campaign_id, one) for one in campaigns.asked_of(c, campaign_id))
    sent = [talk for talk in talks if talk and talk.state in _HANDED_IN and talk.begun_at and talk.sent_at]
    return sorted(sent, key=lambda talk: (talk.sent_at or talk.created_at, talk.id))


async def _note(
    graph: Graph,
    db: Database,
    settings: Settings,
    banks: Banks,
    told: list[Interview],
    sent: Interview,
    *,
    at: datetime,
) -> HandoverNote:
    campaign = await db.run(campaigns.get, sent.campaign)
    facts = campaign.data if campaign else {}
    language = told[0].language if told else sent.language
    ids = {str(facts.get(name) or "") for name in ("leaver", "successor", "supervisor")}
    ids |= {one.person_id for one in told}
    names = {one: await _name(graph, one) for one in ids if one}
    answered = [(one, banks.get(POST_LEFT, one.language)) for one in told]
    sections = told_together(
        answered,
        banks.get(POST_LEFT, language),
        names,
        zone=calendar.hours_of(settings).of(sent.office).zone,
    )
    sections, withheld = without_kept_out(sections, catalogue(banks.templates).keep_out)
    leaver, successor, supervisor = (
        str(facts.get(one) or "") for one in ("leaver", "successor", "supervisor")
    )
    return HandoverNote(
        interview_id=sent.campaign.removeprefix(f"{KIND}:"),
        departure_id="",
        person_id=leaver,
        person=names.get(leaver, ""),
        post=sent.subject_title,
        office=sent.office,
        successor_id=successor or None,
        successor=names.get(successor, ""),
        supervisor_id=supervisor or None,
        supervisor=names.get(supervisor, ""),
        last_on=date.fromisoformat(str(facts["leaves_on"])) if facts.get("leaves_on") else None,
        written_on=calendar.today(settings, at, sent.office),
        language=language,
        sections=sections,
        withheld=withheld,
        by_colleagues=True,
    )


async def _name(graph: Graph, person_id: str) -> str:
    """The name in the directory; empty for somebody whom it has forgotten."""
    try:
        return (await people.get_person(graph, person_id)).name
    except GraphNotFound:
        return ""
