"""How milestones say whom they ask, and which matter most: `asking.toml`, which an organisation may edit."""

from km365.core.asking import RuleWords, Trait
from km365.documents.toml import Table, read
from km365.templates import Templates

_FILE = "asking.toml"


def rule_words(templates: Templates) -> RuleWords:
    """The words. Raises TemplateError with file, line and key for the first thing that is wrong."""
    file = _read(templates)
    return RuleWords(
        traits={trait: file.texts(trait, required=True) for trait in Trait},
        out=file.texts("not", required=True),
        at_most=file.texts("at_most", required=True),
    )


def importance(templates: Templates) -> tuple[str, ...]:
    """The kinds of milestones, the most important first. Raises TemplateError likewise."""
    return _read(templates).texts("importance")


def _read(templates: Templates) -> Table:
    file = read(templates, _FILE)
    file.only(*Trait, "not", "at_most", "importance")
    return file
