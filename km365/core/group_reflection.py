"""What a group said together, without names: answers grouped by likeness of words, counted, hardly quoted.

A theme is a word that at least `LIMIT` people used, with those who used it. What fewer people share is only
counted, so that nobody is known by their words; and where fewer than `LIMIT` answered, nothing is shown.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from km365.core import alike
from km365.core.schedule import Hours, day_at, midnight

LIMIT = 3
"""How many people must have said alike before their words are shown, and have answered before anything is."""
MOST_MEMBERS = 60
"""A group larger than this does not know each other well enough to reflect together."""
WORKING_DAYS = 2
"""How long members are given, unless the one who began it says otherwise."""
LONGEST_WAIT = 20
"""Working days after which nobody remembers what the group asked itself."""
LONGEST_SUBJECT = 120
"""Characters of what a group reflects on."""

_WORDS_SHOWN = 5
_QUOTES_SHOWN = 2
_LONGEST_QUOTE = 300


class Closed(StrEnum):
    """Why a reflection ended."""

    ALL = "all"
    """Everybody has answered or said no."""
    TIME = "time"
    """The time set has passed."""
    ASKED = "asked"
    """The one who began it said so."""


class View(StrEnum):
    """How far people agree on one question."""

    ALIKE = "alike"
    """More than half said much the same."""
    DIVIDED = "divided"
    """Some said the same, but not most."""
    APART = "apart"
    """No three people used the same words."""
    FEW = "few"
    """Too few answered for anything to be shown."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """One person's answer to one question. `choice` is the value chosen, where choices are offered."""

    text: str
    quotable: bool = False
    """Whether the person agreed that their words may be quoted without their name."""
    choice: str = ""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One question and what was answered. `target` names its heading; `said` is how it was put to people."""

    target: str
    answers: tuple[Given, ...]
    said: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Answers that share a word: how many, the words they share, and who of them may be quoted."""

    count: int
    words: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    choice: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What came of one question. Every answer is in one theme or among the `others`; none with `View.FEW`."""

    target: str
    view: View
    answers: int
    themes: tuple[Theme, ...] = ()
    others: int = 0


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the group is shown. With fewer than `LIMIT` who answered it has no findings and no count."""

    asked: int
    answered: int
    findings: tuple[Finding, ...]

    @property
    def too_few(self) -> bool:
        """Whether nothing may be shown but that too few answered."""
        return self.answered < LIMIT

    def to_json(self) -> dict[str, Any]:
        """The summary as a message of the outbox carries it."""
        return {
            "asked": self.asked,
            "answered": self.answered,
            "findings": [
                {
                    "target": one.target,
                    "view": one.view.value,
                    "answers": one.answers,
                    "others": one.others,
                    "themes": [
                        {
                            "count": t.count,
                            "words": list(t.words),
                            "quotes": list(t.quotes),
                            "choice": t.choice,
                        }
                        for t in one.themes
                    ],
                }
                for one in self.findings
            ],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Summary":
        """The summary that `to_json` wrote. Raises KeyError or ValueError if it was not."""
        findings = (
            Finding(
                target=one["target"],
                view=View(one["view"]),
                answers=one["answers"],
                others=one["others"],
                themes=tuple(
                    Theme(
                        count=t["count"],
                        words=tuple(t["words"]),
                        quotes=tuple(t["quotes"]),
                        choice=t["choice"],
                    )
                    for t in one["themes"]
                ),
            )
            for one in value["findings"]
        )
        return cls(asked=value["asked"], answered=value["answered"], findings=tuple(findings))


def summarise(questions: Sequence[Asked], *, asked: int, answered: int, names: Iterable[str]) -> Summary:
    """The summary of `answered` people's answers out of `asked`; `names` are never shown, quoted or counted.

    The order in which answers came decides nothing.
    """
    if answered < LIMIT:
        return Summary(asked=asked, answered=0, findings=())
    unsaid = frozenset(word for name in names for word in alike.all_words(name))
    return Summary(asked=asked, answered=answered, findings=tuple(_finding(one, unsaid) for one in questions))


def closing(now: datetime, hours: Hours, *, days: int = WORKING_DAYS) -> datetime:
    """The end of working hours, so many working days after today, in UTC."""
    day, left = day_at(now, hours), days
    while left:
        day += timedelta(days=1)
        left -= hours.works_on(day)
    return (midnight(day, hours) + hours.closes).astimezone(UTC)


def days_left(now: datetime, closes_at: datetime, hours: Hours) -> int:
    """How many working days after today it closes: what `closing` was given."""
    day, last, left = day_at(now, hours), day_at(closes_at, hours), 0
    while day < last:
        day += timedelta(days=1)
        left += hours.works_on(day)
    return left


def _finding(question: Asked, unsaid: frozenset[str]) -> Finding:
    answers = sorted(question.answers, key=lambda one: (one.text, one.choice, one.quotable))
    if len(answers) < LIMIT:
        return Finding(target=question.target, view=View.FEW, answers=0)
    themes = _chosen(answers, question) if question.choices else _themes(answers, question, unsaid)
    grouped = sum(theme.count for theme in themes)
    most = max((theme.count for theme in themes), default=0)
    view = View.ALIKE if 2 * most > len(answers) else View.DIVIDED if themes else View.APART
    return Finding(
        target=question.target,
        view=view,
        answers=len(answers),
        themes=tuple(themes),
        others=len(answers) - grouped,
    )


def _chosen(answers: Sequence[Given], question: Asked) -> list[Theme]:
    """How many chose what: the choices are ours, so their counts say nobody's words."""
    counted = Counter(one.choice for one in answers)
    return [Theme(count=counted[choice], choice=choice) for choice in question.choices if counted[choice]]


def _themes(answers: Sequence[Given], question: Asked, unsaid: frozenset[str]) -> list[Theme]:
    """The most widely shared word first, with everybody who used it; then again among those left."""
    ours = frozenset(word for said in question.said for word in alike.all_words(said))
    forms: list[Mapping[str, str]] = [alike.words(one.text, unsaid=unsaid, ours=ours) for one in answers]
    left = list(range(len(answers)))
    themes: list[Theme] = []
    while True:
        used = Counter(word for at in left for word in forms[at])
        if not used or max(used.values()) < LIMIT:
            return themes
        together = {
            word: sum(used[other] for at in left if word in forms[at] for other in forms[at])
            for word, count in used.items()
            if count == max(used.values())
        }
        seed = min(together, key=lambda word: (-together[word], word))
        group = [at for at in left if seed in forms[at]]
        left = [at for at in left if seed not in forms[at]]
        themes.append(_theme([answers[at] for at in group], [forms[at] for at in group], unsaid))


def _theme(answers: Sequence[Given], forms: Sequence[Mapping[str, str]], unsaid: frozenset[str]) -> Theme:
    shared = Counter(word for one in forms for word in one)
    common = sorted((word for word, count in shared.items() if count >= LIMIT), key=lambda w: (-shared[w], w))
    quotes = [
        _short(one.text) for one in answers if one.quotable and unsaid.isdisjoint(alike.all_words(one.text))
    ]
    return Theme(
        count=len(answers),
        words=tuple(_as_written(word, forms) for word in common[:_WORDS_SHOWN]),
        quotes=tuple(quotes[:_QUOTES_SHOWN]),
    )


def _as_written(word: str, forms: Sequence[Mapping[str, str]]) -> str:
    """The form of the word that most people used."""
    used = Counter(one[word] for one in forms if word in one)
    return min(used, key=lambda form: (-used[form], form))


def _short(text: str) -> str:
    """The answer in one line, as far as it is quoted."""
    line = " ".join(text.split())
    if len(line) <= _LONGEST_QUOTE:
        return line
    return f"{line[:_LONGEST_QUOTE].rsplit(' ', 1)[0].rstrip(' ,;:')} …"
