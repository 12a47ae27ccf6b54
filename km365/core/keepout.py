"""What does not belong here and must not be stored: it has a channel and people of its own.

The words are data (`templates/messages`, table `keep_out_words`), written as in `km365/core/phrases.py`. The
rules here are few; what they miss is measured (`tests/benchmarks/bench_keep_out.py`) and told in
`docs/security.md`.
"""

import re
from enum import StrEnum
from functools import lru_cache

from km365.core.phrases import PHONE, Language, Text, Words, any_of


class KeepOut(StrEnum):
    """Why a text is not kept, the gravest first."""

    DISTRESS = "distress"
    IDENTIFIABLE = "identifiable"
    """A child, a survivor or a witness who could be recognised."""
    ALLEGATION = "allegation"
    GRIEVANCE = "grievance"
    HEALTH = "health"
    PASSWORD = "password"  # noqa: S105 - the word, not one


WORD_LISTS = (*KeepOut, "pass", "user", "is", "colleague", "child", "harm", "helpline", "people")
"""`is` stands between "password" and one. `pass` are words that mean a password only beside one, or behind a
word of `user` ("user: x pass: y"). What points to somebody is kept out only near a word of `harm`; a
telephone number near a word of `helpline` points to nobody, nor does a word of `people` in capitals."""

_NEAR_HARM = 25
_NEAR_HELPLINE = 8


def keep_out(text: str, words: Words) -> KeepOut | None:
    """Why this text must not be stored, or None.

    Phrases are about the writer or a colleague ("my diagnosis"), because the programme's own subjects are
    health, violence and abuse. People write in several languages, so all are looked for. This catches the
    plain cases; the consent says the rest.
    """
    looked_at = Text(text, words)
    return next((kind for kind in KeepOut if _CHECKS.get(kind, _said)(looked_at, kind, words)), None)


def _said(text: Text, kind: KeepOut, words: Words) -> bool:
    return any(True for language in words.languages.values() for _ in text.find_any(kind, language))


def _identifiable(text: Text, kind: KeepOut, words: Words) -> bool:
    """Whether somebody who was harmed could be found: by telephone, by name or as a child of that age."""
    return any(_pointed_at(text, kind, language, words) for language in words.languages.values())


def _pointed_at(text: Text, kind: KeepOut, language: Language, words: Words) -> bool:
    harms = list(text.find_any("harm", language))
    if not harms:
        return False
    helplines = [found for every in words.languages.values() for found in text.find_any("helpline", every)]
    pointers = [
        phone
        for phone in text.find(PHONE, language)
        if not any(text.near(phone, helpline, _NEAR_HELPLINE) for helpline in helplines)
    ]
    pointers += text.find_any(kind, language)
    return any(text.near(pointer, harm, _NEAR_HARM) for pointer in pointers for harm in harms)


def _password(text: Text, kind: KeepOut, words: Words) -> bool:
    """Whether a password stands in the text: the word, then a sign or "is", then something secret-looking."""
    if any(pattern.search(text.small) for pattern in _LETTERS):
        return True
    digit = _DIGIT.search(text.small) is not None
    return any(_secret_in(text, kind, language, digit=digit) for language in words.languages.values())


def _secret_in(text: Text, kind: KeepOut, language: Language, *, digit: bool) -> bool:
    named, is_, weak, user = (text.may_say(name, language) for name in (kind, "is", "pass", "user"))
    if not (named or weak or user or (digit and is_)):
        return False
    names, joined, weaks, users = (
        any_of(tuple(language.lists.get(name, ()))) for name in (kind, "is", "pass", "user")
    )
    patterns = _access(weaks, users, names) if named or weak or user else ()
    *behind, alone = _secrets(names, joined)
    patterns += (*behind, alone) if named else (alone,) if digit else ()
    return any(pattern.search(text.small) for pattern in patterns)


_CHECKS = {KeepOut.IDENTIFIABLE: _identifiable, KeepOut.PASSWORD: _password}

