"""The rule of promotion from `promotion.toml`, which an organisation edits."""

from datetime import timedelta

from km365.core.knowledge import WRITTEN_FIELDS, Effect
from km365.core.languages import LANGUAGES
from km365.core.phrases import Words
from km365.core.promotion import Criterion, Rules
from km365.documents.toml import Table, read
from km365.templates import Templates

_FILE = "promotion.toml"
_LONGEST = 80


def promotion(templates: Templates) -> Rules:
    """The file, checked. Raises TemplateError with file, line and key for the first thing that is wrong."""
    file = read(templates, _FILE)
    file.only("agreement", "lesson", "draft", "judged", "criterion")
    agreement, lesson, draft, judged = (
        _table(file, name, *keys)
        for name, keys in {
            "agreement": ("lessons", "offices", "countries", "no_country"),
            "lesson": ("days",),
            "draft": ("sentences",),
            "judged": ("required", "others"),
        }.items()
    )
    tables = file.tables("criterion")
    criteria = tuple(map(_criterion, tables))
    ids = [one.id for one in criteria]
    for table, one in zip(tables, criteria, strict=True):
        if ids.count(one.id) > 1:
            table.refuse(f"there are two criteria {one.id!r}.", key="id")
    required = judged.texts("required")
    for name in required:
        if name not in ids:
            judged.refuse(
                f"'required' names {name!r}, and the criteria are {', '.join(ids)}.", key="required"
            )
    lists = {
        tag: {one.id: table.texts(tag) for one, table in zip(criteria, tables, strict=True)}
        for tag in LANGUAGES
    }
    return Rules(
        lessons=agreement.number("lessons", least=2, most=100),
        offices=agreement.number("offices", least=2, most=100),
        countries=agreement.number("countries", least=1, most=100),
        no_country=tuple(one.upper() for one in agreement.texts("no_country")),
        lesson_after=timedelta(days=lesson.number("days", least=0, most=3_650)),
        sentences=draft.number("sentences", least=0, most=50),
        required=required,
        others=judged.number("others", least=0, most=max(0, len(ids) - len(required))),
        criteria=criteria,
        phrases=Words(lists),
    )


def _table(file: Table, name: str, *keys: str) -> Table:
    table = file.table(name)
    table.only(*keys)
    return table


def _criterion(table: Table) -> Criterion:
    table.only("id", "name", "fields", "effects", *LANGUAGES)
    named = table.texts("fields")
    for one in named:
        if one not in WRITTEN_FIELDS:
            table.refuse(
                f"'fields' names {one!r}; a field is one of {', '.join(WRITTEN_FIELDS)}.", key="fields"
            )
    effects = table.texts("effects")
    for one in effects:
        if one not in set(Effect):
            table.refuse(f"'effects' names {one!r}; an effect is one of {', '.join(Effect)}.", key="effects")
    return Criterion(
        id=table.text("id", longest=_LONGEST),
        name=table.text("name", longest=_LONGEST),
        fields=named,
        effects=frozenset(map(Effect, effects)),
    )
