"""Where the labels of an index stand in a text: the longest first in each term set, none over another."""

from collections.abc import Sequence, Set

from km365.core.text import END, fold, is_break, is_little, many_words, root, stem
from km365.suggest.index import BREAK, END_OF_PASSAGE, LITTLE, LONGEST_PHRASE, RESERVED, UNKNOWN, Index
from km365.suggest.labels import NAME, acronym

_REMEMBERED_WORDS = 400_000


Hit = tuple[int, int, int]
"""The number of a reading, and where its first and last words stand among the numbers of a text."""
_Ends = tuple[tuple[int, int], ...]
"""The term sets and readings of the phrase that ends in a node."""
_Node = tuple[dict[int, int], _Ends]
"""The nodes below by word, and what ends here."""
_Way = tuple[int, _Ends]
"""The last word of what begins somewhere, and its readings."""


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
        if word[0].isupper():
            for name in (NAME + folded, NAME + stem(folded)):
                if name in self._strings:
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
        self._begins = _Begins(self)
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
        return self._choose(starts, whole, self._otherwise.keys() & whole)

    def _choose(self, starts: Sequence[int], numbers: Sequence[int], unsure: Set[int]) -> list[Hit]:
        """The hits; `unsure` are words in capitals that may be read as acronyms and as words.

        Most words begin nothing longer than themselves here: that case is written out, for speed.
        """
        found: list[Hit] = []
        free = [0] * len(self.index.facets)
        one_set = len(free) == 1
        begins, longest = self._begins, self._longest
        places = [at for at, number in enumerate(numbers) if number in unsure] if unsure else []
        near = {at - before for at in places for before in range(LONGEST_PHRASE)}
        for at in starts:
            if one_set and at < free[0]:
                continue
            below, here = begins[numbers[at]]
            if near and at in near:
                longest(at, self._ways(at, numbers), free, found)
            elif below and numbers[at + 1] in below:
                longest(at, self._path(at, below, here, numbers), free, found)
            else:
                for facet, reading in here:
                    if free[facet] <= at:
                        free[facet] = at + 1
                        found.append((reading, at, at))
        return found

    def _path(self, at: int, below: dict[int, int], here: _Ends, numbers: Sequence[int]) -> list[_Way]:
        """Everything that begins at `at` and goes on with the words after it, the longest last."""
        ways = [(at, here)] if here else []
        node = below.get(numbers[at + 1])
        while node is not None:
            at += 1
            below, here = self._opened[node] or self.open(node)
            if here:
                ways.append((at, here))
            node = below.get(numbers[at + 1]) if below else None
        return ways

    def _longest(self, at: int, ways: Sequence[_Way], free: list[int], found: list[Hit]) -> None:
        """Adds to `found` the longest of `ways` in each term set whose words are `free` from `at` on."""
        if len(ways) == 1:
            last, here = ways[0]
            for facet, reading in here:
                if free[facet] <= at:
                    free[facet] = last + 1
                    found.append((reading, at, last))
            return
        taken: dict[int, int] = {}
        for last, here in reversed(ways):
            for facet, reading in here:
                if free[facet] <= at and taken.setdefault(facet, last) == last:
                    found.append((reading, at, last))
        for facet, last in taken.items():
            free[facet] = last + 1

    def _ways(self, at: int, numbers: Sequence[int]) -> list[_Way]:
        """Everything that begins at `at`, a word being any it may be; the longest last."""
        waiting = [(at, *self._begins[number]) for number in self._meanings(numbers[at])]
        for last, below, _ in waiting:  # grows while it is read
            if below:
                nodes = map(below.get, self._meanings(numbers[last + 1]))
                waiting += [
                    (last + 1, *(self._opened[node] or self.open(node))) for node in nodes if node is not None
                ]
        return [(last, here) for last, _, here in waiting if here]

    def _meanings(self, number: int) -> list[int]:
        meant = []
        while number:
            meant.append(number)
            number = self._otherwise.get(number, 0)
        return meant

    def open(self, node: int) -> _Node:
        """The nodes below a node by word, and the readings that end there."""
        index = self.index
        begin, end = index.node_first[node], index.node_first[node + 1]
        below = dict(zip(index.node_word[begin:end], range(begin, end), strict=True))
        readings = range(index.node_readings[node], index.node_readings[node + 1])
        opened = (below, tuple((index.reading_facet[reading], reading) for reading in readings))
        self._opened[node] = opened
        return opened


class _Begins(dict[int, _Node]):
    """The first node of every phrase by its first word; nothing below other words."""

    def __init__(self, matcher: Matcher) -> None:
        super().__init__()
        index = matcher.index
        begin, end = index.node_first[0], index.node_first[1]
        self._nodes = dict(zip(index.node_word[begin:end], range(begin, end), strict=True))
        self._open = matcher.open

    def __missing__(self, number: int) -> _Node:
        node = self._nodes.get(number)
        self[number] = opened = ({}, ()) if node is None else self._open(node)
        return opened
