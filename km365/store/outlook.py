"""The events we keep in Outlook, one for each milestone or sitting. What is not in this table is not ours."""

from dataclasses import asdict
from datetime import date

from sqlalchemy import Connection, delete, select

from km365.core.outlook import Event, Kept, State
from km365.store import rows
from km365.store.tables import outlook_event

SITTING = "sitting:"
"""How the ids of sittings begin; they stand where a milestone's id does."""


def list_(c: Connection, mailbox: str) -> dict[str, Kept]:
    """What is known of the events in the mailbox, by the milestone's id."""
    found = c.execute(select(outlook_event).where(outlook_event.c.mailbox == mailbox))
    return {
        row.milestone_id: Kept(
            number=row.number,
            state=State(row.state),
            event=Event(**row.event | {"day": date.fromisoformat(row.event["day"])}),
            event_id=row.event_id,
        )
        for row in found
    }


def with_sittings(c: Connection) -> frozenset[str]:
    """The mailboxes with events of sittings: the object ids of the people they are for."""
    ours = outlook_event.c.milestone_id.startswith(SITTING, autoescape=True)
    return frozenset(c.execute(select(outlook_event.c.mailbox).where(ours).distinct()).scalars())


def put(c: Connection, mailbox: str, milestone_id: str, kept: Kept) -> None:
    """Keeps what is known of the milestone's event."""
    values = {
        "mailbox": mailbox,
        "milestone_id": milestone_id,
        "number": kept.number,
        "state": kept.state,
        "event": asdict(kept.event) | {"day": kept.event.day.isoformat()},
        "event_id": kept.event_id,
    }
    rows.put(c, outlook_event, values)


def forget(c: Connection, mailbox: str, milestone_id: str) -> None:
    """No event was ever made for the milestone."""
    o = outlook_event.c
    c.execute(delete(outlook_event).where(o.mailbox == mailbox, o.milestone_id == milestone_id))
