"""Whom a milestone asks: rules as data, people in, whoever is asked out.

A rule is what a focal point writes, a line for each: "office: CO-ARD", "section: WASH", "role: *officer*",
"at most: 40", or a sign-in name. Lines of one kind are alternatives, kinds narrow one another, names come in
addition, and "not" before a line takes people out again.
"""

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache

from km365.core.commands import plain


class Trait(StrEnum):
    """What a line of a rule may look at."""

    OFFICE = "office"
    SECTION = "section"
    ROLE = "role"


@dataclass(frozen=True, kw_only=True)
class Colleague:
    """Somebody of the directory. `names` are the id, sign-in name and mail address."""

    id: str
    names: frozenset[str] = frozenset()
    office: str = ""
    section: str = ""
    role: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a rule: a pattern (`*` stands for any letters) for a trait, or for a name without one."""

    pattern: str
    trait: Trait | None = None
    out: bool = False
    number: int = 0

    def fits(self, one: Colleague) -> bool:
        """Whether it speaks of this colleague."""
        if self.trait is None:
            return self.pattern.casefold() in {name.casefold() for name in one.names}
        value = {
            Trait.OFFICE: one.office,
            Trait.SECTION: one.section,
            Trait.ROLE: one.role,
        }[self.trait]
        return bool(value) and fnmatchcase(_folded(value), _folded(self.pattern))


@dataclass(frozen=True, kw_only=True)
class Audience:
    """Whom to ask. `at_most` people are drawn from a larger audience; None asks all."""

    lines: tuple[Line, ...]
    at_most: int | None = None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Who is asked, in the order of the directory; `unknown` are the numbers of lines speaking of nobody.

    `not_drawn` are those whom the rule means, and whom the lot left out.
    """

    asked: tuple[Colleague, ...]
    unknown: tuple[int, ...]
    not_drawn: tuple[Colleague, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RuleWords:
    """What rules are written with, in all languages: `traits`, what takes people out, and what limits."""

    traits: Mapping[Trait, Sequence[str]]
    out: Sequence[str]
    at_most: Sequence[str]


def read_rule(text: str, *, words: RuleWords, office: str) -> Audience:
    """The audience that a text describes, a line for each; where nobody is named, the whole `office`.

    A line that begins with no known word is a name, which may be nobody's.
    """
    traits = {_folded(word): trait for trait, several in words.traits.items() for word in several}
    limits = {_folded(word) for word in words.at_most}
    lines: list[Line] = []
    at_most: int | None = None
    for number, line in enumerate(text.replace(";", "\n").splitlines(), start=1):
        said, out = _taken_out(line.strip(), words.out)
        word, colon, pattern = said.replace("：", ":").partition(":")
        trait, count = traits.get(_folded(word)), pattern.strip()
        if colon and _folded(word) in limits and count.isdecimal():
            at_most = int(count[:6])
        elif said:
            pattern = count if colon and trait else said
            lines.append(Line(pattern=pattern, trait=trait if colon else None, out=out, number=number))
    if not any(not line.out for line in lines):
        lines.append(Line(pattern=office, trait=Trait.OFFICE))
    return Audience(lines=tuple(lines), at_most=at_most)


def _taken_out(line: str, words: Sequence[str]) -> tuple[str, bool]:
    """The line without the word that takes people out, and whether there was one."""
    for word in words:
        rest = line[len(word) :]
        if line.casefold().startswith(word.casefold()) and rest[:1] in {" ", ":", "："}:
            return rest.lstrip(" :："), True
    return line, False


def choose(
    audience: Audience, people: Sequence[Colleague], *, seed: str, already: Container[str] = frozenset()
) -> Choice:
    """Whom of these people to ask.

    Of a large audience so many are drawn by `seed` and id, spread over sections in proportion: of the same
    people the same every time. Who is named is always among them, and who was drawn `already` (ids) comes
    before others, so that a new colleague takes nobody's place.
    """
    meant = [one for one in people if _is_meant(audience.lines, one)]
    drawn = {one.id for one in meant}
    if audience.at_most is not None and len(meant) > audience.at_most:
        names = [line for line in audience.lines if line.trait is None]
        drawn = {one.id for one in meant if any(line.fits(one) for line in names)}
        for before in (True, False):
            others = [one for one in meant if one.id not in drawn and (one.id in already) is before]
            drawn.update(one.id for one in _drawn(others, audience.at_most - len(drawn), seed))
    return Choice(
        asked=tuple(one for one in meant if one.id in drawn),
        not_drawn=tuple(one for one in meant if one.id not in drawn),
        unknown=tuple(line.number for line in audience.lines if not any(map(line.fits, people))),
    )


class NotAsked(StrEnum):
    """Why a colleague is not asked about a milestone."""

    NOT_MEANT = "the rule does not mean them"
    TAKEN_OUT = "a line takes them out"
    NOT_DRAWN = "not drawn"
    WANTS_NONE = "wants no such messages"
    BLOCKED = "has blocked or removed the app"
    ASKED = "asked already"
    TOO_LATE = "put off until it is too late"


def left_out(
    audience: Audience, choice: Choice, people: Iterable[Colleague], *, office: str
) -> Iterator[tuple[Colleague, NotAsked, int]]:
    """Why the rule does not ask the others of the office, and those elsewhere whom it would mean.

    With the number of the line that takes them out, 0 where none does.
    """
    asked = {one.id for one in choice.asked}
    not_drawn = {one.id for one in choice.not_drawn}
    taken_in = [line for line in audience.lines if not line.out]
    for one in people:
        if one.id in not_drawn:
            yield one, NotAsked.NOT_DRAWN, 0
        elif one.id not in asked and _is_meant(taken_in, one):
            line = next(line for line in audience.lines if line.out and line.fits(one))
            yield one, NotAsked.TAKEN_OUT, line.number
        elif one.id not in asked and _folded(one.office) == _folded(office):
            yield one, NotAsked.NOT_MEANT, 0


def rank(kind: str, importance: Sequence[str]) -> int:
    """How important a kind of milestone is, 1 being the most; kinds that are not in the list come last."""
    order = [_folded(one) for one in importance]
    return 1 + (order.index(_folded(kind)) if _folded(kind) in order else len(order))


def speaks_of(audience: Audience, one: Colleague) -> bool:
    """Whether the rule means this colleague; of an audience that is drawn from, nobody knows beforehand."""
    return audience.at_most is None and _is_meant(audience.lines, one)


def _is_meant(lines: Sequence[Line], one: Colleague) -> bool:
    """Whether a name fits, or one line of every trait that is spoken of, and no line takes them out."""
    fitting = [line for line in lines if line.fits(one)]
    if any(line.out for line in fitting):
        return False
    traits = {line.trait for line in lines if not line.out and line.trait is not None}
    found = {line.trait for line in fitting}
    return None in found or (bool(traits) and traits <= found)


def _drawn(people: Sequence[Colleague], count: int, seed: str) -> list[Colleague]:
    """So many of them by lot, each section in proportion to its size, and one of each where there is room."""
    sections: dict[str, list[Colleague]] = {}
    for one in sorted(people, key=lambda one: _lot(seed, one.id)):
        sections.setdefault(_folded(one.section), []).append(one)
    order = sorted(
        (
            (at / len(them), _lot(seed, one.id), one)
            for them in sections.values()
            for at, one in enumerate(them)
        ),
        key=lambda turn: turn[:2],
    )
    return [one for _, _, one in order[: max(0, count)]]


def _lot(seed: str, person_id: str) -> str:
    return hashlib.sha256(f"{seed}\n{person_id}".encode()).hexdigest()


@lru_cache(maxsize=4096)
def _folded(text: str) -> str:
    """Compared without case, accents and punctuation, but for the stars of a pattern."""
    return "*".join(plain(part) for part in text.split("*"))
