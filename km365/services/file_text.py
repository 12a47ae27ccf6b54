"""The text of a file in a library, refused by name before it is downloaded where that is known already."""

from km365.core.passages import Passage
from km365.documents.reading import LIMIT_BYTES, refuse_unread
from km365.documents.worker import Reader
from km365.graph import drives
from km365.graph.client import Graph
from km365.graph.drives import File


async def read(graph: Graph, reader: Reader, file: File) -> list[Passage]:
    """Its passages; see `documents.reading.read`. 1 resource unit.

    Raises InputRefused where it cannot be read. Needs Sites.Selected with read.
    """
    refuse_unread(file.name, file.size_bytes)
    data = await drives.download(graph, file.drive_id, file.id, limit_bytes=LIMIT_BYTES)
    return await reader.read(file.name, data)
