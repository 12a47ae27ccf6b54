"""The file in which an editor decides on a volume, and what a finished volume keeps of itself for the next.

The editor's file is TOML: groups and items in their order, to be cut, pasted and commented on. An item stands
in it by its id; its title is a note. A volume keeps its record in itself, so that they cannot be parted: ids
and marks of the words, and none of the words.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from km365.core.compendium import Chosen, ChosenGroup, Record
from km365.core.knowledge import Reach
from km365.core.languages import LANGUAGES
from km365.documents.ooxml import Package
from km365.documents.toml import Source, Table
from km365.errors import InputRefused, KM365Error, TemplateError

LARGEST_BYTES = 100 * 1024 * 1024
RECORD = "{urn:km365:compendium}record"
"""What holds the record in a Word file: custom XML, which Word keeps, in a part that it names anew."""
_CUSTOM = re.compile(r"customXml/[^/]+\.xml")
_SCRIPT = re.compile(r'<script type="application/json" id="km365-compendium">(.*?)</script>', re.DOTALL)
_ID = re.compile(r"KM-[\w-]{1,120}")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the editor's file says. `only` is as it was typed, such as ("topic=immunization",).

    `title`, `introduction` and the headings of groups are "" where the usual ones will do.
    """

    by: str
    year: int | None = None
    only: tuple[str, ...] = ()
    reach: Reach = Reach.INTERNAL
    language: str = "en"
    since: str = ""
    title: str = ""
    subtitle: str = ""
    number: int | None = None
    introduction: str = ""
    groups: tuple[ChosenGroup, ...] = ()


def read(path: Path) -> Plan:
    """The editor's file. Raises TemplateError with its name, the line and the key for what is wrong."""
    text = _text(path)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TemplateError(f"{path.name}: {error}.") from None
    source = Source(path.name, text)
    table = Table(source, "", values)
    table.only(
        *("title", "subtitle", "number", "introduction", "language", "reach"),
        *("by", "year", "only", "since", "group"),
    )
    reach, language = table.text("reach", default="internal"), table.text("language", default="en")
    if reach not in list(Reach):
        table.refuse(f"'reach' is one of {', '.join(Reach)}.", key="reach")
    if language not in LANGUAGES:
        table.refuse(f"'language' is one of {', '.join(LANGUAGES)}.", key="language")
    return Plan(
        by=table.text("by"),
        year=table.number("year", least=1900, most=9999) if "year" in table else None,
        only=table.texts("only"),
        reach=Reach(reach),
        language=language,
        since=table.text("since", default=""),
        title=table.text("title", default=""),
        subtitle=table.text("subtitle", default=""),
        number=table.number("number", least=1, most=999) if "number" in table else None,
        introduction=table.text("introduction", default="", longest=20_000),
        groups=tuple(_groups(source, table, values, internal=reach == Reach.INTERNAL)),
    )


def _groups(
    source: Source, table: Table, values: Mapping[str, Any], *, internal: bool
) -> Iterator[ChosenGroup]:
    seen: set[str] = set()
    count = 0  # a line is found by how many [[group.item]] stand before it in the whole file
    for number, group in enumerate(table.tables("group")):
        group.only("key", "heading", "introduction", "item")
        rows = [
            Table(source, "group.item", values["group"][number]["item"][place], number=count + place)
            for place, _ in enumerate(group.tables("item"))
        ]
        count += len(rows)
        heading = group.text("heading", default="", longest=200)
        if "key" not in group and not heading:
            group.refuse("a group has a 'key', or a 'heading' of your own.")
        yield ChosenGroup(
            key=group.text("key", default=""),
            heading=heading,
            introduction=group.text("introduction", default="", longest=20_000),
            items=tuple(_item(row, seen, internal=internal) for row in rows),
        )


def _item(row: Table, seen: set[str], *, internal: bool) -> Chosen:
    row.only("id", "title", "subtitle", "credit", "leave_out")
    item_id = row.text("id")
    if not _ID.fullmatch(item_id):
        row.refuse(f"{item_id!r} is no record id, such as KM-8f3a.", key="id")
    if item_id in seen:
        row.refuse(f"{item_id} is in this file already; an item has one place.", key="id")
    if "credit" in row and not internal:
        row.refuse(
            "a volume for partners or the public names nobody: take out 'credit', or set reach to internal.",
            key="credit",
        )
    seen.add(item_id)
    return Chosen(
        id=item_id,
        title=row.text("title", default="", longest=255),
        subtitle=row.text("subtitle", default="", longest=500),
        credit=row.text("credit", default="", longest=500),
        leave_out=row.text("leave_out", default=""),
    )


# Writing it ------------------------------------------------------------------------------------------------

