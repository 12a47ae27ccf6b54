"""What a text of a few pages says to a question: its own sentences, or nothing.

Each word of the question is looked for in each line: the word itself, a near form of it, a term that means
the same, or a word near to it in meaning where vectors of words are at hand. A line answers that holds enough
of the question by weight; what the text never says weighs most, so that a question of which it knows only the
small change is not answered. Compared word by word vectors find far more here than those of whole sentences.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np

from km365.core.search import best_sentence
from km365.core.search_entries import sentences_of
from km365.core.search_meaning import Floats
from km365.core.search_question import Part
from km365.core.search_words import Words, index_words
from km365.core.text import words as written_words

MOST = 3
"""So many quotations answer a question at most."""
LONGEST = 600
"""Characters of a line that is quoted whole; of a longer one the sentence that says most."""
_HELD, _HELD_NEAR, _HELD_ACROSS = 0.3, 0.36, 0.22
"""The share of a question that a line holds which answers it: by words alone, with vectors, and with these
where line and question are in two languages, whose words are less near each other."""
_WORDS, _WORDS_ACROSS = 1.25, 1.0
"""So many words of the question it holds at least, where several were asked: one alone is often chance."""
_CLOSE = 0.6
"""What is said second and third holds at least that part of what the best one holds."""
_FORM, _MEANT, _HEADED = 0.8, 0.9, 0.5
"""How much another form of a word counts, a word that means the same, and one that stands in the heading."""
_NEAR_FROM, _NEAR_TO = 0.5, 0.9
"""The cosines of two words from which the one begins to stand for the other, and from which it fully does."""
_ARABIC = re.compile("[\u0600-\u06ff]")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing a text says, as it stands there. `asked` are other words for what its heading is about."""

    text: str
    heading: str
    language: str
    day: date | None = None
    """When it was written."""
    source: str = ""
    """What it stands in, where that is not the text itself."""
    web_url: str = ""
    asked: str = ""


@dataclass(frozen=True, kw_only=True)
class Quotation:
    """Words of a line, as they stand in it; where they are cut, dots say so."""

    words: str
    line: Line


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked: its words that say something, as written and as the index has them, and their terms."""

    words: tuple[str, ...]
    stems: tuple[str, ...]
    parts: tuple[Part, ...]
    language: str

    @classmethod
    def of(
        cls, text: str, parts: Iterable[Part], *, language: str, asking: Collection[str] = ()
    ) -> "Question":
        """`parts` are what `Concepts` makes of it, `asking` words that only make it a question, in small."""
        known = Words()
        said = [one for one in _said(text, known) if one[0].casefold() not in asking]
        found = list(dict.fromkeys(said))
        return cls(
            words=tuple(word for word, _ in found),
            stems=tuple(stem for _, stem in found),
            parts=tuple(parts),
            language=language,
        )


class Answers:
    """Lines made ready to be asked. It may be kept as long as the lines are the same."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.lines = tuple(lines)
        self._known = Words()
        said = [list(_said(line.text, self._known)) for line in self.lines]
        self._stems = [frozenset(stem for _, stem in some) for some in said]
        headings = [f"{line.heading} {line.asked}" for line in self.lines]
        self._headed = [frozenset(index_words(one, self._known)) for one in headings]
        self.words = tuple(dict.fromkeys(word for some in said for word, _ in some))
        """The different words of all lines, as written: of what vectors are wanted."""
        places = {word: place for place, word in enumerate(self.words)}
        self._places = [[places[word] for word, _ in some] for some in said]

    def to(self, asked: Question, cosines: Floats | None = None) -> list[Quotation]:
        """The lines that answer best, best first; none where none does.

        `cosines` has a row for each of `asked.words`, and how near each of `words` is to it.
        """
        if not asked.words or not self.lines:
            return []
        held = np.array([self._held(asked, number) for number in range(len(self.lines))]).T
        scores = _shares(held) / _HELD * (held.sum(axis=0) >= min(_WORDS, len(held)))
        if cosines is not None:
            own = np.array([one.language == asked.language for one in self.lines])
            near = np.maximum(held, self._near(cosines))
            enough = near.sum(axis=0) >= np.minimum(np.where(own, _WORDS, _WORDS_ACROSS), len(held))
            scores = np.maximum(scores, _shares(near) / np.where(own, _HELD_NEAR, _HELD_ACROSS) * enough)
        order = sorted(range(len(scores)), key=lambda n: (-scores[n], n))[:MOST]
        least_now = max(1.0, _CLOSE * scores[order[0]])
        return [
            Quotation(words=self._quoted(self.lines[n].text, asked), line=self.lines[n])
            for n in order
            if scores[n] >= least_now
        ]

    def _held(self, asked: Question, number: int) -> list[float]:
        """How much each word of the question is held by the line."""
        stems, headed = self._stems[number], self._headed[number]
        meant: dict[str, float] = {}
        for part in asked.parts:
            counts = max((way.counts for way in part.ways if stems.issuperset(way.words)), default=0.0)
            for stem in part.ways[0].words:
                meant[stem] = max(counts, meant.get(stem, 0.0))
        return [
            max(
                1.0 if stem in stems else 0.0,
                meant.get(stem, 0.0),
                _FORM if any(_same_word(stem, one) for one in stems) else 0.0,
                _HEADED if stem in headed else 0.0,
            )
            for stem in asked.stems
        ]

    def _near(self, cosines: Floats) -> Floats:
        """The same by meaning."""
        scaled = np.clip((cosines - _NEAR_FROM) / (_NEAR_TO - _NEAR_FROM), 0, 1) * _MEANT
        found = np.zeros((len(scaled), len(self.lines)), np.float32)
        for number, places in enumerate(self._places):
            if places:
                found[:, number] = scaled[:, places].max(axis=1)
        return found

    def _quoted(self, text: str, asked: Question) -> str:
        """The line, or the sentence of a long one that says most."""
        if len(text) <= LONGEST:
            return text
        sentences = list(sentences_of(text))
        return best_sentence(sentences, asked.parts, [1.0] * len(asked.parts), self._known) or sentences[0]


def _shares(held: Floats) -> Floats:
    """How much of the question each line holds, by weight: a row of `held` for each word of it."""
    count, lines_with = held.shape[1], held.sum(axis=1)
    weights = np.log(1 + (count - lines_with + 0.5) / (lines_with + 0.5))
    found: Floats = (weights @ held) / weights.sum()
    return found


def _said(text: str, known: Words) -> Iterable[tuple[str, str]]:
    """The words of a text that say something, each as written and as the index has it."""
    for word in written_words(text):
        for stem in index_words(word, known):
            yield word, stem


def _same_word(first: str, second: str) -> bool:
    """Whether two stems are near forms of a word: Arabic joins little words in front, others endings."""
    short, long = sorted((first, second), key=len)
    if _ARABIC.search(first):
        return len(short) >= 3 and len(long) - len(short) <= 3 and short in long
    same = max(4, len(long) - 3)
    return len(short) >= same and short[:same] == long[:same]
