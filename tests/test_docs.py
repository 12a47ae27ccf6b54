"""The documentation says what the code does. Run this file by itself to write its tables anew."""

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from km365.core.moves import RULES
from km365.core.schema import LISTS, TAG_COLUMNS, Column
from km365.settings import Settings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])
MARK = "<!-- written by tests/test_docs.py -->\n"


def settings_table() -> str:
    rows = ["| setting | environment | default | meaning |", "| --- | --- | --- | --- |"]
    for spec in fields(Settings):
        default = "" if spec.default in (MISSING, "") else f"`{spec.default}`"
        if isinstance(spec.default, tuple):
            default = f"`{', '.join(spec.default)}`"
        variable = f"`KM365_{spec.name.upper()}`"
        rows.append(f"| `{spec.name}` | {variable} | {default} | {spec.metadata['meaning']} |")
    return "\n".join(rows) + "\n"


def schema_tables() -> str:
    parts = []
    for spec in LISTS.values():
        what = "Library" if spec.template == "documentLibrary" else "List"
        restricted = ", to be restricted in SharePoint" if spec.restricted else ""
        parts.append(
            f"## {spec.title}\n\n{what}{restricted}: {spec.description}. "
            f"Content type *{spec.content_type}*.\n"
        )
        parts.append(column_table(spec.columns))
    parts.append("## Documents (every office site)\n\nThe library every office has; km365 adds its tags.\n")
    parts.append(column_table(TAG_COLUMNS))
    return "\n".join(parts)


def column_table(columns: tuple[Column, ...]) -> str:
    rows = ["| column | internal name | kind | indexed | values |", "| --- | --- | --- | --- | --- |"]
    for column in columns:
        values = ", ".join(column.choices) or (
            f"term set `{column.term_set}`" if column.term_set else column.description
        )
        kind = f"{column.kind}{', several' if column.multiple else ''}"
        rows.append(
            f"| {column.title} | `{column.name}` | {kind} | {'yes' if column.indexed else ''} | {values} |"
        )
    return "\n".join(rows) + "\n"


TABLES = {"settings.md": settings_table, "sharepoint-schema.md": schema_tables}


def test_the_tables_in_the_documentation_are_those_of_the_code():
    for name, made in TABLES.items():
        assert (DOCS / name).read_text(encoding="utf-8").split(MARK)[1] == made(), (
            f"run tests/test_docs.py: {name}"
        )


def test_every_setting_is_documented_in_a_row_of_its_own():
    rows = re.findall(
        r"^\| `(\w+)` \| `(\w+)` \| .* \| (.+) \|$", (DOCS / "settings.md").read_text("utf-8"), re.M
    )
    expected = [(s.name, f"KM365_{s.name.upper()}", s.metadata["meaning"]) for s in fields(Settings)]
    assert rows == expected and all(meaning for _, _, meaning in rows)


def test_the_page_on_lessons_has_every_move_with_who_may_and_what_it_needs():
    rows = ["| move | from | to | who may | needs |", "| --- | --- | --- | --- | --- |"]
    rows += [
        f"| {rule.move} | {', '.join(rule.before)} | {rule.after or 'as before'} | {', '.join(rule.who)} "
        f"| {', '.join(rule.needs)} |"
        for rule in RULES
    ]
    page = (DOCS / "lessons.md").read_text(encoding="utf-8")
    written = page.split("<!-- moves -->")[1].split("<!-- end of moves -->")[0].strip()
    assert written == "\n".join(rows), "\n".join(rows)


def anchors(page: Path) -> set[str]:
    """The headings as GitHub addresses them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if re.match(r"\w+:", link):
            continue
        path, _, heading = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT) and target.exists(), f"{page.name}: {link}"
        assert not heading or heading in anchors(target), f"{page.name}: {link}"


if __name__ == "__main__":
    for name, made in TABLES.items():
        before = (DOCS / name).read_text(encoding="utf-8").split(MARK)[0]
        (DOCS / name).write_text(before + MARK + made(), encoding="utf-8")
