"""Reading back many writes at once: what a list says has changed, instead of one question per item."""

from collections.abc import Sequence, Set
from typing import Self

from km365.errors import GraphError, ResyncNeeded
from km365.graph.client import Graph
from km365.graph.lists import list_path
from km365.graph.wire import Json


class Feed:
    """The changes of one list since it was opened or last read. 1 resource unit a page of up to 200 items.

    SharePoint may tell of a change late or not at all: what a feed shows is proof, what it does not show is
    to be read by itself. Permission: Sites.Selected with read.
    """

    def __init__(self, graph: Graph, link: str) -> None:
        self._graph = graph
        self._link: str | None = link

    @classmethod
    async def open(cls, graph: Graph, site_id: str, list_id: str, *, select: Sequence[str]) -> Self:
        """The changes from now on, with these columns."""
        path = f"{list_path(site_id, list_id)}/items/delta"
        expand = f"fields($select={','.join(select)})"
        link = ""
        async for page in graph.pages(path, params={"token": "latest", "$expand": expand}):
            link = page.delta_link or ""
        return cls(graph, link)

    async def read(self, wanted: Set[str]) -> dict[str, Json]:
        """The fields of the items that stand at these etags now; what it does not show is left out."""
        found: dict[str, Json] = {}
        for _ in range(len(wanted)):  # a page more than items would cost more than to ask for each
            if not self._link or len(found) == len(wanted):
                break
            try:
                body = await self._graph.get(self._link)
            except ResyncNeeded:
                self._link = None
            except GraphError:
                break
            else:
                for raw in body.get("value") or []:
                    if (etag := _etag(raw)) in wanted:
                        found[etag] = raw.get("fields") or {}
                following = body.get("@odata.nextLink")
                self._link = following or body.get("@odata.deltaLink")
                if not following:
                    break
        return found


def _etag(raw: Json) -> str:
    return str(raw.get("eTag") or raw.get("@odata.etag") or "")
