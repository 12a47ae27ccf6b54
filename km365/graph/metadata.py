"""Managed metadata: terms in a column, written through its hidden note twin and read back.

Graph does not write the visible column (MGD#4911); a PATCH of the hidden note field does (MGD#16597,
#1965). A 200 is no proof: a value can be dropped on document sets, in part, or for a default term
(MGD#16597, VG#705, PJS#2725), so every write is read back and the term ids compared.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from km365.errors import GraphChangedMeanwhile, GraphError, InputRefused, NotStored
from km365.graph import lists
from km365.graph.batch import BatchRequest, BatchResponse
from km365.graph.client import Graph
from km365.graph.drives import file_item_path
from km365.graph.lists import Column, Item, item_path
from km365.graph.wire import Json

FIELDS = {"$expand": "fields"}

_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_RESERVED = re.compile(r'[;|<>"\t#]')


@dataclass(frozen=True, kw_only=True)
class TermRef:
    """A term as a column holds it: the term's id (GUID in lower case) and a label."""

    id: str
    label: str = field(compare=False, default="")


class NoteStyle(StrEnum):
    """The spellings of the note field that are reported to work; the first is the default."""

    LOOKUP = "lookup"
    """`-1;#Label|guid`, several joined by `;#`."""
    PLAIN = "plain"
    """`Label|guid`, several joined by `;`."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """The item whose columns are written: a list item, or a file in a library."""

    path: str

    @classmethod
    def item(cls, site_id: str, list_id: str, item_id: str) -> Self:
        """An item of a list."""
        return cls(path=item_path(site_id, list_id, item_id))

    @classmethod
    def file(cls, drive_id: str, item_id: str) -> Self:
        """A file, by its drive item."""
        return cls(path=f"{file_item_path(drive_id, item_id)}/listItem")


@dataclass(frozen=True, kw_only=True)
class Written:
    """What is stored now, read back: the item's new etag and its fields."""

    etag: str
    item: Item


def note_fields(columns: Iterable[Column]) -> dict[str, str]:
    """The hidden note field of each managed-metadata column: internal name to internal name.

    The twin is hidden text whose display name is the column's, as it was when made, followed by `_0`.
    A column renamed since has no twin here, and where two fit neither is taken: say them in the settings.
    """
    listed = list(columns)
    twins: dict[str, list[str]] = {}
    for one in listed:
        if one.hidden and one.kind in {"note", "text", ""} and one.display_name.endswith("_0"):
            twins.setdefault(one.display_name.removesuffix("_0"), []).append(one.name)
    found: dict[str, str] = {}
    for one in listed:
        fitting = {name for key in (one.display_name, one.name) for name in twins.get(key, ())}
        if not one.hidden and one.kind in {"term", ""} and len(fitting) == 1:
            found[one.name] = fitting.pop()
    return found


def encode(terms: Sequence[TermRef], *, style: NoteStyle = NoteStyle.LOOKUP) -> str:
    """The note field's text; "" clears the column. Raises InputRefused for a label SharePoint cannot hold."""
    for term in terms:
        if not _GUID.fullmatch(term.id):
            raise InputRefused(f"{term.id!r} is not a term's id.")
        if not term.label.strip() or _RESERVED.search(term.label):
            raise InputRefused(f'The label of term {term.id} is empty or holds one of ; | < > " # or a tab.')
    if style is NoteStyle.PLAIN:
        return ";".join(f"{term.label}|{term.id}" for term in terms)
    return ";#".join(f"-1;#{term.label}|{term.id}" for term in terms)


def decode(value: Any) -> tuple[TermRef, ...]:
    """The terms in a column's value, however Graph writes it: one object, a list, or a note's text."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        pairs = re.findall(rf"([^;|#]*)\|({_GUID.pattern})", value, re.IGNORECASE)
        return tuple(TermRef(id=guid.lower(), label=label) for label, guid in pairs)
    listed = value if isinstance(value, list) else [value]
    return tuple(
        TermRef(id=str(one["TermGuid"]).lower(), label=str(one.get("Label") or ""))
        for one in listed
        if isinstance(one, dict) and one.get("TermGuid")
    )


def body(
    values: Mapping[str, Sequence[TermRef]],
    notes: Mapping[str, str],
    *,
    style: NoteStyle = NoteStyle.LOOKUP,
) -> Json:
    """The one PATCH that writes all columns. Raises InputRefused for a column without a known note field."""
    unknown = sorted(name for name in values if name not in notes)
    if unknown:
        raise InputRefused(
            f"No hidden note field is known for {', '.join(unknown)}; is it a managed-metadata column here?"
        )
    return {notes[name]: encode(terms, style=style) for name, terms in values.items()}


def not_stored(values: Mapping[str, Sequence[TermRef]], fields: Mapping[str, Any]) -> list[str]:
    """The columns whose terms, read back, are not the ones written; order does not count."""
    return [
        name
        for name, terms in values.items()
        if {term.id.lower() for term in terms} != {term.id for term in decode(fields.get(name))}
    ]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What `write_many` writes to one item; see `write_terms`."""

    target: Target
    values: Mapping[str, Sequence[TermRef]]
    notes: Mapping[str, str]
    etag: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


