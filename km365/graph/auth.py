"""Where our token for Graph comes from: the machine's identity, a certificate, a secret, or the local server.

Nothing of azure-identity is imported until a tenant's credential is built.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import httpx

from km365.errors import Forbidden, GraphUnreachable, SettingsError
from km365.graph.certificates import trusted
from km365.graph.wire import parse
from km365.settings import LOOPBACK

RENEW_BEFORE_S = 300
"""A token is renewed this long before it ends, as azure-identity does."""


class Token(NamedTuple):
    """A bearer token and when it ends, in seconds since 1970."""

    token: str
    expires_on: int


class AnyToken(Protocol):
    """What a credential returns: our `Token` or azure-core's `AccessToken`."""

    @property
    def token(self) -> str:
        """The bearer token itself."""
        ...

    @property
    def expires_on(self) -> int:
        """When it ends, in seconds since 1970."""
        ...


class Credential(Protocol):
    """Gives tokens; azure-identity's asynchronous credentials fit, and so do ours."""

    async def get_token(self, *scopes: str, **kwargs: Any) -> AnyToken:
        """A token for the scopes. `claims` asks for a new one that satisfies them."""
        ...

    async def close(self) -> None:
        """Lets go of connections."""
        ...


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """A Microsoft cloud: where Graph is, what to ask a token for, and who gives it."""

    graph: str
    authority: str

    @property
    def scope(self) -> str:
        """The scope of everything the app was granted."""
        return f"https://{self.graph}/.default"


CLOUDS = (
    Cloud(graph="graph.microsoft.com", authority="login.microsoftonline.com"),
    Cloud(graph="graph.microsoft.us", authority="login.microsoftonline.us"),
    Cloud(graph="dod-graph.microsoft.us", authority="login.microsoftonline.us"),
    Cloud(graph="microsoftgraph.chinacloudapi.cn", authority="login.chinacloudapi.cn"),
)
"""learn.microsoft.com/graph/deployments: global, US Government L4 and L5, China."""


def cloud_of(base_url: str) -> Cloud:
    """The cloud that a Graph address belongs to; this machine counts as the global one.

    Raises SettingsError, naming what it knows, for any other host and for plain http beyond this
    machine: a token sent there would be given away.
    """
    parts = urlsplit(base_url)
    host = (parts.hostname or "").lower()
    if parts.scheme in {"http", "https"} and host in LOOPBACK:
        return CLOUDS[0]
    known = ", ".join(cloud.graph for cloud in CLOUDS)
    if parts.scheme != "https":
        raise SettingsError(
            f"graph_url {parts.scheme}://{host} must be https; plain http is only for this machine "
            f"(127.0.0.1). Microsoft's own are {known}."
        )
    found = next((cloud for cloud in CLOUDS if cloud.graph == host), None)
    if found is None:
        raise SettingsError(f"graph_url names {host!r}, which is not a Microsoft Graph. Known: {known}.")
    return found


def tenant_credential(
    *,
    base_url: str,
    tenant_id: str = "",
    client_id: str = "",
    certificate_path: str = "",
    certificate_password: str = "",
    client_secret: str = "",
    managed_identity: bool = False,
    authority: str = "",
) -> Credential:
    """The credential of the app in Entra ID, from azure-identity.

    The first of these that is set: the machine's managed identity, a certificate, a secret; otherwise
    DefaultAzureCredential (environment, workload identity, managed identity, a signed-in developer).
    SharePoint's own REST accepts app-only calls with a certificate alone, so prefer one.
    `authority` replaces the cloud's sign-in host. Raises SettingsError when parts are missing.
    """
    from azure.identity import aio  # noqa: PLC0415  (only a tenant's sign-in pays for it)

    # its warnings quote Entra's answer, which may name people; what matters of it is in our errors
    logging.getLogger("azure.identity").setLevel(logging.CRITICAL)
    host = authority or cloud_of(base_url).authority
    if managed_identity:
        return aio.ManagedIdentityCredential(client_id=client_id or None)
    if certificate_path or client_secret:
        missing = [n for n, v in (("tenant_id", tenant_id), ("client_id", client_id)) if not v]
        if missing:
            raise SettingsError(f"Signing in as an app needs {' and '.join(missing)} too.")
    try:
        if certificate_path:
            return aio.CertificateCredential(
                tenant_id,
                client_id,
                certificate_path,
                password=certificate_password or None,
                authority=host,
            )
        if client_secret:
            return aio.ClientSecretCredential(tenant_id, client_id, client_secret, authority=host)
    except OSError as error:
        raise SettingsError(
            f"client_certificate {certificate_path} cannot be read ({type(error).__name__})."
        ) from None
    except (ValueError, TypeError) as error:
        what = f"client_certificate {certificate_path}" if certificate_path else "the tenant or client id"
        raise SettingsError(f"{what} cannot be used to sign in ({type(error).__name__}).") from None
    options: dict[str, Any] = {"authority": host}
    if client_id:
        options |= {"managed_identity_client_id": client_id, "workload_identity_client_id": client_id}
    return aio.DefaultAzureCredential(**options)


