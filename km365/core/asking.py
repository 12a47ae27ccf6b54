"""Whom a milestone asks: rules as data, people in, whoever is asked out.

A rule is what a focal point writes, a line for each: "office: CO-ARD", "section: WASH", "role: *officer*",
"at most: 40", or a sign-in name. Lines of one kind are alternatives, kinds narrow one another, names come in
addition, and "not" before a line takes people out again.
"""

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set
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


class Staff:
    """Those whom a rule may speak of, in the order of the directory, found by their names and traits.

    Of 20,000 people a rule looks at some hundreds of offices, sections or roles.
    """

    def __init__(self, people: Iterable[Colleague]) -> None:
        self.people = tuple(people)
        self._named: dict[str, set[int]] = {}
        self._with: dict[Trait, dict[str, set[int]]] = {trait: {} for trait in Trait}
        for at, one in enumerate(self.people):
            for name in one.names:
                self._named.setdefault(name.casefold(), set()).add(at)
            values = {Trait.OFFICE: one.office, Trait.SECTION: one.section, Trait.ROLE: one.role}
            for trait, value in values.items():
                if value:
                    self._with[trait].setdefault(_folded(value), set()).add(at)

    def fitting(self, line: Line) -> Set[int]:
        """The places of those of whom the line speaks."""
        if line.trait is None:
            return self._named.get(line.pattern.casefold(), set())
        pattern = _folded(line.pattern)
        found = (them for value, them in self._with[line.trait].items() if fnmatchcase(value, pattern))
        return set[int]().union(*found)

    def meant(self, lines: Sequence[Line]) -> Set[int]:
        """Those whom a name fits, or a line of every trait that is spoken of, and whom no line takes out."""
        named, out = set[int](), set[int]()
        having: dict[Trait, set[int]] = {}
        for line in lines:
            into = out if line.out else named if line.trait is None else having.setdefault(line.trait, set())
            into |= self.fitting(line)
        first, *others = having.values() or [set[int]()]
        return (named | first.intersection(*others)) - out


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


def choose(audience: Audience, staff: Staff, *, seed: str, already: Container[str] = frozenset()) -> Choice:
    """Whom of the staff to ask.

    Of a large audience so many are drawn by `seed` and id, spread over sections in proportion: of the same
    people the same every time. Who is named is always among them, and who was drawn `already` (ids) comes
    before others, so that a new colleague takes nobody's place.
    """
    meant = [staff.people[at] for at in sorted(staff.meant(audience.lines))]
    drawn = {one.id for one in meant}
    if audience.at_most is not None and len(meant) > audience.at_most:
        names = [line for line in audience.lines if line.trait is None]
        drawn = {staff.people[at].id for at in staff.meant(names)} & drawn
        for before in (True, False):
            others = [one for one in meant if one.id not in drawn and (one.id in already) is before]
            drawn.update(one.id for one in _drawn(others, audience.at_most - len(drawn), seed))
    return Choice(
        asked=tuple(one for one in meant if one.id in drawn),
        not_drawn=tuple(one for one in meant if one.id not in drawn),
        unknown=tuple(line.number for line in audience.lines if not staff.fitting(line)),
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
    audience: Audience, choice: Choice, staff: Staff, *, office: str
) -> Iterator[tuple[Colleague, NotAsked, int]]:
    """Why the rule does not ask the others of the office, and those elsewhere whom it would mean.

    With the number of the line that takes them out, 0 where none does.
    """
    asked = {one.id for one in choice.asked}
    not_drawn = {one.id for one in choice.not_drawn}
    taken_in = staff.meant([line for line in audience.lines if not line.out])
    taken_out = [(line.number, staff.fitting(line)) for line in audience.lines if line.out]
    for at, one in enumerate(staff.people):
        if one.id in not_drawn:
            yield one, NotAsked.NOT_DRAWN, 0
        elif one.id not in asked and at in taken_in:
            yield one, NotAsked.TAKEN_OUT, next(number for number, them in taken_out if at in them)
        elif one.id not in asked and _folded(one.office) == _folded(office):
            yield one, NotAsked.NOT_MEANT, 0


def rank(kind: str, importance: Sequence[str]) -> int:
    """How important a kind of milestone is, 1 being the most; kinds that are not in the list come last."""
    order = [_folded(one) for one in importance]
    return 1 + (order.index(_folded(kind)) if _folded(kind) in order else len(order))


def speaks_of(audience: Audience, one: Colleague) -> bool:
    """Whether the rule means this colleague; of an audience that is drawn from, nobody knows beforehand."""
    return audience.at_most is None and bool(Staff([one]).meant(audience.lines))


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
