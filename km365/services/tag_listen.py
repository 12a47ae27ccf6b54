"""Graph tells us that a watched library changed: subscriptions kept alive, notifications believed or not.

A notification carries nothing to act on: it only has us look sooner. So a forged or lost one costs little,
and the clock has us look anyway. Subscribing needs the right to read the library (Sites.Selected).
"""

import hmac
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from km365.errors import GraphError, GraphNotFound
from km365.graph import subscriptions
from km365.graph.client import Graph
from km365.store import watches
from km365.store.database import Connection, Database
from km365.store.watches import FileState, Watch

DEBOUNCE = timedelta(seconds=20)
"""How long after a notification we look: SharePoint tells of one save several times."""
BACKSTOP = timedelta(minutes=30)
"""How often we look where Graph tells us."""
WITHOUT = timedelta(minutes=5)
"""How often we look where it does not."""
AFTER_TROUBLE = timedelta(minutes=15)
LATE = timedelta(hours=1)
"""A library that was to be looked at so long ago is looked at by nobody."""
MOST_NOTICES = 1_000
"""Notices in one message; Graph sends far fewer."""
_LIFETIME = subscriptions.LONGEST["list"]
RENEW_BEFORE = _LIFETIME / 3


class Lifecycle(StrEnum):
    """What Graph says of a subscription itself."""

    REAUTHORIZE = "reauthorizationRequired"
    REMOVED = "subscriptionRemoved"
    MISSED = "missed"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One entry of a notification; `lifecycle` is "" where a library changed."""

    subscription_id: str
    client_state: str
    lifecycle: str = ""


def notices(body: Any) -> list[Notice]:
    """The notices in what somebody posted; what does not look like one is left out.

    Raises ValueError where it is no notification at all.
    """
    if not isinstance(body, Mapping) or not isinstance(body.get("value"), list):
        raise ValueError("no notification")
    found = []
    for raw in body["value"][:MOST_NOTICES]:
        if not isinstance(raw, Mapping):
            continue
        texts = [raw.get(key) for key in ("subscriptionId", "clientState")]
        lifecycle = raw.get("lifecycleEvent", "")
        if all(map(_plain, texts)) and isinstance(lifecycle, str):
            found.append(
                Notice(subscription_id=str(texts[0]), client_state=str(texts[1]), lifecycle=lifecycle[:40])
            )
    return found


def _plain(text: Any) -> bool:
    """Whether it can be an id or a secret: half a surrogate pair would stop the database."""
    return isinstance(text, str) and 0 < len(text) <= 200 and text.isascii() and text.isprintable()


def heard(c: Connection, said: Iterable[Notice], *, at: datetime) -> int:
    """Has the libraries looked at soon of which Graph told us; counts the notices that are not Graph's."""
    strangers = 0
    for one in said:
        watch = watches.by_subscription(c, one.subscription_id)
        if watch is None or not _is_ours(watch, one):
            strangers += 1
            continue
        if one.lifecycle == Lifecycle.REMOVED:
            watches.change(c, watch.drive_id, subscription_id=None, subscribed_until=None)
        elif one.lifecycle == Lifecycle.REAUTHORIZE:
            watches.change(c, watch.drive_id, subscribed_until=at)
        if watch.is_on:
            watches.look_soon(c, watch.drive_id, at=at + DEBOUNCE)
    return strangers


def _is_ours(watch: Watch, one: Notice) -> bool:
    known = watch.client_state or ""
    return bool(known) and hmac.compare_digest(known.encode(), one.client_state.encode())


async def subscribe(graph: Graph, db: Database, watch: Watch, *, url: str, at: datetime) -> Watch:
    """The watch with a subscription that lasts: made, renewed in its last third, made anew where it is gone.

    Graph calls `url` back before it answers. GraphError, kept with the watch, where it refuses; then the
    clock alone has us look.
    """
    if watch.subscription_id and watch.subscribed_until and watch.subscribed_until - at > RENEW_BEFORE:
        return watch
    until = at + _LIFETIME - timedelta(minutes=5)
    try:
        await _subscribe(graph, db, watch, url=url, until=until)
    except GraphError as error:
        await db.run(watches.change, watch.drive_id, not_told=str(error)[:500])
        raise
    await db.run(watches.change, watch.drive_id, not_told=None)
    return await db.run(watches.get, watch.drive_id)


