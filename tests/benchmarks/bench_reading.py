"""CPU of taking the text out of documents: our readers against markitdown, on the same generated files.

    python tests/benchmarks/bench_reading.py [documents a kind] [rounds] [--peer PYTHON]

Makes documents of 10 to 60 pages of known words (docx, pptx, xlsx, pdf), reads each with our reader and with
markitdown in an environment of its own, turn by turn, and prints CPU milliseconds a document, the ratio and
the share of the known words that came out (recall). PYTHON is the interpreter of that environment, or
KM365_BENCH_MARKITDOWN names it. It is made with

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
from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
import pptx
from fpdf import FPDF

GOALS = {"docx": 100, "pptx": 30, "xlsx": 60, "pdf": 60}
"""How many times less CPU than markitdown (goal F1); recall is to be 0.995 at least."""

LEAST_RECALL = 0.995
_WORD = re.compile(r"[^\W\d_]{2,}")
_SYLLABLES = [
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "ka",
    "le",
    "mi",
    "no",
    "pu",
    "ra",
    "se",
    "bel",
    "dor",
    "fan",
    "gil",
    "hun",
    "kes",
]

OURS = """
import gc
from km365.documents import reading
gc.freeze()  # as the reading process does
def convert(path):
    with open(path, "rb") as opened:
        return "\\n".join(one.text for one in reading.read(path, opened.read()))
"""
THEIRS = """
from markitdown import MarkItDown
md = MarkItDown()
def convert(path):
    return md.convert(path).text_content
"""
LOOP = """
import json, sys, time
for line in sys.stdin:
    start = time.process_time()
    text = convert(line.strip())
    print(json.dumps([time.process_time() - start, text]), flush=True)
"""
"""Each reader in a process of its own takes the names of files and tells CPU seconds and text."""


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
            paragraph = document.add_paragraph(words.sentences(3))
            paragraph.add_run(f" {words.some(3)}").bold = True
            paragraph.add_run(f" {words.sentences(2)}")
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
            page.append([words.some(2), words.some(6), words.some(1), row, *(row * n for n in range(5))])
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


class Reading:
    """A process that reads files with `reader`, one of the programs above."""

    def __init__(self, python: str, reader: str) -> None:
        self._process = subprocess.Popen(
            [python, "-W", "ignore", "-c", reader + LOOP],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def read(self, path: Path) -> tuple[float, str]:
        """CPU seconds and text of one reading."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        cpu_s, text = json.loads(self._process.stdout.readline())
        return cpu_s, text

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def measure(count: int, rounds: int, readings: dict[str, Reading]) -> bool:
    """Prints the table; True where every goal that could be measured is met."""
    met = True
    say(f"{'kind':8}{'who':12}{'ms':>9}{'recall':>9}{'ratio':>8}{'goal':>7}")
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder), count)
        for kind, goal in GOALS.items():
            known = {path: words for path, words in made.items() if path.suffix == f".{kind}"}
            found = compare(known, readings, rounds)
            ours_s, share = found["km365"]
            met = met and share >= LEAST_RECALL
            for who, (cpu_s, their_share) in found.items():
                ratio = f"{cpu_s / ours_s:8.0f}{goal:6}x" if who != "km365" else ""
                met = met and (who == "km365" or cpu_s / ours_s >= goal)
                say(f"{kind:8}{who:12}{1000 * cpu_s:9.1f}{their_share:9.4f}{ratio}")
    return met


def compare(
    known: dict[Path, set[str]], readings: dict[str, Reading], rounds: int
) -> dict[str, tuple[float, float]]:
    """For each reader CPU seconds a document (mean of the medians over the rounds) and the worst recall.

    They take turns at each document. It is read once before, as what is loaded at first use is not counted.
    """
    worst = dict.fromkeys(readings, 1.0)
    times: dict[str, list[float]] = {who: [] for who in readings}
    for path, words in known.items():
        for who, reading in readings.items():
            worst[who] = min(worst[who], recall(words, reading.read(path)[1]))
        turns = [{who: reading.read(path)[0] for who, reading in readings.items()} for _ in range(rounds)]
        for who in readings:
            times[who].append(statistics.median(turn[who] for turn in turns))
    return {who: (statistics.mean(times[who]), worst[who]) for who in readings}


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("documents", type=int, nargs="?", default=5)
    ask.add_argument("rounds", type=int, nargs="?", default=5)
    ask.add_argument("--peer", default=os.environ.get("KM365_BENCH_MARKITDOWN"))
    said = ask.parse_args()
    readings = {"km365": Reading(sys.executable, OURS)}
    if said.peer:
        readings["markitdown"] = Reading(said.peer, THEIRS)
    else:
        say("markitdown is left out: --peer names no Python that has it (see --help).")
    try:
        met = measure(said.documents, said.rounds, readings)
    finally:
        for reading in readings.values():
            reading.close()
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
