"""Contents in and out: small files in one PUT, large ones through an upload session, downloads by redirect.

Outside `/v1.0`, below `/_content/`, lie the pre-authenticated addresses that Graph hands out.
"""

import hmac
import json
import re
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

from aiohttp import web
from multidict import CIMultiDict

from km365.local import blobs, fields, files, identities, items, lists
from km365.local.drive_paths import Spot, item_of, on_drives, on_items, resolve_conflict, spot
from km365.local.odata import Query
from km365.local.routes import (
    Answer,
    Call,
    Caller,
    Documented,
    GraphFault,
    Json,
    Request,
    find_route,
    invalid,
    known_properties,
    pages,
    part,
    text,
    unknown,
)
from km365.local.server import M365, M365_KEY, to_http
from km365.local.state import State, stamp, tables

tables("""
CREATE TABLE IF NOT EXISTS upload (
    id TEXT PRIMARY KEY, list_id TEXT NOT NULL REFERENCES list (id) ON DELETE CASCADE,
    folder TEXT NOT NULL, name TEXT NOT NULL, behaviour TEXT NOT NULL, by TEXT NOT NULL,
    blob TEXT NOT NULL REFERENCES blob, total INTEGER, etag TEXT, expires_at TEXT NOT NULL
) WITHOUT ROWID;
""")

LARGEST_PUT = 250 * 1024 * 1024
"""Bytes one PUT may carry (driveitem-put-content)."""
FRAGMENT_UNIT = 320 * 1024
LARGEST_FRAGMENT = 60 * 1024 * 1024
"""Fragments are multiples of 320 KiB, except the last, and under 60 MiB (driveitem-createuploadsession)."""
SESSION_LIVES = timedelta(days=7)
BEHAVIOUR = "@microsoft.graph.conflictBehavior"


# in one PUT ----------------------------------------------------------------------------------------------


@on_drives(
    "PUT", "/root:/{path...}:/content", evidence=Documented("driveitem-put-content"), ru=2, options=BEHAVIOUR
)
@on_drives(
    "PUT",
    "/items/{item}:/{path...}:/content",
    evidence=Documented("driveitem-put-content"),
    ru=2,
    options=BEHAVIOUR,
)
async def upload_to_path(call: Call) -> Json:
    """Make (201) or replace (200) the file at this path; folders on the way are made."""
    refuse_large(call)
    return _filed(call, spot(call), call.query.raw.get(BEHAVIOUR, "replace"), call.body)


@on_drives("PUT", "/items/{item}/content", evidence=Documented("driveitem-put-content"), ru=2)
async def replace_content(call: Call) -> Json:
    """Replace a file's content."""
    refuse_large(call)
    library, item = item_of(call)
    return _replaced(call, library, item, call.body)


def refuse_large(call: Call) -> None:
    if len(call.body) > LARGEST_PUT:
        raise GraphFault(
            413, "requestEntityTooLarge", "The file is larger than 250 MB; use an upload session."
        )


def _filed(call: Call, where: Spot, behaviour: str, data: bytes) -> Answer:
    with call.state.tx():
        blob = blobs.create(call.state, data)
        by = identities.identity(call.state, call.caller)
        item, is_new = settle(call, where, behaviour, blob, by=by)
    return _uploaded(call, where.library, item, is_new=is_new)


def settle(call: Call, where: Spot, behaviour: str, blob: str, *, by: Json) -> tuple[sqlite3.Row, bool]:
    """The file with this content where it is to lie, and whether it is new."""
    folder = files.ensure_folders(call.state, where.library["id"], where.folder, by=by)
    name, there = resolve_conflict(call, where.library, folder, where.name, behaviour)
    if there is None:
        return files.add_file(call.state, where.library["id"], folder, name, blob, by=by), True
    if there["kind"] != "file":
        raise GraphFault(409, "nameAlreadyExists", "A folder has this name.")
    call.require_match(items.etag(there))
    fields.refuse_when_open(call, there)
    return files.replace_content(call.state, there, blob, by=by), False


