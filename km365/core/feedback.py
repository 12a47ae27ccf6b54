"""What people say of suggested terms, and what that teaches: corrections at once, synonyms as proposals.

A word of a person about one term of one document is kept once, the last one counts. It changes what is
suggested for that document from then on (`Corrections`). Over many documents it shows which words a term is
called by and which of its labels mislead (`propose`); the focal point decides about those.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from km365.core.examples import Example
from km365.core.languages import best
from km365.core.tagging import Allowed, Part, Suggestion
from km365.core.taxonomy import Taxonomy
from km365.core.text import key as label_key
from km365.core.text import words

DocumentKey = tuple[str, str]
"""A document: its drive id and its item id."""

MOST_PROPOSED = 3
"""Synonyms proposed for one concept at a time; more are not read."""
_ENOUGH_DOCUMENTS = 2
"""A phrase says something about a term when it stands in so many documents that lacked it."""
_RARE = 0.2
"""The largest share of the other documents in which such a phrase may stand."""
_MISLEADING_WRONG = 3.0
_MISLEADING_SHARE = 0.75
"""A label misleads when it was behind so many wrong suggestions, and behind so few right ones."""


class Verdict(StrEnum):
    """What somebody said of a term for a document."""

    RIGHT = "right"  # suggested, and kept
    WRONG = "wrong"  # suggested, and taken out
    MISSING = "missing"  # not suggested, and added
    TAGGED = "tagged"  # there without us: somebody's own tagging, an example and no correction


class Source(StrEnum):
    """How we know."""

    PLAN = "plan"  # an edited plan that was applied
    REVIEW = "review"  # `km365 tag review`
    COMMAND = "command"  # `km365 tag feedback add`
    LIBRARY = "library"  # what somebody did in SharePoint
    UNDO = "undo"  # right, in a run that was taken back since: a weak sign of either


_STRENGTH = {Source.UNDO: 0.25}


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """One word about one term of one document.

    `words` are those that had made the suggestion, or that a person says mean the term. `comment` is what the
    person wrote beside it. It and `path` are for people.
    """

    concept_id: str
    facet: str
    verdict: Verdict
    document: DocumentKey
    at: datetime
    who: str
    words: tuple[str, ...] = ()
    language: str | None = None
    run_id: str | None = None
    source: Source = Source.COMMAND
    path: str = ""
    comment: str = ""

    @property
    def strength(self) -> float:
        """How much it counts, 0 to 1; 1 is what somebody said of this very term."""
        return _STRENGTH.get(self.source, 1.0)

    @property
    def firm(self) -> bool:
        """Whether a person said it of this very term."""
        return self.strength >= 1.0


def last_word(known: Feedback | None, new: Feedback) -> Feedback:
    """Which of the two is kept: the later one, unless it only undoes another run or is no opinion."""
    if known is None:
        return new
    if known.at > new.at or (new.verdict is Verdict.TAGGED and known.firm):
        return known
    if new.source is Source.UNDO and (known.verdict is not Verdict.RIGHT or known.run_id != new.run_id):
        return known
    same = known.verdict is new.verdict
    return replace(
        new,
        words=new.words or (known.words if same else ()),
        path=new.path or known.path,
        comment=new.comment or (known.comment if same else ""),
    )


def today(said: Iterable[Feedback], taxonomy: Taxonomy) -> list[Feedback]:
    """The words under the ids that their terms have now, one for each term of a document, in their order.

    An old id still means its term, and a term that was merged the other. A document that was about one of
    several that are one now is about that one, unless somebody has since said otherwise of it itself.
    """
    found: dict[tuple[DocumentKey, str], list[Feedback]] = defaultdict(list)
    for one in said:
        found[one.document, taxonomy.id_now(one.concept_id)].append(one)
    return [_of_one_term(some, now, taxonomy) for (_, now), some in found.items()]


def _of_one_term(said: Sequence[Feedback], now: str, taxonomy: Taxonomy) -> Feedback:
    """What was said of a document's term under its ids of all times, as said of the one it has now."""
    if len(said) == 1 and said[0].concept_id == now:
        return said[0]  # most of them
    right = any(one.verdict is not Verdict.WRONG for one in said)
    heard = [one for one in said if one.verdict is not Verdict.WRONG or one.concept_id == now or not right]
    last = max(heard, key=_weight)
    alike = (one for one in heard if one.verdict is last.verdict)
    return replace(
        last,
        concept_id=now,
        facet=next((one.key for one in taxonomy.term_sets if now in one.by_id), last.facet),
        words=tuple(dict.fromkeys(word for one in alike for word in one.words)),
    )


