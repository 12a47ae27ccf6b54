"""A taxonomy compiled for finding its words in texts: flat arrays of numbers and a list of strings.

Everything has a number: strings (the keys of label words), nodes of the tree of phrases, readings (a
phrase in one term set), concepts and rows (one label in one language, as a bag of roots). Arrays named
`..._first` say where the entries of each number begin in another array; they end where those of the next
begin.
"""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from km365.core.languages import primary
from km365.core.taxonomy import SPEAKING, Concept, Link, Taxonomy, TermSet, all_labels
from km365.core.text import STOP, clean, fold, is_break, is_little, is_silent, root, stem, words
from km365.suggest.labels import NAME, Keys, LabelKind, readings, style_of, written_apart

LITTLE, UNKNOWN, BREAK, END_OF_PASSAGE = range(4)
"""What a written word may be instead of one the index knows."""
RESERVED = 4
NO_ROOT = 2**32 - 1
LANGUAGES_AT_MOST = 32
UNMISTAKABLE, ACRONYM = 1, 2
"""How a reading is told from words of other languages: it is a name or Han; it holds capitals."""
LINK_WEIGHT = {Link.EXACT: 0.9, Link.CLOSE: 0.7, Link.BROAD: 0.7}
LONGEST_PHRASE = 24
_HAN = ("\u3400", "\u9fff")


def numbers() -> "array[int]":
    """An empty array of whole numbers of four bytes."""
    return array("I")


def fractions() -> "array[float]":
    """An empty array of fractions of four bytes."""
    return array("f")


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The labels of one language as bags of roots, to be weighed word by word.

    `row_first[root]` begins the rows in `rows` that hold the root. `bag_first[row]` begins the row's roots in
    `bag`: each is twice the root's number, plus one where the root is only in the label of a broader term.
    `weights` say how telling each root is in this language; `information` is the sum of it over a row's own
    roots. The rows of a concept follow one another.
    """

    language: str
    row_first: "array[int]" = field(default_factory=numbers)
    rows: "array[int]" = field(default_factory=numbers)
    bag_first: "array[int]" = field(default_factory=numbers)
    bag: "array[int]" = field(default_factory=numbers)
    weights: "array[float]" = field(default_factory=fractions)
    concept: "array[int]" = field(default_factory=numbers)
    kind: "array[int]" = field(default_factory=numbers)
    information: "array[float]" = field(default_factory=fractions)


@dataclass(frozen=True, kw_only=True)
class Index:
    """See the module. Node 0 is the root of the tree; the children of a node follow one another."""

    strings: list[str]
    """Keys by number less `string_base`; those that begin a phrase come last, from `start_base`."""
    roots: list[str]
    """A written word that is only a relative of a label word has the root's number plus `RESERVED`."""
    concept_ids: list[str]
    facets: list[str]
    languages: list[str]
    start_base: int
    string_root: "array[int]" = field(default_factory=numbers)
    otherwise: "array[int]" = field(default_factory=numbers)
    """By string: the number of what an acronym or a name may be instead (`WASH`: `wash`), else 0."""
    node_first: "array[int]" = field(default_factory=numbers)
    node_word: "array[int]" = field(default_factory=numbers)
    node_readings: "array[int]" = field(default_factory=numbers)
    reading_facet: "array[int]" = field(default_factory=numbers)
    reading_size: "array[int]" = field(default_factory=numbers)
    """How many words, a Han character being half a word, times two."""
    reading_letters: "array[int]" = field(default_factory=numbers)
    reading_as_written: "array[int]" = field(default_factory=numbers)
    """`ACRONYM`, `UNMISTAKABLE`, or 0 where it may be a word of another language."""
    reading_first: "array[int]" = field(default_factory=numbers)
    entry_concept: "array[int]" = field(default_factory=numbers)
    entry_kind: "array[int]" = field(default_factory=numbers)
    entry_languages: "array[int]" = field(default_factory=numbers)
    """One bit for each of `languages`."""
    concept_facet: "array[int]" = field(default_factory=numbers)
    concept_open: "array[int]" = field(default_factory=numbers)
    broader_first: "array[int]" = field(default_factory=numbers)
    broader: "array[int]" = field(default_factory=numbers)
    link_first: "array[int]" = field(default_factory=numbers)
    links: "array[int]" = field(default_factory=numbers)
    link_weight: "array[float]" = field(default_factory=fractions)
    rows: list[Rows]

    @property
    def string_base(self) -> int:
        """The number of the first string."""
        return RESERVED + len(self.roots)

    @cached_property
    def string_number(self) -> dict[str, int]:
        """The number of each key."""
        return dict(
            zip(self.strings, range(self.string_base, self.string_base + len(self.strings)), strict=True)
        )

    @cached_property
    def root_number(self) -> dict[str, int]:
        """The number of each root."""
        return dict(zip(self.roots, range(len(self.roots)), strict=True))

    def root_of(self, number: int) -> int:
        """The root of a word by its number (at least `RESERVED`), or `NO_ROOT`."""
        base = self.string_base
        return self.string_root[number - base] if number >= base else number - RESERVED

    @cached_property
    def pair_root(self) -> dict[tuple[int, int], int]:
        """The roots of two Han characters, by the numbers of these as words."""
        known = self.string_number
        return {
            (known[pair[0]], known[pair[1]]): number
            for pair, number in self.root_number.items()
            if len(pair) == 2 and is_han(pair[0]) and pair[0] in known and pair[1] in known
        }

    @cached_property
    def concept_number(self) -> dict[str, int]:
        """The number of each concept by its id."""
        return dict(zip(self.concept_ids, range(len(self.concept_ids)), strict=True))

    @cached_property
    def narrower_first(self) -> "array[int]":
        """Where each concept's narrower ones begin in `narrower`."""
        return self._narrower[0]

    @cached_property
    def narrower(self) -> "array[int]":
        """The narrower concepts."""
        return self._narrower[1]

    @cached_property
    def _narrower(self) -> "tuple[array[int], array[int]]":
        children: list[list[int]] = [[] for _ in self.concept_ids]
        for child, (begin, end) in enumerate(pairwise(self.broader_first)):
            for parent in self.broader[begin:end]:
                children[parent].append(child)
        return _grouped(children)


