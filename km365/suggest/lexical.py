"""What the words of a text say of each concept: features as plain numbers, and a score made of them.

A text is read twice: for phrases (labels that stand in it, found by `matching`) and for words (labels as bags
of roots, weighed by how telling each root is among the labels, as BM25 does; needed where a label is so long
that nobody writes it out). Standard library alone and nothing learned: this is what speaks on the first day.
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import pairwise
from operator import itemgetter

from km365.core.passages import Kind
from km365.suggest.index import NO_ROOT, RESERVED, Index, Rows
from km365.suggest.matching import Matcher
from km365.suggest.texts import PLACE_WEIGHT, TITLES, Text, Why

_HEADINGS = frozenset({Kind.HEADING, Kind.PROPERTY})
ABOVE = 0.3
"""What a root of the broader term's label is worth beside one of the label itself."""
_TELLING_ROOTS = 250
"""A long text is weighed by so many of its roots, the most telling and frequent ones."""
_PLACES_READ = 20_000
"""So many times labels are looked up by one of the text's roots."""
_LABELS_WEIGHED = 600
"""So many labels of those are weighed."""
_ROWS_KEPT = 150
"""So many concepts that share single words with the text become candidates."""


@dataclass(slots=True)
class Features:
    """What speaks for one concept; every field is a number, 0 where nothing does.

    count      how often its labels stand in the text as phrases
    often      the same beside the concept found most often (0 to 1, by logarithms)
    weight     the same, each by its place (a title counts 4, a note 0.8)
    titles     how often in the title or the file's name
    headings   how often in headings and properties
    first      the share of the text before the first (0 to 1; 1 where there is none)
    spread     the share of the text's tenths that have one
    size       the words of the longest label found (a Han character is half a word)
    letters    the letters of it
    kind       the surest label found: 0 preferred, 1 synonym, 2 without its qualifier, 3 written otherwise
    sharing    how many concepts of the term set the label found may mean
    capitals   1 where an acronym or a name was found as it is written
    language   1 where the label is of the text's language, 0.5 where that is unknown
    words      its best label as a bag of roots: what the text covers of it, weighed (1 for the best concept)
    coverage   the share of that label's information that the text covers (0 to 1)
    information  that label's information
    above      the share of `words` that its broader term's label brings
    broader    how often labels of its broader terms stand in the text
    over       the best `words` of its broader terms
    below      the best `words` of its narrower terms
    narrower   how many of its narrower terms do
    beside     how many of its broader terms' other narrower terms do
    """

    count: int = 0
    often: float = 0.0
    weight: float = 0.0
    titles: int = 0
    headings: int = 0
    first: float = 1.0
    spread: float = 0.0
    size: float = 0.0
    letters: int = 0
    kind: int = 4
    sharing: int = 0
    capitals: int = 0
    language: float = 0.0
    words: float = 0.0
    coverage: float = 0.0
    information: float = 0.0
    above: float = 0.0
    broader: int = 0
    narrower: int = 0
    beside: int = 0
    over: float = 0.0
    below: float = 0.0
    tenths: int = 0


def candidates(matcher: Matcher, text: Text) -> dict[int, Features]:
    """The features of every concept that the text's words speak for, by its number in the index."""
    found = _by_phrases(matcher.index, text)
    _by_words(matcher.index, text, found)
    _by_relatives(matcher.index, found)
    return found


def score(features: Features) -> float:
    """How strongly the text speaks for a concept by its words alone, about 0 to 4; it orders concepts.

    One weighting for every vocabulary, set by hand.
    """
    return phrase_score(features) + word_score(features)


_KIND_COUNTS = (1.0, 0.9, 0.6, 0.7, 0.0)


def phrase_score(found: Features) -> float:
    """What the labels that stand in the text say, about 0 to 3."""
    if not found.count:
        return 0.0
    often = 0.4 + 0.6 * found.often
    telling = 0.5 + 0.3 * min(1.0, found.letters / 12) if found.size <= 1 else 1.0
    telling *= _KIND_COUNTS[found.kind] / math.sqrt(found.sharing)
    place = 1.0 + 1.5 * (found.titles > 0) + 0.2 * (found.headings > 0) + 0.4 * (1.0 - found.first) ** 4
    spread = 0.7 + 0.3 * found.spread
    relatives = 1.0 + 0.05 * math.log1p(found.broader) + 0.05 * math.log1p(found.narrower)
    return (often * telling * place * spread + 0.15) * relatives


