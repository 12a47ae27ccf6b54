"""How well lessons that say the same, or the opposite, are told from others, in each pair of languages.

    python tests/benchmarks/bench_near.py

Every lesson of `tests/data/near` is compared with one that says the same in other words, one that contradicts
it, one about another lesson of the same topic and one about something else. The first two ought to be shown
beside it. The thresholds are the lowest that are right nine times of ten in the tuned half; the other half is
only measured. Prints the tables of docs/near-duplicates.md.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

from km365.core.near import CLOSE, SAME_WORDS, alike_in_words
from km365.suggest.meaning import encoders

DATA = Path(__file__).parent.parent / "data" / "near"
KINDS = ("itself", "the same", "contradicts", "same topic", "unrelated")
WANTED = frozenset({"the same", "contradicts"})
LANGUAGES = ("en", "fr", "es", "ar")
PRECISION = 0.9
_HALVES = ("tuned", "held_out")
Likeness = Callable[[str, str], float]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two texts, the languages they are in, and what the second is to the first."""

    languages: tuple[str, str]
    kind: str
    first: str
    second: str


def pairs(half: str) -> Iterator[Pair]:
    """The pairs of one half, `tuned` or `held_out`: every text with those of its own and another story."""
    stories = [json.loads(line) for line in (DATA / f"{half}.jsonl").read_text("utf-8").splitlines()]
    for number, story in enumerate(stories):
        spoken = [language for language in LANGUAGES if language in story]
        other = stories[(number + len(stories) // 2) % len(stories)]  # in the same two languages
        for one, two in product(spoken, spoken):
            texts = [*story[two], other[two][1]]
            for kind, text in zip(KINDS[1:], texts[1:], strict=True):
                yield Pair(languages=(one, two), kind=kind, first=story[one][0], second=text)


@cache
def by_meaning() -> Likeness:
    """The cosine of the vectors of the model that comes with the installation."""
    (encoder,) = (one for one in encoders() if one.languages is None)
    texts = sorted({text for half in _HALVES for pair in pairs(half) for text in (pair.first, pair.second)})
    vectors = dict(zip(texts, encoder.encode(texts), strict=True))
    return lambda one, other: float(vectors[one] @ vectors[other])


def by_words(one: str, other: str) -> float:
    """The share of words that both have."""
    return alike_in_words(one, other)


def measured(found: Sequence[tuple[Pair, float]], least: float) -> tuple[int, int, int]:
    """How many were rightly found from `least` on, how many were found, and how many ought to be."""
    wanted = [pair.kind in WANTED for pair, _ in found]
    over = [likeness >= least for _, likeness in found]
    right = sum(a and b for a, b in zip(wanted, over, strict=True))
    return right, sum(over), sum(wanted)


def threshold(found: Sequence[tuple[Pair, float]]) -> float:
    """The lowest, in hundredths, from which on nine of ten are right."""
    for least in np.arange(0.0, 1.0, 0.01):
        right, over, _ = measured(found, float(least))
        if over and right / over >= PRECISION:
            return round(float(least), 2)
    return 1.0


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "-"


def table(likeness: Likeness, least: float) -> list[str]:
    """Precision and recall by pair of languages, as the lines of a Markdown table."""
    halves = _compared(likeness)
    lines = [
        "| languages | tuned: pairs | precision | recall | held out: pairs | precision | recall |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    groups = [frozenset(two) for two in dict.fromkeys(tuple(sorted(p.languages)) for p in pairs("tuned"))]
    for group in sorted(groups, key=lambda one: (len(one), sorted(one))):
        lines.append(
            _row("-".join(sorted(group)), halves, least, lambda pair, g=group: set(pair.languages) == g)
        )
    lines.append(_row("one language", halves, least, lambda pair: len(set(pair.languages)) == 1))
    lines.append(_row("two languages", halves, least, lambda pair: len(set(pair.languages)) == 2))
    lines.append(_row("all", halves, least, lambda _: True))
    return lines


def shown(likeness: Likeness, least: float) -> list[str]:
    """How many of each kind would be shown, as the lines of a Markdown table."""
    lines = ["| what the other is | tuned: shown | held out: shown |", "| --- | --- | --- |"]
    for kind in KINDS[1:]:
        cells = []
        for found in _compared(likeness).values():
            some = [value >= least for pair, value in found if pair.kind == kind]
            cells.append(f"{sum(some)} of {len(some)}")
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return lines


def _compared(likeness: Likeness) -> dict[str, list[tuple[Pair, float]]]:
    return {half: [(one, likeness(one.first, one.second)) for one in pairs(half)] for half in _HALVES}


def _row(
    name: str,
    halves: dict[str, list[tuple[Pair, float]]],
    least: float,
    belongs: Callable[[Pair], bool],
) -> str:
    cells = [name]
    for found in halves.values():
        some = [one for one in found if belongs(one[0])]
        right, over, wanted = measured(some, least)
        cells += [str(len(some)), _share(right, over), _share(right, wanted)]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    for name, likeness, used in (
        ("By meaning", by_meaning(), CLOSE),
        ("By words alone", by_words, SAME_WORDS),
    ):
        tuned = [(one, likeness(one.first, one.second)) for one in pairs("tuned")]
        head = f"{name}: the lowest threshold that is right nine times of ten is {threshold(tuned):.2f}"
        lines = [f"{head}; used: {used:.2f}\n", *table(likeness, used), "", *shown(likeness, used)]
        sys.stdout.write("\n".join([*lines, "", ""]))


if __name__ == "__main__":
    main()
