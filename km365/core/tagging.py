"""What it means to suggest terms for a text, and plain text as passages."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import Protocol

from km365.core.passages import Kind, Passage
from km365.core.text import clean, words

_HEADING_WORDS = 8
"""A paragraph this short without a full stop is read as a heading, for plain texts have no other."""
_TITLE_WORDS = 30
"""A first line of plain text this short, without a full stop, is read as its title."""
_WIDEST_PAGE = 120
"""A text with a longer line was not broken for width."""
_FULL_LINE = 60
"""A line of plain text at least this long, without a full stop, goes on in the next."""


class Part(StrEnum):
    """What made a suggestion."""

    WORDS = "words"
    """Labels and synonyms that stand in the text."""
    EXAMPLES = "examples"
    """Documents that were tagged before."""
    MEANING = "meaning"
    """A vector model finds text and label close."""
    CORRECTED = "corrected"
    """What people said of earlier suggestions."""


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A term, its score (see `SCORE_MEANS`) and the words that made it.

    `words` are quoted as written, the weightiest first; `places` say where; `via` are the concepts of other
    term sets through which it was found (`topic/immunization` speaks for `goal-area/1`). `part` is what spoke
    loudest for it.
    """

    concept_id: str
    facet: str
    score: float
    words: tuple[str, ...]
    places: tuple[str, ...]
    count: int
    via: tuple[str, ...] = ()
    part: Part = Part.WORDS


Allowed = Callable[[Suggestion], bool]
"""Whether a suggestion may take one of the places there are; those that may not leave it to the next."""


class Suggests(Protocol):
    """Whatever chooses terms for a text: words alone, or words, examples and meaning together."""

    def suggest(
        self,
        passages: Sequence[Passage],
        *,
        facets: Iterable[str] | None = None,
        office: str | None = None,
        allowed: Allowed | None = None,
    ) -> list[Suggestion]:
        """Terms that the passages are about, by term set in the taxonomy's order, best first in each.

        `facets` restricts them to those term sets, `office` to what that office may be offered, `allowed` to
        what nobody has said is wrong.
        """
        ...


def from_text(text: str, *, title: str = "") -> list[Passage]:
    """Plain text as passages: a paragraph each, `title` (if any) first.

    Lines that were broken for width alone are joined, so that a term may run over the end of a line. A short
    first line without a full stop is taken for the title where none is given, and a short line before a
    longer paragraph for a heading: plain text has no other.
    """
    lines = [line.strip() for line in clean(text).split("\n")]
    wrapped = max(map(len, lines)) <= _WIDEST_PAGE
    paragraphs: list[list[str]] = []
    before = ""
    for written in lines:
        if wrapped and paragraphs and _broken_for_width(before, written):
            paragraphs[-1].append(written)
        elif written:
            paragraphs.append([written])
        before = written
    texts = [" ".join(lines) for lines in paragraphs]
    passages = [Passage(text=clean(title), kind=Kind.TITLE, place="title")] if title else []
    for number, (one, following) in enumerate(zip_longest(texts, texts[1:], fillvalue="")):
        if number == 0 and not title and following and _is_short_line(one, _TITLE_WORDS):
            passages.append(Passage(text=one, kind=Kind.TITLE, place="title"))
        elif _is_short_line(one, _HEADING_WORDS) and len(following) > 2 * len(one):
            passages.append(Passage(text=one, kind=Kind.HEADING))
        else:
            passages.append(Passage(text=one))
    return passages


def _broken_for_width(line: str, following: str) -> bool:
    full = len(line) >= _FULL_LINE and not line.endswith((".", ":", ";", "!", "?", "|"))
    return full and bool(following) and (following[0].isalpha() or following[0] in '(“"«‘')


def _is_short_line(line: str, words_at_most: int) -> bool:
    """Whether a paragraph may be a title or heading: short, no sentence, no item of a list."""
    if line[0] in "-*•–—·|(" or line.endswith((".", ";", ",", "。", "؛", "|", "…")):
        return False
    return len(words(line)) <= words_at_most and not line[0].islower()
