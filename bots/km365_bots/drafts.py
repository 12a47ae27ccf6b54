"""What the answers have become, for its author to look through: an item, a handover note, a group's answers.

Pure: an interview and its bank in, the parts that are shown and numbered out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import groupby

from km365.core.audience import Audience
from km365.core.chat import Reply
from km365.core.coach import most_useful
from km365.core.departures import BANK as LEAVING
from km365.core.drafting import is_complete, knowledge_item, label, left_out
from km365.core.handover_note import note_sections
from km365.core.interviews import KNOWLEDGE, Interview, asked, current, unasked
from km365.core.knowledge import WRITTEN_FIELDS, KnowledgeItem
from km365.core.languages import best
from km365.core.messages import Messages
from km365.core.questions import POST_LEFT, Bank, BankKind, Question
from km365.core.said import clean
from km365.core.written_in import language_of
from km365.documents.coach import CoachWords
from km365_bots.card_page import shorten

DRAFT = "draft"
"""The card of an item's draft."""
NOTE = "note"
"""The card of a handover note's draft, or of what a group is handed in."""
_STORY = f"{KNOWLEDGE}description"
_KIND = "kind"
_PIECES = 2
"""Pieces of advice under a draft: who reads more takes up none."""
_LOOKED_AT = 5_000
"""Characters; to look at more would keep others waiting."""
_BEGINNING = 60
"""Characters of an answer by which its author knows it again."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a draft, as it is shown and numbered. `key` names it in the interview's edits."""

    key: str
    label: str
    value: str
    question: str
    """The question to answer again in order to change it."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A draft as it is shown: its `card` with the `data` of it, and the `lines` of its text twin."""

    card: str
    data: Mapping[str, object]
    lines: Sequence[str]
    marks: str = ""
    """Stands for the words shown where they can be changed on the card, which brings it back signed."""

    @property
    def named(self) -> str:
        """What the card names as its question."""
        return f"{self.card}:{self.marks}" if self.marks else self.card


def shown(interview: Interview, bank: Bank, messages: Messages, coach: CoachWords | None = None) -> Draft:
    """The draft that the answers make, to be sent, changed or put away; an item with what `coach` advises."""
    found = parts(interview, bank)
    numbered = [f"{n}. {part.label}\n{part.value}" for n, part in enumerate(found, start=1)]
    if bank.kind is BankKind.HANDOVER:
        return _handover(interview, bank, messages, found, numbered)
    if bank.kind is BankKind.GROUP:
        return _handing_in(messages, found, numbered)
    item = knowledge_item(interview, bank)
    title = messages.say("prompt.draft_title")
    text = messages.say("prompt.draft_text", who=_who(item.audience, messages))
    text = _left_out(text, interview, bank, messages)
    form = bank.forms.get(item.kind)
    needed = form.needs if form else ("title", "description")
    kinds = [part.value for part in found if part.key == _KIND]
    data = {
        "title": title,
        "text": "\n\n".join([text, *kinds]),
        "fields": [
            {
                "key": part.key,
                "label": part.label,
                "value": part.value,
                "multiline": part.key != "title",
                "required": part.key in needed,
            }
            for part in found
            if part.key != _KIND
        ],
    }
    on_card, typed = _advice(interview, bank, found, coach, messages.language) if coach else ([], [])
    data["advice"] = on_card
    marks = ".".join(_mark(part.value) for part in found)
    return Draft(card=DRAFT, data=data, lines=[title, text, *numbered, *typed], marks=marks)


def _advice(
    interview: Interview, bank: Bank, found: Sequence[Part], coach: CoachWords, language: str
) -> tuple[list[str], list[str]]:
    """What leads to it and at most two pieces of advice, for the card and with the numbers of its text twin.

    None on a draft that is not whole, or was read; what was asked for and passed over is not asked for again.
    """
    fields = {part.key: part.value for part in found}
    whole = "\n".join(fields.values())
    if interview.advised or current(interview, bank) is not None or len(whole) > _LOOKED_AT:
        return [], []
    passed_over = {
        target.removeprefix(KNOWLEDGE)
        for question in bank.questions
        if (answer := interview.answer(question.id)) is not None and not answer.text
        for target in question.becomes
    }
    findings = coach.coach.findings(fields, language=best([language_of(whole), language]))
    useful = most_useful((one for one in findings if one.end or one.field not in passed_over), most=_PIECES)
    places = {part.key: (f"{part.label}: ", f"{part.label} ({n}): ") for n, part in enumerate(found, start=1)}
    pieces = [(places.get(one.field, ("", "")), coach.advice[language][one.rule].say) for one in useful]
    under = [coach.under[language]] if pieces else []
    return (
        [*under, *(f"{place}{say}" for (place, _), say in pieces)],
        [*under, *(f"{place}{say}" for (_, place), say in pieces)],
    )


