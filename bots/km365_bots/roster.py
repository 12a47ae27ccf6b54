"""Who reads along in a group, and what all of them may see of the calendar."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from km365.app import App
from km365.core.asking import RuleWords, read_rule, speaks_of
from km365.core.chat import Event
from km365.core.schedule import Milestone
from km365.errors import GraphError, NotFound
from km365.graph import people
from km365.graph.people import Person
from km365.services import calendar
from km365_bots.chat import Reader
from km365_bots.connector import Connector, Json

_MOST_LOOKED_UP = 15
"""Members of a group whose offices are looked up, one by one, before its office's milestones are offered."""
_NEAR = timedelta(days=90)
_MOST_MILESTONES = 5


def members_of(connector: Connector) -> Callable[[Event], Awaitable[Sequence[Reader]]]:
    """Asks Teams who reads along where something was said.

    Raises KM365Error where Teams does not answer, or does not tell of everybody in time.
    """

    async def members(event: Event) -> Sequence[Reader]:
        listed = await connector.members(event.service_url, event.roster, tenant_id=event.tenant_id)
        return [reader for one in listed if (reader := _reader(one, event.tenant_id))]

    return members


def _reader(member: Json, tenant_id: str) -> Reader | None:
    """The member as a reader; None for what is no person, such as a bot."""
    person_id = str(member.get("aadObjectId") or member.get("objectId") or "").lower()
    home = str(member.get("tenantId") or tenant_id).lower()
    outsider = str(member.get("userRole") or "user").lower() != "user" or home != tenant_id.lower()
    if not person_id and not outsider:
        return None
    return Reader(person_id=person_id, name=str(member.get("name") or ""), outsider=outsider)


def milestones_of(
    app: App, words: RuleWords
) -> Callable[[Event, Sequence[Reader]], Awaitable[Sequence[str]]]:
    """The titles of an office's milestones of these months, where the whole group works in that office.

    A milestone that few are asked about is offered where all who read along are among them.
    Needs User.Read.All and Sites.Selected on the knowledge site; without them there are none.
    """

    async def milestones(_: Event, readers: Sequence[Reader]) -> Sequence[str]:
        if not readers or len(readers) > _MOST_LOOKED_UP or any(one.outsider for one in readers):
            return ()
        try:
            known = await asyncio.gather(*(people.get_person(app.graph, one.person_id) for one in readers))
            offices = {person.office.casefold() for person in known}
            if len(offices) != 1 or offices == {""}:
                return ()
            planned = await calendar.milestones(app.graph, app.settings)
        except (GraphError, NotFound):
            return ()
        today = calendar.today(app.settings, app.clock.now(), known[0].office)
        near = [
            (abs(one.due_on - today), one.title)
            for one in planned
            if one.due_on
            and one.office.casefold() in offices
            and not one.is_over
            and _about_all(one, known, words)
        ]
        return [title for away, title in sorted(near) if away <= _NEAR][:_MOST_MILESTONES]

    return milestones


def _about_all(milestone: Milestone, readers: Sequence[Person], words: RuleWords) -> bool:
    rule = read_rule("\n".join(milestone.asked), words=words, office=milestone.office)
    return all(speaks_of(rule, calendar.colleague(one)) for one in readers)
