"""How well lessons that say the same, or the opposite, are told from others, in each pair of languages.

    python tests/benchmarks/bench_near.py [--items 100000]

Every lesson of `tests/data/near` is compared with one that says the same in other words, one that contradicts
it, one about another lesson of the same topic and one about something else. The first two ought to be shown
beside it. The thresholds are the lowest that are right nine times of ten in the tuned half; the other half is
only measured. Prints the tables of docs/near-duplicates.md. `--items` measures how long it takes to find the
nearest of so many vectors, drawn by chance, in a database of its own.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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


def speed(items: int) -> list[str]:
    """How long the nearest of so many vectors take to be found, with reading them."""
    from km365.core.search_entries import Entry
    from km365.services.near import _nearest, _packed
    from km365.store import search, search_meaning
    from km365.store.database import Database
    from km365.store.tables import search_entry

    chance = np.random.default_rng(365)
    with tempfile.TemporaryDirectory() as folder:
        db = Database.open(Path(folder) / "near.sqlite")
        at = datetime(2026, 11, 22, tzinfo=UTC)
        with db.begin() as c:
            search.put_source(c, search.Source(container="l", site="s", office="", name="K", shelf=""))
            for first in range(0, items, 1000):
                rows = [
                    search._values(
                        Entry(
                            container="l",
                            item_id=str(n),
                            shelf="",
                            kind="lesson learned",
                            office="CO-BEL",
                            language="en",
                            title="t",
                            web_url="",
                            day=None,
                            mark="1",
                        ),
                        due_at=at,
                    )
                    for n in range(first, min(first + 1000, items))
                ]
                c.execute(search_entry.insert(), rows)
                new = search_meaning.unread(c, most=1000)
                made = chance.standard_normal((len(new), 512), dtype=np.float32)
                made /= np.linalg.norm(made, axis=1, keepdims=True)
                search_meaning.put(c, dict(zip(new, map(_packed, made), strict=True)))
        wanted = made[0]
        taken = []
        for _ in range(5):
            begun = time.perf_counter(), time.process_time()
            with db.begin() as c:
                ids, packed = search_meaning.of_shelves(c, ["", "co-bel"])
            _nearest(ids, packed, wanted)
            taken.append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
        begun_at = time.perf_counter()
        with db.begin() as c:
            search_meaning.unread(c, most=100)
        idle = time.perf_counter() - begun_at
        db.close()
    wall, cpu = min(taken)
    return [
        f"The nearest of {items:,} items: {1000 * wall:.0f} ms ({1000 * cpu:.0f} ms of CPU); "
        f"to see that no vector is missing {1000 * idle:.0f} ms."
    ]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--items", type=int, default=0)
    given = options.parse_args()
    for name, likeness, used in (
        ("By meaning", by_meaning(), CLOSE),
        ("By words alone", by_words, SAME_WORDS),
    ):
        tuned = [(one, likeness(one.first, one.second)) for one in pairs("tuned")]
        head = f"{name}: the lowest threshold that is right nine times of ten is {threshold(tuned):.2f}"
        sys.stdout.write(
            "\n".join(
                [f"{head}; used: {used:.2f}\n", *table(likeness, used), "", *shown(likeness, used), "", ""]
            )
        )
    if given.items:
        sys.stdout.write("\n".join([*speed(given.items), ""]))


if __name__ == "__main__":
    main()
