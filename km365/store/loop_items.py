"""What the loop counts of every item of the *Knowledge* list, as the search index read it last.

Kept beside the index, and rebuilt with it: of 100,000 items nobody reads the list for one page.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, delete, select

from km365.core.knowledge import Effect, Maturity
from km365.core.loop import Captured
from km365.store.rows import batched
from km365.store.tables import loop_item

_AT_ONCE = 500


def put(c: Connection, container: str, found: Mapping[str, Captured | None]) -> None:
    """Keeps these, by list item id, in the place of what was known of them; None is not counted."""
    remove(c, container, found.keys())
    values = [
        {
            "container": container,
            "item_id": item_id,
            "km_id": one.id,
            "office": one.office,
            "maturity": one.maturity,
            "effect": one.effect,
            "was_published": one.was_published,
            "was_used": one.was_used,
            "captured_on": one.captured_on,
        }
        for item_id, one in found.items()
        if one is not None
    ]
    if values:
        c.execute(loop_item.insert(), values)


def remove(c: Connection, container: str, item_ids: Collection[str]) -> None:
    """Forgets these."""
    t = loop_item.c
    for some in batched(item_ids, _AT_ONCE):
        c.execute(delete(loop_item).where(t.container == container, t.item_id.in_(some)))


def list_(c: Connection, container: str) -> list[Captured]:
    """All that is counted of this list."""
    t = loop_item.c
    columns = (t.km_id, t.office, t.maturity, t.effect, t.was_published, t.was_used, t.captured_on)
    maturities, effects = {one.value: one for one in Maturity}, {one.value: one for one in Effect}
    return [
        Captured(
            id=km_id,
            office=office,
            maturity=maturities[maturity],
            effect=effects[effect],
            was_published=published,
            was_used=used,
            captured_on=on,
        )
        for km_id, office, maturity, effect, published, used, on in c.execute(
            select(*columns).where(t.container == container)
        )
    ]
