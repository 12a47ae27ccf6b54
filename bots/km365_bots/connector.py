"""Everything the bot sends to Teams, messages and updated cards, over one pooled session.

Bot Framework's own client opens a connection and a thread for every send and repeats nothing; this one
keeps connections, paces itself and says plainly what became of a send (teams rate limits, 403, 404, 413).
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import aiohttp
import orjson

from km365.core.standing import BLOCKED
from km365.errors import KM365Error, SettingsError
from km365.settings import LOOPBACK, Settings
from km365_bots.pacing import Account, Begin, Governor, Pace

if TYPE_CHECKING:
    from azure.core.pipeline.transport import AsyncHttpTransport
    from azure.identity.aio import CertificateCredential, ClientSecretCredential, ManagedIdentityCredential

    BotCredential = ClientSecretCredential | CertificateCredential | ManagedIdentityCredential

Json = dict[str, Any]
Token = Callable[[], Awaitable[str | None]]
"""The bearer token for the Bot Connector; None where authentication is off."""

_SCOPE = "https://api.botframework.com/.default"
_LARGEST_ANSWER = 64 * 1024
_MEMBERS_S = 10.0
"""How long the members of a group are read; who is told of a part of them would take it for all."""
_PAGE = 60
"""Members asked for at once: a page of them stays well within what is read of an answer."""
_LONGEST_PAUSE_S = 3600.0
_SIGN_IN_AGAIN_S = 60.0
_log = logging.getLogger("km365.bots.connector")


class NotSent(KM365Error):
    """Certainly not delivered (429, 412, 401, nothing listening): may be sent again after `retry_after_s`."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unreachable(KM365Error):
    """403: the person blocked or removed the bot. Stop until a new installation says otherwise."""


class ConversationGone(KM365Error):
    """404: the conversation is not there any more."""


class TooLarge(KM365Error):
    """413: the message is larger than Teams takes."""


class DeliveryUnknown(KM365Error):
    """A server error or a time-out after sending: it may have arrived, so it is never blindly repeated."""


class SendRefused(KM365Error):
    """Teams refused the message for a reason that repeating will not cure."""


def check_service_url(address: object, *, signed_in: bool) -> str:
    """The address to answer to, without a trailing slash.

    Without sign-in any caller could choose it, so only this machine is accepted; with sign-in it must be
    https (or this machine). Raises SendRefused for anything else.
    """
    try:
        parts = urlsplit(address) if isinstance(address, str) else urlsplit("")
    except ValueError:  # such as half an IPv6 address
        parts = urlsplit("")
    local = parts.hostname in LOOPBACK
    allowed = parts.scheme in {"http", "https"} if local else signed_in and parts.scheme == "https"
    if not allowed or parts.username or parts.query or parts.fragment or not parts.hostname:
        raise SendRefused(
            "The caller's service address was refused: without bot_app_id only this machine may be answered, "
            "and with it only https addresses."
        )
    return str(address).rstrip("/")


