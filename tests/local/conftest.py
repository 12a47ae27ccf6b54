"""A Graph client whose every answer is held against Microsoft's OpenAPI description."""

import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from azure.core.credentials import AccessToken
from jsonschema import Draft202012Validator, FormatChecker

from km365.graph.certificates import trusted
from km365.local import sites
from km365.local.server import M365

DESCRIPTION = json.loads((Path(__file__).parents[1] / "data" / "openapi-responses.json").read_text("utf-8"))
SCHEMAS = DESCRIPTION["components"]["schemas"]

# JSON Schema wants an offset in a "time"; Graph's times of day have none ("08:00:00.0000000").
FORMATS = FormatChecker(FormatChecker.checkers.keys() - {"time"})

Conforms = Callable[[Any, str], None]


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Every path of the description as a pattern, the most literal first."""
    paths = sorted(DESCRIPTION["paths"], key=lambda p: -len(re.sub(r"\{[^}]*\}", "", p)))
    return [(re.compile(_pattern(p), re.IGNORECASE), p) for p in paths]


def _pattern(path: str) -> str:
    text = ""
    for part in re.split(r"(\{[^}]*\})", path.removesuffix("()")):
        if part in ("{item-path}", "{server-relative-path}", "{path}", "{filename}"):
            text += ".+?"
        else:
            text += "[^/]*[^/:]" if part.startswith("{") else re.escape(part)
    return text + r"(\(\))?"


def schema_of(verb: str, path: str, status: int) -> dict[str, Any] | None:
    """The schema of this answer; None where the description has no JSON there. Fails for an unknown path."""
    for pattern, name in _patterns():
        if pattern.fullmatch(path):
            answers = DESCRIPTION["paths"][name].get(verb.lower())
            assert answers is not None, f"{verb} {name} is not in the OpenAPI description"
            return answers.get(str(status)) or (answers.get("default") if status >= 400 else None)
    raise AssertionError(f"{path} is not in the OpenAPI description")


@cache
def _validator(schema: str) -> Draft202012Validator:
    whole = {**json.loads(schema), "components": DESCRIPTION["components"]}
    return Draft202012Validator(whole, format_checker=FORMATS)


def check(value: Any, schema: dict[str, Any]) -> None:
    """Fail unless `value` fits the schema and has no property that the schema does not know."""
    errors = [f"{e.json_path}: {e.message[:300]}" for e in _validator(json.dumps(schema)).iter_errors(value)]
    errors += [f"{where}: no such property" for where in _unknown(value, schema, "$")]
    assert not errors, "\n".join(errors)


def _unknown(value: Any, schema: dict[str, Any], where: str) -> Iterator[str]:
    if isinstance(value, dict):
        properties, is_open = _properties(schema)
        for name, inner in value.items():
            if name in properties:
                yield from _unknown(inner, properties[name], f"{where}.{name}")
            elif properties and not is_open and "@" not in name:
                yield f"{where}.{name}"
    elif isinstance(value, list):
        items = next((s["items"] for s in _flat(schema) if "items" in s), {})
        for number, inner in enumerate(value):
            yield from _unknown(inner, items, f"{where}[{number}]")


def _properties(schema: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    found: dict[str, Any] = {}
    is_open = False
    for part in _flat(schema):
        found |= part.get("properties", {})
        is_open = is_open or bool(part.get("additionalProperties"))
    return found, is_open


def _flat(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema and everything it is put together from."""
    if "$ref" in schema:
        yield from _flat(SCHEMAS[schema["$ref"].rsplit("/", 1)[-1]])
    yield schema
    for key in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(key, ()):
            yield from _flat(part)


def check_answer(verb: str, path: str, status: int, body: Any) -> None:
    """Fail unless this answer of Graph is as described; `body` is None where there is no JSON."""
    assert status != 500, f"{verb} {path} failed"
    if status == 501:  # what the server does not know may well be unknown to the description
        return
    path = re.sub(r"^/sites/[^/:]+:/.+?:/", "/sites/addressed/", path)
    schema = schema_of(verb, path, status)
    if body is None:
        assert status < 400, f"{verb} {path}: an error without a body"
    else:
        assert schema is not None, f"{verb} {path}: a body where none is described"
        check(body, schema)


