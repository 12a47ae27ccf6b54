"""What SharePoint and the calendar say of a departure that its plan needs, kept so that the chat can read it.

One row a departure, written anew each time it was looked up; it says which questions are answered where, and
nothing of what anybody said.
"""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from km365.store import rows
from km365.store.rows import Json
from km365.store.tables import handover_facts


def get(c: Connection, campaign_id: str) -> Json | None:
    """What is known of the departure; None before it was looked up."""
    return c.execute(
        select(handover_facts.c.data).where(handover_facts.c.campaign_id == campaign_id)
    ).scalar()


def put(c: Connection, campaign_id: str, data: Json, *, at: datetime) -> None:
    """Keeps what is known now."""
    rows.put(c, handover_facts, {"campaign_id": campaign_id, "data": data, "at": at})


def forget(c: Connection, *, before: datetime) -> int:
    """Deletes what was not looked up again since then, and counts it."""
    return c.execute(delete(handover_facts).where(handover_facts.c.at < before)).rowcount
