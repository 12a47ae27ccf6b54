"""Which questions suit a post and a kind of departure: `handover_choice.toml`, which offices may edit."""

from km365.core.handover_choice import ChoiceRules, Leaving, Section
from km365.core.questions import Bank
from km365.core.schema import DEPARTURE_KINDS
from km365.documents.loss_risk import question_ids
from km365.documents.toml import Table, read
from km365.templates import Templates

_FILE = "handover_choice.toml"


def choice_rules(templates: Templates, bank: Bank) -> ChoiceRules:
    """The file, checked against the questions of `bank`.

    Raises TemplateError with file, line and key for the first thing that is wrong.
    """
    file = read(templates, _FILE)
    file.only("section", "kind")
    kinds = file.table("kind")
    kinds.only(*DEPARTURE_KINDS)
    return ChoiceRules(
        sections=tuple(_section(table, bank) for table in file.tables("section")),
        kinds={kind: _leaving(kinds.table(kind), bank) for kind in DEPARTURE_KINDS if kind in kinds},
    )


def _section(table: Table, bank: Bank) -> Section:
    table.only("name", "words", "leave_out", "first", "short")
    words = table.texts("words", required=True)
    for word in words:
        if not word.replace("*", "").strip():
            table.refuse("'words' are words of titles; a * alone would be every post.", key="words")
    leave_out, first = (question_ids(table, key, bank) for key in ("leave_out", "first"))
    _only_once(table, leave_out, first)
    return Section(
        name=table.text("name", longest=60),
        words=words,
        leave_out=leave_out,
        first=first,
        short=table.flag("short"),
    )


def _leaving(table: Table, bank: Bank) -> Leaving:
    table.only("leave_out", "first", "always")
    leave_out, first, always = (question_ids(table, key, bank) for key in ("leave_out", "first", "always"))
    _only_once(table, leave_out, (*first, *always))
    return Leaving(leave_out=leave_out, first=first, always=always)


def _only_once(table: Table, left_out: tuple[str, ...], asked: tuple[str, ...]) -> None:
    if both := set(left_out) & set(asked):
        table.refuse(f"{min(both)!r} is both left out and asked.", key="leave_out")
