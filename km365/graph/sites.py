"""SharePoint sites. Permission: Sites.Selected with read on each site, Sites.Read.All to search."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Self

from km365.errors import GraphNotFound, InputRefused
from km365.graph.client import Graph
from km365.graph.wire import Json, file_path, segment, text


@dataclass(frozen=True, kw_only=True)
class Site:
    """A site; `id` is `host,collection guid,web guid`."""

    id: str
    name: str
    display_name: str
    web_url: str

    @classmethod
    def from_json(cls, raw: Json) -> Self:
        """The site in Graph's answer."""
        return cls(
            id=text(raw.get("id")),
            name=text(raw.get("name")),
            display_name=text(raw.get("displayName")),
            web_url=text(raw.get("webUrl")),
        )


_SELECT = "id,name,displayName,webUrl"


def site_path(address: str) -> str:
    """Where Graph serves the site: `host:/sites/x` (as in the settings) or a site id.

    Raises InputRefused for anything else, a web address above all, because Graph would answer 400.
    """
    host, colon, path = address.partition(":")
    if colon and (not path.startswith("/") or path.startswith("//") or not host):
        raise InputRefused(f"The site {address!r} must be written host:/sites/name, or be a site id.")
    if not colon:
        return f"/sites/{segment(address)}"
    return f"/sites/{segment(host)}:/{file_path(path)}" if path.strip("/") else f"/sites/{segment(host)}"


async def get_site(graph: Graph, address: str) -> Site:
    """The site at `host:/sites/name`, or with that id. Raises GraphNotFound, naming it."""
    try:
        return Site.from_json(await graph.get(site_path(address), params={"$select": _SELECT}))
    except GraphNotFound as error:
        raise GraphNotFound(
            f"Graph does not find a site {address!r}, or this app may not know it exists. "
            "`km365 settings show` lists the sites that are set.",
            status=error.status,
            code=error.code,
            request_id=error.request_id,
        ) from None


async def list_sites(graph: Graph, search: str = "*") -> AsyncIterator[Site]:
    """Sites whose name or address has the words; needs Sites.Read.All, Sites.Selected does not search."""
    async for page in graph.pages("/sites", params={"search": search, "$select": _SELECT}):
        for raw in page.values:
            yield Site.from_json(raw)
