"""What the product makes of judged documents: a focal point who keeps, refuses and adds as the indexers did.

    .venv/bin/python tests/benchmarks/bench_learning.py ../shared/tagging/worldbank

Suggests by the words for documents of TRAIN, has the indexers' terms decide, learns from that and suggests
for others of DEV; prints how many suggestions there are for a document, how many of them are right, how many
of the right ones are found, and for those with a score of 0.9 and more what it promised and what was right.
"""

import gzip
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from km365.core import examples
from km365.core.passages import Passage
from km365.core.tagging import from_text
from km365.core.taxonomy import Rule, Taxonomy
from km365.services.taxonomy_files import read_vocabulary
from km365.suggest import judged
from km365.suggest.chooser import Chooser
from km365.suggest.judged import Judgement
from km365.suggest.vocabulary import Vocabulary

HELD_BACK = 250
JUDGED = (12, 25, 50, 100, 400)
Documents = list[tuple[list[Passage], frozenset[str]]]


def read(file: Path, most: int) -> Documents:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [one for one in map(json.loads, lines) if one.get("gold")]
    random.Random(3).shuffle(rows)
    return [(from_text(one["text"]), frozenset(one["gold"])) for one in rows[:most]]


def judge(words: Vocabulary, documents: Documents) -> list[Judgement]:
    found = []
    for passages, gold in documents:
        said = {one.concept_id for one in words.suggest(passages)}
        counted = examples.commonest(examples.counted(passages))
        found.append(Judgement(words=counted, kept=said & gold, missed=gold - said, refused=said - gold))
    return found


def measure(name: str, chooser: Chooser, documents: Documents) -> None:
    told: list[tuple[float, bool]] = []
    for passages, gold in documents:
        told += [(one.score, one.concept_id in gold) for one in chooser.suggest(passages)]
    right, there = sum(one for _, one in told), sum(len(gold) for _, gold in documents)
    sure = [one for one in told if one[0] >= 0.9]
    promised = sum(score for score, _ in sure) / max(1, len(sure))
    kept = sum(one for _, one in sure) / max(1, len(sure))
    sys.stdout.write(
        f"{name:>6}  {len(told) / len(documents):.2f} a document  right {right / max(1, len(told)):.2f}  "
        f"found {right / there:.3f}  above 0.9: {len(sure)}, promised {promised:.2f}, right {kept:.2f}\n"
    )


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0])
    terms = replace(read_vocabulary(folder / "vocab.json.gz"), rule=Rule(at_most=5))
    words = Vocabulary(Taxonomy(term_sets=(terms,)))
    held_back = read(folder / "dev.jsonl.gz", HELD_BACK)
    lessons = judge(words, read(folder / "train.jsonl.gz", max(JUDGED)))
    measure("words", Chooser(words), held_back)
    for count in JUDGED:
        measure(str(count), Chooser(words, judged.trained(lessons[:count])), held_back)


if __name__ == "__main__":
    main(sys.argv[1:])
