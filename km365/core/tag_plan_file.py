"""A tagging plan as the JSON file a person reads and edits, written and read document by document.

A plan for a hundred thousand documents is some hundred megabytes: neither side holds it whole.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from km365.core.json_stream import NOTHING, members
from km365.core.tag_plan import ColumnChange, Library, Mode, Plan, Refused, Row
from km365.core.tag_plan_edit import Editor, Sealed, Wish, from_planned, planned, seal, titles_of
from km365.core.taxonomy import Taxonomy
from km365.errors import Cause, PlanRefused

FORMAT = 2
ABOUT = (
    'Terms that km365 would add or take out. The lists "add" and "remove" are yours to edit: take an entry '
    'out to leave that term as it is, write {"term": "label or id"} for one more, and "comment": "..." in '
    "any entry, which is kept. `km365 taxonomy list --facet topic` lists the terms of Topic. Whole columns "
    'and documents may be taken out, and a column of the library put in: "KMTopic": {"add": [...]}. Leave '
    '"libraries", "planned", "drive", "item", "etag" and "seal" as they are; the rest only explains. Then: '
    "km365 tag apply FILE"
)


@dataclass(frozen=True, kw_only=True)
class Head:
    """What a plan says of itself before its documents."""

    made_at: datetime
    libraries: tuple[Library, ...]
    mode: Mode = Mode.ADD
    partial: str = ""
    cause: Cause | None = None
    """Why it is `partial`."""


# Writing -------------------------------------------------------------------------------------------------


def to_text(plan: Plan) -> str:
    """The whole plan as a file."""
    head = Head(made_at=plan.made_at, libraries=plan.libraries, mode=plan.mode)
    everything: list[Row | Refused] = [*plan.rows, *plan.others, *plan.refused]
    documents = [document_text(one) for one in everything]
    return beginning(head) + SEPARATOR.join(documents) + ending(plan.partial, plan.cause)


def beginning(head: Head) -> str:
    """The file up to its first document; what the head says of `partial` belongs to the end."""
    start = {
        "km365_plan": FORMAT,
        "about": ABOUT,
        "made_at": head.made_at.isoformat(timespec="seconds"),
        "mode": str(head.mode),
        "libraries": [
            {"site": one.site, "name": one.name, "drive": one.drive_id, "columns": titles_of(one)}
            for one in head.libraries
        ],
    }
    return _laid_out(start, {"libraries": 1})[:-2] + ',\n  "documents": [\n    '


SEPARATOR = ",\n    "
"""What stands between two documents."""


def ending(partial: str = "", cause: Cause | None = None) -> str:
    """The file after its last document; `partial` says why it stops before its end, "" where it does not."""
    why = f',\n  "cause": {_line(cause.as_json())}' if cause else ""
    return f'\n  ],\n  "partial": {_line(partial)}{why}\n}}\n'


def document_text(one: Row | Refused) -> str:
    """One document as it stands in the file."""
    if isinstance(one, Refused):
        return _line(refused_json(one))
    value = {
        "name": one.name,
        "path": one.path,
        "web_url": one.web_url,
        "language": one.language,
        "columns": {column.column: _column_json(column) for column in one.columns},
        "seen": one.seen,
        "planned": planned(one),
        "drive": one.drive_id,
        "item": one.item_id,
        "etag": one.etag,
        "seal": seal(one),
    }
    return _indented(_laid_out(value, {"columns": 3}), 4)


def refused_json(one: Refused) -> dict[str, Any]:
    """A document that could not be read, as both faces of a plan keep it."""
    return {"path": one.path, "not_read": one.reason} | ({"cause": one.cause.as_json()} if one.cause else {})


def refused_of(raw: Mapping[str, Any]) -> Refused:
    """What `refused_json` wrote."""
    return Refused(
        path=str(raw.get("path")), reason=str(raw["not_read"]), cause=Cause.from_json(raw.get("cause"))
    )


def _column_json(column: ColumnChange) -> dict[str, Any]:
    value: dict[str, Any] = {
        "title": column.title,
        "has": [tag.label for tag in column.before],
        "add": [
            {"term": one.tag.label, "id": one.concept_id}
            | (
                {}
                if one.reason.score is None
                else {
                    "score": one.reason.score,
                    "because_of": list(one.reason.words),
                    "found_in": list(one.reason.places),
                    "part": one.reason.part,
                }
            )
            | ({"comment": one.comment} if one.comment else {})
            for one in column.add
        ],
    }
    if column.remove:
        value["remove"] = [
            {
                "term": one.tag.label,
                "id": one.tag.term_id,
                "put_there_by": "people" if one.by_people else "km365",
            }
            | ({"comment": one.comment} if one.comment else {})
            for one in column.remove
        ]
    if left_out := _left_out(column):
        value["left_out"] = left_out
    return value


def _left_out(column: ColumnChange) -> list[dict[str, str]]:
    """What was proposed and is not wanted."""
    machine, notes = column.original, dict(column.notes)
    kept = {one.tag.term_id for one in column.add} | {one.tag.term_id for one in column.remove}
    gone = [(one.tag, one.concept_id) for one in machine.add if one.tag.term_id not in kept]
    gone += [(one.tag, one.tag.term_id) for one in machine.remove if one.tag.term_id not in kept]
    return [
        {"term": tag.label, "id": said} | ({"comment": notes[tag.term_id]} if tag.term_id in notes else {})
        for tag, said in gone
    ]


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _laid_out(value: Mapping[str, Any], deep: Mapping[str, int]) -> str:
    """A key a line; the values of `deep` opened so many levels further."""
    lines = [f"  {_line(key)}: {_indented(_opened(one, deep.get(key, 0)), 2)}" for key, one in value.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def _opened(value: Any, levels: int) -> str:
    if not levels or not value or not isinstance(value, dict | list):
        return _line(value)
    if isinstance(value, dict):
        inner = [f"{_line(key)}: {_opened(one, levels - 1)}" for key, one in value.items()]
        marks = "{}"
    else:
        inner, marks = [_opened(one, levels - 1) for one in value], "[]"
    return f"{marks[0]}\n  " + _indented(",\n".join(inner), 2) + f"\n{marks[1]}"


def _indented(text: str, by: int) -> str:
    return text.replace("\n", "\n" + " " * by)


# Reading -------------------------------------------------------------------------------------------------


def from_text(text: str, taxonomy: Taxonomy, *, source: str) -> Plan:
    """The plan in an edited file. `taxonomy` is the one of today, with the term store's ids.

    Raises PlanRefused, naming the file, the document and the key, for anything that is not understood; then
    nothing of the plan is applied.
    """
    head = read_head([text], source=source)
    found = list(read_documents([text], head, taxonomy, source=source))
    rows = [one for one in found if isinstance(one, Row)]
    return Plan(
        made_at=head.made_at,
        libraries=head.libraries,
        rows=tuple(row for row in rows if row.changes),
        others=tuple(row for row in rows if not row.changes),
        refused=tuple(one for one in found if isinstance(one, Refused)),
        mode=head.mode,
        partial=head.partial,
        cause=head.cause,
    )


def read_head(text: Iterable[str], *, source: str) -> Head:
    """What the plan says of itself; reads the whole file, given in pieces, to its end."""
    values: dict[str, Any] = {}
    documents = False
    for key, value in members(text, source=source, inside="documents"):
        if key == "documents":
            documents = True
            if value is not NOTHING and not isinstance(value, dict):
                raise PlanRefused(f"{source}: a document must be an object in braces.")
        else:
            values[key] = value
    head = head_of(values, source=source)
    if not documents:
        raise PlanRefused(f"{source}: documents must be a list in brackets.")
    return head


def head_of(values: Mapping[str, Any], *, source: str) -> Head:
    """The head in what a plan says before its documents. Raises PlanRefused."""
    if values.get("km365_plan") != FORMAT:
        raise PlanRefused(f"{source} is no plan of km365 (format {FORMAT}); make one with `km365 tag plan`.")
    try:
        mode = Mode(values.get("mode", Mode.ADD))
    except ValueError:
        raise PlanRefused(f"{source}: 'mode' must be one of {', '.join(Mode)}.") from None
    return Head(
        made_at=_moment(values.get("made_at"), source),
        libraries=tuple(_library(raw, source) for raw in _list(values.get("libraries"), "libraries", source)),
        mode=mode,
        partial=str(values.get("partial") or ""),
        cause=Cause.from_json(values.get("cause")),
    )


def read_documents(
    text: Iterable[str], head: Head, taxonomy: Taxonomy, *, source: str
) -> Iterator[Row | Refused]:
    """The documents of the plan one by one, understood. Raises PlanRefused at the first that is not."""
    editor = Editor(taxonomy, head.libraries)
    seen: set[int] = set()
    number = -1
    for key, raw in members(text, source=source, inside="documents"):
        if key != "documents" or raw is NOTHING:
            continue
        number += 1
        document = _object(raw, f"documents[{number}]", source)
        name = document.get("name") or document.get("path") or "?"
        where = f"{source}, documents[{number}] ({name})"
        if "not_read" in document:
            yield refused_of(document)
            continue
        sealed = sealed_of(document, head, where)
        named = _object(document.get("columns"), "columns", where)
        row = editor.row(sealed, list(_wishes(named, where)), where, named=named)
        key_of = hash((row.drive_id, row.item_id))
        if key_of in seen:
            raise PlanRefused(f"{where}: the document stands in the plan twice; take one of the two out.")
        seen.add(key_of)
        yield row


def sealed_of(raw: Mapping[str, Any], head: Head, where: str) -> Sealed:
    """The document as it was planned, from what the file says of it. Raises PlanRefused."""
    texts = {}
    for key in ("drive", "item", "etag", "name"):
        if not isinstance(raw.get(key), str) or not raw[key]:
            raise PlanRefused(f"{where}: {key!r} is missing; make the plan again.")
        texts[key] = raw[key]
    library = next((one for one in head.libraries if one.drive_id == texts["drive"]), None)
    titles = titles_of(library) if library else {}
    try:
        columns = from_planned(_object(raw.get("planned"), "'planned'", where), titles)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        raise PlanRefused(f"{where}: 'planned' was changed; make the plan again.") from None
    language = raw.get("language")
    return Sealed(
        row=Row(
            drive_id=texts["drive"],
            item_id=texts["item"],
            etag=texts["etag"],
            name=texts["name"],
            path=str(raw.get("path") or texts["name"]),
            web_url=str(raw.get("web_url") or ""),
            changes=columns,
            language=language if isinstance(language, str) else None,
            seen=raw.get("seen") is True,
        ),
        seal=str(raw.get("seal") or ""),
    )


def _wishes(columns: Mapping[str, Any], where: str) -> Iterator[Wish]:
    for column, raw in columns.items():
        here = f"{where}, {column}"
        value = _object(raw, column, where)
        for key in ("add", "remove", "left_out"):
            for one in _list(value.get(key, []), key, here):
                entry = _object(one, key, here)
                yield Wish(
                    column=column,
                    term=_text(entry, "term", here),
                    id=_text(entry, "id", here),
                    removes=key == "remove",
                    wanted=key != "left_out",
                    comment=_text(entry, "comment", here),
                    where=here,
                )


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if value is not None and not isinstance(value, str):
        raise PlanRefused(f"{where}: {key!r} must be a text in quotation marks.")
    return (value or "").strip()


def _library(raw: Any, source: str) -> Library:
    value = _object(raw, "libraries", source)
    texts = [value.get(key) for key in ("site", "name", "drive")]
    columns = value.get("columns") or {}
    whole = all(isinstance(text, str) and text for text in texts)
    if not whole or not isinstance(columns, dict):
        raise PlanRefused(f"{source}: a library lacks its 'site', 'name' or 'drive'; make the plan again.")
    return Library(
        site=str(texts[0]),
        name=str(texts[1]),
        drive_id=str(texts[2]),
        columns=tuple((str(name), str(title)) for name, title in columns.items()),
    )


def _object(value: Any, key: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise PlanRefused(f"{where}: {key} must be an object in braces.")
    return value


def _list(value: Any, key: str, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise PlanRefused(f"{where}: {key} must be a list in brackets.")
    return value


def _moment(value: Any, where: str) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise PlanRefused(f"{where}: 'made_at' is not a moment; make the plan again.") from None