def _weight(one: Feedback) -> tuple[bool, bool, datetime, bool]:
    """What is no opinion counts least, then what is not firm, then what was said before."""
    return one.verdict is not Verdict.TAGGED, one.firm, one.at, one.verdict is not Verdict.WRONG


# Corrections: what counts for this document from now on --------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Corrections:
    """What people have said so far, as suggesting uses it, which knows terms by the ids of `today` only.

    `muted` are labels (as `core.text.key` reads them) that count for nothing with a concept any more.
    """

    by_document: Mapping[DocumentKey, Sequence[Feedback]] = field(default_factory=dict)
    muted: Mapping[str, frozenset[tuple[str, ...]]] = field(default_factory=dict)

    def today(self, taxonomy: Taxonomy) -> "Corrections":
        """The same under the ids that the terms have now; see the function of this name."""
        muted: dict[str, frozenset[tuple[str, ...]]] = {}
        for concept_id, labels in self.muted.items():
            now = taxonomy.id_now(concept_id)
            muted[now] = muted.get(now, frozenset()) | labels
        said = {document: today(some, taxonomy) for document, some in self.by_document.items()}
        return Corrections(by_document=said, muted=muted)

    def applied(
        self, document: DocumentKey, found: Sequence[Suggestion], *, taxonomy: Taxonomy
    ) -> list[Suggestion]:
        """The suggestions as corrected: without what is wrong here, with what was missing here first.

        A term that rests on misleading labels alone is left out as well. Only terms still open for tagging
        are added.
        """
        kept = [self._without_muted(one) for one in filter(self.allowed(document), found)]
        said = (one for one in self.by_document.get(document, ()) if one.firm)
        missing = [one for one in said if one.verdict is Verdict.MISSING]
        added = [_corrected(one) for one in missing if _open(one.concept_id, taxonomy)]
        ids = {one.concept_id for one in added}
        return [*added, *(one for one in kept if one.concept_id not in ids)]

    def allowed(self, document: DocumentKey) -> Allowed:
        """Which suggestions may take a place: none that is wrong here or rests on misleading labels alone."""
        said = (one for one in self.by_document.get(document, ()) if one.firm)
        wrong = {one.concept_id for one in said if one.verdict is Verdict.WRONG}
        return lambda one: one.concept_id not in wrong and not self.misled(one.concept_id, one.words)

    def misled(self, concept_id: str, words: Sequence[str]) -> bool:
        """Whether what was found of a concept rests on misleading labels alone."""
        muted = self.muted.get(concept_id, frozenset())
        return bool(words) and all(label_key(word) in muted for word in words)

    def mark(self, document: DocumentKey) -> str:
        """Changes with what `applied` does to the document's suggestions; "" where nothing was corrected."""
        said = sorted(
            (one.concept_id, str(one.verdict))
            for one in self.by_document.get(document, ())
            if one.firm and one.verdict in {Verdict.WRONG, Verdict.MISSING}
        )
        return hashlib.sha256(repr(said).encode()).hexdigest()[:12] if said else ""

    def marks(self, drive_id: str) -> dict[str, str]:
        """The `mark` of each corrected document of a library, by item id."""
        found = {key[1]: self.mark(key) for key in self.by_document if key[0] == drive_id}
        return {item_id: mark for item_id, mark in found.items() if mark}

    def _without_muted(self, one: Suggestion) -> Suggestion:
        muted = self.muted.get(one.concept_id)
        if not muted:
            return one
        return replace(one, words=tuple(word for word in one.words if label_key(word) not in muted))


def _open(concept_id: str, taxonomy: Taxonomy) -> bool:
    concept = taxonomy.by_id.get(concept_id)
    return concept is not None and concept.open_for_tagging


def _corrected(one: Feedback) -> Suggestion:
    return Suggestion(
        concept_id=one.concept_id,
        facet=one.facet,
        score=1.0,
        words=one.words,
        places=(),
        count=1,
        part=Part.CORRECTED,
    )


# Proposals: what it may mean for other documents ---------------------------------------------------------


