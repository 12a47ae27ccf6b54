"""What a question bank is: questions as data, in one language, with the structure all languages share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from km365.core.audience import Audience
from km365.core.commands import plain
from km365.core.forms import KindForms

SENSITIVE = 3
"""The `sensitivity` of what is political, about protection or about staff: it stays close."""
_SHORTEST = 5
_SHORTEST_HAN = 2


class BankKind(StrEnum):
    """What the answers of a bank turn into."""

    REFLECTION = "reflection"
    """One knowledge item."""
    HANDOVER = "handover"
    """A handover note, and lessons on the side."""
    GROUP = "group"
    """A summary for the group that was asked together, without names; nothing else is made of them."""


POST_LEFT = "post_left"
"""The bank that asks colleagues about a post whose holder has left."""
GROUP_BANK = "group_reflection"
"""The bank that a group reflection asks."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of the answers a question offers; `value` is the same in every language."""

    value: str
    label: str


@dataclass(frozen=True, kw_only=True)
class SkipIf:
    """When a question need not be asked. All parts that are given must hold; one at least is given."""

    answered: str = ""
    """The id of an earlier question that was answered."""
    skipped: str = ""
    """The id of an earlier question that was skipped."""
    chose: tuple[str, ...] = ()
    """An earlier question's id, and the values of which one was chosen there."""
    unless: tuple[str, ...] = ()
    """The same the other way round: none of these values was chosen there, be it that nothing was."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question. `becomes` names where the answer goes: `knowledge.<field>` or `handover.<section>`."""

    id: str
    ask: str
    audience: Audience
    """Who reads the answer unless the person says otherwise."""
    becomes: tuple[str, ...]
    hint: str = ""
    probe: str = ""
    """Asked once where the answer is thin; empty means never."""
    sensitivity: int = 1
    """1 low, 2 personal or reputational, 3 political, protection or staff matters."""
    skip_if: SkipIf | None = None
    choices: tuple[Choice, ...] = ()
    cues: tuple[str, ...] = ()
    """Words by which a sentence of a freely told text is known to answer this (`core/sorting.py`)."""
    lesson: bool = False
    """Whether a lesson may be found in the answer, to be proposed to the person (`core/found_lessons.py`)."""

    def choice(self, said: str) -> Choice | None:
        """The choice that `said` names: by number from 1, by value, label, or words of one label alone.

        "Operations" is enough for "Operations: supply, staff, money"; a word in two labels names neither.
        """
        words = plain(said)
        for number, choice in enumerate(self.choices, start=1):
            if words in {plain(choice.value), plain(choice.label)}:
                return choice
            if words.isdecimal() and int(words) == number:
                return choice
        meant = [choice for choice in self.choices if _stands_in(words, plain(choice.label))]
        return meant[0] if len(meant) == 1 else None


def _stands_in(words: str, label: str) -> bool:
    """Whether whole words of a label were said, no little one alone; in Chinese, two characters or more."""
    if any("\u3040" <= c <= "\u9fff" for c in words):
        return len(words) >= _SHORTEST_HAN and words in label
    return len(words) >= _SHORTEST and f" {words} " in f" {label} "


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What a person reads before the first question, each part a few sentences.

    `version` goes up when an organisation means something else by it; it is the same in every language.
    """

    text: str
    purpose: str
    audience: str
    keeping: str
    version: int = 1
    language: str = ""

    @property
    def mark(self) -> str:
        """By which these very words are known again: "1 en 5f2b9c01ad34"."""
        words = "\n".join([self.text, self.purpose, self.audience, self.keeping])
        return f"{self.version} {self.language} {sha256(words.encode()).hexdigest()[:12]}"

    def is_same(self, mark: str) -> bool:
        """Whether words of that mark said the same: in another language by their version alone."""
        version, language, _ = mark.split(" ")
        return mark == self.mark or (version == str(self.version) and language != self.language)


@dataclass(frozen=True, kw_only=True)
class Bank:
    """The questions of one kind of conversation in one language, in the order they are asked."""

    id: str
    kind: BankKind
    language: str
    title: str
    invitation: str
    """What it is and why it is worth the time, for the invitation; may hold the placeholder {subject}."""
    minutes: int
    """How long it takes, roughly, in all."""
    questions: tuple[Question, ...]
    consent: Consent | None = None
    """None where the invitation says all there is to say."""
    sitting: int = 8
    """How many questions are asked before the person is offered a break."""
    sections: tuple[tuple[str, str], ...] = field(default=())
    """Headings in this language, as (target, heading), for every target that `becomes` names."""
    milestones: tuple[str, ...] = ()
    """The kinds of milestone that ask this bank (`core/schema.MILESTONE_KINDS`)."""
    forms: KindForms = field(default_factory=dict)
    """The form of each kind, where the bank asks which kind it is; else a lesson is made."""

    def question(self, question_id: str) -> Question | None:
        """The question of that id, or None."""
        return next((q for q in self.questions if q.id == question_id), None)

    def heading(self, target: str) -> str:
        """The heading of a `becomes` target in this language; the target itself where there is none."""
        return dict(self.sections).get(target, target)

    def where(self, keep: Callable[[Question], bool]) -> tuple[Question, ...]:
        """The questions that `keep` accepts, in order."""
        return tuple(q for q in self.questions if keep(q))
