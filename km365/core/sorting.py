"""A text told freely, sorted into the answers to a question bank, sentence by sentence and word for word.

The words that tell a sentence's place are data (`cues` of a question in templates/questions), of three kinds:
`because` stands at the beginning of the sentence, `… the reason was` anywhere in it, and `advice:` is a
heading, under which all belongs that follows in its line or, where it stands alone, up to the next heading or
empty line. The rules are careful rather than clever: what is not clear, or points to two questions, is what
happened.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from km365.core import titles
from km365.core.commands import plain
from km365.core.interviews import KNOWLEDGE, Answer, Interview
from km365.core.questions import Bank
from km365.core.said import clean

_STORY, _TITLE, _EVIDENCE = (f"{KNOWLEDGE}{name}" for name in ("description", "title", "evidence"))

_END = re.compile(
    r"(?<![.!?؟…])(?:(?P<stop>\.)|[.!?؟…]++)[\"'»”’)\]]*+(?=\s)|[。！？]++[」』”’）\"]*+|\n\s*+"
)
"""Never tries one row of signs twice, from whichever of them."""
_SPACES = re.compile(r"[ \t\xa0]*+")
_LINK = re.compile(r"https?://[^\s<>\"“”«»،؛，。；、（）]+", re.IGNORECASE)
_BEHIND_A_LINK = ".,;:!?؟)]}'’…"
_HEADING = re.compile(r"([^:：\n]{1,60})[:：](.*)", re.DOTALL)
_cue = lru_cache(maxsize=4096)(plain)
"""Our own words, which every sentence is compared with."""
_AND_IN_ARABIC = ("و", "ف")
_ANYWHERE = "…"


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One sentence as it was written. `before` is the white space in front of it."""

    before: str
    text: str


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text: put together with what stands before each they are the text.

    A full stop before a small letter ends none ("approx. two", "e.g. schools").
    """
    found: list[Sentence] = []
    begin = 0
    for end in (*_ends(text), len(text)):
        said = text[begin:end].strip()
        if said:
            start = text.index(said, begin)
            found.append(Sentence(before=text[begin:start], text=said))
            begin = start + len(said)
    return found


def _ends(text: str) -> Iterator[int]:
    for found in _END.finditer(text):
        if not (found["stop"] and _small_letter_behind(text, found.end())):
            yield found.end()


def _small_letter_behind(text: str, at: int) -> bool:
    spaces = _SPACES.match(text, at)
    behind = spaces.end() if spaces else at
    return text[behind : behind + 1].islower()


def sort(text: str, bank: Bank) -> dict[str, str]:
    """The sentences of `text` by the id of the question they answer, in the order they were written.

    Each lands once and unchanged. A first line without a full stop above an empty line is the title; a link
    alone is evidence; the rest goes by the cues. The bank must ask what happened, as every bank does that
    makes a knowledge item.
    """
    said = sentences(text)
    places = list(_places(said, bank))
    found: dict[str, str] = {}
    last: dict[str, int] = {}
    for number, (sentence, place) in enumerate(zip(said, places, strict=True)):
        gap = sentence.before or (" " if last.get(place) != number - 1 and _spaced(sentence.text) else "")
        found[place] = f"{found[place]}{gap}{sentence.text}" if place in found else sentence.text
        last[place] = number
    return found


def sorted_fields(text: str, bank: Bank) -> dict[str, str]:
    """The same by the field of a lesson: what the draft of a text would be where nothing more was asked."""
    told = sort(text, bank)
    return {
        target.removeprefix(KNOWLEDGE): told[question.id]
        for question in bank.questions
        for target in question.becomes
        if question.id in told and target.startswith(KNOWLEDGE)
    }


def _places(said: Sequence[Sentence], bank: Bank) -> Iterator[str]:
    """The question each sentence answers."""
    story = next(question.id for question in bank.questions if _STORY in question.becomes)
    under, to_the_line = "", False
    for number, sentence in enumerate(said):
        if sentence.before.count("\n") > 1 or (to_the_line and "\n" in sentence.before):
            under = ""
        if heading := _heading(sentence.text, bank):
            under, rest = heading
            to_the_line = bool(rest)
        titled = number == 0 and len(said) > 1 and _is_title(sentence.text, said[1].before)
        yield (titled and _becoming(bank, _TITLE)) or under or _place(sentence.text, bank) or story


def _is_title(line: str, behind: str) -> bool:
    return len(line) <= titles.LENGTH and line[-1].isalnum() and behind.count("\n") > 1


def _becoming(bank: Bank, target: str) -> str:
    return next((question.id for question in bank.questions if target in question.becomes), "")


def _heading(sentence: str, bank: Bank) -> tuple[str, str] | None:
    """The question that a heading names, and what stands behind its colon."""
    found = _HEADING.fullmatch(sentence)
    if found is None:
        return None
    name = plain(found[1])
    for question in bank.questions:
        if any(name == _cue(cue) for cue in question.cues if cue.rstrip().endswith((":", "："))):
            return question.id, found[2].strip()
    return None


def _place(sentence: str, bank: Bank) -> str:
    """The one question whose cue the sentence holds, the longest at its beginning first; else ""."""
    if not _LINK.sub("", sentence).strip(_BEHIND_A_LINK + "-•*– \t"):
        return _becoming(bank, _EVIDENCE)
    said = plain(sentence)
    starts = [
        (len(cue), question.id)
        for question in bank.questions
        for cue in (_cue(one) for one in question.cues if _kind(one) == "start")
        if begins(said, cue)
    ]
    if starts:
        longest, _ = max(starts)
        return _only({place for length, place in starts if length == longest})
    return _only(
        {
            question.id
            for question in bank.questions
            for cue in (_cue(one) for one in question.cues if _kind(one) == "anywhere")
            if _holds(said, cue)
        }
    )


def _only(places: set[str]) -> str:
    return places.pop() if len(places) == 1 else ""


def _kind(cue: str) -> str:
    if cue.startswith(_ANYWHERE):
        return "anywhere"
    return "heading" if cue.rstrip().endswith((":", "：")) else "start"


def begins(said: str, cue: str) -> bool:
    """Whether a sentence begins with a cue, both as `plain` has them; in Arabic behind "and" too."""
    if not (said.startswith(cue) or said.startswith(cue, 1)):  # as most: nothing else is worth looking at
        return False
    if not _spaced(cue):
        return said.startswith(cue)
    bare = said[1:] if said.startswith(_AND_IN_ARABIC) else said
    return any(f"{one} ".startswith(f"{cue} ") for one in (said, bare))


def _holds(said: str, cue: str) -> bool:
    return f" {cue} " in f" {said} " if _spaced(cue) else cue in said


def _spaced(text: str) -> bool:
    """Whether the text is in a script that is written with spaces."""
    return not any("\u3040" <= c <= "\u9fff" for c in text)


def bare_links(text: str) -> Iterator[tuple[int, int]]:
    """Where the web addresses in a text begin and end, without the punctuation behind them."""
    for found in _LINK.finditer(text):
        yield found.start(), found.start() + len(found[0].rstrip(_BEHIND_A_LINK))


def links(text: str) -> list[str]:
    """The web addresses in a text, each once."""
    return list(dict.fromkeys(text[begin:end] for begin, end in bare_links(text)))


def without_links(text: str) -> str:
    """The words of a text that are no web addresses."""
    return _LINK.sub(" ", text).strip()


def given(interview: Interview, bank: Bank, words: Mapping[str, str], *, at: datetime) -> Interview:
    """An interview that begins with these answers, by question; their readers are the bank's."""
    answers = tuple(
        Answer(
            question=question.id,
            text=text,
            audience=question.audience,
            language=interview.language,
            at=at,
        )
        for question in bank.questions
        if (text := clean(words.get(question.id, "")))
    )
    return replace(interview, answers=answers)
