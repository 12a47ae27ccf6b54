"""Tags files of documents with any vocabulary, so that others can measure us: no Microsoft 365 needed.

Documents are lines of JSON, `{"id", "text", "lang"?, "gold"?: [term id]}`, plain or gzipped; predictions are
lines of `{"id", "terms": [[term id, score], ...]}`, best first. The vocabulary is SKOS or our JSON (see
`services.taxonomy_files`).
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from hashlib import file_digest
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from km365 import __version__
from km365.core.json_text import Unreadable, loads
from km365.core.languages import primary
from km365.core.tagging import from_text
from km365.core.taxonomy import Taxonomy
from km365.errors import InputRefused
from km365.services.kept_vectors import folder_of
from km365.services.taxonomy_files import read_vocabulary
from km365.services.whole_file import whole_file
from km365.suggest import evaluation
from km365.suggest.index import Index
from km365.suggest.index_file import is_kept, open_index
from km365.suggest.kept_labels import KeptLabels
from km365.suggest.learned import MOST_DOCUMENTS
from km365.suggest.learning import Learning
from km365.suggest.meaning import FOLDER_ENDING, Preparing, encoders, evenly
from km365.suggest.memory import give_back
from km365.suggest.suggester import Document, Suggester

Advance = Callable[[int], None]
"""Hears how many more documents are dealt with."""
_COMPILED_APART_BYTES = 300_000
_LINE_LETTERS = 50_000_000


@dataclass(frozen=True, kw_only=True)
class Line:
    """One document of a file. `gold` is what people chose for it, empty where nobody did."""

    id: str
    document: Document
    gold: tuple[str, ...]


def read_documents(file: Path, *, language: str | None = None) -> Iterator[Line]:
    """The documents of a file; with `language` only those in it, and those that name none.

    Raises InputRefused, naming file and line, for the first line that is no document.
    """
    try:
        with file.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        opened = gzip.open if packed else open
        with opened(file, "rt", encoding="utf-8-sig") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(_LINE_LETTERS), ""), start=1):
                if line.strip():
                    one = _line(line, f"{file}, line {number}", language)
                    if language is None or one.document.language in (None, language):
                        yield one
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputRefused(f"{file}: it is not packed right (gzip); pack it again.") from None
    except UnicodeDecodeError:
        raise InputRefused(f"{file}: it is not UTF-8; save it as UTF-8.") from None
    except OSError as why:
        raise InputRefused(f"{file} cannot be read ({why.strerror}).") from None


def _line(line: str, where: str, language: str | None) -> Line:
    if len(line) >= _LINE_LETTERS:
        raise InputRefused(
            f"{where}: the line is longer than {_LINE_LETTERS:,} characters; shorten the text."
        )
    try:
        value: Any = loads(line)
    except Unreadable as why:
        raise InputRefused(f"{where}: {why.msg}; no document has that.") from None
    except ValueError:
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("text"), str) or not _is_id(value.get("id")):
        raise InputRefused(f'{where}: not a document; it must be like {{"id": "a", "text": "…"}}.')
    gold = value.get("gold") or ()
    if not isinstance(gold, list | tuple) or not all(isinstance(one, str) for one in gold):
        raise InputRefused(f'{where}: "gold" must be a list of term ids.')
    said = value.get("lang")
    tag = primary(said) if isinstance(said, str) and said else language
    document = Document(passages=from_text(value["text"] or "-"), language=tag)
    return Line(id=str(value["id"]), document=document, gold=tuple(gold))


def _is_id(value: Any) -> bool:
    return (isinstance(value, str) and value != "") or type(value) is int


def open_suggester(
    vocabulary: Path,
    *,
    cache: Path,
    language: str = "en",
    words_only: bool = False,
    preparing: Preparing = lambda _done, _of: None,
) -> Suggester:
    """What suggests the terms of a vocabulary file; its compiled form is kept in `cache`.

    `words_only` leaves the vector models out; `preparing` hears of the first run's work on the labels. Raises
    InputRefused for a file that is no vocabulary.
    """
    try:
        with vocabulary.open("rb") as opened:
            key = f"{file_digest(opened, 'sha256').hexdigest()[:24]}-{language}-{__version__}"
    except OSError as why:
        raise InputRefused(f"{vocabulary} cannot be read: {why.strerror}.") from None
    folder = folder_of(cache, key)
    if vocabulary.stat().st_size > _COMPILED_APART_BYTES:
        _compile_apart(vocabulary, cache, key, language)
    index, labels = _compiled(vocabulary, cache, key, language)
    give_back()
    models = () if words_only else encoders()
    return Suggester(index, labels.of, encoders=models, cache=folder, preparing=preparing)


def _compiled(vocabulary: Path, cache: Path, key: str, language: str) -> tuple[Index, KeptLabels]:
    """The index and the labels out of `cache`, or made and put there."""
    labels = KeptLabels(
        cache / f"{key}{FOLDER_ENDING}", lambda: read_vocabulary(vocabulary, language=language)
    )

    def taxonomy() -> Taxonomy:
        term_set = read_vocabulary(vocabulary, language=language)
        labels.keep(term_set)
        return Taxonomy(term_sets=(term_set,))

    return open_index(cache, key, taxonomy), labels


def _compile_apart(vocabulary: Path, cache: Path, key: str, language: str) -> None:
    """Compiles a large vocabulary in a process of its own, whose 200 MB end with it; done already, nothing.

    Where that process cannot be had, or cannot keep what it made, the work is left to this one.
    """
    if is_kept(cache, key):
        return
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        try:
            apart.submit(_keep_compiled, vocabulary, cache, key, language).result()
        except BrokenProcessPool:
            return


def _keep_compiled(vocabulary: Path, cache: Path, key: str, language: str) -> None:
    _compiled(vocabulary, cache, key, language)


def learn(suggester: Suggester, lines: Sequence[Line], *, advance: Advance = lambda _: None) -> int:
    """Learns from documents with gold terms; how many there were that have one of the vocabulary."""
    number = {one: at for at, one in enumerate(suggester.ids)}
    taught = [one for one in lines if not number.keys().isdisjoint(one.gold)]
    for language in sorted({one.document.language or "" for one in taught} - {""}):
        suggester.prepare(language)
    learning = Learning(suggester, min(len(taught), MOST_DOCUMENTS))
    for one in evenly(taught, MOST_DOCUMENTS):
        learning.add(one.document, [number[term] for term in one.gold if term in number])
        advance(1)
    if taught:
        learning.finish()
    return len(taught)


def check_output(output: Path, inputs: Iterable[Path]) -> None:
    """Raises InputRefused where `output` cannot be written or is one of `inputs`, before any work is lost."""
    if not output.parent.is_dir():
        raise InputRefused(f"{output}: there is no folder {output.parent}; make it, or choose another file.")
    try:
        read = next((one for one in inputs if output.exists() and output.samefile(one)), None)
    except OSError as why:
        raise _not_written(output, why) from None
    if read is not None:
        raise InputRefused(f"{output} is also read ({read}); choose another file to write.")


def _not_written(output: Path, why: OSError) -> InputRefused:
    return InputRefused(f"{output} cannot be written ({why.strerror}); choose another file.")


def predict(
    suggester: Suggester,
    documents: Iterator[Line],
    output: Path,
    *,
    limit: int,
    advance: Advance = lambda _: None,
) -> int:
    """Writes the best terms of each document to `output`; how many documents there were.

    What was in `output` before stays until the last document is done. Raises InputRefused naming what cannot
    be read or written.
    """
    count = 0
    try:
        with whole_file(output) as beside, beside.open("w", encoding="utf-8", newline="\n") as file:
            for line in documents:
                found = suggester.suggest(line.document, limit=limit)
                terms = [[term, round(score, 6)] for term, score in found]
                file.write(json.dumps({"id": line.id, "terms": terms}, ensure_ascii=False) + "\n")
                count += 1
                advance(1)
    except OSError as why:
        raise _not_written(output, why) from None
    return count


@dataclass(frozen=True, kw_only=True)
class Quality:
    """The measures of some documents, each with its mean and the bounds of it in 95 of 100 resamples."""

    language: str
    documents: int
    means: dict[str, float]
    bounds: dict[str, tuple[float, float]]


def evaluate(
    suggester: Suggester, documents: Iterator[Line], *, advance: Advance = lambda _: None
) -> list[Quality]:
    """How well the suggester finds the gold terms of documents it has not learned from, by language.

    Gold terms that the vocabulary lacks are left out, and documents without any. Raises InputRefused where
    that leaves none.
    """
    known = set(suggester.ids)
    rows: dict[str, list[dict[str, float]]] = {}
    for line in documents:
        if gold := known.intersection(line.gold):
            suggested = evaluation.ranked(suggester.suggest(line.document))
            rows.setdefault(line.document.language or "?", []).append(evaluation.measures(suggested, gold))
        advance(1)
    if not rows:
        raise InputRefused("No document has a gold term of this vocabulary; there is nothing to measure.")
    groups = dict(sorted(rows.items()))
    if len(groups) > 1:
        groups["all"] = [row for some in groups.values() for row in some]
    return [
        Quality(
            language=language,
            documents=len(some),
            means=evaluation.mean(some),
            bounds={name: evaluation.interval(some, name) for name in ("F1@5", "NDCG@10")},
        )
        for language, some in groups.items()
    ]
