"""Fills the demonstration tenant, once: what was seeded ever and renamed or deleted since stays as it is.

`tenant`: sites, people, libraries with documents, the bot's app. `calendar`: milestones, lessons and
departures, into the lists that `km365 provision apply` has made. Days count from today by the clock of the
demonstration.
"""

import asyncio
import json
import re
import sqlite3
import tomllib
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from importlib.resources import files as package_files
from typing import Any

from km365.errors import InputRefused
from km365.local import (
    apps,
    blobs,
    columns,
    control,
    files,
    items,
    lists,
    sites,
    taxonomy_values,
    teams_groups,
    users,
)
from km365.local.demo import sources, write_documents
from km365.local.routes import Json
from km365.local.state import State, stamp

KNOWLEDGE_SITE = "/sites/knowledge"
APP_MANIFEST_ID = "km365-demonstration"
"""The manifest id of the bot's app in a demonstration."""
MAIL_DOMAIN = "childrensagency.example"
LEAVES_AT_HOUR = 17
"""The last working day ends at five in the afternoon, UTC."""
LANGUAGES = ("en", "fr", "es", "ar")
"""In which the offices of the demonstration write."""
_DAYS = frozenset({"submitted_at", "review_by", "confirmed_on", "action_due"})
_PEOPLE = frozenset({"contributors", "validated_by", "action_owner"})
_LINKED = re.compile(r"\b[a-z]{2,3}(-\w+)+")
"""The key of an item in a link to it."""


def person_id(key: str) -> str:
    """The object id of a member of the demonstration staff, the same in every demonstration tenant."""
    return State.stable_id("person", key)


def sign_in_name(key: str) -> str:
    return f"{key}@{MAIL_DOMAIN}"


def read(name: str) -> dict[str, Any]:
    """The staff or the calendar as data."""
    text = package_files("km365.local.demo").joinpath(name).read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


def lessons() -> list[dict[str, Any]]:
    """What the offices have learned, in the order of the files, as data; each item knows its language."""
    found = []
    for language in LANGUAGES:
        file = package_files("km365.local.demo").joinpath("knowledge", f"{language}.toml")
        items = tomllib.loads(file.read_text(encoding="utf-8"))["item"]
        found += [item | {"language": language} for item in items]
    return found


def record_id(key: str) -> str:
    """The record id of a knowledge item of `lessons`, the same in every demonstration tenant."""
    return f"KM-{State.stable_id('knowledge', key).replace('-', '')}"


# the tenant ----------------------------------------------------------------------------------------------


async def tenant(state: State) -> AsyncIterator[str]:
    """Sites, people, documents and the app. Yields a line of progress now and then."""
    staff = read("staff.json")
    offices = {office["code"]: office for office in staff["offices"]}
    with state.tx():
        sites.root(state)
        sites.create(state, KNOWLEDGE_SITE, "Knowledge", description="What we learned, and what comes next")
        for code, office in offices.items():
            sites.create(state, f"/sites/{code}", f"{code} {office['name']}", description=office["name"])
        added = sum(_add_person(state, person, offices[person["office"]]) for person in staff["people"])
        apps.publish(state, APP_MANIFEST_ID, "km365")
        for group in staff["groups"]:
            _add_group(state, group)
    if added:
        yield f"{len(offices) + 1} sites, {added} people"
    library, written = sources.read_library(), 0
    for number, source in enumerate(library, 1):
        written += await _add_document(state, source)
        if written and (number % 10 == 0 or number == len(library)):
            yield f"{number} of {len(library)} documents"


def _mark(*names: str) -> str:
    """The key under which it is remembered that something was seeded.

    What is there now does not tell: people rename and delete, and it must not come back.
    """
    return "/".join(("seeded", *names))