def is_han(character: str) -> bool:
    """Whether it is a Han character, a word of its own here."""
    return _HAN[0] <= character <= _HAN[1]


def build(taxonomy: Taxonomy) -> Index:
    """The index of a taxonomy. 40,000 concepts in seven languages take some ten seconds of CPU."""
    sets = [(facet, term_set) for facet, term_set in enumerate(taxonomy.term_sets)]
    concepts = [(facet, concept) for facet, term_set in sets for concept in term_set.concepts]
    languages = _languages(concept for _, concept in concepts)
    entries = _Entries(languages)
    number = 0
    for facet, term_set in sets:
        keys = Keys(style_of(term_set))
        for concept in term_set.concepts:
            entries.add(number, facet, concept, keys)
            number += 1
    entries.add_written_apart()
    bags = _Bags([concept for _, concept in concepts], languages)
    return _assemble(taxonomy.term_sets, concepts, languages, entries, bags)


def _languages(concepts: Iterable[Concept]) -> list[str]:
    found = Counter(primary(language) for one in concepts for language, _, _ in all_labels(one))
    return [language for language, _ in found.most_common(LANGUAGES_AT_MOST)]


class _Entries:
    """All readings so far: phrase -> (facet, concept) -> kind and languages."""

    def __init__(self, languages: Sequence[str]) -> None:
        self._bit = {language: 1 << number for number, language in enumerate(languages)}
        self.phrases: dict[tuple[str, ...], dict[tuple[int, int], tuple[int, int]]] = {}
        self._single: list[tuple[str, int, int, int]] = []
        self._written: set[str] = set()

    def add(self, number: int, facet: int, concept: Concept, keys: Keys) -> None:
        """The labels of a concept."""
        for language, text, preferred in all_labels(concept):
            bit = self._bit.get(primary(language), 0)
            for reading in readings(text, language, keys, preferred=preferred):
                if len(reading.keys) <= LONGEST_PHRASE:
                    self._put(reading.keys, facet, number, reading.kind, bit)
            folded = [fold(word) for word in words(text)]
            self._written.update(folded)
            if len(folded) == 1 and folded[0].isascii() and folded[0].isalpha():
                self._single.append((folded[0], facet, number, bit))

    def add_written_apart(self) -> None:
        """What is one word in a label and may be two in a text."""
        for word, facet, number, bit in self._single:
            if parts := written_apart(word, self._written):
                self._put((stem(parts[0]), stem(parts[1])), facet, number, LabelKind.VARIANT, bit)

    def _put(self, keys: tuple[str, ...], facet: int, number: int, kind: int, bit: int) -> None:
        owners = self.phrases.setdefault(keys, {})
        known, bits = owners.get((facet, number), (kind, 0))
        owners[facet, number] = (min(known, kind), bits | bit if kind <= LabelKind.SHORT else bits or bit)


