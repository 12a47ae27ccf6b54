"""Who may read what a person said. Privacy is a data type: every answer and item carries an audience.

The levels come from the agency's interview practice (DOMAIN (c)): the person may narrow an answer alone and
widen it only with a second confirmation. `UNRECORDED` is never stored at all.
"""

from dataclasses import dataclass
from enum import StrEnum


class Audience(StrEnum):
    """Who may read it, from the widest to the narrowest."""

    EVERYONE = "U"
    """Everyone in the organisation."""
    OFFICE = "O"
    """The person's own office."""
    SUCCESSOR = "S"
    """The successor and the supervisor."""
    NAMED = "R"
    """The people named with it, nobody else; the person alone while nobody is (`core/named_readers.py`)."""
    UNRECORDED = "X"
    """Talked about, not written down."""


_WIDEST_FIRST = tuple(Audience)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Somebody who wants to read: an Entra object id and the office they belong to."""

    person_id: str
    office: str


@dataclass(frozen=True, kw_only=True)
class Circle:
    """The people around a text: who wrote it, in which office, and who is close to it."""

    authors: frozenset[str]
    office: str
    successor: str | None = None
    supervisor: str | None = None
    named: frozenset[str] = frozenset()


def narrower(first: Audience, second: Audience) -> bool:
    """Whether `first` lets fewer people read than `second`."""
    return _WIDEST_FIRST.index(first) > _WIDEST_FIRST.index(second)


def narrowest(*audiences: Audience) -> Audience:
    """The narrowest of several: what is made of many answers is read by those who may read each of them."""
    return max(audiences, key=_WIDEST_FIRST.index)


def may_read(audience: Audience, reader: Reader, circle: Circle) -> bool:
    """Whether `reader` may see a text of this audience. Authors always see their own."""
    if reader.person_id in circle.authors:
        return True
    if audience is Audience.EVERYONE:
        return True
    if audience is Audience.OFFICE:
        return bool(circle.office) and reader.office.casefold() == circle.office.casefold()
    if audience is Audience.SUCCESSOR:
        return reader.person_id in {circle.successor, circle.supervisor}
    return audience is Audience.NAMED and reader.person_id in circle.named
