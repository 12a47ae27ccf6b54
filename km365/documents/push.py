"""For which documents lessons are looked for: `push.toml`, which offices may edit."""

from km365.core.push import Rules
from km365.core.search_question import DOCUMENT_TYPE
from km365.documents.toml import read
from km365.templates import Templates

_FILE = "push.toml"
_MOST = 5
"""More lessons nobody reads who did not ask for them."""


def push_rules(templates: Templates) -> Rules:
    """The file. Raises TemplateError with file, line and key for the first thing that is wrong."""
    file = read(templates, _FILE)
    file.only("types", "days", "lessons")
    types = file.texts("types", required=True)
    for one in types:
        if not one.startswith(f"{DOCUMENT_TYPE}/"):
            file.refuse(f"'types' names {one!r}, which is no term of {DOCUMENT_TYPE}.", key="types")
    return Rules(
        types=frozenset(types),
        days=file.number("days", least=1, most=3_650),
        lessons=file.number("lessons", least=1, most=_MOST),
    )