def granted(token: str) -> frozenset[str] | None:
    """The permissions that a token of Entra ID names; None where it tells none.

    Its signature is not looked at: it is our own, and only shown. Microsoft may change what is in it
    (learn.microsoft.com/entra/identity-platform/access-tokens), so nothing else may depend on it.
    """
    import jwt  # noqa: PLC0415 - 0.1 s, and `doctor` alone asks

    try:
        told = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return None
    roles, scopes = told.get("roles"), told.get("scp")
    named = roles if isinstance(roles, list) else []
    return frozenset(map(str, [*named, *(scopes.split() if isinstance(scopes, str) else [])]))


class LocalCredential:
    """Tokens of the small Microsoft 365, for an app or for the person using it; only on this machine."""

    def __init__(self, base_url: str, *, app: str = "km365", user: str | None = None) -> None:
        parts = urlsplit(base_url)
        if parts.hostname not in LOOPBACK:
            raise SettingsError(f"Local mode signs in on this machine only, not at {parts.hostname!r}.")
        self._address = f"{parts.scheme}://{parts.netloc}/_local/token"
        self._body = {"app": app} | ({"user": user} if user else {})

    async def get_token(self, *scopes: str, **kwargs: Any) -> AnyToken:
        """A new token. Raises GraphUnreachable when the server is not there, Forbidden when it says no."""
        try:
            async with httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=10) as http:
                answer = await http.post(self._address, json=self._body)
        except httpx.HTTPError:
            raise GraphUnreachable(
                f"Nothing answers at {self._address}; start the small Microsoft 365 with `km365 up`."
            ) from None
        if answer.status_code != 200:
            raise Forbidden(
                f"{self._address} gave no token (status {answer.status_code}).", status=answer.status_code
            )
        body = parse(answer.content)
        return Token(str(body["access_token"]), int(time.time()) + int(body["expires_in"]))

    async def close(self) -> None:
        """Nothing is open."""


class TokenSource:
    """A credential with one token kept for all calls, typed and plain alike; it fits `Credential` itself.

    azure-identity keeps tokens too, but asking it costs far more than a request should.
    """

    def __init__(self, credential: Credential, *, scope: str, clock: Callable[[], float] = time.time) -> None:
        self._credential = credential
        self._scope = scope
        self._clock = clock
        self._kept: AnyToken | None = None
        self._asking = asyncio.Lock()

    async def bearer(self, *, claims: str | None = None) -> str:
        """The token to send. `claims`, out of a 401, asks for a new one that satisfies them.

        Raises Forbidden when sign-in is refused, GraphUnreachable when nobody answers.
        """
        return (await self._current(claims)).token

    async def get_token(self, *scopes: str, **kwargs: Any) -> AnyToken:
        """The kept token as azure-core's own type, which the SDK insists on; scopes are always ours."""
        from azure.core.credentials import AccessToken  # noqa: PLC0415  (only the SDK needs it)

        token = await self._current(kwargs.get("claims"))
        return AccessToken(token.token, token.expires_on)

    async def close(self) -> None:
        """Closes the credential."""
        await self._credential.close()

    async def _current(self, claims: str | None) -> AnyToken:
        kept = self._kept
        if kept is not None and claims is None and kept.expires_on - self._clock() > RENEW_BEFORE_S:
            return kept
        async with self._asking:
            if self._kept is not kept and self._kept is not None:
                return self._kept  # somebody renewed it while we waited
            self._kept = await self._ask(claims)
            return self._kept

    async def _ask(self, claims: str | None) -> AnyToken:
        wanted: dict[str, Any] = {"enable_cae": True} | ({"claims": claims} if claims else {})
        try:
            return await self._credential.get_token(self._scope, **wanted)
        except Exception as error:
            raise _as_ours(error) from None


def _as_ours(error: Exception) -> Exception:
    """azure-identity's refusals as ours: Entra's code is kept, its text (which may hold names) is not."""
    if not type(error).__module__.startswith("azure."):
        return error
    found = re.search(r"AADSTS\d+", str(error))
    code = found.group() if found else type(error).__name__
    if type(error).__name__ in {"ServiceRequestError", "ServiceResponseError"}:
        return GraphUnreachable("The sign-in service of Entra ID does not answer; check the network.")
    return Forbidden(
        f"Entra ID did not sign us in ({code}). Check tenant_id, client_id and the certificate or secret "
        "with `km365 doctor`.",
        status=401,
        code=code,
    )
