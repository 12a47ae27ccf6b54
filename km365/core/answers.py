"""The questions with which an item came back to its contributor, and where the answers belong."""

from collections.abc import Mapping, Sequence
from hashlib import sha256

from km365.core.moves import CONSENT_MOVES, EFFECT_MOVES, Made, Move
from km365.core.questions import Bank
from km365.core.sorting import sorted_fields

_KEY = "asked:"
_STORY = "description"
_BETWEEN = CONSENT_MOVES | EFFECT_MOVES
"""Moves of other axes, which leave a question open."""


def questions_of(recorded: Sequence[Made]) -> list[str]:
    """The questions of the last return, a line each; none where something was decided or sent since."""
    last = next((one for one in reversed(recorded) if one.done and one.move not in _BETWEEN), None)
    if last is None or last.move is not Move.RETURN:
        return []
    return [line.strip() for line in last.words.splitlines() if line.strip()]


def key_of(question: str) -> str:
    """Where an interview keeps the answer to this question among the person's own wordings."""
    return f"{_KEY}{sha256(question.encode()).hexdigest()[:12]}"


def placed(text: str, draft: Mapping[str, str], cues: Bank) -> dict[str, str]:
    """The fields of the draft with the sentences of an answer added, each where the cues of a bank point.

    What points nowhere, or to a field that the draft has not, is what happened. Nothing where the draft tells
    nothing that happened: then the answer stands beside its question alone.
    """
    if _STORY not in draft:
        return {}
    found: dict[str, str] = {}
    for name, words in sorted_fields(text, cues).items():
        field = name if name in draft and name != "title" else _STORY
        found[field] = f"{found.get(field, draft[field])}\n\n{words}".strip()
    return found


def answered(edits: Mapping[str, str], questions: Sequence[str]) -> str:
    """Each question, with its answer below where there is one; "" where none was answered."""
    answers = [edits.get(key_of(question), "").strip() for question in questions]
    pairs = zip(questions, answers, strict=True)
    lines = [f"{question}\n– {answer}" if answer else question for question, answer in pairs]
    return "\n".join(lines) if any(answers) else ""
