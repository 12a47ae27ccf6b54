"""Files up and down: small and large, interrupted, refused, redirected."""

import asyncio
import re

import pytest

from km365.errors import GraphError, GraphNotFound, GraphUnreachable, InputRefused
from km365.graph import drives, uploads
from tests.graph.conftest import Paced, Seen, Stub, answer, refused

STEP = 320 * 1024
ITEM = {"id": "i1", "name": "a.docx", "file": {"mimeType": "x/y"}, "size": 3, "parentReference": {}}


class Session:
    """An upload session as Graph keeps it."""

    def __init__(self, stub: Stub, *, size: int, trouble: dict[int, int] | None = None) -> None:
        self.stub = stub
        self.kept = bytearray()
        self.size = size
        self.trouble = dict(trouble or {})
        """At this many bytes, answer this status once."""
        self.cancelled = False

    def __call__(self, seen: Seen):
        if seen.path.endswith("createUploadSession"):
            self.wanted = seen.json
            return answer(
                body={"uploadUrl": f"{self.stub.url}/up/1?tempauth=secret", "nextExpectedRanges": ["0-"]}
            )
        assert "Authorization" not in seen.headers, "Graph answers 401 to a token here"
        if seen.method == "DELETE":
            self.cancelled = True
            return answer(204)
        if seen.method == "GET":
            return answer(body={"nextExpectedRanges": [f"{len(self.kept)}-"]})
        start, end, size = map(
            int, re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", seen.headers["Content-Range"]).groups()
        )
        assert size == self.size and len(seen.body) == end - start + 1
        assert end + 1 == size or len(seen.body) % STEP == 0
        if start in self.trouble:
            status = self.trouble.pop(start)
            if status == 599:  # the chunk arrived, its answer did not
                self.kept += seen.body
            return answer(status)
        assert start == len(self.kept), "chunks go in order"
        self.kept += seen.body
        if end + 1 < size:
            return answer(202, {"nextExpectedRanges": [f"{end + 1}-"]})
        return answer(201, ITEM)


async def send(client: Paced, data: bytes, chunk_bytes: int = STEP) -> dict:
    return await uploads.upload_session(
        client.graph, "/drives/d/root:/a.docx:", data, on_conflict="fail", chunk_bytes=chunk_bytes
    )


async def test_a_session_sends_chunks_in_order_without_our_token(client: Paced, stub: Stub) -> None:
    """LargeFileUploadTask sends Authorization and breaks on "327680-"."""
    data = bytes(range(256)) * 2560 + b"the rest"
    stub.always(session := Session(stub, size=len(data)))
    assert await send(client, data) == ITEM
    assert bytes(session.kept) == data and not session.cancelled
    assert session.wanted == {"item": {"@microsoft.graph.conflictBehavior": "fail"}}


@pytest.mark.parametrize("status", [500, 503, 599])
async def test_an_interrupted_upload_goes_on_where_graph_says(client: Paced, stub: Stub, status: int) -> None:
    data = b"x" * (3 * STEP)
    stub.always(session := Session(stub, size=len(data), trouble={STEP: status}))
    assert await send(client, data) == ITEM
    assert bytes(session.kept) == data
    assert [one.method for one in stub.seen].count("GET") == 1


async def test_a_throttled_chunk_is_sent_again(client: Paced, stub: Stub) -> None:
    data = b"x" * (2 * STEP)
    session = Session(stub, size=len(data))
    once = [1]

    def take(seen: Seen):
        if seen.method == "PUT" and once:
            once.pop()
            return refused(429, "activityLimitReached", headers={"Retry-After": "4"})
        return session(seen)

    stub.always(take)
    assert await send(client, data) == ITEM


async def test_a_name_taken_at_the_end_is_told_and_the_session_cancelled(client: Paced, stub: Stub) -> None:
    data = b"x" * (2 * STEP)
    session = Session(stub, size=len(data))

    def take(seen: Seen):
        if seen.method == "PUT" and len(session.kept) == STEP:
            return refused(409, "nameAlreadyExists")
        return session(seen)

    stub.always(take)
    with pytest.raises(GraphError) as caught:
        await send(client, data)
    assert caught.value.status == 409 and session.cancelled


