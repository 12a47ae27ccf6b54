"""Milestones as an iCalendar file (RFC 5545), which Outlook, Google and Apple calendars open.

Ours, because writing takes these lines and no more; the tests read it back with the `icalendar` package.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from km365 import __version__
from km365.core.schedule import Milestone

_FOLDED_AT = 75
"""Octets of a line without its end (RFC 5545, 3.1)."""
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_VERSION = re.compile(r',(\d+)"?$')


class Method(StrEnum):
    """What the file asks of a calendar (RFC 5546)."""

    PUBLISH = "PUBLISH"  # keep these; cancelled ones say so
    CANCEL = "CANCEL"  # take the cancelled ones out


def write(
    milestones: Iterable[Milestone],
    *,
    name: str,
    host: str,
    describe: Callable[[Milestone], str],
    category: Callable[[Milestone], str],
    now: datetime,
    method: Method = Method.PUBLISH,
) -> str:
    """The file: a whole-day event for each milestone with a date; with CANCEL those that are cancelled only.

    An event keeps its UID for ever, made of the item's number and `host`; its SEQUENCE is the version of the
    item, so a calendar that knows it takes a moved day or a cancellation for what it is.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//km365//{__version__}//EN",
        "CALSCALE:GREGORIAN",
        f"METHOD:{method}",
        f"X-WR-CALNAME:{text(name)}",
    ]
    for one in milestones:
        cancelled = one.state == "cancelled"
        if one.due_on is not None and (cancelled or method is Method.PUBLISH):
            about, kind = describe(one), category(one)
            lines += _event(one, one.due_on, host=host, about=about, kind=kind, now=now)
    return "".join(f"{folded}\r\n" for line in [*lines, "END:VCALENDAR"] for folded in fold(line))


def _event(one: Milestone, day: date, *, host: str, about: str, kind: str, now: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:km365-milestone-{text(one.id)}@{text(host)}"
    yield f"DTSTAMP:{_moment(now)}"
    if one.modified_at is not None:
        yield f"LAST-MODIFIED:{_moment(one.modified_at)}"
    yield f"SEQUENCE:{sequence(one.etag)}"
    yield f"STATUS:{'CANCELLED' if one.state == 'cancelled' else 'CONFIRMED'}"
    yield f"DTSTART;VALUE=DATE:{day:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{text(one.title)}"
    yield f"DESCRIPTION:{text(about)}"
    yield f"CATEGORIES:{text(kind)}"
    if one.office:
        yield f"LOCATION:{text(one.office)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def sequence(etag: str) -> int:
    """How often the item was changed, which SharePoint writes at the end of its ETag; 0 where it does not."""
    found = _VERSION.search(etag)
    return max(int(found[1]) - 1, 0) if found else 0


def text(value: str) -> str:
    """A TEXT value (3.3.11): backslashes, commas, semicolons, line breaks escaped; no control characters."""
    plain = _CONTROLS.sub(" ", value.replace("\r\n", "\n").replace("\r", "\n"))
    for one in ("\\", ";", ","):
        plain = plain.replace(one, f"\\{one}")
    return plain.replace("\n", "\\n")


def fold(line: str) -> Iterator[str]:
    """The line in pieces of at most 75 octets, each but the first begun by a space; no letter is cut."""
    piece, size = "", 0
    for one in line:
        octets = len(one.encode())
        if size + octets > _FOLDED_AT:
            yield piece
            piece, size = " ", 1
        piece, size = piece + one, size + octets
    yield piece


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