_HEAD = """\
# The editor's choice for one volume. When it is as you want it:
#   km365 compendium build --volume {name} -o compendium.docx
#
# Groups and items stand in the volume as they stand here: cut and paste a whole [[group.item]], also into
# another group. A group of your own has a heading and needs no key. What begins with # is a note, or can be
# switched on by taking the # away. An item's words are never changed here, but in the Knowledge list.
"""


def write(plan: Plan, *, name: str, says: Callable[[str], str], called: Callable[[str], str]) -> str:
    """The file; `says` is the note on an item by its id, `called` what a group is called by its key."""
    return "\n".join(_lines(plan, name, says, called)) + "\n"


def _lines(plan: Plan, name: str, says: Callable[[str], str], called: Callable[[str], str]) -> Iterator[str]:
    yield _HEAD.format(name=name)
    yield from _setting("title", plan.title, example="What we learned")
    yield from _setting("subtitle", plan.subtitle, example="A line below the title")
    yield f"number = {plan.number}" if plan.number else "# number = 2   # of the volume"
    yield from _setting("introduction", plan.introduction, example="Your own words.\n\nA second paragraph.")
    yield f"language = {_quoted(plan.language)}"
    yield f"reach = {_quoted(plan.reach)}   # {', '.join(Reach)}"
    yield f"by = {_quoted(plan.by)}"
    if plan.year is not None:
        yield f"year = {plan.year}"
    if plan.only:
        yield f"only = [{', '.join(map(_quoted, plan.only))}]"
    yield from _setting("since", plan.since, example="compendium-2025.docx")
    for group in plan.groups:
        yield from ("", "", "[[group]]", f"key = {_quoted(group.key)}")
        yield from _setting("heading", group.heading, example=called(group.key))
        yield from _setting("introduction", group.introduction, example="A paragraph below the heading")
        for one in group.items:
            yield from ("", "[[group.item]]", f"id = {_quoted(one.id)}   # {_note(says(one.id))}")
            for key in ("title", "subtitle", "credit", "leave_out"):
                if text := getattr(one, key):
                    yield f"{key} = {_quoted(text)}"
    yield from (
        "",
        '# Of an item may also be said: title = "…" and subtitle = "…" of your own; credit = "…", names of',
        '# colleagues who said yes to being named (internal volumes only); leave_out = "the reason".',
    )


def _setting(key: str, text: str, *, example: str) -> Iterator[str]:
    yield f"{key} = {_quoted(text)}" if text else f"# {key} = {_quoted(example)}"


def _quoted(text: str) -> str:
    """A basic string of TOML: JSON's, and without the one control character that JSON lets through."""
    return json.dumps(text.replace("\x7f", ""), ensure_ascii=False)


def _note(text: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split())


# What a finished volume keeps ------------------------------------------------------------------------------


def as_json(record: Record) -> str:
    """The record as it stands in a volume."""
    return json.dumps(
        {
            "title": record.title,
            "built_on": record.built_on.isoformat(),
            "reach": record.reach.value,
            "items": dict(record.items),
        },
        ensure_ascii=True,
    ).replace("<", "\\u003c")


def record_of(path: Path) -> Record:
    """What an earlier volume, a .docx or .html that km365 wrote, says it held.

    Raises InputRefused, naming the file, where it says nothing of the kind.
    """
    found = _in_word(path) if path.suffix.lower() == ".docx" else _in_page(path)
    try:
        raw = json.loads(found)
        items = {str(one): str(mark) for one, mark in raw["items"].items() if _ID.fullmatch(one)}
        return Record(
            title=str(raw["title"]),
            built_on=date.fromisoformat(raw["built_on"]),
            reach=Reach(raw["reach"]),
            items=items,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputRefused(
            f"{path.name} does not say what it held: name a .docx or .html that `km365 compendium build` "
            "wrote (Word keeps what it says; a PDF does not)."
        ) from None


def _in_word(path: Path) -> str:
    package = Package(path.name, _data(path))
    roots = (package.xml(name) for name in sorted(package.names) if _CUSTOM.fullmatch(name))
    return next((str(root.text or "") for root in roots if root.tag == RECORD), "")


def _in_page(path: Path) -> str:
    found = _SCRIPT.search(_text(path))
    return found[1] if found else ""


def _text(path: Path) -> str:
    try:
        return _data(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputRefused(f"{path.name}: byte {error.start} is not UTF-8; save it as UTF-8.") from None


def _data(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InputRefused(f"{path.name} is larger than {LARGEST_BYTES // 2**20} MB; it was not opened.")
        return path.read_bytes()
    except OSError as error:
        raise KM365Error(f"{path.name} cannot be read ({error.strerror}).") from None