class ProposalKind(StrEnum):
    """What accepting a proposal does."""

    SYNONYM = "synonym"  # the term is found by this phrase as well
    MISLEADING = "misleading"  # the label counts for nothing with this term any more


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Something to be decided by the focal point.

    `evidence` counts the judged documents that speak for it, `against` those that speak against it; `where`
    names some of the first.
    """

    kind: ProposalKind
    concept_id: str
    facet: str
    language: str
    text: str
    evidence: int
    against: int
    where: tuple[str, ...]

    @property
    def id(self) -> str:
        """Short and the same for the same proposal, whenever it is made."""
        said = "\0".join([self.kind, self.concept_id, *label_key(self.text)])
        return hashlib.sha256(said.encode()).hexdigest()[:8]


def propose(
    feedback: Iterable[Feedback], taxonomy: Taxonomy, examples: Sequence[Example]
) -> tuple[Proposal, ...]:
    """Everything the feedback suggests changing, the best supported first."""
    said = today(feedback, taxonomy)
    made = [*propose_synonyms(said, taxonomy, examples), *misleading(said, taxonomy)]
    return tuple(sorted(made, key=lambda one: (-one.evidence, one.against, one.concept_id, one.text)))


def propose_synonyms(
    feedback: Iterable[Feedback], taxonomy: Taxonomy, examples: Sequence[Example]
) -> tuple[Proposal, ...]:
    """Phrases by which documents speak of a term that was missing, and others do not.

    A phrase that a person gave as the term's words is proposed from one document on; one that we found has to
    stand in two at least, and in at most a fifth of the documents judged otherwise.
    """
    by_document = {one.document: one for one in examples}
    missing: dict[str, list[Feedback]] = defaultdict(list)
    about: dict[str, set[DocumentKey]] = defaultdict(set)
    for one in feedback:
        if one.verdict is not Verdict.WRONG:
            about[one.concept_id].add(one.document)
        if one.verdict is Verdict.MISSING and one.concept_id in taxonomy.by_id:
            missing[one.concept_id].append(one)
    found: list[Proposal] = []
    for concept_id, said in sorted(missing.items()):
        others = [one for one in examples if one.document not in about[concept_id]]
        mine = [by_document[one.document] for one in said if one.document in by_document]
        given = _given(said, taxonomy)
        known = {label_key(one.text) for one in given}
        common = _in_common(said[0], mine, others, taxonomy)
        found += [*given, *(one for one in common if label_key(one.text) not in known)][:MOST_PROPOSED]
    return tuple(found)


def _given(said: Sequence[Feedback], taxonomy: Taxonomy) -> list[Proposal]:
    """The words people gave themselves, the most often given first."""
    texts: dict[tuple[str, ...], list[tuple[str, Feedback]]] = defaultdict(list)
    for one in said:
        for word in one.words:
            if label_key(word):
                texts[label_key(word)].append((word, one))
    return [
        _proposal(ProposalKind.SYNONYM, uses[0][1], uses[0][0], [one for _, one in uses], against=0)
        for _, uses in sorted(texts.items(), key=lambda item: (-len(item[1]), item[0]))
        if not _is_label(uses[0][0], taxonomy)
    ]


def _in_common(
    about: Feedback, mine: Sequence[Example], others: Sequence[Example], taxonomy: Taxonomy
) -> list[Proposal]:
    """The phrases that these documents share and the others lack.

    Of several that say the same, and of parts of what is a label already, one: without little words if there
    is such a one, then what the documents say most, then the fullest.
    """
    counts = Counter(phrase for one in mine for phrase in one.phrases)
    elsewhere = Counter(phrase for one in others for phrase in one.phrases if phrase in counts)
    allowed = int(len(others) * _RARE)
    kept = {
        phrase: count
        for phrase, count in counts.items()
        if count >= _ENOUGH_DOCUMENTS and elsewhere[phrase] <= allowed
    }
    written = {phrase: _as_written(phrase, mine) for phrase in kept}
    place = dict.fromkeys(kept, 0)
    for one in mine:
        place |= {p: place[p] + at for at, p in enumerate(one.phrases) if p in place}
    order = sorted(
        kept,
        key=lambda p: (-kept[p], elsewhere[p], _rank(p, written[p]), place[p], -len(p.split()), -len(p), p),
    )
    chosen: list[str] = []
    passed: set[str] = set()
    for phrase in order:
        if passed.intersection(phrase.split()):
            continue
        passed.update(phrase.split())
        if _tells(phrase) and not _is_label(written[phrase], taxonomy):
            chosen.append(phrase)
        if len(chosen) == MOST_PROPOSED:
            break
    made = []
    for phrase in chosen:
        holding = [one for one in mine if phrase in one.phrases]
        said = [
            replace(about, document=one.document, language=one.language, path=one.path) for one in holding
        ]
        made.append(
            _proposal(
                ProposalKind.SYNONYM,
                said[0],
                written[phrase],
                said,
                against=elsewhere[phrase],
            )
        )
    return made


def _rank(phrase: str, written: str) -> int:
    """Phrases first, those with little words in them behind, single words last."""
    stems = phrase.split()
    if len(stems) == 1:
        return 2
    return 1 if len(words(written)) > len(stems) else 0


def _tells(phrase: str) -> bool:
    """Whether the phrase alone may mean something: two words, or a long one; no bare number."""
    stems = phrase.split()
    if all(stem.isdigit() for stem in stems):
        return False
    return len(stems) > 1 or len(stems[0]) >= 6


def _as_written(phrase: str, mine: Sequence[Example]) -> str:
    forms = Counter(one.phrases[phrase] for one in mine if phrase in one.phrases)
    return min(forms, key=lambda form: (-forms[form], form))


def _is_label(text: str, taxonomy: Taxonomy) -> bool:
    """Whether some term is found by it already: then it would say nothing new, or two things."""
    return any(term_set.find(text) for term_set in taxonomy.term_sets)


def misleading(feedback: Iterable[Feedback], taxonomy: Taxonomy) -> tuple[Proposal, ...]:
    """Labels of a term that were behind many wrong suggestions and hardly any right one."""
    wrong: dict[tuple[str, tuple[str, ...]], list[tuple[str, Feedback]]] = defaultdict(list)
    right: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for one in feedback:
        if one.concept_id not in taxonomy.by_id:
            continue
        for stems, word in {label_key(word): word for word in one.words}.items():
            if one.verdict is Verdict.WRONG:
                wrong[one.concept_id, stems].append((word, one))
            elif one.verdict is Verdict.RIGHT:
                right[one.concept_id, stems] += 1
    found = []
    for (concept_id, stems), uses in sorted(wrong.items()):
        weight = sum(one.strength for _, one in uses)
        against = right[concept_id, stems]
        if weight >= _MISLEADING_WRONG and weight / (weight + against) >= _MISLEADING_SHARE:
            said = [one for _, one in uses]
            found.append(_proposal(ProposalKind.MISLEADING, said[0], uses[0][0], said, against=against))
    return tuple(found)


def _proposal(
    kind: ProposalKind, about: Feedback, text: str, said: Sequence[Feedback], *, against: int
) -> Proposal:
    languages = Counter(best([one.language]) for one in said)
    places = sorted({one.path for one in said if one.path})
    return Proposal(
        kind=kind,
        concept_id=about.concept_id,
        facet=about.facet,
        language=min(languages, key=lambda language: (-languages[language], language)),
        text=" ".join(text.split()),
        evidence=len({one.document for one in said}),
        against=against,
        where=tuple(places)[:3],
    )


# What was corrected most ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """How often one term was judged, by verdict."""

    concept_id: str
    facet: str
    right: int = 0
    wrong: int = 0
    missing: int = 0


def most_corrected(feedback: Iterable[Feedback], *, limit: int = 10) -> tuple[Corrected, ...]:
    """The terms that were wrong or missing most often, worst first; undone runs do not count."""
    counts: Counter[tuple[str, str, Verdict]] = Counter(
        (one.facet, one.concept_id, one.verdict) for one in feedback if one.firm
    )
    terms = {(facet, concept_id) for facet, concept_id, _ in counts}
    found = [
        Corrected(
            concept_id=concept_id,
            facet=facet,
            right=counts[facet, concept_id, Verdict.RIGHT],
            wrong=counts[facet, concept_id, Verdict.WRONG],
            missing=counts[facet, concept_id, Verdict.MISSING],
        )
        for facet, concept_id in terms
    ]
    corrected = [one for one in found if one.wrong or one.missing]
    return tuple(sorted(corrected, key=lambda one: (-one.wrong - one.missing, one.concept_id))[:limit])
