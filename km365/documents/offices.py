"""What offices are called and where they are: `duty_stations.toml`, which an organisation edits."""

from collections.abc import Mapping

from km365.core.languages import LANGUAGES
from km365.core.offices import Office
from km365.documents.toml import Table, read
from km365.templates import Templates

FILE = "duty_stations.toml"
KEYS = ("name", "place", "region")
"""What says who an office is; the other keys of its table say when it works."""


def offices(templates: Templates) -> Mapping[str, Office]:
    """The offices of the file by code, in capital letters. Raises TemplateError with file, line and key."""
    file = read(templates, FILE)
    return {code.upper(): _office(code, file.table(code, header=code)) for code in file.keys()}  # noqa: SIM118


def _office(code: str, table: Table) -> Office:
    return Office(
        code=code,
        names=_texts(table, "name"),
        places=_texts(table, "place"),
        country=table.text("country", default=""),
        region=table.text("region", default=""),
    )


def _texts(table: Table, key: str) -> Mapping[str, str]:
    """One text for all languages, or a table of one for each."""
    if key not in table:
        return {}
    if not table.is_table(key):
        return {"en": table.text(key)}
    texts = table.table(key)
    texts.only(*LANGUAGES)
    return {language: texts.text(language) for language in list(texts.keys())}
