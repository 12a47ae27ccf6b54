"""The documents that an answer links to: whose address it is, and whether it may be shown as a link."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from urllib.parse import urlsplit

from km365.core.contacts import BULLET
from km365.core.sorting import bare_links

_AROUND = " \t\xa0-–—:：,،;；؛.。|()（）[]<>\"'«»“”→"
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_NUMBERS = re.compile(r"[\d.]+")
_MAILBOXES = frozenset(
    {"outlook.office.com", "outlook.office365.com", "outlook.live.com", "outlook.cloud.microsoft"}
)
_LOOKS_LIKE = str.maketrans({"0": "o", "1": "l", "3": "e", "5": "s", "-": None, ".": None})


class Found(StrEnum):
    """Whether a document was found at its address."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Why(StrEnum):
    """Why a document was not found, or not looked for; its words are in `messages/chat/named.*.toml`."""

    GONE = "gone"  # on the organisation's SharePoint, and nothing is there
    CLOSED = "closed"  # it does not open for us: deleted, expired, or not ours to read
    FEWER = "fewer"  # not everyone of the office may read it, so nothing is told of it
    OWN_DRIVE = "own_drive"  # in a personal OneDrive, which goes with its owner
    MAILBOX = "mailbox"  # in a mailbox, which goes with its owner
    ELSEWHERE = "elsewhere"  # not on the organisation's SharePoint: never fetched
    UNSAFE = "unsafe"  # may lead elsewhere than it seems: shown as text, never as a link
    AWAY = "away"  # Microsoft 365 did not answer in time
    MANY = "many"  # more links than are looked at


LEAVES_WITH_OWNER = frozenset({Why.OWN_DRIVE, Why.MAILBOX})
"""What nobody else can open once the person has gone, unless it is moved."""


@dataclass(frozen=True, kw_only=True)
class Named:
    """A link in an answer: the address as typed, and the words of its line that belong to it."""

    address: str
    said: str = ""


@dataclass(frozen=True, kw_only=True)
class KeyDocument:
    """A document that an answer links to.

    `title` is SharePoint's, "" where nothing was opened; `said` what the person called it. `url` is "" where
    the `address` is not to be a link. `drive_id` and `item_id` are "" where it was not found.
    """

    address: str
    said: str
    url: str
    found: Found
    why: Why | None = None
    title: str = ""
    changed_on: date | None = None
    tags: tuple[str, ...] = ()
    site: str = ""
    drive_id: str = ""
    item_id: str = ""

    @property
    def name(self) -> str:
        """What to call it: its title, else the person's words, else its address."""
        return self.title or self.said or self.address


def named_in(text: str) -> list[Named]:
    """The links of an answer in the order of its lines, each address once.

    The words of a line belong to the link behind them, the last words to the last link; where a line begins
    with a link, to the link before them.
    """
    found: dict[str, Named] = {}
    for line in text.splitlines():
        for one in _in_line(BULLET.sub("", line, count=1)):
            if one.address not in found or not found[one.address].said:
                found[one.address] = one
    return list(found.values())


def _in_line(line: str) -> Iterator[Named]:
    places = list(bare_links(line))
    if not places:
        return
    edges = [0, *(edge for place in places for edge in place), len(line)]
    between = [line[begin:end].strip(_AROUND) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
    begins = not between[0]
    for number, (begin, end) in enumerate(places):
        words = [between[number + 1] if begins else between[number]]
        if not begins and number == len(places) - 1:
            words.append(between[-1])
        yield Named(address=line[begin:end], said=" ".join(" ".join(words).split()))


def why_not_looked_up(address: str, *, host: str) -> Why | None:
    """Why the address is not looked up; None where it lies on the organisation's SharePoint, `host`.

    Nothing but Graph is ever asked, so no address makes us call another machine.
    """
    asked = _host_of(address)
    if asked is None:
        return Why.UNSAFE
    tenant, _, rest = host.partition(".")
    if asked == host:
        return None
    if asked == f"{tenant}-my.{rest}":
        return Why.OWN_DRIVE
    if asked in _MAILBOXES:
        return Why.MAILBOX
    return Why.UNSAFE if _looks_like(asked, host) else Why.ELSEWHERE


def _host_of(address: str) -> str | None:
    """The host of a web address that is what it seems; None for any other."""
    if any(unicodedata.category(sign)[0] in "CZ" or sign in '\\"<>`' for sign in address):
        return None
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    plain = parts.scheme.lower() in {"https", "http"} and "@" not in parts.netloc and port in {None, 80, 443}
    if (
        not plain
        or len(host) > 253
        or not _HOST.fullmatch(host)
        or _NUMBERS.fullmatch(host)
        or "xn--" in host
    ):
        return None
    return host


def _looks_like(asked: str, host: str) -> bool:
    """Whether it could be taken for our host, which is in it, or one letter from it in its first name."""
    if _skeleton(host) in _skeleton(asked):
        return True
    name, _, rest = asked.partition(".")
    ours, _, our_rest = host.partition(".")
    return rest == our_rest and len(ours) > 4 and _one_apart(_skeleton(name), _skeleton(ours))


def _skeleton(host: str) -> str:
    return host.translate(_LOOKS_LIKE).replace("rn", "m").replace("vv", "w")


def _one_apart(one: str, other: str) -> bool:
    """Whether the words differ by one letter at most: another, one more or one less."""
    if abs(len(one) - len(other)) > 1:
        return False
    begin = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if begin is None:
        return True
    rests = (one[begin:], other[begin:])
    return rests[0][1:] == rests[1][1:] or rests[0][1:] == rests[1] or rests[0] == rests[1][1:]


def tags_in(fields: dict[str, object]) -> tuple[str, ...]:
    """The labels of the terms that a list item carries, in the order of its columns, each once."""
    found: dict[str, None] = {}
    for value in fields.values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and one.get("TermGuid") and isinstance(one.get("Label"), str):
                found[one["Label"]] = None
    return tuple(found)
