"""What to do with a document of a run, and doing it for many at once: written, read back, its end said."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from km365.core.schema import TAG_COLUMNS
from km365.core.tag_plan import Library, Tag, list_of
from km365.errors import (
    Cause,
    GraphChangedMeanwhile,
    GraphError,
    GraphNotFound,
    GraphUnreachable,
    InputRefused,
    Locked,
    StillCheckedOut,
    Throttled,
)
from km365.graph import lists, metadata
from km365.graph.client import Graph
from km365.graph.feeds import Feed
from km365.graph.lists import Item
from km365.graph.metadata import Target, TermRef, Written
from km365.graph.other_ways import Place
from km365.services.tag_plan import open_library
from km365.store.runs import Change, ChangeState, End

TITLES = {column.name: column.title for column in TAG_COLUMNS}


class Move(NamedTuple):
    """What to do with one document: write `values` against `etag`, which makes `end` true.

    Without values there is nothing to write, and it has ended so.
    """

    change: Change
    end: End | GraphError
    values: Mapping[str, Any] = MappingProxyType({})
    etag: str = ""


@dataclass(kw_only=True)
class Shelf:
    """An opened library or list: where it is, its hidden note fields, and what it tells of its changes.

    `closed` are its columns that may only be read.
    """

    place: Place
    notes: Mapping[str, str]
    closed: frozenset[str] = frozenset()
    feed: Feed | None = None


Shelves = Mapping[str, Shelf]
"""The libraries of a run by drive."""

DONE = End(state=ChangeState.DONE)
CHANGED = End(
    state=ChangeState.CONFLICT,
    reason="It was changed in the meantime and left alone.",
    cause=Cause(key="changed"),
)
LOCKED = End(
    state=ChangeState.LOCKED,
    reason="It is open or checked out; the same command tries again.",
    cause=Cause(key="locked"),
)
GONE = End(
    state=ChangeState.GONE,
    reason="It is gone, or km365 may not know that it exists.",
    cause=Cause(key="gone"),
)
OURS = End(
    state=ChangeState.LOCKED,
    reason="It is still checked out by km365: it could be neither checked in nor given up; the same command "
    "tries again.",
    cause=Cause(key="still_checked_out"),
    etag_after="",
)
"""Something may have been written: the etag, unknown as it is, tells undo to look."""


async def open_shelves(graph: Graph, libraries: Iterable[Library]) -> dict[str, Shelf]:
    """The libraries, found where they are now. Raises PlanRefused where one is gone."""
    found = {}
    for library in libraries:
        listed = list_of(library.drive_id)
        if listed is None:
            site_id, drive = await open_library(graph, library)
            listed = site_id, drive.list_id
        place = Place(site_id=listed[0], list_id=listed[1])
        columns = await lists.list_columns(graph, *listed)
        notes = await metadata.all_note_fields(graph, place, columns, made_as=TITLES)
        closed = frozenset(one.name for one in columns if one.read_only)
        found[library.drive_id] = Shelf(place=place, notes=notes, closed=closed)
    return found


def target(change: Change) -> Target:
    """Where Graph serves the item of this change."""
    listed = list_of(change.drive_id)
    if listed is not None:
        return Target.item(*listed, change.item_id)
    return Target.file(change.drive_id, change.item_id)


async def make(graph: Graph, moves: Sequence[Move], shelves: Shelves) -> list[End | GraphError]:
    """The end of each move, after what has to be written was written, twenty a call, and read back."""
    ends: dict[int, End | GraphError] = {move.change.seq: move.end for move in moves}
    unwritable = {one.change.seq: end for one in moves if one.values and (end := _unwritable(one))}
    ends |= unwritable
    to_write = [move for move in moves if move.values and move.change.seq not in unwritable]
    for drive_id, shelf in shelves.items():
        writing = [move for move in to_write if move.change.drive_id == drive_id]
        if not writing:
            continue
        if shelf.feed is None and len(writing) > FEED_FROM:
            shelf.feed = await _feed(graph, shelf)
        written = await metadata.write_many(
            graph,
            [
                metadata.Change(
                    target=target(move.change),
                    values=move.values,
                    notes=shelf.notes,
                    etag=move.etag,
                    place=shelf.place,
                )
                for move in writing
            ],
            feed=shelf.feed,
        )
        for move, result in zip(writing, written, strict=True):
            ends[move.change.seq] = _end_after(move, result)
    return [ends[move.change.seq] for move in moves]


def _unwritable(move: Move) -> End | None:
    """The end of a document with a label that SharePoint cannot hold; None where there is none.

    What stood there before counts too: what could not be put back is not written in the first place.
    """
    try:
        for tags in (*move.values.values(), *refs(move.change.old).values()):
            metadata.encode(tags)
    except InputRefused as refusal:
        return End(state=ChangeState.FAILED, reason=str(refusal), cause=refusal.cause)
    return None


FEED_FROM = 3
"""From so many documents on it costs less to ask what has changed than to read each back."""


async def _feed(graph: Graph, shelf: Shelf) -> Feed | None:
    """What the library tells of its changes; None where it does not, and each document is read."""
    try:
        return await Feed.open(
            graph, shelf.place.site_id, shelf.place.list_id, select=["id", APPROVAL, *shelf.notes]
        )
    except GraphError:
        return None


def _end_after(move: Move, written: Written | GraphError) -> End | GraphError:
    if isinstance(written, GraphError):
        return end_of(written)
    if not isinstance(move.end, End):
        return move.end
    waiting = str(written.fields.get(APPROVAL, "0")) not in {"0", "None"}
    if waiting and not move.end.reason:
        return End(state=move.end.state, reason=WAITS, cause=Cause(key="to_approve"), etag_after=written.etag)
    return move.end._replace(etag_after=written.etag)


APPROVAL = "_ModerationStatus"
WAITS = "Stored; the library shows it to others once somebody has approved it."


_ENDS = {StillCheckedOut: OURS, Locked: LOCKED, GraphChangedMeanwhile: CHANGED, GraphNotFound: GONE}
"""The first that fits: a file that is still checked out by us is a locked one, too."""


def end_of(error: GraphError) -> End | GraphError:
    """What concerns one document ends that document; what may pass leaves it open."""
    if isinstance(error, GraphUnreachable | Throttled):
        return error
    for kind, end in _ENDS.items():
        if isinstance(error, kind):
            return end
    if (error.status or 0) >= 500:
        said, cause = (
            f"{error} The same command tries again.",
            Cause(key="for_now", values={"said": str(error)}),
        )
        return End(state=ChangeState.LOCKED, reason=said, cause=cause, etag_after="")
    return End(state=ChangeState.FAILED, reason=str(error), cause=error.cause)


async def look(graph: Graph, changes: Sequence[Change]) -> dict[int, Item | GraphError]:
    """What the documents look like now by number, or why they cannot be read. 1 resource unit each."""
    seen = await metadata.read_many(graph, [target(change) for change in changes])
    return {change.seq: one for change, one in zip(changes, seen, strict=True)}


def as_json(tags: Iterable[Tag]) -> list[list[str]]:
    """The terms of a column as the journal keeps them."""
    return [[tag.term_id, tag.label] for tag in tags]


def refs(values: Mapping[str, Any]) -> dict[str, tuple[TermRef, ...]]:
    """The terms of the columns out of the journal."""
    return {name: tuple([_ref(term_id, label) for term_id, label in tags]) for name, tags in values.items()}


@lru_cache(maxsize=4096)
def _ref(term_id: str, label: str) -> TermRef:
    """The same few terms come again and again."""
    return TermRef(id=term_id, label=label)


def holds(item: Item, values: Mapping[str, Any]) -> bool:
    """Whether the document's columns hold exactly these terms."""
    return not metadata.not_stored(refs(values), item.fields)
