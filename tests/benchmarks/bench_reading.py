"""CPU of taking the text out of documents: our readers against markitdown, on the same generated files.

    python tests/benchmarks/bench_reading.py [documents a kind] [rounds] [--peer PYTHON]

Makes documents of 10 to 60 pages of known words (docx, pptx, xlsx, pdf), reads each in this process, then with
markitdown in an environment of its own, and prints CPU milliseconds a document, the ratio and the share of the
known words that came out (recall). PYTHON is the interpreter of that environment; KM365_BENCH_MARKITDOWN does the
same. It is made with

    python -m venv /tmp/peer && /tmp/peer/bin/pip install "markitdown[docx,pptx,xlsx,pdf]"

Without it the peer's columns are left out, and why is said. Only ratios inside one run mean something.
"""

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
import pptx
from fpdf import FPDF

from km365.documents import reading

GOALS = {"docx": 100, "pptx": 30, "xlsx": 60, "pdf": 60}
"""How many times less CPU than markitdown (goal F1); recall is to be 0.995 at least."""

LEAST_RECALL = 0.995
_WORD = re.compile(r"[^\W\d_]{2,}")
_SYLLABLES = "ba ce di fo gu ka le mi no pu ra se ti vo zu bel dor fan gil hun kes lor mat nel".split()

PEER = """
import json, sys, time
from markitdown import MarkItDown
md = MarkItDown()
out = []
paths = json.load(sys.stdin)
for kind in {p.rsplit(".", 1)[1]: p for p in paths}.values():
    md.convert(kind)  # what is loaded at first use is not counted
for path in paths:
    start = time.process_time()
    text = md.convert(path).text_content
    out.append((path, time.process_time() - start, text))
json.dump(out, sys.stdout)
"""


class Words:
    """A seeded source of made-up words that remembers what it gave."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._known = ["".join(self._random.choices(_SYLLABLES, k=3)) for _ in range(4000)]
        self.given: set[str] = set()

    def some(self, count: int) -> str:
        chosen = self._random.choices(self._known, k=count)
        self.given.update(chosen)
        return " ".join(chosen)

    def pages(self) -> int:
        return self._random.randint(10, 60)

    def sentences(self, count: int) -> str:
        return " ".join(f"{self.some(12).capitalize()}." for _ in range(count))


def make_docx(path: Path, words: Words) -> None:
    document = docx.Document()
    document.add_paragraph(words.some(6), style="Title")
    for page in range(words.pages()):
        document.add_heading(words.some(5), level=1 + page % 3)
        for _ in range(5):
            document.add_paragraph(words.sentences(6))
        if page % 4 == 0:
            table = document.add_table(rows=6, cols=4)
            for row in table.rows:
                for cell in row.cells:
                    cell.text = words.some(3)
    document.save(str(path))


def make_pptx(path: Path, words: Words) -> None:
    deck = pptx.Presentation()
    for page in range(words.pages()):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = words.some(5)
        slide.placeholders[1].text = "\n".join(words.some(10) for _ in range(6))
        slide.notes_slide.notes_text_frame.text = words.sentences(3)
        if page % 5 == 0:
            inch = 914_400
            table = slide.shapes.add_table(4, 3, inch, inch, 6 * inch, 2 * inch).table
            for row in table.rows:
                for cell in row.cells:
                    cell.text = words.some(2)
    deck.save(str(path))


def make_xlsx(path: Path, words: Words) -> None:
    book = openpyxl.Workbook()
    for sheet in range(3):
        page = book.active if sheet == 0 else book.create_sheet()
        page.title = words.some(2)
        for row in range(words.pages() * 15):
            page.append([words.some(2), words.some(6), row, row * 1.5, words.some(1), row % 7])
    book.save(str(path))


def make_pdf(path: Path, words: Words) -> None:
    document = FPDF()
    for page in range(1, words.pages() + 1):
        document.add_page()
        document.set_font("helvetica", style="B", size=16)
        document.multi_cell(0, 9, words.some(5), new_x="LMARGIN", new_y="NEXT")
        document.set_font("helvetica", size=10)
        for _ in range(6):
            document.multi_cell(0, 5, words.sentences(6), new_x="LMARGIN", new_y="NEXT")
            document.ln(3)
        document.cell(0, 5, str(page))
    document.output(str(path))


MAKERS: dict[str, Callable[[Path, Words], None]] = {
    "docx": make_docx,
    "pptx": make_pptx,
    "xlsx": make_xlsx,
    "pdf": make_pdf,
}


def make(folder: Path, count: int) -> dict[Path, set[str]]:
    """`count` documents of each kind and the words in them, the same for the same count."""
    made = {}
    for seed, kind in enumerate(MAKERS):
        for number in range(count):
            words = Words(1000 * seed + number)
            path = folder / f"{kind}-{number}.{kind}"
            MAKERS[kind](path, words)
            made[path] = {word.lower() for word in words.given}
    return made


def recall(known: set[str], text: str) -> float:
    return len(known & {word.lower() for word in _WORD.findall(text)}) / len(known)


def ours(path: Path) -> tuple[float, str]:
    """CPU seconds and text of one reading."""
    data = path.read_bytes()
    start = time.process_time()
    passages = reading.read(path.name, data)
    return time.process_time() - start, "\n".join(passage.text for passage in passages)


def theirs(python: str, paths: list[Path]) -> dict[Path, tuple[float, str]]:
    done = subprocess.run(
        [python, "-c", PEER],
        input=json.dumps([str(path) for path in paths]),
        capture_output=True,
        text=True,
        check=True,
    )
    return {Path(path): (cpu_s, text) for path, cpu_s, text in json.loads(done.stdout)}


def measure(count: int, rounds: int, peer: str | None) -> bool:
    """Prints the table; True where every goal that could be measured is met."""
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder), count)
        for path in made:
            ours(path)  # what is loaded at first use is not counted
        mine = {path: [ours(path) for _ in range(rounds)] for path in made}
        other = theirs(peer, list(made)) if peer else {}
    met = True
    print(
        f"{'kind':5}{'pages':>7}{'ms':>9}{'recall':>9}{'markitdown ms':>15}{'recall':>9}{'ratio':>8}{'goal':>7}"
    )
    for kind, goal in GOALS.items():
        paths = [path for path in made if path.suffix == f".{kind}"]
        ms = statistics.median(1000 * cpu for path in paths for cpu, _ in mine[path])
        mean = statistics.mean(statistics.median(cpu for cpu, _ in mine[path]) for path in paths)
        share = min(recall(made[path], mine[path][0][1]) for path in paths)
        met = met and share >= LEAST_RECALL
        row = f"{kind:5}{'10-60':>7}{ms:9.1f}{share:9.4f}"
        if other:
            slow = statistics.mean(other[path][0] for path in paths)
            met = met and slow / mean >= goal
            row += f"{1000 * statistics.median(other[path][0] for path in paths):15.0f}"
            row += f"{min(recall(made[path], other[path][1]) for path in paths):9.4f}"
            row += f"{slow / mean:8.0f}{goal:6}x"
        print(row)
    return met


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("documents", type=int, nargs="?", default=5)
    ask.add_argument("rounds", type=int, nargs="?", default=5)
    ask.add_argument("--peer", default=os.environ.get("KM365_BENCH_MARKITDOWN"))
    said = ask.parse_args()
    if not said.peer:
        print("markitdown is left out: --peer names no Python that has it (see --help).")
    sys.exit(0 if measure(said.documents, said.rounds, said.peer) else 1)


if __name__ == "__main__":
    main()
