"""The term store over Graph: `/sites/{site}/termStore`. Every site sees the same global store.

There is no flat list of all terms (microsoft-graph-docs issue 10108): readers walk `children` level by level.
"""

import json
import sqlite3

from km365.local import faults, odata, sites, taxonomy_values, term_rows
from km365.local.routes import (
    Call,
    Documented,
    GraphFault,
    Json,
    invalid,
    known_properties,
    listed,
    part,
    route,
    text,
    unknown,
)
from km365.local.state import State

BASE = "/sites/{site}/termStore"
PAGED = "select top skiptoken count"


faults.quirk(
    "column_term_set",
    "a managed-metadata column takes the terms of its own term set only",
    evidence=Documented("issue PnP-PowerShell#2255"),
    on=True,
)


def find(state: State, guid: str, set_id: str | None = None) -> str | None:
    """The default label of the term with this id; None where the store, or that set, has no such term."""
    row = state.one("SELECT name FROM term WHERE id = ?", guid.lower())
    if row is None:
        return None
    if set_id and faults.setting(state, "column_term_set") and not term_rows.stands_in(state, set_id, guid):
        return None
    return str(row["name"])


taxonomy_values.labels_come_from(find)


faults.quirk(
    "term_store_people_only",
    "the term store refuses apps that nobody is signed in to, as its pages say: 403",
    evidence=Documented("termstore-term-list; issue microsoft-graph-docs#22198 reports that reading works"),
)


# how they look -------------------------------------------------------------------------------------------


def _store_json(state: State) -> dict[str, Json]:
    return {"id": state.stable_id("term store"), **term_rows.store(state)}


def _group_json(row: sqlite3.Row) -> dict[str, Json]:
    return {
        "id": row["id"],
        "displayName": row["name"],
        "description": row["description"],
        "createdDateTime": row["created_at"],
        "scope": "system" if row["system"] else "global",
    }


def _set_json(row: sqlite3.Row) -> dict[str, Json]:
    return {
        "id": row["id"],
        "localizedNames": json.loads(row["names"]),
        "description": row["description"],
        "properties": json.loads(row["properties"]),
        "createdDateTime": row["created_at"],
    }


def _term_json(row: sqlite3.Row) -> dict[str, Json]:
    return {
        "id": row["id"],
        "labels": json.loads(row["labels"]),
        "descriptions": json.loads(row["descriptions"]),
        "properties": json.loads(row["properties"]),
        "createdDateTime": row["created_at"],
        "lastModifiedDateTime": row["modified_at"],
    }


def _relation_json(call: Call, row: sqlite3.Row) -> dict[str, Json]:
    shown: dict[str, Json] = {"id": row["relation"], "relationship": row["relationship"]}
    for name in call.query.expand:
        if name == "set":
            shown["set"] = _set_json(term_rows.term_set(call.state, row["term_set"]))
        elif name == "toTerm":
            shown["toTerm"] = _term_json(term_rows.term(call.state, row["term"]))
        elif name == "fromTerm":
            parent = row["parent"]
            shown["fromTerm"] = _term_json(term_rows.term(call.state, parent)) if parent else None
        else:
            raise unknown(f"$expand={name} on a relation")
    return shown


def _site(call: Call) -> None:
    """404 for a strange site; 403 for an app where the term store is for people only."""
    sites.find(call.state, call["site"])
    if call.caller.user_id is None and faults.setting(call.state, "term_store_people_only"):
        raise GraphFault(403, "accessDenied", "The term store takes delegated permissions only.")


def _standing(call: Call) -> tuple[str, sqlite3.Row]:
    """The set and the term of the path, checked to belong together."""
    _site(call)
    set_id = term_rows.term_set(call.state, call["set"])["id"]
    return set_id, term_rows.term(call.state, term_rows.place(call.state, set_id, call["term"])["term"])


# the store, groups and sets ------------------------------------------------------------------------------


@route("GET", BASE, evidence=Documented("termstore-store-get"), ru=1, options="select")
async def get_store(call: Call) -> Json:
    _site(call)
    return odata.pick(_store_json(call.state), call.query.select)


@route("PATCH", BASE, evidence=Documented("termstore-store-update"), ru=2)
async def update_store(call: Call) -> Json:
    """Change the working languages; the default one must stay among them."""
    _site(call)
    body = call.json()
    known_properties(body, "defaultLanguageTag languageTags", "a change of the term store")
    kept = {**term_rows.store(call.state), **body}
    tags = listed(kept, "languageTags")
    if not all(isinstance(tag, str) for tag in tags) or kept["defaultLanguageTag"] not in tags:
        raise invalid("The default language must be one of the working languages.")
    call.state.remember("term_store", kept)
    return _store_json(call.state)


@route("GET", f"{BASE}/groups", evidence=Documented("termstore-list-groups"), ru=2, options=f"{PAGED} filter")
async def list_groups(call: Call) -> Json:
    _site(call)
    rows = call.state.all("SELECT * FROM term_group ORDER BY name")
    return odata.collection(call, [_group_json(r) for r in rows])


