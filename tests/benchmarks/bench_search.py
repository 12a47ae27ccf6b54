"""How fast a question is answered from the search index, beside SQLite's own FTS5 on the same texts.

    python tests/benchmarks/bench_search.py [--entries 20000] [--questions 200] [--rounds 3]
    python tests/benchmarks/bench_search.py --meaning [--entries 20000]
    python tests/benchmarks/bench_search.py --follow [--entries 2000]

Entries are made up: 80 words each by Zipf's law, labels of the shipped terms among them, half of them for
everyone, the rest for five offices. Questions are two or three words, every third one a term. Ours looks up
the question in all languages of its terms, ranks, and reads the best five with the sentence that says so,
for one reader; FTS5 gets its best case: the bare words, AND and then OR when fewer than five are found,
bm25, five titles, and no shelves. Figures are CPU time of this process; only the ratio is worth quoting.

With --meaning the vectors nearest to a question's are found among those of two shelves, beside numpy
comparing the same as 32-bit numbers. Vectors are those of the shipped terms' labels by the model, each moved
at random; a question's vector is given.

With --follow knowledge items come from a small Microsoft 365 in the same process: all of them, then one in a
hundred that was changed, then nothing new. CPU of the process that serves is included.
"""

import argparse
import asyncio
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from pathlib import Path

import numpy as np

from km365.app import open_app
from km365.core.audience import Audience
from km365.core.knowledge import KnowledgeItem, Maturity, to_fields
from km365.core.search import best_sentence, in_order, rank, words_of
from km365.core.search_entries import Entry, Indexed
from km365.core.search_meaning import packed
from km365.core.search_question import Concepts, Filters
from km365.core.search_words import Words
from km365.graph import lists
from km365.local import items, sites
from km365.local.server import start_server
from km365.local.state import State as M365State
from km365.services import capture, provision, search_index, taxonomy
from km365.services.learnt import model_of_all_languages
from km365.services.search_meaning import Meaning
from km365.settings import Settings
from km365.store import search as store
from km365.store.database import Database
from km365.store.search import Source, State
from km365.store.tables import search_entry, search_meaning
from km365.suggest.meaning import Encoder, Floats, unit
from km365.templates import Templates

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SHELVES = ("", "co-bel")
SYLLABLES = tuple(f"{a}{b}" for a in "bcdfghklmnprtvz" for b in "aeiou")


def lexicon(chance: random.Random, size: int) -> list[str]:
    """Made-up words, the first the most frequent."""
    found: dict[str, None] = {}
    while len(found) < size:
        found["".join(chance.choice(SYLLABLES) for _ in range(chance.randint(2, 4))) + "m"] = None
    return list(found)


def made_up(count: int, concepts: Concepts) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """Titles with their sentences, and the labels that stand in them."""
    chance = random.Random(365)
    words = lexicon(chance, 30_000)
    weights = list(accumulate(1 / (rank + 5) for rank in range(len(words))))
    labels = [one.label(chance.choice(("en", "fr", "es"))) for one in concepts.taxonomy]
    texts = []
    for number in range(count):
        sentences = []
        for _ in range(6):
            said = chance.choices(words, cum_weights=weights, k=12)
            if chance.random() < 0.25:
                said.insert(4, chance.choice(labels))
            sentences.append(f"{' '.join(said).capitalize()}.")
        texts.append((f"{' '.join(chance.choices(words, cum_weights=weights, k=5))} {number}", sentences))
    return texts, labels


def questions(count: int, texts: Sequence[tuple[str, list[str]]], labels: Sequence[str]) -> list[str]:
    chance = random.Random(7)
    asked = []
    for number in range(count):
        spoken = chance.choice(texts)[1][0].rstrip(".").split()
        own = " ".join(chance.sample(spoken, chance.choice((2, 3))))
        asked.append(chance.choice(labels) if number % 3 == 0 else own)
    return asked


def fill(db: Database, texts: Sequence[tuple[str, list[str]]]) -> float:
    """CPU seconds to index all of it."""
    begun, known = time.process_time(), Words()
    with db.begin() as c:
        store.put_source(c, Source(container="list", site="s", office="", name="Knowledge", shelf=""))
    for first in range(0, len(texts), 200):
        some = [
            Indexed.of(_entry(first + at, title), sentences, known)
            for at, (title, sentences) in enumerate(texts[first : first + 200])
        ]
        with db.begin() as c:
            store.put(c, some)
    return time.process_time() - begun


def _entry(number: int, title: str) -> Entry:
    office = ("CO-BEL", "CO-ARD", "CO-CAS", "RO-EAST", "HQ-KM")[number % 5]
    return Entry(
        container="list",
        item_id=str(number),
        shelf="" if number % 2 else office.lower(),
        kind="lesson learned",
        office=office,
        language="en",
        title=title,
        web_url="https://sharepoint.example/x",
        day=date(2026, 11, 22) - timedelta(days=number % 1500),
        mark="1",
    )


