"""The term store as it is kept: groups, sets, terms, and where in which set each term stands.

A term stands in the set it was made in and, reused or pinned, in others; its labels are the same everywhere.
Limits: 7 levels and 30,000 terms in a set (Packt, Customizing and Extending SharePoint Online, chapter 8).
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from km365.local.routes import GraphFault, Json, invalid, not_found, text
from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS term_group (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, description TEXT NOT NULL,
    system INTEGER NOT NULL, created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS term_set (
    id TEXT PRIMARY KEY, grp TEXT NOT NULL REFERENCES term_group, names TEXT NOT NULL,
    description TEXT NOT NULL, properties TEXT NOT NULL, created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS term (
    id TEXT PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, labels TEXT NOT NULL, descriptions TEXT NOT NULL,
    properties TEXT NOT NULL, created_at TEXT NOT NULL, modified_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS term_place (
    term TEXT NOT NULL REFERENCES term ON DELETE CASCADE,
    term_set TEXT NOT NULL REFERENCES term_set ON DELETE CASCADE,
    parent TEXT NOT NULL, relation TEXT UNIQUE, relationship TEXT, PRIMARY KEY (term, term_set)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS term_place_under ON term_place (term_set, parent);
""")

LEVELS = 7
TERMS_PER_SET = 30_000
LABEL_LENGTH = 255
FORBIDDEN_IN_LABELS = frozenset(';"<>|\t')

STORE = {
    "defaultLanguageTag": "en-US",
    "languageTags": ["en-US", "fr-FR", "es-ES", "ar-SA", "ru-RU", "zh-CN", "pt-PT"],
}
"""The working languages of a fresh tenant."""

ORPHANS = "Orphaned Terms"


def store(state: State) -> dict[str, Any]:
    """The default language and the working languages."""
    kept: dict[str, Any] = state.recall("term_store", STORE)
    return kept


def group(state: State, group_id: str) -> sqlite3.Row:
    return _one(state, "SELECT * FROM term_group WHERE id = ?", group_id, what="the term group")


def term_set(state: State, set_id: str) -> sqlite3.Row:
    return _one(state, "SELECT * FROM term_set WHERE id = ?", set_id, what="the term set")


def term(state: State, term_id: str) -> sqlite3.Row:
    return _one(state, "SELECT * FROM term WHERE id = ?", term_id, what="the term")


def place(state: State, set_id: str, term_id: str) -> sqlite3.Row:
    """Where the term stands in this set; 404 when it does not."""
    sql = "SELECT * FROM term_place WHERE term_set = ? AND term = ?"
    return _one(state, sql, set_id, term_id, what="the term in this set")


def _one(state: State, sql: str, *values: str, what: str) -> sqlite3.Row:
    row = state.one(sql, *(v.lower() for v in values))
    if row is None:
        raise not_found(what)
    return row


def born_in(state: State, term_id: str) -> str:
    """The id of the set that the term was made in."""
    sql = "SELECT term_set FROM term_place WHERE term = ? AND relation IS NULL"
    return str(_one(state, sql, term_id, what="the term's set")["term_set"])


def stands_in(state: State, set_id: str, term_id: str) -> bool:
    """Whether the term is in this set: by a place of its own, or below a term that is reused there."""
    at = term_id.lower()
    while at:
        sql = "SELECT term_set, parent, relation FROM term_place WHERE term = ?"
        places = {row["term_set"]: row for row in state.all(sql, at)}
        if set_id.lower() in places:
            return True
        at = next((str(row["parent"]) for row in places.values() if row["relation"] is None), "")
    return False


def children(state: State, set_id: str, parent_id: str) -> list[sqlite3.Row]:
    """The terms one level below a term, or at the top of the set when `parent_id` is empty.

    Below a reused term stands what stands below it in its own set, whatever was changed here
    (microsoft-graph-docs-contrib issue 2765).
    """
    if parent_id and place(state, set_id, parent_id)["relation"]:
        set_id = born_in(state, parent_id)
    return state.all(
        "SELECT t.* FROM term t JOIN term_place p ON p.term = t.id"
        " WHERE p.term_set = ? AND p.parent = ? ORDER BY t.name, t.id",
        set_id.lower(),
        parent_id.lower(),
    )


# making and changing -------------------------------------------------------------------------------------


def add_group(state: State, name: str, description: str, *, system: bool = False) -> sqlite3.Row:
    """The new group. 409 when there is one of that name."""
    with state.tx() as c:
        refuse_taken(state, name)
        new = state.new_id()
        c.execute(
            "INSERT INTO term_group VALUES (?, ?, ?, ?, ?)", (new, name, description, system, state.stamp())
        )
    return group(state, new)


def refuse_taken(state: State, name: str, *, but: str = "") -> None:
    """409 when a group other than `but` has this name."""
    if state.one("SELECT 1 FROM term_group WHERE name = ? AND id <> ?", name, but) is not None:
        raise GraphFault(409, "nameAlreadyExists", "A term group with this name already exists.")


