"""Documents by their address: `/shares/u!…/driveItem`, where `…` is the address in base64url.

Addresses of files are opened as they stand, also as Office writes them (`/:w:/r/…`); links made with *Share*,
whose tokens only SharePoint knows, are not.
"""

import base64
import binascii
import re
import sqlite3
from urllib.parse import parse_qs, unquote, urlsplit

from km365.local import drives, files, items, lists, sites
from km365.local.routes import Answer, Call, Documented, GraphFault, Json, invalid, route, unknown

_SHOWN_BY_OFFICE = re.compile(r"/:\w:/r(/.*)")
_MADE_WITH_SHARE = re.compile(r"/:\w:/[sgt]/.*")


@route("GET", "/shares/{share}/driveItem", evidence=Documented("shares-get"), ru=1, options="select expand")
async def get_shared_item(call: Call) -> Json:
    """The file or folder at an address of this tenant."""
    library, item = _at(call, _address(call["share"]))
    return Answer(200, drives.shown(call, library, item), {"ETag": items.etag(item)})


def _address(share: str) -> str:
    """The address in a sharing token (shares-get, "Encoding sharing URLs")."""
    coded = share.removeprefix("u!")
    try:
        return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
    except (binascii.Error, ValueError):
        raise invalid("The sharing token is not a coded address.") from None


def _at(call: Call, address: str) -> tuple[sqlite3.Row, sqlite3.Row]:
    parts = urlsplit(address)
    ours = urlsplit(call.m365.web_url)
    path = unquote(parts.path)
    path = path.removeprefix(unquote(ours.path)) if parts.netloc == ours.netloc else path
    if parts.netloc not in {ours.netloc, sites.HOST}:
        raise _gone()
    if _MADE_WITH_SHARE.fullmatch(path):
        raise unknown("links made with Share")
    by_office = _SHOWN_BY_OFFICE.fullmatch(path)
    if (guid := parse_qs(parts.query).get("sourcedoc")) and path.lower().endswith("/doc.aspx"):
        return _by_guid(call, guid[0].strip("{}").lower())
    return _by_path(call, by_office[1] if by_office else path)


def _by_guid(call: Call, guid: str) -> tuple[sqlite3.Row, sqlite3.Row]:
    item = call.state.one("SELECT * FROM item WHERE guid = ? AND deleted = 0 AND kind <> 'item'", guid)
    library = item and call.state.one("SELECT * FROM list WHERE id = ?", item["list_id"])
    if item is None or library is None:
        raise _gone()
    return library, item


def _by_path(call: Call, path: str) -> tuple[sqlite3.Row, sqlite3.Row]:
    for library in call.state.all("SELECT * FROM list WHERE drive_id IS NOT NULL"):
        above = lists.web_path(call.state, library)
        if path.lower().startswith(f"{above.lower()}/"):
            item = files.find_path(call.state, library["id"], path[len(above) :])
            if item is not None:
                return library, item
    raise _gone()


def _gone() -> GraphFault:
    """What SharePoint answers for an address that leads nowhere or is not ours to open.

    In these words: issue microsoftgraph/microsoft-graph-docs#15023.
    """
    message = "The sharing link no longer exists, or you do not have permission to access it."
    return GraphFault(403, "accessDenied", message)
