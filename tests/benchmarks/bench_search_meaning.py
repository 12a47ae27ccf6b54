"""How well questions find what answers them, by words alone and with meaning, on the demonstration's items.

    python tests/benchmarks/bench_search_meaning.py

Sixty questions in four languages (tests/data/search/questions.jsonl), each with the items that answer it.
Printed are, by language of the question, how many of those are among the first five (recall@5) and one over
the place of the first (MRR), for words, for meaning alone, and for both as the search puts them in order.
"""

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from statistics import mean

from km365.core.search import Ranked, rank, words_of
from km365.core.search_entries import Entry, Indexed, sentences_of
from km365.core.search_meaning import Vectors, fused, near, packed
from km365.core.search_question import Concepts, Filters
from km365.local.seed import lessons
from km365.services import taxonomy
from km365.services.learnt import model_of_all_languages
from km365.store import search as store
from km365.store.database import Database
from km365.store.search import Source
from km365.templates import Templates

QUESTIONS = Path(__file__).parents[1] / "data" / "search" / "questions.jsonl"
SAID = (
    "description",
    "context",
    "approach",
    "cause",
    "results",
    "evidence",
    "advice",
    "limits",
    "next_steps",
)
SHOWN = 5
LONGEST = 2_000

Order = Callable[[str], Sequence[int]]


def main() -> None:
    items = [one for one in lessons() if one.get("maturity", "published") in {"published", "validated"}]
    items = [one for one in items if one.get("audience", "U") == "U"]
    texts = [
        [one["title"], *(said for name in SAID for said in sentences_of(one.get(name, "")))] for one in items
    ]
    encoder, concepts = model_of_all_languages(), Concepts(taxonomy.shipped(Templates()))
    assert encoder is not None, "it comes with the installation"
    vectors = encoder.encode(["\n".join(said)[:LONGEST] for said in texts])
    rows = Vectors.of(range(1, len(items) + 1), b"".join(map(packed, vectors)), encoder.size)
    with tempfile.TemporaryDirectory() as folder:
        db = Database.open(Path(folder) / "km365.sqlite")
        with db.begin() as c:
            store.put_source(c, Source(container="list", site="s", office="", name="Knowledge", shelf=""))
            store.put(c, [Indexed.of(_entry(one), said[1:]) for one, said in zip(items, texts, strict=True)])

        def by_words(question: str) -> list[int]:
            return [number for number, _ in _ranked(db, concepts, question).best]

        def by_meaning(question: str) -> list[int]:
            cosines = rows.cosines(encoder.encode([question])[0])
            return sorted(cosines, key=lambda number: -cosines[number])

        def by_both(question: str) -> list[int]:
            ranked = _ranked(db, concepts, question)
            cosines = rows.cosines(encoder.encode([question])[0])
            return [number for number, _ in fused(ranked, cosines, near(cosines)).best]

        number_of = {one["key"]: at for at, one in enumerate(items, start=1)}
        lines = ["| order | language | recall@5 | MRR |", "| --- | --- | --- | --- |"]
        for name, order in (("words", by_words), ("meaning alone", by_meaning), ("both", by_both)):
            lines += measured(name, order, number_of)
        db.close()
    sys.stdout.write("\n".join(lines) + "\n")


def measured(name: str, order: Order, number_of: dict[str, int]) -> list[str]:
    """A row for each language, and one for all."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for line in QUESTIONS.read_text(encoding="utf-8").splitlines():
        asked = json.loads(line)
        wanted = {number_of[key] for key in asked["items"]}
        got = list(order(asked["question"]))
        first = next((1 / place for place, one in enumerate(got, start=1) if one in wanted), 0.0)
        one = len(wanted.intersection(got[:SHOWN])) / min(SHOWN, len(wanted)), first
        found[asked["language"]].append(one)
        found["all"].append(one)
    return [
        f"| {name} | {language} | {mean(one for one, _ in some):.2f} | {mean(one for _, one in some):.2f} |"
        for language, some in sorted(found.items(), key=lambda both: (both[0] == "all", both[0]))
    ]


def _ranked(db: Database, concepts: Concepts, question: str) -> Ranked:
    parts = concepts.parts(question)
    with db.begin() as c:
        rows = store.look_up(c, words_of(parts, Filters(), str), [""])
    return rank(rows, parts, Filters())


def _entry(item: dict[str, str]) -> Entry:
    return Entry(
        container="list",
        item_id=item["key"],
        shelf="",
        kind=item["kind"],
        office=item["office"],
        language=item["language"],
        title=item["title"],
        web_url="",
        day=date(2026, 11, 22),
        mark="1",
    )


if __name__ == "__main__":
    main()