async def test_a_line_that_does_not_come_back_cancels_the_session(client: Paced, stub: Stub) -> None:
    data = b"x" * (2 * STEP)
    session = Session(stub, size=len(data))
    stub.always(lambda seen: answer(500) if seen.method in {"PUT", "GET"} else session(seen))
    with pytest.raises(GraphUnreachable):
        await send(client, data)
    assert session.cancelled
    assert [one.method for one in stub.seen].count("PUT") == uploads.TRIES


async def test_an_upload_that_is_stopped_cancels_the_session(client: Paced, stub: Stub) -> None:
    session = Session(stub, size=2 * STEP)
    started, forever = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        started.set()
        await forever.wait()

    def take(seen: Seen):
        return hang() if seen.method == "PUT" else session(seen)

    stub.always(take)
    task = asyncio.ensure_future(send(client, b"x" * (2 * STEP)))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert session.cancelled
    forever.set()


@pytest.mark.parametrize(
    ("ranges", "start"),
    [(["327680-"], 327680), (["26-"], 26), (["327680-655359", "900-"], 900), ([], 5), (["x"], 5)],
)
def test_expected_ranges_are_read_with_and_without_an_end(ranges: list[str], start: int) -> None:
    assert uploads.next_start({"nextExpectedRanges": ranges}, default=5) == start


async def test_a_small_file_goes_in_one_put_and_a_large_one_in_a_session(client: Paced, stub: Stub) -> None:
    stub.then(201, ITEM)
    await drives.upload(client.graph, "d!1", "/Année 1/a b.docx", b"abc", on_conflict="rename")
    assert stub.asked == [
        "PUT /v1.0/drives/d!1/root:/Ann%C3%A9e%201/a%20b.docx:/content"
        "?@microsoft.graph.conflictBehavior=rename"
    ]
    data = b"y" * (uploads.SMALL_BYTES + 1)
    stub.always(session := Session(stub, size=len(data)))
    await drives.upload(client.graph, "d", "big.pdf", data)
    assert bytes(session.kept) == data


async def test_an_empty_file_is_stored_too(client: Paced, stub: Stub) -> None:
    stub.then(201, ITEM)
    assert (await drives.upload(client.graph, "d", "empty.txt", b"")).id == "i1"


async def test_an_upload_without_a_name_is_refused(client: Paced) -> None:
    with pytest.raises(InputRefused, match="file name"):
        await drives.upload(client.graph, "d", "/", b"x")


async def test_a_download_follows_the_redirect_without_our_token(client: Paced, stub: Stub) -> None:
    stub.then(302, None, Location=f"{stub.url}/elsewhere?tempauth=1")
    stub.then(200, b"the bytes")
    assert await drives.download(client.graph, "d", "i", limit_bytes=100) == b"the bytes"
    assert "Authorization" in stub.seen[0].headers
    assert "Authorization" not in stub.seen[1].headers


async def test_a_download_that_is_too_large_is_refused_before_it_is_read(client: Paced, stub: Stub) -> None:
    stub.then(200, b"x" * 1001)
    with pytest.raises(InputRefused, match="1,001 bytes"):
        await drives.download(client.graph, "d", "i", limit_bytes=1000)


async def test_a_download_that_hides_its_size_stops_at_the_limit(client: Paced, stub: Stub) -> None:
    from aiohttp import web

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"x" * 1000)
        return response

    stub.stream = endless
    with pytest.raises(InputRefused, match="or more"):
        await drives.download(client.graph, "d", "i", limit_bytes=1000)


async def test_a_download_does_not_follow_to_plain_http_elsewhere(client: Paced, stub: Stub) -> None:
    stub.then(302, None, Location="http://files.example/x")
    with pytest.raises(InputRefused, match="without https"):
        await drives.download(client.graph, "d", "i", limit_bytes=100)


async def test_a_missing_file_is_not_found(client: Paced, stub: Stub) -> None:
    stub.then(404, {"error": {"code": "itemNotFound"}})
    with pytest.raises(GraphNotFound, match="file or library"):
        await drives.download(client.graph, "d", "i", limit_bytes=100)
