"""How campaigns stand and what comes next, and a person's word that one is to pause, go on or end.

Nothing here names anybody: `services.milestones.show` does, for those at the command line.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from km365.core.schedule import Hours, Outcome, next_open
from km365.core.standing import Next, Standing, count, next_steps, short_ids
from km365.errors import InputRefused, NotFound
from km365.store import campaigns, events, standing
from km365.store.campaigns import Campaign
from km365.store.database import Connection
from km365.store.standing import Told

KINDS = ("milestone", "departure")
"""What people are asked about here; a group's reflection is its own affair."""
_SHOWN_FOR = timedelta(days=30)
"""How long a campaign that is over is still listed."""
_SHORTEST = 4
"""So many characters of an id are enough to look for."""


@dataclass(frozen=True, kw_only=True)
class Overview:
    """How one campaign stands. `id` may be shortened to `short`.

    Days are those of the office, whose time zone is `zone`.
    `state` is `asking`, `paused`, `over` (nobody is asked any more), `ended` (by the calendar) or `cancelled`
    (by a person); `told` what its focal points were told, or are to be.
    """

    id: str
    short: str
    kind: str
    title: str
    office: str
    zone: str
    due_on: date
    state: str
    standing: Standing
    next: Next | None
    told: Told | None


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What was done, or with a dry run would be.

    `people` are those still asked; `messages` wait to be sent, and are taken back or called off.
    """

    id: str
    title: str
    people: int
    messages: int


def overview(c: Connection, hours: Hours, *, now: datetime, everything: bool = False) -> list[Overview]:
    """The campaigns that ask somebody, the earliest date first, and those that ended in the last 30 days.

    With `everything` all there ever were.
    """
    known = [one for one in campaigns.list_(c) if one.kind in KINDS]
    if not everything:
        shown = frozenset(standing.under_way(c, since=now - _SHOWN_FOR))
        known = [one for one in known if one.id in shown]
    return _overviews(c, known, hours)


def show(c: Connection, given: str, hours: Hours) -> Overview:
    """The one campaign that `given` means. Raises NotFound; InputRefused where there are several."""
    return _overviews(c, [find(c, given)], hours)[0]


def find(c: Connection, given: str) -> Campaign:
    """The campaign with that id, that milestone's, or the one whose id begins so, with at least four letters.

    Raises NotFound; InputRefused, naming them, where there are several.
    """
    known = {one.id: one for one in campaigns.list_(c) if one.kind in KINDS}
    for exact in (given, f"milestone:{given}"):
        if exact in known:
            return known[exact]
    found = [one for one in known if one.startswith(given)] if len(given) >= _SHORTEST else []
    if not found:
        raise NotFound(f"There is no campaign {given!r}; `km365 campaign list --all` shows their ids.")
    if len(found) > 1:
        raise InputRefused(f"{given} begins several ids; say more of it: {', '.join(sorted(found)[:5])}.")
    return known[found[0]]


def _overviews(c: Connection, wanted: list[Campaign], hours: Hours) -> list[Overview]:
    rows = standing.read(c, [one.id for one in wanted])
    shorter = short_ids(one.id for one in campaigns.list_(c))
    told = standing.told(c, [one.id for one in wanted])
    found = []
    for one in wanted:
        there = hours.of(_office(one))
        coming = next_steps(rows[one.id], one.plan, there) if one.state == "open" else None
        asking = "asking" if coming else "over"
        found.append(
            Overview(
                id=one.id,
                short=shorter[one.id],
                kind=one.kind,
                title=one.title,
                office=_office(one),
                zone=str(there.zone),
                due_on=one.due_on,
                state=asking if one.state == "open" else one.state,
                standing=count(rows[one.id]),
                next=coming,
                told=told[one.id],
            )
        )
    return found


# What a person decides --------------------------------------------------------------------------------------


def pause(c: Connection, given: str, *, who: str, now: datetime, dry_run: bool = False) -> Changed:
    """Nobody in it is written to until it is resumed; what waits is taken back, to be decided on then.

    Raises NotFound; InputRefused where it is paused already or is over.
    """
    found = find(c, given)
    _refuse_unless(found, "open")
    changed = _changed(c, found)
    if not dry_run:
        standing.take_back(c, found.id, at=now)
        standing.pause(c, found.id, at=now)
        what = {"people": changed.people, "messages": changed.messages}
        events.append(c, kind="campaign paused", subject=found.id, who=who, what=what, at=now)
    return changed


def resume(
    c: Connection, given: str, hours: Hours, *, who: str, now: datetime, dry_run: bool = False
) -> Changed:
    """It goes on where it was: every next step is as much later as the pause was long, so no burst follows.

    Raises NotFound; InputRefused where it is not paused.
    """
    found = find(c, given)
    _refuse_unless(found, "paused")
    changed = _changed(c, found)
    if dry_run:
        return changed
    since = standing.go_on(c, found.id, at=now)
    there = hours.of(_office(found))
    for step in standing.steps(c, found.id):
        later = step.next_at + (now - max(since, step.started_at))
        standing.put_off(c, found.id, step, until=next_open(max(now, later), there), at=now)
    what = {"people": changed.people, "paused": since.isoformat()}
    events.append(c, kind="campaign resumed", subject=found.id, who=who, what=what, at=now)
    return changed


def cancel(c: Connection, given: str, *, who: str, now: datetime, dry_run: bool = False) -> Changed:
    """Nobody in it is written to any more, for good, whatever the calendar says; what waits is called off.

    What people have begun to answer goes on. Raises NotFound; InputRefused where it is over.
    """
    found = find(c, given)
    _refuse_unless(found, *campaigns.ASKING)
    changed = _changed(c, found)
    if not dry_run:
        campaigns.stop_everyone(c, found.id, state="cancelled", note="the campaign was cancelled", at=now)
        what = {"people": changed.people, "messages": changed.messages}
        events.append(c, kind="campaign cancelled", subject=found.id, who=who, what=what, at=now)
    return changed


def keep_paused(c: Connection, *, now: datetime) -> None:
    """Takes back what came to wait in a paused campaign: it was on its way when that was paused."""
    for one in standing.paused_ids(c):
        standing.take_back(c, one, at=now)


def _office(one: Campaign) -> str:
    return str(one.data.get("office") or "")


def _changed(c: Connection, found: Campaign) -> Changed:
    return Changed(
        id=found.id,
        title=found.title,
        people=campaigns.counts(c, found.id).get(Outcome.OPEN, 0),
        messages=len(standing.waiting(c, found.id)),
    )


def _refuse_unless(found: Campaign, *states: str) -> None:
    if found.state not in states:
        asks = "asks people" if found.state == "open" else f"is {found.state}"
        more = (
            " For people to be asked after all, add the milestone anew." if found.state == "cancelled" else ""
        )
        raise InputRefused(f"The campaign {found.id} {asks}; nothing was changed.{more}")