class _Bags:
    """The labels as bags of roots, by language."""

    def __init__(self, concepts: Sequence[Concept], languages: Sequence[str]) -> None:
        self.roots: dict[str, int] = {}
        self._known: dict[str, tuple[int, ...]] = {}
        at = {concept.id: number for number, concept in enumerate(concepts)}
        self._labels: dict[str, list[tuple[int, int, tuple[int, ...]]]] = {one: [] for one in languages}
        self._preferred: dict[tuple[int, str], tuple[int, ...]] = {}
        for number, concept in enumerate(concepts):
            for language, text, preferred in all_labels(concept):
                tag = primary(language)
                bag = self._bag(text)
                if bag and tag in self._labels:
                    kind = LabelKind.PREFERRED if preferred else LabelKind.SYNONYM
                    self._labels[tag].append((number, kind, bag))
                    if preferred:
                        self._preferred[number, tag] = bag
        self._broader = [[at[i] for i in _broader_ids(concept) if i in at] for concept in concepts]

    def _bag(self, text: str) -> tuple[int, ...]:
        found: dict[int, None] = {}
        before = ""
        for word in words(clean(text)):
            for number in self._roots_of(word, before):
                found[number] = None
            before = word
        return tuple(found)

    def _roots_of(self, word: str, before: str) -> Iterator[int]:
        if before and is_han(before) and is_han(word):
            yield self.roots.setdefault(before + word, len(self.roots))
        if word not in self._known:
            plain = not is_break(word) and not is_little(word) and not is_silent(fold(word))
            self._known[word] = (
                (self.roots.setdefault(root(stem(fold(word))), len(self.roots)),) if plain else ()
            )
        yield from self._known[word]

    def rows(self) -> list[Rows]:
        """The labels of each language, all roots known by now."""
        return [self._rows_of(language, labels) for language, labels in self._labels.items()]

    def _rows_of(self, language: str, labels: Sequence[tuple[int, int, tuple[int, ...]]]) -> Rows:
        places: list[list[int]] = [[] for _ in self.roots]
        holders: list[set[int]] = [set() for _ in self.roots]
        bags: list[list[int]] = []
        for number, (concept, _, bag) in enumerate(labels):
            for one in bag:
                places[one].append(number)
                holders[one].add(concept)
            above = sorted(self._roots_above(concept, language, bag))
            bags.append([*(2 * one for one in bag), *(2 * one + 1 for one in above)])
        total = len({concept for concept, _, _ in labels})
        weights = [math.log((total + 1) / (len(held) + 0.5)) if held else 0.0 for held in holders]
        row_first, rows = _grouped(places)
        bag_first, bag_of = _grouped(bags)
        return Rows(
            language=language,
            row_first=row_first,
            rows=rows,
            bag_first=bag_first,
            bag=bag_of,
            weights=array("f", weights),
            concept=array("I", (concept for concept, _, _ in labels)),
            kind=array("I", (kind for _, kind, _ in labels)),
            information=array("f", (sum(weights[one] for one in bag) for _, _, bag in labels)),
        )

    def _roots_above(self, concept: int, language: str, bag: tuple[int, ...]) -> set[int]:
        above = (self._preferred.get((parent, language), ()) for parent in self._broader[concept])
        return {one for label in above for one in label if one not in bag}


def _broader_ids(concept: Concept) -> tuple[str, ...]:
    return (concept.broader, *concept.also_broader) if concept.broader else concept.also_broader


def _grouped(groups: Iterable[Sequence[int]]) -> "tuple[array[int], array[int]]":
    """Where each group begins, and all of them one after the other."""
    first, every = array("I", [0]), numbers()
    for group in groups:
        every.extend(group)
        first.append(len(every))
    return first, every


def _assemble(
    sets: Sequence[TermSet],
    concepts: Sequence[tuple[int, Concept]],
    languages: list[str],
    entries: _Entries,
    bags: _Bags,
) -> Index:
    rows = bags.rows()
    roots = list(bags.roots)
    strings, start_base, otherwise = _strings(entries.phrases, RESERVED + len(roots))
    number = {STOP: BREAK} | {key: RESERVED + len(roots) + at for at, key in enumerate(strings)}
    tree = _tree(sorted((tuple(number[key] for key in keys), keys) for keys in entries.phrases))
    at = {concept.id: place for place, (_, concept) in enumerate(concepts)}
    broader_first, broader = _grouped([at[i] for i in _broader_ids(one) if i in at] for _, one in concepts)
    linked = [_links(concept, at) for _, concept in concepts]
    link_first, links = _grouped([other for other, _ in one] for one in linked)
    return Index(
        strings=strings,
        roots=roots,
        concept_ids=list(at) if len(at) == len(concepts) else [concept.id for _, concept in concepts],
        facets=[term_set.key for term_set in sets],
        languages=languages,
        start_base=start_base,
        string_root=array("I", (bags.roots.get(root(_stemmed(key)), NO_ROOT) for key in strings)),
        otherwise=otherwise,
        node_first=tree.first,
        node_word=tree.word,
        **_readings(tree.phrases, entries.phrases),
        concept_facet=array("I", (facet for facet, _ in concepts)),
        concept_open=array("I", (int(concept.open_for_tagging) for _, concept in concepts)),
        broader_first=broader_first,
        broader=broader,
        link_first=link_first,
        links=links,
        link_weight=array("f", (weight for one in linked for _, weight in one)),
        rows=rows,
    )


