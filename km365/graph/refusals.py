"""Graph's refusals as our errors: what was refused, what to do next, and what support asks for.

A message names the kind of thing and the permission, never a person, a value or a file name: Graph's
own words are kept only after quoted text, addresses and file names in them are blanked, the names of our
own lists and columns apart.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from km365.core.schema import LISTS
from km365.errors import (
    Forbidden,
    GraphChangedMeanwhile,
    GraphError,
    GraphNotFound,
    GraphUnreachable,
    Locked,
    ResyncNeeded,
    Throttled,
)
from km365.graph.wire import Json, part

_READ_SITE = "Sites.Selected with read on this site (or Sites.Read.All)"
_WRITE_SITE = "Sites.Selected with write on this site (or Sites.ReadWrite.All)"
_MANAGE = "Sites.Manage.All (or Sites.Selected with fullcontrol on this site)"
_TERMS_WRITE = "TermStore.ReadWrite.All, and a contributor's role in the term store,"
_INSTALL = "TeamsAppInstallation.ReadWriteSelfForUser.All"
_WATCH = "the permission to read what is watched"


@dataclass(frozen=True)
class _Thing:
    """What a path is about, in words without ids or names, and the permissions it needs."""

    pattern: str
    name: str
    to_read: str = _READ_SITE
    to_change: str = _WRITE_SITE


_THINGS = (  # the first that fits; permissions after graph/FACTS §6
    _Thing(r"/\$batch", "a batch of requests"),
    _Thing("/termstore", "the term store", "TermStore.Read.All", _TERMS_WRITE),
    _Thing("/teamwork/installedapps", "the bot's installation", _INSTALL, _INSTALL),
    _Thing("/appcatalogs", "the app catalogue", "AppCatalog.Read.All", "AppCatalog.ReadWrite.All"),
    _Thing("/subscriptions", "a change notification", _WATCH, _WATCH),
    _Thing("/permissions", "a site's permissions", "Sites.FullControl.All", "Sites.FullControl.All"),
    _Thing("/search/query", "what search finds", "Sites.Read.All or Files.Read.All"),
    _Thing("/subscribedskus|/organization", "the organisation", "Organization.Read.All"),
    _Thing("/users/[^/]+/memberof", "somebody's groups", "GroupMember.ReadBasic.All"),
    _Thing("/getpresencesbyuserid|/presence$", "who is on leave", *["Presence.Read.All"] * 2),
    _Thing("/users/[^/]+/(calendar|events)", "the mailbox's calendar", *["Calendars.ReadWrite"] * 2),
    _Thing("/users/[^/]+/mailboxsettings", "a mailbox's settings", "MailboxSettings.Read"),
    _Thing("/groups", "the members of a group", "GroupMember.Read.All"),
    _Thing(r"/users|/me\b|/directory", "the directory", "User.Read.All", "User.ReadWrite.All"),
    _Thing("/columns", "a column", _READ_SITE, _MANAGE),
    _Thing("/contenttypes", "a content type", _READ_SITE, _MANAGE),
    _Thing("/lists/[^/]+/items|/listitem", "a list item"),
    _Thing("/lists/[^/]+$", "a list", _READ_SITE, _MANAGE),
    _Thing("/lists$", "the lists of a site", _READ_SITE, _MANAGE),
    _Thing(r"/drives?\b|/content", "a file or library"),
    _Thing("/sites", "a site"),
)
_QUESTION = re.compile("/search/query$|/getpresencesbyuserid$")
_ANYTHING = _Thing("", "what was asked", *["the permission that its documentation names"] * 2)


def refusal(*, status: int, headers: Mapping[str, str], body: Json, method: str, url: str) -> GraphError:
    """The error for an answer of 400 or more; the caller raises it. `headers` finds names in lower case."""
    error = part(body, "error")
    code = _code(error)
    facts: dict[str, Any] = {
        "status": status,
        "code": code,
        "request_id": _request_id(headers, error),
        "retry_after_s": _seconds(headers.get("retry-after")),
    }
    thing, permission = _about(method, url)
    reading = _reads(method, url)
    said = _said(error)
    if _inner_code(error) == "resourcelocked" or (code or "").lower() == "resourcelocked":
        status = 423
    elif status == 409 and (code or "").lower() == "resourcemodified":
        status = 412
    kind, message = _by_status(status, thing, said)
    if status == 403:
        message = _forbidden(thing, permission, reading, url)
    elif status == 410:
        return _resync(headers, facts)
    elif not message:
        verb = "read" if reading else "change"
        message = f"Graph did not {verb} {thing}: {status} {code or ''}".rstrip() + f".{said}"
    return kind(message[:1].upper() + message[1:], **facts)


def _by_status(status: int, thing: str, said: str) -> tuple[type[GraphError], str]:
    """The error's class, and its message where the status says enough."""
    known: dict[int, tuple[type[GraphError], str]] = {
        401: (
            Forbidden,
            "Graph did not accept our sign-in. Check the tenant, the client id and its certificate or "
            "secret with `km365 doctor`.",
        ),
        403: (Forbidden, ""),
        404: (GraphNotFound, f"Graph does not find {thing}, or this app may not know it exists.{said}"),
        412: (GraphChangedMeanwhile, f"{thing} was changed by somebody else since it was read."),
        423: (
            Locked,
            f"{thing} is open or checked out by somebody; try again later, there is no way to force it.",
        ),
        429: (Throttled, f"Graph asks us to slow down ({thing}); try again later."),
        502: (GraphUnreachable, f"Graph's gateway failed ({thing}); try again later."),
        503: (Throttled, f"Graph is busy ({thing}); try again later."),
        504: (GraphUnreachable, f"Graph took too long ({thing}); try again later."),
        507: (GraphError, "The site's storage is full; make room or raise its quota."),
    }
    return known.get(status, (GraphError, ""))


