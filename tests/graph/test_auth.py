"""Signing in: each kind of credential, and where a token may go."""

import datetime as dt
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from km365.errors import Forbidden, GraphUnreachable, SettingsError
from km365.graph.auth import (
    LocalCredential,
    Token,
    TokenSource,
    cloud_of,
    tenant_credential,
)
from km365.graph.client import Graph
from km365.graph.pacing import Limits
from km365.local.server import M365
from tests.graph.conftest import StaticCredential, Time

TENANT = "00000000-0000-0000-0000-00000000000a"
GLOBAL = "https://graph.microsoft.com/v1.0"
SCOPE = "https://graph.microsoft.com/.default"


@pytest.mark.parametrize(
    ("url", "scope", "authority"),
    [
        (GLOBAL, SCOPE, "login.microsoftonline.com"),
        (
            "https://graph.microsoft.us/v1.0",
            "https://graph.microsoft.us/.default",
            "login.microsoftonline.us",
        ),
        (
            "https://dod-graph.microsoft.us/v1.0",
            "https://dod-graph.microsoft.us/.default",
            "login.microsoftonline.us",
        ),
        (
            "https://microsoftgraph.chinacloudapi.cn/v1.0",
            "https://microsoftgraph.chinacloudapi.cn/.default",
            "login.chinacloudapi.cn",
        ),
        ("http://127.0.0.1:8365/v1.0", SCOPE, "login.microsoftonline.com"),
        ("http://[::1]:8365/v1.0", SCOPE, "login.microsoftonline.com"),
    ],
)
def test_each_cloud_has_its_scope_and_its_sign_in(url: str, scope: str, authority: str) -> None:
    """For the local server too the scope is Graph's: the SDK alone would ask for http://127.0.0.1/.default."""
    assert (cloud_of(url).scope, cloud_of(url).authority) == (scope, authority)


@pytest.mark.parametrize(
    "url",
    [
        "http://graph.microsoft.com/v1.0",
        "http://192.168.1.7:8365/v1.0",
        "https://graph.microsoft.com.evil.example/v1.0",
        "https://graph.example/v1.0",
        "ftp://127.0.0.1/v1.0",
    ],
)
async def test_other_addresses_are_refused_by_name(url: str) -> None:
    with pytest.raises(SettingsError, match=r"graph\.microsoft\.com"):
        Graph(base_url=url, credential=StaticCredential(), limits=Limits.for_licences(1))


async def test_the_local_credential_stays_on_this_machine() -> None:
    with pytest.raises(SettingsError, match="this machine only"):
        LocalCredential("https://graph.microsoft.com/v1.0")


async def test_local_tokens_are_accepted_where_only_the_server_s_own_are(m365: M365) -> None:
    with m365.state.tx():
        m365.state.remember("strict_tokens", True)
    for credential, welcome in (
        (LocalCredential(m365.graph_url), True),
        (StaticCredential("made-up"), False),
    ):
        graph = Graph(base_url=m365.graph_url, credential=credential, limits=Limits.for_licences(1))
        if welcome:
            assert "value" in await graph.get("/users")
        else:
            with pytest.raises(Forbidden, match="sign-in"):
                await graph.get("/users")
        await graph.aclose()


async def test_a_token_that_ends_is_renewed_in_time(m365: M365, time: Time) -> None:
    class Hourly(StaticCredential):
        given = 0

        async def get_token(self, *scopes: str, **kwargs: object) -> Token:
            assert scopes == (SCOPE,)
            self.given += 1
            return Token(f"token {self.given}", int(time.now) + 3600)

    source = TokenSource(Hourly(), scope=SCOPE, clock=time)
    assert [await source.bearer() for _ in range(3)] == ["token 1"] * 3
    time.now += 3600 - 301
    assert await source.bearer() == "token 1"
    time.now += 2
    assert await source.bearer() == "token 2"
    assert await source.bearer(claims='{"a":1}') == "token 3"


