"""Delta feeds of people and files: tokens are places in the one order of all changes."""

import base64
import binascii
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from km365.local import faults
from km365.local.routes import Call, Documented, GraphFault, Json

faults.quirk(
    "delta_gone",
    "the next `times` delta calls that carry a token are answered 410 with the address to start again from",
    evidence=Documented("delta-query-overview"),
    times=1,
    code="resyncChangesApplyDifferences",
)


@dataclass(frozen=True, kw_only=True)
class Bookmark:
    """How far a reader has come. `what` ties it to one feed; `after` is the last change it has seen."""

    what: str
    after: int = 0
    first: bool = False
    """In the first round nothing can have gone away, so what was removed before is left out."""
    select: tuple[str, ...] = ()
    at_s: int = 0
    """When it was handed out, in seconds of the demonstration clock."""

    def token(self) -> str:
        packed = json.dumps([self.what, self.after, self.first, list(self.select), self.at_s])
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def _read(token: str, what: str) -> Bookmark | None:
    with suppress(ValueError, TypeError, binascii.Error):
        feed, after, first, select, at_s = json.loads(
            base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        )
        if feed == what and isinstance(after, int) and isinstance(at_s, int):
            selected = tuple(str(s) for s in select)
            return Bookmark(what=what, after=after, first=bool(first), select=selected, at_s=at_s)
    return None


@dataclass(frozen=True, kw_only=True)
class Feed:
    """One delta feed. `changes(after, limit)` gives rows with a `change` number; `show` one row's JSON."""

    what: str
    changes: Callable[[int, int], Sequence[sqlite3.Row]]
    show: Callable[[sqlite3.Row, Bookmark], Json]
    next_option: str
    """The query option that carries the token of a next link; `delta_option` that of a delta link."""
    delta_option: str
    lives_s: int
    """How long a token is good for."""


def page(call: Call, feed: Feed, *, token: str | None, top: int) -> dict[str, Json]:
    """The next page of a feed. `token` None starts; `latest` starts after everything that is there now.

    Raises 410 with a Location to start again from when the token has expired or was not one of this feed.
    """
    mark = _start(call, feed, token)
    rows = feed.changes(mark.after, top + 1)
    more, rows = len(rows) > top, rows[:top]
    shown = [item for row in rows if (item := feed.show(row, mark)) is not None]
    after = max([mark.after, *(row["change"] for row in rows)])
    following = replace(mark, after=after, at_s=int(call.state.now().timestamp()))
    clean = dict.fromkeys(("skiptoken", "deltatoken", "token", "select"))
    if more:
        link = call.link(**{**clean, feed.next_option: following.token()})
        return {"value": shown, "@odata.nextLink": link}
    link = call.link(**{**clean, feed.delta_option: replace(following, first=False).token()})
    return {"value": shown, "@odata.deltaLink": link}


def _start(call: Call, feed: Feed, token: str | None) -> Bookmark:
    if token is None:
        return Bookmark(what=feed.what, first=True, select=call.query.select)
    if token == "latest":  # noqa: S105 - a word of the protocol
        return Bookmark(what=feed.what, after=call.state.last_change(), select=call.query.select)
    mark = _read(token, feed.what)
    now = call.state.now().timestamp()
    if mark is None or mark.after > call.state.last_change() or now - mark.at_s > feed.lives_s:
        raise _gone(call, "resyncChangesApplyDifferences")
    if (quirk := faults.setting(call.state, "delta_gone")) and quirk["times"] > 0:
        left = {**quirk, "times": quirk["times"] - 1}
        faults.switch(call.state, "delta_gone", on=left["times"] > 0, **left)
        raise _gone(call, quirk["code"])
    return mark


def _gone(call: Call, code: str) -> GraphFault:
    return GraphFault(
        410,
        code,
        "The sync state is no longer available; enumerate again from the address in Location.",
        headers={"Location": call.link(skiptoken=None, deltatoken=None, token=None)},
    )
