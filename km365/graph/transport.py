"""HTTP/1.1 on asyncio's own streams, below httpx: a call for a third of the CPU that httpcore takes.

For bulk work, which makes thousands. A connection carries one request at a time and is kept; bodies go and
come by length or in chunks (RFC 9112). httpx stays above: its client, its errors, its decoding. It speaks
through no proxy.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Self

import httpx

PIECE = 2**16
"""Bytes of a body handed on at once; also the longest head of an answer."""


class StreamTransport(httpx.AsyncBaseTransport):
    """Sends what an httpx client asks for, over at most `limit` connections at a time."""

    def __init__(self, *, limit: int, keepalive_s: float) -> None:
        self._keepalive_s = keepalive_s
        self._gate = asyncio.Semaphore(limit)
        self._idle: dict[tuple[str, bytes, int | None], list[_Connection]] = {}
        self._tls: ssl.SSLContext | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body not yet read. Raises httpx's transport errors."""
        waits = request.extensions.get("timeout") or {}
        await self._gate.acquire()
        connection = None
        try:
            connection = await self._connection(request.url, waits.get("connect"))
            await connection.send(request, waits.get("write"))
            status, headers = await connection.head(waits.get("read"))
        except BaseException:
            self._done(request.url, connection)
            raise
        pieces = connection.body(request.method, status, headers, waits.get("read"))
        body = _Body(pieces, lambda: self._done(request.url, connection))
        return httpx.Response(status, headers=headers, stream=body)

    async def _connection(self, url: httpx.URL, timeout_s: float | None) -> "_Connection":
        """A kept connection to the place, or a new one."""
        kept = self._idle.get(_place(url), [])
        while kept:
            connection = kept.pop()
            if connection.is_open and time.monotonic() - connection.used_at < self._keepalive_s:
                return connection
            connection.close()
        if url.scheme == "https" and self._tls is None:
            self._tls = httpx.create_ssl_context()
        return await _Connection.open(url, self._tls if url.scheme == "https" else None, timeout_s)

    def _done(self, url: httpx.URL, connection: "_Connection | None") -> None:
        """Keeps the connection where its answer was read to the end, else closes it."""
        self._gate.release()
        if connection is not None and connection.is_open:
            connection.used_at = time.monotonic()
            self._idle.setdefault(_place(url), []).append(connection)
        elif connection is not None:
            connection.close()

    async def aclose(self) -> None:
        """Closes the connections."""
        kept = [connection for some in self._idle.values() for connection in some]
        self._idle.clear()
        for connection in kept:
            connection.close()
        await asyncio.gather(*(connection.closed() for connection in kept))