async def check_response(response: httpx.Response) -> None:
    """An httpx hook: the answer, and every answer inside a batch, must be as the description has it."""
    request = response.request
    path = unquote(request.url.raw_path.decode()).partition("?")[0]
    if not path.startswith("/v1.0/"):
        return
    await response.aread()
    is_json = response.headers.get("Content-Type", "").startswith("application/json") and response.content
    body = response.json() if is_json else None
    check_answer(request.method, path.removeprefix("/v1.0"), response.status_code, body)
    if path.endswith("/$batch") and response.status_code == 200:
        asked = {r["id"]: r for r in json.loads(request.content)["requests"]}
        for inner in body["responses"]:
            url = "/" + unquote(asked[inner["id"]]["url"].partition("?")[0]).lstrip("/")
            inner_body = inner.get("body") if "json" in inner["headers"].get("Content-Type", "") else None
            if inner["status"] != 424:
                check_answer(asked[inner["id"]]["method"], url, inner["status"], inner_body)


@pytest.fixture
def conforms() -> Conforms:
    """`conforms(json, "microsoft.graph.listItem")` fails unless the value fits the schema of that name."""

    def against(value: Any, name: str) -> None:
        check(value, {"$ref": f"#/components/schemas/{name}"})

    return against


@pytest.fixture
async def graph(m365: M365) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one's own server; every Graph answer is checked against the OpenAPI description."""
    async with httpx.AsyncClient(
        verify=trusted(),
        base_url=m365.graph_url,
        headers={"Authorization": "Bearer anything"},
        event_hooks={"response": [check_response]},
    ) as client:
        yield client


@pytest.fixture
def site(m365: M365) -> str:
    """The id of the knowledge site."""
    return sites.create(m365.state, "/sites/knowledge", "Knowledge")


@pytest.fixture
def quirks(m365: M365) -> Callable[..., Any]:
    """`await quirks("open_file", name="*.docx")` switches one on, as a person would through `/_local/`."""

    async def switch(name: str, /, **settings: Any) -> None:
        async with httpx.AsyncClient(verify=trusted(), base_url=m365.base_url) as control:
            answer = await control.put(f"/_local/faults/{name}", json={"on": True, **settings})
            assert answer.status_code == 200, answer.text

    return switch


class StaticCredential:
    """A credential with a token that never ends."""

    async def get_token(self, *_scopes, **_more):
        return AccessToken("x", int(time.time()) + 3600)

    async def close(self):
        pass


@pytest.fixture
async def sdk(m365):
    """Microsoft's msgraph-sdk pointed at one's own server, on its own pipeline."""
    # Imported here: the SDK costs a second, which the other tests of this folder need not pay.
    from kiota_authentication_azure.azure_identity_authentication_provider import (
        AzureIdentityAuthenticationProvider,
    )
    from kiota_http.middleware.options import RetryHandlerOption
    from msgraph import GraphServiceClient
    from msgraph.graph_request_adapter import GraphRequestAdapter, options
    from msgraph_core import GraphClientFactory

    chosen = dict(options)
    chosen[RetryHandlerOption.get_key()] = RetryHandlerOption(delay=0, max_retries=3)
    # The factory wraps the client's transport in one that does not close it, so we do.
    async with httpx.AsyncHTTPTransport(verify=trusted()) as transport:
        plain = httpx.AsyncClient(transport=transport, timeout=60)
        pipeline = GraphClientFactory.create_with_default_middleware(options=chosen, client=plain)
        provider = AzureIdentityAuthenticationProvider(
            StaticCredential(), scopes=["https://graph.microsoft.com/.default"]
        )
        adapter = GraphRequestAdapter(provider, client=pipeline)
        adapter.base_url = m365.graph_url
        yield GraphServiceClient(request_adapter=adapter)
        await plain.aclose()
