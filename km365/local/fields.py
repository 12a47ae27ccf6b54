"""Writing column values: what SharePoint takes, what it refuses, and what it loses."""

import json
import math
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatch

from km365.local import columns, faults, identities, items, taxonomy_values
from km365.local.content_types import DOCUMENT_SET
from km365.local.routes import Call, GraphFault, Json, invalid, unknown
from km365.local.state import stamp

LONGEST_LINE = 255
"""Characters in a single line of text (textColumn)."""


@dataclass
class Written:
    """The values that a request sets, by internal name; None clears. Terms are kept apart for the quirks."""

    plain: dict[str, Json] = field(default_factory=dict)
    terms: dict[str, Json] = field(default_factory=dict)
    several: set[str] = field(default_factory=set)
    """Names of managed-metadata columns that take several terms."""

    def onto(self, stored: Mapping[str, Json], notes: Mapping[str, str]) -> dict[str, Json]:
        """`stored` with the values set; `notes` gives each managed-metadata column's hidden note field."""
        fields = {**stored, **self.plain, **self.terms}
        for name, value in self.terms.items():
            fields[notes[name]] = taxonomy_values.note_text(value)
        return {k: v for k, v in fields.items() if v is not None}


def read(call: Call, list_row: sqlite3.Row, body: Json) -> Written:
    """The values of a fieldValueSet, checked column by column. 400 or 501 naming the column otherwise."""
    if not isinstance(body, Mapping):
        raise invalid("The fields must be an object.")
    known = {c["name"]: c for c in columns.of_owner(call.state, list_row["id"])}
    written = Written()
    for name, value in body.items():
        if "@odata." in name or name == "id":
            continue
        column = known.get(name) or known.get(name.removesuffix("LookupId"))
        if column is None:
            raise invalid(f"Field '{name}' is not recognized")
        if column["name"] == "FileLeafRef":
            raise unknown("renaming a file through its fields")
        refuse_read_only(column, name)
        if column["note_of"]:
            refuse_read_only(known[column["note_of"]], name)
            read_terms(call, list_row, known[column["note_of"]], value, written)
        elif column["kind"] == "term":
            _read_visible(call, list_row, column, value, written)
        else:
            written.plain[name] = None if value in (None, "", []) else _value(column, name, value)
    return written


def refuse_read_only(column: sqlite3.Row, name: str) -> None:
    """400 for a column that people and programs may only read."""
    if column["read_only"]:
        raise invalid(f"Field '{name}' is read-only")


def read_terms(call: Call, list_row: sqlite3.Row, column: sqlite3.Row, value: Json, written: Written) -> None:
    """A hidden note field: its text sets the visible column; an empty one clears it."""
    if not isinstance(value, str | None):
        raise invalid(f"The note field of '{column['name']}' takes text.")
    multiple = bool(json.loads(column["facet"]).get("allowMultipleValues"))
    terms = taxonomy_values.decode(value or "")
    unavailable = faults.setting(call.state, "term_unavailable")
    if unavailable:
        terms = [term for term in terms if term[1] not in unavailable["terms"].lower().split()]
    name, site = column["name"], list_row["site_id"]
    written.terms[name] = taxonomy_values.store(call.state, site, column, terms, multiple=multiple)
    if multiple:
        written.several.add(name)


def _read_visible(
    call: Call, list_row: sqlite3.Row, column: sqlite3.Row, value: Json, written: Written
) -> None:
    """The visible managed-metadata column, which Graph does not take while the quirk is on."""
    if faults.setting(call.state, "note_field_only"):
        raise invalid(f"Field '{column['name']}' is managed metadata, which cannot be written by this name.")
    values = value if isinstance(value, list) else [value] if value else []
    if not all(isinstance(v, Mapping) for v in values):
        raise invalid(f"The value of field '{column['name']}' does not fit its type, managed metadata.")
    note = ";#".join(f"-1;#{v.get('Label') or '-'}|{v.get('TermGuid')}" for v in values)
    read_terms(call, list_row, column, note, written)


