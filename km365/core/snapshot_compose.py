"""How a snapshot is put together: which sentences are quoted, what is one point, and what nobody says.

Sentences that say much the same are one point with the offices behind it. Of what is left, offices and years
have their turn one after the other, so that who writes most does not speak for all.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from km365.core import alike
from km365.core.fair import in_turn
from km365.core.knowledge import Link, Relation
from km365.core.search_entries import DOCUMENT, sentences_of
from km365.core.search_question import Part
from km365.core.search_words import Words, index_words, said
from km365.core.snapshot import (
    ASPECTS,
    LINKS,
    TEXT,
    Aspect,
    Coverage,
    Gap,
    Missing,
    Point,
    Quote,
    Section,
    Shelf,
    Snapshot,
    Source,
    Topic,
)

AGREED, DISPUTED, EACH = 6, 5, 6
"""Points at most: that offices agree on, that they differ on, and of each other section."""
_QUOTES = 3
"""Beside a point, of those who say it too, and of those who differ."""
_OF_ONE = 4
"""Sentences of one source, so that a long report does not fill the page."""
_AS_ALIKE = 0.6
"""The share of words that two sentences have in common which say much the same: across offices and subjects,
half of them are the same by chance."""
_COMPARED = 1_500
"""Sentences that are compared with each other, the best first."""
_SHORTEST, _LONGEST = 3, 400
"""Words that say something, and characters, of a sentence that is quoted."""
_GOOD_LENGTH = range(40, 221)
_ENDS = ".!。！…؟"
_BEGINNING = 5
"""Letters by which a word that is denied is known in the sentence of somebody else."""
_QUIET_YEARS = 2
"""So long ago the newest source may be before it is told as a gap."""
_NARROWER = 5
"""Narrower topics that nobody speaks of are named, so many at most."""
_FEW = 3
"""Of fewer lessons than this it says nothing that none tells of a failure."""
_FIELDS = tuple(ASPECTS)
_ABOUT = ("title", "description", "advice", "cause", "limits")
"""The fields that say what a lesson is about."""


def compose(
    topic: Topic,
    sources: Iterable[Source],
    shelf: Shelf,
    *,
    today: date,
    reader_office: str = "",
    narrower: Sequence[tuple[str, Part]] = (),
) -> Snapshot:
    """The snapshot of what was read, whatever order it comes in; the same sources always give the same.

    `narrower` are topics below the one asked about, each with its label.
    """
    known, ours = Words(), alike.all_words(topic.words)
    read = sorted(sources, key=lambda one: (one.kind == DOCUMENT, -one.year, one.key))
    quotable = [(one, list(_of(one, topic.parts, known, ours))) for one in read]
    speaking = [source for source, said_in in quotable if said_in]
    lines = _lines(said_in for _, said_in in quotable)
    points = _points(lines)
    disputed, rest = _split(points, lambda one: bool(one.against))
    agreed, rest = _split(rest, lambda one: len(one.offices) > 1)
    return Snapshot(
        topic=topic,
        as_of=today,
        reader_office=reader_office.upper(),
        agreed=tuple(sorted(agreed, key=lambda one: (-len(one.offices), -one.sources))[:AGREED]),
        disputed=tuple(disputed[:DISPUTED]),
        sections=tuple(_sections(rest)),
        coverage=_coverage(speaking, shelf),
        missing=tuple(_missing(speaking, shelf, narrower, today, known)),
        read=tuple(speaking),
    )


def speaks(words: Collection[str], parts: Sequence[Part]) -> bool:
    """Whether these words of the index say most of what is asked: more than half of its parts."""
    here = frozenset(words)
    held = sum(any(here.issuperset(way.words) for way in part.ways) for part in parts)
    return 2 * held > len(parts)


# The sentences ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A sentence with what it is compared by, and whether it speaks of the topic itself."""

    quote: Quote
    words: frozenset[str]
    denied: frozenset[str]
    on_topic: bool
    place: int
    """How many sentences of its source are before it, advice first."""

    @property
    def source(self) -> Source:
        return self.quote.source

    @property
    def aspect(self) -> Aspect:
        return ASPECTS[self.quote.field]

    @property
    def polarity(self) -> str:
        """Of what happened; advice out of a success and out of a failure may be the same."""
        return self.source.polarity if self.aspect is Aspect.HAPPENED else ""

    @property
    def is_mere_title(self) -> bool:
        """A short title says little beside a sentence of its lesson, and stands among the sources anyway."""
        return self.quote.field == "title" and len(self.quote.text) < _GOOD_LENGTH.start

    @property
    def rank(self) -> tuple[bool, int, int, int, str]:
        """The better quotation first: on the topic itself, by its field, whole and of good length."""
        text = self.quote.text
        faults = (len(text) not in _GOOD_LENGTH) + text[0].islower()
        return not self.on_topic, _FIELDS.index(self.quote.field), faults, len(text), text


