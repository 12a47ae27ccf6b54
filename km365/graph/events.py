"""Whole-day events in the calendar of one mailbox. Nobody is invited.

Permission: Calendars.ReadWrite, which Exchange Online can narrow to that mailbox (docs/operations.md).

Ids are those that Graph gives unasked: they change when somebody moves the event to another folder (Graph
page outlook-immutable-id), *Deleted Items* among them, so that what was deleted is not found any more.
"""

from datetime import timedelta

from km365.core.outlook import Event
from km365.graph.client import Graph
from km365.graph.wire import Json, segment, text

GONE = "ErrorItemNotFound"
"""Graph's code for an event that is not in the calendar any more; of a mailbox it says something else."""
MADE_OTHERWISE = "ErrorDuplicateTransactionId"
"""Graph's code for a transaction id with which another event was made."""


async def calendar_name(graph: Graph, mailbox: str) -> str:
    """What the mailbox calls its calendar. Raises GraphNotFound, Forbidden."""
    return text((await graph.get(f"{_mailbox(mailbox)}/calendar", params={"$select": "name"})).get("name"))


async def make(graph: Graph, mailbox: str, event: Event, *, transaction_id: str) -> str:
    """The id of the event, which is made once however often the same is asked for with that transaction id.

    Raises GraphError with the code `MADE_OTHERWISE` where another event was made with it.
    """
    fixed = {"isAllDay": True, "showAs": "free", "isReminderOn": False, "transactionId": transaction_id}
    return text((await graph.post(f"{_mailbox(mailbox)}/events", _written(event) | fixed)).get("id"))


async def change(graph: Graph, mailbox: str, event_id: str, before: Event, after: Event) -> None:
    """Writes what is other in `after`; the rest stays as people made it. Raises GraphNotFound."""
    was = _written(before)
    news = {name: value for name, value in _written(after).items() if was[name] != value}
    await graph.patch(_event(mailbox, event_id), news)


async def delete(graph: Graph, mailbox: str, event_id: str) -> None:
    """Moves the event to *Deleted Items*. Raises GraphNotFound."""
    await graph.delete(_event(mailbox, event_id))


def _written(event: Event) -> Json:
    """An all-day event begins and ends at midnight, both in one time zone (Graph resource event)."""
    begins, ends = event.day, event.day + timedelta(days=1)
    return {
        "subject": event.title,
        "start": {"dateTime": f"{begins}T00:00:00", "timeZone": event.time_zone},
        "end": {"dateTime": f"{ends}T00:00:00", "timeZone": event.time_zone},
        "categories": [event.kind] if event.kind else [],
        "body": {"contentType": "text", "content": event.about},
    }


def _mailbox(mailbox: str) -> str:
    return f"/users/{segment(mailbox)}"


def _event(mailbox: str, event_id: str) -> str:
    return f"{_mailbox(mailbox)}/events/{segment(event_id)}"