async def write_many(
    graph: Graph, changes: Sequence[Change], *, style: NoteStyle = NoteStyle.LOOKUP
) -> list[Written | GraphError]:
    """The outcome of each change, in order: twenty a call, written and read back as `write_terms` does.

    An item that is still settling, or whose values did not stick at once, is written again by itself. 3
    resource units an item. Raises InputRefused before anything is written, and what stops all of it
    (Throttled, GraphUnreachable) where not even one call was carried out.
    """
    bodies = [{**body(one.values, one.notes, style=style), **one.fields} for one in changes]
    sent = await graph.batch(
        [
            BatchRequest(
                id=str(place),
                method="PATCH",
                path=f"{one.target.path}/fields",
                body=bodies[place],
                headers={"If-Match": one.etag} if one.etag else {},
            )
            for place, one in enumerate(changes)
        ]
    )
    seen = await graph.batch(
        [
            BatchRequest(id=one.id, method="GET", path=changes[int(one.id)].target.path, params=FIELDS)
            for one in sent
            if one.error is None
        ]
    )
    read = {one.id: one for one in seen}
    return [
        await _outcome(graph, change, answer, read.get(answer.id), style)
        for change, answer in zip(changes, sent, strict=True)
    ]


async def _outcome(
    graph: Graph, change: Change, sent: BatchResponse, seen: BatchResponse | None, style: NoteStyle
) -> Written | GraphError:
    """What became of one change of a batch."""
    try:
        if seen is None:
            settling = isinstance(sent.error, GraphChangedMeanwhile) and sent.status == 409
            if sent.error is not None and not settling:
                return sent.error
            return await write_terms(
                graph,
                change.target,
                change.values,
                notes=change.notes,
                etag=change.etag,
                fields=change.fields,
                style=style,
            )
        item = Item.from_json(seen.json())
        return await _until_stored(graph, change, str(sent.body.get("@odata.etag") or ""), item, style)
    except GraphError as error:
        return error


async def write_terms(
    graph: Graph,
    target: Target,
    values: Mapping[str, Sequence[TermRef]],
    *,
    notes: Mapping[str, str],
    etag: str | None = None,
    fields: Mapping[str, Any] | None = None,
    style: NoteStyle = NoteStyle.LOOKUP,
) -> Written:
    """The item after its terms (and plain `fields`) were written in one PATCH and read back.

    With `etag`, GraphChangedMeanwhile when somebody changed the item since; a 409 of a file still settling
    is tried again after reading. Values that did not stick are written once more in the other spelling,
    unless somebody changed the item meanwhile; what still did not stick raises NotStored with its columns.
    Locked when the file is open or checked out.
    """
    change = Change(target=target, values=values, notes=notes, etag=etag, fields=fields or {})
    sent = {**body(values, notes, style=style), **change.fields}
    after = await lists.patch_fields(graph, target.path, sent, etag=etag)
    return await _until_stored(graph, change, after.etag, await lists.read_item(graph, target.path), style)


async def _until_stored(
    graph: Graph, change: Change, etag_written: str, item: Item, style: NoteStyle
) -> Written:
    """The item as it was read back, after a second try for what did not stick; raises NotStored."""
    missing = not_stored(change.values, item.fields)
    if missing and item.etag and etag_written in {"", item.etag}:
        other = NoteStyle.PLAIN if style is NoteStyle.LOOKUP else NoteStyle.LOOKUP
        again = body({name: change.values[name] for name in missing}, change.notes, style=other)
        await lists.patch_fields(graph, change.target.path, again, etag=item.etag)
        item = await lists.read_item(graph, change.target.path)
        missing = not_stored(change.values, item.fields)
    if missing:
        raise NotStored(
            f"SharePoint answered that it wrote {', '.join(missing)}, but reading back shows other values; "
            "document sets and default terms do that. Set it in SharePoint's own page.",
            status=200,
            code=",".join(missing),
        )
    return Written(etag=item.etag, item=item)
