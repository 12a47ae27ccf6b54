"""How often each rule of the coach is right, and how much it finds, in each language.

    python tests/benchmarks/bench_coach.py [--misses]

Looks at the invented lessons of `tests/data/coach` as the chat does: sorted into fields, then read by the
coach. `--misses` lists the mistakes of the tuned half; those of the half held out are only counted. Prints
the table of `docs/coach.md`.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import sqrt
from pathlib import Path

from km365.core.coach import Rule
from km365.core.sorting import sorted_fields
from km365.documents.coach import CoachWords
from km365.documents.questions import Banks
from km365.templates import Templates

DATA = Path(__file__).parent.parent / "data" / "coach"
LANGUAGES = ("en", "fr", "es", "ar")
BANKS, WORDS = Banks(Templates()), CoachWords.read(Templates())


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A lesson as it was sent, and what is the matter with it."""

    language: str
    text: str
    labels: frozenset[Rule]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How often a rule spoke rightly, how often it spoke, and how often it should have."""

    right: int
    spoke: int
    wanted: int


def labelled(half: str) -> Iterator[Labelled]:
    """The lessons of one half, `tuned` or `held_out`, in every language."""
    for language in LANGUAGES:
        for line in (DATA / f"{language}.{half}.jsonl").read_text("utf-8").splitlines():
            one = json.loads(line)
            labels = frozenset(map(Rule, one["labels"]))
            yield Labelled(language=language, text=one["text"], labels=labels)


def found(one: Labelled) -> frozenset[Rule]:
    """What the coach finds in it."""
    fields = sorted_fields(one.text, BANKS.get("lesson", one.language))
    return frozenset(one.rule for one in WORDS.coach.findings(fields, language=one.language))


@cache
def measured(half: str) -> dict[tuple[str, Rule], Measured]:
    """By language and rule; the language "all" is the four together."""
    right: Counter[tuple[str, Rule]] = Counter()
    spoke, wanted = right.copy(), right.copy()
    for one in labelled(half):
        said = found(one)
        for language in (one.language, "all"):
            right.update((language, rule) for rule in said & one.labels)
            spoke.update((language, rule) for rule in said)
            wanted.update((language, rule) for rule in one.labels)
    return {
        (language, rule): Measured(
            right=right[language, rule], spoke=spoke[language, rule], wanted=wanted[language, rule]
        )
        for language in (*LANGUAGES, "all")
        for rule in Rule
    }


def share(part: int, whole: int) -> str:
    """A share, with the bounds of Wilson between which it lies 95 times of 100."""
    if not whole:
        return "-"
    z, p = 1.96, part / whole
    middle = (p + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z * sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole)) / (1 + z * z / whole)
    return f"{p:.2f} ({max(0.0, middle - half):.2f}-{min(1.0, middle + half):.2f})"


def table() -> list[str]:
    """Precision and recall of each rule in both halves, as the lines of a Markdown table."""
    halves = "tuned", "held_out"
    head = [
        "rule",
        "language",
        *(f"{half.replace('_', ' ')}: labelled | precision | recall" for half in halves),
    ]
    lines = [f"| {' | '.join(head)} |", "| --- " * 8 + "|"]
    for rule in Rule:
        for language in (*LANGUAGES, "all"):
            cells = [str(rule), language]
            for half in halves:
                m = measured(half)[language, rule]
                cells += [str(m.wanted), share(m.right, m.spoke), share(m.right, m.wanted)]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def _misses() -> Iterator[str]:
    for one in labelled("tuned"):
        said = found(one)
        if said != one.labels:
            wrong, missed = sorted(said - one.labels), sorted(one.labels - said)
            yield f"{one.language} wrong: {', '.join(wrong)} missed: {', '.join(missed)}\n  {one.text}"


if __name__ == "__main__":
    sys.stdout.write("\n".join([*table(), ""]))
    if "--misses" in sys.argv:
        sys.stdout.write("\n".join([*_misses(), ""]))
