"""What km365 ever did to one document: every run that touched it, and what of it still stands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from km365.core.tag_plan import Tag, list_of
from km365.errors import GraphError, InputRefused, NotFound
from km365.graph import lists, metadata
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.graph.wire import text
from km365.services import tag_moves
from km365.services.tag_run import WRITTEN
from km365.store import runs
from km365.store.database import Database
from km365.store.runs import Change, ChangeState, Run, RunState


class Standing(StrEnum):
    """What a column holds now, seen from our journal."""

    OURS = "written by km365"  # what it wrote last
    THERE = "there already"  # what our last run wanted and needed not write
    RESTORED = "as before km365"  # what was there before our last run
    CHANGED = "changed since"  # somebody wrote something else


@dataclass(frozen=True, kw_only=True)
class Touch:
    """One run's change of the document. `undone` says that another run took back what it could."""

    run: Run
    change: Change

    @property
    def undone(self) -> bool:
        """Whether the run was taken back."""
        return self.run.state is RunState.UNDONE


@dataclass(frozen=True, kw_only=True)
class Column:
    """A tag column as it is now."""

    name: str
    title: str
    now: tuple[Tag, ...]
    standing: Standing


@dataclass(frozen=True, kw_only=True)
class History:
    """A document's past, the newest run first, and its present; `unread` says why the present is unknown."""

    path: str
    drive_id: str
    item_id: str
    touches: tuple[Touch, ...]
    columns: tuple[Column, ...] = ()
    web_url: str = ""
    changed_at: str = ""
    unread: str = ""

    def undid(self, touch: Touch, column: str) -> bool:
        """Whether a later run put the column back to what it held before this touch, or found it so."""
        undoing = [one.change for one in self.touches if one.run.undoes == touch.run.id]
        return any(state_of(one, column) in WRITTEN for one in undoing if column in one.new)


def state_of(change: Change, column: str) -> ChangeState:
    """What became of this column of the change.

    The undoing of a document that somebody had changed writes the columns that still held what the run wrote.
    """
    cause = change.cause
    if change.state is ChangeState.CONFLICT and cause is not None and cause.key == "changed_columns":
        left = str(cause.values.get("columns", "")).split(", ")
        return ChangeState.CONFLICT if column in left else ChangeState.DONE
    return change.state


async def history(graph: Graph, db: Database, which: str) -> History:
    """The history of the document with this address, path in its library, name, part of these two, or id.

    Raises NotFound where no run touched such a document, InputRefused naming those that several fit. Reads
    the document as it is now (1 resource unit; Sites.Selected with read).
    """
    found = await db.run(runs.items_like, _path(which), which)
    if not found and "://" not in which:
        found = await db.run(runs.items_named, which)
    if not found:
        raise NotFound(f"No run has touched {which!r}; `km365 tag list` shows the runs there are.")
    if len(found) > 1 and "://" in which:
        found = [one for one in found if await _address(graph, *one[:2]) == which.partition("?")[0]] or found
    if len(found) > 1:
        several = "; ".join(f"{name} ({item_id})" for _, item_id, name in found[:5])
        raise InputRefused(f"{which!r} may be {len(found)} documents: {several}. Say which by its id.")
    drive_id, item_id, name = found[0]
    touches = [Touch(run=run, change=change) for run, change in await db.run(runs.of_item, drive_id, item_id)]
    past = History(path=name, drive_id=drive_id, item_id=item_id, touches=tuple(touches))
    try:
        item = await lists.read_item(graph, tag_moves.target(touches[0].change).path)
    except GraphError as error:
        return replace(past, unread=str(error))
    return replace(
        past,
        columns=tuple(_columns(item, touches)),
        web_url=item.web_url,
        changed_at=f"{item.modified_at:%Y-%m-%d %H:%M}" if item.modified_at else "",
    )


def _path(which: str) -> str:
    """The path in an address; anything else as it is."""
    return unquote(urlsplit(which).path).strip("/") if "://" in which else which.strip("/")


async def _address(graph: Graph, drive_id: str, item_id: str) -> str:
    """The document's own address, "" where it cannot be read."""
    listed = list_of(drive_id)
    target = metadata.Target.item(*listed, item_id) if listed else metadata.Target.file(drive_id, item_id)
    try:
        return text((await graph.get(target.path, params={"$select": "id,webUrl"})).get("webUrl"))
    except GraphError:
        return ""


def _columns(item: Item, touches: Sequence[Touch]) -> list[Column]:
    """Each column that a run touched, as it is now."""
    last: dict[str, Touch] = {}
    for state in (ChangeState.DONE, ChangeState.SAME):  # what was written says more than what was there
        for touch in touches:  # the newest first
            if touch.change.state is state:
                for name in touch.change.new:
                    last.setdefault(name, touch)
    return [
        Column(
            name=name,
            title=tag_moves.TITLES.get(name, name),
            now=tuple(
                Tag(term_id=term.id, label=term.label) for term in metadata.decode(item.fields.get(name))
            ),
            standing=_standing(item, name, touch),
        )
        for name, touch in last.items()
    ]


def _standing(item: Item, name: str, touch: Touch) -> Standing:
    if tag_moves.holds(item, {name: touch.change.new[name]}):
        if touch.run.undoes:
            return Standing.RESTORED
        return Standing.OURS if touch.change.state is ChangeState.DONE else Standing.THERE
    before = tag_moves.holds(item, {name: touch.change.old[name]})
    return Standing.RESTORED if before and not touch.run.undoes else Standing.CHANGED
