"""Terms that staff ask for: one request a wish, however many colleagues have it."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from km365.core.languages import LANGUAGES
from km365.core.taxonomy import FORBIDDEN, LABEL_LIMIT, Concept, TermSet
from km365.core.text import key
from km365.errors import InputRefused

BECAUSE_LIMIT = 500
"""The longest reason of one person, in characters."""


class RequestState(StrEnum):
    """Where a request is."""

    OPEN = "open"  # waits for a focal point
    ACCEPTED = "accepted"  # the files have the term now; the next push brings it to the term store
    DECLINED = "declined"  # the reason is kept


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody asks for. `broader` is the id of the term it would stand under, if they know one."""

    label: str
    facet: str
    language: str
    broader: str | None = None

    @property
    def reads(self) -> str:
        """How the label reads: wishes for one facet that read the same are one request."""
        return " ".join(key(self.label)) or self.label.casefold()


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One colleague's wish and why ("" once that has expired).

    `who` is a person id, or who asked on the command line.
    """

    who: str
    because: str
    language: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Request:
    """A term that was asked for. `reason` and `concept_id` say what came of it."""

    id: str
    wish: Wish
    state: RequestState
    asked_at: datetime
    decided_at: datetime | None = None
    reason: str = ""
    concept_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What speaks for a request: different people who asked, documents that use its words, and corrections of
    tags that used them.
    """

    askers: int
    documents: int
    feedback: int

    @property
    def weight(self) -> tuple[int, int, int]:
        """For sorting: people first."""
        return self.askers, self.documents, self.feedback


def checked(wish: Wish, because: str, term_set: TermSet | None) -> Wish:
    """The wish, tidied. Raises InputRefused, saying why, where it cannot become a term.

    A label that the term set has already is refused with the term that has it.
    """
    label = " ".join(wish.label.split())
    if term_set is None:
        raise InputRefused(f"There is no term set {wish.facet!r}; `km365 taxonomy list` shows them.")
    if wish.language not in LANGUAGES:
        raise InputRefused(f"{wish.language!r} is none of {', '.join(LANGUAGES)}.")
    if not label or len(label) > LABEL_LIMIT:
        raise InputRefused(f"A term has 1 to {LABEL_LIMIT} characters; this one has {len(label)}.")
    if bad := sorted(FORBIDDEN & set(label)):
        raise InputRefused(f"A term must not have {bad[0]!r}; the term store refuses it.")
    if not because.strip() or len(because) > BECAUSE_LIMIT:
        raise InputRefused(f"Say in 1 to {BECAUSE_LIMIT} characters what the term is needed for.")
    if known := term_set.find(label):
        raise InputRefused(f"{label!r} is there: {known[0].label(wish.language)} ({known[0].id}).")
    if wish.broader is not None and wish.broader not in term_set.by_id:
        raise InputRefused(f"{wish.broader!r} is no term of {wish.facet!r}, so nothing can stand under it.")
    return replace(wish, label=label)


def concept(wish: Wish, term_set: TermSet) -> Concept:
    """The term that the request would become, with an id of its own."""
    return Concept(
        id=_free_id(wish.label, term_set.key, term_set.by_id.keys()),
        labels={wish.language: wish.label},
        broader=wish.broader if wish.broader in term_set.by_id else None,
        mode=term_set.mode,
    )


def _free_id(label: str, facet: str, taken: Collection[str]) -> str:
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "term"
    found, number = f"{facet}/{stem}", 2
    while found in taken:
        found, number = f"{facet}/{stem}-{number}", number + 1
    return found
