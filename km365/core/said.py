"""What a person says to an interview, and how much of an answer their words are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from km365.core.audience import Audience

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters but line feed and tab, and halves of a pair."""
_THIN_WORDS = 6
_THIN_CHARACTERS = 14
_STORY_WORDS = 9
_STORY_CHARACTERS = 18


class Verb(StrEnum):
    """What a person can do with an interview at any moment."""

    START = "start"
    AGREE = "agree"
    DECLINE = "decline"
    """No to an invitation, to the consent, or "stop asking me"."""
    ANSWER = "answer"
    SKIP = "skip"
    BACK = "back"
    PAUSE = "pause"
    RESUME = "resume"
    LATER = "later"
    YES = "yes"
    NO = "no"
    AUDIENCE = "audience"
    """Change who reads an answer."""
    DRAFT = "draft"
    """Show the draft, before the last question if need be."""
    EDIT = "edit"
    """Change the words of draft fields."""
    REVISE = "change"
    """Answer one question again, from the draft."""
    SEND = "send"
    START_OVER = "start_over"
    WITHDRAW = "withdraw"
    REOPEN = "reopen"
    """Back to the draft that was sent and has been returned; nobody can say this, it is known."""
    LANGUAGE = "language"
    NAME = "name"
    """Say who are the named readers: all of them, or nobody."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the person said, understood but not judged. `question` is named by cards, not by typing."""

    verb: Verb
    text: str = ""
    question: str = ""
    audience: Audience | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    until: datetime | None = None
    readers: tuple[str, ...] = ()
    """With `NAME`, whom the person has named, by directory id."""
    activity_id: str = ""


def clean(text: str) -> str:
    """The text as it is kept: outer space and control characters gone, nothing else changed.

    Control characters cannot be stored in SharePoint or Word (XML 1.0 forbids them).
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", lines).strip()


def is_thin(text: str) -> bool:
    """Whether an answer is so short that one follow-up is worth asking."""
    return not _holds(text, words=_THIN_WORDS, characters=_THIN_CHARACTERS)


def is_story(text: str) -> bool:
    """Whether a text is too long to name one of the choices offered."""
    return _holds(text, words=_STORY_WORDS, characters=_STORY_CHARACTERS)


def is_question(text: str) -> bool:
    """Whether a text asks something, by its last sign."""
    return text.rstrip(" \t\r\n\"'»”’)").endswith(("?", "؟", "？"))


def _holds(text: str, *, words: int, characters: int) -> bool:
    """Whether a text holds so many words; in scripts written without spaces, so many characters."""
    if any("\u3040" <= c <= "\u9fff" for c in text):
        return len(text) >= characters
    return len(text.split()) >= words
