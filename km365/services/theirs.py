"""Items of a contributor in other offices than their own, which no list of one office shows."""

from collections.abc import Sequence
from datetime import date

from km365.core.audience import Reader
from km365.core.knowledge import KnowledgeItem
from km365.core.life import asked
from km365.errors import NotFound
from km365.services import review
from km365.services.capture import Kept
from km365.services.contributions import Contribution
from km365.services.life import LifeDesk
from km365.services.who_now import stand_ins
from km365.store import moves, outbox

_MOST = 20
"""So many messages, the newest, are looked through for items of other offices."""


async def get(desk: LifeDesk, item_id: str, reader: Reader, *, in_place: date | None = None) -> Kept | None:
    """The item, where this person is one of its contributors. Needs Sites.Selected with read.

    With a day `in_place` also where they speak on it for one who left, or did before.
    """
    try:
        kept = await review.get_item(desk.graph, desk.settings, item_id, reader=reader)
    except NotFound:
        return None
    if reader.person_id in kept.item.contributors:
        return kept
    return kept if in_place and await _speaks(desk, kept.item, reader, today=in_place) else None


async def _speaks(desk: LifeDesk, item: KnowledgeItem, reader: Reader, *, today: date) -> bool:
    said = asked(await desk.db.run(moves.list_, item.id))
    if said is not None and reader.person_id in said.yes:
        return True
    posts = dict.fromkeys(item.contributors, item.office)
    found = await stand_ins(desk.graph, desk.settings, posts, today=today)
    return reader.person_id in {one.id for one in found.values()}


async def list_(
    desk: LifeDesk,
    mine: Sequence[Contribution],
    reader: Reader,
    *,
    card: str,
    in_place: date | None = None,
) -> list[Kept]:
    """The items among a person's contributions, then those of other offices they were told of by `card`.

    `in_place` is as in `get`. Needs Sites.Selected with read.
    """
    found = {one.kept.item.id: one.kept for one in mine if one.kept is not None}
    told = await desk.db.run(outbox.list_, prefix=card, person_id=reader.person_id, limit=_MOST)
    for item_id in dict.fromkeys(str(one.message.data.get("item", "")) for one in told):
        if item_id and item_id not in found and (kept := await get(desk, item_id, reader, in_place=in_place)):
            found[item_id] = kept
    return list(found.values())
