"""How often each rule of the coach is right, and how much it finds, in each language.

    python tests/benchmarks/bench_coach.py [--held-out] [--misses]

Looks at the invented lessons of `tests/data/coach` as the chat does: sorted into fields, then read by the coach.
`--held-out` measures the half that nobody looks at while writing rules; `--misses` lists the mistakes of the
other half, and of that one never. Both tables stand in `docs/coach.md`.
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
from km365.core.knowledge import WRITTEN_FIELDS
from km365.core.sorting import sort
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
    bank = BANKS.get("lesson", one.language)
    told = sort(one.text, bank)
    fields = {
        target.removeprefix("knowledge."): told[question.id]
        for question in bank.questions
        for target in question.becomes
        if question.id in told
    }
    assert fields.keys() <= set(WRITTEN_FIELDS)
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


def table(half: str) -> list[str]:
    """Precision and recall of each rule, as the lines of a Markdown table."""
    lines = ["| rule | language | labelled | precision | recall |", "| --- | --- | --- | --- | --- |"]
    for (language, rule), m in sorted(measured(half).items(), key=lambda one: list(Rule).index(one[0][1])):
        cells = (rule, language, str(m.wanted), share(m.right, m.spoke), share(m.right, m.wanted))
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _misses() -> Iterator[str]:
    for one in labelled("tuned"):
        said = found(one)
        if said != one.labels:
            wrong, missed = sorted(said - one.labels), sorted(one.labels - said)
            yield f"{one.language} wrong: {', '.join(wrong)} missed: {', '.join(missed)}\n  {one.text}"


if __name__ == "__main__":
    sys.stdout.write("\n".join([*table("held_out" if "--held-out" in sys.argv else "tuned"), ""]))
    if "--misses" in sys.argv:
        sys.stdout.write("\n".join([*_misses(), ""]))