def _replaced(call: Call, library: sqlite3.Row, item: sqlite3.Row, data: bytes) -> Answer:
    if item["kind"] != "file":
        raise invalid("A folder has no content.")
    call.require_match(items.etag(item))
    fields.refuse_when_open(call, item)
    with call.state.tx():
        by = identities.identity(call.state, call.caller)
        item = files.replace_content(call.state, item, blobs.create(call.state, data), by=by)
    return _uploaded(call, library, item, is_new=False)


def _uploaded(call: Call, library: sqlite3.Row, item: sqlite3.Row, *, is_new: bool) -> Answer:
    shown = files.item_json(call, library, item)
    return Answer(201 if is_new else 200, shown, {"ETag": items.etag(item)})


# down ----------------------------------------------------------------------------------------------------


@on_items("GET", "/content", evidence=Documented("driveitem-get-content"), ru=1)
async def download(call: Call) -> Json:
    _, item = item_of(call)
    return sent_elsewhere(call, item, files.content_of(call.state, item))


def sent_elsewhere(call: Call, item: sqlite3.Row, content: sqlite3.Row) -> Answer:
    """302 to an address that needs no bearer token and holds for an hour."""
    return Answer(302, None, {"Location": files.download_url(call, item, content)})


# upload sessions -----------------------------------------------------------------------------------------


@on_drives(
    "POST",
    "/root:/{path...}:/createUploadSession",
    evidence=Documented("driveitem-createuploadsession"),
    ru=2,
)
@on_drives(
    "POST",
    "/items/{item}:/{path...}:/createUploadSession",
    evidence=Documented("driveitem-createuploadsession"),
    ru=2,
)
async def create_session_at_path(call: Call) -> Json:
    where = spot(call)
    files.check_name(where.name)
    return _session(call, where, None)


@on_drives(
    "POST", "/items/{item}/createUploadSession", evidence=Documented("driveitem-createuploadsession"), ru=2
)
async def create_session_for_file(call: Call) -> Json:
    library, item = item_of(call)
    if item["kind"] != "file":
        raise invalid("A folder has no content.")
    fields.refuse_when_open(call, item)
    folder = item["path"].rpartition("/")[0]
    return _session(call, Spot(library=library, folder=folder, name=item["name"]), item)


def _session(call: Call, where: Spot, item: sqlite3.Row | None) -> dict[str, Json]:
    body = call.json()
    known_properties(body, "item deferCommit", "an upload session")
    if body.get("deferCommit"):
        raise unknown("deferCommit of an upload session")
    wanted = part(body, "item")
    known_properties(wanted, f"name {BEHAVIOUR}", "the item of an upload session")
    behaviour = "replace" if item is not None else text(wanted, BEHAVIOUR, "fail")
    where = replace(where, name=files.check_name(wanted.get("name", where.name)))
    if behaviour == "fail":
        _refuse_taken(call, where)
    session, expires = call.state.new_id(), stamp(call.state.now() + SESSION_LIVES)
    with call.state.tx() as c:
        c.execute(
            "INSERT INTO upload VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?, ?)",
            (
                *(session, where.library["id"], where.folder, where.name, behaviour),
                *(json.dumps(files.holder(call)), blobs.create(call.state)),
                *(call.headers.get("If-Match"), expires),
            ),
        )
    seal = blobs.sign(call.state, f"upload {session}")
    return {
        "uploadUrl": f"{call.m365.base_url}/_content/upload/{session}/{seal}",
        "expirationDateTime": expires,
        "nextExpectedRanges": ["0-"],
    }


def _refuse_taken(call: Call, where: Spot) -> None:
    """409 now already when something has this name; it is looked at again when the last fragment is in."""
    if files.find_path(call.state, where.library["id"], f"{where.folder}/{where.name}") is not None:
        raise GraphFault(409, "nameAlreadyExists", "An item with the same name already exists.")


# fragments: no bearer token here --------------------------------------------------------------------------

CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")
RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")
BUSY: web.AppKey[set[str]] = web.AppKey("busy uploads", set)


@pages
def _contents(app: web.Application, m365: M365) -> None:
    app[BUSY] = set()
    app.router.add_get("/_content/copied/{item}", _copied)
    app.router.add_get("/_content/{blob}/{until}/{seal}/{name}", _send)
    app.router.add_put("/_content/upload/{session}/{seal}", _answering(_take_fragment))
    app.router.add_get("/_content/upload/{session}/{seal}", _answering(_tell_ranges))
    app.router.add_delete("/_content/upload/{session}/{seal}", _answering(_cancel))


Served = Callable[[web.Request], Awaitable[web.Response]]


def _answering(serve: Served) -> Served:
    """The same page; what it refuses is said in Graph's error format."""

    async def served(http: web.Request) -> web.Response:
        try:
            return await serve(http)
        except GraphFault as fault:
            error = {"error": {"code": fault.code, "message": fault.message}}
            return web.json_response(error, status=fault.status, headers=fault.headers)

    return served


def _open_session(http: web.Request) -> sqlite3.Row:
    """The upload session of the address. 401 when a bearer token comes along, 404 when it is over."""
    state = http.app[M365_KEY].state
    if "Authorization" in http.headers:
        raise GraphFault(
            401, "unauthenticated", "An upload URL is pre-authenticated: send no Authorization header."
        )
    session, seal = http.match_info["session"], http.match_info["seal"]
    row = state.one("SELECT * FROM upload WHERE id = ? AND expires_at > ?", session, state.stamp())
    if row is None or not hmac.compare_digest(seal, blobs.sign(state, f"upload {session}")):
        raise GraphFault(404, "itemNotFound", "The upload session was not found.")
    return row


def _progress(state: State, row: sqlite3.Row, *, status: int) -> web.Response:
    have = blobs.size(state, row["blob"])
    following = [] if have == row["total"] else [f"{have}-"]
    told = {"expirationDateTime": row["expires_at"], "nextExpectedRanges": following}
    return web.json_response(told, status=status)


async def _tell_ranges(http: web.Request) -> web.Response:
    return _progress(http.app[M365_KEY].state, _open_session(http), status=200)


async def _cancel(http: web.Request) -> web.Response:
    row, state = _open_session(http), http.app[M365_KEY].state
    _forget(state, row)
    return web.Response(status=204)


def _forget(state: State, row: sqlite3.Row) -> None:
    with state.tx() as c:
        c.execute("DELETE FROM upload WHERE id = ?", (row["id"],))
        blobs.drop_unused(state)


async def _take_fragment(http: web.Request) -> web.Response:
    """Keep one fragment; 202 with what is expected next, or the finished file."""
    row, state = _open_session(http), http.app[M365_KEY].state
    have = blobs.size(state, row["blob"])
    length, total = _check_range(http, row, have)
    busy = http.app[BUSY]
    if row["id"] in busy:
        raise GraphFault(409, "resourceModified", "Another fragment of this session is on its way.")
    busy.add(row["id"])
    try:
        await _receive(http, state, row["blob"], have, length)
    finally:
        busy.discard(row["id"])
    with state.tx() as c:
        c.execute("UPDATE upload SET total = ? WHERE id = ?", (total, row["id"]))
    if have + length < total:
        return _progress(state, row, status=202)
    return _finish(http, row)


def _check_range(http: web.Request, row: sqlite3.Row, have: int) -> tuple[int, int]:
    """Lengths of the fragment and of the file. 416 when it is not the next one, 400 when it cannot be."""
    match = CONTENT_RANGE.fullmatch(http.headers.get("Content-Range", ""))
    if match is None:
        raise invalid("Content-Range is missing or malformed.")
    first, last, total = map(int, match.groups())
    length = last - first + 1
    if not first <= last < total or http.content_length not in (None, length):
        raise invalid("Content-Range does not fit the length of the fragment.")
    if row["total"] not in (None, total):
        raise invalid("The length of the file has changed.")
    if first != have:
        raise GraphFault(416, "invalidRange", f"This fragment is not the next one, which begins at {have}.")
    if length >= LARGEST_FRAGMENT:
        raise invalid("A fragment must be smaller than 60 MiB.")
    if last + 1 < total and length % FRAGMENT_UNIT:
        raise invalid("A fragment must be a multiple of 320 KiB, except the last.")
    return length, total


