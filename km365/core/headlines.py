"""Headline messages of a milestone: a few sentences out of what people sent, each as somebody wrote it.

Sentences that say much the same are one message with the number of people behind it; who denies what others
say is shown beside it and never counted with them. Nothing is worded by us: a headline is a quotation.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from km365.core import alike
from km365.core.audience import Audience, narrowest
from km365.core.group_reflection import LIMIT
from km365.core.sorting import links, sentences

MOST = 7
"""Candidates. A front office chooses two or three; more than seven nobody compares."""
FIELDS = ("title", "advice", "description", "cause")
"""The fields of an item out of which headlines come, the best first: a title was asked for as one."""

_SHORTEST, _LONGEST = 4, 300
"""Words that say something, and characters, of a sentence that stands for itself."""
_GOOD_LENGTH = range(40, 181)
_COMPARED = 2_000
"""Sentences that are compared with each other, the best first: they take a second or two."""
_QUOTES = 3
_OTHERS = 2
_SHARED_WORDS = 2.0
"""People who use a word of it, on average, where it speaks of what others speak of."""
_OF_ONE = 2
"""Candidates out of one contribution, the second only after everybody's first."""
_READ = frozenset({Audience.EVERYONE, Audience.OFFICE})


class Why(StrEnum):
    """Why a candidate stands where it stands."""

    MANY = "many"  # so many people say it, most first
    DISPUTED = "disputed"  # others say otherwise
    SIDE = "side"  # the first about this side of the work
    THEME = "theme"  # the first on this theme
    WORDS = "words"  # speaks of what others speak of
    ROOM = "room"  # there was room for it


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What one field of one contribution says. `source` is the contribution's id, `people` who made it."""

    source: str
    people: frozenset[str]
    field: str
    text: str
    audience: Audience
    language: str
    perspective: str = ""
    polarity: str = ""
    themes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a quotation stands, without a word of it: so it goes when its author takes it back."""

    source: str
    field: str
    digest: str

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The place that was kept as JSON."""
        return cls(source=value["source"], field=value["field"], digest=value["digest"])

    def to_json(self) -> dict[str, str]:
        """The place as it is kept."""
        return {"source": self.source, "field": self.field, "digest": self.digest}


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A sentence exactly as it stands in what somebody sent."""

    place: Place
    text: str
    audience: Audience
    language: str


@dataclass(frozen=True, kw_only=True)
class Headline:
    """One candidate. `people` and `against` are None where fewer than `LIMIT` say so: the number is not told.

    Then `sources` is empty too, and every quotation of that side is out of one contribution.
    """

    perspective: str
    theme: str
    says: Quote
    quotes: tuple[Quote, ...]
    """Others who say much the same, or what the same person tells about it."""
    others: tuple[Quote, ...]
    """Who denies it, in their words."""
    people: int | None
    against: int | None
    sources: tuple[str, ...]
    why: tuple[Why, ...] = ()

    @property
    def audience(self) -> Audience:
        """Who may read all of it."""
        return narrowest(*(one.audience for one in (self.says, *self.quotes, *self.others)))


@dataclass(frozen=True, kw_only=True)
class Group:
    """One theme of one side of the work. `people` is None where fewer than `LIMIT` spoke of it."""

    perspective: str
    theme: str
    people: int | None


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came of a milestone: nothing, and `people` is 0, where fewer than `LIMIT` sent something."""

    people: int
    headlines: tuple[Headline, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A sentence with what it is compared by."""

    quote: Quote
    said: Statement
    words: frozenset[str]
    denied: frozenset[str]

    @property
    def polarity(self) -> str:
        """Whether the contribution tells of a success or a failure."""
        return self.said.polarity

    @property
    def rank(self) -> tuple[int, int, int, str]:
        """The better headline first: by its field, whole and of good length."""
        text = self.quote.text
        faults = (len(text) not in _GOOD_LENGTH) + text[0].islower()
        return FIELDS.index(self.said.field), faults, len(text), text


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    line: _Line
    together: tuple[_Line, ...]
    against: tuple[_Line, ...]
    weight: float
    again: bool = False
    """Whether its contribution has another candidate already."""

    @property
    def people(self) -> frozenset[str]:
        return _people(self.together)


def find(statements: Iterable[Statement], *, names: Iterable[str] = (), about: str = "") -> Found:
    """The candidates among what people sent for a milestone, at most `MOST`, whatever order it came in.

    Only what everyone or the office may read is looked at. Sentences with one of the `names` in them are not
    quoted; the words of the milestone itself (`about`) make no sentences alike.
    """
    read = _readable(statements)
    people = frozenset(person for one in read for person in one.people)
    if len(people) < LIMIT:
        return Found(people=0)
    themes = _themes(read)
    lines = sorted(_lines(read, frozenset(names), alike.all_words(about)), key=lambda one: one.rank)
    lines = lines[:_COMPARED]
    candidates = _candidates(lines)
    return Found(
        people=len(people),
        headlines=tuple(_ranked(candidates, lines, themes)),
    )


def groups(statements: Iterable[Statement]) -> list[Group]:
    """What people spoke of: each theme of each side of the work, with how many did."""
    read = _readable(statements)
    themes = _themes(read)
    people: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for one in read:
        people[one.perspective, themes[one.source]] |= one.people
    return [
        Group(perspective=perspective, theme=theme, people=said_by(len(some)))
        for (perspective, theme), some in sorted(people.items())
    ]


def standing(quotes: Sequence[Place], statements: Iterable[Statement]) -> dict[Place, Quote]:
    """Those of the places whose sentence still stands there, word for word, and may be read."""
    wanted = set(quotes)
    found: dict[Place, Quote] = {}
    for one in statements:
        if one.audience in _READ:
            found |= {quote.place: quote for quote in _quotes(one) if quote.place in wanted}
    return found


def said_by(count: int) -> int | None:
    """The count as it may be told: None below `LIMIT`."""
    return count if count >= LIMIT else None


def _readable(statements: Iterable[Statement]) -> list[Statement]:
    """What everyone or the office may read, in an order of its own."""
    read = [one for one in statements if one.audience in _READ and one.text.strip()]
    return sorted(read, key=lambda one: (one.source, one.field, one.text))


def _quotes(one: Statement) -> Iterator[Quote]:
    """The statement's sentences; a title is one."""
    texts = [one.text.strip()] if one.field == "title" else [said.text for said in sentences(one.text)]
    for text in texts:
        line = " ".join(text.split()).lstrip("-•*– ")
        digest = hashlib.sha256(line.encode()).hexdigest()[:16]
        place = Place(source=one.source, field=one.field, digest=digest)
        yield Quote(place=place, text=line, audience=one.audience, language=one.language)


def _lines(statements: Iterable[Statement], names: frozenset[str], ours: frozenset[str]) -> Iterator[_Line]:
    """What can stand for itself: long enough to say something, no question, no link, nobody's name."""
    seen: set[Place] = set()
    for one in statements:
        if one.field not in FIELDS:
            continue
        for quote in _quotes(one):
            words = alike.words(quote.text, ours=ours)
            fits = len(words) >= _SHORTEST and len(quote.text) <= _LONGEST
            open_ = quote.text.endswith(("?", "؟", "？", "…", ":", "："))
            if quote.place in seen or not fits or open_ or links(quote.text) or _names(quote.text, names):
                continue
            seen.add(quote.place)
            yield _Line(quote=quote, said=one, words=alike.bare(words), denied=alike.denied(words))


def _names(text: str, names: frozenset[str]) -> bool:
    """Whether a name, or a part of one, is written here; in Chinese the whole of it."""
    words = {word.strip(".,;:!?()\"'«»“”’،؛。，、") for word in text.split()}
    parts = {part for name in names for part in name.replace("-", " ").split() if len(part) > 1}
    spoken = {word.removesuffix("'s").removesuffix("’s") for word in words}
    return bool(spoken & parts) or any(name in text for name in names if name and name[0] >= "\u3400")


def _themes(statements: Iterable[Statement]) -> Mapping[str, str]:
    """Of each contribution the theme that most people share; "" where it has none."""
    having: defaultdict[str, set[str]] = defaultdict(set)
    of: dict[str, tuple[str, ...]] = {}
    for one in statements:
        of[one.source] = one.themes
        for theme in one.themes:
            having[theme] |= one.people
    return {
        source: min(themes, key=lambda theme: (-len(having[theme]), themes.index(theme)), default="")
        for source, themes in of.items()
    }


def _candidates(lines: Sequence[_Line]) -> list[_Candidate]:
    """Sentences that several say, the most widely said first; then what is left of each contribution."""
    same, other = alike.compared(lines)
    weights = _weights(lines)
    groups = alike.said_by_several(same, [one.said.people for one in lines], lambda at: lines[at].rank)
    made = [_candidate(lines, best, together, other, weights) for best, together in groups]
    left = set(range(len(lines))).difference(*(together for _, together in groups))
    told = Counter({one.said.source: 1 for some in made for one in some.together})
    for at in sorted(left, key=lambda at: lines[at].rank):
        source = lines[at].said.source
        if told[source] < _OF_ONE:
            alone = _candidate(lines, at, frozenset({at}), other, weights)
            made.append(replace(alone, again=told[source] > 0))
            told[source] += 1
    return made


def _candidate(
    lines: Sequence[_Line],
    best: int,
    together: frozenset[int],
    other: Mapping[int, set[int]],
    weights: Sequence[float],
) -> _Candidate:
    agreeing = _people(lines[at] for at in together)
    against = {i for at in together for i in other.get(at, ()) if not lines[i].said.people & agreeing}
    return _Candidate(
        line=lines[best],
        together=tuple(sorted((lines[at] for at in together), key=lambda one: one.rank)),
        against=tuple(sorted((lines[at] for at in against), key=lambda one: one.rank)),
        weight=weights[best],
    )


def _weights(lines: Sequence[_Line]) -> list[float]:
    """How many people, on average, use a word of the sentence."""
    using: defaultdict[str, set[str]] = defaultdict(set)
    for line in lines:
        for word in line.words:
            using[word] |= line.said.people
    return [sum(len(using[word]) for word in line.words) / len(line.words) for line in lines]


def _ranked(
    candidates: Sequence[_Candidate], lines: Sequence[_Line], themes: Mapping[str, str]
) -> Iterator[Headline]:
    """What most people say first; then what opens another side, another theme, and speaks of what others do.

    Of those whom fewer than `LIMIT` support, none comes first for its number.
    """
    left, sides, seen, beside = list(candidates), set[str](), set[str](), set[Place]()
    for _ in range(MOST):
        left = [
            one for one in left if said_by(len(one.people)) is not None or one.line.quote.place not in beside
        ]
        if not left:
            return
        best = min(left, key=lambda one: _order(one, themes, sides, seen))
        left.remove(best)
        made = _headline(best, lines, themes)
        why = tuple(_reasons(made, sides, seen, shared=best.weight >= _SHARED_WORDS))
        yield replace(made, why=why or (Why.ROOM,))
        sides.add(made.perspective)
        seen.add(made.theme)
        beside |= {line.quote.place for line in best.against}


def _order(
    one: _Candidate, themes: Mapping[str, str], sides: set[str], seen: set[str]
) -> tuple[int, bool, bool, bool, bool, float, tuple[int, int, int, str]]:
    side, theme = _most(one.together, themes)
    return (
        -(said_by(len(one.people)) or 0),
        one.again,
        side in sides,
        theme in seen,
        not one.against,
        -one.weight,
        one.line.rank,
    )


def _reasons(made: Headline, sides: set[str], seen: set[str], *, shared: bool) -> Iterator[Why]:
    if made.people is not None:
        yield Why.MANY
    if made.others:
        yield Why.DISPUTED
    if made.perspective and made.perspective not in sides:
        yield Why.SIDE
    if made.theme and made.theme not in seen:
        yield Why.THEME
    if made.people is None and shared:
        yield Why.WORDS


def _headline(one: _Candidate, lines: Sequence[_Line], themes: Mapping[str, str]) -> Headline:
    side, theme = _most(one.together, themes)
    people, against = said_by(len(one.people)), said_by(len(_people(one.against)))
    return Headline(
        perspective=side,
        theme=theme,
        says=one.line.quote,
        quotes=tuple(_supporting(one, lines, several=people is not None)),
        others=tuple(_apart(one.against, _OTHERS if against is not None else 1)),
        people=people,
        against=against,
        sources=tuple(sorted({line.said.source for line in one.together})) if people is not None else (),
    )


def _supporting(one: _Candidate, lines: Sequence[_Line], *, several: bool) -> list[Quote]:
    """Others who say it, where they are several; else what the same contribution tells happened."""
    if several:
        rest = [line for line in one.together if line.said.source != one.line.said.source]
        if quotes := _apart(rest, _QUOTES, but=one.line):
            return quotes
    own = [
        line
        for line in lines
        if line.said.source == one.line.said.source
        and line.said.field == "description"
        and line.quote.text != one.line.quote.text
    ]
    return [line.quote for line in own[:1]]


def _apart(lines: Iterable[_Line], most: int, *, but: _Line | None = None) -> list[Quote]:
    """One sentence a contribution, no two alike."""
    texts, sources = ({but.quote.text} if but else set[str]()), set[str]()
    found: list[Quote] = []
    for line in lines:
        if line.quote.text not in texts and line.said.source not in sources:
            texts.add(line.quote.text)
            sources.add(line.said.source)
            found.append(line.quote)
    return found[:most]


def _most(lines: Sequence[_Line], themes: Mapping[str, str]) -> tuple[str, str]:
    """The side of the work and the theme that most of these contributions have."""
    sources = {line.said.source: line.said.perspective for line in lines}
    pairs = Counter((side, themes[source]) for source, side in sources.items())
    return min(pairs, key=lambda pair: (-pairs[pair], not pair[0], not pair[1], pair))


def _people(lines: Iterable[_Line]) -> frozenset[str]:
    return frozenset(person for line in lines for person in line.said.people)