def _links(concept: Concept, at: dict[str, int]) -> list[tuple[int, float]]:
    """The concepts for which its words count too, and how far."""
    found = [(at[i], LINK_WEIGHT[link]) for link, i in concept.mapped_to if link in SPEAKING and i in at]
    if concept.replaced_by in at:
        found.append((at[concept.replaced_by], 1.0))
    return found


def _stemmed(key: str) -> str:
    """The stem of what a key is a writing of."""
    if key.startswith(NAME):
        return stem(key[len(NAME) :])
    return stem(fold(key)) if key.isupper() else key


def _strings(phrases: Iterable[tuple[str, ...]], base: int) -> "tuple[list[str], int, array[int]]":
    """The keys in order, the number of the first that begins a phrase, and what each may be instead."""
    starts: dict[str, None] = {}
    others: dict[str, None] = {}
    for keys in phrases:
        starts[keys[0]] = None
        others.update(dict.fromkeys(keys))
    for key in others:
        if key not in starts and any(plainer in starts for plainer in _plainer(key)):
            starts[key] = None
    inner = [key for key in others if key not in starts and key != STOP]
    strings = [*inner, *starts]
    number = {key: base + at for at, key in enumerate(strings)}
    instead = (next((number[one] for one in _plainer(key) if one in number), 0) for key in strings)
    return strings, base + len(inner), array("I", instead)


def _plainer(key: str) -> Iterator[str]:
    """What else a word that is written so may be: an acronym a name, and either a word."""
    if key.startswith(NAME):
        yield stem(key[len(NAME) :])
    elif key.isupper():
        yield NAME + fold(key)
        yield stem(fold(key))


@dataclass(frozen=True, kw_only=True)
class _Tree:
    first: "array[int]"
    word: "array[int]"
    phrases: list[tuple[str, ...] | None]
    """The phrase that ends in each node."""


def _tree(phrases: Sequence[tuple[tuple[int, ...], tuple[str, ...]]]) -> _Tree:
    """The sorted phrases as a tree, level by level, so that a child's number is its place."""
    first, word = numbers(), array("I", [0])
    ends: list[tuple[str, ...] | None] = [None]
    waiting: list[tuple[int, int, int]] = [(0, len(phrases), 0)]
    for begin, end, depth in waiting:  # grows while it is read
        first.append(len(word))
        at = begin
        while at < end:
            this = phrases[at][0][depth]
            stop = at
            while stop < end and phrases[stop][0][depth] == this:
                stop += 1
            whole = len(phrases[at][0]) == depth + 1
            word.append(this)
            ends.append(phrases[at][1] if whole else None)
            waiting.append((at + whole, stop, depth + 1))
            at = stop
    first.append(len(word))
    return _Tree(first=first, word=word, phrases=ends)


def _readings(
    ends: Sequence[tuple[str, ...] | None],
    phrases: Mapping[tuple[str, ...], Mapping[tuple[int, int], tuple[int, int]]],
) -> "dict[str, array[int]]":
    """The readings of each node, one for each facet, and the concepts of each."""
    names = ("facet", "size", "letters", "as_written", "first")
    made = {f"reading_{name}": numbers() for name in names}
    made |= {f"entry_{name}": numbers() for name in ("concept", "kind", "languages")}
    node_readings = numbers()
    for keys in ends:
        node_readings.append(len(made["reading_facet"]))
        facet_before = -1
        for (facet, concept), (kind, bits) in sorted(phrases[keys].items()) if keys else ():
            if facet != facet_before:
                made["reading_first"].append(len(made["entry_concept"]))
                made["reading_facet"].append(facet)
                for name, value in _measures(keys or ()).items():
                    made[f"reading_{name}"].append(value)
                facet_before = facet
            made["entry_concept"].append(concept)
            made["entry_kind"].append(kind)
            made["entry_languages"].append(bits)
    node_readings.append(len(made["reading_facet"]))
    made["reading_first"].append(len(made["entry_concept"]))
    return {"node_readings": node_readings, **made}


def _measures(keys: Sequence[str]) -> dict[str, int]:
    bare = [key for key in keys if key != STOP]
    letters = sum(3 if is_han(key[0]) else len(key.removeprefix(NAME)) for key in bare)
    return {
        "size": sum(1 if is_han(key[0]) else 2 for key in bare),
        "letters": min(letters, 255),
        "as_written": ACRONYM
        if any(key.isupper() for key in bare)
        else UNMISTAKABLE * all(map(_is_unmistakable, bare)),
    }


def _is_unmistakable(key: str) -> bool:
    return is_han(key[0]) or key.startswith(NAME)
