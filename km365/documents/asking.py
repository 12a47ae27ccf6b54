"""The words in which milestones say whom they ask, `asking.toml`, which an organisation may add to."""

from km365.core.asking import RuleWords, Trait
from km365.documents.toml import read
from km365.templates import Templates

_FILE = "asking.toml"


def rule_words(templates: Templates) -> RuleWords:
    """The words. Raises TemplateError with file, line and key for the first thing that is wrong."""
    file = read(templates, _FILE)
    file.only(*Trait, "not", "at_most")
    return RuleWords(
        traits={trait: file.texts(trait, required=True) for trait in Trait},
        out=file.texts("not", required=True),
        at_most=file.texts("at_most", required=True),
    )