def _add_person(state: State, person: Mapping[str, Any], office: Mapping[str, Any]) -> bool:
    """One member of staff, with their groups; whoever left is put among the deleted. False when known."""
    new = person_id(person["key"])
    if state.one("SELECT 1 FROM user WHERE id = ?", new) is not None:
        return False
    name = re.sub(r" \(.*\)", "", person["name"])
    given, _, surname = name.partition(" ")
    users.create(
        state,
        id=new,
        upn=sign_in_name(person["key"]),
        display_name=person["name"],
        given_name=given,
        surname=surname,
        job_title=person["title"],
        office=person["office"],
        department=person["department"],
        company="Children's Agency",
        language=person["language"],
        time_zone=office["time_zone"],
        manager=person_id(person["manager"]) if person["manager"] else None,
        leaves_at=_leaving(state, person.get("leaves")),
    )
    users.join_group(state, f"Office {person['office']}", new, description=office["name"])
    for role in person.get("roles", ()):
        users.join_group(state, f"Knowledge {role}s", new)
    if "left" in person:
        users.delete(state, new, at=_day(state, _days(person["left"])))
    return True


def _add_group(state: State, group: Mapping[str, Any]) -> None:
    """A group chat or channel of colleagues, with the bot in it; nothing where it ever was."""
    mark = _mark("group", group["name"])
    if not state.recall(mark):
        members = [person_id(key) for key in group["members"]]
        teams_groups.create(state, group["name"], members, kind=group["kind"])
        state.remember(mark, True)


def _leaving(state: State, text: str | None) -> str | None:
    return None if text is None else stamp(_day(state, _days(text)) + timedelta(hours=LEAVES_AT_HOUR))


def _days(text: str) -> int:
    """The number in `in 5 days` or `in -12 days`."""
    return int(text.split()[1])


def _day(state: State, days: int) -> datetime:
    """Midnight UTC, so many days after today."""
    return state.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days)


async def _add_document(state: State, source: sources.Source) -> bool:
    """File a document in its office's library, as a colleague of that office; False when it ever was."""
    mark = _mark("document", source.office, source.folder, source.file_name)
    if state.recall(mark):
        return False
    data = await asyncio.to_thread(write_documents.write, source)
    with state.tx():
        site = sites.create(state, f"/sites/{source.office}", source.office)
        library = lists.create(state, site, "Documents", template=lists.LIBRARY, name="Shared Documents")
        by = _author(state, source)
        folder = files.ensure_folders(state, library["id"], source.folder, by=by)
        blob, title = blobs.create(state, data), {"Title": source.title}
        files.add_file(state, library["id"], folder, source.file_name, blob, by=by, fields=title)
        state.remember(mark, True)
    return True


def _author(state: State, source: sources.Source) -> Json:
    """A colleague of the office whose language it is, always the same for the same document."""
    rows = state.all(
        "SELECT id, display_name, mail FROM user WHERE office = ? AND enabled ORDER BY language = ? DESC, id",
        *(source.office, source.language),
    )
    first = rows[0]
    return {"user": {"id": first["id"], "displayName": first["display_name"], "email": first["mail"]}}


# the calendar --------------------------------------------------------------------------------------------


async def calendar(state: State) -> AsyncIterator[str]:
    """Milestones, lessons, departures. Raises InputRefused naming what is missing: list, column, term."""
    site = sites.create(state, KNOWLEDGE_SITE, "Knowledge")
    of = entries()
    for title, what in (
        ("Milestones", "milestones"),
        ("Knowledge", "older lessons"),
        ("Departures", "departures"),
    ):
        with state.tx():
            added = sum(_add_entry(state, site, title, entry) for entry in of[title])
        if added:
            yield f"{added} {what}"