def _lines(quotable: Iterable[Sequence[_Line]]) -> list[_Line]:
    """What is compared, the best first. The same words in a second source are a copy, and no second voice."""
    found: list[_Line] = []
    seen: set[str] = set()
    for lines in quotable:
        new = [one for one in lines if one.quote.text not in seen]
        found += [one for one in new if not one.is_mere_title] or new
        seen |= {one.quote.text for one in lines}
    return sorted(found, key=lambda one: one.rank)[:_COMPARED]


def _of(source: Source, parts: Sequence[Part], known: Words, ours: frozenset[str]) -> Iterator[_Line]:
    """The sentences of a source: all of a lesson that is about the topic, else those that name it."""
    about = frozenset(said("tag", tag) for tag in source.tags)
    for name in _ABOUT:
        about |= frozenset(index_words(source.texts.get(name, ""), known))
    whole = source.kind != DOCUMENT and speaks(about, parts)
    said_in_all = ((name, one) for name in _FIELDS for one in sentences_of(source.texts.get(name, "")))
    for place, (name, text) in enumerate(said_in_all):
        on_topic = speaks(index_words(text, known), parts)
        if (on_topic or whole) and _reads_well(text, name):
            words = alike.words(text, ours=ours)
            if len(words) + on_topic >= _SHORTEST:
                yield _Line(
                    quote=Quote(source=source, field=name, text=text),
                    words=alike.bare(words),
                    denied=alike.denied(words),
                    on_topic=on_topic,
                    place=place,
                )


def _reads_well(text: str, name: str) -> bool:
    """Whether a sentence stands for itself: no question, row of a table or line of contents; a title may."""
    if len(text) > _LONGEST or " | " in text or text.endswith(("?", "؟", "？", ":", "：")):
        return False
    return name != TEXT or (text.rstrip("\"'»”’)*_")[-1:] in tuple(_ENDS) and not text[0].islower())


# The points ------------------------------------------------------------------------------------------------


def _points(lines: Sequence[_Line]) -> list[Point]:
    """What lessons contradict, what several sources say, the most widely said first, and then the rest."""
    same, other = alike.compared(lines, share=_AS_ALIKE)
    for at, link, to in _linked(lines):
        if link.relation is Relation.CONFIRMS:
            same.setdefault(at, set()).add(to)
            same.setdefault(to, set()).add(at)
    points, shown = _contradicted(lines)
    voices = [frozenset({one.source.key}) for one in lines]
    groups = alike.said_by_several(same, voices, lambda at: lines[at].rank)
    alone = set(range(len(lines))).difference(*(together for _, together in groups))
    for first, together in (*groups, *((at, frozenset({at})) for at in sorted(alone))):
        left = together - shown
        if not left:
            continue
        best = first if first in left else min(left)
        saying = {lines[at].source.key for at in left}
        against = {i for at in left for i in other.get(at, ()) if _denies(lines[i], lines[at])} - shown
        against = {i for i in against if lines[i].source.key not in saying}
        points.append(_point(lines, best, left, against))
        shown |= left | against
    return points


def _contradicted(lines: Sequence[_Line]) -> tuple[list[Point], set[int]]:
    """What other lessons say they contradict, with what differs there, and which lines are shown with it."""
    points: list[Point] = []
    shown: set[int] = set()
    for at, link, to in _linked(lines):
        if link.relation is Relation.CONTRADICTS and not shown & {at, to}:
            source = lines[at].source
            differs = Quote(source=source, field=LINKS, text=link.words) if link.words else None
            points.append(replace(_point(lines, to, {to}, {at}), difference=differs))
            shown |= {at, to}
    return points, shown


def _linked(lines: Sequence[_Line]) -> Iterator[tuple[int, Link, int]]:
    """What lessons say of others that were read: the first that either advises, and the link between."""
    first: dict[str, int] = {}
    for at in sorted(range(len(lines)), key=lambda at: lines[at].place):
        if lines[at].source.id:
            first.setdefault(lines[at].source.id, at)
    for at in first.values():
        for link in lines[at].source.links:
            if link.to in first:
                yield at, link, first[link.to]


def _denies(one: _Line, two: _Line) -> bool:
    """Whether two opposed sentences speak of the same: one denies a word that the other says.

    Where a lesson would not hold and what shows it are no denial of another.
    """
    if {one.aspect, two.aspect} & {Aspect.LIMITS, Aspect.EVIDENCE}:
        return False
    if one.denied == two.denied:  # opposed as a success and a failure are
        return True
    return bool(_begin(one.denied ^ two.denied) & _begin(one.words) & _begin(two.words))


