"""What a snapshot that was kept as a file rests on, and what became of that since.

The file carries the question and its sources: where each lies, its version, and a digest of every sentence
that was quoted. So it can be held against what the sources say now without keeping their words twice.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Self

from km365.core.search_entries import sentences_of
from km365.core.snapshot import LINKS, Snapshot, Source
from km365.errors import InputRefused

FORM = "km365 snapshot 1"
"""Changes with what is kept."""


class Standing(StrEnum):
    """What became of a source."""

    SAME = "same"
    CHANGED = "changed"  # it was changed, and still says what was quoted
    OTHERWISE = "says otherwise"  # it does not say what was quoted any more
    UNREAD = "not read yet"  # a document that changed, and was not read since
    GONE = "not found"  # it is gone, is not for this reader any more, or others now come before it
    NEW = "new"  # it speaks of the topic, and was not there


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody asks: words, and what the answer is held to ("" or None for anything)."""

    words: str
    office: str = ""
    language: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, kw_only=True)
class Rest:
    """One source of a kept snapshot. `number` is that in the file, 0 where it was read and not quoted.

    `quoted` are digests of sentences with their field.
    """

    number: int
    key: str
    version: str
    title: str
    quoted: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Change:
    """A source and what became of it."""

    number: int
    title: str
    standing: Standing


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The question of a kept snapshot, its day, and what it rests on."""

    asked: Asked
    as_of: date
    reader_office: str
    rests: tuple[Rest, ...]

    @classmethod
    def of(cls, asked: Asked, snapshot: Snapshot) -> Self:
        """What the snapshot rests on."""
        quoted: dict[str, dict[tuple[str, str], None]] = {}
        for point in snapshot.points:
            for quote in point.quotes:
                quoted.setdefault(quote.source.key, {})[quote.field, _digest(quote.text)] = None
        numbers = {source.key: number for number, source in enumerate(snapshot.sources, start=1)}
        rests = (
            Rest(
                number=numbers.get(source.key, 0),
                key=source.key,
                version=source.version,
                title=source.title if source.key in numbers else "",
                quoted=tuple(quoted.get(source.key, {})),
            )
            for source in snapshot.read
        )
        return cls(
            asked=asked,
            as_of=snapshot.as_of,
            reader_office=snapshot.reader_office,
            rests=tuple(sorted(rests, key=lambda one: (not one.number, one.number, one.key))),
        )

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """What `to_json` wrote. Raises InputRefused for anything else."""
        try:
            if value["form"] != FORM:
                raise ValueError
            asked = value["asked"]
            days = {name: _day(asked[name]) for name in ("since", "until")}
            return cls(
                asked=Asked(words=asked["words"], office=asked["office"], language=asked["language"], **days),
                as_of=date.fromisoformat(value["as_of"]),
                reader_office=str(value["reader_office"]),
                rests=tuple(
                    Rest(
                        number=int(one["number"]),
                        key=str(one["key"]),
                        version=str(one["version"]),
                        title=str(one["title"]),
                        quoted=tuple((str(name), str(said)) for name, said in one["quoted"]),
                    )
                    for one in value["sources"]
                ),
            )
        except (KeyError, TypeError, ValueError):
            raise InputRefused("This is no snapshot of km365, or one of another version.") from None

    def to_json(self) -> dict[str, Any]:
        """The same as JSON."""
        asked = self.asked
        return {
            "form": FORM,
            "asked": {
                "words": asked.words,
                "office": asked.office,
                "language": asked.language,
                "since": asked.since.isoformat() if asked.since else None,
                "until": asked.until.isoformat() if asked.until else None,
            },
            "as_of": self.as_of.isoformat(),
            "reader_office": self.reader_office,
            "sources": [
                {
                    "number": one.number,
                    "key": one.key,
                    "version": one.version,
                    "title": one.title,
                    "quoted": [list(said) for said in one.quoted],
                }
                for one in self.rests
            ],
        }

    def held_against(self, read: Iterable[Source], speaking: Sequence[Source]) -> list[Change]:
        """What became of each quoted source, and what speaks of the topic now and did not then.

        `read` is all that was read now, `speaking` what of it speaks of the topic.
        """
        now = {one.key: one for one in read}
        known = {one.key for one in self.rests}
        changes = [
            Change(number=one.number, title=one.title, standing=_standing(one, now.get(one.key)))
            for one in self.rests
            if one.number
        ]
        new = [one for one in speaking if one.key not in known]
        return [*changes, *(Change(number=0, title=one.title, standing=Standing.NEW) for one in new)]


def _standing(kept: Rest, now: Source | None) -> Standing:
    if now is None:
        return Standing.GONE
    if now.version == kept.version:
        return Standing.SAME
    if not now.texts:
        return Standing.UNREAD
    stands = all(said in _digests(name, now.texts) for name, said in kept.quoted)
    return Standing.CHANGED if stands else Standing.OTHERWISE


def _digests(name: str, texts: Mapping[str, str]) -> set[str]:
    """Those of the sentences of a field that could be quoted."""
    if name == LINKS:
        lines = (" ".join(line.split()) for line in texts.get(name, "").splitlines())
        return {_digest(line.partition(":")[2].strip()) for line in lines}
    return {_digest(one) for one in sentences_of(texts.get(name, ""))}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _day(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None
