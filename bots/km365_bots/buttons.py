"""What a card sent back, checked: it comes from outside, and may be old, forged or nonsense."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from km365.core import cards_token
from km365.core.audience import Audience
from km365.core.interviews import InterviewState
from km365.core.said import Verb

_LONGEST_NAME = 200
_LONGEST_TEXT = 100_000
_MOST_FIELDS = 40
_OWN = frozenset({"verb", "interview", "question", "token", "answer", "audience", "change"})

_VERBS: Mapping[str, Verb] = {
    "answer": Verb.ANSWER,
    "skip": Verb.SKIP,
    "back": Verb.BACK,
    "pause": Verb.PAUSE,
    "draft": Verb.DRAFT,
    "start_over": Verb.START_OVER,
    "agree": Verb.AGREE,
    "decline": Verb.DECLINE,
    "start": Verb.START,
    "later": Verb.LATER,
    "send": Verb.SEND,
    "approve": Verb.SEND,
    "edit": Verb.EDIT,
    "discard": Verb.WITHDRAW,
    "change": Verb.REVISE,
}
"""What each button of our cards says."""

_ANY_TIME = frozenset({Verb.ANSWER, Verb.SKIP, Verb.PAUSE, Verb.START, Verb.LATER})
"""What an old card may still say: the rules know which question it was about, or it changes nothing."""


@dataclass(frozen=True, kw_only=True)
class Press:
    """A button pressed on a card of an interview, with what was filled in."""

    verb: Verb
    interview: str
    question: str
    token: str
    text: str = ""
    audience: Audience | None = None
    change: str = ""
    """The question to answer again."""
    fields: Mapping[str, str] = field(default_factory=dict)

    def forged(self, secret: bytes, person_id: str) -> bool:
        """Whether this card was never shown to this person by us."""
        return not cards_token.is_ours(
            secret, self.token, interview=self.interview, question=self.question, person=person_id
        )

    def late(self, step: int) -> bool:
        """Whether the interview has moved on since the card was shown. Ask only of one not forged."""
        return cards_token.shown_at(self.token) != step

    def harmless_when_late(self, state: InterviewState) -> bool:
        """Whether an old card may still be listened to."""
        return self.verb in _ANY_TIME or state in {InterviewState.SENDING, InterviewState.FINISHED}


def read(value: Mapping[str, Any]) -> Press | None:
    """What the card says; None where it is no card of ours. Never raises."""
    verb = _VERBS.get(_name(value, "verb"))
    if verb is None or not _name(value, "interview") or not _name(value, "token"):
        return None
    letter = _name(value, "audience")
    text = value.get("answer")
    return Press(
        verb=verb,
        interview=_name(value, "interview"),
        question=_name(value, "question"),
        token=_name(value, "token"),
        text=text[:_LONGEST_TEXT] if isinstance(text, str) else "",
        audience=Audience(letter) if letter in {a.value for a in Audience} else None,
        change=_name(value, "change"),
        fields=_inputs(value) if verb in {Verb.SEND, Verb.EDIT} else {},
    )


_TOPIC = "topic:"


@dataclass(frozen=True, kw_only=True)
class Pick:
    """A button pressed on a card of a topic. `about` is what the card was about, as the topic named it."""

    topic: str
    verb: str
    about: str
    token: str
    inputs: Mapping[str, str] = field(default_factory=dict)

    def forged(self, secret: bytes, person_id: str) -> bool:
        """Whether this card was never shown to this person by us."""
        named = card_of(self.topic)
        return not cards_token.is_ours(
            secret, self.token, interview=self.about, question=named, person=person_id
        )


def card_of(topic: str) -> str:
    """What stands for the question on a card of a topic."""
    return f"{_TOPIC}{topic}"


def picked(value: Mapping[str, Any]) -> Pick | None:
    """What a topic's card says; None where it is no card of a topic. Never raises."""
    question = _name(value, "question")
    if not question.startswith(_TOPIC):
        return None
    return Pick(
        topic=question.removeprefix(_TOPIC),
        verb=_name(value, "verb"),
        about=_name(value, "interview"),
        token=_name(value, "token"),
        inputs=_inputs(value),
    )


def _inputs(value: Mapping[str, Any]) -> dict[str, str]:
    """What was filled in, as far as it can be believed to have been."""
    return {
        key: text
        for key, text in list(value.items())[:_MOST_FIELDS]
        if isinstance(key, str) and isinstance(text, str) and key not in _OWN and len(text) <= _LONGEST_TEXT
    }


def _name(value: Mapping[str, Any], key: str) -> str:
    name = value.get(key)
    return name if isinstance(name, str) and len(name) <= _LONGEST_NAME else ""
