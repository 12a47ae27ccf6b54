"""What the product makes of judged documents: a focal point who keeps, refuses and adds as the indexers did.

    .venv/bin/python tests/benchmarks/bench_learning.py ../shared/tagging/worldbank

Suggests by the words for documents of TRAIN, has the indexers' terms decide, learns from that and suggests
for others of DEV; prints how many suggestions there are for a document, how many of them are right, how many
of the right ones are found, what the scores promised and what was right for all of them and for those of 0.9
and more, and the CPU time of learning and of a suggestion.
"""

import gzip
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from km365.core.passages import Passage
from km365.core.tagging import Suggests, from_text
from km365.core.taxonomy import Rule, Taxonomy
from km365.services.learnt import suggester
from km365.services.taxonomy_files import read_vocabulary
from km365.suggest.judged import Judged, Training
from km365.suggest.vocabulary import Vocabulary

HELD_BACK = 250
JUDGED = (12, 25, 50, 100, 400)
Documents = list[tuple[list[Passage], frozenset[str]]]


def read(file: Path, most: int) -> Documents:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [one for one in map(json.loads, lines) if one.get("gold")]
    random.Random(3).shuffle(rows)
    return [(from_text(one["text"]), frozenset(one["gold"])) for one in rows[:most]]


def trained(words: Vocabulary, documents: Documents, cache: Path) -> Judged:
    """What is learnt where the indexers decide about what the words suggest."""
    training = Training(words, suggester(words, cache), len(documents))
    for passages, gold in documents:
        said = {one.concept_id for one in words.suggest(passages)}
        training.add(passages, kept=said & gold, missed=gold - said, refused=said - gold)
    made = training.finish()
    assert made is not None
    return made


def measure(name: str, chooser: Suggests, documents: Documents, cpu_s: float) -> None:
    told: list[tuple[float, bool]] = []
    began = time.process_time()
    for passages, gold in documents:
        told += [(one.score, one.concept_id in gold) for one in chooser.suggest(passages)]
    each_ms = (time.process_time() - began) / len(documents) * 1000
    right, there = sum(one for _, one in told), sum(len(gold) for _, gold in documents)
    sure = [one for one in told if one[0] >= 0.9]
    sys.stdout.write(
        f"{name:>6}  {len(told) / len(documents):.2f} a document  right {share(told)}  "
        f"found {right / there:.3f}  above 0.9: {len(sure)}, right {share(sure)}  "
        f"learnt in {cpu_s:.1f} s, {each_ms:.0f} ms a document\n"
    )


def share(told: Sequence[tuple[float, bool]]) -> str:
    """How many were right, and how many were promised."""
    right = sum(one for _, one in told) / max(1, len(told))
    return f"{right:.2f} (promised {sum(score for score, _ in told) / max(1, len(told)):.2f})"


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0])
    terms = replace(read_vocabulary(folder / "vocab.json.gz"), rule=Rule(at_most=5))
    words = Vocabulary(Taxonomy(term_sets=(terms,)))
    held_back = read(folder / "dev.jsonl.gz", HELD_BACK)
    lessons = read(folder / "train.jsonl.gz", max(JUDGED))
    measure("words", words, held_back, 0)
    with TemporaryDirectory() as cache:
        for count in JUDGED:
            began = time.process_time()
            learnt = trained(words, lessons[:count], Path(cache))
            measure(str(count), learnt, held_back, time.process_time() - began)


if __name__ == "__main__":
    main(sys.argv[1:])
