"""What contributors are asked to allow, and what they allow: how far their items may be published."""

from collections.abc import Sequence
from dataclasses import dataclass

from km365.core.knowledge import Reach
from km365.core.life import asked
from km365.core.moves import Asked
from km365.services.capture import Kept
from km365.store import moves
from km365.store.database import Connection, Database


@dataclass(frozen=True, kw_only=True)
class Question:
    """One item about which a contributor is asked, or which they `allowed` to go as far as `reach`."""

    kept: Kept
    reach: Reach
    allowed: bool


async def questions(db: Database, items: Sequence[Kept], person_id: str) -> list[Question]:
    """Of a person's items, those about which they have yet to answer, then those they allow."""

    def read(c: Connection) -> dict[str, Asked | None]:
        return {kept.item.id: asked(moves.list_(c, kept.item.id)) for kept in items}

    what = await db.run(read)
    found = []
    for kept in items:
        one, allows = what[kept.item.id], kept.item.consent
        if one is not None and one.open and person_id not in one.yes and not allows.covers(one.reach):
            found.append(Question(kept=kept, reach=one.reach, allowed=False))
        elif one is not None and person_id in one.yes and not allows.covers(one.reach):
            found.append(Question(kept=kept, reach=one.reach, allowed=True))
        elif allows is not Reach.INTERNAL:
            found.append(Question(kept=kept, reach=allows, allowed=True))
    return sorted(found, key=lambda one: one.allowed)
