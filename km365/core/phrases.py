"""Phrases as people say them, looked for in a text: one small language for all lists of words.

`...` stands for up to six words, `..` for up to two, `+` for none, `|` for or, a `*` behind a word for any
ending, `#` for a number, `<colleague>` for any entry of that list, and `<name>` for a word with a capital
that is not in the list `people`. Capitals and accents make no difference; a phrase never crosses a sentence.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache

from km365.core.commands import plain
from km365.core.text import fold

Lists = Mapping[str, Sequence[str]]
"""Phrases of one language, by the name of their list."""
Span = tuple[int, int]

PHONE = "xphonex"
"""What stands in a text that is searched where a telephone number was."""

_GAPS = {"+": 0, "..": 2, "...": 6}
_NAME = "<name>"

_GAP = re.compile(r"\s*(\.{2,3}|\+)\s*")
_SENTENCE = re.compile(r"(?<![.!?;؟؛…])[.!?;؟؛…]++(?=\s|$)|[。！？；\n\r]++")
_NUMBER = "(?:[0-9\u0660-\u0669]{1,3}|[一二三四五六七八九十两]{1,3})"
_NO_RANGE = rf"(?! (?:\w{{1,3}} )?{_NUMBER}\b)"
"""An age is one number: "aged 6", not "aged 6 to 12"."""
_CAPITALISED = re.compile(r"\b(?!Xphonex)[A-ZА-Я][a-zа-я'’]+")
_CALLED = re.compile(r"(?<![\w.,])(?:\+|00?)?\d(?:[\s().-]{0,2}\d){7,14}(?!\w)")
_THOUSANDS = re.compile(r"\d{1,3}(?:[ .]\d{3})+")


class Words:
    """The words of every language, made ready to be looked for in many texts."""

    def __init__(self, lists: Mapping[str, Lists]) -> None:
        self.languages = {tag: Language(one) for tag, one in lists.items()}

    @cached_property
    def pieces(self) -> Mapping[str, Sequence[str]]:
        """All that is looked for, by its first two letters; most texts hold few of them, and then most
        phrases need no second look."""
        parts = (
            part
            for one in self.languages.values()
            for phrases in one.lists.values()
            for phrase in phrases
            for part in _parsed(phrase)[1]
        )
        found: dict[str, list[str]] = {}
        for piece in {PHONE, *(_piece(one) for part in parts for one in part if one[:1] != "<")}:
            found.setdefault(piece[:2], []).append(piece)
        return found


class Language:
    """The words of one language, and what a text must hold for each phrase: of every part one piece."""

    def __init__(self, lists: Lists) -> None:
        self.lists = lists

    def cues(self, name: str) -> frozenset[str]:
        """The words of a list as texts are compared with them whole (`plain`)."""
        return self._cues.get(name, frozenset())

    @cached_property
    def _cues(self) -> Mapping[str, frozenset[str]]:
        return {name: frozenset(map(plain, phrases)) for name, phrases in self.lists.items()}

    @cached_property
    def phrases(self) -> Mapping[str, Sequence[tuple[str, Sequence[frozenset[str]]]]]:
        """By list each phrase with, for its parts, the pieces of which one must be there."""
        return {
            name: [
                (phrase, [need for part in _parsed(phrase)[1] if (need := self._pieces(part))])
                for phrase in phrases
            ]
            for name, phrases in self.lists.items()
        }

    @cached_property
    def heads(self) -> Mapping[str, frozenset[str] | None]:
        """By list the pieces of which one must be there for any of its phrases; None where none must."""
        return {
            name: frozenset().union(*(needs[0] for _, needs in phrases))
            if all(needs for _, needs in phrases)
            else None
            for name, phrases in self.phrases.items()
        }

    def _pieces(self, part: Sequence[str]) -> frozenset[str]:
        """The pieces of which one must be there for this part; none where it may be anything."""
        found: set[str] = set()
        for alternative in part:
            if alternative == _NAME:
                return frozenset()
            if alternative.startswith("<"):
                of_list = [self._pieces(_parsed(one)[1][0]) for one in self.lists.get(alternative[1:-1], ())]
                if not all(of_list):
                    return frozenset()
                found.update(*of_list)
            else:
                found.add(_piece(alternative))
        return frozenset(found)


class Text:
    """A text as it is searched: `small` as it stands, in small letters; `cased` and `said` one line for each
    sentence, alike but for capitals."""

    def __init__(self, text: str, words: Words) -> None:
        raw = text if text.isascii() else "".join(_letter(c) for c in text if unicodedata.category(c) != "Cf")
        self.small = raw.lower()
        phones_marked = _CALLED.sub(_phone_or_number, raw)
        lines = (_spaced(line) for line in _SENTENCE.split(phones_marked))
        self.cased = "\n".join(line for line in lines if line)
        self.said = self.cased.lower()
        said = self.said
        begun = {said[at : at + 2] for at in range(len(said))} | set(said) | {""}
        listed = (words.pieces.get(letters, ()) for letters in begun)
        self._there = frozenset(piece for pieces in listed for piece in pieces if piece in said)
        self._listed: dict[tuple[int, str], list[Span]] = {}

    def may_say(self, name: str, language: Language) -> bool:
        """Whether a phrase of that list may be said: a piece that one of them needs is there."""
        heads = language.heads.get(name)
        return heads is None or not self._there.isdisjoint(heads)

    def find_any(self, name: str, language: Language) -> Iterator[Span]:
        """Where a phrase of that list is said."""
        if not self.may_say(name, language):
            return
        for phrase, needs in language.phrases.get(name, ()):
            if not any(map(self._there.isdisjoint, needs)):
                yield from self.find(phrase, language)

    def find(self, phrase: str, language: Language) -> Iterator[Span]:
        """Where `phrase` is said, in the order of its last part."""
        gaps, parts = _parsed(phrase)
        starts = list(self._part(parts[0], language))
        for gap, part in zip(gaps, parts[1:], strict=True):
            if not starts:
                return
            starts = list(self._after(starts, self._part(part, language), _GAPS[gap]))
        yield from starts

    def _after(self, starts: Sequence[Span], nexts: Iterable[Span], most: int) -> Iterator[Span]:
        """Each of `nexts` joined to the nearest of `starts` before it, if that is near enough."""
        by_end = sorted((last, first) for first, last in starts)
        ends = [last for last, _ in by_end]
        for start, end in nexts:
            before = bisect_right(ends, start)
            if before and self._apart(ends[before - 1], start, across=False) <= most:
                yield by_end[before - 1][1], end

    def near(self, one: Span, other: Span, most: int) -> bool:
        """Whether no more than `most` words stand between two places, sentences or not."""
        return self._apart(min(one[1], other[1]), max(one[0], other[0]), across=True) <= most

    def _part(self, part: Sequence[str], language: Language) -> Iterator[Span]:
        for alternative in part:
            if alternative == _NAME:
                many = language.cues("people")
                yield from (n.span() for n in _CAPITALISED.finditer(self.cased) if n[0].lower() not in many)
            elif alternative.startswith("<"):
                yield from self._any_of(alternative[1:-1], language)
            else:
                yield from self._literal(alternative)

    def _any_of(self, name: str, language: Language) -> list[Span]:
        """Where any of a list is said; looked for once, as many phrases begin with the same list."""
        key = id(language), name
        if key not in self._listed:
            self._listed[key] = list(self.find_any(name, language))
        return self._listed[key]

    def _literal(self, alternative: str) -> Iterator[Span]:
        if _piece(alternative) in self._there:
            yield from (found.span() for found in _pattern(alternative).finditer(self.said))

    def _apart(self, end: int, start: int, *, across: bool) -> int:
        """How many words stand between, two characters of a script without spaces counting as one."""
        between = self.said[end:start]
        if "\n" in between and not across:
            return len(self.said)
        return len(between.split()) + sum(map(_unspaced, between)) // 2


@lru_cache(maxsize=64)
def any_of(words: tuple[str, ...]) -> str:
    """A pattern for any of these words as they stand in `Text.small`."""
    return "(?:" + "|".join(_edged(fold(word)) for word in words) + ")"


def _edged(word: str) -> str:
    bare = word.removesuffix("*")
    if not word or _unspaced(word):
        return re.escape(bare)
    return rf"\b{_prefix(bare)}{re.escape(bare)}" + (r"\w*" if word.endswith("*") else r"\b")


def _prefix(word: str) -> str:
    """What Arabic writes together with the word behind it: and, so, in, for, as, the."""
    return "[وف]?[بلك]?(?:ال|ل)?" if "\u0621" <= word[:1] <= "\u064a" else ""


def _pieces_of(alternative: str) -> tuple[str, ...]:
    """The words of an alternative between its numbers."""
    return tuple(plain(piece) for piece in alternative.removesuffix("*").split("#"))


@lru_cache(maxsize=65_536)
def _piece(alternative: str) -> str:
    """The longest piece that must be there, which is fast to look for."""
    return max(_pieces_of(alternative), key=len)


@lru_cache(maxsize=8192)
def _pattern(alternative: str) -> re.Pattern[str]:
    ending = "*" if alternative.endswith("*") else ""
    pieces = _pieces_of(alternative)
    if len(pieces) == 1:
        return re.compile(_edged(pieces[0] + ending))
    spaced = f" ?{_NUMBER}{_NO_RANGE} ?".join(re.escape(piece) for piece in pieces)
    edge = "" if _unspaced("".join(pieces)) else r"\b"
    return re.compile(rf"{edge}{spaced}{edge}")


@lru_cache(maxsize=65_536)
def _parsed(phrase: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The gaps of a phrase and the parts between them, each part as its alternatives."""
    pieces = _GAP.split(phrase.strip())
    return tuple(pieces[1::2]), tuple(tuple(a.strip() for a in part.split("|")) for part in pieces[::2])


def _phone_or_number(found: re.Match[str]) -> str:
    """A mark in the place of a telephone number; a large or a round number, or a date, stays."""
    text = found[0]
    digits = sum(c.isdigit() for c in text)
    marked = text.startswith(("+", "00"))
    if _THOUSANDS.fullmatch(text) or (not marked and digits < 9):
        return text
    return f" {PHONE} "


@lru_cache(maxsize=4096)
def _letter(c: str) -> str:
    """The letter without accents and variants, capital if it was one."""
    folded = fold(c)
    return folded.upper() if c.isupper() else folded


def _spaced(line: str) -> str:
    return " ".join("".join(map(_letter_or_space, line)).split())


@lru_cache(maxsize=4096)
def _letter_or_space(c: str) -> str:
    return c if unicodedata.category(c)[0] in "LN" else " "


def _unspaced(text: str) -> bool:
    """Whether the text is in a script that is written without spaces."""
    return any("\u3040" <= c <= "\u9fff" for c in text)
