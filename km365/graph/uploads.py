"""Files to SharePoint: small ones in one PUT, larger ones in an upload session.

Ours, because the SDK's LargeFileUploadTask sends our token to the upload address (401) and breaks on
ranges written `"327680-"` (graph/FACTS §9). learn.microsoft.com/graph/api/driveitem-createuploadsession.
"""

import asyncio
from contextlib import suppress
from typing import Literal

import httpx

from km365.errors import GraphError, GraphUnreachable
from km365.graph.client import Graph
from km365.graph.governor import CHARGES
from km365.graph.pacing import Service
from km365.graph.wire import Json, parse

OnConflict = Literal["replace", "rename", "fail"]

SMALL_BYTES = 4 * 1024 * 1024
"""Up to here one PUT; Graph takes 250 MB so, but a broken line would then cost all of it."""
CHUNK_BYTES = 16 * 320 * 1024
"""5 MiB: a multiple of 320 KiB, as Graph demands, and far below its 60 MiB."""
TRIES = 5


async def upload(graph: Graph, at: str, data: bytes, *, on_conflict: OnConflict, content_type: str) -> Json:
    """The driveItem stored at `at`, an address ending in a colon (`/drives/x/root:/a/b.docx:`)."""
    if len(data) <= SMALL_BYTES:
        return await graph.put(
            f"{at}/content",
            data,
            content_type=content_type,
            params={"@microsoft.graph.conflictBehavior": on_conflict},
        )
    return await upload_session(graph, at, data, on_conflict=on_conflict)


async def upload_session(
    graph: Graph, at: str, data: bytes, *, on_conflict: OnConflict, chunk_bytes: int = CHUNK_BYTES
) -> Json:
    """The driveItem, sent in chunks; what Graph missed is sent again, and a session that fails is cancelled.

    Raises GraphError 409 when the name was taken meanwhile and `on_conflict` is fail, GraphUnreachable
    when the line does not come back.
    """
    wanted = {"item": {"@microsoft.graph.conflictBehavior": on_conflict}}
    session = await graph.post(f"{at}/createUploadSession", wanted)
    url = session.get("uploadUrl")
    if not isinstance(url, str):
        raise GraphError("Graph opened an upload session without an address to send to.")
    try:
        return await _send_all(graph, url, data, chunk_bytes)
    except BaseException:
        # also when our task is cancelled: an open session keeps the name locked for days
        with suppress(Exception):
            await asyncio.shield(graph.send_bare(graph.http.build_request("DELETE", url)))
        raise


async def _send_all(graph: Graph, url: str, data: bytes, chunk_bytes: int) -> Json:
    start, failures = 0, 0
    while True:
        end = min(start + chunk_bytes, len(data))
        try:
            answer = await graph.send_bare(_put(graph, url, data, start, end))
            if answer.status_code >= 500 or answer.status_code == 416:
                raise GraphUnreachable(f"The upload was interrupted ({answer.status_code}).")
            await graph.check(answer)
            failures = 0
        except GraphUnreachable:
            failures += 1
            if failures >= TRIES:
                raise
            await graph.governor.sleep(2**failures * graph.governor.chance() / 2)
            status = await _ask_where(graph, url)
            if status is None:
                continue
            answer = status
        if answer.status_code in {200, 201} and "nextExpectedRanges" not in answer.text:
            return parse(answer.content)
        start = next_start(parse(answer.content), default=end)


def _put(graph: Graph, url: str, data: bytes, start: int, end: int) -> httpx.Request:
    """A chunk without our token: the address carries its own permission, and Graph answers 401 to a token."""
    headers = {
        "Content-Range": f"bytes {start}-{end - 1}/{len(data)}",
        "Content-Type": "application/octet-stream",
    }
    request = graph.http.build_request("PUT", url, headers=headers, content=data[start:end])
    request.extensions[CHARGES] = {Service.SHAREPOINT: 2}
    return request


async def _ask_where(graph: Graph, url: str) -> httpx.Response | None:
    """What Graph says it has of the file; None when it does not say now."""
    try:
        answer = await graph.send_bare(graph.http.build_request("GET", url))
    except GraphUnreachable:
        return None
    if answer.status_code >= 500:
        return None
    return await graph.check(answer)


def next_start(status: Json, *, default: int) -> int:
    """Where to go on, out of `nextExpectedRanges`: `"327680-"` and `"327680-655359"` alike."""
    ranges = status.get("nextExpectedRanges") or []
    starts = [int(str(one).partition("-")[0]) for one in ranges if str(one).partition("-")[0].isdigit()]
    return min(starts, default=default)
