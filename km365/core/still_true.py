"""Whether what was learnt still holds: which lessons a reflection opens with, and what comes of the answers.

Nothing here guesses: a lesson is shown for reasons that can be said in words (`Why`), and one person's "no
longer" takes nothing away. It puts the lesson before a reviewer.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from km365.core.audience import Audience, Circle, Reader, may_read
from km365.core.commands import plain
from km365.core.knowledge import Effect, KnowledgeItem, Maturity
from km365.core.search_entries import SHOWN, sentences_of

OWN, OTHERS = 2, 3
"""At most so many lessons of the office itself, and of others."""
UNASKED = timedelta(days=30)
"""So long nobody is asked about what they sent themselves, or have answered at another milestone."""
LEAST = 2
"""What a lesson of another office must score; a shared goal area alone is no likeness."""
_KIND, _TAG, _SECTOR, _MOST_TAGS = 4, 2, 1, 3
_STANDS = SHOWN | {Maturity.SUBMITTED, Maturity.IN_REVIEW}
"""Within an office, what a colleague sent counts before it is checked, as in `km365 lesson list`."""
_READ = frozenset({Audience.EVERYONE, Audience.OFFICE})


ASKED_BEFORE = timedelta(days=30)
"""So long before the day by which a lesson is to be confirmed somebody is asked whether it is."""


class Verdict(StrEnum):
    """What somebody says of a lesson."""

    STILL_TRUE = "still true"
    CHANGED = "changed"
    NO_LONGER = "no longer"
    ACTED = "acted on"


CONFIRMS = frozenset({Verdict.STILL_TRUE, Verdict.ACTED})
DOUBTS = frozenset({Verdict.CHANGED, Verdict.NO_LONGER})
"""What puts a lesson before a reviewer."""
HOLDS = {True: timedelta(days=2 * 365), False: timedelta(days=365)}
"""How long after it was confirmed a lesson need not be reviewed: by its own office, and by another."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A lesson that might be shown. `milestone_kind` is "" where it came of no milestone.

    `tags` are the term-store ids it is about, `sectors` those of its goal areas.
    """

    item: KnowledgeItem
    milestone_kind: str = ""
    tags: frozenset[str] = frozenset()
    sectors: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """A person who begins to reflect on a milestone. `answered` are ids of lessons they have answered about.

    `tags` and `sectors` are what the office is known to work on: those of its own lessons.
    """

    office: str
    milestone: str
    kind: str
    reader: Reader
    now: datetime
    answered: Collection[str] = ()
    tags: frozenset[str] = frozenset()
    sectors: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Why:
    """Why a lesson is shown, to be put into words: each is a reason of its own. Ids in a fixed order."""

    own: bool
    same_kind: bool = False
    tags: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A lesson that is shown, and why."""

    lesson: Lesson
    why: Why


def choose(lessons: Iterable[Lesson], occasion: Occasion) -> list[Choice]:
    """What a reflection opens with: the office's own first, then at most one of each look-alike office.

    The same lessons in any order give the same choice.
    """
    shown = [one for one in lessons if is_shown(one.item, occasion)]
    own = [_choice(one, occasion) for one in shown if _is_own(one.item, occasion)]
    others = [_choice(one, occasion) for one in shown if not _is_own(one.item, occasion)]
    own.sort(key=lambda one: (not one.why.same_kind, *_latest(one)))
    others = sorted((one for one in others if score(one.why) >= LEAST), key=_best)
    by_office: dict[str, Choice] = {}
    for one in others:
        by_office.setdefault(one.lesson.item.office.casefold(), one)
    return [*own[:OWN], *list(by_office.values())[:OTHERS]]


def is_shown(item: KnowledgeItem, occasion: Occasion) -> bool:
    """Whether this person may read the item, and is to be asked about it now."""
    reader, mine = occasion.reader, occasion.reader.person_id in item.contributors
    within = bool(item.office) and reader.office.casefold() == item.office.casefold()
    if item.maturity not in (_STANDS if within else SHOWN) or item.audience not in _READ:
        return False
    if not item.id or item.id in occasion.answered or item.milestone == occasion.milestone:
        return False
    if mine and (item.submitted_at is None or occasion.now - item.submitted_at < UNASKED):
        return False
    return may_read(item.audience, reader, Circle(authors=frozenset(), office=item.office))


def to_confirm(item: KnowledgeItem, today: date) -> bool:
    """Whether it is time to ask somebody whether the item still holds."""
    if item.maturity not in SHOWN or item.audience not in _READ or not item.id:
        return False
    return item.review_by is not None and today >= item.review_by - ASKED_BEFORE


def who_confirms(
    contributors: Sequence[str],
    *,
    here: Collection[str],
    followers: Mapping[str, str],
    others: Sequence[str],
) -> tuple[str, ...]:
    """Whom to ask whether an item still holds, of those `here`.

    Its contributors; where all have left, those who speak for them: `followers`; else the `others`.
    """
    stayed = tuple(one for one in contributors if one in here)
    followed = [followers[one] for one in contributors if followers.get(one) in here]
    return stayed or tuple(dict.fromkeys(followed)) or tuple(others)


def score(why: Why) -> int:
    """How near a lesson of another office is. The same kind of milestone weighs as much as two tags."""
    return (
        _KIND * why.same_kind
        + _TAG * min(len(why.tags), _MOST_TAGS)
        + _SECTOR * min(len(why.sectors), _MOST_TAGS)
    )


