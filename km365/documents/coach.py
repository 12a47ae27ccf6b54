"""The coach's words from `templates/coach/<language>.toml`: what it looks for, and what it says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from km365.core.coach import LISTS, Coach, Past, Rule
from km365.core.languages import LANGUAGES
from km365.documents.toml import Table, read
from km365.templates import Templates

_LONGEST = 600
_LISTED = re.compile(r"<([^>]*)>")


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What is said of a finding. `why` names the source; `before` and `after` are an invented example."""

    say: str
    why: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class CoachWords:
    """The coach and its advice: `advice[language][rule]`; `under` leads to it under a draft."""

    coach: Coach
    advice: Mapping[str, Mapping[Rule, Advice]]
    under: Mapping[str, str]

    @classmethod
    def read(cls, templates: Templates) -> Self:
        """Those of all seven languages. Raises TemplateError with file, line and key for what is wrong."""
        files = {tag: read(templates, f"coach/{tag}.toml") for tag in LANGUAGES}
        for file in files.values():
            file.only("under", "advice", "words", "past")
        return cls(
            coach=Coach(
                {tag: _lists(file.table("words")) for tag, file in files.items()},
                {tag: [_past(one) for one in file.tables("past")] for tag, file in files.items()},
            ),
            advice={tag: _advice(file.table("advice")) for tag, file in files.items()},
            under={tag: file.text("under", longest=_LONGEST) for tag, file in files.items()},
        )


def _lists(table: Table) -> Mapping[str, tuple[str, ...]]:
    table.only(*LISTS)
    found = {name: table.texts(name) for name in LISTS}
    for name, phrases in found.items():
        for listed in (one for phrase in phrases for one in _LISTED.findall(phrase)):
            if listed not in (*LISTS, "name"):
                table.refuse(f"<{listed}> is no list; there are {', '.join(LISTS)} and <name>.", key=name)
    return found


def _past(table: Table) -> Past:
    table.only("endings", "words", "after", "not_after", "between", "besides")
    return Past(
        endings=tuple(_each(table, "endings")),
        words=frozenset(_each(table, "words")),
        after=frozenset(_each(table, "after")),
        not_after=frozenset(_each(table, "not_after")),
        between=frozenset(_each(table, "between")),
        besides=frozenset(_each(table, "besides")),
    )


def _each(table: Table, key: str) -> list[str]:
    """The words of a text, which is shorter to write than a list of them."""
    return table.text(key, longest=5_000, default="").split()


def _advice(table: Table) -> Mapping[Rule, Advice]:
    table.only(*Rule)
    return {rule: _one(table.table(rule)) for rule in Rule}


def _one(table: Table) -> Advice:
    table.only("say", "why", "before", "after")
    say, why, before, after = (table.text(key, longest=_LONGEST) for key in ("say", "why", "before", "after"))
    return Advice(say=say, why=why, before=before, after=after)
