"""A lesson for tests."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from km365.core.audience import Audience
from km365.core.knowledge import KnowledgeItem
from km365.store import outbox
from km365.store.database import Connection
from km365.store.outbox import Delivery

from ..conftest import person_id

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def all_sent(c: Connection, *, at: datetime) -> None:
    """Whatever waits in the outbox has arrived."""
    for row in outbox.list_(c, state=Delivery.WAITING):
        outbox.claim(c, row.message.key, at=at)
        outbox.sent(c, row.message.key, activity_id="1", at=at)


def lesson(**changes: Any) -> KnowledgeItem:
    """What Ann of CO-BEL learned, for everyone to read."""
    draft = KnowledgeItem(
        id="KM-1",
        title="Ask drivers first",
        description="Fridges failed in the rains.",
        advice="Ask the drivers before the season.",
        office="CO-BEL",
        contributors=(person_id("ann"),),
        language="en",
        audience=Audience.EVERYONE,
    )
    return replace(draft, **changes)