def _place(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port


class _Body(httpx.AsyncByteStream):
    """An answer's body as it arrives."""

    def __init__(self, pieces: AsyncGenerator[bytes, None], done: Callable[[], None]) -> None:
        self._pieces, self._done, self._closed = pieces, done, False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def aclose(self) -> None:
        """Gives the connection back."""
        if not self._closed:
            self._closed = True
            await self._pieces.aclose()
            self._done()


class _Connection:
    """A connection with at most one request under way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._is_kept = False  # the server said that it takes another request
        self._between = False  # the last answer was read to its end
        self.used_at = 0.0

    @classmethod
    async def open(cls, url: httpx.URL, tls: ssl.SSLContext | None, timeout_s: float | None) -> Self:
        """Raises ConnectTimeout or ConnectError."""
        port = url.port or (443 if tls else 80)
        with _as_httpx(httpx.ConnectTimeout, httpx.ConnectError):
            async with asyncio.timeout(timeout_s):
                host = url.raw_host.decode("ascii")
                return cls(*await asyncio.open_connection(host, port, ssl=tls, limit=PIECE))

    @property
    def is_open(self) -> bool:
        """Whether the last answer was read to its end and the server still listens."""
        return self._between and not self._reader.at_eof() and not self._writer.is_closing()

    async def send(self, request: httpx.Request, timeout_s: float | None) -> None:
        """Raises WriteTimeout or WriteError, and LocalProtocolError where a header would break its line."""
        self._between = False
        lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
        lines += [b"%b: %b" % header for header in request.headers.raw]
        head = b"\r\n".join(lines)
        if head.count(b"\r") + head.count(b"\n") != 2 * (len(lines) - 1):
            raise httpx.LocalProtocolError("A header holds a line break.")
        with _as_httpx(httpx.WriteTimeout, httpx.WriteError):
            async with asyncio.timeout(timeout_s):
                if isinstance(request.stream, httpx.ByteStream):
                    self._writer.write(head + b"\r\n\r\n" + request.content)
                else:
                    self._writer.write(head + b"\r\n\r\n")
                    await self._send_pieces(request)
                await self._writer.drain()

    async def _send_pieces(self, request: httpx.Request) -> None:
        """A body that comes in pieces: of the length that its header tells, or in chunks."""
        assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101 - others are no async requests
        chunked = "Transfer-Encoding" in request.headers
        async for piece in request.stream:
            if piece:
                self._writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                await self._writer.drain()
        if chunked:
            self._writer.write(b"0\r\n\r\n")

    async def head(self, timeout_s: float | None) -> tuple[int, httpx.Headers]:
        """Status and headers of the answer. Raises ReadTimeout, ReadError or RemoteProtocolError."""
        with _as_httpx():
            while True:
                async with asyncio.timeout(timeout_s):
                    raw = await self._reader.readuntil(b"\r\n\r\n")
                first, *rest = raw[:-4].split(b"\r\n")
                version, status = first.split(b" ", 2)[:2]
                if not version.startswith(b"HTTP/1.") or len(status) != 3:
                    raise ValueError
                if not status.startswith(b"1"):  # "continue" and its like come before the answer
                    break
            pairs = (line.partition(b":") for line in rest)
            headers = httpx.Headers([(name, value.strip(b" \t")) for name, _, value in pairs])
            self._is_kept = version == b"HTTP/1.1" and headers.get("connection", "").lower() != "close"
            return int(status), headers

    async def body(
        self, method: str, status: int, headers: httpx.Headers, timeout_s: float | None
    ) -> AsyncGenerator[bytes, None]:
        """The body as it arrives. Raises as `head`."""
        length = headers.get("content-length")
        with _as_httpx():
            if method == "HEAD" or status in {204, 304}:
                pass
            elif "chunked" in headers.get("transfer-encoding", "").lower():
                while size := _length((await self._line(timeout_s)).partition(b";")[0], 16):
                    async for piece in self._pieces(size, timeout_s):
                        yield piece
                    if await self._line(timeout_s):
                        raise ValueError
                while await self._line(timeout_s):
                    pass  # trailers
            elif length is not None:
                async for piece in self._pieces(_length(length.encode(), 10), timeout_s):
                    yield piece
            else:  # it ends with the connection
                self._is_kept = False
                while piece := await self._some(PIECE, timeout_s):
                    yield piece
        self._between = self._is_kept

    async def _pieces(self, left: int, timeout_s: float | None) -> AsyncGenerator[bytes, None]:
        """So many bytes."""
        while left:
            piece = await self._some(min(left, PIECE), timeout_s)
            if not piece:
                raise EOFError
            left -= len(piece)
            yield piece

    async def _some(self, at_most: int, timeout_s: float | None) -> bytes:
        async with asyncio.timeout(timeout_s):
            return await self._reader.read(at_most)

    async def _line(self, timeout_s: float | None) -> bytes:
        async with asyncio.timeout(timeout_s):
            return (await self._reader.readuntil(b"\r\n"))[:-2]

    def close(self) -> None:
        """Lets go of it."""
        self._writer.close()

    async def closed(self) -> None:
        """Waits until it is closed."""
        with suppress(OSError):
            await self._writer.wait_closed()


def _length(text: bytes, base: int) -> int:
    """A length in an answer. Raises ValueError for anything but digits."""
    if not text.strip(b" \t").isalnum():
        raise ValueError
    return int(text, base)


@contextmanager
def _as_httpx(
    late: type[httpx.TransportError] = httpx.ReadTimeout, broken: type[httpx.TransportError] = httpx.ReadError
) -> Iterator[None]:
    """Turns the errors of streams into httpx's."""
    try:
        yield
    except TimeoutError as error:
        raise late("") from error
    except (EOFError, ValueError, asyncio.LimitOverrunError) as error:
        raise httpx.RemoteProtocolError("The answer broke off, or is no HTTP.") from error
    except OSError as error:
        raise broken(type(error).__name__) from error
