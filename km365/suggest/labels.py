"""What a label can look like in a text: its stems in order, acronyms and names as they are written."""

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

from km365.core.languages import primary
from km365.core.taxonomy import TermSet, all_labels
from km365.core.text import STOP, clean, fold, is_break, is_little, phrases, stem, words

NAME = "="
"""Begins the key of a name: `=chad`. Only Russian names are stemmed."""
_NAME_LANGUAGES = frozenset({"es", "fr", "it", "pt", "ru"})
"""Languages that write common words small inside a label: what is capitalised there is a name."""
_NAMES_SHARE = 0.5
_ENOUGH_TO_TELL = 5
_SHOUTED_SHARE = 0.3
_QUALIFIER = re.compile(r"\s*[(\[（][^()\[\]（）]*[)\]）]\s*$")
_UNCHANGING = ("и", "о", "у", "е", "э", "ю")
_SHORTEST_PART = 4


class LabelKind(IntEnum):
    """How far a label speaks for its concept, surest first."""

    PREFERRED = 0
    SYNONYM = 1
    SHORT = 2
    """Without the qualifier in brackets: `Mercury` for `Mercury (planet)`."""
    VARIANT = 3
    """Written together, apart or the other way round."""


class Style(NamedTuple):
    """How the labels of a term set are written: `names` with capitals; if `shouted`, these say nothing."""

    names: bool
    shouted: bool


class Reading(NamedTuple):
    """One way to read a label: the keys of its words, breaks included."""

    keys: tuple[str, ...]
    kind: LabelKind


class Keys(dict[str, str]):
    """The key of each written word: "" for little words, `STOP` for breaks, `AIDS` for acronyms, else stems.

    `alone` are those of the words of one-word labels, which may be names: `=chad`.
    """

    def __init__(self, style: Style, *, alone: bool = False) -> None:
        super().__init__()
        self._style = style
        self._names = style.names and alone
        self.alone = Keys(style, alone=True) if style.names and not alone else self

    def __missing__(self, word: str) -> str:
        self[word] = found = self._key(word)
        return found

    def _key(self, word: str) -> str:
        if is_break(word):
            return STOP
        if is_little(word):
            return ""
        if not self._style.shouted and (capitals := acronym(word)):
            return capitals
        folded = fold(word)
        if self._names and word[0].isupper() and len(folded) > 1:
            return NAME + (stem(folded) if is_declined(folded) else folded)
        return stem(folded)


def acronym(word: str) -> str:
    """The capitals of `AIDS` or `NGOs`, "" for other words."""
    if len(word) > 1 and word.isupper():
        return word
    if len(word) > 2 and word.endswith("s") and word[:-1].isupper():
        return word[:-1]
    return ""


def is_declined(folded: str) -> bool:
    """Whether a name has other forms: Russian ones do, but for those like `Мали`, `Того` and `Перу`."""
    return "а" <= folded[0] <= "я" and (not folded.endswith(_UNCHANGING) or folded.endswith(("ии", "ие")))


def style_of(term_set: TermSet) -> Style:
    """Whether the set's labels are names, and whether all is written in capitals; they tell themselves."""
    later = capitalised = labels = shouted = 0
    for concept in term_set.concepts:
        for language, text, _ in all_labels(concept):
            labels += 1
            shouted += text.isupper() and " " in text
            if primary(language) in _NAME_LANGUAGES:
                inside = [word for word in words(text)[1:] if len(word) > 2 and not is_little(word)]
                later += len(inside)
                capitalised += sum(word[0].isupper() and not word.isupper() for word in inside)
    names = later >= _ENOUGH_TO_TELL and capitalised > _NAMES_SHARE * later
    return Style(names=names, shouted=shouted > _SHOUTED_SHARE * labels)


def readings(text: str, language: str, keys: Keys, *, preferred: bool) -> Iterator[Reading]:
    """All ways to read a label, the surest first; none where little would be left of it."""
    text = clean(text)
    kind = LabelKind.PREFERRED if preferred else LabelKind.SYNONYM
    yield from (Reading(found, kind) for found in _phrases(text, language, keys))
    short = _QUALIFIER.sub("", text)
    if short and short != text:
        yield from (Reading(found, LabelKind.SHORT) for found in _phrases(short, language, keys))
    for other in _written_otherwise(text):
        yield from (Reading(found, LabelKind.VARIANT) for found in _phrases(other, language, keys))


def _phrases(text: str, language: str, keys: Keys) -> list[tuple[str, ...]]:
    found = phrases(text, language, keys)
    return phrases(text, language, keys.alone) if [len(one) for one in found] == [1] else found


def _written_otherwise(text: str) -> Iterator[str]:
    if "-" in text:
        yield re.sub(r"(?<=\w)-(?=\w)", "", text)
    head, comma, tail = text.partition(", ")
    if comma and "," not in tail and len(tail.split()) <= 2 and len(head.split()) <= 2:
        yield f"{tail} {head}"


def written_apart(word: str, known: Iterable[str]) -> tuple[str, str] | None:
    """`ground`, `water` for `groundwater`, if both parts are words of their own in `known` (a set)."""
    for at in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1):
        if word[:at] in known and word[at:] in known:
            return word[:at], word[at:]
    return None
