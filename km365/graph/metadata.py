"""Managed metadata: terms in a column, written through its hidden note twin and read back.

Graph does not write the visible column (MGD#4911); a PATCH of the hidden note field does (MGD#16597,
#1965). A 200 is no proof: a value can be dropped on document sets, in part, or for a default term
(MGD#16597, VG#705, PJS#2725), so every write is read back and the term ids compared.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from km365.core.taxonomy import FORBIDDEN
from km365.errors import (
    Forbidden,
    GraphChangedMeanwhile,
    GraphError,
    GraphUnreachable,
    InputRefused,
    Locked,
    NotStored,
    Throttled,
)
from km365.graph import lists, other_ways
from km365.graph.batch import BatchRequest, BatchResponse
from km365.graph.client import Graph
from km365.graph.drives import file_item_path
from km365.graph.feeds import Feed
from km365.graph.lists import Column, Item, item_path
from km365.graph.other_ways import Place
from km365.graph.pacing import Service
from km365.graph.wire import Json

FIELDS = {"$expand": "fields"}

_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_LOOKUP = re.compile(r"-?\d+;#")
_IN_LOOKUP = re.compile(rf";#([^;|]*)\|({_GUID.pattern})", re.IGNORECASE)
_IN_PLAIN = re.compile(rf"(?:^|;)([^;|]*)\|({_GUID.pattern})", re.IGNORECASE)


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


class Target(NamedTuple):
    """The item whose columns are written: a list item, or a file in a library (`drive_item` is its path)."""

    path: str
    drive_item: str = ""

    @classmethod
    def item(cls, site_id: str, list_id: str, item_id: str) -> Self:
        """An item of a list."""
        return cls(path=item_path(site_id, list_id, item_id))

    @classmethod
    def file(cls, drive_id: str, item_id: str) -> Self:
        """A file, by its drive item."""
        path = file_item_path(drive_id, item_id)
        return cls(path=f"{path}/listItem", drive_item=path)


class Written(NamedTuple):
    """What is stored now, read back: the item's new etag and its fields, or those that were asked for."""

    etag: str
    fields: Mapping[str, Any]


def note_fields(columns: Iterable[Column], *, made_as: Mapping[str, str] | None = None) -> dict[str, str]:
    """The hidden note field of each managed-metadata column: internal name to internal name.

    The twin is hidden text whose display name is the column's, as it was when made, followed by `_0`.
    `made_as` says how columns were called then, for those that were renamed since. Where two fit neither is
    taken: `all_note_fields` asks SharePoint.
    """
    listed = list(columns)
    twins: dict[str, list[str]] = {}
    for one in listed:
        if one.hidden and one.kind in {"note", "text", ""} and one.display_name.endswith("_0"):
            twins.setdefault(one.display_name.removesuffix("_0"), []).append(one.name)
    found: dict[str, str] = {}
    for one in listed:
        called = (one.display_name, one.name, (made_as or {}).get(one.name, one.name))
        fitting = {name for key in called for name in twins.get(key, ())}
        if not one.hidden and one.kind in {"term", ""} and len(fitting) == 1:
            found[one.name] = fitting.pop()
    return found


async def all_note_fields(
    graph: Graph, place: Place, columns: Sequence[Column], *, made_as: Mapping[str, str]
) -> dict[str, str]:
    """As `note_fields`; what it cannot tell of the columns in `made_as`, SharePoint's REST may.

    Columns that stay unknown are left out.
    """
    found = note_fields(columns, made_as=made_as)
    if all(one.name in found for one in columns if one.name in made_as):
        return found
    try:
        ids = await other_ways.note_ids(graph, place)
    except (Throttled, GraphUnreachable):
        raise
    except GraphError:  # without a certificate there is no REST; what is missing is named where it matters
        return found
    names = {one.id.lower(): one.name for one in columns}
    return {column: names[note] for column, note in ids.items() if note in names} | found


def encode(terms: Sequence[TermRef], *, style: NoteStyle = NoteStyle.LOOKUP) -> str:
    """The note field's text; "" clears the column. Raises InputRefused for a label SharePoint cannot hold."""
    pairs = [_pair(term.label, term.id) for term in terms]
    if style is NoteStyle.PLAIN:
        return ";".join(pairs)
    return ";#".join(["-1;#" + pair for pair in pairs])


