"""Cycle templates, `cycles/<name>.toml`, which an office may edit; mistakes are told with file, line, key."""

import re
import string
from collections.abc import Mapping
from pathlib import PurePosixPath

from km365.core.cycles import MOST_YEARS, Anchor, Cycle, Step
from km365.core.languages import LANGUAGES
from km365.core.schema import MILESTONE_KINDS
from km365.documents.toml import Table, read
from km365.errors import TemplateError
from km365.templates import Templates

FOLDER = "cycles"
_KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FILLED_IN = frozenset({"programme", "year"})
_LONGEST_TITLE = 160
"""So that the name of a programme fits in beside it."""


def names(templates: Templates) -> list[str]:
    """The cycles there are."""
    return [PurePosixPath(name).stem for name in templates.names(f"{FOLDER}/*.toml")]


def cycle(templates: Templates, name: str, *, noting: list[str] | None = None) -> Cycle:
    """The cycle of that name. Raises TemplateError with file, line and key for the first thing wrong.

    With `noting`, all that is wrong is added to that list.
    """
    if name not in names(templates):
        there = ", ".join(names(templates)) or "none"
        raise TemplateError(f"There is no cycle {name!r}; there are {there} (templates/{FOLDER}).")
    file = read(templates, f"{FOLDER}/{name}.toml", noting=noting)
    file.only("years", "step", *(f"name_{language}" for language in LANGUAGES))
    steps = file.tables("step")
    if not steps:
        file.refuse("there is no [[step]], so nothing would be laid out.")
    seen: set[str] = set()
    return Cycle(
        key=name,
        names=_texts(file, "name", longest=100),
        years=file.number("years", least=1, most=MOST_YEARS),
        steps=tuple(_step(table, seen) for table in steps),
    )


def problems(templates: Templates) -> list[str]:
    """All that is wrong with the cycles, one line each; empty if nothing is."""
    found: list[str] = []
    for name in names(templates):
        try:
            cycle(templates, name, noting=found)
        except TemplateError as error:
            found.append(str(error))
    return found


def _step(table: Table, seen: set[str]) -> Step:
    table.only(
        *("key", "kind", "from", "months", "days", "source"),
        *(f"title_{language}" for language in LANGUAGES),
    )
    key = table.text("key", longest=60)
    if not _KEY.fullmatch(key):
        table.refuse(f"'key' is small letters, digits and hyphens, not {key!r}.", key="key")
    if key in seen:
        table.refuse(f"'key' {key!r} is used by an earlier step.", key="key")
    seen.add(key)
    anchor = _one_of(table, "from", tuple(Anchor))
    titles = _texts(table, "title", longest=_LONGEST_TITLE)
    if anchor == Anchor.YEAR and not all("{year}" in title for title in titles.values()):
        table.refuse("a step of each year names it in its titles, as {year}.", key="from")
    return Step(
        key=key,
        kind=_one_of(table, "kind", MILESTONE_KINDS),
        anchor=Anchor(anchor),
        months=table.number("months", least=-120, most=120, default=0),
        days=table.number("days", least=-1000, most=1000, default=0),
        titles=titles,
        source=table.text("source", longest=300, default=""),
    )


def _one_of(table: Table, key: str, known: tuple[str, ...]) -> str:
    value = table.text(key)
    if value not in known:
        table.refuse(f"{key!r} is one of {', '.join(known)}, not {value!r}.", key=key)
        return known[0]
    return value


def _texts(table: Table, prefix: str, *, longest: int) -> Mapping[str, str]:
    """The texts `<prefix>_<language>` there are, one at least."""
    found = {}
    for language in LANGUAGES:
        key = f"{prefix}_{language}"
        if key not in table:
            continue
        found[language] = table.text(key, longest=longest)
        if not _fields(found[language]) <= _FILLED_IN:
            table.refuse(f"{key!r} may have {{programme}} and {{year}} in braces, nothing else.", key=key)
            found[language] = ""
    if not found:
        table.refuse(f"'{prefix}_en' is missing.")
    return found or {"en": ""}


def _fields(text: str) -> set[str]:
    """What stands in braces; something that nobody fills in where a brace has no partner."""
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError:
        return {"{"}
    return {f"{name}{how or ''}{spec or ''}" for _, name, spec, how in parsed if name is not None}
