"""Who may open files and libraries, and letting somebody open one file.

Permission: SharePoint tells an app all of it that owns the site (Sites.Selected with fullcontrol, or
Sites.FullControl.All); others only what applies to them, which is nothing (driveitem-list-permissions).
Inviting and removing are documented for Files.ReadWrite.All and Sites.ReadWrite.All (driveitem-invite,
permission-delete); by Sites.Selected they need what SharePoint calls managing permissions, so fullcontrol.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from km365.core.search_access import Access
from km365.errors import GraphError, GraphNotFound, GraphUnreachable, Throttled
from km365.graph.batch import BatchRequest, BatchResponse
from km365.graph.client import Graph
from km365.graph.drives import file_item_path
from km365.graph.wire import part, segment, text

ROOT = "root"
"""The item id that stands for the library itself."""
_KINDS = ("siteGroup", "group", "siteUser", "user", "application", "device")
"""Of several names for one grantee the first counts, for a file and its library alike."""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What one grantee may do with a file. `person_id` is empty for a group or an app."""

    id: str
    who: str
    """As `Access` calls them."""
    person_id: str
    roles: frozenset[str]
    inherited: bool


async def list_(graph: Graph, drive_id: str, item_id: str) -> list[Grant]:
    """Who may open the file, links to share left out; nobody where SharePoint does not tell. 5 units.

    Raises GraphError.
    """
    path = f"{file_item_path(drive_id, item_id)}/permissions"
    return [grant async for page in graph.pages(path) for raw in page.values for grant in _grants(raw)]


async def invite(graph: Graph, drive_id: str, item_id: str, person_id: str) -> None:
    """Lets the person read the file, without a letter; what it inherited becomes its own. 5 units.

    Twice is as once. Somebody reports a 200 that granted nothing (microsoft-graph-docs#22283): see `list_`.
    """
    body = {
        "recipients": [{"objectId": person_id}],
        "requireSignIn": True,
        "sendInvitation": False,
        "roles": ["read"],
    }
    await graph.post(f"{file_item_path(drive_id, item_id)}/invite", body)


async def remove(graph: Graph, drive_id: str, item_id: str, grant: Grant) -> None:
    """Takes back what the file itself grants; nothing where that is gone already. 5 units."""
    try:
        await graph.delete(f"{file_item_path(drive_id, item_id)}/permissions/{segment(grant.id)}")
    except GraphNotFound:
        return


def _grants(raw: Mapping[str, Any]) -> list[Grant]:
    granted = part(dict(raw), "grantedToV2") or part(dict(raw), "grantedTo")
    if "link" in raw or not (who := _grantee(granted)):
        return []
    return [
        Grant(
            id=text(raw.get("id")),
            who=who,
            person_id=text(part(granted, "user").get("id")).lower(),
            roles=frozenset(text(role).lower() for role in raw.get("roles") or ()),
            inherited=isinstance(raw.get("inheritedFrom"), dict),
        )
    ]


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
