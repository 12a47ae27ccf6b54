"""Columns of lists, sites and content types; a managed-metadata column brings its hidden note twin.

Graph's answers leave out `term` (columndefinition reference), so nobody learns from them that a column is
managed metadata. Creating one through Graph is in the schema but on no page: that it works is local only.
"""

import json
import re
import secrets
import sqlite3
from collections.abc import Mapping
from string import ascii_lowercase

from km365.local import odata
from km365.local.routes import (
    Call,
    GraphFault,
    Json,
    flag,
    invalid,
    known_properties,
    not_found,
    part,
    text,
    unknown,
)
from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS column_definition (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    facet TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    hidden INTEGER NOT NULL DEFAULT 0,
    read_only INTEGER NOT NULL DEFAULT 0,
    required INTEGER NOT NULL DEFAULT 0,
    indexed INTEGER NOT NULL DEFAULT 0,
    group_name TEXT NOT NULL DEFAULT 'Custom Columns',
    note_of TEXT,
    UNIQUE (owner, name)
);
CREATE INDEX IF NOT EXISTS column_owner ON column_definition (owner, position);
""")

KINDS = ("text", "choice", "number", "dateTime", "boolean", "personOrGroup", "lookup", "term")
OTHER_KINDS = (
    "calculated", "currency", "geolocation", "hyperlinkOrPicture", "thumbnail", "contentApprovalStatus",
)  # fmt: skip
PROPERTIES = (
    "id name displayName description columnGroup hidden readOnly required indexed enforceUniqueValues"
)

BUILT_IN: tuple[tuple[str, str, str, dict[str, Json], bool], ...] = (
    ("Title", "Title", "text", {}, False),
    ("ContentType", "Content Type", "choice", {}, True),
    ("ID", "ID", "number", {}, True),
    ("Created", "Created", "dateTime", {"format": "dateTime"}, True),
    ("Modified", "Modified", "dateTime", {"format": "dateTime"}, True),
    ("Author", "Created By", "personOrGroup", {}, True),
    ("Editor", "Modified By", "personOrGroup", {}, True),
    ("_UIVersionString", "Version", "text", {}, True),
    ("Attachments", "Attachments", "boolean", {}, True),
)
OF_FILES: tuple[tuple[str, str, str, dict[str, Json], bool], ...] = (
    ("FileLeafRef", "Name", "text", {}, True),
    ("LinkFilename", "Name", "text", {}, True),
)


def add_built_in(state: State, list_id: str, template: str) -> None:
    """The columns that every list, or every library, has from the start."""
    rows = BUILT_IN + OF_FILES if template == "documentLibrary" else BUILT_IN
    for name, display_name, kind, facet, read_only in rows:
        _insert(
            state, list_id, name=name, display_name=display_name, kind=kind, facet=facet, read_only=read_only
        )


def of_owner(state: State, owner: str) -> list[sqlite3.Row]:
    """All columns of a list, site or content type, hidden ones too, in their order."""
    return state.all("SELECT * FROM column_definition WHERE owner = ? ORDER BY position", owner)


def create(state: State, owner: str, definition: Json) -> sqlite3.Row:
    """The new column, with its hidden note twin when it holds terms, from Graph's columnDefinition."""
    if not isinstance(definition, Mapping):
        raise invalid("A column is an object.")
    known_properties(definition, f"{PROPERTIES} {' '.join(KINDS + OTHER_KINDS)}", "a column")
    given = [k for k in KINDS if definition.get(k) is not None]
    if other := next((k for k in OTHER_KINDS if definition.get(k) is not None), None):
        raise unknown(f"columns of the kind {other}")
    if len(given) != 1:
        raise invalid("A column must have exactly one type.")
    kind, facet = given[0], {k: v for k, v in part(definition, given[0]).items() if not k.startswith("@")}
    name = text(definition, "name")
    display_name = text(definition, "displayName") or name
    if not display_name.strip():
        raise invalid("A column needs a name.")
    name = internal_name(name or display_name)
    if kind == "text" and facet.get("allowMultipleLines") and flag(definition, "indexed"):
        raise invalid(f"Field '{name}' cannot be indexed: it holds several lines.")
    for refused in ("enforceUniqueValues", "readOnly"):
        if flag(definition, refused):
            raise unknown(f"columns with {refused}")
    shared = {"kind": kind, "facet": facet, "group_name": text(definition, "columnGroup", CUSTOM)}
    flags = {name: flag(definition, name) for name in ("hidden", "required", "indexed")}
    about = text(definition, "description")
    with state.tx():
        row = _insert(
            state, owner, name=name, display_name=display_name, description=about, **shared, **flags
        )
        if kind == "term":
            twin = "".join(secrets.choice(ascii_lowercase) for _ in range(32))
            note = {"kind": "text", "facet": {"allowMultipleLines": True}, "hidden": True, "note_of": name}
            _insert(state, owner, name=twin, display_name=f"{display_name}_0", **note)
    return row