def one_sentence(item: KnowledgeItem) -> str:
    """The sentence of a lesson that stands under its title, word for word: what to do, else what happened."""
    for text in (item.advice, item.description, item.cause):
        for sentence in sentences_of(text):
            if sentence != item.title:
                return sentence
    return ""


def _is_own(item: KnowledgeItem, occasion: Occasion) -> bool:
    return item.office.casefold() == occasion.office.casefold()


def _choice(lesson: Lesson, occasion: Occasion) -> Choice:
    why = Why(
        own=_is_own(lesson.item, occasion),
        same_kind=bool(occasion.kind) and lesson.milestone_kind == occasion.kind,
        tags=tuple(sorted(lesson.tags & occasion.tags)),
        sectors=tuple(sorted(lesson.sectors & occasion.sectors)),
    )
    return Choice(lesson=lesson, why=why)


def _best(one: Choice) -> tuple[int, float, str]:
    return (-score(one.why), *_latest(one))


def _latest(one: Choice) -> tuple[float, str]:
    at = one.lesson.item.submitted_at
    return (-at.timestamp() if at else 0.0, one.lesson.item.id)


# What is said of them --------------------------------------------------------------------------------------


V = TypeVar("V", bound=StrEnum)


@dataclass(frozen=True, kw_only=True)
class Phrases(Generic[V]):
    """What people type: the phrases of each verdict, and words that mean all lessons. In any language."""

    verdicts: Mapping[V, Collection[str]]
    everything: Collection[str]

    def spoken(self, text: str, *, most: int) -> dict[int, V] | None:
        """The verdicts by number in "1 still true, 2 changed" or "all still true", of `most` lessons.

        None where it is anything else, if only in part: then it is somebody's own words. Of one lesson the
        verdict alone will do.
        """
        said = plain(text)
        if most == 1 and (one := self._verdict(said)):
            return {1: one}
        for word in map(plain, self.everything):
            if said.startswith(word) and (one := self._verdict(said[len(word) :].strip())):
                return dict.fromkeys(range(1, most + 1), one)
        found: dict[int, V] = {}
        for numbers, phrase in _NUMBERED.findall(said):
            verdict = self._verdict(phrase.strip())
            places = [int(number) for number in numbers.split()]
            if verdict is None or not all(1 <= place <= most for place in places):
                return None
            found |= dict.fromkeys(places, verdict)
        return found if found and _NUMBERED.sub("", said).strip() == "" else None

    def _verdict(self, said: str) -> V | None:
        known = ((one, phrase) for one, phrases in self.verdicts.items() for phrase in phrases)
        return next((one for one, phrase in known if said == plain(phrase)), None)


_NUMBERED = re.compile(r"((?:\d{1,2} ?)+)([^\d]+)")


# What comes of the answers --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one person said of a lesson at one milestone, without who: `office` is theirs.

    `words` tell what changed or what was done. A doubt is `settled` once a reviewer has looked at it.
    """

    verdict: Verdict
    office: str
    on: date
    words: str = ""
    settled: bool = False


@dataclass(frozen=True, kw_only=True)
class Held:
    """What is known of whether a lesson still holds: offices that confirm it, when last, and open doubts."""

    offices: int
    last: date | None
    doubts: tuple[Answer, ...]


@dataclass(frozen=True, kw_only=True)
class Record:
    """What the record of a lesson is to say because of the answers."""

    effect: Effect
    review_by: date | None
    confirmed_on: date | None
    confirmed_by: int


def held(answers: Iterable[Answer]) -> Held:
    """The answers to one lesson put together. An office counts once, and not with people who doubt alone."""
    known = list(answers)
    confirming = [one for one in known if one.verdict in CONFIRMS]
    return Held(
        offices=len({one.office.casefold() for one in confirming}),
        last=max((one.on for one in confirming), default=None),
        doubts=tuple(one for one in known if one.verdict in DOUBTS and not one.settled),
    )


def record(item: KnowledgeItem, answers: Sequence[Answer]) -> Record:
    """What the answers make of an item's record; to work it out again changes nothing.

    The effect only ever rises: what was done in its own office is an action agreed, a change once somebody
    says which; acted on in another it is confirmed elsewhere. A confirmation puts the review off by `HOLDS`,
    unless a doubt is open.
    """
    stands = held(answers)
    effect = max((item.effect, *(_effect(item, one) for one in answers)), key=_RISES.__getitem__)
    review_by = item.review_by
    if review_by is not None and not stands.doubts:
        put_off = [one.on + HOLDS[_same_office(item, one)] for one in answers if one.verdict in CONFIRMS]
        review_by = max((review_by, *put_off))
    return Record(effect=effect, review_by=review_by, confirmed_on=stands.last, confirmed_by=stands.offices)


_RISES: Mapping[Effect, int] = {effect: place for place, effect in enumerate(Effect)}


def _effect(item: KnowledgeItem, answer: Answer) -> Effect:
    if answer.verdict is not Verdict.ACTED:
        return Effect.NOTED
    if not _same_office(item, answer):
        return Effect.CONFIRMED_ELSEWHERE
    return Effect.CHANGED if answer.words else Effect.ACTION_AGREED


def _same_office(item: KnowledgeItem, answer: Answer) -> bool:
    return item.office.casefold() == answer.office.casefold()
