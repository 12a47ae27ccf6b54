"""A part of a draft named in words: "3", "3: new words", "change 3", "delete part 6", "6: -"."""

import re
from collections.abc import Iterable
from functools import lru_cache

from km365.core.commands import Understood, Vocabulary, numbered, plain

CHANGE, EMPTY, NOTHING = "change", "empty", "nothing"
WORDS = (CHANGE, EMPTY, NOTHING)
"""The lists in `Vocabulary.parts`: phrases around a number ("…"), and what stands for no words at all."""

_NAMED = re.compile(r"([^\d:：]{0,40})(\d{1,2})([^\d:：]{0,40})(?:[:：](.*))?", re.DOTALL)


def part_named(text: str, vocabulary: Vocabulary) -> Understood | None:
    """The part that `text` names, in any language, with its new words or to be emptied; None for all else."""
    if found := numbered(text):
        return _emptied(found, vocabulary)
    said = _NAMED.fullmatch(text.strip())
    if said is None:
        return None
    around, number = (plain(said[1]), plain(said[3])), int(said[2])
    if not said[4] and around in _around(vocabulary, EMPTY):
        return Understood(number=number, empties=True)
    if around in _around(vocabulary, CHANGE):
        return _emptied(Understood(number=number, text=(said[4] or "").strip()), vocabulary)
    return None


def _emptied(found: Understood, vocabulary: Vocabulary) -> Understood:
    """The same; where its new words are none, such as a dash, the part is to be emptied."""
    if found.text and (not plain(found.text) or plain(found.text) in _plain(vocabulary, NOTHING)):
        return Understood(number=found.number, empties=True)
    return found


def _around(vocabulary: Vocabulary, name: str) -> set[tuple[str, str]]:
    """What stands before a number and behind it, in the phrases of every language."""
    return {_split(one) for one in _all(vocabulary, name)}


def _plain(vocabulary: Vocabulary, name: str) -> set[str]:
    return {plain(one) for one in _all(vocabulary, name)}


def _all(vocabulary: Vocabulary, name: str) -> Iterable[str]:
    return (phrase for words in vocabulary.parts.values() for phrase in words.get(name, ()))


@lru_cache(maxsize=1024)
def _split(phrase: str) -> tuple[str, str]:
    before, _, behind = phrase.partition("…")
    return plain(before), plain(behind)
