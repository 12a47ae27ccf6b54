"""What answers become: a draft knowledge item; `core/handover_note.py` is about the note of a leaver.

Nothing is invented: every word is the person's own, put under the heading its question says
(`Question.becomes`), and the person's edits of a field go before what the answers say.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from km365.core.audience import Audience, narrower, narrowest
from km365.core.interviews import KNOWLEDGE, Answer, Interview
from km365.core.knowledge import WRITTEN_FIELDS, Kind, KnowledgeItem, Link, links_in
from km365.core.questions import Bank, BankKind, Question
from km365.core.titles import title_of

LINKS = "links"
"""In `Interview.edits`, what the draft says of other items, as the column *Links* will hold it."""


def knowledge_item(interview: Interview, bank: Bank) -> KnowledgeItem:
    """The draft that the answers make, in the person's own words.

    Only what everyone or the office may read is in it, and its audience is the narrowest of those answers.
    Its id depends on the interview alone, so that drafting twice makes one item.
    """
    used = [
        (question, answer)
        for question, answer in answered(interview, bank)
        if _targets(question, KNOWLEDGE) and in_item(answer)
    ]
    by_question = interview.edits if bank.kind is BankKind.HANDOVER else {}
    words: dict[str, Any] = {
        name: _joined(used, f"{KNOWLEDGE}{name}", by_question) for name in WRITTEN_FIELDS
    }
    if bank.kind is BankKind.REFLECTION:
        words |= {name: text for name, text in interview.edits.items() if name in words}
    chosen = {
        target.removeprefix(KNOWLEDGE): answer.choice
        for question, answer in used
        for target in _targets(question, KNOWLEDGE)
        if answer.choice
    }
    words["title"] = words["title"] or title_of(words["advice"], words["description"])
    return KnowledgeItem(
        id=f"KM-{interview.id}",
        kind=Kind(chosen.get("kind", Kind.LESSON)),
        **words,
        polarity=chosen.get("polarity", ""),
        perspective=chosen.get("perspective", ""),
        office=interview.office,
        milestone=interview.subject,
        contributors=(interview.person_id,),
        language=interview.language,
        audience=narrowest(*(answer.audience for _, answer in used)) if used else Audience.OFFICE,
        links=links_of(interview),
    )


def links_of(interview: Interview) -> tuple[Link, ...]:
    """What the draft says of other items."""
    return links_in(interview.edits.get(LINKS, ""))


def lacking(item: KnowledgeItem, bank: Bank) -> tuple[str, ...]:
    """The fields without which it cannot go before a focal point, the title last, as it is made of others."""
    form = bank.forms.get(item.kind)
    needs = form.needs if form else ("title", "description")
    return tuple(name for name in sorted(needs, key="title".__eq__) if not str(getattr(item, name)).strip())


def is_complete(item: KnowledgeItem) -> bool:
    """Whether it says what every item says: a title and what happened."""
    return bool(item.title.strip() and item.description.strip())


def label(bank: Bank, kind: Kind, name: str) -> str:
    """What a field of an item is called: as the form of its kind says, where the bank asks for the kind."""
    form = bank.forms.get(kind)
    return form.labels[name] if form else bank.heading(f"{KNOWLEDGE}{name}")


def left_out(interview: Interview, bank: Bank) -> tuple[Question, ...]:
    """The questions whose answers stay out of the note, or the item, because fewer people may read them."""
    goal, belongs = ("handover.", in_note) if bank.kind is BankKind.HANDOVER else (KNOWLEDGE, in_item)
    return tuple(
        question
        for question, answer in answered(interview, bank)
        if _targets(question, goal) and not belongs(answer)
    )


def in_note(answer: Answer) -> bool:
    """Whether successor and supervisor may read the answer."""
    return not narrower(answer.audience, Audience.SUCCESSOR)


def in_item(answer: Answer) -> bool:
    """Whether the answer may be made part of a knowledge item, which a whole office reads at least."""
    return not narrower(answer.audience, Audience.OFFICE)


def answered(interview: Interview, bank: Bank) -> Iterator[tuple[Question, Answer]]:
    """The questions with words in their answer, in the bank's order."""
    for question in bank.questions:
        answer = interview.answer(question.id)
        if answer is not None and answer.text and answer.audience is not Audience.UNRECORDED:
            yield question, answer


def _targets(question: Question, prefix: str) -> list[str]:
    return [target for target in question.becomes if target.startswith(prefix)]


def _joined(used: list[tuple[Question, Answer]], target: str, edits: Mapping[str, str]) -> str:
    """The answers that fill the field, as the person worded them last."""
    words = [edits.get(question.id, answer.text) for question, answer in used if target in question.becomes]
    return "\n\n".join(text.strip() for text in words if text.strip())
