"""Other words for an item by who decides on it, typed where nothing else keeps out what belongs elsewhere."""

from collections.abc import Mapping
from datetime import datetime

from km365.core.audience import Reader
from km365.core.keepout import keep_out
from km365.core.knowledge import WRITTEN_FIELDS
from km365.core.moves import Move
from km365.documents.messages import catalogue
from km365.errors import InputRefused
from km365.services import life
from km365.services.life import LifeDesk, Outcome, Wanted
from km365.templates import Templates


async def edit(
    desk: LifeDesk,
    templates: Templates,
    item_id: str,
    wording: Mapping[str, str],
    *,
    reader: Reader,
    why: str = "",
    at: datetime,
    dry_run: bool = False,
) -> Outcome:
    """Words the named fields differently; the contributors' own words stay beside, and they are told.

    Raises InputRefused for a field that there is not, or for words that belong to another channel, and what
    `life.make` raises.
    """
    for name in wording:
        if name not in WRITTEN_FIELDS:
            raise InputRefused(f"An item has no field {name!r} to edit; it has {', '.join(WRITTEN_FIELDS)}.")
    if kept_out := keep_out("\n".join([*wording.values(), why]), catalogue(templates).keep_out):
        raise InputRefused(f"These words are not kept ({kept_out}); docs/security.md says where they belong.")
    wanted = Wanted(move=Move.EDIT, reader=reader, words=why, wording=wording)
    return await life.make(desk, item_id, wanted, at=at, dry_run=dry_run)
