"""What reading a file of terms gives, whatever kind of file it is; and how the JSON of some is read."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
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


_ESCAPE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>\\u[dD][89a-fA-F]..)|\\.")
_DIGITS_AT_MOST = 18


def json_of(text: str, *, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The values of JSON text, objects made by `pairs` if given. Raises ValueError saying the place and why.

    Half a character (a lone surrogate, as `\\ud83d`) is refused: no file could be written with it.
    """
    text = text.removeprefix("\ufeff")  # what Windows' Notepad puts before UTF-8
    try:
        data = json.loads(text, object_pairs_hook=pairs, parse_int=_number)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}: not JSON ({error.msg})") from None
    except RecursionError:
        raise ValueError("the file: it is nested too deeply") from None
    escapes = _ESCAPE.finditer(text) if "\\ud" in text or "\\uD" in text else iter(())
    for half in (found for found in escapes if found["half"]):
        line = text.count("\n", 0, half.start()) + 1
        raise ValueError(f"line {line}: {half[0]} is half a character; write the whole one")
    return data


def _number(digits: str) -> int | float:
    """Python refuses to make a whole number of thousands of digits; no file of terms needs one so long."""
    return int(digits) if len(digits) <= _DIGITS_AT_MOST else float(digits)