def ours(db: Database, concepts: Concepts) -> Callable[[str], int]:
    def ask(question: str) -> int:
        parts = concepts.parts(question)
        with db.begin() as c:
            rows = store.look_up(c, words_of(parts, Filters(), str), SHELVES)
        ranked = rank(rows, parts, Filters())
        with db.begin() as c:
            entries = store.entries(c, [number for number, _ in ranked.best])
            days = {number: entry.day for number, entry in entries.items()}
            shown = in_order(ranked.best, days, today=NOW.date())[:5]
            texts = store.texts(c, shown)
        known = Words()
        for number in shown:
            best_sentence(texts[number], parts, ranked.weights, known)
        return ranked.total

    return ask


def fts5(path: Path, texts: Sequence[tuple[str, list[str]]]) -> Callable[[str], int]:
    there = sqlite3.connect(path)
    there.execute("CREATE VIRTUAL TABLE f USING fts5(title, body, tokenize='porter unicode61')")
    there.executemany("INSERT INTO f VALUES (?, ?)", ((title, " ".join(said)) for title, said in texts))
    there.commit()
    best = "SELECT rowid, title FROM f WHERE f MATCH ? ORDER BY bm25(f, 3, 1) LIMIT 5"

    def ask(question: str) -> int:
        words = ['"' + word.replace('"', "") + '"' for word in question.split()]
        found = there.execute(best, (" AND ".join(words),)).fetchall()
        if len(found) < 5:
            found = there.execute(best, (" OR ".join(words),)).fetchall()
        return len(found)

    return ask


def times(ask: Callable[[str], int], asked: Sequence[str], rounds: int) -> list[float]:
    """CPU milliseconds of each question, the least of the rounds."""
    least = [float("inf")] * len(asked)
    for _ in range(rounds):
        for at, question in enumerate(asked):
            begun = time.process_time()
            ask(question)
            least[at] = min(least[at], 1000 * (time.process_time() - begun))
    return sorted(least)


def vectors_of(count: int, encoder: Encoder, concepts: Concepts) -> Floats:
    """As many vectors, near those of labels."""
    labels = sorted({label for one in concepts.taxonomy for label in one.labels.values()})
    known = encoder.encode(labels)
    chance = np.random.default_rng(365)
    found = known[chance.integers(0, len(known), count)]
    found = found + chance.normal(0, 0.6 / encoder.size**0.5, (count, encoder.size)).astype(np.float32)
    return unit(found)


async def meaning(count: int, asked: int, rounds: int) -> list[str]:
    """D2: CPU of the nearest ten beside numpy's, and how many of numpy's ten are among them."""
    encoder, concepts = model_of_all_languages(), Concepts(taxonomy.shipped(Templates()))
    assert encoder is not None, "it comes with the installation"
    vectors = vectors_of(count + asked, encoder, concepts)
    rows, questions = vectors[:count], vectors[count:]
    with tempfile.TemporaryDirectory() as folder:
        db = Database.open(Path(folder) / "km365.sqlite")
        with db.begin() as c:
            store.put_source(c, Source(container="list", site="s", office="", name="Knowledge", shelf=""))
            entries = [_entry(number, str(number)) for number in range(count)]
            c.execute(search_entry.insert(), [_row(number, one) for number, one in enumerate(entries, 1)])
            shelved = [
                {"entry_id": number, "shelf": one.shelf, "mark": "1", "vector": packed(vector)}
                for number, (one, vector) in enumerate(zip(entries, rows, strict=True), 1)
            ]
            c.execute(search_meaning.insert(), shelved)
        ours = Meaning(db, encoder)
        begun = time.process_time()
        await ours.cosines(questions[0], SHELVES, ())
        first = time.process_time() - begun
        mine, theirs, shared = [], [], 0
        seen = np.array([one.shelf in SHELVES for one in entries])
        readable, numbers = np.ascontiguousarray(rows[seen]), np.flatnonzero(seen) + 1
        for wanted in questions:
            least = [float("inf")] * 2
            for _ in range(rounds):
                begun = time.process_time()
                found = await ours.cosines(wanted, SHELVES, ())
                best = sorted(found, key=lambda number: -found[number])[:10]
                least[0] = min(least[0], 1000 * (time.process_time() - begun))
                begun = time.process_time()
                scores = readable @ wanted
                np.argpartition(scores, -10)[-10:]
                least[1] = min(least[1], 1000 * (time.process_time() - begun))
            exact = numbers[np.argsort(-(readable @ wanted))[:10]]
            shared += len({*exact.tolist()} & {*best})
            mine.append(least[0])
            theirs.append(least[1])
        db.close()
    ratio = statistics.mean(mine) / statistics.mean(theirs)
    return [
        f"{count:,} vectors of {encoder.size}, {int(seen.sum()):,} to be found; first look {first:.1f} s",
        f"ours: mean {statistics.mean(mine):.1f} ms, p95 {sorted(mine)[int(0.95 * len(mine))]:.1f} ms CPU",
        f"numpy: mean {statistics.mean(theirs):.1f} ms CPU; ratio {ratio:.2f}",
        f"recall@10: {shared / (10 * len(questions)):.3f}",
    ]


