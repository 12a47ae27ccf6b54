"""What a reader of a lesson would miss in its draft: findings, for its author to take up or not.

Pure: the fields of a lesson and the words of a language in, findings out. The words are data
(`templates/coach`, phrases as in `km365/core/phrases.py`); the rules, their sources and how often they are
right are in `docs/coach.md`. A finding is advice and never stops anybody.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from km365.core.commands import plain
from km365.core.knowledge import WRITTEN_FIELDS
from km365.core.phrases import Language, Lists, Text, Words
from km365.core.sorting import begins, links, sentences


class Rule(StrEnum):
    """What a draft may lack, the most useful to hear first; of what is missing, what is most surely found."""

    NAMES = "names"  # a child, or somebody who told us something, is named
    RECOMMENDATION = "recommendation"  # says what ought to be done, and nothing that happened
    NO_EVENT = "no_event"  # nothing happened in it
    PLATITUDE = "platitude"  # true everywhere; nobody would say the opposite
    SEVERAL_IDEAS = "several_ideas"  # lessons that could each stand alone
    NO_CONTEXT = "no_context"  # neither a place, nor a time, nor what was particular
    NO_LIMITS = "no_limits"  # not a word on when it would not hold
    NO_EVIDENCE = "no_evidence"  # no figure, document, visit or voice
    NO_CAUSE = "no_cause"  # not a word on why it went so


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A rule and the words it is about: `start` to `end` of `field`, in characters.

    Where something is missing there are no words (both 0), and the field is the one it would go into.
    """

    rule: Rule
    field: str
    start: int = 0
    end: int = 0


LISTS = (
    "happened",
    "should",
    "orders",
    "worthy",
    "commonplace",
    "another_idea",
    "second",
    "because",
    "where",
    "limits",
    "evidence",
    "names",
    "child",
    "people",
    "nothing",
)
"""`orders` and `second` begin a sentence; `nothing` is a whole field that says nothing; `worthy` is what
`commonplace` praises; `child` and `people` are used by `names`."""


@dataclass(frozen=True, kw_only=True)
class Past:
    """Words of a language that tell of something past: those listed, and those with one of the endings.

    With `after`, only behind one of these words, at most one other between; with `not_after`, not behind one
    of these, whatever words of `between` stand there ("is still needed"). `besides` are words that only look
    like it. All in small letters with their accents, because in Spanish an accent makes the past.
    """

    endings: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    not_after: frozenset[str] = frozenset()
    between: frozenset[str] = frozenset()
    besides: frozenset[str] = frozenset()

    def is_told(self, said: Sequence[str]) -> bool:
        """Whether one of these words, in small letters, is such a word."""
        return any(self._is_past(word, said[:at]) for at, word in enumerate(said))

    def _is_past(self, word: str, before: Sequence[str]) -> bool:
        if word in self.besides or not (word in self.words or self._ends(word)):
            return False
        if self.after:
            return not self.after.isdisjoint(before[-2:])
        nearest = next((one for one in reversed(before) if one not in self.between), "")
        return nearest not in self.not_after

    def _ends(self, word: str) -> bool:
        return any(word.endswith(one) and len(word) > len(one) + 1 for one in self.endings)


class Coach:
    """The words of every language, made ready to look at many drafts."""

    def __init__(self, lists: Mapping[str, Lists], past: Mapping[str, Sequence[Past]]) -> None:
        self.words = Words(lists)
        self.past = past

    def findings(self, fields: Mapping[str, str], *, language: str) -> list[Finding]:
        """What a reader would miss in these fields of a lesson (`WRITTEN_FIELDS`), the most useful first."""
        draft = _Draft(fields, self, language)
        found: list[Finding] = []
        for rule in Rule:
            found += _CHECKS[rule](draft, rule)
        return found


