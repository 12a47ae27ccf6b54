"""The rules of a turn that are about the whole: its draft, sending it, and deleting it."""

from dataclasses import replace
from datetime import datetime

from km365.core.answering import TALKING
from km365.core.drafting import knowledge_item, lacking, left_out
from km365.core.handover_note import note_sections
from km365.core.interviews import MAX_ANSWER_LENGTH, Confirm, ConfirmKind, Interview, InterviewState
from km365.core.knowledge import WRITTEN_FIELDS
from km365.core.notes import After, Note
from km365.core.questions import Bank, BankKind
from km365.core.said import Said, Verb, clean


def draft_or_send(interview: Interview, bank: Bank, said: Said, now: datetime) -> After:
    """The draft, before the last question if need be; said at the draft, it is sent."""
    if interview.state is InterviewState.DRAFT:
        return _send(interview, bank, now) if said.verb is Verb.SEND else (interview, ())
    if interview.state not in {InterviewState.OPEN, InterviewState.PAUSED}:
        return interview, (Note.NOT_NOW,)
    if not interview.said_something:
        return interview, (Note.NOTHING_YET,)
    notes = (Note.READ_FIRST,) if said.verb is Verb.SEND else ()
    return replace(interview, state=InterviewState.DRAFT, revisiting="", probing="", wake_at=None), notes


def _send(interview: Interview, bank: Bank, now: datetime) -> After:
    if missing := lacks(interview, bank):
        return interview, (missing,)
    return replace(interview, state=InterviewState.SENDING, wake_at=None, sent_at=now), (Note.SENDING,)


def lacks(interview: Interview, bank: Bank) -> Note | None:
    """Why the draft cannot be sent as it is, or None."""
    if _is_empty(interview, bank) and (bank.kind is BankKind.HANDOVER or left_out(interview, bank)):
        return Note.NOTHING_TO_SEND
    if bank.kind is BankKind.GROUP and not interview.said_something:
        return Note.NOTHING_YET
    if bank.kind is BankKind.REFLECTION and lacking(knowledge_item(interview, bank), bank):
        return Note.NEEDS_STORY
    return None


def _is_empty(interview: Interview, bank: Bank) -> bool:
    """Whether nobody else would get to read a word of this."""
    item = knowledge_item(interview, bank)
    return not any(getattr(item, name) for name in WRITTEN_FIELDS) and not note_sections(interview, bank)


def edit_draft(interview: Interview, bank: Bank, said: Said, now: datetime) -> After:
    """Other words in parts of the draft; none empties a part."""
    if interview.state is not InterviewState.DRAFT:
        return interview, (Note.NOT_NOW,)
    words = {name: clean(text) for name, text in said.fields.items()}
    if any(len(text) > MAX_ANSWER_LENGTH for text in words.values()):
        return interview, (Note.TOO_LONG,)
    return replace(interview, edits={**interview.edits, **words}), (Note.EDITED,)


def ask_to_clear(interview: Interview, bank: Bank, said: Said, now: datetime) -> After:
    """Ask for a second yes before answers are deleted; what was sent once is taken back in another place."""
    if interview.begun_at is not None:
        return leave_sent(interview) if said.verb is Verb.WITHDRAW else (interview, (Note.ALREADY_SENT,))
    if interview.state is InterviewState.WITHDRAWN:
        return interview, (Note.NOT_NOW,)
    kind = ConfirmKind.WITHDRAW if said.verb is Verb.WITHDRAW else ConfirmKind.START_OVER
    return replace(interview, confirming=Confirm(kind=kind)), ()


def leave_sent(interview: Interview) -> After:
    """What was sent stays sent; a draft of changes to it is put away."""
    if interview.state not in TALKING:
        return interview, (Note.ALREADY_SENT,)
    put_away = replace(interview, state=InterviewState.FINISHED, revisiting="", probing="", wake_at=None)
    return put_away, (Note.AS_SENT,)


def open_again(interview: Interview, bank: Bank, said: Said, now: datetime) -> After:
    """Back to the draft of what was sent."""
    if interview.state is not InterviewState.FINISHED:
        return interview, (Note.NOT_NOW,)
    return replace(interview, state=InterviewState.DRAFT), ()
