"""What is known on a topic: what lessons and documents say, who agrees, who differs, and what is missing.

Nothing is worded by us: a `Quote` can only be made of a sentence that stands in its source word for word.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property

from km365.core.knowledge import Link
from km365.core.search import stands_in
from km365.core.search_question import Part
from km365.errors import InputRefused

TEXT = "text"
"""The only field of a document."""
LINKS = "links"
"""The field in which a lesson says how it differs from another."""


class Aspect(StrEnum):
    """What a sentence says of the topic, in the order people read it."""

    ADVICE = "advice"
    HAPPENED = "happened"
    CAUSE = "cause"
    LIMITS = "limits"
    EVIDENCE = "evidence"
    DOCUMENTS = "documents"  # what documents of the offices say, which have no such parts


ASPECTS = {
    "advice": Aspect.ADVICE,
    "description": Aspect.HAPPENED,
    "title": Aspect.HAPPENED,
    "context": Aspect.HAPPENED,
    "cause": Aspect.CAUSE,
    "limits": Aspect.LIMITS,
    "evidence": Aspect.EVIDENCE,
    TEXT: Aspect.DOCUMENTS,
}
"""Of each field of a source what its sentences say, the better field of two first."""


class Gap(StrEnum):
    """What nobody says."""

    ADVICE = "advice"  # no lesson says what to do
    CAUSE = "cause"  # none says why it happened
    LIMITS = "limits"  # none says when it would not hold
    EVIDENCE = "evidence"  # none names evidence
    FAILURE = "failure"  # none tells of something that failed
    ONE_OFFICE = "one_office"  # all of it comes from one office
    OLD = "old"  # nothing since the year that goes with it
    NARROWER = "narrower"  # nothing on the narrower topic that goes with it
    LESSONS = "lessons"  # there are documents, and no lesson


@dataclass(frozen=True, kw_only=True)
class Source:
    """A lesson or document as it was just read. `texts` are its words by field, all that may be quoted.

    `key` names it in SharePoint, `version` changes with its words. `people` are contributors who allow that
    others hear of them.
    """

    key: str
    version: str
    title: str
    web_url: str
    kind: str
    office: str
    language: str
    day: date | None
    texts: Mapping[str, str] = field(repr=False)
    id: str = ""
    """A lesson's own id."""
    polarity: str = ""
    tags: frozenset[str] = frozenset()
    people: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def year(self) -> int:
        """The year it is of; 0 where nobody knows."""
        return self.day.year if self.day else 0


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A sentence exactly as it stands in a field of its source. Raises InputRefused for any other."""

    source: Source
    field: str
    text: str

    def __post_init__(self) -> None:
        if not stands_in(self.text, [self.source.texts.get(self.field, "")]):
            raise InputRefused(f"{self.source.title!r} does not say what was to be quoted.")


@dataclass(frozen=True, kw_only=True)
class Point:
    """One thing that is known: its best sentence, others who say it, and who denies it.

    `offices` and `sources` count those who say it; `difference` is what a lesson that contradicts another
    says is different there.
    """

    says: Quote
    alike: tuple[Quote, ...] = ()
    against: tuple[Quote, ...] = ()
    offices: tuple[str, ...] = ()
    sources: int = 1
    difference: Quote | None = None

    @property
    def quotes(self) -> tuple[Quote, ...]:
        """All that is quoted in it."""
        return (self.says, *self.alike, *self.against, *([self.difference] if self.difference else []))


@dataclass(frozen=True, kw_only=True)
class Section:
    """What is known of one aspect."""

    aspect: Aspect
    points: tuple[Point, ...]


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """What there is for this reader: all `lessons`, and how much was found and not read, for it was too much.

    `offices` are those that could have said something, with the region of each ("" where none is known).
    """

    lessons: int = 0
    lessons_left: int = 0
    documents_left: int = 0
    offices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How far the answer reaches. `lessons` and `documents` speak of the topic; `read` of these were read.

    `silent` offices have nothing on it that this reader may see, nor has any office of the `silent_regions`;
    the years are those of what was read.
    """

    lessons: int
    all_lessons: int
    documents: int
    read: int
    offices: tuple[str, ...]
    silent: tuple[str, ...]
    silent_regions: tuple[str, ...] = ()
    first: int = 0
    last: int = 0


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Something nobody says; `about` is the year or the narrower topic that goes with it."""

    gap: Gap
    about: str = ""


class Why(StrEnum):
    """Why somebody can be asked."""

    WROTE = "wrote"  # contributed one of the sources
    FOLLOWS = "follows"  # has the post of somebody who did
    LEARNT = "learnt"  # learnt it by working beside somebody who did
    FOCAL_POINT = "focal_point"  # looks after what the office knows


@dataclass(frozen=True, kw_only=True)
class Contact:
    """Somebody to ask; `name` and `post` are "" where only the office is told.

    `was` is who was asked before they left the post, `until` their last day, where these are known.
    """

    office: str
    why: Why
    name: str = ""
    post: str = ""
    was: str = ""
    until: date | None = None


@dataclass(frozen=True, kw_only=True)
class Topic:
    """What is asked: the words as typed, what they mean, and what the answer is held to ("" or None: not)."""

    words: str
    parts: tuple[Part, ...]
    office: str = ""
    language: str = ""
    since: date | None = None
    until: date | None = None

    def takes(self, day: date | None) -> bool:
        """Whether something of that day is wanted; without a day only where no days are asked for."""
        if self.since is None and self.until is None:
            return True
        return day is not None and (self.since or day) <= day <= (self.until or day)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All that is shown of a topic, as of a day. Every sentence in it is a `Quote`."""

    topic: Topic
    as_of: date
    reader_office: str
    """The office whose colleagues may read all of it; "" where everybody may."""
    agreed: tuple[Point, ...]
    disputed: tuple[Point, ...]
    sections: tuple[Section, ...]
    coverage: Coverage
    missing: tuple[Missing, ...]
    read: tuple[Source, ...]
    """All that speaks of the topic and was read, quoted or not."""
    contacts: tuple[Contact, ...] = ()

    @property
    def points(self) -> tuple[Point, ...]:
        """Every point, in the order they are shown."""
        return (*self.agreed, *self.disputed, *(one for some in self.sections for one in some.points))

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """What is quoted, in the order of its first quotation; a source's number is its place here."""
        return tuple({q.source.key: q.source for point in self.points for q in point.quotes}.values())

    def number(self, quote: Quote) -> int:
        """The number of a quotation's source, from 1."""
        return self._numbers[quote.source.key]

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        return {source.key: number for number, source in enumerate(self.sources, start=1)}
