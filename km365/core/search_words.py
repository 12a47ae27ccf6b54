"""The words of the search index: stemmed, the same for every language, and how much each says of its entry.

What an entry *is* (its kind, office, language, tags) is kept as words too, marked so that no text can hold
them; a filter is then one more word to look up. How much a word says is worked out once, when the entry is
indexed: BM25's term weight (Robertson and Zaragoza 2009) against a text of ordinary length, so that adding
an entry changes no other.
"""

import re
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping

from km365.core.text import clean, fold, is_break, is_little, is_silent, root, stem, words

FORM = "2"
"""Changes with how words are made: an index of another form is made anew."""
MARK = "="
"""Begins the words that say what an entry is."""
EVERYTHING = "=all"
BLOCK = 4096
"""So many entries share one row of the index for a word."""
MOST = 255
"""How much a word can say at most."""

_K1, _B, _ORDINARY = 1.2, 0.4, 200.0
"""BM25's saturation and share of length, and how many words an ordinary text has."""
_TITLE_COUNTS = 3
_LONGEST_WORD = 40
_MOST_WORDS = 2_000
"""Different words of one entry that are indexed, the most frequent."""
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


class Words(dict[str, str]):
    """The index word of each written word, remembered; "" for one that says nothing of a subject."""

    def __missing__(self, written: str) -> str:
        folded = fold(written)
        silent = is_break(written) or is_little(written) or is_silent(folded)
        found = "" if silent else root(stem(folded))[:_LONGEST_WORD]
        self[written] = found
        return found


def index_words(text: str, known: Words | None = None) -> list[str]:
    """The words of `text` as the index holds them, in order.

    Chinese has no spaces: each two characters that stand together are a word, a lone one is one too.
    """
    known = Words() if known is None else known
    found: list[str] = []
    run = ""
    for written in words(clean(text)):
        if _HAN.fullmatch(written):
            run += written
            continue
        found += _pairs(run)
        run = ""
        if word := known[written]:
            found.append(word)
    return [*found, *_pairs(run)]


def _pairs(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for at in range(len(run) - 1):
        yield run[at : at + 2]


def said(field: str, value: str) -> str:
    """What an entry is, as a word: `said("office", "CO-BEL")`."""
    return f"{MARK}{field}:{value.strip().casefold()}"


def weights(
    title: str, sentences: Iterable[str], facts: Iterable[str], known: Words | None = None
) -> dict[str, int]:
    """How much each word says of the entry, 1 to MOST. `facts` are words made by `said`."""
    counts: dict[str, int] = {}
    length = 0
    for text, times in ((title, _TITLE_COUNTS), *((one, 1) for one in sentences)):
        for word in index_words(text, known):
            counts[word] = counts.get(word, 0) + times
            length += 1
    full = _K1 * (1 - _B + _B * length / _ORDINARY)
    most = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:_MOST_WORDS]
    found = {word: max(1, round(MOST * count / (count + full))) for word, count in most}
    return found | dict.fromkeys((EVERYTHING, *facts), MOST)


# How a row of the index is written ------------------------------------------------------------------------


def pack(weight_of: Mapping[int, int]) -> bytes:
    """The weights by place in the block, as 32-bit numbers: the place, then eight bits of weight."""
    numbers = array("I", (place << 8 | weight_of[place] for place in sorted(weight_of)))
    return _little_end_first(numbers).tobytes()


def unpack(packed: bytes) -> dict[int, int]:
    """What `pack` wrote."""
    numbers = array("I")
    numbers.frombytes(packed)
    return {number >> 8: number & 0xFF for number in _little_end_first(numbers)}


def _little_end_first(numbers: "array[int]") -> "array[int]":

    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