@lru_cache(maxsize=4096)
def _pair(label: str, term_id: str) -> str:
    """One term in a note field."""
    if not _GUID.fullmatch(term_id):
        raise InputRefused(f"{term_id!r} is not a term's id.")
    if not label.strip() or not FORBIDDEN.isdisjoint(label):
        raise InputRefused(
            f"SharePoint cannot hold the label {label!r} of term {term_id}: it is empty, or has one of "
            '; | < > " or a character nobody sees, such as a tab. Rename the term, then plan again.',
            cause="label",
            label=label,
        )
    return f"{label}|{term_id}"


def decode(value: Any) -> tuple[TermRef, ...]:
    """The terms in a column's value, however Graph writes it: one object, a list, or a note's text."""
    return tuple(TermRef(id=term_id, label=label) for term_id, label in _pairs(value))


def _pairs(value: Any) -> list[tuple[str, str]]:
    """Id and label of each term in a column's value."""
    if not value:
        return []
    if isinstance(value, str):
        # A label may begin with `#`: only the spelling tells whether one behind a `;` belongs to it.
        pairs = _IN_LOOKUP if _LOOKUP.match(value) else _IN_PLAIN
        return [(term_id.lower(), label) for label, term_id in pairs.findall(value)]
    listed = value if isinstance(value, list) else [value]
    return [
        (str(one["TermGuid"]).lower(), str(one.get("Label") or ""))
        for one in listed
        if isinstance(one, dict) and one.get("TermGuid")
    ]


def body(
    values: Mapping[str, Sequence[TermRef]],
    notes: Mapping[str, str],
    *,
    style: NoteStyle = NoteStyle.LOOKUP,
) -> Json:
    """The one PATCH that writes all columns. Raises InputRefused for a column without a known note field."""
    if unknown := [name for name in values if name not in notes]:
        names = ", ".join(sorted(unknown))
        raise InputRefused(
            f"No hidden note field is known for {names}; is it a managed-metadata column here?"
        )
    return {notes[name]: encode(terms, style=style) for name, terms in values.items()}


def not_stored(values: Mapping[str, Sequence[TermRef]], fields: Mapping[str, Any]) -> list[str]:
    """The columns whose terms, read back, are not the ones written; order does not count."""
    return [
        name
        for name, terms in values.items()
        if {term.id.lower() for term in terms} != {term_id for term_id, _ in _pairs(fields.get(name))}
    ]


class Change(NamedTuple):
    """What `write_many` writes to one item; see `write_terms`. `place` is its list, for SharePoint's REST."""

    target: Target
    values: Mapping[str, Sequence[TermRef]]
    notes: Mapping[str, str]
    etag: str | None = None
    fields: Mapping[str, Any] = MappingProxyType({})
    place: Place | None = None


