"""Tells the focal points of an office how a milestone's campaign went, or soon that many cannot be reached.

What they are to be told is noted with the campaign, in the transaction that queues the job; that they were
told, in the one that puts the messages. So a campaign is told of once, whatever is killed in between.
"""

import logging
from datetime import datetime

from km365.core.languages import best
from km365.core.standing import count, told_counts
from km365.graph.client import Graph
from km365.graph.people import Person
from km365.jobs import Jobs
from km365.services import review
from km365.services.prompts import SEND_MESSAGE
from km365.settings import Settings
from km365.store import campaigns, events, outbox, standing
from km365.store.campaigns import Campaign
from km365.store.database import Connection, Database
from km365.store.outbox import Message
from km365.store.standing import Told

_log = logging.getLogger("km365.campaigns")

JOB = "campaign-report"
"""The job that finds the focal points and tells them."""
CARD = "campaign_report"
_DONE = {Told.OVER: Told.OVER_TOLD, Told.UNREACHABLE: Told.UNREACHABLE_TOLD}


def look(c: Connection, jobs: Jobs, *, now: datetime) -> None:
    """Queues a report for each milestone's campaign that is over, or cannot reach more than a third."""
    for campaign_id, _ in standing.to_be_told(c, at=now):
        jobs.enqueue(c, JOB, key=campaign_id, args={"campaign": campaign_id})


async def report(
    graph: Graph, db: Database, jobs: Jobs, settings: Settings, campaign_id: str, *, now: datetime
) -> None:
    """Tells the focal points of the campaign's office, in their language; does nothing where that is done.

    Raises what Graph raised, for the job to be tried again. Needs User.Read.All, GroupMember.ReadBasic.All.
    """
    found = await db.run(_wanted, campaign_id)
    if found is None:
        return
    office = str(found.data.get("office") or "")
    people = [one async for one in review.focal_points(graph, settings, office)]
    if not people:
        _log.warning(
            "Nobody of the office %r is told how %s went: put its focal points into the group %r.",
            office,
            campaign_id,
            settings.focal_point_group,
        )
    await db.run(_tell, jobs, found, people, now=now)


def _wanted(c: Connection, campaign_id: str) -> Campaign | None:
    wanted = standing.told(c, [campaign_id]).get(campaign_id)
    return campaigns.get(c, campaign_id) if wanted in _DONE else None


def _tell(c: Connection, jobs: Jobs, found: Campaign, people: list[Person], *, now: datetime) -> None:
    what = standing.told(c, [found.id])[found.id]
    if what is None or what not in _DONE:
        return
    stands = count(standing.read(c, [found.id])[found.id])
    data = {
        "title": found.title,
        "what": what.value,
        "asked": stands.asked,
        "places": {place.name.lower(): number for place, number in told_counts(stands).items()},
        "reasons": {reason.name.lower(): number for reason, number in stands.reasons.items()},
    }
    for one in people:
        message = Message(
            key=f"{JOB}:{what}:{found.id}:{one.id}",
            person_id=one.id,
            card=CARD,
            data=data,
            language=best([one.language]),
            reason="a campaign of the office is over, or does not reach many",
        )
        if outbox.put(c, message, at=now):
            jobs.enqueue(c, SEND_MESSAGE, key=message.key, args={"key": message.key})
    standing.tell(c, found.id, _DONE[what], at=now)
    told = {"people": len(people)}
    events.append(c, kind=f"focal points told: {what}", subject=found.id, who="km365", what=told, at=now)