def _value(column: sqlite3.Row, name: str, value: Json) -> Json:
    """A plain value as SharePoint keeps it. 400 naming the column when it does not fit."""
    kind, facet = column["kind"], json.loads(column["facet"])
    fits = {
        "text": isinstance(value, str),
        "choice": isinstance(value, str)
        or (facet.get("displayAs") == "checkBoxes" and isinstance(value, list)),
        "number": isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf,
        "boolean": isinstance(value, bool),
        "dateTime": isinstance(value, str),
        "personOrGroup": name.endswith("LookupId") and isinstance(value, int | str | list),
        "lookup": name.endswith("LookupId") and isinstance(value, int | str | list),
    }
    if not fits[kind]:
        raise invalid(f"The value of field '{name}' does not fit its type, {kind}.")
    longest = limit if isinstance(limit := facet.get("maxLength"), int) else LONGEST_LINE
    if kind == "text" and not facet.get("allowMultipleLines") and len(value) > longest:
        raise invalid(f"The value of field '{name}' is longer than {longest} characters.")
    if kind == "dateTime":
        return _moment(name, value, date_only=facet.get("format") == "dateOnly")
    return str(value) if kind in ("personOrGroup", "lookup") and isinstance(value, int) else value


def _moment(name: str, text: str, *, date_only: bool) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"The value of field '{name}' is not a date in ISO 8601.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return stamp(moment.astimezone(UTC).replace(hour=0, minute=0, second=0) if date_only else moment)


def update(
    call: Call, list_row: sqlite3.Row, item: sqlite3.Row, body: Json, *, content_type: str | None = None
) -> dict[str, Json]:
    """Set the values in `body` and give back the item's fieldValueSet; one new version. Quirks included."""
    call.require_match(items.etag(item))
    refuse_update(call, item)
    fresh = item["kind"] == "file" and item["version"] == 1
    if (
        fresh
        and faults.setting(call.state, "conflict_after_upload")
        and faults.first_time(call.state, "conflict_after_upload", item["guid"])
    ):
        raise GraphFault(409, "resourceModified", "The resource has changed since the caller last read it.")
    written = read(call, list_row, body)
    notes = note_names(call, list_row)
    asked = written.onto(items.stored_fields(item), notes)
    _lose(call, list_row, item, written, fresh=fresh)
    kept = keep(call, list_row, item, written, content_type=content_type)
    # The answer shows what was asked for, whatever was kept: a 200 is no proof.
    return items.View(call, list_row).fields(kept, shown=asked)


def keep(
    call: Call,
    list_row: sqlite3.Row,
    item: sqlite3.Row,
    written: Written,
    *,
    content_type: str | None = None,
) -> sqlite3.Row:
    """The item with the values, in a new version."""
    stored = written.onto(items.stored_fields(item), note_names(call, list_row))
    if item["kind"] == "file" and faults.setting(call.state, "content_approval") is not None:
        stored["_ModerationStatus"] = PENDING
    by = identities.identity(call.state, call.caller)
    return items.change(call.state, item, by=by, fields=stored, content_type=content_type)


PENDING = 2
"""`_ModerationStatus` of what waits for an approver (0 approved, 1 refused, 3 draft)."""


def note_names(call: Call, list_row: sqlite3.Row) -> dict[str, str]:
    """The hidden note field of each managed-metadata column."""
    return {c["note_of"]: c["name"] for c in columns.of_owner(call.state, list_row["id"]) if c["note_of"]}


LOCKS: list[Callable[[Call, sqlite3.Row], None]] = []
"""Each raises 423 when it knows that the item is locked for the caller; `files.py` adds check-outs."""


UPDATES: list[Callable[[Call, sqlite3.Row], None]] = []
"""As LOCKS, but for changes of columns only."""


def refuse_update(call: Call, item: sqlite3.Row) -> None:
    """423 when the item's columns may not be changed now."""
    refuse_when_open(call, item)
    for refuse in UPDATES:
        refuse(call, item)


def refuse_when_open(call: Call, item: sqlite3.Row) -> None:
    """423 when somebody else has the file checked out, or the quirk says that it is open."""
    for refuse in LOCKS:
        refuse(call, item)
    quirk = faults.setting(call.state, "open_file") if item["kind"] == "file" else None
    if quirk and fnmatch(item["name"], quirk["name"]):
        message = "The file is locked for shared use."
        if quirk["inner"]:
            raise GraphFault(423, "notAllowed", message, inner={"code": "resourceLocked"})
        raise GraphFault(423, "resourceLocked", message)


def _lose(call: Call, list_row: sqlite3.Row, item: sqlite3.Row, written: Written, *, fresh: bool) -> None:
    """Forget what SharePoint is reported to forget without a word."""
    state = call.state
    if item["content_type"].startswith(DOCUMENT_SET) and faults.setting(state, "document_set_loss"):
        written.terms.clear()
    if faults.setting(state, "partial_multi_value"):
        for name in [n for n in written.terms if n in written.several][1:]:
            del written.terms[name]
    default = faults.setting(state, "default_term_loss") if fresh else None
    if default and default["column"] in written.terms:
        column = columns.find(state, list_row["id"], default["column"])
        read_terms(call, list_row, column, default["value"], written)
