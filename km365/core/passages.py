"""A document as tagging sees it: passages of text that know what they are and where they stand."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a passage is in its document."""

    NAME = "name"
    """The file's name."""
    TITLE = "title"
    HEADING = "heading"
    BODY = "body"
    NOTE = "note"
    """Speaker notes, footnotes and endnotes."""
    TABLE = "table"
    PROPERTY = "property"
    """Title, subject and keywords that somebody filled in."""


class Passage(NamedTuple):
    """One paragraph, row of cells, slide title or the like; a named tuple, for a sheet has thousands.

    `place` is for people: `page 3`, `under "Findings"`; empty where there is nothing to say. `language` is
    the primary tag of what it is written in (`fr`), None where nobody looked or nothing tells.
    """

    text: str
    kind: Kind = Kind.BODY
    place: str = ""
    language: str | None = None

    def written_in(self, language: str | None) -> "Passage":
        """The passage in another language; this takes a third of `_replace`."""
        return Passage(self.text, self.kind, self.place, language)
