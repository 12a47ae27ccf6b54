"""httpx on aiohttp's connections: parsed in C and sent in one piece, for half the CPU of httpcore's.

Bulk work sends thousands of calls; the rest of httpx (its client, its errors, its responses) stays.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from io import BytesIO

import aiohttp
import httpx
from aiohttp import hdrs
from multidict import CIMultiDict
from yarl import URL

from km365.graph.governor import WHOLE

_ERRORS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (  # the first that fits
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (TimeoutError, httpx.ReadTimeout),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ClientOSError, httpx.ReadError),
    (aiohttp.ClientPayloadError, httpx.ReadError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.ClientError, httpx.RemoteProtocolError),
    (OSError, httpx.ReadError),
    (ValueError, httpx.LocalProtocolError),  # a header that would break its line
)


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Turns aiohttp's errors into httpx's."""
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        kind = next(theirs for ours, theirs in _ERRORS if isinstance(error, ours))
        raise kind(str(error)) from error


class _Body(httpx.AsyncByteStream):
    """An answer's body as it arrives."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for piece in self._answer.content.iter_any():
                yield piece

    async def aclose(self) -> None:
        """Gives the connection back where all was read, else closes it."""
        if self._answer.content.at_eof():
            self._answer.release()
        else:
            self._answer.close()


def _data(content: bytes) -> bytes | BytesIO | None:
    """What aiohttp sends: large content in pieces, so that the event loop goes on meanwhile."""
    return BytesIO(content) if len(content) > LARGE else content or None


LARGE = 2**20 - 1


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends what an httpx client asks for. Neither cookies nor redirects nor proxies of the environment."""

    def __init__(self, *, limit: int, keepalive_s: float, proxy: str | None = None) -> None:
        self._limit, self._keepalive_s, self._proxy = limit, keepalive_s, proxy
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        """The session, made within the event loop that uses it."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._limit, keepalive_timeout=self._keepalive_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # httpx does it
                skip_auto_headers=(hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE),
                trust_env=False,
            )
        return self._session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer; its body read only where the request asks for it `WHOLE`. Raises httpx's errors."""
        waits = request.extensions.get("timeout") or {}
        stream = request.stream
        data = _data(request.content) if isinstance(stream, httpx.ByteStream) else stream
        headers = CIMultiDict([(name.decode(), value.decode()) for name, value in request.headers.raw])
        if not isinstance(stream, httpx.ByteStream):
            headers.pop(hdrs.TRANSFER_ENCODING, None)  # aiohttp says so itself
        with _as_httpx():
            answer = await self._open().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=headers,
                data=data,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    connect=waits.get("pool"),
                    sock_connect=waits.get("connect"),
                    sock_read=waits.get("read"),
                ),
                proxy=self._proxy,
            )
            if request.extensions.get(WHOLE):
                whole = httpx.ByteStream(await answer.read())
                response = httpx.Response(answer.status, headers=list(answer.raw_headers), stream=whole)
                response.read()
                return response
        return httpx.Response(answer.status, headers=list(answer.raw_headers), stream=_Body(answer))

    async def aclose(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()
