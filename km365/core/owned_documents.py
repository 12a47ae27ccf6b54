"""What a person has put into their office's library, and which handover questions that answers already."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import PurePosixPath

from km365.core.commands import plain


@dataclass(frozen=True, kw_only=True)
class OwnedDocument:
    """A document that somebody made, or was the last to change. `kinds` are labels of its tags.

    `path` is where it lies in the library `drive_id` of the site `host:/path`.
    """

    title: str
    url: str
    changed_on: date | None
    site: str
    drive_id: str
    path: str
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Documented:
    """Questions that a document answers: one with one of `words` in its title, its file name or its type.

    It counts for so many `months` after its last change.
    """

    questions: tuple[str, ...]
    words: tuple[str, ...]
    months: int


def documents_for(
    rules: Sequence[Documented], owned: Sequence[OwnedDocument], *, today: date
) -> dict[str, tuple[OwnedDocument, ...]]:
    """By question those of somebody's documents that probably answer it, the newest first."""
    found: dict[str, dict[str, OwnedDocument]] = {}
    for rule in rules:
        since = today - timedelta(days=30 * rule.months)
        for one in owned:
            if one.changed_on is not None and one.changed_on >= since and _is_named(one, rule.words):
                for question in rule.questions:
                    found.setdefault(question, {})[one.url] = one
    return {
        question: tuple(sorted(some.values(), key=lambda one: one.changed_on or today, reverse=True))
        for question, some in found.items()
    }


def _is_named(one: OwnedDocument, words: Iterable[str]) -> bool:
    said = [plain(text) for text in (one.title, PurePosixPath(one.path).stem, *one.kinds)]
    return any(_has(text, plain(word)) for word in words for text in said)


def _has(text: str, words: str) -> bool:
    """Whether the words stand there one behind the other; in Chinese wherever they do."""
    if any("\u3040" <= c <= "\u9fff" for c in words):
        return words in text.replace(" ", "")
    return f" {words} " in f" {text} "