def word_score(found: Features) -> float:
    """The label word by word; a broader term also by what its narrower ones are called."""
    return math.pow(found.words, 1.5) * math.sqrt(found.coverage) + 0.15 * found.over + 0.3 * found.below


def explain(matcher: Matcher, text: Text, concept: int, *, limit: int = 4) -> Why:
    """The words and places that speak for a concept: its phrases, else the words that its labels share."""
    index = matcher.index
    phrases = [(first, last) for reading, first, last in text.hits if _means(index, reading, concept)]
    if phrases:
        return text.why(phrases, count=len(phrases), limit=limit)
    roots = _shared_roots(index, text, concept)
    spots = []
    for at, number in enumerate(text.numbers):
        if number >= RESERVED and (root := index.root_of(number)) in roots:
            spots.append((-roots.pop(root), at))
            if not roots:
                break
    return text.why([(at, at) for _, at in sorted(spots)], count=0, limit=limit)


def _means(index: Index, reading: int, concept: int) -> bool:
    return concept in index.entry_concept[index.reading_first[reading] : index.reading_first[reading + 1]]


def _shared_roots(index: Index, text: Text, concept: int) -> dict[int, float]:
    """The roots that the text shares with the concept's labels, and how telling each is."""
    shared: dict[int, float] = {}
    for rows in index.rows:
        begin, end = bisect_left(rows.concept, concept), bisect_right(rows.concept, concept)
        for root in _roots(index, text.numbers) if begin < end else ():
            low, high = rows.row_first[root], rows.row_first[root + 1]
            place = bisect_left(rows.rows, begin, low, high)
            if place < high and rows.rows[place] < end:
                shared[root] = max(shared.get(root, 0.0), rows.weights[root])
    return shared


def _by_phrases(index: Index, text: Text) -> dict[int, Features]:
    spots: dict[int, Features] = {}
    length = max(1, len(text.numbers))
    passage, end, weight, title, heading = -1, -1, 0.0, 0, 0
    for reading, first, _ in text.hits:
        while first > end:
            passage += 1
            end, kind = text.ends[passage], text.passages[passage].kind
            weight, title, heading = PLACE_WEIGHT[kind], int(kind in TITLES), int(kind in _HEADINGS)
        spot = spots.get(reading)
        if spot is None:
            spots[reading] = spot = Features(first=first / length)
        spot.count += 1
        spot.weight += weight
        spot.titles += title
        spot.headings += heading
        spot.tenths |= 1 << 10 * first // length
    found: dict[int, Features] = {}
    bit = _bit(index, text.language)
    for reading, spot in spots.items():
        _to_concepts(index, reading, spot, bit, found)
    most = math.log1p(max((features.count for features in found.values()), default=0))
    for features in found.values():
        features.spread = features.tenths.bit_count() / 10
        features.often = math.log1p(features.count) / most
    return found


def _bit(index: Index, language: str | None) -> int:
    """The bit of a language in the index's entries, 0 where it has no label in it or it is unknown."""
    return 1 << index.languages.index(language) if language in index.languages else 0


def _to_concepts(index: Index, reading: int, spot: Features, bit: int, found: dict[int, Features]) -> None:
    """Adds what was found of one reading to each concept that it may mean."""
    begin, end = index.reading_first[reading], index.reading_first[reading + 1]
    size, capitals = index.reading_size[reading] / 2, index.reading_as_written[reading]
    for entry in range(begin, end):
        right = not bit or bool(index.entry_languages[entry] & bit)
        if size <= 1 and not capitals and not right:
            continue  # single words of another language are false friends too often (`data` is a date in pt)
        concept = index.entry_concept[entry]
        features = found.get(concept)
        if features is None:
            found[concept] = features = Features(sharing=end - begin)
        features.count += spot.count
        features.weight += spot.weight
        features.titles += spot.titles
        features.headings += spot.headings
        features.first = min(features.first, spot.first)
        features.tenths |= spot.tenths
        features.kind = min(features.kind, index.entry_kind[entry])
        features.sharing = min(features.sharing, end - begin)
        features.capitals = features.capitals or int(capitals > 0)
        features.language = max(features.language, (1.0 if right else 0.0) if bit else 0.5)
        if size >= features.size:
            features.size, features.letters = size, index.reading_letters[reading]