def add_set(state: State, group_id: str, names: Json, description: str, properties: Json) -> sqlite3.Row:
    """The new set in the group."""
    localized = _texts(state, names, "name", "localizedNames")
    if not localized:
        raise invalid("A term set needs a localized name.")
    owner = group(state, group_id)["id"]
    with state.tx() as c:
        new = state.new_id()
        row = (new, owner, _dump(localized), description, _dump(_properties(properties)), state.stamp())
        c.execute("INSERT INTO term_set VALUES (?, ?, ?, ?, ?, ?)", row)
    return term_set(state, new)


def add_term(state: State, set_id: str, parent_id: str, body: Mapping[str, Json]) -> sqlite3.Row:
    """The new term below `parent_id` (empty: at the top of the set)."""
    labels = _labels(state, body.get("labels"))
    descriptions = _texts(state, body.get("descriptions") or [], "description", "descriptions")
    properties = _properties(body.get("properties"))
    if parent_id and place(state, set_id, parent_id)["relation"]:
        raise invalid("Terms below a reused or pinned term are made in the set it comes from.")
    with state.tx() as c:
        _room_for(state, set_id, parent_id, _name(state, labels))
        new, now = state.new_id(), state.stamp()
        values = (new, _name(state, labels), _dump(labels), _dump(descriptions), _dump(properties), now, now)
        c.execute("INSERT INTO term VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        c.execute(
            "INSERT INTO term_place VALUES (?, ?, ?, NULL, NULL)", (new, set_id.lower(), parent_id.lower())
        )
    return term(state, new)


def change_term(state: State, row: sqlite3.Row, body: Mapping[str, Json]) -> sqlite3.Row:
    """The term with other labels, descriptions or properties: each list replaces the one that was there."""
    labels = _labels(state, body["labels"]) if "labels" in body else json.loads(row["labels"])
    descriptions, properties = row["descriptions"], row["properties"]
    if "descriptions" in body:
        descriptions = _dump(_texts(state, body["descriptions"], "description", "descriptions"))
    if "properties" in body:
        properties = _dump(_properties(body["properties"]))
    name = _name(state, labels)
    with state.tx() as c:
        for where in c.execute("SELECT * FROM term_place WHERE term = ?", (row["id"],)).fetchall():
            _free_name(state, where["term_set"], where["parent"], name, but=row["id"])
        c.execute(
            "UPDATE term SET name = ?, labels = ?, descriptions = ?, properties = ?, modified_at = ?"
            " WHERE id = ?",
            (name, _dump(labels), descriptions, properties, state.stamp(), row["id"]),
        )
    return term(state, row["id"])


def change_set(state: State, row: sqlite3.Row, body: Mapping[str, Json]) -> sqlite3.Row:
    """The set with other names, description or properties."""
    names, properties = row["names"], row["properties"]
    if "localizedNames" in body:
        names = _dump(_texts(state, body["localizedNames"], "name", "localizedNames"))
    if "properties" in body:
        properties = _dump(_properties(body["properties"]))
    with state.tx() as c:
        description = text(body, "description", row["description"])
        c.execute(
            "UPDATE term_set SET names = ?, description = ?, properties = ? WHERE id = ?",
            (names, description, properties, row["id"]),
        )
    return term_set(state, row["id"])


def relate(state: State, term_id: str, set_id: str, parent_id: str, relationship: str) -> sqlite3.Row:
    """Reuse or pin the term in another set, below `parent_id` there; its place."""
    if relationship not in ("reuse", "pin"):
        raise invalid("relationship must be 'reuse' or 'pin'.")
    row, target = term(state, term_id), term_set(state, set_id)
    with state.tx() as c:
        if c.execute(
            "SELECT 1 FROM term_place WHERE term = ? AND term_set = ?", (row["id"], target["id"])
        ).fetchone():
            raise GraphFault(409, "nameAlreadyExists", "The term stands in this set already.")
        _room_for(state, target["id"], parent_id, row["name"])
        values = (row["id"], target["id"], parent_id.lower(), state.new_id(), relationship)
        c.execute("INSERT INTO term_place VALUES (?, ?, ?, ?, ?)", values)
    return place(state, target["id"], row["id"])


def remove_term(state: State, set_id: str, term_id: str) -> None:
    """Take the term out of the set with everything below it.

    In the set it was made in the term itself goes; where it is reused elsewhere it moves to *Orphaned Terms*
    instead (OfficeDocs-SharePoint, create-and-manage-terms).
    """
    with state.tx() as c:
        where = place(state, set_id, term_id)
        if where["relation"]:
            c.execute("DELETE FROM term_place WHERE relation = ?", (where["relation"],))
            return
        for child in children(state, set_id, term_id):
            remove_term(state, set_id, child["id"])
        if c.execute(
            "SELECT 1 FROM term_place WHERE term = ? AND relation IS NOT NULL", (where["term"],)
        ).fetchone():
            c.execute(
                "UPDATE term_place SET term_set = ?, parent = '' WHERE term = ? AND term_set = ?",
                (_orphanage(state), where["term"], where["term_set"]),
            )
        else:
            c.execute("DELETE FROM term WHERE id = ?", (where["term"],))


