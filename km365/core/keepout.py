"""What does not belong here and must not be stored: it has a channel and people of its own."""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from km365.core.commands import plain


class KeepOut(StrEnum):
    """Why a text is not kept, the gravest first."""

    DISTRESS = "distress"
    ALLEGATION = "allegation"
    GRIEVANCE = "grievance"
    HEALTH = "health"
    PASSWORD = "password"  # noqa: S105 - the word, not one


Words = Mapping[str, Mapping[str, Sequence[str]]]
"""By language: phrases for each kind, and under `is` the words that stand between "password" and one."""


def keep_out(text: str, words: Words) -> KeepOut | None:
    """Why this text must not be stored, or None.

    Phrases are about the writer or a colleague ("my diagnosis"), because the programme's own subjects are
    health, violence and abuse. People write in several languages, so all are looked for. This catches the
    plain cases; the consent says the rest.
    """
    said = plain(text)
    for kind in (KeepOut.DISTRESS, KeepOut.ALLEGATION, KeepOut.GRIEVANCE, KeepOut.HEALTH):
        if any(_says(said, phrase) for by_kind in words.values() for phrase in by_kind.get(kind, ())):
            return kind
    return KeepOut.PASSWORD if any(_password(text, by_kind) for by_kind in words.values()) else None


def _says(said: str, phrase: str) -> bool:
    wanted = plain(phrase)
    if _unspaced(wanted):
        return wanted in said
    return re.search(rf"\b[وف]?{re.escape(wanted)}\b", said) is not None


def _password(text: str, words: Mapping[str, Sequence[str]]) -> bool:
    """Whether a password stands in the text: the word, then a sign or "is", then something secret-looking."""
    joined = _any_of(words.get("is", ()))
    for name in words.get("password", ()):
        edge = "" if _unspaced(name) else r"\b"
        word = rf"{edge}{re.escape(name)}{edge}"
        marked = r"[\"'«“]?(?=\S*[\d!@#$%^&*_])\S{4,}"
        after_sign = rf"{word}\s*[:=：]\s*\S{{3,}}|{word}[^\n:=：]{{0,30}}[:=：]\s*{marked}"
        after_is = rf"{word}\s*(?:{joined})\s*{marked}"
        if re.search(f"{after_sign}|{after_is}", text, re.IGNORECASE):
            return True
    return False


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in words) or "="


def _unspaced(text: str) -> bool:
    """Whether the text is in a script that is written without spaces."""
    return any("\u3040" <= c <= "\u9fff" for c in text)
