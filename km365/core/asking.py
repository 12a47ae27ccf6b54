"""Whom a milestone asks: rules as data, people in, the asked and the others with the reason out.

A rule is what a focal point writes, a line for each: "office: CO-ARD", "section: WASH", "role: *officer*",
"at most: 40", or a sign-in name. Lines of one kind are alternatives, kinds narrow one another, names come in
addition, and "not" before a line takes people out again.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

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


class Reason(StrEnum):
    """Why somebody who works where a milestone is held is not asked."""

    NOT_MEANT = "the rule does not speak of them"
    TAKEN_OUT = "the rule takes them out"
    ON_LEAVE = "they are on leave"
    OPTED_OUT = "they want no such messages"
    BLOCKED = "the app is blocked or not installed"
    NOT_DRAWN = "others of the large audience were drawn"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Who is asked, in the order of the directory, and the reason for everyone who is not.

    `unknown` are the numbers of lines that speak of nobody.
    """

    asked: tuple[Colleague, ...]
    left_out: tuple[tuple[Colleague, Reason], ...]
    unknown: tuple[int, ...]


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
    audience: Audience,
    people: Sequence[Colleague],
    kept_from: Callable[[Colleague], Reason | None],
    *,
    seed: str,
) -> Choice:
    """Whom of these people to ask.

    `kept_from` says what else speaks against asking somebody. Of a large audience so many are drawn by
    `seed` and id, spread over sections in proportion: of the same people the same every time.
    """
    meant = [one for one in people if _is_meant(audience.lines, one)]
    out = [line for line in audience.lines if line.out]
    reasons: dict[str, Reason] = {}
    for one in people:
        if one not in meant:
            reasons[one.id] = Reason.NOT_MEANT
        elif any(line.fits(one) for line in out):
            reasons[one.id] = Reason.TAKEN_OUT
        elif (why := kept_from(one)) is not None:
            reasons[one.id] = why
    free = [one for one in people if one.id not in reasons]
    named = [one for one in free if any(line.trait is None and line.fits(one) for line in audience.lines)]
    if audience.at_most is not None and len(free) > audience.at_most:
        others = [one for one in free if one not in named]
        drawn = {one.id for one in (*named, *_drawn(others, audience.at_most - len(named), seed))}
        reasons.update({one.id: Reason.NOT_DRAWN for one in free if one.id not in drawn})
    return Choice(
        asked=tuple(one for one in people if one.id not in reasons),
        left_out=tuple((one, reasons[one.id]) for one in people if one.id in reasons),
        unknown=tuple(line.number for line in audience.lines if not any(map(line.fits, people))),
    )


def speaks_of(audience: Audience, one: Colleague) -> bool:
    """Whether the rule means this colleague; of an audience that is drawn from, nobody knows beforehand."""
    out = any(line.fits(one) for line in audience.lines if line.out)
    return audience.at_most is None and not out and _is_meant(audience.lines, one)


def _is_meant(lines: Iterable[Line], one: Colleague) -> bool:
    """Whether a name fits, or one line of every trait that is spoken of."""
    wanted = [line for line in lines if not line.out]
    if any(line.trait is None and line.fits(one) for line in wanted):
        return True
    traits = {line.trait for line in wanted if line.trait is not None}
    return bool(traits) and all(
        any(line.trait is trait and line.fits(one) for line in wanted) for trait in traits
    )


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


def _folded(text: str) -> str:
    """Compared without case, accents and punctuation, but for the stars of a pattern."""
    return "*".join(plain(part) for part in text.split("*"))
