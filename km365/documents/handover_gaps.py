"""What is done about the gaps of a handover: `handover_gaps.toml`, which offices may edit."""

from km365.core.gaps import DATES, FACTOR, LINKS, RISK, SECTION, WORK, Method, Rule, Rules
from km365.core.handover_note import HANDOVER
from km365.core.loss_risk import Factor
from km365.core.questions import Bank
from km365.documents.toml import Table, read
from km365.templates import Templates

_FILE = "handover_gaps.toml"
_MOST = 30
_LONGEST_AHEAD = 183


def gap_rules(templates: Templates, bank: Bank) -> Rules:
    """The file, checked against the headings of `bank`.

    Raises TemplateError with file, line and key for the first thing that is wrong.
    """
    file = read(templates, _FILE)
    file.only("source", "most", "rule")
    headings = (target.removeprefix(HANDOVER) for target, _ in bank.sections if target.startswith(HANDOVER))
    known = {WORK, DATES, LINKS, RISK}
    known |= {f"{SECTION}{one}" for one in headings} | {f"{FACTOR}{one}" for one in Factor}
    rules: list[Rule] = []
    for table in file.tables("rule"):
        table.only("name", "about", "method", "gone", "days")
        rule = Rule(
            name=table.text("name", longest=40),
            about=table.texts("about", required=True),
            method=_method(table, "method"),
            gone=_method(table, "gone"),
            days=table.number("days", least=0, most=_LONGEST_AHEAD),
        )
        seen = {about for one in rules for about in one.about}
        for about in rule.about:
            if about not in known or about in seen:
                problem = "stands in an earlier rule" if about in seen else "is nothing a gap can be about"
                table.refuse(f"'about' names {about!r}, which {problem}.", key="about")
        rules.append(rule)
    return Rules(
        source=file.text("source"), most=file.number("most", least=1, most=_MOST), rules=tuple(rules)
    )


def _method(table: Table, key: str) -> Method:
    said = table.text(key)
    if said not in frozenset(Method):
        table.refuse(f"{key!r} is one of {', '.join(Method)}, not {said!r}.", key=key)
    return Method(said)
