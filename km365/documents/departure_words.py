"""What personnel write in a file of departures, in seven languages."""

from km365.core.departure_rows import Field, Vocabulary
from km365.core.departures import CANCELLED
from km365.core.schema import DEPARTURE_KINDS
from km365.documents.sheet_words import headings, meant, months
from km365.documents.words import Words
from km365.templates import Templates

WORDS = "messages/departures"


def vocabulary(templates: Templates) -> Vocabulary:
    """What the words of a file mean. Raises TemplateError naming the file and the key that is wrong."""
    words = Words.read(templates, WORDS)
    return Vocabulary(
        headings=headings(words, Field),
        kinds=meant(words, {kind: f"kind_{kind.replace(' ', '_')}" for kind in DEPARTURE_KINDS}),
        states=meant(words, {state: f"state_{state}" for state in ("planned", CANCELLED)}),
        months=months(),
    )
