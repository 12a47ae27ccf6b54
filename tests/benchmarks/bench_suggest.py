"""CPU and memory of `km365 tag predict` with a made-up vocabulary of 40,000 terms in seven languages.

    python tests/benchmarks/bench_suggest.py [--terms 40000] [--documents 50] [--examples 50 1000]

Each line is a process of its own: the first run, which makes the caches; one document with them there;
many documents, by words only and with meaning; learning from examples. Printed are CPU seconds, the most
memory in MB, CPU milliseconds for each document more, and the CPU as a multiple of a bare numpy and hashlib
loop measured in the same run. Reading of files is measured by bench_pipeline.py.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

LANGUAGES = ("en", "fr", "es", "pt", "ar", "ru", "zh")
SYLLABLES = ["ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "zo"]


def bare() -> float:
    """CPU seconds of a loop that uses nothing of ours."""
    begun = time.process_time()
    rows = np.ones((512, 512), dtype=np.float32)
    for _ in range(200):
        rows = rows @ rows / 512
        hashlib.sha256(rows.tobytes()).digest()
    return time.process_time() - begun


def word(chance: random.Random) -> str:
    return "".join(chance.choice(SYLLABLES) for _ in range(chance.randint(2, 4)))


def make(folder: Path, terms: int, documents: int, examples: Sequence[int]) -> None:
    chance = random.Random(7)
    words = [word(chance) for _ in range(20_000)]
    labels = [" ".join(chance.choices(words, k=chance.randint(1, 3))) for _ in range(terms)]
    concepts = [
        {"id": f"t{n}", "prefLabel": {tag: f"{label} {tag}" if tag != "en" else label for tag in LANGUAGES}}
        for n, label in enumerate(labels)
    ]
    (folder / "vocabulary.json").write_text(json.dumps({"concepts": concepts}), encoding="utf-8")
    sizes = {"one": 1, "many": documents, **{f"train{n}": n for n in examples}}
    for name, count in sizes.items():
        with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            for number in range(count):
                chosen = chance.sample(range(min(terms, 500)), 3)
                text = " ".join([*chance.choices(words, k=120), *(labels[one] for one in chosen)])
                gold = [f"t{one}" for one in chosen]
                line = {"id": f"{name}{number}", "text": text, "lang": "en", "gold": gold}
                file.write(json.dumps(line) + "\n")


def run(folder: Path, documents: str, *more: str) -> tuple[float, float]:
    """CPU seconds and MB of a process (and those it starts)."""
    command = [sys.executable, "-m", "km365", "tag", "predict", "--vocabulary", "vocabulary.json"]
    command += ["--documents", f"{documents}.jsonl", "--output", "found.jsonl", *more]
    environment = {**os.environ, "KM365_HOME": str(folder / "home"), "OPENBLAS_NUM_THREADS": "1"}
    child = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}.")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--terms", type=int, default=40_000)
    ask.add_argument("--documents", type=int, default=50)
    ask.add_argument("--examples", type=int, nargs="*", default=[50, 1000])
    said = ask.parse_args()
    unit = min(bare() for _ in range(3))
    say = sys.stdout.write
    say(f"{'':34}{'CPU s':>8}{'MB':>7}{'ms/document':>13}{'bare loops':>12}\n")

    def line(name: str, cpu: float, mb: float, each_ms: float | None = None) -> None:
        each = "" if each_ms is None else f"{each_ms:.1f}"
        say(f"{name:34}{cpu:8.2f}{mb:7.0f}{each:>13}{cpu / unit:12.1f}\n")

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, said.terms, said.documents, said.examples)
        line("first run, one document", *run(folder, "one"))
        run(folder, "many")  # the labels that these documents need
        for how, more in (("words", ["--words-only"]), ("words and meaning", [])):
            first, mb = run(folder, "one", *more)
            line(f"one document, {how}", first, mb)
            cpu, mb = run(folder, "many", *more)
            each = 1000 * (cpu - first) / max(1, said.documents - 1)
            line(f"{said.documents} documents, {how}", cpu, mb, each)
        for count in said.examples:
            cpu, mb = run(folder, "one", "--train", f"train{count}.jsonl")
            line(f"learning from {count}, one document", cpu, mb)
    say(f"A bare loop took {unit:.2f} s of CPU.\n")


if __name__ == "__main__":
    main()