def _mark(text: str) -> str:
    return sha256(clean(text).encode()).hexdigest()[:8]


def changed(
    interview: Interview, bank: Bank, fields: Mapping[str, str], *, shown_as: str = ""
) -> dict[str, str]:
    """The fields whose words differ from those of the draft; fields that it has not are left out.

    `shown_as` is what an older card named as its question: then those that differ from that card too. Of a
    card without marks, those that differ from the answers as well.
    """
    now = {part.key: part.value for part in parts(interview, bank)}
    new = {key: text for key, text in fields.items() if key in now and clean(text) != clean(now[key])}
    if not shown_as:
        return new
    marks = shown_as.partition(":")[2].split(".")
    if len(marks) != len(now):
        unedited = replace(interview, edits={})
        marks = [_mark(part.value) for part in parts(unedited, bank)]
    before = dict(zip(now, marks, strict=False))
    return {key: text for key, text in new.items() if _mark(text) != before.get(key)}


def with_words(reply: Reply, words: Mapping[str, str]) -> Reply:
    """The draft's reply with these words in its card's fields, where they are not kept."""
    card, shown = reply.card, reply.card.data.get("fields") if reply.card else None
    if card is None or not isinstance(shown, list):
        return reply
    fields = [{**one, "value": words.get(one["key"], one["value"])} for one in shown]
    return replace(reply, card=replace(card, data={**card.data, "fields": fields}))


def _handover(
    interview: Interview, bank: Bank, messages: Messages, shown: Sequence[Part], numbered: Sequence[str]
) -> Draft:
    where = f"{POST_LEFT}." if bank.id == POST_LEFT else "prompt."
    title = messages.say(f"{where}note_title")
    text = _left_out(messages.say(f"{where}note_text"), interview, bank, messages)
    text = "\n\n".join(filter(None, [text, _unasked(interview, bank, messages)]))
    heading, lines = _lesson(interview, bank, messages)
    others = [_other_readers(interview, part, messages) for part in shown]
    sections = [
        {
            "heading": label,
            "lines": [line for part, other in under for line in (*part.value.splitlines(), *other)],
        }
        for label, under in groupby(zip(shown, others, strict=True), key=lambda one: one[0].label)
    ]
    numbered = ["\n".join([said, *other]) for said, other in zip(numbered, others, strict=True)]
    data = {
        "title": title,
        "text": text,
        "sections": [*sections, *([{"heading": heading, "lines": lines}] if lines else [])],
        "questions": [{"value": part.question, "label": _told_apart(part, shown)} for part in shown],
    }
    lesson = "\n".join([heading, *lines]) if lines else ""
    return Draft(card=NOTE, data=data, lines=[title, text, *numbered, lesson])


def _told_apart(part: Part, others: Sequence[Part]) -> str:
    """What the part is called where one is chosen: several stand under one heading, and begin differently."""
    alike = sum(other.label == part.label for other in others) > 1
    one_line = " ".join(part.value.split())
    return f"{part.label}: {shorten(one_line, _BEGINNING)[0]}" if alike else part.label


def _other_readers(interview: Interview, part: Part, messages: Messages) -> list[str]:
    """Who reads this answer, in a line, where that is not who reads the note."""
    answer = interview.answer(part.question)
    if answer is None or answer.audience is Audience.SUCCESSOR:
        return []
    return [messages.say("prompt.who", who=_who(answer.audience, messages))]


