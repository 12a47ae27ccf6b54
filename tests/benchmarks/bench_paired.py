"""Whether suggestions are better than others for the same documents, or by chance: a paired bootstrap.

    python tests/benchmarks/bench_paired.py OURS.jsonl THEIRS.jsonl GOLD.jsonl.gz [--language en]

OURS and THEIRS hold lines of `{"id", "terms": [[term id, score]]}`, as `km365 tag predict` writes them, GOLD
lines of `{"id", "lang", "gold": [term id]}`. Each document's difference is drawn again 10,000 times; where
the bounds of 95 in 100 draws do not hold 0, the difference is none of chance.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from km365.suggest import evaluation

ROUNDS = 10_000


def lines(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open(encoding="utf-8") as opened:
        yield from map(json.loads, opened)


def measured(file: Path, gold: dict[str, list[str]]) -> list[dict[str, float]]:
    """The measures of each document, in the order of `gold`; one without suggestions has 0."""
    found = {one["id"]: evaluation.ranked(one["terms"]) for one in lines(file)}
    return [evaluation.measures(found.get(name, []), terms) for name, terms in gold.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("ours", type=Path)
    parser.add_argument("theirs", type=Path)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--language")
    given = parser.parse_args()
    gold = {
        one["id"]: one["gold"]
        for one in lines(given.gold)
        if one["gold"] and given.language in (None, one["lang"])
    }
    ours, theirs = measured(given.ours, gold), measured(given.theirs, gold)
    sys.stdout.write(f"{len(gold)} documents\n")
    for name in ("F1@5", "NDCG@10"):
        ahead = [{name: one[name] - other[name]} for one, other in zip(ours, theirs, strict=True)]
        low, high = evaluation.interval(ahead, name, rounds=ROUNDS)
        mine, other = evaluation.mean(ours)[name], evaluation.mean(theirs)[name]
        sys.stdout.write(
            f"{name:8} {mine:.4f} - {other:.4f} = {mine - other:+.4f} ({low:+.4f} to {high:+.4f})\n"
        )


if __name__ == "__main__":
    main()
