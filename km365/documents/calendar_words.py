"""The words of the programme calendar in seven languages: headings, kinds and states, read and written."""

from datetime import date

from babel.dates import format_date

from km365.core.calendar_rows import Field, Vocabulary
from km365.core.languages import best, dates_of
from km365.core.schema import MILESTONE_KINDS, MILESTONES
from km365.documents.sheet_words import headings, meant, months, written
from km365.documents.words import Words
from km365.templates import Templates

WORDS = "messages/calendar"
STATES = next(column.choices for column in MILESTONES.columns if column.name == "KMState")


class CalendarWords:
    """What the calendar says, and what focal points write in their sheets."""

    def __init__(self, templates: Templates) -> None:
        """Raises TemplateError naming the file and the key that is wrong."""
        self._words = Words.read(templates, WORDS)

    def say(self, language: str, key: str, **values: object) -> str:
        """The word `key` in `language`, filled in; the first where there are several."""
        return self._words.get(language, key, **values).partition("|")[0].strip()

    def heading(self, language: str, column: Field) -> str:
        """What we head the column with."""
        return self.say(language, f"column_{column}")

    def kind(self, language: str, kind: str) -> str:
        """The kind of a milestone in `language`; one added by hand in SharePoint as it is."""
        return self.say(language, _kind_key(kind)) if kind in MILESTONE_KINDS else kind

    def state(self, language: str, state: str) -> str:
        """The state of a milestone in `language`."""
        return self.say(language, f"state_{state}") if state in STATES else state

    def day(self, language: str, day: date) -> str:
        """A day as people write it, such as 3 March 2027."""
        return format_date(day, format="long", locale=dates_of(best([language])))

    def vocabulary(self) -> Vocabulary:
        """What the words of a sheet mean, whatever their language."""
        return Vocabulary(
            headings=headings(self._words, Field),
            kinds=meant(self._words, {kind: _kind_key(kind) for kind in MILESTONE_KINDS}),
            states=meant(self._words, {state: f"state_{state}" for state in STATES}),
            everyone=frozenset(written(self._words, "everyone")),
            months=months(),
        )


def _kind_key(kind: str) -> str:
    return f"kind_{kind.replace('-', '').replace(' ', '_')}"
