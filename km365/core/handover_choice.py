"""Which questions suit a leaver's post and the kind of departure. Values in, values out.

What is chosen is the post and never the person: the words of its title decide, and nothing else about them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from km365.core.commands import plain


class Why(StrEnum):
    """Why a question is not asked, as the command says it; the chat says it in the person's language."""

    ANSWERED = "dealt with in the chat"
    FILED = "the handover note is filed"
    LESSON = "told in"
    OWNED = "documented in"
    WRITTEN = "written down"
    LITTLE_LOST = "little is lost"
    POST = "seldom asked of such a post"
    KIND = "not asked at such a departure"
    NOTICE = "too little notice"
    BAND = "little would be lost"
    NO_DAY = "no working day is left for it"
    DECLINED = "the person does not want to be asked"
    OFF = "the account is switched off"


@dataclass(frozen=True)
class NotAsked:
    """Why one question is not asked; `detail` is the lesson, document, factor, section or what was said."""

    why: Why
    detail: str = ""

    def __str__(self) -> str:
        named = " " if self.why in {Why.LESSON, Why.OWNED} else ": "
        return f"{self.why}{named}{self.detail}" if self.detail else self.why


@dataclass(frozen=True, kw_only=True)
class Section:
    """Posts of which one of `words` stands in the title, and what they are asked; `*` ends a beginning."""

    name: str
    words: tuple[str, ...]
    leave_out: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    short: bool = False


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """What a kind of departure changes: what is left out, what comes first, what is asked at any rate."""

    leave_out: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    always: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ChoiceRules:
    """The sections, the first that fits counting, and the kinds of departure."""

    sections: tuple[Section, ...]
    kinds: Mapping[str, Leaving]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What one post and departure are asked. `short` says why the shortest list is enough, where it is."""

    section: str
    left_out: Mapping[str, NotAsked]
    first: tuple[str, ...]
    always: tuple[str, ...]
    short: NotAsked | None


def choose(rules: ChoiceRules, *, post: str, kind: str) -> Choice:
    """What is asked of this post at such a departure; everything where neither is known."""
    section = section_of(rules, post) or Section(name="", words=())
    leaving = rules.kinds.get(kind.strip().casefold(), Leaving())
    return Choice(
        section=section.name,
        left_out=dict.fromkeys(section.leave_out, NotAsked(Why.POST, section.name))
        | dict.fromkeys(leaving.leave_out, NotAsked(Why.KIND, kind)),
        first=tuple(dict.fromkeys((*leaving.first, *section.first))),
        always=leaving.always,
        short=NotAsked(Why.POST, section.name) if section.short else None,
    )


def section_of(rules: ChoiceRules, post: str) -> Section | None:
    """The first section of which a word stands in the title; None where none does."""
    title = plain(post)
    return next((one for one in rules.sections if any(_is_in(word, title) for word in one.words)), None)


def _is_in(word: str, title: str) -> bool:
    return _pattern(word).search(title) is not None


@lru_cache(maxsize=4_096)
def _pattern(word: str) -> re.Pattern[str]:
    """Whole words, each of them to its end or, before a `*`, only to there; in Chinese wherever it stands."""
    parts = [re.escape(plain(part)) + (r"\w*" if part.endswith("*") else "") for part in word.split()]
    joined = " ".join(parts)
    is_han = any("\u3040" <= c <= "\u9fff" for c in word)
    return re.compile(joined if is_han else rf"(?<!\w){joined}(?!\w)")


def named(said: str, asked: Mapping[str, str]) -> str:
    """The question that own words name: its number as listed, from 1, or words that stand in it alone.

    `asked` has the questions as they were listed, with their heading and wording. Empty where the words name
    none of them, or several alike.
    """
    words = plain(said)
    ids = list(asked)
    if words.isdecimal():
        return ids[int(words) - 1] if 1 <= int(words) <= len(ids) else ""
    pieces = _pieces(words)
    weights = {one: len(pieces & _pieces(plain(text))) for one, text in asked.items()}
    most = max(weights.values(), default=0)
    best = [one for one, weight in weights.items() if weight == most]
    return best[0] if most and len(best) == 1 else ""


def _pieces(text: str) -> set[str]:
    """Words of four letters and more, by their first five, and pairs of Chinese characters."""
    words = {word[:5] for word in text.split() if len(word) > 3}
    han = [c if "\u4e00" <= c <= "\u9fff" else " " for c in text]
    return words | {a + b for a, b in pairwise(han) if " " not in (a, b)}
