"""The one way to Microsoft Graph: token, pacing, refusals, paging, batches, and the SDK on the same pipe.

Plain calls send and take JSON and cost next to nothing. `Graph.sdk` is msgraph-sdk on the same httpx
client (so the same transport, pacing, connections and token); it is imported when first used, because
its models cost seconds. See graph/FACTS and docs/decisions.md.
"""

import logging
import re
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urljoin
from urllib.request import getproxies, proxy_bypass

import httpx

from km365 import __version__
from km365.errors import GraphError, GraphUnreachable, InputRefused
from km365.graph import batch, typed
from km365.graph.auth import Credential, TokenSource, cloud_of
from km365.graph.certificates import trusted
from km365.graph.governor import CHARGES, WHOLE, Account, Governor, PacingTransport, bulk
from km365.graph.pacing import Limits, Service
from km365.graph.refusals import refusal
from km365.graph.wire import Json, dump, is_safe, origin, parse, query

if TYPE_CHECKING:
    from msgraph import GraphServiceClient

USER_AGENT = f"NONISV|Agency|km365/{__version__}"
"""Decorated as SharePoint asks for (avoid getting throttled): NONISV|company|application/version."""

for _name in ("httpx", "httpcore"):
    # they would log whole addresses (uploads carry their permission in it) and, at debug, our token
    logging.getLogger(_name).setLevel(logging.WARNING)

