"""CPU of a document from its bytes to its terms: extract, match, suggest (goal F2: 28 ms on the mix).

    python tests/benchmarks/bench_pipeline.py [documents a kind] [rounds] [--labels 40000]

Makes Word, PDF, PowerPoint and Excel files of 10 to 60 pages, a third of their words little ones and one
in eight a label, and suggests terms of the shipped term sets and of one more with so many made-up labels. The
mix is 40/40/10/10. Printed are CPU milliseconds a document, median of the rounds after one that is not
counted: for reading alone, and for all with the words of the term sets (`Vocabulary`) and with every feature
of the lexical part (`candidates`).
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench_matching import LITTLE, made_up
from bench_reading import MAKERS, Words

from km365.core.passages import Passage
from km365.core.taxonomy import Concept, Taxonomy, TermSet
from km365.documents import reading
from km365.services.taxonomy import shipped
from km365.suggest.lexical import candidates, score
from km365.suggest.matching import Matcher
from km365.suggest.texts import Text
from km365.suggest.vocabulary import Vocabulary
from km365.templates import Templates

MIX = {"docx": 0.4, "pdf": 0.4, "pptx": 0.1, "xlsx": 0.1}
GOAL_MS = 28


class Reports(Words):
    """Made-up words with little words between them and the labels of a taxonomy among them."""

    def __init__(self, seed: int, labels: Sequence[str]) -> None:
        super().__init__(seed)
        self._chance = random.Random(seed)
        self._labels = labels

    def some(self, count: int) -> str:
        said: list[str] = []
        while len(said) < count:
            kind = self._chance.random()
            if kind < 0.06:
                said += self._chance.choice(self._labels).split()
            elif kind < 0.4:
                said.append(self._chance.choice(LITTLE))
            else:
                said.append(super().some(1))
        return " ".join(said)


def taxonomy(labels: Sequence[str]) -> Taxonomy:
    concepts = tuple(Concept(id=f"made/{n}", labels={"en": label}) for n, label in enumerate(labels))
    made = TermSet(key="made", names={}, concepts=concepts)
    return Taxonomy(term_sets=(*shipped(Templates()).term_sets, made))


def milliseconds(files: Sequence[Path], act: Callable[[Path], object], rounds: int) -> float:
    """CPU milliseconds a file."""
    took = []
    for file in files:
        act(file)
        times = []
        for _ in range(rounds):
            begun = time.process_time()
            act(file)
            times.append(time.process_time() - begun)
        took.append(statistics.median(times))
    return 1000 * statistics.mean(took)


def read(path: Path) -> list[Passage]:
    return reading.read(path.name, path.read_bytes())


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("documents", type=int, nargs="?", default=5)
    ask.add_argument("rounds", type=int, nargs="?", default=5)
    ask.add_argument("--labels", type=int, default=40_000)
    said = ask.parse_args()
    labels, _ = made_up(said.labels, 0)
    known = taxonomy(labels)
    vocabulary = Vocabulary(known)
    matcher = Matcher(vocabulary.index)
    own = [concept.label() for concept in shipped(Templates()) if concept.label().isascii()]
    written = [*own, *labels[:2000]]

    def with_features(path: Path) -> list[float]:
        found = candidates(matcher, Text(matcher, read(path)))
        return sorted(map(score, found.values()))[-10:]

    ways: dict[str, Callable[[Path], object]] = {
        "reading": read,
        "to terms": lambda path: vocabulary.suggest(read(path)),
        "to features": with_features,
    }
    say = sys.stdout.write
    say(f"{'kind':5}{'documents':>10}" + "".join(f"{name:>13}" for name in ways) + "   CPU ms a document\n")
    mix = dict.fromkeys(ways, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        for kind, share in MIX.items():
            files = [Path(folder) / f"{kind}-{number}.{kind}" for number in range(said.documents)]
            for number, file in enumerate(files):
                MAKERS[kind](file, Reports(number, written))
            times = {name: milliseconds(files, act, said.rounds) for name, act in ways.items()}
            for name, ms in times.items():
                mix[name] += share * ms
            say(f"{kind:5}{len(files):>10}" + "".join(f"{ms:13.1f}" for ms in times.values()) + "\n")
    say(f"{'mix':15}" + "".join(f"{ms:13.1f}" for ms in mix.values()) + f"   (goal F2: {GOAL_MS})\n")


if __name__ == "__main__":
    main()
