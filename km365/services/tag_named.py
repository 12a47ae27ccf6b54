"""Documents that a person names in the chat and nobody has tagged: handed to the watch of their library."""

from collections.abc import Iterable
from datetime import datetime

from km365.core.key_documents import Found, KeyDocument
from km365.graph import documents
from km365.graph.client import Graph
from km365.graph.documents import Document
from km365.store import watches
from km365.store.database import Connection, Database
from km365.store.watches import FileState, WatchedFile


async def tag_named(graph: Graph, db: Database, named: Iterable[KeyDocument], *, now: datetime) -> int:
    """Has the watch look at those of these documents that bear no term, and counts them.

    It does with them as with a new document: terms of mode auto are applied, the others wait for the focal
    point. Where a library is not watched nothing happens, and nothing to what it has dealt with already.
    1 resource unit a document. Needs Sites.Selected with read; raises GraphError.
    """
    keys = [(one.drive_id, one.item_id) for one in named if one.found is Found.YES and not one.tags]
    watched = await db.run(_watched, {drive for drive, _ in keys})
    keys = [key for key in dict.fromkeys(keys) if key[0] in watched]
    if not keys:
        return 0
    found = await documents.get_many(graph, keys, columns=("Title",))
    files = [one for one in found if isinstance(one, Document) and one.file.mime]
    return await db.run(_hand_on, files, at=now)


def _watched(c: Connection, drives: set[str]) -> set[str]:
    return {one for one in drives if (watch := watches.find(c, one)) is not None and watch.is_on}


def _hand_on(c: Connection, files: list[Document], *, at: datetime) -> int:
    new = [one.file for one in files if watches.file(c, one.file.drive_id, one.file.id) is None]
    for file in new:
        due = WatchedFile(
            drive_id=file.drive_id,
            item_id=file.id,
            path=file.path,
            ctag=file.ctag,
            state=FileState.WAITING,
            attempts=0,
            due_at=at,
            note=None,
            queued=None,
        )
        watches.put(c, due, at=at)
        watches.look_soon(c, file.drive_id, at=at)
    return len(new)