def _forbidden(thing: str, permission: str, reading: bool, url: str) -> str:
    if "employeeLeaveDateTime" in unquote(url):
        permission += " and User-LifeCycleInfo.Read.All"
    verb = "read" if reading else "change"
    return f"Graph refused to {verb} {thing}. The app needs {permission}; `km365 doctor` shows what it has."


def _about(method: str, url: str) -> tuple[str, str]:
    """What a request is about, and the permission it needs."""
    path = unquote(urlsplit(url).path).lower()
    thing = next((one for one in _THINGS if re.search(one.pattern, path)), _ANYTHING)
    return thing.name, thing.to_read if _reads(method, url) else thing.to_change


def _reads(method: str, url: str) -> bool:
    """Whether a request only reads; some questions are too long for an address and are asked by POST."""
    return method in {"GET", "HEAD"} or _QUESTION.search(urlsplit(url).path.lower()) is not None


def _resync(headers: Mapping[str, str], facts: dict[str, Any]) -> ResyncNeeded:
    upload = "upload" in (facts["code"] or "").lower()
    return ResyncNeeded(
        "Graph has forgotten where our last look ended; everything is read again from the start.",
        url=headers.get("location"),
        keep_ours=upload,
        **facts,
    )


def _code(error: Json) -> str | None:
    code = error.get("code")
    return code if isinstance(code, str) and code else None


def _inner_code(error: Json) -> str:
    inner = part(error, "innerError") or part(error, "innererror")
    code = inner.get("code")
    return code.lower() if isinstance(code, str) else ""


def _request_id(headers: Mapping[str, str], error: Json) -> str | None:
    inner = part(error, "innerError") or part(error, "innererror")
    found = headers.get("request-id") or inner.get("request-id")
    return found if isinstance(found, str) else None


_QUOTED = re.compile(
    r"""
    (?<!\w)' (?: [^'] | (?<=\w)'(?=\w) )* '(?!\w)   # an apostrophe inside a word is none of the two marks
    | (?<!\w)[‘‚] (?: [^’] | (?<=\w)’(?=\w) )* ’(?!\w)
    | "[^"]*" | `[^`]*` | “[^”]*” | „[^“”]*[“”] | «[^»]*»
    """,
    re.VERBOSE,
)
_ODD_MARK = re.compile(r"""["`“”„«»‘‚] | (?<!\w)['’] | ['’](?!\w)""", re.VERBOSE)
_ADDRESS_OR_FILE = re.compile(r"\S*[@/\\]\S*|\S+\.\w{2,5}\b")
_READ = 1000
"""So much of a message is looked at, in characters."""
_OURS = {spec.title for spec in LISTS.values()} | {
    name for spec in LISTS.values() for column in spec.columns for name in (column.name, column.title)
}


def _said(error: Json) -> str:
    """Graph's own words, blanked, at most 200 characters; nothing where it is unclear what is quoted."""
    message = error.get("message")
    if not isinstance(message, str) or not message.strip():
        return ""
    message = message[:_READ]
    if _ODD_MARK.search(_QUOTED.sub(" ", message)):
        return ""
    blanked = _ADDRESS_OR_FILE.sub("…", _QUOTED.sub(_only_ours, message))
    return f" Graph says: {' '.join(blanked.split())[:200]}"


def _only_ours(quoted: re.Match[str]) -> str:
    """The name of one of our own lists or columns, quoted; … for anything else."""
    name = quoted[0][1:-1]
    return f"'{name}'" if name in _OURS else "…"


def _seconds(value: str | None) -> float | None:
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None
