"""What is kept of a document that people have judged: its words and phrases counted, never its sentences.

From these a phrase is found by which documents speak of a term (`core.feedback`), and the learned part of
suggesting learns. The order of the words is lost beyond phrases of a few, but they can be read: treat them
as text of the document.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from km365.core.passages import Kind, Passage
from km365.core.text import STOP, Stems, clean, language_of, spans
from km365.core.text import words as all_words

MOST_WORDS = 4_000
"""Distinct words and pairs kept of a document, the commonest first."""
MOST_PHRASES = 400
_LONGEST_PHRASE = 3
_LONGEST_HAN = 4
"""Words of Chinese are two to four characters."""
_COUNTED_LETTERS = 60_000
_OPENING_WORDS = 300
_TELLING = frozenset({Kind.NAME, Kind.TITLE, Kind.HEADING, Kind.PROPERTY})
"""Passages whose phrases are kept even if they come once."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A judged document. `words` counts its stems, and the pairs of them with a space between.

    `phrases` are those that come up twice or stand where a document says what it is about, the commonest
    first: the stems, a space between, and one way in which they were written. `ctag` is the content they were
    counted in.
    """

    document: tuple[str, str]
    path: str
    language: str | None
    ctag: str
    words: Mapping[str, int]
    phrases: Mapping[str, str]
    read_at: datetime


def counted(passages: Sequence[Passage], stems: Stems | None = None) -> Counter[str]:
    """The stems of the words of a document and the pairs of them, by how often they come.

    Of a very long one the beginning is counted.
    """
    stems, found, letters = stems or Stems(), Counter[str](), 0
    for one in passages:
        run = [stem for stem in map(stems.__getitem__, all_words(clean(one.text))) if stem]
        found.update(stem for stem in run if stem != STOP)
        found.update(f"{left} {right}" for left, right in pairwise(run) if STOP not in (left, right))
        letters += len(one.text)
        if letters > _COUNTED_LETTERS:
            break
    return found


def commonest(words: Counter[str]) -> dict[str, int]:
    """Those that an example keeps."""
    return dict(words.most_common(MOST_WORDS))


def count(
    passages: Sequence[Passage], *, document: tuple[str, str], path: str, ctag: str, at: datetime
) -> Example:
    """What is kept of the document with these passages."""
    stems = Stems()
    said: Counter[str] = Counter()
    written: dict[str, str] = {}
    seen = 0
    for passage in passages:
        telling = passage.kind in _TELLING or seen < _OPENING_WORDS
        text = clean(passage.text)
        for run in _runs(text, stems):
            seen += len(run)
            for phrase, form in _phrases(run, text):
                said[phrase] += 2 if telling else 1
                written.setdefault(phrase, form)
    kept = [phrase for phrase, number in said.most_common() if number > 1][:MOST_PHRASES]
    return Example(
        document=document,
        path=path,
        language=_language(passages),
        ctag=ctag,
        words=commonest(counted(passages, stems)),
        phrases={phrase: written[phrase] for phrase in kept},
        read_at=at,
    )


class _Word(NamedTuple):
    """A word of a text: its stem ("" for a little word) and where it stands."""

    stem: str
    start: int
    end: int


def _runs(text: str, stems: Stems) -> Iterator[list[_Word]]:
    """The words between two breaks."""
    run: list[_Word] = []
    for start, end in spans(text):
        stem = stems[text[start:end]]
        if stem != STOP:
            run.append(_Word(stem, start, end))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _phrases(run: Sequence[_Word], text: str) -> Iterator[tuple[str, str]]:
    """The phrases of one to three words in a run, or of two to four Han characters: stems, and as written.

    None begins or ends with a little word.
    """
    for first, word in enumerate(run):
        if not word.stem:
            continue
        han = word.stem >= "\u3400"
        found: list[str] = []
        for last in run[first:]:
            if last.stem:
                found.append(last.stem)
                if not han or len(found) > 1:
                    yield " ".join(found), _written(text[word.start : last.end])
            if len(found) == (_LONGEST_HAN if han else _LONGEST_PHRASE):
                break


def _written(form: str) -> str:
    """The phrase in small letters, acronyms as they are."""
    return " ".join(word if word.isupper() else word.lower() for word in form.split())


def _language(passages: Sequence[Passage]) -> str | None:
    body = " ".join(one.text for one in passages if one.kind is not Kind.NAME)
    return language_of(body)