class Connector:
    """Sends to the Bot Connector. On failure every method raises one of the errors above, nothing else."""

    def __init__(self, *, session: aiohttp.ClientSession, token: Token, governor: Governor) -> None:
        self.governor = governor
        self._session = session
        self._token = token
        self._pace = governor.pace

    async def send(
        self,
        service_url: str,
        conversation_id: str,
        activity: Json,
        *,
        tenant_id: str,
        patience_s: float | None = None,
        bulk: bool = False,
        begin: Begin | None = None,
    ) -> str:
        """Posts `activity` as a new message (never as a reply to another) and returns its id.

        A wait longer than `patience_s` (of the pace, if not given) is not sat out: NotSent. Nobody waits for
        what is `bulk`, such as a campaign. `begin` is called once, right before it leaves, and may stop it by
        raising.
        """
        url = f"{service_url}/v3/conversations/{quote(conversation_id, safe='')}/activities"
        answer = await self._call(
            "POST",
            url,
            activity,
            conversation=conversation_id,
            tenant=tenant_id,
            patience_s=patience_s,
            bulk=bulk,
            begin=begin,
        )
        return _text(answer.get("id"))

    async def update(
        self,
        service_url: str,
        conversation_id: str,
        activity_id: str,
        activity: Json,
        *,
        tenant_id: str,
        patience_s: float | None = None,
    ) -> str:
        """Replaces the message `activity_id`; may safely be repeated. Returns its id. See `send`."""
        path = f"{quote(conversation_id, safe='')}/activities/{quote(activity_id, safe='')}"
        url = f"{service_url}/v3/conversations/{path}"
        body = activity | {"id": activity_id}
        answer = await self._call(
            "PUT", url, body, conversation=conversation_id, tenant=tenant_id, patience_s=patience_s
        )
        return _text(answer.get("id")) or activity_id

    async def members(self, service_url: str, roster: str, *, tenant_id: str) -> list[Json]:
        """All who are in a group chat or team, page by page. Raises SendRefused where that takes too long."""
        try:
            async with asyncio.timeout(_MEMBERS_S):
                return await self._members(service_url, roster, tenant_id=tenant_id)
        except TimeoutError:
            raise SendRefused("This group is too large to see in time who is in it.") from None

    async def _members(self, service_url: str, roster: str, *, tenant_id: str) -> list[Json]:
        url = f"{service_url}/v3/conversations/{quote(roster, safe='')}/pagedmembers?pageSize={_PAGE}"
        found: list[Json] = []
        after = ""
        while True:
            page = await self._call("GET", url + after, None, conversation=roster, tenant=tenant_id)
            listed = page.get("members")
            if not isinstance(listed, list):
                raise SendRefused("Teams did not say who is in this conversation.")
            found += [member for member in listed if isinstance(member, dict)]
            token = _text(page.get("continuationToken"))
            if not token:
                return found
            after = f"&continuationToken={quote(token, safe='')}"

    def paused_s(self, tenant_id: str) -> float:
        """How long nobody sends to the tenant yet, after a 429; 0 where somebody may."""
        return self.governor.paused_s(tenant_id.lower())

    async def _call(
        self,
        method: str,
        url: str,
        body: Json | None,
        *,
        conversation: str,
        tenant: str,
        patience_s: float | None = None,
        bulk: bool = False,
        begin: Begin | None = None,
    ) -> Json:
        """One call, paced; what was certainly refused (429, 412) is repeated, nothing else."""
        patience_s = self._pace.longest_wait_s if patience_s is None else patience_s
        tenant = tenant.lower()
        for attempt in range(1, self._pace.attempts + 1):
            patience_s -= await self._wait_for_turn(tenant, conversation, patience_s, bulk, begin)
            begin = None
            status, retry_after_s, answer = await self._once(method, url, body)
            if status < 300:
                return answer
            if status not in {412, 429}:
                raise _failure(status)
            wait_s = retry_after_s if retry_after_s is not None else _back_off(attempt)
            if status == 429:
                self.governor.pause(tenant, wait_s)
            else:  # another call to this conversation alone was under way
                self.governor.pause_chat(conversation, wait_s)
        raise NotSent(f"Teams asks to wait {wait_s:.0f} s.", retry_after_s=wait_s)

    async def _wait_for_turn(
        self, tenant: str, conversation: str, patience_s: float, bulk: bool, begin: Begin | None
    ) -> float:
        """Seconds waited. Raises NotSent where the turn does not come in time."""
        wait_s = await self.governor.admit(
            tenant=tenant, conversation=conversation, patience_s=patience_s, bulk=bulk, begin=begin
        )
        if wait_s < 0:
            raise NotSent(f"Sending is paused for {-wait_s:.0f} s more.", retry_after_s=-wait_s)
        return wait_s

    async def _once(self, method: str, url: str, body: Json | None) -> tuple[int, float | None, Json]:
        token = await self._token()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
        try:
            async with self._session.request(
                method,
                url,
                data=None if body is None else orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS),
                headers=headers,
                allow_redirects=False,
            ) as response:
                retry_after_s = _retry_after_s(response.headers.get("Retry-After"))
                return response.status, retry_after_s, _object(await response.content.read(_LARGEST_ANSWER))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(
                f"Nothing answers at {urlsplit(url).netloc} ({type(error).__name__}).", retry_after_s=5.0
            ) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise DeliveryUnknown(
                f"No answer came back from {urlsplit(url).netloc} ({type(error).__name__})."
            ) from None