def _handing_in(messages: Messages, shown: Sequence[Part], numbered: Sequence[str]) -> Draft:
    """Answers to a group's questions, before they are handed in."""
    title, text = messages.say("group.draft_title"), messages.say("group.draft_text")
    data = {
        "title": title,
        "text": text,
        "sections": [{"heading": part.label, "lines": part.value.splitlines()} for part in shown],
        "questions": [{"value": part.question, "label": part.label} for part in shown],
        "approve": "send",
    }
    return Draft(card=NOTE, data=data, lines=[title, text, *numbered])


def _left_out(text: str, interview: Interview, bank: Bank, messages: Messages) -> str:
    """The text, or another where it was sent once; and whose answers stay out of what it is about."""
    text = messages.say("prompt.again") if interview.begun_at else text
    if not (found := left_out(interview, bank)):
        return text
    key = "preview.left_out" if interview.named else "prompt.left_out"
    heading = messages.say(key, count=len(found), who=_who(Audience.NAMED, messages))
    return "\n".join([f"{text} {heading}", *(f"• {question.ask}" for question in found)])


def _unasked(interview: Interview, bank: Bank, messages: Messages) -> str:
    """How many planned questions would never be asked if a leaver's note were filed now; else empty."""
    count = len(unasked(interview, bank))
    ends = bank.id == LEAVING and not interview.begun_at and count
    return messages.say("prompt.unasked", n=count) if ends else ""


def _lesson(interview: Interview, bank: Bank, messages: Messages) -> tuple[str, list[str]]:
    """The heading and the lines of the lesson that goes out beside the note; no lines if none does."""
    item = knowledge_item(interview, bank)
    if not is_complete(item):
        return "", []
    story = next(q for q in bank.questions if _STORY in q.becomes and interview.answer(q.id))
    where = next((target for target in story.becomes if target != _STORY), _STORY)
    said = messages.say("prompt.lesson_text", who=_who(item.audience, messages), section=bank.heading(where))
    lines = [said, item.title]
    for name in WRITTEN_FIELDS[1:]:
        if text := str(getattr(item, name)):
            lines += [f"{bank.heading(f'{KNOWLEDGE}{name}')}:", *text.splitlines()]
    return messages.say("prompt.lesson_title"), [line for line in lines if line.strip()]


def _who(audience: Audience, messages: Messages) -> str:
    return messages.say(f"audience.{audience}")


def parts(interview: Interview, bank: Bank) -> list[Part]:
    """The parts of the draft that the answers make, in the order in which they are shown and numbered."""
    if bank.kind is BankKind.HANDOVER:
        return [
            Part(
                key=question,
                label=section.heading,
                value="\n".join(section.said_to(question)),
                question=question,
            )
            for section in note_sections(interview, bank)
            for question in section.questions
        ]
    if bank.kind is BankKind.GROUP:
        return [
            Part(key=q.id, label=bank.heading(q.becomes[0]), value=_worded(interview, q), question=q.id)
            for q in bank.questions
            if _worded(interview, q)
        ]
    item = knowledge_item(interview, bank)
    by_target = {target: q.id for q in (*bank.questions, *asked(interview, bank)) for target in q.becomes}
    form = bank.forms.get(item.kind)
    filled = {name: str(getattr(item, name)) for name in WRITTEN_FIELDS}
    shown = [
        Part(key=name, label=label(bank, item.kind, name), value=value, question=by_target[target])
        for name, value in filled.items()
        if (target := f"{KNOWLEDGE}{name}") in by_target and (value or form is None or name in form.fields)
    ]
    return [*shown, *_kind(item, bank)]


def _kind(item: KnowledgeItem, bank: Bank) -> list[Part]:
    """Which kind it is, where the bank asks for it."""
    target = f"{KNOWLEDGE}{_KIND}"
    return [
        Part(key=_KIND, label=bank.heading(target), value=choice.label, question=question.id)
        for question in bank.questions
        if target in question.becomes
        for choice in question.choices
        if choice.value == item.kind
    ]


def _worded(interview: Interview, question: Question) -> str:
    """The answer as worded last; a choice can only be made anew."""
    answer = interview.answer(question.id)
    text = answer.text if answer else ""
    return text if question.choices else interview.edits.get(question.id, text)