def _add_entry(state: State, site: str, title: str, entry: Mapping[str, Any]) -> bool:
    """One row of a list; False when it ever was added."""
    row = state.one("SELECT * FROM list WHERE site_id = ? AND display_name = ?", site, title)
    if row is None:
        raise InputRefused(f"The list {title!r} is not there yet: `km365 provision apply` makes it.")
    there = {column["name"]: column for column in columns.of_owner(state, row["id"])}
    missing = entry.keys() - there.keys()
    if missing:
        names = ", ".join(sorted(missing))
        raise InputRefused(f"The list {title!r} has no column {names}: `km365 provision apply` makes it.")
    mark = _mark(title, entry["Title"])
    if state.recall(mark):
        return False
    by = {"application": {"id": "demonstration", "displayName": "Demonstration"}}
    values = {name: _value(state, site, there[name], value) for name, value in entry.items()}
    items.add(state, row["id"], values, by=by)
    state.remember(mark, True)
    return True


def entries() -> dict[str, list[dict[str, Any]]]:
    """The rows of each list, as columns with values that `_value` reads."""
    calendar = read("calendar.json")
    knowledge = [*calendar["Knowledge"], *map(_lesson, lessons())]
    return {
        "Milestones": calendar["Milestones"],
        "Knowledge": knowledge,
        "Departures": calendar["Departures"],
    }


def _lesson(item: Mapping[str, Any]) -> dict[str, Any]:
    """A knowledge item as columns of the list."""
    given = {_column(name): _cell(name, value) for name, value in item.items() if name != "key"}
    return {
        "KMId": record_id(item["key"]),
        "KMMaturity": "published",
        "KMAudience": "U",
        "KMEffect": "noted",
    } | given


def _column(name: str) -> str:
    """`next_steps` is the column KMNextSteps."""
    return "Title" if name == "title" else "KM" + name.title().replace("_", "")


def _cell(name: str, value: Any) -> Any:
    if name in _DAYS:
        return {"$day": value}
    if name in _PEOPLE:
        return ";".join(person_id(key) for key in ([value] if isinstance(value, str) else value))
    if name == "milestone":
        return {"$milestone": value}
    if name == "superseded_by":
        return record_id(value)
    if name == "links":
        return "\n".join(_LINKED.sub(lambda found: record_id(found[0]), line, count=1) for line in value)
    return {"$terms": value} if isinstance(value, list) else value


def _value(state: State, site: str, column: sqlite3.Row, value: Json) -> Json:
    """A column's value: `$day` becomes a date, `$who` sign-in names, one per line.

    `$milestone` becomes the id of the milestone so called, `$terms` the terms with these English labels.
    """
    if not isinstance(value, dict):
        return value
    if "$day" in value:
        return stamp(_day(state, value["$day"]))
    if "$milestone" in value:
        return _milestone(state, site, value["$milestone"])
    if "$terms" in value:
        terms = [(label, _term(state, column, label)) for label in value["$terms"]]
        return taxonomy_values.store(state, site, column, terms, multiple=True)
    return "\n".join(sign_in_name(key) for key in value["$who"]) or None


def _milestone(state: State, site: str, title: str) -> str:
    """The id of the milestone; empty where it was renamed or deleted before."""
    row = state.one(
        "SELECT i.id FROM item i JOIN list l ON l.id = i.list_id"
        " WHERE l.site_id = ? AND l.display_name = 'Milestones' AND json_extract(i.fields, '$.Title') = ?",
        *(site, title),
    )
    return str(row["id"]) if row else ""


def _term(state: State, column: sqlite3.Row, label: str) -> str:
    """The id of the term in the column's term set. Raises InputRefused."""
    term_set = (json.loads(column["facet"]).get("termSet") or {}).get("id")
    row = state.one(
        "SELECT t.id FROM term t JOIN term_place p ON p.term = t.id WHERE p.term_set = ? AND t.name = ?",
        *(term_set, label),
    )
    if row is None:
        raise InputRefused(
            f"There is no term {label!r} for {column['name']}: `km365 provision apply` makes it."
        )
    return str(row["id"])


control.seeds_with("tenant", tenant)
control.seeds_with("calendar", calendar)