def most_useful(found: Iterable[Finding], *, most: int) -> list[Finding]:
    """One finding for each of the first `most` rules, without those that follow from another.

    Where nothing is told but what should be done, the author is asked what happened: with that come place,
    cause and proof.
    """
    first: dict[Rule, Finding] = {}
    for one in found:
        first.setdefault(one.rule, one)
    untold = Rule.RECOMMENDATION if Rule.RECOMMENDATION in first else Rule.NO_EVENT
    if untold in first:
        for rule in _FOLLOWS - {untold}:
            first.pop(rule, None)
    return [first[rule] for rule in Rule if rule in first][:most]


_LOOKED_AT = (*WRITTEN_FIELDS[1:], WRITTEN_FIELDS[0])
"""The title last: most are made of words that stand in another field."""
_FOLLOWS = frozenset({Rule.NO_EVENT, Rule.NO_CAUSE, Rule.NO_CONTEXT, Rule.NO_EVIDENCE})

_CLAUSE = re.compile(r"[,;:،؛，：；–—()]|\s-\s")
_WORD = re.compile(r"(?<!-)\b[^\W\d_]+\b(?!-)")
"""A word by itself: "labor-funded" is no verb."""
_YEAR = re.compile(r"(?<![\d.,])(?:19|20)\d\d(?![\d%]|[.,]\d)")
_FIGURE = re.compile(r"\d")
_NUMBERED = re.compile(r"(?:^|\s)\(?\d[.)](?=\s|$)|第[一二三四五][，、]")
_BULLET = re.compile(r"(?:^|[:;؛：；\n])\s*[-–•*]\s")


class _Sentence:
    """One sentence of a field, and where it stands."""

    def __init__(self, field: str, start: int, text: str, coach: Coach, language: Language) -> None:
        self.field, self.start, self.end, self.text = field, start, start + len(text), text
        self._coach, self._language = coach, language

    def says(self, name: str) -> bool:
        """Whether a phrase of that list is in it."""
        return _says(self._searched, name, self._language)

    @cached_property
    def _searched(self) -> Text:
        return Text(self.text, self._coach.words)

    @cached_property
    def demands(self) -> bool:
        """Whether it says what ought to be done."""
        return self.says("should") or self.begins("orders")

    @property
    def has_figure(self) -> bool:
        """Whether there is a figure in it that is no year and numbers no list."""
        return bool(_FIGURE.search(_NUMBERED.sub(" ", _YEAR.sub("", self.text))))

    def tells(self, past: Sequence[Past]) -> bool:
        """Whether some clause of it tells of something that happened, rather than ought to.

        In a sentence on what ought to be done the form of a verb tells too little ("and rules clarified").
        """
        verbs = () if self.demands else past
        return any(self._is_past(clause, verbs) for clause in _CLAUSE.split(self.text) if clause.strip())

    def _is_past(self, clause: str, verbs: Sequence[Past]) -> bool:
        said = [found[0].lower() for found in _WORD.finditer(clause)]
        searched = Text(clause, self._coach.words)
        if _says(searched, "happened", self._language):
            return not _says(searched, "should", self._language)
        return any(one.is_told(said) for one in verbs)

    def begins(self, name: str) -> bool:
        """Whether it begins with a phrase of that list."""
        return any(begins(self._plain, cue) for cue in self._language.cues(name))

    @cached_property
    def _plain(self) -> str:
        return plain(self.text)


def _says(text: Text, name: str, language: Language) -> bool:
    return next(text.find_any(name, language), None) is not None