TIMEOUT = httpx.Timeout(100, connect=15, pool=None)
_EXTENSIONS = {"timeout": TIMEOUT.as_dict()}


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a collection. The links are whole addresses, to be used as they are."""

    values: list[Json]
    next_link: str | None = None
    delta_link: str | None = None


class Graph:
    """Microsoft Graph at one address, for one app. Close it when done; see `aclose`."""

    def __init__(
        self,
        *,
        base_url: str,
        credential: Credential,
        limits: Limits,
        user_agent: str = USER_AGENT,
        account: Account | None = None,
        clock: Callable[[], float] = time.time,
        governor: Governor | None = None,
    ) -> None:
        """`account` is the spending that several processes may share; `governor` replaces the pacing whole.

        Raises SettingsError for an address that is neither a Microsoft cloud nor this machine.
        """
        self.base_url = base_url.rstrip("/")
        self.governor = governor or Governor(limits, account=account, clock=clock)
        self.tokens = TokenSource(credential, scope=cloud_of(base_url).scope, clock=clock)
        self._credential, self._clock = credential, clock
        self._tokens_of: dict[str, TokenSource] = {}
        self.user_agent = user_agent
        self._transport = PacingTransport(
            httpx.AsyncHTTPTransport(
                verify=trusted(),
                limits=httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=60),
                proxy=proxy_of(self.base_url),
            ),
            self.governor,
            for_bulk=self._bulk_transport,
        )
        self._headers = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": user_agent}
        # trust_env would add proxy transports beside ours, and their calls would pass no governor
        self.http = httpx.AsyncClient(
            transport=self._transport, timeout=TIMEOUT, headers={"User-Agent": user_agent}, trust_env=False
        )
        self._sdk: GraphServiceClient | None = None

    def _bulk_transport(self) -> httpx.AsyncBaseTransport:
        """Half the CPU a call, for an import that a short command need not pay."""
        from km365.graph.transport import AiohttpTransport  # noqa: PLC0415  (80 ms)

        return AiohttpTransport(limit=64, keepalive_s=60, proxy=proxy_of(self.base_url))

    async def aclose(self) -> None:
        """Closes connections and the credential."""
        await self.governor.close()
        await self.http.aclose()
        await self._transport.aclose()  # the SDK wraps our transport in one that does not close it
        await self.tokens.close()

    def bulk(self) -> AbstractContextManager[None]:
        """Calls of this task inside `with graph.bulk():` wait their turn behind people's."""
        return bulk()

    # Plain JSON ------------------------------------------------------------------------------------------

    async def get(
        self,
        path: str,
        *,
        params: Mapping[str, str | int | None] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """The JSON at `path`, which is relative to the base address or a whole link that Graph gave us.

        Raises the errors of `refusals`.
        """
        return parse((await self.request("GET", path, params=params, headers=headers)).content)

    async def post(
        self,
        path: str,
        body: Json | None = None,
        *,
        params: Mapping[str, str | int | None] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """What Graph answers to the body, {} where it answers nothing."""
        return parse(
            (await self.request("POST", path, params=params, headers=headers, body=body or {})).content
        )

    async def patch(self, path: str, body: Json, *, headers: Mapping[str, str] | None = None) -> Json:
        """The changed thing as Graph answers it; with `If-Match` in `headers`, 412 where it moved on."""
        return parse((await self.request("PATCH", path, headers=headers, body=body)).content)

    async def put(
        self,
        path: str,
        content: bytes,
        *,
        content_type: str,
        params: Mapping[str, str | int | None] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """What Graph answers to the bytes put at `path`."""
        wanted = {**(headers or {}), "Content-Type": content_type}
        return parse(
            (await self.request("PUT", path, params=params, headers=wanted, content=content)).content
        )

    async def delete(self, path: str, *, headers: Mapping[str, str] | None = None) -> None:
        """The thing is gone afterwards. Raises GraphNotFound when it was not there."""
        await self.request("DELETE", path, headers=headers)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int | None] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Json | None = None,
        content: bytes | None = None,
        charges: Mapping[Service, int] | None = None,
    ) -> httpx.Response:
        """Graph's answer, below 400 or 304; anything else is raised as one of our errors."""
        request = self.build(method, path, params=params, headers=headers, body=body, content=content)
        if charges:
            request.extensions[CHARGES] = dict(charges)
        return await self.check(await self.send(request))

    async def rest(self, address: str, body: Json | None = None) -> Json:
        """What SharePoint's own REST answers at this whole address to a POST of `body`, or else to a GET.

        It takes a token for its own host, and from an app one that was got with a certificate. Raises the
        errors of `refusals`.
        """
        if not is_safe(address):
            raise InputRefused("A link leads to an address without https; it is not followed.")
        scheme, host, _ = origin(address)
        scope = f"{scheme}://{host}/.default"
        if scope not in self._tokens_of:
            self._tokens_of[scope] = TokenSource(self._credential, scope=scope, clock=self._clock)
        json_type = "application/json;odata=nometadata"
        headers = {
            "Authorization": f"Bearer {await self._tokens_of[scope].bearer()}",
            "Accept": json_type,
            **({} if body is None else {"Content-Type": json_type}),
        }
        content = None if body is None else dump(body)
        request = self._request("GET" if body is None else "POST", address, headers, content)
        return parse((await self.check(await self.send_bare(request))).content)

    def build(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int | None] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Json | None = None,
        content: bytes | None = None,
    ) -> httpx.Request:
        """The request without its token."""
        sent = dict(headers or {})
        if body is not None:
            content = dump(body)
            sent.setdefault("Content-Type", "application/json")
        return self._request(method, self.url(path, params), sent, content)

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> httpx.Request:
        """As the client's own `build_request`, which merges what a call of ours never has."""
        return httpx.Request(
            method,
            _parsed(url),
            headers={**self._headers, **headers},
            content=content,
            extensions=dict(_EXTENSIONS),
        )

    def url(self, path: str, params: Mapping[str, str | int | None] | None = None) -> str:
        """The whole address of `path`. A whole address must lie on this Graph: our token goes with it."""
        if path.startswith(("http://", "https://")):
            if origin(path) != origin(self.base_url):
                raise InputRefused("A link leads away from Graph's own address; it is not followed.")
            url = path
        else:
            url = self.base_url + path
        asked = query(params or {})
        return f"{url}{'&' if '?' in url else '?'}{asked}" if asked else url

    async def send(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """Sends the request with our token, once more with a fresh one where Graph asks for it.

        A 401 with `claims` (continuous access evaluation) means the token was revoked.
        """
        request.headers["Authorization"] = f"Bearer {await self.tokens.bearer()}"
        response = await self.send_bare(request, stream=stream)
        claims = _claims(response) if response.status_code == 401 else None
        if claims is not None:
            await response.aclose()
            request.headers["Authorization"] = f"Bearer {await self.tokens.bearer(claims=claims)}"
            response = await self.send_bare(request, stream=stream)
        return response

    async def send_bare(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """Sends the request as it is: upload and download addresses carry their own permission.

        Raises GraphUnreachable when nobody answers.
        """
        if not is_safe(str(request.url)):
            raise InputRefused("A link leads to an address without https; it is not followed.")
        try:
            for hook in self.http.event_hooks["request"]:
                await hook(request)
            request.extensions[WHOLE] = not stream
            response = await self._transport.handle_async_request(request)
            response.request = request
            if not stream:
                await response.aread()
            return response
        except httpx.TimeoutException:
            raise GraphUnreachable(f"{request.url.host} took too long to answer; try again.") from None
        except httpx.HTTPError as error:
            raise GraphUnreachable(
                f"Nothing answers at {request.url.host} ({type(error).__name__}); check graph_url and the "
                "network, or start the small Microsoft 365 with `km365 up`."
            ) from None

    async def check(self, response: httpx.Response) -> httpx.Response:
        """The response itself where Graph agreed; raises our error where it did not."""
        if response.status_code < 400:
            return response
        await response.aread()
        await response.aclose()
        try:
            body = parse(response.content)
        except GraphError:
            body = {}
        raise refusal(
            status=response.status_code,
            headers=response.headers,
            body=body,
            method=response.request.method,
            url=str(response.request.url),
        )

    async def pages(
        self,
        path: str,
        *,
        params: Mapping[str, str | int | None] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Page]:
        """The pages of a collection or a delta, empty ones included: an empty page is not the end.

        The last page of a delta carries its `delta_link`. `headers` go with every page.
        """
        body = await self.get(path, params=params, headers=headers)
        seen: set[str] = set()
        while True:
            link = body.get("@odata.nextLink")
            yield Page(
                values=body.get("value") or [], next_link=link, delta_link=body.get("@odata.deltaLink")
            )
            if not link:
                return
            if link in seen:
                raise GraphError("Graph's pages lead back to a page already read; reading stopped.")
            seen.add(link)
            body = await self.get(link, headers=headers)

    async def batch(self, requests: Sequence[batch.BatchRequest]) -> list[batch.BatchResponse]:
        """The answers to any number of requests, in their order; see `batch.send`."""
        return await batch.send(self, requests)

    async def follow(self, response: httpx.Response, *, stream: bool = True) -> httpx.Response:
        """The answer at the end of a redirect (downloads), asked for without our token."""
        for _ in range(5):
            location = response.headers.get("Location")
            if response.status_code not in {301, 302, 303, 307, 308} or not location:
                return response
            await response.aclose()
            there = urljoin(str(response.request.url), location)
            request = self._request("GET", there, {}, None)
            request.extensions[CHARGES] = {}  # paid for by the call that gave the address
            response = await self.send_bare(request, stream=stream)
        raise GraphError("A download was redirected more than five times; it was given up.")

    # Typed calls -----------------------------------------------------------------------------------------

    @property
    def sdk(self) -> "GraphServiceClient":
        """msgraph-sdk on this same client; the first use imports it (see `typed.prepare`)."""
        if self._sdk is None:
            self._sdk = typed.build(self)
        return self._sdk


_parsed = lru_cache(maxsize=32)(httpx.URL)
"""Most calls of bulk work go to one address."""


def _claims(response: httpx.Response) -> str | None:
    """The claims a 401 asks for, decoded; None where it asks for none."""
    found = re.search(r'claims="([^"]+)"', response.headers.get("WWW-Authenticate", ""))
    if found is None:
        return None
    try:
        return b64decode(found.group(1) + "==").decode()
    except ValueError:
        return None


def proxy_of(base_url: str) -> str | None:
    """The proxy that the environment sets for Graph's address, if any; never for this machine."""
    url = httpx.URL(base_url)
    if url.scheme == "http" or proxy_bypass(url.host):
        return None
    found = getproxies()
    return found.get("https") or found.get("all")
