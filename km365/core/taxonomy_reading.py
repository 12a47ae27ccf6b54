"""What reading a file of terms gives, whatever kind of file it is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote

from km365.core.taxonomy import TermSet

TERMS_AT_MOST = 1000
"""The most terms of one set that a rule may allow a document."""


class Says(StrEnum):
    """How much of a term a kind of file can say."""

    EVERYTHING = "everything"  # our own files: what they do not say is meant to be empty
    MEANING = (
        "meaning"  # a thesaurus: labels, synonyms, definitions, broader terms, links, what is deprecated
    )
    LABELS = "labels"  # the term store's CSV: labels of one language, definitions, the tree


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a file of terms holds. `problems` name each thing that could not be taken, with its subject.

    `left_out` counts statements of kinds km365 does not keep, by property. `says`: how much such a file says.
    `whole`: whether all of it could be read, so that what it lacks is known. `unread` are the fields that
    could not be read, by concept id ("" for the term set): they say nothing.
    """

    term_sets: tuple[TermSet, ...]
    problems: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    says: Says = Says.MEANING
    whole: bool = True
    unread: Mapping[str, frozenset[str]] = field(default_factory=dict)


def slug(address: str, *, parts: int = 1) -> str:
    """A short key made of the telling end of an IRI or a title: `https://d-nb.info/gnd` is `gnd`.

    `parts` is how many parts of the IRI the end has.
    """
    end = "-".join([part for part in re.split(r"[/#:]", address) if part][-parts:])
    return re.sub(r"[^a-z0-9]+", "-", unquote(end).lower()).strip("-")
