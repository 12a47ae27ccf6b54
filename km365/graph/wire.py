"""Graph's JSON and addresses, turned into values and back. No network here."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from km365.core import json_text
from km365.errors import GraphError, InputRefused
from km365.settings import LOOPBACK

Json = dict[str, Any]
"""A JSON object as Graph sends it: not yet checked, not yet a value of ours."""


_PLAIN = re.compile(r"[\w.~!,-]+", re.ASCII)


def segment(value: str) -> str:
    """One path segment, percent-encoded; an id can never add a segment or a query of its own.

    Commas stay, because site ids are written `host,guid,guid`. Raises InputRefused for an empty value
    and for `.` and `..`, which every HTTP library would resolve away.
    """
    if value in {"", ".", ".."}:
        raise InputRefused(f"{value!r} cannot be part of a Graph address.")
    return value if _PLAIN.fullmatch(value) else quote(value, safe=",!")


def file_path(path: str) -> str:
    """A path inside a library, each segment percent-encoded; no leading or trailing slash, "" is the root."""
    return "/".join(segment(part) for part in path.split("/") if part)


def odata_text(value: str) -> str:
    """A text literal for `$filter`: in single quotes, quotes inside doubled."""
    return "'" + value.replace("'", "''") + "'"


def query(parameters: Mapping[str, str | int | None]) -> str:
    """The query string, without `?`: spaces as %20 (never `+`), `$` kept readable, None left out."""
    given = {key: value for key, value in parameters.items() if value is not None}
    if not given:
        return ""
    return urlencode(given, quote_via=quote, safe="$,'()/:@")


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address: two addresses of one origin may share a token."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port


def is_safe(url: str) -> bool:
    """Whether a token or a file may travel to this address: https, or plain http on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def parse(body: bytes) -> Json:
    """The JSON object in an answer; an empty body is an empty object.

    Raises GraphError when it is anything else (a proxy's sign-in page, most often).
    """
    if not body:
        return {}
    try:
        value = orjson.loads(body)
    except ValueError:
        value = _half_a_character(body)
    if not isinstance(value, dict):
        raise GraphError(
            "Graph's answer is not a JSON object; a proxy or a wrong address may be answering instead."
        )
    return value


def _half_a_character(body: bytes) -> Any:
    """The JSON of a text that was cut within a character, which is none for orjson; None for no JSON."""
    try:
        return json_text.loads(body.decode())
    except ValueError:
        return None


def dump(value: Json) -> bytes:
    """The JSON as it is sent."""
    return orjson.dumps(value)


def moment(value: Any) -> datetime | None:
    """An aware UTC datetime out of Graph's text, None where there is none.

    Directory dates of year 1 mean "not set" and come back as None.
    """
    if not isinstance(value, str) or not value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    if parsed.year == 1:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def moment_text(value: datetime) -> str:
    """A datetime as Graph writes it: UTC, whole seconds, `Z`."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def text(value: Any) -> str:
    """The text, or "" where Graph sent null or nothing."""
    return value if isinstance(value, str) else ""


def part(value: Json, *keys: str) -> Json:
    """The object found by following `keys`, or an empty one where any is missing or null."""
    for key in keys:
        inner = value.get(key)
        if not isinstance(inner, dict):
            return {}
        value = inner
    return value


def person_id(value: Json, key: str) -> str | None:
    """The Entra object id in an identity set such as `createdBy`, lower-case; None for an app or nobody."""
    found = part(value, key, "user").get("id")
    return found.lower() if isinstance(found, str) and found else None