def _failure(status: int) -> KM365Error:
    """What a status means for the message that was to be sent."""
    if status >= 500:
        return DeliveryUnknown(f"Teams answered {status}: the message may have arrived.")
    known: dict[int, KM365Error] = {
        401: NotSent(
            "Teams did not accept the bot's own sign-in (401): check bot_app_id and its secret.",
            retry_after_s=_SIGN_IN_AGAIN_S,
        ),
        403: Unreachable(BLOCKED),
        404: ConversationGone("The conversation does not exist any more (404)."),
        413: TooLarge("The message is larger than Teams takes (413)."),
    }
    return known.get(status) or SendRefused(f"Teams refused the message ({status}).")


def _retry_after_s(header: str | None) -> float | None:
    """Seconds out of a Retry-After header, which is a number or a date; None if it is neither.

    Whatever it says nobody is made to wait longer than an hour: then Teams is asked again.
    """
    if not header:
        return None
    if header.strip().isdecimal():
        return min(float(header), _LONGEST_PAUSE_S)
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        wait_s = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        return min(max(0.0, wait_s), _LONGEST_PAUSE_S)
    return None


def _back_off(attempt: int) -> float:
    """Exponential with full jitter: 1 s, 2 s, 4 s at most."""
    return random.SystemRandom().uniform(0.2, 1.0) * 2.0 ** (attempt - 1)


def _object(body: bytes) -> Json:
    try:
        value = orjson.loads(body) if body else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


async def _no_token() -> None:
    return None


@asynccontextmanager
async def bot_token(settings: Settings) -> AsyncIterator[Token]:
    """The bot's own sign-in, by azure-identity: Bot Framework's MSAL calls stop the event loop."""
    if not settings.bot_app_id:
        yield _no_token
        return
    async with bot_credential(settings) as credential:
        yield token_of(credential)


def token_of(credential: "BotCredential") -> Token:
    """The credential's tokens for the Bot Connector; failing to get one raises NotSent."""
    from azure.core.exceptions import AzureError  # noqa: PLC0415  as above

    async def token() -> str | None:
        try:
            return (await credential.get_token(_SCOPE)).token
        except AzureError as error:
            raise NotSent(
                f"The bot could not sign in ({type(error).__name__}): check bot_app_id and its secret, "
                "certificate or managed identity.",
                retry_after_s=_SIGN_IN_AGAIN_S,
            ) from None

    return token


def bot_credential(
    settings: Settings, *, transport: "AsyncHttpTransport[Any, Any] | None" = None
) -> "BotCredential":
    """The bot's secret or certificate (an app of one directory), else the user-assigned managed identity.

    `transport` replaces how azure-identity reaches Entra ID. Raises SettingsError for a certificate that
    cannot be read.
    """
    from azure.identity.aio import (  # noqa: PLC0415  costs half a second, and a laptop without sign-in need not pay it
        CertificateCredential,
        ClientSecretCredential,
        ManagedIdentityCredential,
    )

    way: dict[str, Any] = {} if transport is None else {"transport": transport}
    tenant_id, app_id = settings.tenant_id, settings.bot_app_id
    if settings.bot_app_secret:
        return ClientSecretCredential(tenant_id, app_id, settings.bot_app_secret, **way)
    if path := settings.bot_app_certificate:
        try:
            return CertificateCredential(tenant_id, app_id, certificate_path=path, **way)
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"bot_app_certificate: {path} is no certificate with its key ({type(error).__name__})."
            ) from None
    return ManagedIdentityCredential(client_id=app_id, **way)


@asynccontextmanager
async def open_connector(
    token: Token, pace: Pace, *, account: Account | None = None, through_proxy: bool = False
) -> AsyncIterator[Connector]:
    """A connector with its pooled session; leaving closes every connection.

    `account` is what it shares with other processes; without, it takes itself to be alone.
    """
    timeout = aiohttp.ClientTimeout(total=pace.timeout_s, sock_connect=min(5.0, pace.timeout_s))
    pool = aiohttp.TCPConnector(limit=96, limit_per_host=64)
    headers: Mapping[str, str] = {"User-Agent": "km365-bot", "Accept": "application/json"}
    async with aiohttp.ClientSession(
        connector=pool,
        timeout=timeout,
        headers=headers,
        trust_env=through_proxy,
    ) as session:
        yield Connector(session=session, token=token, governor=Governor(pace, account=account))
