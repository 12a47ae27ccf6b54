"""The Bot Framework's part of a turn: who may call, and its adapter around each turn.

This is the only file that knows botbuilder (4.17.1, unsupported since 2025), so that another SDK can take
its place. Its defects are worked round here: signing keys are fetched without stopping the event loop, with
a time-out, and kept; an unknown key or a malformed token is a refusal and not a crash; activities are read by
`activities.py` (botbuilder's own reader loses the tenant and fails on odd input); an invoke's answer is
JSON of ours (botbuilder serialises it twice and answers 500); no state is kept in its MemoryStorage; and
replies leave through `connector.py`, not through a client and a thread per send.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp import web
from botbuilder.core import CloudAdapterBase, TurnContext
from botbuilder.integration.aiohttp import ConfigurationBotFrameworkAuthentication
from botbuilder.schema import Activity, ChannelAccount, ConversationAccount
from botframework.connector.auth import (
    AuthenticateRequestResult,
    AuthenticationConstants,
    ClaimsIdentity,
    ConnectorFactory,
    JwtTokenExtractor,
    ServiceClientCredentialsFactory,
)
from jwt.algorithms import RSAAlgorithm

from km365.errors import KM365Error, NotAvailable
from km365_bots.activities import Incoming, Malformed, read_activity
from km365_bots.connector import SendRefused, check_service_url
from km365_bots.turn import Turns

_log = logging.getLogger("km365.bots.host")

_FRESH_S = 24 * 3600.0
_ASK_AGAIN_S = 300.0
"""An unknown key makes us fetch the list again, but not more often than this, whatever callers send."""
_BELIEVED_S = 300.0
"""A key that the channel withdraws is believed no longer than this."""
_MOST_BELIEVED = 100


class SignInUnavailable(KM365Error):
    """The signing keys cannot be fetched, so no caller can be told from a forger."""


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """Whom the bot believes. Without `app_id` nobody signs in, and the bot serves this machine only."""

    app_id: str = ""
    tenants: frozenset[str] = frozenset()
    """Directory ids whose people may use the bot; empty means any, which only suits this machine."""
    issuer: str = AuthenticationConstants.TO_BOT_FROM_CHANNEL_TOKEN_ISSUER
    keys_url: str = AuthenticationConstants.TO_BOT_FROM_CHANNEL_OPENID_METADATA_URL

    @property
    def required(self) -> bool:
        """Whether callers must sign in."""
        return bool(self.app_id)


@dataclass(frozen=True, kw_only=True)
class _Key:
    public_key: Any
    endorsements: list[str]


class SigningKeys:
    """The channel's public keys, as `JwtTokenExtractor` asks for them; fetched anew after a day."""

    def __init__(
        self, url: str, *, timeout_s: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._clock = clock
        self._keys: dict[str, _Key] = {}
        self._fetched_at: float | None = None
        self._fetching = asyncio.Lock()

    async def get(self, key_id: str | None) -> _Key:
        """The key of that id. Raises PermissionError if there is none, SignInUnavailable if unknown."""
        if self._older_than(_FRESH_S) or (key_id not in self._keys and self._older_than(_ASK_AGAIN_S)):
            await self._refresh(key_id)
        key = self._keys.get(key_id or "")
        if key is None:
            raise PermissionError("The token is signed with a key that the channel does not have.")
        return key

    def _older_than(self, seconds: float) -> bool:
        return self._fetched_at is None or self._clock() - self._fetched_at >= seconds

    async def _refresh(self, key_id: str | None) -> None:
        async with self._fetching:
            if not self._older_than(_ASK_AGAIN_S):
                return
            try:
                self._keys = await self._fetch()
            except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
                if key_id not in self._keys:
                    raise SignInUnavailable(
                        f"The channel's signing keys could not be fetched ({type(error).__name__})."
                    ) from None
                _log.warning(
                    "Signing keys could not be refreshed (%s); the known ones stay.", type(error).__name__
                )
            self._fetched_at = self._clock()

    async def _fetch(self) -> dict[str, _Key]:
        """The keys that vouch for at least one channel: botbuilder lets every channel use the others."""
        timeout = aiohttp.ClientTimeout(total=self._timeout_s)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True, raise_for_status=True) as session:
            async with session.get(self._url) as response:
                keys_url = (await response.json(content_type=None))["jwks_uri"]
            async with session.get(keys_url) as response:
                listed = (await response.json(content_type=None))["keys"]
        return {
            key["kid"]: _Key(
                public_key=RSAAlgorithm.from_jwk(json.dumps(key)), endorsements=key["endorsements"]
            )
            for key in listed
            if key.get("kty") == "RSA" and "kid" in key and key.get("endorsements")
        }


class _OurApp(ServiceClientCredentialsFactory):  # type: ignore[misc]  # botbuilder has no types
    """Tells the Bot Framework which application id is ours. It never needs our secret: see connector.py."""

    def __init__(self, app_id: str) -> None:
        self._app_id = app_id

    async def is_valid_app_id(self, app_id: str) -> bool:
        return bool(app_id) and app_id == self._app_id

    async def is_authentication_disabled(self) -> bool:
        return not self._app_id

    async def create_credentials(
        self, app_id: str, oauth_scope: str, login_endpoint: str, validate_authority: bool
    ) -> Any:
        raise NotAvailable("The bot signs in through azure-identity (connector.py), not the Bot Framework.")


class _Kept(ConnectorFactory):  # type: ignore[misc]  # botbuilder has no types
    """Gives every turn the same pooled connector: a new client a turn was a third of the turn's cost."""

    def __init__(self, connector: object) -> None:
        self._connector = connector

    async def create(self, service_url: str, audience: str) -> Any:
        return self._connector


