"""How fast labels are found in a text, beside pyahocorasick on the same text in the same run.

    python tests/benchmarks/bench_matching.py [--labels 40000] [--megabytes 2] [--rounds 5]

Labels and text are made up: words by Zipf's law, a third of them little words, a label every few words. All
stems are the words themselves, so that a matcher of exact strings can find the same; both must find exactly
what a slow and simple search finds. pyahocorasick gets its best case, the text in small letters without any
stemming; what it finds inside other words and under longer labels is sorted out, as a user would have to.
Figures are medians of CPU time; only the ratio is worth quoting. Without pyahocorasick (`pip install
pyahocorasick`, for this benchmark alone) only our own speed is printed, and why.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import accumulate

from km365.core.taxonomy import Concept, Taxonomy, TermSet
from km365.core.text import stem
from km365.suggest.index import build
from km365.suggest.matching import Matcher

Spans = list[tuple[int, int, str]]
LITTLE = ("the", "of", "and", "in", "to", "for")


def lexicon(chance: random.Random, size: int, vowels: str) -> list[str]:
    """Made-up words that are their own stems, the first the most frequent."""
    found: dict[str, None] = {}
    while len(found) < size:
        word = "".join(
            chance.choice("bcdfghklmnprtvwz") + chance.choice(vowels) for _ in range(chance.randint(2, 5))
        )
        word += chance.choice("nmrtlk")
        if stem(word) == word and word not in LITTLE:
            found[word] = None
    return list(found)


def zipf(words: Sequence[str]) -> Callable[[random.Random, int], list[str]]:
    weights = list(accumulate(1 / (rank + 20) for rank in range(len(words))))
    return lambda chance, count: chance.choices(words, cum_weights=weights, k=count)


def made_up(labels: int, megabytes: float) -> tuple[list[str], list[str]]:
    """Labels of one to four words, and passages of running text."""
    chance = random.Random(365)
    known = zipf(lexicon(chance, max(400, labels // 4), "aeo"))
    others = zipf(lexicon(chance, 20_000, "iu"))
    made: dict[str, None] = {}
    while len(made) < labels:
        made[" ".join(known(chance, chance.choices((1, 2, 3, 4), (30, 45, 18, 7))[0]))] = None
    some, passages, size = list(made), [], 0
    while size < megabytes * 1e6:
        said = []
        for _ in range(60):
            kind = chance.random()
            if kind < 0.08:
                said.append(chance.choice(some))
            elif kind < 0.35:
                said += known(chance, 1)
            elif kind < 0.65:
                said += [chance.choice(LITTLE), *others(chance, 1)]
            else:
                said += others(chance, 1)
            if chance.random() < 0.08:
                said[-1] += chance.choice((",", ".", ";"))
        text = " ".join(said)
        passages.append(text[0].upper() + text[1:])
        size += len(text)
    return some, passages


def longest(found: Sequence[tuple[int, int, str]]) -> Spans:
    """The longest of what begins first, none over another."""
    chosen: Spans = []
    free = 0
    for begin, end, label in sorted(found, key=lambda one: (one[0], -one[1])):
        if begin >= free:
            chosen.append((begin, end, label))
            free = end
    return chosen


def with_km365(labels: Sequence[str]) -> Callable[[Sequence[str]], int]:
    concepts = tuple(Concept(id=label, labels={"en": label}) for label in labels)
    matcher = Matcher(build(Taxonomy(term_sets=(TermSet(key="t", names={}, concepts=concepts),))))
    return lambda passages: len(matcher.hits(matcher.numbers(passages)))


def spans_of_km365(labels: Sequence[str], passages: Sequence[str]) -> list[str]:
    concepts = tuple(Concept(id=label, labels={"en": label}) for label in labels)
    index = build(Taxonomy(term_sets=(TermSet(key="t", names={}, concepts=concepts),)))
    matcher = Matcher(index)
    hits = matcher.hits(matcher.numbers(passages))
    return [index.concept_ids[index.entry_concept[index.reading_first[reading]]] for reading, _, _ in hits]


def slowly(labels: Sequence[str], passages: Sequence[str]) -> list[str]:
    """The labels by place, looked up word by word in a set: slow, and simple enough to be right."""
    known, found = set(labels), []
    for passage in passages:
        written = "".join(one if one.isalpha() else f" {one} " for one in passage.lower()).split()
        at = 0
        while at < len(written):
            sizes = [
                n for n in (4, 3, 2, 1) if " ".join(written[at : at + n]) in known and at + n <= len(written)
            ]
            found += [" ".join(written[at : at + sizes[0]])] if sizes else []
            at += sizes[0] if sizes else 1
    return found


def with_pyahocorasick(labels: Sequence[str]) -> Callable[[Sequence[str]], list[str]] | None:
    try:
        import ahocorasick
    except ImportError:
        return None
    automaton = ahocorasick.Automaton()
    for label in labels:
        automaton.add_word(label, label)
    automaton.make_automaton()

    def find(passages: Sequence[str]) -> list[str]:
        text = "\n".join(passages).lower()
        last = len(text) - 1
        found = []
        for end, label in automaton.iter(text):
            begin = end - len(label) + 1
            if (end == last or not text[end + 1].isalnum()) and (not begin or not text[begin - 1].isalnum()):
                found.append((begin, end + 1, label))
        return [label for _, _, label in longest(found)]

    return find


def megabytes_a_second(
    passages: Sequence[str], find: Callable[[Sequence[str]], object], rounds: int
) -> float:
    took = []
    for _ in range(rounds):
        begun = time.process_time()
        find(passages)
        took.append(time.process_time() - begun)
    return sum(map(len, passages)) / 1e6 / statistics.median(took)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--labels", type=int, default=40_000)
    parser.add_argument("--megabytes", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    labels, passages = made_up(asked.labels, asked.megabytes)
    say = sys.stdout.write
    expected = slowly(labels, passages)
    say(f"{len(labels)} labels, {asked.megabytes} MB of text, {len(expected)} labels stand in it\n")
    say(f"km365 finds exactly these: {spans_of_km365(labels, passages) == expected}\n")
    ours = megabytes_a_second(passages, with_km365(labels), asked.rounds)
    say(f"km365: {ours:.1f} MB a CPU second\n")
    peer = with_pyahocorasick(labels)
    if peer is None:
        say(
            "pyahocorasick is not installed, so there is nothing to compare with: pip install pyahocorasick\n"
        )
        return
    say(f"pyahocorasick finds exactly these: {peer(passages) == expected}\n")
    theirs = megabytes_a_second(passages, peer, asked.rounds)
    say(
        f"pyahocorasick: {theirs:.1f} MB a CPU second; "
        f"km365 / pyahocorasick: {ours / theirs:.2f} (goal 0.8)\n"
    )


if __name__ == "__main__":
    main()