async def _subscribe(graph: Graph, db: Database, watch: Watch, *, url: str, until: datetime) -> None:
    if watch.subscription_id and watch.subscribed_until:
        try:
            renewed = await subscriptions.renew(graph, watch.subscription_id, expires_at=until)
        except GraphNotFound:
            pass
        else:
            await db.run(watches.change, watch.drive_id, subscribed_until=renewed.expires_at)
            return
    client_state = secrets.token_urlsafe(32)
    await db.run(watches.change, watch.drive_id, client_state=client_state, subscription_id=None)
    made = await subscriptions.create(
        graph,
        resource=f"drives/{watch.drive_id}/root",
        notification_url=url,
        lifecycle_url=url,
        client_state=client_state,
        expires_at=until,
    )
    await db.run(watches.change, watch.drive_id, subscription_id=made.id, subscribed_until=made.expires_at)


async def unsubscribe(graph: Graph, db: Database, watch: Watch) -> None:
    """Graph tells us no more; also where it did not."""
    if watch.subscription_id:
        await subscriptions.delete(graph, watch.subscription_id)
    await db.run(watches.change, watch.drive_id, subscription_id=None, subscribed_until=None, not_told=None)


def next_look(c: Connection, drive_id: str, *, planned: datetime, at: datetime) -> datetime:
    """Sets when the library is looked at next: when a file of it is due, or by the clock.

    `planned` is when it was to be looked at as the look began: another moment now means that Graph told us
    meanwhile, perhaps too late for this look.
    """
    watch = watches.get(c, drive_id)
    told = bool(watch.subscription_id and watch.subscribed_until and watch.subscribed_until > at)
    by_clock = at + (BACKSTOP if told else WITHOUT)
    due = watches.next_due(c, drive_id)
    when = min(by_clock, max(due, at)) if due is not None else by_clock
    when = min(when, watch.look_at) if watch.look_at != planned else when
    watches.change(c, drive_id, look_at=when)
    return when


def in_trouble(c: Connection, drive_id: str, error: GraphError | Exception, *, at: datetime) -> None:
    """Notes why a look ended early, and looks again later."""
    wait = getattr(error, "retry_after_s", None)
    later = at + max(AFTER_TROUBLE, timedelta(seconds=wait or 0.0))
    watches.change(c, drive_id, problem=str(error)[:500], look_at=later)


def troubles(c: Connection, *, at: datetime) -> list[str]:
    """What is not well with the libraries that the service watches, with what to do about each."""
    return [
        said
        for one in watches.list_(c, only_on=True)
        for said in (*_not_looked(one, at), *_not_told(one, at))
    ]


def _not_looked(one: Watch, at: datetime) -> Iterator[str]:
    name = f"{one.library} of {one.site}"
    if at - one.look_at > LATE:
        yield (
            f"{name} was to be looked at {one.look_at:%Y-%m-%d %H:%M} UTC and was not: start the service "
            "with `km365 up`."
        )
    elif one.problem:
        yield (
            f"{name} could not be looked at: {one.problem.rstrip('.')}. The service tries again after "
            f"{one.look_at:%H:%M} UTC, `km365 tag watch --once` at once."
        )


def _not_told(one: Watch, at: datetime) -> Iterator[str]:
    name = f"{one.library} of {one.site}"
    if one.not_told:
        yield (
            f"Graph refused to tell of changes in {name}: {one.not_told.rstrip('.')}. The app needs a "
            "grant on the site, and notifications_url must lead here; until then the clock has us look every "
            f"{WITHOUT.seconds // 60} minutes."
        )
    elif one.subscribed_until and one.subscribed_until < at:
        yield (
            f"Graph tells of changes in {name} no longer: its subscription ended "
            f"{one.subscribed_until:%Y-%m-%d %H:%M} UTC. The service makes it anew at its next look, where "
            "notifications_url is set."
        )


def waiting(c: Connection) -> str:
    """How many libraries are watched, and what waits there for a person."""
    watched = watches.list_(c, only_on=True)
    counts = Counter[FileState]()
    for one in watched:
        counts.update(watches.counts(c, one.drive_id))
    queued, failed = counts[FileState.QUEUED], counts[FileState.FAILED]
    said = f"{len(watched)} watched." if watched else "None is watched."
    if queued or failed:
        said += (
            f" {queued} documents wait for a person, {failed} could not be read or written: "
            "`km365 tag watch --queue` shows them."
        )
    return said
