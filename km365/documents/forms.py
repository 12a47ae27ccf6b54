"""The forms of knowledge items: `forms.toml` and its words, which an organisation edits."""

from collections.abc import Mapping, Sequence

from km365.core.forms import FacetRule, Form, KindForms
from km365.core.knowledge import WRITTEN_FIELDS, Format, Kind
from km365.core.languages import LANGUAGES, best
from km365.core.questions import Question
from km365.core.schema import LESSON_TAG_COLUMNS, PERSPECTIVES
from km365.documents.toml import Table, read
from km365.templates import Templates

KIND = "knowledge.kind"
"""What the answer becomes to the question which kind it is."""
_FILE = "forms.toml"
_ALWAYS = ("title", "description")
_LONGEST_LABEL = 80


class Forms:
    """The forms of an organisation in every language, each read and checked once."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._read: dict[str, KindForms] = {}

    def get(self, language: str) -> KindForms:
        """The form of each kind, with its labels in `language`, or in English where it has none.

        Raises TemplateError with file, line and key for the first thing that is wrong.
        """
        there = {name.split(".")[1] for name in self._templates.names("forms.*.toml")}
        wanted = language if language in there else best([tag for tag in LANGUAGES if tag in there])
        if wanted not in self._read:
            structure = _structure(self._templates)
            words = read(self._templates, f"forms.{wanted}.toml")
            self._read[wanted] = {kind: _form(structure, words, kind) for kind in Kind}
        return self._read[wanted]

    def facets(self) -> Mapping[str, FacetRule]:
        """The facets that are not for every item, by their keys. Raises TemplateError as `get` does."""
        tables = _structure(self._templates).table("facets")
        tables.only(*(str(column.term_set) for column in LESSON_TAG_COLUMNS))
        return {key: _facet(tables.table(key)) for key in tables.keys()}  # noqa: SIM118 - a Table is no mapping


def _structure(templates: Templates) -> Table:
    structure = read(templates, _FILE)
    structure.only(*Kind, *Format, "facets")
    return structure


def _form(structure: Table, words: Table, kind: Kind) -> Form:
    table = structure.table(kind)
    table.only("fields", "needs")
    case_study = structure.table(Format.CASE_STUDY)
    case_study.only("fields")
    fields, needs = _fields(table, "fields"), _fields(table, "needs")
    if lacking := [name for name in _ALWAYS if name not in needs]:
        table.refuse(f"no item is submitted without {lacking[0]!r}.", key="needs")
    if strange := [name for name in needs if name not in fields]:
        table.refuse(f"{strange[0]!r} is needed, and is not among the fields.", key="needs")
    return Form(
        fields=fields, case_study=_fields(case_study, "fields"), needs=needs, labels=_labels(words, kind)
    )


def _fields(table: Table, key: str) -> tuple[str, ...]:
    names = table.texts(key, required=True)
    for name in names:
        if name not in WRITTEN_FIELDS:
            table.refuse(f"{name!r} is no field; there are {', '.join(WRITTEN_FIELDS)}.", key=key)
    return names


def _labels(words: Table, kind: Kind) -> Mapping[str, str]:
    """The label of every field: that of the kind, else that which all kinds share."""
    words.only("labels", *Kind)
    shared = words.table("labels")
    shared.only(*WRITTEN_FIELDS)
    labels = {name: shared.text(name, longest=_LONGEST_LABEL) for name in WRITTEN_FIELDS}
    own = words.table(kind)
    own.only(*WRITTEN_FIELDS)
    return labels | {name: own.text(name, longest=_LONGEST_LABEL) for name in own.keys()}  # noqa: SIM118


def _facet(table: Table) -> FacetRule:
    table.only("perspectives", "concepts")
    perspectives = table.texts("perspectives")
    for one in perspectives:
        if one not in PERSPECTIVES:
            table.refuse(
                f"{one!r} is no perspective; there are {', '.join(PERSPECTIVES)}.", key="perspectives"
            )
    return FacetRule(perspectives=frozenset(perspectives), concepts=frozenset(table.texts("concepts")))


def of_questions(structure: Table, questions: Sequence[Question], own: Forms, language: str) -> KindForms:
    """The forms, for questions of which one asks for the kind; none where none does, and a lesson is made.

    Refuses what is asked of a kind that has no such field, and what a kind needs and nobody asks for.
    """
    asking = next((question.id for question in questions if KIND in question.becomes), "")
    if not asking:
        return {}
    known = own.get(language)
    tables = structure.tables("question")
    for kind in Kind:
        asked = [
            (table, one) for table, one in zip(tables, questions, strict=True) if _is_asked(one, asking, kind)
        ]
        for table, question in asked:
            if strange := [name for name in _fields_of(question) if name not in known[kind].fields]:
                table.refuse(f"the form of {kind} has no {strange[0]!r} ({_FILE}).", key="becomes")
        names = {name for _, question in asked for name in _fields_of(question)}
        if lacking := [name for name in known[kind].needs if name not in names]:
            structure.refuse(
                f"no question asks for {lacking[0]!r}, which the form of {kind} needs ({_FILE})."
            )
    return known


def _fields_of(question: Question) -> list[str]:
    names = (target.removeprefix("knowledge.") for target in question.becomes)
    return [name for name in names if name in WRITTEN_FIELDS]


def _is_asked(question: Question, asking: str, kind: Kind) -> bool:
    """Whether the question is asked of this kind; other conditions that it may have are left aside."""
    rule = question.skip_if
    chose, unless = (rule.chose, rule.unless) if rule else ((), ())
    skipped = asking in chose[:1] and kind in chose
    return not (skipped or (asking in unless[:1] and kind not in unless))
