"""What two texts have in common, word by word, in any of the seven languages: stems, with what they deny.

A negation stays with the word it stands before: "not ready" is another word than "ready".
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

from km365.core import text as written

_SHORTEST_WORD = 3
_NOT = "¬"
"""Before the stem of a word that was denied."""
_REACH = 4
"""How many words after a negation the one may stand that it denies."""
_AFTER = frozenset({"pas", "plus", "jamais"})
"""French negations that may follow the word denied: "ne marchaient pas"."""
_NO_NEGATIONS = frozenset({"不过", "不断", "不仅", "不但", "不同", "未来", "无论"})
"""Chinese words that begin like a negation and are none."""
_AS_ALIKE = 0.5
"""The share of two sentences' words that must be the same for both to say much the same."""
_SHARED = 3
"""How many words that must be at least: short sentences are alike by chance."""


class Line(Protocol):
    """A sentence as it is compared: its words, what it denies, and whether it tells of a success."""

    @property
    def words(self) -> frozenset[str]:
        """Whether denied or not."""

    @property
    def denied(self) -> frozenset[str]:
        """Those of the words that are denied."""

    @property
    def polarity(self) -> str:
        """`positive`, `negative`, or anything else."""


def words(
    text: str, *, unsaid: frozenset[str] = frozenset(), ours: frozenset[str] = frozenset()
) -> Mapping[str, str]:
    """The words that say something: by their stem, as they were written first.

    A negation and the word it stands before are one: "not ready" is not what "ready" says, and a word of
    ours that is denied is no longer ours.
    """
    whole = written.spelt_out(written.clean(text))
    found: dict[str, str] = {}
    rest, at = [], 0
    for begin, end, word in _denied(whole):
        rest.append(whole[at:begin])
        at = end
        stem = written.stem(written.fold(word))
        if not stem.isdigit() and unsaid.isdisjoint(all_words(whole[begin:end])):
            found.setdefault(f"{_NOT}{stem}", " ".join(whole[begin:end].lower().split()))
    for stem, form in _stems(f" {written.STOP} ".join([*rest, whole[at:]])):
        if not (_says_nothing(form) or stem.isdigit() or stem in unsaid | ours):
            found.setdefault(stem, form)
    return found


def _denied(text: str) -> Iterator[tuple[int, int, str]]:
    """Where each negation begins and what it denies ends, and the word denied: in Chinese two characters."""
    tokens = [(one.group(), one.start(), one.end()) for one in written.tokens(text)]
    at = 0
    while at < len(tokens):
        begin = at
        at += 1
        if not _negates(tokens, begin):
            continue
        while at < len(tokens) and at - begin <= _REACH and _passed_over(tokens[at][0]):
            at += 1
        if at == len(tokens) or at - begin > _REACH or written.is_break(tokens[at][0]):
            continue
        word, end = tokens[at][0], tokens[at][2]
        at += 1
        if _is_han(word) and at < len(tokens) and _is_han(tokens[at][0]):
            word, end = word + tokens[at][0], tokens[at][2]
            at += 1
        elif at < len(tokens) and written.fold(tokens[at][0]) in _AFTER:
            end = tokens[at][2]
            at += 1
        yield tokens[begin][1], end, word


def _negates(tokens: Sequence[tuple[str, int, int]], at: int) -> bool:
    """Whether this token denies what follows; a Chinese one not where it is part of another word."""
    word = tokens[at][0]
    if not written.is_negation(written.fold(word)):
        return False
    return at + 1 == len(tokens) or word + tokens[at + 1][0] not in _NO_NEGATIONS


def _passed_over(word: str) -> bool:
    """Whether a negation reaches beyond this word to the next."""
    folded = written.fold(word)
    return word == "有" or written.is_negation(folded) or written.is_little(word) or _says_nothing(word)


def _says_nothing(form: str) -> bool:
    folded = written.fold(form)
    return written.is_silent(folded) or written.is_helper(folded)


def all_words(text: str) -> frozenset[str]:
    """Every word, short names too, by its stem."""
    return frozenset(stem for stem, _ in _stems(text, shortest=2))


def _stems(text: str, *, shortest: int = _SHORTEST_WORD) -> list[tuple[str, str]]:
    """Stems with the words as written, small; of Chinese every two characters that stand together."""
    found = list(written.tokens(written.clean(text)))
    tokens = [one.group() for one in found]
    beside = [(a.group(), b.group()) for a, b in pairwise(found) if a.end() == b.start()]
    pairs = [(a + b, a + b) for a, b in beside if _is_han(a) and _is_han(b)]
    words = [
        (written.stem(written.fold(one)), one.lower())
        for one in tokens
        if len(one) >= shortest and not written.is_little(one)
    ]
    return words + pairs


def _is_han(token: str) -> bool:
    return len(token) == 1 and "\u3400" <= token <= "\u9fff"


def bare(words: Iterable[str]) -> frozenset[str]:
    """The words, whether denied or not."""
    return frozenset(word.removeprefix(_NOT) for word in words)


def denied(words: Iterable[str]) -> frozenset[str]:
    """The words that are denied."""
    return frozenset(word.removeprefix(_NOT) for word in words if word.startswith(_NOT))


def compared(
    lines: Sequence[Line], *, share: float = _AS_ALIKE
) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """For each sentence those that say much the same, and those that deny it or what it denies.

    `share` is that of the words of two sentences which must be the same.
    """
    using: defaultdict[str, list[int]] = defaultdict(list)
    same: defaultdict[int, set[int]] = defaultdict(set)
    other: defaultdict[int, set[int]] = defaultdict(set)
    for at, line in enumerate(lines):
        shared = Counter(i for word in line.words for i in using[word])
        for i, count in shared.items():
            if count < _SHARED or 2 * count / (len(line.words) + len(lines[i].words)) < share:
                continue
            where = other if _opposed(line, lines[i]) else same
            where[at].add(i)
            where[i].add(at)
        for word in line.words:
            using[word].append(at)
    return same, other


def _opposed(one: Line, two: Line) -> bool:
    """Whether one denies what the other does not, or it is one's success and the other's failure."""
    return one.denied != two.denied or {one.polarity, two.polarity} == {"positive", "negative"}


def said_by_several(
    same: Mapping[int, set[int]], voices: Sequence[frozenset[str]], rank: Callable[[int], Any]
) -> list[tuple[int, frozenset[int]]]:
    """The sentences that several voices say: the best of each and those alike, the most widely said first.

    No sentence stands in two. `voices` are those behind each sentence; the lower `rank` is the better one.
    """
    left = set(range(len(voices)))
    found: list[tuple[int, frozenset[int]]] = []
    while True:
        near = {at: (same[at] & left) | {at} for at in left if at in same and same[at] & left}
        reach = {at: len(frozenset().union(*(voices[i] for i in some))) for at, some in near.items()}
        best = min(reach, key=lambda at: (-reach[at], rank(at)), default=-1)
        if best < 0 or reach[best] < 2:
            return found
        left -= near[best]
        found.append((best, frozenset(near[best])))
