"""Who may open files and libraries.

Permission: SharePoint tells an app all of it that owns the site (Sites.Selected with fullcontrol, or
Sites.FullControl.All); others only what applies to them, which is nothing (driveitem-list-permissions).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from km365.core.search_access import Access
from km365.errors import GraphError, GraphUnreachable, Throttled
from km365.graph.batch import BatchRequest, BatchResponse
from km365.graph.client import Graph
from km365.graph.drives import file_item_path
from km365.graph.wire import part, text

ROOT = "root"
"""The item id that stands for the library itself."""
_KINDS = ("siteGroup", "group", "siteUser", "user", "application", "device")
"""Of several names for one grantee the first counts, for a file and its library alike."""


async def get_many(graph: Graph, keys: Iterable[tuple[str, str]]) -> list[Access | None]:
    """Who may open the files with these drive and item ids, in order; None where Graph does not tell.

    Permissions from above are among them. 5 resource units a file. Raises GraphUnreachable or Throttled.
    """
    asked = [
        BatchRequest(id=str(number), method="GET", path=f"{file_item_path(drive, item)}/permissions")
        for number, (drive, item) in enumerate(keys)
    ]
    return [await _access(graph, answer) for answer in await graph.batch(asked)]


async def _access(graph: Graph, answer: BatchResponse) -> Access | None:
    try:
        body = answer.json()
        found = list(body.get("value") or [])
        if link := body.get("@odata.nextLink"):
            async for page in graph.pages(link):
                found += page.values
    except (GraphUnreachable, Throttled):
        raise
    except GraphError:
        return None
    return access_of(found)


def access_of(found: Iterable[Mapping[str, Any]]) -> Access:
    """What the permissions say; links to share say nothing of who may open the file without them."""
    grants = [one for one in map(dict, found) if "link" not in one and "invitation" not in one]
    roles: dict[str, frozenset[str]] = {}
    for one in grants:
        who = _grantee(part(one, "grantedToV2") or part(one, "grantedTo"))
        if who:
            said = frozenset(text(role).lower() for role in one.get("roles") or ())
            roles[who] = roles.get(who, frozenset()) | said
    inherited = bool(grants) and all(isinstance(one.get("inheritedFrom"), dict) for one in grants)
    return Access(roles=roles, inherited=inherited)


def _grantee(granted: Mapping[str, Any]) -> str:
    for kind in _KINDS:
        identity = part(dict(granted), kind)
        if name := text(identity.get("id")) or text(identity.get("loginName")):
            return f"{kind} {name.lower()}"
    return ""
