"""What people write in their sheets, in seven languages: the words of a template that mean the same."""

from collections.abc import Iterable, Mapping
from itertools import chain

from babel import Locale

from km365.core.languages import LANGUAGES
from km365.core.sheet_rows import Field, Headings, plain
from km365.documents.words import Words


def written(words: Words, key: str) -> Mapping[str, int]:
    """Every word of the key in all languages, with its place in the list of its language."""
    found: dict[str, int] = {}
    for language in LANGUAGES:
        for rank, word in enumerate(words.get(language, key).split("|")):
            found[plain(word)] = min(rank, found.get(plain(word), rank))
    return found


def headings(words: Words, columns: type[Field]) -> Headings[Field]:
    """The column that each word of `column_...` heads."""
    found: dict[str, tuple[Field, int]] = {}
    for column in columns:
        for word, rank in written(words, f"column_{column}").items():
            if rank < found.get(word, (column, rank + 1))[1]:
                found[word] = column, rank
    return found


def meant(words: Words, keys: Mapping[str, str]) -> Mapping[str, str]:
    """What each word means: of the values that `keys` gives a key, in all languages and as they are."""
    own = {plain(value): value for value in keys}
    return own | {word: value for value, key in keys.items() for word in written(words, key)}


def months() -> Mapping[str, int]:
    """The names of the months, whole and short, in all languages."""
    found: dict[str, int] = {}
    for language in LANGUAGES:
        names = Locale.parse(language).months
        forms: Iterable[Mapping[int, str]] = chain.from_iterable(one.values() for one in names.values())
        for form in forms:
            found |= {plain(name): number for number, name in form.items() if not name.isdecimal()}
    return {name: number for name, number in found.items() if len(name) > 1}
