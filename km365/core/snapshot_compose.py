"""How a snapshot is put together: which sentences are quoted, what is one point, and what nobody says.

Sentences that say much the same are one point with the offices behind it. Of what is left, offices and years
have their turn one after the other, so that who writes most does not speak for all.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from km365.core import alike
from km365.core.fair import in_turn
from km365.core.knowledge import Relation
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


def compose(
    topic: Topic,
    sources: Iterable[Source],
    shelf: Shelf,
    *,
    today: date,
    reader_office: str = "",
    narrower: Iterable[tuple[str, Part]] = (),
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
    for name in ("title", "description", "advice"):
        about |= frozenset(index_words(source.texts.get(name, ""), known))
    whole = source.kind != DOCUMENT and speaks(about, parts)
    for name in _FIELDS:
        for text in sentences_of(source.texts.get(name, "")):
            on_topic = speaks(index_words(text, known), parts)
            if (on_topic or whole) and _reads_well(text, name):
                words = alike.words(text, ours=ours)
                if len(words) + on_topic >= _SHORTEST:
                    yield _Line(
                        quote=Quote(source=source, field=name, text=text),
                        words=alike.bare(words),
                        denied=alike.denied(words),
                        on_topic=on_topic,
                    )


def _reads_well(text: str, name: str) -> bool:
    """Whether a sentence stands for itself: no question, row of a table or line of contents; a title may."""
    if len(text) > _LONGEST or " | " in text or text.endswith(("?", "؟", "？", ":", "：")):
        return False
    return name != TEXT or (text.rstrip("\"'»”’)*_")[-1:] in tuple(_ENDS) and not text[0].islower())


# The points ------------------------------------------------------------------------------------------------


def _points(lines: Sequence[_Line]) -> list[Point]:
    """What several sources say, the most widely said first; then what one says, each source in its turn."""
    same, other = alike.compared(lines)
    linked = _contradicting(lines)
    groups = alike.said_by_several(
        same, [frozenset({one.source.key}) for one in lines], lambda at: lines[at].rank
    )
    used = set[int]().union(*(together for _, together in groups))
    alone = [at for at in range(len(lines)) if at not in used]
    shown: set[int] = set()
    points: list[Point] = []
    for best, together in (*groups, *((at, frozenset({at})) for at in alone)):
        if best in shown:
            continue
        saying = {lines[at].source.key for at in together}
        against = {i for at in together for i in other.get(at, ()) if _denies(lines[i], lines[at])}
        against = {i for i in against if lines[i].source.key not in saying}
        against -= shown
        difference = None
        if not against and best in linked and linked[best][0] not in shown:
            denied, difference = linked[best]
            against = {denied}
        points.append(_point(lines, best, together - shown, against, difference))
        shown |= together | against
    return points


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


def _point(
    lines: Sequence[_Line],
    best: int,
    together: Collection[int],
    against: Collection[int],
    difference: Quote | None,
) -> Point:
    voices = sorted((lines[at] for at in {best, *together}), key=lambda one: one.rank)
    offices = sorted({one.source.office for one in voices if one.source.office})
    others = [one for one in voices if one.source.key != lines[best].source.key]
    return Point(
        says=lines[best].quote,
        alike=tuple(_apart(others)),
        against=tuple(_apart(sorted((lines[at] for at in against), key=lambda one: one.rank))),
        offices=tuple(offices),
        sources=len({one.source.key for one in voices}),
        difference=difference,
    )


def _apart(lines: Sequence[_Line]) -> list[Quote]:
    """One sentence a source, offices and years in turn."""
    first = {one.source.key: one for one in reversed(lines)}
    best = [one for one in lines if first[one.source.key] is one]
    turns = in_turn(best, office=lambda one: one.source.office, year=lambda one: one.source.year)
    return [one.quote for one in turns[:_QUOTES]]


def _contradicting(lines: Sequence[_Line]) -> Mapping[int, tuple[int, Quote | None]]:
    """By the best line of a lesson that contradicts another which was read: that one's, and what differs."""
    best: dict[str, int] = {}
    for at, line in enumerate(lines):
        if line.source.id:
            best.setdefault(line.source.id, at)
    return {
        at: (best[link.to], _difference(lines[at].source, link.words))
        for at in best.values()
        for link in lines[at].source.links
        if link.relation is Relation.CONTRADICTS and link.to in best
    }


def _difference(source: Source, words: str) -> Quote | None:
    return Quote(source=source, field=LINKS, text=words) if words else None


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
    heard = {shelf.offices.get(office, "") for office in offices}
    return Coverage(
        lessons=shelf.lessons_found,
        all_lessons=shelf.lessons,
        documents=shelf.documents_found,
        read=len(read),
        offices=offices,
        silent=tuple(sorted(set(shelf.offices) - set(offices))),
        silent_regions=tuple(sorted(set(shelf.offices.values()) - heard - {""})),
        first=min(years, default=0),
        last=max(years, default=0),
    )


def _missing(
    read: Sequence[Source], shelf: Shelf, narrower: Iterable[tuple[str, Part]], today: date, known: Words
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
    words = [_all_words(one, known) for one in read]
    unheard = [label for label, part in narrower if not any(speaks(some, [part]) for some in words)]
    yield from (Missing(gap=Gap.NARROWER, about=label) for label in unheard[:_NARROWER])


def _all_words(source: Source, known: Words) -> frozenset[str]:
    told = (said("tag", tag) for tag in source.tags)
    return frozenset((*told, *(word for text in source.texts.values() for word in index_words(text, known))))
