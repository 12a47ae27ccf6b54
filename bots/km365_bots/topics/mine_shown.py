"""How a person's contributions are put on the cards of the topic `mine`, and in the text beside them."""

from collections.abc import Mapping, Sequence

from km365.core.contributions import Course, Standing, WishKind, WishState
from km365.core.interviews import InterviewState
from km365.core.knowledge import WRITTEN_FIELDS, Reach
from km365.core.schedule import day_at
from km365.services.contributions import NOTE, Contribution
from km365.services.wishes import Answer
from km365_bots import drafts
from km365_bots.chat import Chat

CONSENT = "consent"
"""The topic of how far a contribution may be published, and the button that leads there."""
_HEADINGS = "midterm_review"
"""The bank whose headings an item has that did not come of an interview."""


def title(chat: Chat, about: Contribution) -> str:
    """What it is called: its own title, else what it was about."""
    if about.kept is not None and about.kept.item.title not in {"", about.id}:
        return about.kept.item.title
    bank = about.bank.title if about.bank else about.id
    subject = about.interview.subject_title if about.interview else ""
    return f"{subject} ({bank})" if subject and subject != bank else bank


def apart(titles: Sequence[str]) -> list[str]:
    """The titles, with their number behind those that several have."""
    return [
        f"{title} ({number})" if titles.count(title) > 1 else title
        for number, title in enumerate(titles, start=1)
    ]


def state(chat: Chat, about: Contribution) -> str:
    """Where it stands, since when, and what is asked about it."""
    messages = chat.speech.messages
    day = messages.day(day_at(about.at, chat.hours))
    lines = [messages.say(f"mine.standing_{about.standing}", day=day)]
    if about.kept and about.interview and about.interview.state is InterviewState.DRAFT:
        lines.append(messages.say("mine.changing"))
    for wish in about.wishes:
        how = "doing" if wish.state is WishState.DOING else "asked"
        lines.append(messages.say(f"mine.open_{how}_{wish.kind}{of_note(about.id, wish.kind)}"))
    return " ".join(lines)


def readers(chat: Chat, about: Contribution) -> str:
    """Who reads it, as long as it is in the list."""
    if about.kept is None:
        return ""
    who = chat.speech.messages.say(f"audience.{about.kept.item.audience}")
    return chat.speech.messages.say("prompt.who", who=who)


def allowed(chat: Chat, about: Contribution) -> str:
    """How far its contributors allow it to be published, where that is beyond the organisation."""
    reach = about.kept.item.consent if about.kept else Reach.INTERNAL
    say = chat.speech.messages.say
    return "" if reach is Reach.INTERNAL else f"{say(f'consent.allowed_{reach}')} {say('consent.revocable')}"


def take_back(chat: Chat, about: Contribution) -> list[Mapping[str, object]]:
    """The button that leads to taking that back, where there is something to take back."""
    label = chat.speech.messages.say("consent.take_back")
    return [{"verb": CONSENT, "label": label}] if allowed(chat, about) else []


def of_note(contribution_id: str, kind: WishKind) -> str:
    """What ends the names of texts about narrowing a handover note, which no whole office reads."""
    return "_note" if contribution_id.startswith(NOTE) and kind is WishKind.NARROW else ""


def label(about: Contribution, kind: WishKind, person_id: str) -> str:
    """The words of the button: another where a focal point is asked, or where nothing was sent yet."""
    if about.course(kind, person_id) is Course.ASK:
        return f"mine.{kind}{of_note(about.id, kind)}_ask"
    if kind is WishKind.CHANGE and about.standing is Standing.UNSENT:
        return "mine.change_unsent"
    return f"mine.{kind}"


def whose(about: Contribution) -> str:
    """What is taken back: something unsent, the lesson beside a note, or a whole contribution."""
    if about.kept is None:
        return "unsent"
    return "lesson" if about.bank is not None and about.bank.kind == "handover" else "item"


def key(about: Contribution, kind: WishKind, answer: Answer) -> str:
    """The text that says exactly what was done."""
    if answer is Answer.DOING:
        return f"mine.doing_withdraw_{whose(about)}" if kind is WishKind.WITHDRAW else f"mine.doing_{kind}"
    return f"mine.{answer}"


def entries(chat: Chat, about: Contribution) -> list[Mapping[str, str]]:
    """The words of it, and where it lies."""
    url = about.kept.web_url if about.kept else about.interview.link if about.interview else ""
    found = _words_of(chat, about)
    return [*found[:-1], {**found[-1], "link": url}] if found and url else found


def _words_of(chat: Chat, about: Contribution) -> list[Mapping[str, str]]:
    """The words of it, under their headings: as the list has them, else as the draft has them."""
    if about.kept is not None:
        bank = about.bank or chat.parts.banks.get(_HEADINGS, chat.language)
        item = about.kept.item
        return [
            {"title": bank.heading(f"knowledge.{name}"), "quote": str(getattr(item, name))}
            for name in WRITTEN_FIELDS[1:]
            if getattr(item, name)
        ]
    if about.interview is None or about.bank is None:
        return []
    shown = drafts.parts(about.interview, about.bank)
    if not shown:  # a group's answers become no draft
        shown = [
            drafts.Part(key=q.id, label=q.ask, value=answer.text, question=q.id)
            for q in about.bank.questions
            if (answer := about.interview.answer(q.id)) and answer.text
        ]
    return [{"title": part.label, "quote": part.value} for part in shown if part.value]