_DIGIT = re.compile(r"\d")
_QUOTE = r"[\"'«“‘]?\s?"
_QUOTED = r"[\"'«“‘]\s?[^\s\"'»”’]{3,}\s?[\"'»”’]"
_C = r"[^\s،。，、；！？\u3040-\u9fff]"
"""A character of a secret, which holds no Han character."""
_NEXT = rf"{_C}{{0,64}}"
"""Where in a secret a digit, a letter or a sign is looked for: further on, hostile texts would take hours."""
_NO_ADDRESS = rf"(?!{_NEXT}(?:://|@(?!@){_C}{_NEXT}\.))"
_DIGIT_AND_LETTER = rf"(?={_NEXT}\d)(?={_NEXT}[^\W\d_])"
_MARKED = rf"{_NO_ADDRESS}(?={_NEXT}[\d!@#$%^&*_]){_C}{{4}}"
_MIXED = rf"{_NO_ADDRESS}{_DIGIT_AND_LETTER}{_C}{{6,64}}"
_STRONG = rf"{_NO_ADDRESS}{_DIGIT_AND_LETTER}(?={_NEXT}[!@#$^&*_]){_C}{{8}}"


_SIGN = r"\s{0,3}(?:[:=：]|->|→)\s{0,3}"
_USER_NAME = rf"{_SIGN}[^\s,;|/،؛，；]{{1,64}}[\s,;|/،؛，；–—-]{{1,5}}(?:\w{{1,4}}\s)?"
"""What stands between "user" and "password" where each has its sign."""
_LETTERS = (re.compile(rf"\bu{_USER_NAME}\bp{_SIGN}\S"), re.compile(r"\b(?:pin|пин)\s\d{4,8}\b"))
"""Of no language: a user and a password by their first letters, and a number behind "pin"."""


@lru_cache(maxsize=64)
def _access(weak: str, users: str, names: str) -> tuple[re.Pattern[str], ...]:
    """Looks for a user and a password beside each other, and for a weak word with a secret behind it."""
    return tuple(
        re.compile(pattern)
        for pattern in (
            rf"(?:{users}|\bu){_USER_NAME}(?:{weak}|{names}|\bp){_SIGN}\S",
            rf"{weak}{_SIGN}{_QUOTE}(?:[^\s/]{{1,64}}\s?/\s?)?(?:{_NO_ADDRESS}{_DIGIT_AND_LETTER}{_C}{{4}}|\d{{5}})",
            rf"{weak}\s{_QUOTE}{_MIXED}",
        )
    )


@lru_cache(maxsize=64)
def _secrets(names: str, joined: str) -> tuple[re.Pattern[str], ...]:
    """Looks for the word and a secret, on one line.

    After a sign any single word is one; after "is" it must hold a digit or a sign, or stand in quotes; with
    words between, a letter and a digit; with neither sign nor "is", a letter, a digit and a sign. That last
    form after "is" needs no word for password, so it is found in languages we do not speak.
    """
    between = r"[^\n.!?。！？:=：]{0,40}?"
    sign = r"\s*(?:[:=：]|->|→)\s*"
    is_ = rf"\s*(?:{joined}|[—–-])\s*"
    return tuple(
        re.compile(pattern)
        for pattern in (
            rf"{names}{sign}{_QUOTE}[^\s,;]{{3,}}\s*(?:$|[,;\n])",
            rf"{names}{between}{sign}{_QUOTE}{_MARKED}",
            rf"{names}{is_}{_QUOTE}{_MARKED}",
            rf"{names}{between}{is_}(?:{_QUOTE}{_MIXED}|{_QUOTED})",
            rf"{names}{between}[\s\"'«“‘(]{_STRONG}",
            rf"(?:\A|\s){_MIXED}\s*(?:{joined})\s*(?:\S+\s+){{0,2}}\S{{0,2}}{names}",
            rf"(?:{joined})\s*{_QUOTE}{_STRONG}",
        )
    )