CUSTOM = "Custom Columns"
BLANK: dict[str, Json] = {
    "description": "", "group_name": CUSTOM, "facet": {}, "note_of": None,
    "hidden": False, "read_only": False, "required": False, "indexed": False,
}  # fmt: skip


def _insert(state: State, owner: str, **given: Json) -> sqlite3.Row:
    """The new row, last among the owner's. 409 when the owner has a column of that name."""
    values = {**BLANK, **given, "owner": owner, "id": state.new_id()}
    values["facet"] = json.dumps(values["facet"])
    if state.one("SELECT 1 FROM column_definition WHERE owner = ? AND name = ?", owner, values["name"]):
        raise GraphFault(409, "nameAlreadyExists", f"A column named '{values['name']}' already exists.")
    with state.tx() as c:
        c.execute(
            "INSERT INTO column_definition SELECT :id, :owner, COALESCE(MAX(position), 0) + 1, :name,"
            " :display_name, :kind, :facet, :description, :hidden, :read_only, :required, :indexed,"
            " :group_name, :note_of FROM column_definition WHERE owner = :owner",
            values,
        )
    return find(state, owner, values["id"])


def internal_name(text: str) -> str:
    """A column's internal name: SharePoint writes what is no letter, digit or underscore as `_x0020_`."""
    return re.sub(r"\W", lambda m: f"_x{ord(m[0]):04x}_", text)[:128]


def find(state: State, owner: str, column: str) -> sqlite3.Row:
    """The owner's column with this id or internal name."""
    row = state.one(
        "SELECT * FROM column_definition WHERE owner = ? AND (id = ? OR name = ?)",
        owner,
        column.lower(),
        column,
    )
    if row is None:
        raise not_found("the column")
    return row


def copy(state: State, source: sqlite3.Row, owner: str) -> None:
    """Give `owner` the same column, unless it has one of that name."""
    if (
        state.one("SELECT 1 FROM column_definition WHERE owner = ? AND name = ?", owner, source["name"])
        is None
    ):
        create(state, owner, {
            "name": source["name"], "displayName": source["display_name"],
            source["kind"]: json.loads(source["facet"]),
            "description": source["description"], "indexed": bool(source["indexed"]),
            "required": bool(source["required"]), "columnGroup": source["group_name"],
        })  # fmt: skip


def column_json(row: sqlite3.Row) -> dict[str, Json]:
    """A column as Graph shows it: without `term`, so one cannot tell that it is managed metadata."""
    shown: dict[str, Json] = {
        "id": row["id"],
        "name": row["name"],
        "displayName": row["display_name"],
        "description": row["description"],
        "columnGroup": row["group_name"],
        "hidden": bool(row["hidden"]),
        "readOnly": bool(row["read_only"]),
        "required": bool(row["required"]),
        "indexed": bool(row["indexed"]),
        "enforceUniqueValues": False,
    }
    if row["kind"] != "term":
        shown[row["kind"]] = json.loads(row["facet"])
    return shown


def shown_to(call: Call, owner: str) -> Json:
    """The owner's columns; hidden ones only when `$select` names `hidden` (columndefinition)."""
    rows = [r for r in of_owner(call.state, owner) if "hidden" in call.query.select or not r["hidden"]]
    return odata.collection(call, [column_json(r) for r in rows])


def update(call: Call, row: sqlite3.Row) -> Json:
    """Change what may change of a column and show it."""
    body = call.json()
    known_properties(
        body, f"id displayName description hidden required indexed {' '.join(KINDS)}", "a column"
    )
    if given := [k for k in KINDS if body.get(k) is not None and k != row["kind"]]:
        raise invalid(f"A column cannot become {given[0]}.")
    facet = {**json.loads(row["facet"]), **part(body, row["kind"])}
    with call.state.tx() as c:
        c.execute(
            "UPDATE column_definition SET display_name = ?, description = ?, hidden = ?, required = ?,"
            " indexed = ?, facet = ? WHERE id = ?",
            (
                text(body, "displayName").strip() or row["display_name"],
                text(body, "description", row["description"]),
                flag(body, "hidden", bool(row["hidden"])),
                flag(body, "required", bool(row["required"])),
                flag(body, "indexed", bool(row["indexed"])),
                *(json.dumps(facet), row["id"]),
            ),
        )
    return column_json(find(call.state, row["owner"], row["id"]))


def delete(call: Call, row: sqlite3.Row) -> None:
    """Delete a column of one's own, its note twin with it; 400 for a built-in one."""
    if row["name"] in {b[0] for b in BUILT_IN + OF_FILES}:
        raise invalid(f"Field '{row['name']}' cannot be deleted.")
    with call.state.tx() as c:
        c.execute(
            "DELETE FROM column_definition WHERE owner = ? AND (id = ? OR note_of = ?)",
            (row["owner"], row["id"], row["name"]),
        )
