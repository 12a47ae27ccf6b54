"""Where the labels of an index stand in a text: the longest first in each term set, none over another."""

from collections.abc import Iterator, Sequence
from operator import itemgetter

from km365.core.text import END, fold, is_break, is_little, many_words, root, stem
from km365.suggest.index import BREAK, END_OF_PASSAGE, LITTLE, RESERVED, UNKNOWN, Index
from km365.suggest.labels import NAME, acronym

_REMEMBERED_WORDS = 400_000


Hit = tuple[int, int, int]
"""The number of a reading, and where its first and last words stand among the numbers of a text."""
_Ends = tuple[tuple[int, int], ...]
"""The term sets and readings of the phrase that ends in a node."""
_Node = tuple[dict[int, int], _Ends]
"""The nodes below by word, and what ends here."""


class Words(dict[str, int]):
    """The number of each written word in an index, remembered."""

    def __init__(self, index: Index) -> None:
        super().__init__()
        self._strings = index.string_number
        self._roots = index.root_number

    def __missing__(self, word: str) -> int:
        if len(self) > _REMEMBERED_WORDS:
            self.clear()
        self[word] = number = self._number(word)
        return number

    def _number(self, word: str) -> int:
        if word == END:
            return END_OF_PASSAGE
        if is_break(word):
            return BREAK
        if is_little(word):
            return LITTLE
        if (capitals := acronym(word)) in self._strings:
            return self._strings[capitals]
        folded = fold(word)
        if word[0].isupper() and (name := NAME + folded) in self._strings:
            return self._strings[name]
        return self.plain(folded)

    def plain(self, folded: str) -> int:
        """The number of a folded word that is neither acronym nor name."""
        stemmed = stem(folded)
        number = self._strings.get(stemmed)
        if number is None:
            number = self._roots.get(root(stemmed))
            return UNKNOWN if number is None else number + RESERVED
        return number


class Matcher:
    """Finds the readings of an index. Keep it for many texts: it remembers words and what it opened."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.words = Words(index)
        begin, end = index.node_first[0], index.node_first[1]
        self._begins = dict(zip(index.node_word[begin:end], range(begin, end), strict=True))
        self._opened: list[_Node | None] = [None] * len(index.node_word)
        numbered = enumerate(index.otherwise, start=index.string_base)
        self._otherwise = {number: other for number, other in numbered if other}

    def numbers(self, texts: Sequence[str]) -> list[int]:
        """The numbers of the words of all `texts` without little words, `END_OF_PASSAGE` after each text."""
        return list(filter(None, map(self.words.__getitem__, many_words(texts))))

    def hits(self, numbers: Sequence[int]) -> list[Hit]:
        """What stands in `numbers`, by place; in each term set the longest, none over another of the set."""
        whole = [*numbers, END_OF_PASSAGE]
        start = self.index.start_base
        starts = [place for place, number in enumerate(whole) if number >= start]
        either: dict[int, int] = {}
        if not self._otherwise.keys().isdisjoint(whole):
            either = {at: self._otherwise[one] for at, one in enumerate(whole) if one in self._otherwise}
        return self._choose(starts, whole, either)

    def _choose(self, starts: Sequence[int], numbers: list[int], either: dict[int, int]) -> list[Hit]:
        found: list[Hit] = []
        free = [0] * len(self.index.facets)
        begins, opened, open_ = self._begins, self._opened, self._open
        unsure = either.keys() | {at - 1 for at in either}
        for at in starts:
            if at not in unsure:
                node = begins[numbers[at]]
                below, here = opened[node] or open_(node)
                following = below.get(numbers[at + 1])
                if following is None:  # nearly always: one word, or none
                    for facet, reading in here:
                        if free[facet] <= at:
                            free[facet] = at + 1
                            found.append((reading, at, at))
                    continue
            found += self._longest(at, self._ways(at, numbers, either), free)
        return found

    def _longest(self, at: int, ways: list[tuple[int, _Ends]], free: list[int]) -> Iterator[Hit]:
        """The longest of `ways` in each term set whose words are `free` from `at` on; `free` moves on."""
        taken: dict[int, int] = {}
        for last, here in sorted(ways, key=itemgetter(0), reverse=True):
            for facet, reading in here:
                if free[facet] <= at and taken.setdefault(facet, last) == last:
                    yield reading, at, last
        for facet, last in taken.items():
            free[facet] = last + 1

    def _ways(self, at: int, numbers: list[int], either: dict[int, int]) -> list[tuple[int, _Ends]]:
        """The last words and the readings of everything that begins at `at`, a word being any it may be."""
        found: list[tuple[int, _Ends]] = []
        waiting = [(self._begins.get(number), at) for number in self._meanings(at, numbers, either)]
        for node, last in waiting:  # grows while it is read
            if node is not None:
                below, here = self._opened[node] or self._open(node)
                if here:
                    found.append((last, here))
                if below:
                    meant = self._meanings(last + 1, numbers, either)
                    waiting += [(below.get(number), last + 1) for number in meant]
        return found

    def _meanings(self, at: int, numbers: list[int], either: dict[int, int]) -> list[int]:
        meant = [numbers[at]]
        if at in either:
            other = either[at]
            while other:
                meant.append(other)
                other = self._otherwise.get(other, 0)
        return meant

    def _open(self, node: int) -> _Node:
        index = self.index
        begin, end = index.node_first[node], index.node_first[node + 1]
        below = dict(zip(index.node_word[begin:end], range(begin, end), strict=True))
        readings = range(index.node_readings[node], index.node_readings[node + 1])
        opened = (below, tuple((index.reading_facet[reading], reading) for reading in readings))
        self._opened[node] = opened
        return opened