class Authentication(ConfigurationBotFrameworkAuthentication):  # type: ignore[misc]  # botbuilder has no types
    """Bot Framework's validation with our keys, our connector and no token client, which we never use."""

    def __init__(self, sign_in: SignIn, connector: object) -> None:
        self._sign_in = sign_in
        self._factory = _Kept(connector)
        self._believed: dict[tuple[str | None, str, str], tuple[float, AuthenticateRequestResult]] = {}
        if sign_in.required:
            JwtTokenExtractor.metadataCache[sign_in.keys_url] = SigningKeys(sign_in.keys_url)
        super().__init__(
            SimpleNamespace(
                VALIDATE_AUTHORITY=True,
                TO_CHANNEL_FROM_BOT_OAUTH_SCOPE=AuthenticationConstants.TO_CHANNEL_FROM_BOT_OAUTH_SCOPE,
                TO_BOT_FROM_CHANNEL_TOKEN_ISSUER=sign_in.issuer,
                TO_BOT_FROM_CHANNEL_OPENID_METADATA_URL=sign_in.keys_url,
                TO_BOT_FROM_EMULATOR_OPENID_METADATA_URL=sign_in.keys_url,
            ),
            credentials_factory=_OurApp(sign_in.app_id),
        )

    async def authenticate_request(
        self, activity: Activity, auth_header: str | None
    ) -> AuthenticateRequestResult:
        """Who calls. Raises PermissionError for every bad token, SignInUnavailable without keys.

        Teams uses a token for an hour and botbuilder reads one four times over, so what was believed of a
        channel and service is believed for a few minutes more, though never longer than the token lasts.
        """
        said = (auth_header, activity.channel_id, activity.service_url)
        kept = self._believed.get(said)
        if kept is not None and time.time() < kept[0]:
            return copy(kept[1])
        result = await self._looked_at(activity, auth_header)
        if self._sign_in.required:
            if len(self._believed) >= _MOST_BELIEVED:
                self._believed.clear()
            ends = float(result.claims_identity.get_claim_value("exp") or 0)
            self._believed[said] = min(ends, time.time() + _BELIEVED_S), copy(result)
        return result

    async def _looked_at(self, activity: Activity, auth_header: str | None) -> AuthenticateRequestResult:
        try:
            result = await super().authenticate_request(
                activity, auth_header if self._sign_in.required else None
            )
        except (PermissionError, SignInUnavailable):
            raise
        except (
            Exception
        ) as error:  # PyJWT's errors, bare Exceptions and AttributeErrors all mean "not believed"
            raise PermissionError(f"The token was not accepted ({type(error).__name__}).") from None
        result.connector_factory = self._factory
        return result

    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> None:
        """None: signing people in to third services is not something km365 does, and the client is costly."""
        return


class _Adapter(CloudAdapterBase):  # type: ignore[misc]  # botbuilder has no types
    """Runs turns. `CloudAdapter`'s own HTTP part is left out: it answers 500 to bad input and to invokes."""

    async def send_activities(self, context: TurnContext, activities: list[Activity]) -> list[Any]:
        """Refused: botbuilder's client neither pools, paces nor retries."""
        raise NotAvailable("Replies leave through km365_bots.connector, not through the turn context.")


class Host:
    """Answers POST /api/messages."""

    def __init__(self, *, sign_in: SignIn, turns: Turns, connector: object) -> None:
        self._sign_in = sign_in
        self._turns = turns
        self._authentication = Authentication(sign_in, connector)
        self._adapter = _Adapter(self._authentication)

    async def messages(self, request: web.Request) -> web.Response:
        """202 (an invoke: 200 and a card) when the activity is safe with us, 4xx when it is refused.

        503 when the channel's signing keys cannot be had, so that nobody can be believed.
        """
        try:
            incoming = read_activity(await request.read())
            check_service_url(incoming.service_url, signed_in=self._sign_in.required)
        except (Malformed, SendRefused) as error:
            return _refusal(400, str(error))
        activity = _activity(incoming)
        try:
            caller = await self._authentication.authenticate_request(
                activity, request.headers.get("Authorization", "")
            )
        except PermissionError as error:
            _log.warning("A caller was refused: %s", error)
            return _refusal(401, "Sign in with the Bot Framework's token for this bot.")
        except SignInUnavailable as error:
            _log.error("%s", error)
            return _refusal(503, str(error))
        if self._sign_in.tenants and incoming.tenant_id not in self._sign_in.tenants:
            _log.warning("An activity of a foreign tenant was refused.")
            return _refusal(403, "This bot serves another organisation.")

        async def frame(logic: Callable[[], Awaitable[None]]) -> None:
            async def callback(_: TurnContext) -> None:
                await logic()

            await self._adapter.process_activity(caller, activity, callback)

        answer = await self._turns.take(incoming, frame)
        if answer.body is None:
            return web.Response(status=answer.status)
        return web.json_response(answer.body, status=answer.status, dumps=_compact)


def _activity(incoming: Incoming) -> Activity:
    """What botbuilder needs to validate the caller and run a turn, built from checked parts."""
    return Activity(
        type=incoming.type,
        id=incoming.activity_id or None,
        channel_id=incoming.channel_id,
        service_url=incoming.claimed_service_url,
        conversation=ConversationAccount(id=incoming.conversation_id),
        from_property=ChannelAccount(id=incoming.sender_id, aad_object_id=incoming.person_id or None),
        recipient=ChannelAccount(id=incoming.bot_id),
        channel_data={"tenant": {"id": incoming.tenant_id}},
    )


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _refusal(status: int, why: str) -> web.Response:
    return web.json_response({"error": {"code": str(status), "message": why}}, status=status)
