"""Terms for a text by the rules of a whole taxonomy: by its words, and by what people said of such texts.

Without judged documents it is `Vocabulary` and nothing else. Meaning has no say here;
docs/tagging-quality.md tells why.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from km365.core import examples
from km365.core.passages import Passage
from km365.core.tagging import Part, Suggestion
from km365.core.taxonomy import Taxonomy
from km365.core.text import STOP, Stems, clean, spans
from km365.suggest.vocabulary import SCORE_MEANS as WORDS_MEAN
from km365.suggest.vocabulary import Vocabulary, Weighed

SCORE_MEANS = (
    f"{WORDS_MEAN} Once `km365 tag learn` has learnt from judged documents it estimates the chance that a "
    "person keeps the term; docs/tagging-quality.md says how well."
)


class Opinion(Protocol):
    """The score of a concept, 0 to 1, and how far words and examples moved it."""

    @property
    def score(self) -> float:
        """0 to 1."""

    @property
    def words(self) -> float:
        """In logits, 0 where the words do not speak of it."""

    @property
    def examples(self) -> float:
        """In logits."""


class Judges(Protocol):
    """What judged documents say; `judged.Judged`, whose numbers are loaded only where there are some."""

    @property
    def version(self) -> str:
        """Changes with what was learnt from."""

    def opinions(
        self, words: Mapping[str, int], scores: Mapping[str, float], suggested: Iterable[str]
    ) -> Mapping[str, Opinion]:
        """See `judged.Judged.opinions`."""

    def because(self, words: Mapping[str, int], concept_id: str) -> tuple[Sequence[str], int]:
        """See `judged.Judged.because`."""


class Chooser:
    """Suggests terms of a taxonomy. Keep it and use it for many texts; the same text gets the same terms."""

    def __init__(self, words: Vocabulary, judged: Judges | None = None) -> None:
        self._words, self._judged = words, judged

    @property
    def taxonomy(self) -> Taxonomy:
        """The terms it chooses from."""
        return self._words.taxonomy

    @property
    def version(self) -> str:
        """Changes with what was learnt; "" where nothing was."""
        return self._judged.version if self._judged else ""

    def suggest(
        self, passages: Sequence[Passage], *, facets: Iterable[str] | None = None
    ) -> list[Suggestion]:
        """Terms that the passages are about, by term set in the taxonomy's order, best first in each.

        Thresholds and numbers follow each term set's rule; what is not open for tagging is never suggested.
        """
        if self._judged is None:
            return self._words.suggest(passages, facets=facets)
        weighed = self._words.weigh(passages, facets=facets)
        counted = examples.commonest(examples.counted(passages))
        opinions = self._opinions(self._judged, weighed, counted)
        chosen = self._words.chosen(weighed, {one: opinion.score for one, opinion in opinions.items()})
        return [
            self._suggestion(self._judged, weighed, counted, concept, opinions[concept])
            for concept, _ in chosen
        ]

    def _opinions(self, judged: Judges, weighed: Weighed, counted: Mapping[str, int]) -> dict[int, Opinion]:
        """What is thought of each open concept of the facets wanted, by number."""
        index, wanted = self._words.index, {number for number, _ in weighed.term_sets}
        rules = {number: one.rule for number, one in weighed.term_sets}
        ids = index.concept_ids
        scores = {ids[concept]: score for concept, score in weighed.scores.items()}
        suggested = [
            ids[concept]
            for concept, score in weighed.scores.items()
            if score >= rules[index.concept_facet[concept]].threshold
        ]
        found = {
            index.concept_number[one]: opinion
            for one, opinion in judged.opinions(counted, scores, suggested).items()
            if one in index.concept_number  # a term may be gone since
        }
        return {
            concept: opinion
            for concept, opinion in found.items()
            if index.concept_open[concept] and index.concept_facet[concept] in wanted
        }

    def _suggestion(
        self, judged: Judges, weighed: Weighed, counted: Mapping[str, int], concept: int, opinion: Opinion
    ) -> Suggestion:
        if concept in weighed.evidence:
            made = self._words.suggestion(weighed, concept, opinion.score)
            return replace(made, part=Part.EXAMPLES) if opinion.examples > opinion.words else made
        index = self._words.index
        stems, like = judged.because(counted, index.concept_ids[concept])
        return Suggestion(
            concept_id=index.concept_ids[concept],
            facet=self.taxonomy.term_sets[index.concept_facet[concept]].key,
            score=opinion.score,
            words=written(weighed.text.passages, stems),
            places=(f"like {like} documents tagged so",),
            count=0,
            part=Part.EXAMPLES,
        )


def written(passages: Sequence[Passage], stems: Sequence[str]) -> tuple[str, ...]:
    """How the stems, or pairs of stems with a space between, are first written in the passages."""
    known, left = Stems(), dict.fromkeys(stems, "")
    missing = set(stems)
    for passage in passages:
        text, before = clean(passage.text), ("", 0)
        for start, end in spans(text):
            stem = known[text[start:end]]
            for one, begin in ((stem, start), (f"{before[0]} {stem}", before[1])):
                if one in missing:
                    missing.discard(one)
                    left[one] = " ".join(text[begin:end].split())
            if stem:
                before = ("", 0) if stem == STOP else (stem, start)
        if not missing:
            break
    return tuple(one for one in left.values() if one)
