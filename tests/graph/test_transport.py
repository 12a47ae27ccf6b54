"""The transport of bulk work against a server that says exactly the bytes of the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from km365.graph.transport import AiohttpTransport


class Server:
    """Answers each request with the next bytes; b"" closes without a word, None says nothing at all."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.heard: list[bytes] = []
        self.connections = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heard.append(head + await self._body(reader, head.lower()))
                answer = self.answers.pop(0)
                if answer is None:
                    await reader.read()
                if not answer:
                    return
                writer.write(answer)
                if b"HTTP/1.0" in answer or b"Connection: close" in answer:
                    return
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    async def _body(self, reader: asyncio.StreamReader, head: bytes) -> bytes:
        if b"transfer-encoding: chunked" in head:
            return await reader.readuntil(b"0\r\n\r\n")
        _, found, rest = head.partition(b"content-length: ")
        return await reader.readexactly(int(rest.split(b"\r\n")[0])) if found else b""


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    transport = AiohttpTransport(limit=2, keepalive_s=60)
    async with httpx.AsyncClient(
        transport=transport, base_url=f"http://127.0.0.1:{port}", timeout=5
    ) as client:
        yield client
    listening.close()


def said(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n"
)


async def test_one_connection_serves_one_call_after_the_other() -> None:
    server = Server(said(b"one"), CHUNKED, said(b"", status=b"204 No Content"), said(b"four"))
    async with serving(server) as client:
        bodies = [(await client.post("/a?b=%20", content=b"xy")).content for _ in range(4)]
    assert bodies == [b"one", b"hello world", b"", b"four"] and server.connections == 1
    assert server.heard[0].startswith(b"POST /a?b=%20 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert server.heard[0].endswith(b"\r\n\r\nxy")


@pytest.mark.parametrize(
    "first",
    [
        said(b"one", b"Connection: close"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\none",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\none",
    ],
    ids=["told to close", "http 1.0", "a body that ends with the connection"],
)
async def test_a_connection_that_the_server_ends_is_not_used_again(first: bytes) -> None:
    server = Server(first, said(b"two"))
    async with serving(server) as client:
        assert (await client.get("/")).content == b"one"
        assert (await client.get("/")).content == b"two"
    assert server.connections == 2


async def test_an_answer_that_nobody_reads_to_its_end_closes_its_connection() -> None:
    server = Server(said(b"x" * 300_000), said(b"two"))
    async with serving(server) as client:
        async with client.stream("GET", "/") as answer:
            assert answer.status_code == 200
        assert (await client.get("/")).content == b"two"
    assert server.connections == 2


async def test_what_comes_before_the_answer_is_passed_over() -> None:
    async with serving(Server(b"HTTP/1.1 100 Continue\r\n\r\n" + said(b"one", b"ETag: 7"))) as client:
        answer = await client.post("/", content=b"x")
    assert answer.content == b"one" and answer.headers["etag"] == "7"


async def test_the_answer_to_head_has_no_body_whatever_length_it_tells() -> None:
    server = Server(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", said(b"two"))
    async with serving(server) as client:
        assert (await client.head("/")).headers["content-length"] == "99"
        assert (await client.get("/")).content == b"two"


async def test_a_body_may_go_in_pieces() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"one", b"", b"twenty"):
            yield piece

    server = Server(said(b""), said(b""))
    async with serving(server) as client:
        await client.put("/", content=pieces())
        await client.put("/", content=pieces(), headers={"Content-Length": "9"})
    assert server.heard[0].endswith(b"3\r\none\r\n6\r\ntwenty\r\n0\r\n\r\n")
    assert server.heard[1].endswith(b"\r\n\r\nonetwenty")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\none",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nonetwo\r\n0\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "half a body", "a signed length", "a chunk too long", "no http", "an endless head"],
)
async def test_an_answer_that_breaks_off_or_is_no_http_is_an_error(answer: bytes) -> None:
    async with serving(Server(answer, said(b"two"))) as client:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await client.post("/")
        assert (await client.get("/")).content == b"two"


async def test_a_server_that_says_nothing_is_waited_for_only_so_long() -> None:
    async with serving(Server(None)) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/", timeout=httpx.Timeout(5, read=0.05))


async def test_nobody_there_is_a_connect_error() -> None:
    async with httpx.AsyncClient(transport=AiohttpTransport(limit=1, keepalive_s=60)) as client:
        for _ in range(2):
            with pytest.raises(httpx.ConnectError):
                await client.get("http://127.0.0.1:9/")


async def test_a_header_cannot_smuggle_in_another() -> None:
    server = Server(said(b""))
    async with serving(server) as client:
        with pytest.raises(httpx.LocalProtocolError):
            await client.get("/", headers={"X": "a\r\nY: b"})
    assert server.heard == []


async def test_calls_beyond_the_limit_wait_their_turn() -> None:
    server = Server(*[said(b"x")] * 6)
    async with serving(server) as client:
        answers = await asyncio.gather(*(client.get("/") for _ in range(6)))
    assert [one.content for one in answers] == [b"x"] * 6 and server.connections == 2