def remove_set(state: State, set_id: str) -> None:
    """Delete the set and its terms."""
    with state.tx() as c:
        for child in children(state, set_id, ""):
            remove_term(state, set_id, child["id"])
        c.execute("DELETE FROM term_set WHERE id = ?", (set_id.lower(),))


def remove_group(state: State, group_id: str) -> None:
    """Delete an empty group; 400 while it has sets (term store pages: only an empty group can be deleted)."""
    row = group(state, group_id)
    if state.one("SELECT 1 FROM term_set WHERE grp = ?", row["id"]) or row["system"]:
        raise invalid("The term group is not empty, or belongs to the system.")
    with state.tx() as c:
        c.execute("DELETE FROM term_group WHERE id = ?", (row["id"],))


def _orphanage(state: State) -> str:
    row = state.one("SELECT s.id FROM term_set s JOIN term_group g ON g.id = s.grp WHERE g.system")
    if row is not None:
        return str(row["id"])
    system = add_group(state, "System", "", system=True)
    names = [{"languageTag": store(state)["defaultLanguageTag"], "name": ORPHANS}]
    return str(add_set(state, system["id"], names, "", [])["id"])


# limits and checks ---------------------------------------------------------------------------------------


def _room_for(state: State, set_id: str, parent_id: str, name: str) -> None:
    """Refuse an eighth level, one term too many, or a second sibling of the same name."""
    target = term_set(state, set_id)["id"]
    if sum(1 for _ in _upwards(state, target, parent_id)) >= LEVELS:
        raise invalid(f"A term set has at most {LEVELS} levels.")
    count = state.one("SELECT count(*) AS n FROM term_place WHERE term_set = ?", target)
    if count is not None and count["n"] >= TERMS_PER_SET:
        raise invalid(f"A term set has at most {TERMS_PER_SET} terms.")
    _free_name(state, target, parent_id, name, but="")


def _upwards(state: State, set_id: str, term_id: str) -> Iterator[str]:
    """The term and what stands above it in the set."""
    while term_id:
        yield term_id
        term_id = place(state, set_id, term_id)["parent"]


def _free_name(state: State, set_id: str, parent_id: str, name: str, *, but: str) -> None:
    twin = state.one(
        "SELECT 1 FROM term_place p JOIN term t ON t.id = p.term"
        " WHERE p.term_set = ? AND p.parent = ? AND t.name = ? AND t.id <> ?",
        set_id, parent_id.lower(), name, but,
    )  # fmt: skip
    if twin is not None:
        message = "There is already a term with the same default label and parent term."
        raise GraphFault(409, "nameAlreadyExists", message)


def _labels(state: State, value: Json) -> list[dict[str, Json]]:
    """Checked labels: one default in every language used, the store's default language among them."""
    labels = _texts(state, value, "name", "labels")
    for label, given in zip(labels, value, strict=True):
        name = label["name"]
        if len(name) > LABEL_LENGTH or FORBIDDEN_IN_LABELS & set(name):
            raise invalid('A label has at most 255 characters, none of them ; " < > | or a tab.')
        label["isDefault"] = given.get("isDefault") is True
    for language in {label["languageTag"] for label in labels} | {store(state)["defaultLanguageTag"]}:
        if sum(label["isDefault"] for label in labels if label["languageTag"] == language) != 1:
            raise invalid(f"A term needs exactly one default label in {language}.")
    if len({(label["languageTag"], label["name"].casefold()) for label in labels}) < len(labels):
        raise invalid("A term has the same label twice in one language.")
    return labels


def _texts(state: State, value: Json, key: str, what: str) -> list[dict[str, Json]]:
    """Texts with a working language each; a text that says its language is not one of them is refused."""
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise invalid(f"{what} must be a list.")
    tags = {tag.casefold(): tag for tag in store(state)["languageTags"]}
    texts: list[dict[str, Json]] = []
    for entry in value:
        tag, words = tags.get(str(entry.get("languageTag")).casefold()), entry.get(key)
        if tag is None:
            raise invalid(f"{entry.get('languageTag')} is not a working language of the term store.")
        if not isinstance(words, str) or not words.strip():
            raise invalid(f"{what}: {key} is missing.")
        texts.append({key: words.strip(), "languageTag": tag})
    return texts


def _properties(value: Json) -> list[dict[str, str]]:
    if not isinstance(value or [], list) or not all(isinstance(p, dict) for p in value or []):
        raise invalid("properties must be a list of key and value.")
    return [{"key": str(p.get("key")), "value": str(p.get("value"))} for p in value or []]


def _name(state: State, labels: list[dict[str, Json]]) -> str:
    """The default label in the store's default language."""
    tag = store(state)["defaultLanguageTag"]
    return next(str(x["name"]) for x in labels if x["isDefault"] and x["languageTag"] == tag)


def _dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
