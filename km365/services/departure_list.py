"""What a focal point sees of departures: who leaves, who says so, where it stands and what happens next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from km365.core import schedule
from km365.core.departures import (
    BANK,
    CANCELLED,
    GONE_WITHIN,
    HORIZON,
    Decision,
    Leaver,
    Notice,
    Source,
    notice,
)
from km365.core.schedule import Outcome
from km365.errors import NotFound
from km365.graph import people
from km365.graph.client import Graph
from km365.graph.people import Person
from km365.services import accounts, calendar, departures
from km365.services.calendar import Directory
from km365.services.departure_moves import campaign_of
from km365.settings import Settings
from km365.store import campaigns, interviews
from km365.store.campaigns import Campaign, Prompt
from km365.store.database import Connection, Database

_NEAR = timedelta(days=365)
_OVER = {
    Outcome.DECLINED: "nothing: the person declined",
    Outcome.UNREACHABLE: "nothing: the bot does not reach the person (km365 message list)",
    Outcome.CLOSED: "nothing: asked as often as planned, without an answer",
    Outcome.OPTED_OUT: "nothing: the person wants no such messages",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One departure. `person` is empty where the directory has forgotten the account; ids are object ids."""

    departure_id: str
    person: str
    sign_in: str
    person_id: str
    office: str
    post: str
    kind: str
    leaves_on: date
    notice: Notice
    state: str
    successor: str
    supervisor: str
    supervisor_id: str
    is_active: bool
    """Whether the account works."""
    decision: Decision | None
    """Which source counts, and why; None where none is recorded."""
    next: str
    """What happens next, in words."""

    @property
    def source(self) -> str:
        """Who says so."""
        return self.decision.counts.source if self.decision else ""


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The departures, the earliest first, and in words what could not be used."""

    rows: tuple[Row, ...]
    problems: tuple[str, ...]


async def overview(graph: Graph, db: Database, settings: Settings, *, now: datetime) -> Overview:
    """Every departure that is near or in the list, once. Never what was said.

    Near are leave dates up to a year ahead. Needs what `departures.known` needs.
    """
    hours = calendar.hours_of(settings)
    today = schedule.day_at(now, hours)
    names = await calendar.directory(graph)
    found = await departures.known(graph, db, settings, names, now=now, today=today)
    near = [one for one in found.leavers if one.departure_id or one.leaves_on <= today + _NEAR]
    standing = await db.run(_standing, near, today)
    rows = []
    for leaver, (campaign, prompt, interview) in zip(near, standing, strict=True):
        person = names.find_anyone(leaver.person_id) or await accounts.who(graph, leaver.person_id)
        rows.append(_row(leaver, person, names, campaign, prompt, interview, today))
    rows.sort(key=lambda one: (one.leaves_on, one.person, one.person_id))
    return Overview(rows=tuple(rows), problems=found.problems)


async def show(graph: Graph, db: Database, settings: Settings, who: str, *, now: datetime) -> Row:
    """The departure of the person with that sign-in name, mail address or id, or that entry of the list.

    Raises NotFound.
    """
    found = await overview(graph, db, settings, now=now)
    wanted = who.strip().casefold()
    for one in found.rows:
        if wanted in {one.departure_id, one.sign_in.casefold(), one.person_id}:
            return one if one.supervisor else await _with_manager(graph, one)
    raise NotFound(f"Nobody called {who!r} is known to leave; `km365 departure list` shows who is.")


async def _with_manager(graph: Graph, row: Row) -> Row:
    """The same with their manager as the directory has it, where it names one."""
    manager = await people.get_manager(graph, row.person_id)
    return replace(row, supervisor=manager.name, supervisor_id=manager.id) if manager else row


_Stands = tuple[Campaign | None, Prompt | None, str]


def _standing(c: Connection, leavers: Sequence[Leaver], today: date) -> list[_Stands]:
    """For each leaver the campaign, where they stand in it, and the state of their interview if any."""
    found: list[_Stands] = []
    for leaver in leavers:
        campaign = campaign_of(c, leaver.person_id, leaver.leaves_on, today=today)
        if campaign is None:
            found.append((None, None, ""))
            continue
        prompt = next(iter(campaigns.people(c, campaign.id)), None)
        talks = interviews.list_(c, person_id=leaver.person_id, bank_id=BANK)
        key = f"{campaign.id}:{leaver.person_id}"
        found.append((campaign, prompt, next((one.state for one in talks if one.key == key), "")))
    return found


def _row(
    leaver: Leaver,
    person: Person | None,
    names: Directory,
    campaign: Campaign | None,
    prompt: Prompt | None,
    interview: str,
    today: date,
) -> Row:
    successor, supervisor = (names.find_anyone(one) for one in (leaver.successor_id, leaver.supervisor_id))
    return Row(
        departure_id=leaver.departure_id,
        person=person.name if person else "",
        sign_in=person.upn if person else "",
        person_id=leaver.person_id,
        office=leaver.office or (person.office if person else ""),
        post=leaver.post or (person.job_title if person else ""),
        kind=leaver.kind,
        leaves_on=leaver.leaves_on,
        notice=Notice.GONE if _is_only_noticed(leaver) else notice(leaver.leaves_on, today=today),
        state="to confirm" if _is_only_noticed(leaver) else leaver.state,
        successor=successor.name if successor else "",
        supervisor=supervisor.name if supervisor else "",
        supervisor_id=supervisor.id if supervisor else "",
        is_active=leaver.active,
        decision=leaver.decision,
        next=_next(leaver, campaign, prompt, interview, today),
    )


def _next(
    leaver: Leaver, campaign: Campaign | None, prompt: Prompt | None, interview: str, today: date
) -> str:
    """What happens next about the departure, in words."""
    return _no_more(leaver, campaign, interview) or _when(leaver, campaign, prompt, today)


def _no_more(leaver: Leaver, campaign: Campaign | None, interview: str) -> str:
    """Why nobody is asked, in words; empty where somebody is."""
    reasons = {
        "nobody is asked: confirm it by an entry in the Departures list": _is_only_noticed(leaver),
        f"nothing: {leaver.state}": leaver.state in {CANCELLED, "note filed", "declined"},
        f"the handover interview: {interview or 'open'}": interview or leaver.state == "in interview",
        "nobody is asked: the account is switched off": not leaver.active,
        f"nothing: the campaign is {campaign.state if campaign else ''}": (
            campaign is not None and campaign.state in {"paused", "cancelled"}
        ),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _is_only_noticed(leaver: Leaver) -> bool:
    """Whether nothing is known but that the account was switched off or deleted."""
    return leaver.decision is not None and leaver.decision.counts.source is Source.ACCOUNT


def _when(leaver: Leaver, campaign: Campaign | None, prompt: Prompt | None, today: date) -> str:
    asks_on = leaver.leaves_on - HORIZON
    if prompt is None or campaign is None:
        if asks_on > today:
            return f"asked from {asks_on}"
        gone = leaver.leaves_on + GONE_WITHIN < today
        return "nothing: left too long ago" if gone else "asked at the next scan"
    stands = prompt.progress
    if stands.state is Outcome.OPEN and stands.next_at is not None:
        goes_on = "reminded" if stands.sent < len(campaign.plan.days) else "over"
        return f"{goes_on if stands.sent else 'invited'} {stands.next_at:%Y-%m-%d %H:%M} UTC"
    return _OVER.get(stands.state, f"nothing: {stands.state}")