def _row(number: int, entry: Entry) -> dict[str, object]:
    """An entry as a row, as the index keeps it."""
    names = ("container", "item_id", "shelf", "kind", "office", "language", "title", "web_url", "day", "mark")
    state = {"id": number, "tags": [], "state": State.THERE, "attempts": 0, "due_at": NOW, "note": None}
    return {name: getattr(entry, name) for name in names} | state


def fill_list(state: M365State, list_id: str, texts: Sequence[tuple[str, list[str]]]) -> list[int]:
    """Published items in the list of the small Microsoft 365; their numbers."""
    with state.tx():
        return [
            int(items.add(state, list_id, _fields(number, *one), by={"application": {}})["id"])
            for number, one in enumerate(texts)
        ]


def _fields(number: int, title: str, said: Sequence[str]) -> dict[str, object]:
    item = KnowledgeItem(
        id=f"KM-{number}",
        title=title,
        description=" ".join(said),
        office="CO-BEL",
        contributors=("ann",),
        language="en",
        audience=Audience.EVERYONE,
        maturity=Maturity.PUBLISHED,
        submitted_at=NOW,
    )
    return {name: value for name, value in to_fields(item).items() if value is not None}


async def follow(count: int) -> list[str]:
    """What building the index from SharePoint takes, and following it by delta."""
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with await start_server(path=home / "m365.sqlite") as m365:
            sites.root(m365.state)
            sites.create(m365.state, "/sites/knowledge", "Knowledge")
            made = Settings(home=home, graph_url=m365.graph_url, office_sites=())
            async with open_app(made) as app:
                await provision.apply(app.graph, made, taxonomy.shipped(app.templates))
                place = await capture.knowledge_list(app.graph, made)
                texts, _ = made_up(count, Concepts(taxonomy.shipped(app.templates)))
                numbers = fill_list(m365.state, place.list_id, texts)
                steps = {"all of it": [], "one in a hundred changed": numbers[::100], "nothing new": []}
                for what, changed in steps.items():
                    for number in changed:
                        fields = {"KMAdvice": "Ask before the rains."}
                        await lists.update_fields(
                            app.graph, place.site_id, place.list_id, str(number), fields
                        )
                    begun, cpu = time.monotonic(), time.process_time()
                    look = await search_index.look(app.graph, app.db, made, now=lambda: datetime.now(UTC))
                    lines.append(
                        f"{what}: {look.items:,} items read in {time.process_time() - cpu:.1f} s CPU "
                        f"({time.monotonic() - begun:.1f} s), of which the small Microsoft 365 has its part"
                    )
    return lines


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--entries", type=int, default=20_000)
    options.add_argument("--questions", type=int, default=200)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--meaning", action="store_true")
    options.add_argument("--follow", action="store_true")
    given = options.parse_args()
    if given.meaning or given.follow:
        work = (
            meaning(given.entries, given.questions, given.rounds) if given.meaning else follow(given.entries)
        )
        sys.stdout.write("\n".join([*asyncio.run(work), f"Python {sys.version.split()[0]}"]) + "\n")
        return
    concepts = Concepts(taxonomy.shipped(Templates()))
    texts, labels = made_up(given.entries, concepts)
    asked = questions(given.questions, texts, labels)
    with tempfile.TemporaryDirectory() as folder:
        db = Database.open(Path(folder) / "km365.sqlite")
        taken = fill(db, texts)
        size = (Path(folder) / "km365.sqlite").stat().st_size / 1e6
        mine = ours(db, concepts)
        theirs = fts5(Path(folder) / "fts5.sqlite", texts)
        found = sum(1 for question in asked if mine(question))
        concepts.parts("warm")
        our, their = times(mine, asked, given.rounds), times(theirs, asked, given.rounds)
        db.close()
    lines = [
        f"{given.entries:,} entries indexed in {taken:.0f} s CPU, {size:.0f} MB",
        f"answered {found} of {len(asked)} questions",
    ]
    for name, some in (("ours", our), ("FTS5", their)):
        mean, p95 = statistics.mean(some), some[int(0.95 * len(some))]
        lines.append(f"{name}: mean {mean:.1f} ms, p95 {p95:.1f} ms, most {some[-1]:.1f} ms CPU")
    lines += [
        f"ratio of the means: {statistics.mean(our) / statistics.mean(their):.1f}",
        f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