@dataclass
class Entra:
    """A sign-in service over https that remembers what it was asked."""

    authority: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    refusal: str = ""

    async def token(self, request: web.Request) -> web.Response:
        form = {key: value[0] for key, value in parse_qs((await request.read()).decode()).items()}
        self.asked.append({**form, "path": request.path})
        if self.refusal:
            told = {
                "error": "invalid_client",
                "error_description": f"{self.refusal}: for jane@agency.example",
            }
            return web.json_response(told, status=401)
        return web.json_response({"token_type": "Bearer", "expires_in": 3599, "access_token": "from entra"})


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost that is its own authority."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("pem") / "app.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
async def entra(pem: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Entra]:
    given = Entra()
    app = web.Application()
    app.router.add_post("/{tenant}/oauth2/v2.0/token", given.token)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pem)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    given.authority = f"https://localhost:{runner.addresses[0][1]}"
    # what SSL_CERT_FILE does for a process that is started with it: aiohttp reads it when imported
    trusting = ssl.create_default_context(cafile=str(pem))
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)
    yield given
    await runner.cleanup()


async def test_a_secret_signs_the_app_in(entra: Entra) -> None:
    credential = tenant_credential(
        base_url=GLOBAL,
        tenant_id=TENANT,
        client_id="app",
        client_secret="s3cret",
        authority=entra.authority,
    )
    source = TokenSource(credential, scope=SCOPE)
    assert await source.bearer() == "from entra"
    assert (await source.get_token("ignored")).token == "from entra"
    await source.close()
    [asked] = entra.asked
    assert asked["path"] == f"/{TENANT}/oauth2/v2.0/token"
    assert (asked["scope"], asked["client_id"], asked["client_secret"]) == (SCOPE, "app", "s3cret")


async def test_a_certificate_signs_the_app_in_and_wins_over_a_secret(entra: Entra, pem: Path) -> None:
    credential = tenant_credential(
        base_url=GLOBAL,
        tenant_id=TENANT,
        client_id="app",
        certificate_path=str(pem),
        client_secret="unused",
        authority=entra.authority,
    )
    source = TokenSource(credential, scope=SCOPE)
    assert await source.bearer() == "from entra"
    await source.close()
    assert "client_assertion" in entra.asked[0] and "client_secret" not in entra.asked[0]


async def test_entra_s_refusal_keeps_its_code_and_none_of_its_words(entra: Entra) -> None:
    entra.refusal = "AADSTS7000215: Invalid client secret provided"
    credential = tenant_credential(
        base_url=GLOBAL,
        tenant_id=TENANT,
        client_id="app",
        client_secret="s3cret",
        authority=entra.authority,
    )
    source = TokenSource(credential, scope=SCOPE)
    with pytest.raises(Forbidden, match="AADSTS7000215") as caught:
        await source.bearer()
    await source.close()
    assert "jane" not in str(caught.value) and "s3cret" not in str(caught.value)


async def test_the_machine_s_own_identity_signs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def identity(request: web.Request) -> web.Response:
        asked.append((request.query["resource"], request.query.get("client_id"), dict(request.headers)))
        return web.Response(
            text=json.dumps(
                {
                    "access_token": "from the machine",
                    "expires_on": "4000000000",
                    "resource": request.query["resource"],
                    "token_type": "Bearer",
                }
            ),
            content_type="application/json",
        )

    app = web.Application()
    app.router.add_get("/msi", identity)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{runner.addresses[0][1]}/msi")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    credential = tenant_credential(base_url=GLOBAL, client_id="mine", managed_identity=True)
    source = TokenSource(credential, scope=SCOPE)
    assert await source.bearer() == "from the machine"
    await source.close()
    await runner.cleanup()
    assert asked[0][:2] == ("https://graph.microsoft.com", "mine")


async def test_without_settings_the_default_chain_is_used() -> None:
    credential = tenant_credential(base_url="https://graph.microsoft.us/v1.0", client_id="mine")
    assert type(credential).__name__ == "DefaultAzureCredential"
    await credential.close()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"client_secret": "s"}, "tenant_id and client_id"),
        ({"client_secret": "s", "tenant_id": TENANT}, "client_id"),
        ({"certificate_path": "/none.pem", "tenant_id": TENANT, "client_id": "a"}, "cannot be read"),
        ({"certificate_path": __file__, "tenant_id": TENANT, "client_id": "a"}, "cannot be used"),
        ({"client_secret": "s", "tenant_id": "no/tenant", "client_id": "a"}, "cannot be used"),
    ],
)
def test_settings_that_cannot_sign_in_are_refused_by_name(settings: dict[str, str], why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        tenant_credential(base_url=GLOBAL, **settings)


async def test_a_missing_local_server_is_told(unused_tcp_port: int) -> None:
    with pytest.raises(GraphUnreachable, match="km365 up"):
        await LocalCredential(f"http://127.0.0.1:{unused_tcp_port}/v1.0").get_token()