@route("POST", f"{BASE}/groups", evidence=Documented("termstore-group-post"), ru=2, status=201)
async def create_group(call: Call) -> Json:
    _site(call)
    body = call.json()
    known_properties(body, "displayName description scope parentSiteId", "a term group")
    name = text(body, "displayName").strip()
    if not name:
        raise invalid("A term group needs a displayName.")
    return _group_json(term_rows.add_group(call.state, name, text(body, "description")))


@route("GET", f"{BASE}/groups/{{group}}", evidence=Documented("termstore-group-get"), ru=1, options="select")
async def get_group(call: Call) -> Json:
    _site(call)
    return odata.pick(_group_json(term_rows.group(call.state, call["group"])), call.query.select)


@route("PATCH", f"{BASE}/groups/{{group}}", evidence=Documented("termstore-group-update"), ru=2)
async def update_group(call: Call) -> Json:
    _site(call)
    row, body = term_rows.group(call.state, call["group"]), call.json()
    known_properties(body, "displayName description", "a change of a term group")
    name = text(body, "displayName").strip() or row["name"]
    term_rows.refuse_taken(call.state, name, but=row["id"])
    with call.state.tx() as c:
        c.execute(
            "UPDATE term_group SET name = ?, description = ? WHERE id = ?",
            (name, text(body, "description", row["description"]), row["id"]),
        )
    return _group_json(term_rows.group(call.state, row["id"]))


@route("DELETE", f"{BASE}/groups/{{group}}", evidence=Documented("termstore-group-delete"), ru=2)
async def delete_group(call: Call) -> None:
    _site(call)
    term_rows.remove_group(call.state, call["group"])


@route(
    "GET",
    f"{BASE}/groups/{{group}}/sets",
    evidence=Documented("termstore-group-list-sets"),
    ru=2,
    options=PAGED,
)
async def list_sets(call: Call) -> Json:
    _site(call)
    group = term_rows.group(call.state, call["group"])
    rows = call.state.all("SELECT * FROM term_set WHERE grp = ? ORDER BY created_at, id", group["id"])
    return odata.collection(call, [_set_json(r) for r in rows])


@route("POST", f"{BASE}/groups/{{group}}/sets", evidence=Documented("termstore-set-post"), ru=2, status=201)
@route("POST", f"{BASE}/sets", evidence=Documented("termstore-set-post"), ru=2, status=201)
async def create_set(call: Call) -> Json:
    _site(call)
    body = call.json()
    known_properties(body, "parentGroup localizedNames description properties", "a term set")
    group = call.parameters.get("group") or text(part(body, "parentGroup"), "id")
    if not group:
        raise invalid("A term set needs its parentGroup.")
    names, description = body.get("localizedNames"), text(body, "description")
    return _set_json(term_rows.add_set(call.state, group, names, description, body.get("properties")))


@route("GET", f"{BASE}/sets/{{set}}", evidence=Documented("termstore-set-get"), ru=1, options="select expand")
async def get_set(call: Call) -> Json:
    """A set; `$expand=parentGroup` adds its group."""
    _site(call)
    row = term_rows.term_set(call.state, call["set"])
    shown = odata.pick(_set_json(row), call.query.select)
    for name in call.query.expand:
        if name != "parentGroup":
            raise unknown(f"$expand={name} on a term set")
        shown[name] = _group_json(term_rows.group(call.state, row["grp"]))
    return shown


@route("PATCH", f"{BASE}/sets/{{set}}", evidence=Documented("termstore-set-update"), ru=2)
async def update_set(call: Call) -> Json:
    _site(call)
    body = call.json()
    known_properties(body, "localizedNames description properties", "a change of a term set")
    return _set_json(term_rows.change_set(call.state, term_rows.term_set(call.state, call["set"]), body))


@route("DELETE", f"{BASE}/sets/{{set}}", evidence=Documented("termstore-set-delete"), ru=2)
async def delete_set(call: Call) -> None:
    _site(call)
    term_rows.remove_set(call.state, term_rows.term_set(call.state, call["set"])["id"])


@route(
    "GET",
    f"{BASE}/sets/{{set}}/parentGroup",
    evidence=Documented("termstore-set-get"),
    ru=1,
    options="select",
)
async def get_parent_group(call: Call) -> Json:
    _site(call)
    row = term_rows.group(call.state, term_rows.term_set(call.state, call["set"])["grp"])
    return odata.pick(_group_json(row), call.query.select)


# terms ---------------------------------------------------------------------------------------------------


@route(
    "GET", f"{BASE}/sets/{{set}}/children", evidence=Documented("termstore-term-list"), ru=2, options=PAGED
)
async def list_top_terms(call: Call) -> Json:
    _site(call)
    set_id = term_rows.term_set(call.state, call["set"])["id"]
    return odata.collection(call, [_term_json(r) for r in term_rows.children(call.state, set_id, "")])


