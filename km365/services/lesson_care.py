"""The daily look at lessons: do they still hold, is done what was agreed, and where do they agree."""

from dataclasses import dataclass
from datetime import datetime

from km365.core.schedule import Hours
from km365.services import actions, derived, promotion, review_by
from km365.services.life import LifeDesk
from km365.templates import Templates

LAST = "flow:lessons"
"""The bookmark of the last day on which the service did some of this."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """Messages of a look: to who knows a lesson, to owners, of actions without one, of lessons that agree."""

    asked: int
    reminded: int
    back: int
    proposed: int
    taken_out: int
    """Items out of which sentences went, because their source is gone or for fewer people."""


async def look(
    desk: LifeDesk, templates: Templates, hours: Hours, *, at: datetime, dry_run: bool = False
) -> Looked:
    """Asks, reminds and proposes; with `dry_run` only counts. Repeatable: every message has its own key.

    What quotes a source that may not be quoted any more is put in review first (`derived.look`).
    Needs what `actions.remind`, `review_by.ask` and `promotion.propose` need.
    """
    taken_out = await derived.look(desk.graph, desk.settings, dry_run=dry_run)
    owners = await actions.remind(desk, hours, at=at, dry_run=dry_run)
    asked = await review_by.ask(desk, hours, at=at, dry_run=dry_run)
    proposed = await promotion.propose(desk, templates, hours, at=at, dry_run=dry_run)
    return Looked(
        asked=asked, reminded=owners.owners, back=owners.back, proposed=proposed, taken_out=taken_out
    )
