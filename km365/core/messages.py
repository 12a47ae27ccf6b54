"""What the bot says, in one language: texts by key, with plural forms and several ways of saying a thing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.lists import format_list

from km365.core.languages import OWN_NAMES, dates_of

Text = str | tuple[str, ...] | Mapping[str, str]
"""One text, several that mean the same, or one per plural form (CLDR: one, few, many, other ...)."""


_QUOTES = dict.fromkeys(("ar", "es", "fr", "ru"), ("«", "»"))
"""Where they are not “”."""


@dataclass(frozen=True, kw_only=True)
class Messages:
    """The words of one language. Keys are `table.name`, as in `templates/messages/<language>.toml`."""

    language: str
    texts: Mapping[str, Text]

    def say(self, key: str, *, n: int | None = None, turn: int = 0, **values: object) -> str:
        """The text of `key`, filled in. `n` picks the plural form; `turn` picks among several, in rotation.

        Raises KeyError for a key that no catalogue has.
        """
        text = self.texts[key]
        if isinstance(text, tuple):
            text = text[turn % len(text)]
        elif isinstance(text, Mapping):
            form = str(Locale.parse(self.language).plural_form(n or 0))
            text = text.get(form, text["other"])
        return text.format(**values) if n is None else text.format(n=n, **values)

    def day(self, day: date) -> str:
        """A day as people write it, such as 3 March 2027."""
        return format_date(day, format="long", locale=dates_of(self.language))

    def month(self, day: date) -> str:
        """The month of a day as people write it, such as March 2027."""
        return format_skeleton("yMMMM", day, locale=self.language)

    def weekday(self, day: date) -> str:
        """A day with its name, such as Wednesday, 3 March 2027."""
        return format_date(day, format="full", locale=dates_of(self.language))

    def listed(self, items: Sequence[str]) -> str:
        """Several things in a sentence, with this language's commas and "or"."""
        return format_list(list(items), style="or", locale=self.language)

    def all_of(self, items: Sequence[str]) -> str:
        """Several things in a sentence, with this language's commas and "and"."""
        return format_list(list(items), style="standard", locale=self.language)

    def quoted(self, text: str) -> str:
        """The text in this language's quotation marks."""
        opens, closes = _QUOTES.get(self.language, ("“", "”"))
        space = "\N{NO-BREAK SPACE}" if self.language == "fr" else ""
        return f"{opens}{space}{text}{space}{closes}"

    def any_of(self, words: Sequence[str]) -> str:
        """Words of which one is to be said, such as “yes”, “later” or “no”."""
        return self.listed([self.quoted(word) for word in words])

    def languages(self) -> str:
        """The languages the bot speaks, each by its own name."""
        return self.listed(list(OWN_NAMES.values()))
