"""Items of a contributor in other offices than their own, which no list of one office shows."""

from collections.abc import Sequence

from km365.core.audience import Reader
from km365.errors import NotFound
from km365.services import review
from km365.services.capture import Kept
from km365.services.contributions import Contribution
from km365.services.life import LifeDesk
from km365.store import outbox

_MOST = 20
"""So many messages, the newest, are looked through for items of other offices."""


async def get(desk: LifeDesk, item_id: str, reader: Reader) -> Kept | None:
    """The item, where this person is one of its contributors. Needs Sites.Selected with read."""
    try:
        kept = await review.get_item(desk.graph, desk.settings, item_id, reader=reader)
    except NotFound:
        return None
    return kept if reader.person_id in kept.item.contributors else None


async def list_(desk: LifeDesk, mine: Sequence[Contribution], reader: Reader, *, card: str) -> list[Kept]:
    """The items among a person's contributions, then those of other offices they were told of by `card`.

    Needs Sites.Selected with read.
    """
    found = {one.kept.item.id: one.kept for one in mine if one.kept is not None}
    told = await desk.db.run(outbox.list_, prefix=card, person_id=reader.person_id, limit=_MOST)
    for item_id in dict.fromkeys(str(one.message.data.get("item", "")) for one in told):
        if item_id and item_id not in found and (kept := await get(desk, item_id, reader)):
            found[item_id] = kept
    return list(found.values())