async def _receive(http: web.Request, state: State, blob: str, have: int, length: int) -> None:
    """Append the request's body piece by piece; nothing of it stays when it is cut off."""
    received = 0
    try:
        async for piece in http.content.iter_chunked(blobs.PIECE):
            received += len(piece)
            if received > length:
                break
            blobs.append(state, blob, piece)
    except BaseException:
        blobs.cut(state, blob, have)
        raise
    if received != length:
        blobs.cut(state, blob, have)
        raise invalid("The fragment is not as long as its Content-Range says.")


def _finish(http: web.Request, row: sqlite3.Row) -> web.Response:
    """File the finished content as whoever opened the session would have: 201 new, 200 replaced."""
    m365 = http.app[M365_KEY]
    call = _as_opener(m365, row)
    where = Spot(library=lists.by_id(m365.state, row["list_id"]), folder=row["folder"], name=row["name"])
    with m365.state.tx():
        by = identities.identity(m365.state, call.caller)
        item, is_new = settle(call, where, row["behaviour"], row["blob"], by=by)
        _forget(m365.state, row)
    return to_http(_uploaded(call, where.library, item, is_new=is_new))


def _as_opener(m365: M365, row: sqlite3.Row) -> Call:
    """A call by whoever opened the session: its fragments carry no token."""
    opener = json.loads(row["by"])
    headers = CIMultiDict({"If-Match": row["etag"]} if row["etag"] else {})
    request = Request(
        verb="PUT",
        path="/",
        query=Query(""),
        headers=headers,
        body=b"",
        caller=Caller(app_id=opener["app"], user_id=opener["user"]),
        request_id=m365.state.new_id(),
    )
    route, _ = find_route("GET", "/sites/root")
    return Call(m365=m365, request=request, route=route, parameters={})


# downloads -----------------------------------------------------------------------------------------------


async def _send(http: web.Request) -> web.StreamResponse:
    """Send a content, or the part that Range asks for."""
    state, known = http.app[M365_KEY].state, http.match_info
    blob, until = known["blob"], known["until"]
    seal = blobs.sign(state, f"{blob} {until}")
    if not hmac.compare_digest(known["seal"], seal) or not blobs.exists(state, blob):
        return web.json_response(
            {"error": {"code": "itemNotFound", "message": "No such content."}}, status=404
        )
    if int(until) < state.now().timestamp():
        refused = {
            "code": "unauthenticated",
            "message": "The download address has expired; ask for a new one.",
        }
        return web.json_response({"error": refused}, status=401)
    size = blobs.size(state, blob)
    first, end, status = 0, size, 200
    if match := RANGE.fullmatch(http.headers.get("Range", "")):
        first, end, status = int(match[1]), min(int(match[2] or size) + 1, size), 206
        if first >= end:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    response = web.StreamResponse(status=status, headers=_headers(known["name"], first, end, size, status))
    response.content_length = end - first
    await response.prepare(http)
    if http.method == "GET":
        for piece in blobs.pieces(state, blob, first, end):
            await response.write(piece)
    await response.write_eof()
    return response


def _headers(name: str, first: int, end: int, size: int, status: int) -> dict[str, str]:
    # Saved, never shown: a page somebody uploaded must not run beside the chat page.
    headers = {
        "Content-Type": files.mime_of(name),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes",
    }
    if status == 206:
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
    return headers


async def _copied(http: web.Request) -> web.Response:
    """How a copy went (long-running-actions-overview): ours are done at once."""
    done = {"status": "completed", "percentageComplete": 100.0, "resourceId": http.match_info["item"]}
    return web.json_response(done)