class _Draft:
    """The fields of a lesson as they are looked at."""

    def __init__(self, fields: Mapping[str, str], coach: Coach, language: str) -> None:
        words = coach.words.languages[language]
        nothing = {"", *words.cues("nothing")}
        self.fields = {
            name: fields[name] for name in _LOOKED_AT if plain(fields.get(name, "")) not in nothing
        }
        self.sentences = [
            _Sentence(name, start, text, coach, words)
            for name, field in self.fields.items()
            for start, text in _placed(field)
        ]
        self._past = coach.past.get(language, ())

    @cached_property
    def tells(self) -> bool:
        """Whether anything happened in it."""
        return any(one.tells(self._past) for one in self.sentences)

    def saying(self, name: str) -> list[_Sentence]:
        """The sentences with a phrase of that list."""
        return [one for one in self.sentences if one.says(name)]

    @property
    def story(self) -> str:
        """The field with what happened, or what stands in its place."""
        return "description" if "description" in self.fields else next(iter(self.fields), "description")


def _placed(text: str) -> Iterator[tuple[int, str]]:
    """The sentences of a text and where each begins."""
    at = 0
    for one in sentences(text):
        at += len(one.before)
        yield at, one.text
        at += len(one.text)


def _about(said: Iterable[_Sentence], rule: Rule) -> list[Finding]:
    return [Finding(rule=rule, field=one.field, start=one.start, end=one.end) for one in said]


def _said(draft: _Draft, rule: Rule) -> list[Finding]:
    """The sentences with a phrase of the rule's list."""
    return _about(draft.saying(_SAYS[rule]), rule)


def _no_event(draft: _Draft, rule: Rule) -> list[Finding]:
    return [] if draft.tells else [Finding(rule=rule, field=draft.story)]


def _recommendation(draft: _Draft, rule: Rule) -> list[Finding]:
    """Nothing happened, and half of what is said or more is what ought to be done."""
    demands = [one for one in draft.sentences if one.demands]
    if draft.tells or 2 * len(demands) < len(draft.sentences):
        return []
    return _about(demands, rule)


def _several_ideas(draft: _Draft, rule: Rule) -> list[Finding]:
    """Words that lead to another lesson, or a list in one field."""
    found = _about((one for one in draft.sentences if one.says("another_idea") or one.begins("second")), rule)
    for name, text in draft.fields.items():
        if any(len(pattern.findall(text)) > 1 for pattern in (_NUMBERED, _BULLET)):
            found.append(Finding(rule=rule, field=name, start=0, end=len(text)))
    return found


def _missing(draft: _Draft, rule: Rule) -> list[Finding]:
    """Neither its field says anything, nor does a sentence anywhere."""
    field, name = _PLACES[rule]
    if field in draft.fields or draft.saying(name) or (_OTHERWISE.get(rule) or _never)(draft):
        return []
    return [Finding(rule=rule, field=field)]


def _never(draft: _Draft) -> bool:
    return False


def _dated(draft: _Draft) -> bool:
    return any(_YEAR.search(text) for text in draft.fields.values())


def _proved(draft: _Draft) -> bool:
    """A figure outside of what ought to be done, or a link."""
    figures = (one for one in draft.sentences if one.has_figure and not one.demands)
    return any(figures) or any(links(text) for text in draft.fields.values())


_SAYS = {Rule.NAMES: "names", Rule.PLATITUDE: "commonplace", Rule.SEVERAL_IDEAS: "another_idea"}
_PLACES = {
    Rule.NO_CAUSE: ("cause", "because"),
    Rule.NO_CONTEXT: ("context", "where"),
    Rule.NO_LIMITS: ("limits", "limits"),
    Rule.NO_EVIDENCE: ("evidence", "evidence"),
}
_OTHERWISE = {Rule.NO_CONTEXT: _dated, Rule.NO_EVIDENCE: _proved}
_CHECKS = {
    Rule.NAMES: _said,
    Rule.RECOMMENDATION: _recommendation,
    Rule.NO_EVENT: _no_event,
    Rule.PLATITUDE: _said,
    Rule.SEVERAL_IDEAS: _several_ideas,
    Rule.NO_CAUSE: _missing,
    Rule.NO_CONTEXT: _missing,
    Rule.NO_LIMITS: _missing,
    Rule.NO_EVIDENCE: _missing,
}
