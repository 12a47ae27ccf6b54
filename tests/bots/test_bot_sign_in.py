"""The bot's own sign-in, as azure-identity does it over HTTP: secret, certificate, managed identity."""

import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from aiohttp import web
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import AioHttpTransport
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from km365_bots.connector import NotSent, bot_credential, bot_token, open_connector, token_of
from km365_bots.pacing import Pace

from km365.errors import SettingsError
from km365.settings import Settings, read

from .fake_connector import fake_connector
from .serving import APP_ID, site

TENANT = "11111111-0000-4000-8000-000000000001"
SCOPE = "https://api.botframework.com/.default"


@dataclass
class Asked:
    """A request for a token."""

    host: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    metadata: str | None


@dataclass
class EntraId:
    """Everything that gives tokens: Entra ID, and the metadata service of a machine in Azure."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    refuses: bool = False

    async def answer(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        host = request.headers["X-Meant-For"]
        metadata = request.headers.get("Metadata")
        self.asked.append(Asked(host, request.path, dict(request.query), form, metadata))
        if self.refuses:
            error = {"error": "invalid_client", "error_description": "AADSTS7000215: invalid client secret"}
            return web.json_response(error, status=401)
        token = {"token_type": "Bearer", "access_token": "a-token", "expires_in": 3599, "resource": "r"}
        return web.json_response(token)


class ToOurs(AioHttpTransport):
    """azure-identity speaks https to Microsoft's hosts only; this carries it to our server."""

    def __init__(self, entra: EntraId) -> None:
        super().__init__()
        self._entra = entra

    async def send(self, request: Any, **options: Any) -> Any:
        parts = urlsplit(request.url)
        request.headers["X-Meant-For"] = parts.netloc
        request.url = request.url.replace(f"{parts.scheme}://{parts.netloc}", self._entra.url, 1)
        return await super().send(request, **options)


@pytest.fixture
async def entra() -> AsyncIterator[EntraId]:
    place = EntraId()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", place.answer)
    async with site(app) as url:
        place.url = url
        yield place


async def token_with(entra: EntraId, **settings: str) -> str:
    chosen = Settings(bot_app_id=APP_ID, tenant_id=TENANT, **settings)
    async with bot_credential(chosen, transport=ToOurs(entra)) as credential:
        return await token_of(credential)()


async def test_a_secret_signs_the_bot_in_to_its_one_directory(entra: EntraId):
    assert await token_with(entra, bot_app_secret="s3cret") == "a-token"
    [asked] = [one for one in entra.asked if one.path.endswith("/token")]
    assert (asked.host, asked.path) == ("login.microsoftonline.com", f"/{TENANT}/oauth2/v2.0/token")
    assert asked.form["grant_type"] == "client_credentials"
    assert (asked.form["client_id"], asked.form["client_secret"]) == (APP_ID, "s3cret")
    assert asked.form["scope"] == SCOPE


async def test_a_certificate_signs_the_bot_in_and_no_secret_travels(entra: EntraId, tmp_path: Path):
    path, key, made = certificate(tmp_path)
    assert await token_with(entra, bot_app_certificate=str(path)) == "a-token"
    [asked] = [one for one in entra.asked if one.path.endswith("/token")]
    assert asked.path == f"/{TENANT}/oauth2/v2.0/token"
    assert "client_secret" not in asked.form
    assertion = asked.form["client_assertion"]
    audience = f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
    claims = jwt.decode(assertion, key.public_key(), algorithms=["RS256", "PS256"], audience=audience)
    assert (claims["iss"], claims["sub"]) == (APP_ID, APP_ID)
    digest = hashlib.sha256(made.public_bytes(Encoding.DER)).digest()
    assert jwt.get_unverified_header(assertion)["x5t#S256"] == base64.urlsafe_b64encode(digest).decode()


async def test_in_azure_the_managed_identity_of_that_app_signs_in_without_any_secret(
    entra: EntraId, monkeypatch
):
    for name in ("IDENTITY_ENDPOINT", "MSI_ENDPOINT", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert await token_with(entra) == "a-token"
    asked = entra.asked[-1]
    assert (asked.host, asked.path) == ("169.254.169.254", "/metadata/identity/oauth2/token")
    assert asked.query["resource"] == "https://api.botframework.com"
    assert asked.query["client_id"] == APP_ID
    assert asked.metadata == "true"


async def test_a_token_is_asked_for_once(entra: EntraId):
    chosen = Settings(bot_app_id=APP_ID, tenant_id=TENANT, bot_app_secret="s3cret")
    async with bot_credential(chosen, transport=ToOurs(entra)) as credential:
        token = token_of(credential)
        assert [await token() for _ in range(3)] == ["a-token"] * 3
    assert len([one for one in entra.asked if one.path.endswith("/token")]) == 1


async def test_what_entra_id_refuses_is_not_sent_and_names_no_secret(entra: EntraId):
    entra.refuses = True
    with pytest.raises(NotSent, match="bot_app_id") as refusal:
        await token_with(entra, bot_app_secret="s3cret")
    assert "s3cret" not in str(refusal.value)


async def test_without_an_app_id_there_is_no_token():
    async with bot_token(Settings()) as token:
        assert await token() is None


async def test_a_bot_that_cannot_sign_in_has_sent_nothing():
    class Refused:
        async def get_token(self, *scopes: str) -> None:
            raise ClientAuthenticationError("AADSTS7000215")

    async with fake_connector() as teams, open_connector(token_of(Refused()), Pace()) as connector:
        with pytest.raises(NotSent, match="bot_app_id"):
            await connector.send(teams.url, "c", {"type": "message", "text": "hello"}, tenant_id="t")
        assert teams.calls == []


def test_a_certificate_that_is_none_is_named():
    with pytest.raises(SettingsError, match=r"bot_app_certificate: /nowhere\.pem"):
        bot_credential(Settings(bot_app_id="b", tenant_id="t", bot_app_certificate="/nowhere.pem"))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"KM365_BOT_APP_ID": APP_ID}, "tenant_id"),
        (
            {
                "KM365_BOT_APP_ID": APP_ID,
                "KM365_TENANT_ID": TENANT,
                "KM365_BOT_APP_SECRET": "s",
                "KM365_BOT_APP_CERTIFICATE": "c.pem",
            },
            "bot_app_certificate",
        ),
        ({"KM365_TEAMS_SENDS_PER_SECOND": "0"}, "KM365_TEAMS_SENDS_PER_SECOND"),
        ({"KM365_TEAMS_SENDS_PER_CONVERSATION": "7/1,often"}, "'often'"),
        ({"KM365_TEAMS_SENDS_PER_CONVERSATION": "0/1"}, "'0/1'"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_by_name(given, named, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=named):
        read(environment=given)


def certificate(folder: Path) -> tuple[Path, rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "km365")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path, key, made
