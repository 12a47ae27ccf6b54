"""How good suggestions are beside what people chose: the measures of `annif eval`, document by document.

A suggestion with a score of 0 or less does not count, and a term counts once, at its best score. P@k divides
by the number of suggestions among the first k; F1@k is the harmonic mean per document; NDCG@k has binary
gains and an ideal of min(k, number of gold terms). All are averaged over all documents with a gold term; one
without suggestions scores 0.
"""

import math
import random
from collections.abc import Collection, Mapping, Sequence

Scored = Sequence[tuple[str, float]]
"""Suggested terms with their scores, in any order."""
MEASURES = ("P@5", "R@5", "F1@5", "NDCG@10")
_SEED = 20240601


def ranked(suggested: Scored) -> list[str]:
    """The terms by falling score; ties stay in their order, and each term counts once."""
    best: dict[str, tuple[float, int]] = {}
    for at, (term, score) in enumerate(suggested):
        if score > 0 and (term not in best or score > best[term][0]):
            best[term] = (score, at)
    return sorted(best, key=lambda term: (-best[term][0], best[term][1]))


def measures(suggested: Sequence[str], gold: Collection[str]) -> dict[str, float]:
    """The `MEASURES` of one document; `suggested` is ranked, `gold` is not empty."""
    first = suggested[:5]
    right = sum(term in gold for term in first)
    precision = right / len(first) if first else 0.0
    recall = right / len(gold)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    gain = sum(1 / math.log2(at + 2) for at, term in enumerate(suggested[:10]) if term in gold)
    ideal = sum(1 / math.log2(at + 2) for at in range(min(10, len(gold))))
    return dict(zip(MEASURES, (precision, recall, f1, gain / ideal), strict=True))


def mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each measure; `rows` is not empty."""
    return {name: sum(row[name] for row in rows) / len(rows) for name in MEASURES}


def interval(rows: Sequence[Mapping[str, float]], name: str, *, rounds: int = 1000) -> tuple[float, float]:
    """The bounds of the mean in 95 of 100 resamples of the documents (bootstrap, always the same draws)."""
    chance = random.Random(_SEED)  # noqa: S311 - resampling, nothing secret
    values = [row[name] for row in rows]
    means = sorted(sum(chance.choices(values, k=len(values))) / len(values) for _ in range(rounds))
    return means[int(0.025 * rounds)], means[int(0.975 * rounds) - 1]