@route(
    "GET",
    f"{BASE}/sets/{{set}}/terms/{{term}}/children",
    evidence=Documented("termstore-term-list"),
    ru=2,
    options=PAGED,
)
async def list_child_terms(call: Call) -> Json:
    set_id, term = _standing_anywhere(call)
    return odata.collection(call, [_term_json(r) for r in term_rows.children(call.state, set_id, term["id"])])


def _standing_anywhere(call: Call) -> tuple[str, sqlite3.Row]:
    """As `_standing`; below a reused term a walk goes on with the ids of the set it came from."""
    _site(call)
    set_id, term = term_rows.term_set(call.state, call["set"])["id"], term_rows.term(call.state, call["term"])
    here = call.state.one("SELECT 1 FROM term_place WHERE term = ? AND term_set = ?", term["id"], set_id)
    return (set_id if here else term_rows.born_in(call.state, term["id"])), term


@route("POST", f"{BASE}/sets/{{set}}/children", evidence=Documented("termstore-term-post"), ru=2, status=201)
async def create_top_term(call: Call) -> Json:
    _site(call)
    set_id = term_rows.term_set(call.state, call["set"])["id"]
    return _term_json(term_rows.add_term(call.state, set_id, "", _term_body(call)))


@route(
    "POST",
    f"{BASE}/sets/{{set}}/terms/{{term}}/children",
    evidence=Documented("termstore-term-post"),
    ru=2,
    status=201,
)
async def create_child_term(call: Call) -> Json:
    set_id, parent = _standing(call)
    return _term_json(term_rows.add_term(call.state, set_id, parent["id"], _term_body(call)))


def _term_body(call: Call) -> dict[str, Json]:
    body = call.json()
    known_properties(body, "labels descriptions properties", "a term")
    return body


@route(
    "GET",
    f"{BASE}/sets/{{set}}/terms/{{term}}",
    evidence=Documented("termstore-term-get"),
    ru=1,
    options="select",
)
async def get_term(call: Call) -> Json:
    return odata.pick(_term_json(_standing(call)[1]), call.query.select)


@route("PATCH", f"{BASE}/sets/{{set}}/terms/{{term}}", evidence=Documented("termstore-term-update"), ru=2)
async def update_term(call: Call) -> Json:
    """Labels, descriptions and properties are each the whole list to keep."""
    return _term_json(term_rows.change_term(call.state, _standing(call)[1], _term_body(call)))


@route("DELETE", f"{BASE}/sets/{{set}}/terms/{{term}}", evidence=Documented("termstore-term-delete"), ru=2)
async def delete_term(call: Call) -> None:
    set_id, term = _standing(call)
    term_rows.remove_term(call.state, set_id, term["id"])


@route(
    "GET",
    f"{BASE}/sets/{{set}}/terms/{{term}}/set",
    evidence=Documented("termstore-term-get"),
    ru=1,
    options="select",
)
async def get_set_of_term(call: Call) -> Json:
    set_id, _ = _standing(call)
    return odata.pick(_set_json(term_rows.term_set(call.state, set_id)), call.query.select)


# reuse and pin -------------------------------------------------------------------------------------------


@route(
    "GET",
    f"{BASE}/sets/{{set}}/terms/{{term}}/relations",
    evidence=Documented("termstore-term-list-relations"),
    ru=2,
    options=f"{PAGED} expand",
)
async def list_relations_of_term(call: Call) -> Json:
    _, term = _standing(call)
    sql = "SELECT * FROM term_place WHERE term = ? AND relation IS NOT NULL ORDER BY relation"
    return odata.collection(call, [_relation_json(call, r) for r in call.state.all(sql, term["id"])])


@route(
    "GET",
    f"{BASE}/sets/{{set}}/relations",
    evidence=Documented("termstore-term-list-relations"),
    ru=2,
    options=f"{PAGED} expand",
)
async def list_relations_of_set(call: Call) -> Json:
    _site(call)
    set_id = term_rows.term_set(call.state, call["set"])["id"]
    sql = "SELECT * FROM term_place WHERE term_set = ? AND relation IS NOT NULL ORDER BY relation"
    return odata.collection(call, [_relation_json(call, r) for r in call.state.all(sql, set_id)])


@route(
    "POST",
    f"{BASE}/sets/{{set}}/terms/{{term}}/relations",
    evidence=Documented("termstore-relation-post"),
    ru=2,
    status=201,
)
async def create_relation(call: Call) -> Json:
    """Reuse or pin the term of the path in `set`, below `fromTerm` (null: at the top)."""
    _, term = _standing(call)
    body = call.json()
    known_properties(body, "relationship set fromTerm toTerm", "a relation")
    target, parent = text(part(body, "set"), "id"), text(part(body, "fromTerm"), "id")
    return _relation_json(
        call, term_rows.relate(call.state, term["id"], target, parent, text(body, "relationship"))
    )
