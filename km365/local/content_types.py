"""Content types of sites and of lists; a list's are copies, with ids that continue those of their site."""

import sqlite3

from km365.local import sites
from km365.local.routes import GraphFault, Json, not_found
from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS content_type (
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    group_name TEXT NOT NULL DEFAULT 'Custom Content Types',
    built_in INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (owner, id)
) WITHOUT ROWID;
""")

ITEM, DOCUMENT, FOLDER, DOCUMENT_SET = "0x01", "0x0101", "0x0120", "0x0120D520"
PARENTS = {ITEM: "0x", DOCUMENT: ITEM, FOLDER: ITEM, DOCUMENT_SET: FOLDER}
BUILT_IN = {ITEM: "Item", DOCUMENT: "Document", FOLDER: "Folder", DOCUMENT_SET: "Document Set"}


def add_built_in(state: State, list_id: str, template: str) -> None:
    """The content types that a new list has from the start."""
    for base in (DOCUMENT, FOLDER) if template == "documentLibrary" else (ITEM, FOLDER):
        add(state, list_id, child_id(base), BUILT_IN[base], built_in=True)


def child_id(base: str) -> str:
    """A new id below `base`: the base, 00 and a GUID's digits."""
    return f"{base}00{State.new_id().replace('-', '').upper()}"


def add(
    state: State,
    owner: str,
    type_id: str,
    name: str,
    *,
    description: str = "",
    group: str = "",
    built_in: bool = False,
) -> sqlite3.Row:
    """The new content type. 409 when the owner has one of that name."""
    with state.tx() as c:
        if c.execute("SELECT 1 FROM content_type WHERE owner = ? AND name = ?", (owner, name)).fetchone():
            raise GraphFault(
                409, "nameAlreadyExists", f"A content type with the name '{name}' already exists."
            )
        c.execute(
            "INSERT INTO content_type SELECT ?, ?, COALESCE(MAX(position), 0) + 1, ?, ?, ?, ?"
            " FROM content_type WHERE owner = ?",
            (owner, type_id, name, description, group or "Custom Content Types", built_in, owner),
        )
    return find(state, owner, type_id)


def of_owner(state: State, owner: str) -> list[sqlite3.Row]:
    """The content types of a list or site, in their order; a site has the built-in ones too."""
    return state.all("SELECT * FROM content_type WHERE owner = ? ORDER BY position", owner)


def add_to_site(state: State, site_id: str) -> None:
    for type_id, name in BUILT_IN.items():
        add(state, site_id, type_id, name, group="Built-in", built_in=True)


sites.has_from_the_start(add_to_site)


def names(state: State, list_id: str) -> dict[str, str]:
    """Content type names by id."""
    return {r["id"]: r["name"] for r in of_owner(state, list_id)}


def default_for(state: State, list_id: str, kind: str) -> str:
    """The id of the content type that a new item, file or folder gets."""
    ids = [str(r["id"]) for r in of_owner(state, list_id)]
    return next((i for i in ids if i.startswith(FOLDER) == (kind == "folder")), ITEM)


def find(state: State, owner: str, type_id: str) -> sqlite3.Row:
    row = state.one("SELECT * FROM content_type WHERE owner = ? AND id = ?", owner, type_id)
    if row is None:
        raise not_found("the content type")
    return row


def type_json(row: sqlite3.Row) -> dict[str, Json]:
    """A content type as Graph shows it."""
    parent = PARENTS.get(row["id"]) or row["id"][:-34]  # without "00" and the 32 digits of `child_id`
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "group": row["group_name"],
        "hidden": False,
        "isBuiltIn": bool(row["built_in"]),
        "parentId": parent,
        "readOnly": False,
        "sealed": False,
    }
