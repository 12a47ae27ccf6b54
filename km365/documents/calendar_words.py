"""The words of the programme calendar in seven languages: headings, kinds and states, read and written."""

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import chain

from babel import Locale
from babel.dates import format_date

from km365.core.calendar_rows import Field, Vocabulary
from km365.core.languages import LANGUAGES, best
from km365.core.schema import MILESTONE_KINDS, MILESTONES
from km365.core.sheet_rows import plain
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
        return format_date(day, format="long", locale=best([language]))

    def vocabulary(self) -> Vocabulary:
        """What the words of a sheet mean, whatever their language."""
        headings: dict[str, tuple[Field, int]] = {}
        for column in Field:
            for word, rank in self._all(f"column_{column}").items():
                if rank < headings.get(word, (column, rank + 1))[1]:
                    headings[word] = column, rank
        return Vocabulary(
            headings=headings,
            kinds=self._meant({kind: _kind_key(kind) for kind in MILESTONE_KINDS}),
            states=self._meant({state: f"state_{state}" for state in STATES}),
            everyone=frozenset(self._all("everyone")),
            months=_months(),
        )

    def _all(self, key: str) -> Mapping[str, int]:
        """Every word of the key in all languages, with its place in the list of its language."""
        found: dict[str, int] = {}
        for language in LANGUAGES:
            for rank, word in enumerate(self._words.get(language, key).split("|")):
                found[plain(word)] = min(rank, found.get(plain(word), rank))
        return found

    def _meant(self, keys: Mapping[str, str]) -> Mapping[str, str]:
        own = {plain(value): value for value in keys}
        return own | {word: value for value, key in keys.items() for word in self._all(key)}


def _kind_key(kind: str) -> str:
    return f"kind_{kind.replace('-', '').replace(' ', '_')}"


def _months() -> Mapping[str, int]:
    """The names of the months, whole and short, in all languages."""
    found: dict[str, int] = {}
    for language in LANGUAGES:
        names = Locale.parse(language).months
        forms: Iterable[Mapping[int, str]] = chain.from_iterable(one.values() for one in names.values())
        for form in forms:
            found |= {plain(name): number for number, name in form.items() if not name.isdecimal()}
    return {name: number for name, number in found.items() if len(name) > 1}