def _begin(words: Iterable[str]) -> frozenset[str]:
    """How the words begin: `prepare` and `prepared` alike."""
    return frozenset(word[:_BEGINNING] for word in words)


def _point(lines: Sequence[_Line], best: int, together: Collection[int], against: Collection[int]) -> Point:
    voices = sorted((lines[at] for at in {best, *together}), key=lambda one: one.rank)
    offices = sorted({one.source.office for one in voices if one.source.office})
    others = [one for one in voices if one.source.key != lines[best].source.key]
    return Point(
        says=lines[best].quote,
        alike=tuple(_apart(others)),
        against=tuple(_apart(sorted((lines[at] for at in against), key=lambda one: one.rank))),
        offices=tuple(offices),
        sources=len({one.source.key for one in voices}),
    )


def _apart(lines: Sequence[_Line]) -> list[Quote]:
    """One sentence a source, offices and years in turn."""
    first = {one.source.key: one for one in reversed(lines)}
    best = [one for one in lines if first[one.source.key] is one]
    turns = in_turn(best, office=lambda one: one.source.office, year=lambda one: one.source.year)
    return [one.quote for one in turns[:_QUOTES]]


def _split(points: Iterable[Point], is_so: Callable[[Point], bool]) -> tuple[list[Point], list[Point]]:
    chosen: list[Point] = []
    rest: list[Point] = []
    for one in points:
        (chosen if is_so(one) else rest).append(one)
    return chosen, rest


def _sections(points: Sequence[Point]) -> Iterator[Section]:
    """The points by aspect: first what several sources say, then offices and years in turn."""
    told: dict[str, int] = {}
    for aspect in Aspect:
        mine = [one for one in points if ASPECTS[one.says.field] is aspect]
        several = [one for one in mine if one.sources > 1]
        turns = in_turn(
            [one for one in mine if one.sources == 1],
            office=lambda one: one.says.source.office,
            year=lambda one: one.says.source.year,
        )
        kept: list[Point] = []
        for one in (*several, *turns):
            key = one.says.source.key
            if len(kept) < EACH and told.get(key, 0) < _OF_ONE:
                kept.append(one)
                told[key] = told.get(key, 0) + 1
        if kept:
            yield Section(aspect=aspect, points=tuple(kept))


# How far it reaches, and what is missing --------------------------------------------------------------------


def _coverage(read: Sequence[Source], shelf: Shelf) -> Coverage:
    offices = tuple(sorted({one.office for one in read if one.office}))
    years = [one.year for one in read if one.year]
    papers = sum(one.kind == DOCUMENT for one in read)
    heard = {shelf.offices.get(office, "") for office in offices}
    return Coverage(
        lessons=len(read) - papers + shelf.lessons_left,
        all_lessons=shelf.lessons,
        documents=papers + shelf.documents_left,
        read=len(read),
        offices=offices,
        silent=tuple(sorted(set(shelf.offices) - set(offices))),
        silent_regions=tuple(sorted(set(shelf.offices.values()) - heard - {""})),
        first=min(years, default=0),
        last=max(years, default=0),
    )


def _missing(
    read: Sequence[Source], shelf: Shelf, narrower: Sequence[tuple[str, Part]], today: date, known: Words
) -> Iterator[Missing]:
    lessons = [one for one in read if one.kind != DOCUMENT]
    if not read:
        return
    if not lessons:
        yield Missing(gap=Gap.LESSONS)
    for gap in (Gap.ADVICE, Gap.CAUSE, Gap.LIMITS, Gap.EVIDENCE):
        if lessons and not any(one.texts.get(gap.value, "").strip() for one in lessons):
            yield Missing(gap=gap)
    if len(lessons) >= _FEW and all(one.polarity == "positive" for one in lessons):
        yield Missing(gap=Gap.FAILURE)
    if len({one.office for one in read}) == 1 and len(shelf.offices) > 1:
        yield Missing(gap=Gap.ONE_OFFICE, about=read[0].office)
    newest = max(one.year for one in read)
    if newest and today.year - newest > _QUIET_YEARS:
        yield Missing(gap=Gap.OLD, about=str(newest))
    words = [_all_words(one, known) for one in read] if narrower else []
    unheard = [label for label, part in narrower if not any(speaks(some, [part]) for some in words)]
    yield from (Missing(gap=Gap.NARROWER, about=label) for label in unheard[:_NARROWER])


def _all_words(source: Source, known: Words) -> frozenset[str]:
    told = (said("tag", tag) for tag in source.tags)
    return frozenset((*told, *(word for text in source.texts.values() for word in index_words(text, known))))
