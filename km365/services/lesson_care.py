"""The daily look at lessons: whether they still hold is asked, and owners are reminded of their actions."""

from dataclasses import dataclass
from datetime import datetime

from km365.core.schedule import Hours
from km365.services import actions, review_by
from km365.services.life import LifeDesk

LAST = "flow:lessons"
"""The bookmark of the last day this was done."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """Messages of a look: to who knows a lesson, to owners, and to who agreed what has no owner now."""

    asked: int
    reminded: int
    back: int


async def look(desk: LifeDesk, hours: Hours, *, at: datetime, dry_run: bool = False) -> Looked:
    """Asks and reminds; with `dry_run` only counts. Repeatable: every message has a key of its own.

    Needs what `actions.remind` and `review_by.ask` need.
    """
    owners = await actions.remind(desk, hours, at=at, dry_run=dry_run)
    asked = await review_by.ask(desk, hours, at=at, dry_run=dry_run)
    return Looked(asked=asked, reminded=owners.owners, back=owners.back)
