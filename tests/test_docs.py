"""The documentation says what the code does. Run this file by itself to write its tables anew."""

from dataclasses import MISSING, fields
from pathlib import Path

from km365.core.schema import LISTS, TAG_COLUMNS, Column
from km365.settings import Settings

DOCS = Path(__file__).parents[1] / "docs"
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
        restricted = ", restricted" if spec.restricted else ""
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


if __name__ == "__main__":
    for name, made in TABLES.items():
        before = (DOCS / name).read_text(encoding="utf-8").split(MARK)[0]
        (DOCS / name).write_text(before + MARK + made(), encoding="utf-8")
