"""How much of what must not be kept is recognised, and how much of the work itself is mistaken for it.

    python tests/benchmarks/bench_keep_out.py [--misses]

Counts the invented sentences of `tests/data/keep_out` in each language: those the words were extended by, and
those held back, which nobody looked at while extending them. Prints the table of `docs/security.md`.
"""

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from km365.core.keepout import KeepOut, keep_out
from km365.core.languages import LANGUAGES
from km365.documents.messages import Catalogue
from km365.templates import Templates

DATA = Path(__file__).parent.parent / "data" / "keep_out"
WORDS = Catalogue(Templates()).keep_out


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A sentence and why it must not be kept; None where it is the programme's own subject."""

    language: str
    text: str
    kind: KeepOut | None
    held: bool


def labelled() -> Iterator[Labelled]:
    """Every sentence of every language."""
    for language in LANGUAGES:
        file = tomllib.loads((DATA / f"{language}.toml").read_text("utf-8"))
        for held, lists in ((False, file), (True, file["held"])):
            for name in ("kept", *KeepOut):
                kind = None if name == "kept" else KeepOut(name)
                for text in lists[name]:
                    yield Labelled(language=language, text=text, kind=kind, held=held)


def table() -> list[str]:
    """Precision and recall for each language, as the lines of a Markdown table."""
    found = [(one, keep_out(one.text, WORDS)) for one in labelled()]
    lines = ["| language | sentences | precision | recall | held back | precision | recall |"]
    lines.append("| --- " * 7 + "|")
    for language in LANGUAGES:
        cells = [language]
        for held in (False, True):
            here = [(one.kind, said) for one, said in found if (one.language, one.held) == (language, held)]
            right = sum(1 for kind, said in here if kind and said)
            flagged = sum(1 for _, said in here if said)
            wanted = sum(1 for kind, _ in here if kind)
            cells += [str(len(here)), f"{right / max(flagged, 1):.2f}", f"{right / wanted:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    sys.stdout.write("\n".join([*table(), ""]))
    if "--misses" in sys.argv:
        for one in labelled():
            said = keep_out(one.text, WORDS)
            if said is not one.kind:
                held = "held back" if one.held else "known"
                sys.stdout.write(f"{one.language}, {held}, {one.kind} taken for {said}: {one.text}\n")
