"""Copies of the term store in the home folder: one as it was last read, one of what was last agreed on.

A copy is a text file with a term a line, so that 40,000 terms are read and written without holding it all.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sys import intern
from typing import Any

from km365.core.term_store import Labels, Languages, StoredTerm, TermStoreSet
from km365.services.whole_file import whole_file

log = logging.getLogger(__name__)

CACHE = "term-store.json"
"""The term store as it was last read: serves where it refuses the app, and spares reading it for each job."""
AGREED = "term-store-agreed.json"
"""The last values that our files and the term store both had; see `core/three_sides`."""
_FORM = "km365 term store 1"


@dataclass(frozen=True, kw_only=True)
class Copy:
    """The term store as it was read at that moment, by way of that site ("" in copies of old)."""

    site_id: str
    read_at: datetime
    languages: Languages
    sets: tuple[TermStoreSet, ...]

    @property
    def terms(self) -> int:
        """How many terms it has."""
        return sum(len(one.terms) for one in self.sets)

    def age(self) -> timedelta:
        """How long ago it was read."""
        return max(datetime.now(UTC) - self.read_at, timedelta())


def in_words(age: timedelta) -> str:
    """The age for people: `3 hours old`."""
    minutes = int(age.total_seconds() // 60)
    for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes >= size:
            count = minutes // size
            return f"{count} {unit}{'s' if count != 1 else ''} old"
    return "less than a minute old"


def keep(file: Path, copy: Copy) -> None:
    """Replaces the copy in one step; a disk that is full costs the copy, not the work."""
    try:
        with whole_file(file) as beside, beside.open("w", encoding="utf-8") as out:
            for line in _lines(copy):
                out.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    except OSError as error:
        log.warning("No copy of the term store could be kept in %s (%s).", file, error.strerror)


def _lines(copy: Copy) -> Iterator[Any]:
    head = {"site": copy.site_id, "read_at": copy.read_at.isoformat(), "default": copy.languages.default}
    yield {"form": _FORM, **head, "tags": copy.languages.tags}
    for one in copy.sets:
        yield {"id": one.id, "names": dict(one.names), "properties": dict(one.properties)}
        for term in one.terms:
            labels = {tag: (words.default, *words.synonyms) for tag, words in term.labels.items()}
            yield [term.id, term.parent_id, labels, dict(term.properties), dict(term.descriptions)]


def recall(file: Path) -> Copy | None:
    """The copy, or None where it is absent, damaged or of another form."""
    try:
        with file.open(encoding="utf-8") as lines:
            return _copy(json.loads(line) for line in lines)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, StopIteration):
        return None


def age_of(file: Path) -> timedelta | None:
    """How old the copy is, without reading its terms; None as `recall`."""
    try:
        with file.open(encoding="utf-8") as lines:
            read_at = datetime.fromisoformat(json.loads(next(lines))["read_at"])
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None
    return max(datetime.now(UTC) - read_at, timedelta())


def _copy(lines: Iterator[Any]) -> Copy:
    head = next(lines)
    if head["form"] != _FORM:
        raise ValueError("another form")
    sets: list[dict[str, Any]] = []
    for line in lines:
        if isinstance(line, dict):
            sets.append({**line, "terms": []})
        else:
            sets[-1]["terms"].append(_term(*line))
    return Copy(
        site_id=head.get("site", ""),
        read_at=datetime.fromisoformat(head["read_at"]),
        languages=Languages(default=head["default"], tags=tuple(head["tags"])),
        sets=tuple(TermStoreSet(**{**one, "terms": tuple(one["terms"])}) for one in sets),
    )


def _term(
    term_id: str,
    parent_id: str | None,
    labels: dict[str, list[str]],
    properties: dict[str, str],
    descriptions: dict[str, str],
) -> StoredTerm:
    return StoredTerm(
        id=term_id,
        parent_id=parent_id,
        labels={intern(tag): Labels(default=one[0], synonyms=tuple(one[1:])) for tag, one in labels.items()},
        properties={intern(key): value for key, value in properties.items()},
        descriptions={intern(tag): text for tag, text in descriptions.items()},
    )


def with_sets(copy: Copy, sets: Iterable[TermStoreSet]) -> Copy:
    """The copy with these sets in place of those of the same id; new ones come last."""
    new = {one.id: one for one in sets}
    kept = [new.pop(one.id, one) for one in copy.sets]
    return replace(copy, sets=(*kept, *new.values()))