async def write_many(
    graph: Graph,
    changes: Sequence[Change],
    *,
    style: NoteStyle = NoteStyle.LOOKUP,
    feed: Feed | None = None,
) -> list[Written | GraphError]:
    """The outcome of each change, in order: twenty a call, written and read back as `write_terms` does.

    An item that is still settling, or whose values did not stick at once, is written again by itself. 3
    resource units an item, 2 where a `feed` of their list, opened before, tells what is stored. Raises
    InputRefused before anything is written, and what stops all of it (Throttled, GraphUnreachable) where not
    even one call was carried out.
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
                price=_WRITE,
            )
            for place, one in enumerate(changes)
        ]
    )
    etags = [_etag_written(one) for one in sent]
    told = await feed.read({etag for etag in etags if etag}) if feed else {}
    unsure = {
        place: change.target
        for place, (change, answer, etag) in enumerate(zip(changes, sent, etags, strict=True))
        if not answer.error and (etag not in told or not_stored(change.values, told[etag]))
    }
    seen = dict(zip(unsure, await read_many(graph, list(unsure.values())), strict=True))
    return [
        await _outcome(graph, change, answer, seen.get(place), style)
        if place in unsure or answer.error
        else Written(etag=etag, fields=told[etag])
        for place, (change, answer, etag) in enumerate(zip(changes, sent, etags, strict=True))
    ]


_WRITE, _READ = (Service.SHAREPOINT, 2), (Service.SHAREPOINT, 1)


def _etag_written(sent: BatchResponse) -> str:
    """The etag of a write that Graph says it made; "" for none."""
    return "" if sent.error else str(sent.body.get("@odata.etag") or "")


async def read_many(graph: Graph, targets: Sequence[Target]) -> list[Item | GraphError]:
    """The items with all their fields and etags, or why one cannot be read; 1 resource unit each."""
    answers = await graph.batch(
        [
            BatchRequest(id=str(number), method="GET", path=target.path, params=FIELDS, price=_READ)
            for number, target in enumerate(targets)
        ]
    )
    return [one.error or Item.from_json(one.body) for one in answers]


async def _outcome(
    graph: Graph, change: Change, sent: BatchResponse, seen: Item | GraphError | None, style: NoteStyle
) -> Written | GraphError:
    """What became of one change of a batch."""
    try:
        if isinstance(sent.error, Locked) and change.target.drive_item:
            return await _write_checked_out(graph, change, style)
        if isinstance(sent.error, GraphChangedMeanwhile) and sent.status == 409:
            return await _write(graph, change, style)  # still settling
        if sent.error is not None:
            return sent.error
        if not isinstance(seen, Item):
            return seen or GraphError("Graph did not say what it stored.")
        return await _until_stored(graph, change, _etag_written(sent), seen, style)
    except GraphError as error:
        return error


async def _write_checked_out(graph: Graph, change: Change, style: NoteStyle) -> Written:
    """The write while we hold the file's check-out, which some libraries ask for. Raises Locked if we cannot.

    Checking out may move the etag, so that a change of somebody else is told by the columns themselves.
    """
    before = await lists.read_item(graph, change.target.path)

    async def write() -> Written:
        now = await lists.read_item(graph, change.target.path)
        moved = [name for name in change.values if now.fields.get(name) != before.fields.get(name)]
        if moved or (change.etag and before.etag != change.etag):
            raise GraphChangedMeanwhile("A file was changed by somebody else since it was read.", status=412)
        return await _write(graph, change._replace(etag=now.etag), style)

    await other_ways.while_checked_out(graph, change.target.drive_item, write)
    item = await lists.read_item(graph, change.target.path)  # checking in may have moved the etag
    return Written(etag=item.etag, fields=item.fields)


async def write_terms(
    graph: Graph,
    target: Target,
    values: Mapping[str, Sequence[TermRef]],
    *,
    notes: Mapping[str, str],
    etag: str | None = None,
    fields: Mapping[str, Any] | None = None,
    style: NoteStyle = NoteStyle.LOOKUP,
    place: Place | None = None,
) -> Written:
    """The item after its terms (and plain `fields`) were written in one PATCH and read back.

    With `etag`, GraphChangedMeanwhile when somebody changed the item since; a 409 of a file still settling
    is tried again after reading. Values that did not stick are written once more in the other spelling, and
    with `place` through SharePoint's REST, unless somebody changed the item meanwhile; what still did not
    stick raises NotStored with its columns. Locked when the file is open or checked out.
    """
    return await _write(
        graph,
        Change(target=target, values=values, notes=notes, etag=etag, fields=fields or {}, place=place),
        style,
    )


async def _write(graph: Graph, change: Change, style: NoteStyle) -> Written:
    sent = {**body(change.values, change.notes, style=style), **change.fields}
    after = await lists.patch_fields(graph, change.target.path, sent, etag=change.etag)
    item = await lists.read_item(graph, change.target.path)
    return await _until_stored(graph, change, after.etag, item, style)


async def _until_stored(
    graph: Graph, change: Change, etag_written: str, item: Item, style: NoteStyle
) -> Written:
    """The item as it was read back, after the other ways for what did not stick; raises NotStored."""
    missing = not_stored(change.values, item.fields)
    ours = item.etag and etag_written in {"", item.etag}  # nothing is written over somebody's newer change
    if missing and ours:
        other = NoteStyle.PLAIN if style is NoteStyle.LOOKUP else NoteStyle.LOOKUP
        again = body({name: change.values[name] for name in missing}, change.notes, style=other)
        after = await lists.patch_fields(graph, change.target.path, again, etag=item.etag)
        item = await lists.read_item(graph, change.target.path)
        missing = not_stored(change.values, item.fields)
        ours = after.etag in {"", item.etag}
    advice = "Set it in SharePoint's own page."
    if missing and ours and change.place:
        values = {name: encode(change.values[name], style=NoteStyle.PLAIN) + ";" for name in missing}
        try:
            await other_ways.validate_update(graph, change.place, item.id, values)
        except (Throttled, GraphUnreachable):
            raise
        except Forbidden:
            advice = "SharePoint's own REST may store it: give the app a certificate. " + advice
        except GraphError as refused:
            advice = f"{refused} {advice}"
        else:
            item = await lists.read_item(graph, change.target.path)
            missing = not_stored(change.values, item.fields)
    if missing:
        raise NotStored(
            f"SharePoint answered that it wrote {', '.join(missing)}, but reading back shows other values; "
            f"document sets, default terms and deprecated terms do that. {advice}",
            status=200,
            code=",".join(missing),
        )
    return Written(etag=item.etag, fields=item.fields)
