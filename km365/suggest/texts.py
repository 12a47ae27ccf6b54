"""A text read against an index: its words as numbers, where labels stand, and what was written there."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from km365.core.passages import Kind, Passage
from km365.core.text import tokens
from km365.core.written_in import language_of
from km365.suggest.index import ACRONYM, END_OF_PASSAGE, LITTLE, Index
from km365.suggest.matching import Hit, Matcher

PLACE_WEIGHT = {
    Kind.NAME: 3.0,
    Kind.TITLE: 4.0,
    Kind.HEADING: 2.0,
    Kind.BODY: 1.0,
    Kind.NOTE: 0.8,
    Kind.TABLE: 0.7,
    Kind.PROPERTY: 1.5,
}
"""How much a word says by where it stands."""
TITLES = frozenset({Kind.NAME, Kind.TITLE})
_NEARBY = 40
_ASKED = re.compile(
    r"(?:\bwhat (?:is|are)|\bdefinitions? of|qu['’]est-ce qu\w*|\bdéfinitions? d\w*|\bqué (?:es|son)|"
    r"\bdefinici[óo]n de|\bo que (?:é|são)|\bdefinição d\w|\bчто такое|\bопределение|ما هو|ما هي|تعريف|"
    r"什么是)\W{0,3}(?:(?:an?|the|une?|l[ae]|d|l|una?|el|uma?|o)\b\W{0,2})?$",
    re.IGNORECASE,
)
_DEFINED = re.compile(
    r"[\W_]{0,3}(?:(?:(?:is|are) (?:an?|any|defined|when)|means?|refers? to|est (?:une?|défini\w*)|sont des|"
    r"désigne\w*|signifie\w*|es (?:una?|cualquier)|se define|significa\w*|é (?:uma?|qualquer)|define-se|"
    r"это|означает)\b|هو|هي|تعني|يعني|是指|是一|指的是)",
    re.IGNORECASE,
)
_THIS_ONE = re.compile(
    r"\b(?:this|our|present|cette?|ce|est[ae]|esse|essa|эт[аои]\w?|данн\w+)\W*$|(?:هذا|هذه|本|该|这)\W*$",
    re.IGNORECASE,
)
_TEXT = "text"
"""The place of words in the text where it has no other; said beside other places only."""
_LANGUAGE_LETTERS = 4000
_SHOUTED_WORDS = 3
"""In a longer line of capitals an acronym cannot be told from a word."""
_QUOTATION_MARKS = dict.fromkeys(map(ord, '"“”„«»'))
"""Left out of quotes, which are printed in marks of their own."""


@dataclass(frozen=True, kw_only=True)
class Why:
    """`words` quoted as written and their `places`, the weightiest first; `count` is how many phrases."""

    words: tuple[str, ...]
    places: tuple[str, ...]
    count: int


class Text:
    """Passages read once; `hits` are the labels in them by place among `numbers`."""

    def __init__(self, matcher: Matcher, passages: Sequence[Passage], *, language: str | None = None) -> None:
        self.passages = passages
        self.numbers = matcher.numbers([passage.text for passage in passages])
        self.ends = _places(self.numbers, END_OF_PASSAGE, len(passages))
        """Where each passage ends among `numbers`."""
        self.hits = self._told_from_words(matcher.index, matcher.hits(self.numbers))
        self.language = language or language_in(passages)
        """What most of it is written in, None where nothing tells."""
        self._words = matcher.words
        self._spans: dict[int, list[tuple[int, int]]] = {}

    def _told_from_words(self, index: Index, hits: list[Hit]) -> list[Hit]:
        """The hits, acronyms in long lines of capitals left out: `PEOPLE WHO LEARN`."""
        shouted = {at for at, one in enumerate(self.passages) if one.text.isupper() and _is_long(one.text)}
        if not shouted:
            return hits
        return [
            (reading, first, last)
            for reading, first, last in hits
            if index.reading_as_written[reading] != ACRONYM
            or first != last
            or self.passage_of(first) not in shouted
        ]

    def titles(self) -> list[int]:
        """The words of its title and name."""
        found: list[int] = []
        begin = 0
        for passage, end in zip(self.passages, self.ends, strict=True):
            if passage.kind in TITLES:
                found += self.numbers[begin : end + 1]
            begin = end + 1
        return found

    def passage_of(self, place: int) -> int:
        """The number of the passage that a place among `numbers` is in."""
        return bisect_left(self.ends, place)

    def quote(self, first: int, last: int) -> str:
        """What is written from one place to another in one passage."""
        text, begin, end = self._where(first, last)
        return " ".join(text[begin:end].translate(_QUOTATION_MARKS).split())

    def is_defined(self, first: int, last: int) -> bool:
        """Whether the text says what the words mean: `What is innovation?`, `Innovation means ...`."""
        text, begin, end = self._where(first, last)
        before = text[max(0, begin - _NEARBY) : begin]
        if _ASKED.search(before):
            return True
        return bool(_DEFINED.match(text[end : end + _NEARBY])) and not _THIS_ONE.search(before)

    def _where(self, first: int, last: int) -> tuple[str, int, int]:
        """The text of the passage, and where in it the words from one place to another begin and end."""
        number = self.passage_of(first)
        text = self.passages[number].text
        if number not in self._spans:
            numbers = self._words
            self._spans[number] = [one.span() for one in tokens(text) if numbers[one[0]] != LITTLE]
        begin = self.ends[number - 1] + 1 if number else 0
        known = self._spans[number]
        return text, known[first - begin][0], known[last - begin][1]

    def why(self, found: Iterable[tuple[int, int]], *, count: int, limit: int) -> Why:
        """The words and places of first and last places, those of the weightiest passages first."""
        said: dict[str, float] = {}
        where: dict[str, float] = {}
        for first, last in found:
            passage = self.passages[self.passage_of(first)]
            weight, quote = PLACE_WEIGHT[passage.kind], self.quote(first, last)
            said[quote] = said.get(quote, 0.0) + weight
            place = place_of(passage)
            where[place] = where.get(place, 0.0) + weight
        return Why(words=heaviest(said, limit), places=heaviest_places(where), count=count)


def place_of(passage: Passage) -> str:
    """Where it stands; a text without headings and pages is told from names and properties all the same."""
    return passage.place or ("title" if passage.kind is Kind.TITLE else _TEXT)


def heaviest_places(weights: Mapping[str, float]) -> tuple[str, ...]:
    """The heaviest places; none where all there is to say is that it is the text."""
    return () if weights.keys() == {_TEXT} else heaviest(weights, 3)


def heaviest(weights: Mapping[str, float], limit: int) -> tuple[str, ...]:
    """The heaviest texts, those that differ in capitals only once."""
    chosen: dict[str, str] = {}
    for text, _ in sorted(weights.items(), key=lambda item: -round(item[1], 9)):
        chosen.setdefault(text.casefold(), text)
    return tuple(chosen.values())[:limit]


def _places(numbers: list[int], of: int, count: int) -> list[int]:
    """Where a number stands among others, the first `count` places."""
    found: list[int] = []
    at = -1
    for _ in range(count):
        at = numbers.index(of, at + 1)
        found.append(at)
    return found


def _is_long(text: str) -> bool:
    return len(text.split()) > _SHOUTED_WORDS


def language_in(passages: Sequence[Passage]) -> str | None:
    """What most of it is written in, None where nothing tells."""
    told = Counter(passage.language for passage in passages if passage.language)
    if told:
        return told.most_common(1)[0][0]
    letters, sample = 0, []
    for passage in passages:
        if passage.kind not in (Kind.NAME, Kind.PROPERTY):
            sample.append(passage.text)
            letters += len(passage.text)
            if letters > _LANGUAGE_LETTERS:
                break
    return language_of(" ".join(sample))