def _by_words(index: Index, text: Text, found: dict[int, Features]) -> None:
    """Weighs the labels word by word; the best that have no phrase in the text become candidates too."""
    frequency = _roots(index, text.numbers)
    for root, count in _roots(index, text.titles()).items():
        frequency[root] += count
    best: dict[int, tuple[float, float, float, float]] = {}
    known = [rows for rows in index.rows if rows.language == text.language]
    for rows in known or index.rows:
        for concept, measures in _weigh(rows, frequency, list(found)).items():
            if concept not in best or measures > best[concept]:
                best[concept] = measures
    if not best:
        return
    order = sorted(best, key=lambda concept: (-best[concept][0], concept))
    most = best[order[0]][0]
    for concept in {*order[:_ROWS_KEPT], *(found.keys() & best.keys())}:
        features = found.get(concept)
        if features is None:
            found[concept] = features = Features()
        score, features.coverage, features.information, features.above = best[concept]
        features.words = score / most


def _roots(index: Index, numbers: Sequence[int]) -> dict[int, int]:
    """How often each root stands in the text."""
    base, roots = index.string_base, index.string_root
    frequency: dict[int, int] = {}
    for number, count in Counter(numbers).items():
        if number >= base:
            root = roots[number - base]
            if root != NO_ROOT:
                frequency[root] = frequency.get(root, 0) + count
        elif number >= RESERVED:
            frequency[number - RESERVED] = frequency.get(number - RESERVED, 0) + count
    if pairs := index.pair_root:
        for pair, count in Counter(pairwise(numbers)).items():
            if pair in pairs:
                frequency[pairs[pair]] = count
    return frequency


def _weigh(
    rows: Rows, frequency: Mapping[int, int], found: Iterable[int]
) -> dict[int, tuple[float, float, float, float]]:
    """By concept: the score of its best label, the share covered, its information, what the broader adds."""
    weights, first = rows.weights, rows.bag_first
    values = {one: weights[one] * (1 + math.log(n)) for one, n in frequency.items() if weights[one] > 0}
    if len(values) > _TELLING_ROOTS:
        values = dict(nlargest(_TELLING_ROOTS, values.items(), key=itemgetter(1)))
    best: dict[int, tuple[float, float, float, float]] = {}
    for row in _likely(rows, values, found):
        own = covered = above = 0.0
        for place in rows.bag[first[row] : first[row + 1]]:
            root = place >> 1
            if root in values:
                if place & 1:
                    above += ABOVE * values[root]
                else:
                    own += values[root]
                    covered += weights[root]
        if own:
            share = covered / rows.information[row]
            total, concept = (own + above) * share, rows.concept[row]
            if concept not in best or total > best[concept][0]:
                best[concept] = (total, share, rows.information[row], above / (own + above))
    return best


def _likely(rows: Rows, values: Mapping[int, float], found: Iterable[int]) -> set[int]:
    """The labels worth weighing: those that share most with the text, and those found as phrases.

    Roots are looked up from the rarest on, and the most frequent not at all in a large vocabulary, so that
    the cost of a text is bounded.
    """
    first, places = rows.row_first, rows.rows
    scores: dict[int, float] = {}
    read = 0
    for size, root in sorted((first[root + 1] - first[root], root) for root in values):
        read += size
        if scores and read > _PLACES_READ:
            break
        value = values[root]
        for row in places[first[root] : first[root + 1]]:
            scores[row] = scores.get(row, 0.0) + value
    likely = set(scores)
    if len(scores) > _LABELS_WEIGHED:
        least = sorted(scores.values())[-_LABELS_WEIGHED]
        likely = {row for row, score in scores.items() if score >= least}
    for concept in found:
        likely.update(range(bisect_left(rows.concept, concept), bisect_right(rows.concept, concept)))
    return likely


def _by_relatives(index: Index, found: dict[int, Features]) -> None:
    present = [(concept, features.count) for concept, features in found.items() if features.count]
    broader_first, broader = index.broader_first, index.broader
    children: dict[int, int] = {}
    for concept, _ in present:
        for parent in broader[broader_first[concept] : broader_first[concept + 1]]:
            children[parent] = children.get(parent, 0) + 1
    below: dict[int, float] = {}
    for concept, features in found.items():
        for parent in broader[broader_first[concept] : broader_first[concept + 1]]:
            below[parent] = max(below.get(parent, 0.0), features.words)
    for concept, features in found.items():
        features.narrower = children.get(concept, 0)
        features.below = below.get(concept, 0.0)
        for parent in broader[broader_first[concept] : broader_first[concept + 1]]:
            above = found.get(parent)
            features.broader += above.count if above else 0
            features.over = max(features.over, above.words if above else 0.0)
            features.beside += children.get(parent, 0) - (1 if features.count else 0)
