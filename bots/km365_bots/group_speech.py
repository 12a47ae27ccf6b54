"""What came of a group's reflection, put into words and a card: numbers, shared words, and no names."""

from datetime import datetime

from babel.lists import format_list

from km365.core.chat import Event, EventKind, Reply
from km365.core.group_reflection import LIMIT, Finding, Summary, Theme, View
from km365.core.languages import best
from km365.core.messages import Messages
from km365.core.questions import GROUP_BANK, Bank
from km365.documents.questions import Banks
from km365.errors import KM365Error
from km365.services.group_reflection import placed, tell_beginner
from km365.store.outbox import Message
from km365_bots.chat import Parts
from km365_bots.connector import ConversationGone, NotSent, Unreachable
from km365_bots.speech import Speech


async def to_group(parts: Parts, message: Message, now: datetime) -> Reply:
    """The post to the group; where people from outside read along now, that its beginner alone is told.

    Raises NotSent while it cannot be seen who reads along: then nothing is posted yet.
    """
    message = await placed(parts.db, message)
    messages = parts.catalogue.get(best([message.language]))
    try:
        readers = await parts.members(_where(message, now))
    except (Unreachable, ConversationGone):
        raise
    except KM365Error as error:
        raise NotSent(f"It cannot be seen who reads along: {error}", retry_after_s=60.0) from None
    if not readers:
        raise NotSent("It cannot be seen who reads along.", retry_after_s=60.0)
    if not any(one.outsider for one in readers):
        return summary(message, parts.banks, messages=messages, secret=parts.secret)
    await tell_beginner(parts.db, parts.jobs, message, now=now)
    return Reply(text=messages.say("group.outsiders_summary", subject=message.data["title"]))


def _where(message: Message, now: datetime) -> Event:
    """Where the message goes, as an event from there."""
    data = message.data
    return Event(
        kind=EventKind.MESSAGE,
        activity_id="",
        conversation_id=data["conversation_id"],
        person_id=data["begun_by"],
        tenant_id=data["tenant_id"],
        at=now,
        personal=False,
        service_url=data["service_url"],
        roster=data["roster"],
    )


def summary(message: Message, banks: Banks, *, messages: Messages, secret: bytes) -> Reply:
    """The post to the group. Raises KeyError for a message that holds no summary."""
    found = Summary.from_json(message.data["summary"])
    speech = Speech(messages=messages, secret=secret, person_id=message.person_id)
    title = messages.say("group.summary_title", subject=message.data["title"])
    if found.too_few:
        return speech.notice(title, messages.say("group.too_few", limit=LIMIT))
    bank = banks.get(GROUP_BANK, messages.language)
    text = messages.say("group.summary_text", answered=found.answered, asked=found.asked, limit=LIMIT)
    entries = [
        {"title": bank.heading(one.target), "quote": "\n".join(_lines(one, bank, messages))}
        for one in found.findings
    ]
    return speech.menu("group", title=title, text=text, entries=entries)


def _lines(finding: Finding, bank: Bank, messages: Messages) -> list[str]:
    """How far they agree, what they share, and how many said something else."""
    chosen = any(theme.choice for theme in finding.themes)
    view = f"choice_{finding.view}" if chosen else finding.view
    lines = [messages.say(f"group.{view}", limit=LIMIT)]
    for theme in finding.themes:
        lines += _theme(theme, finding, bank, messages)
    if finding.others and finding.view is not View.APART:
        lines.append(messages.say("group.others", count=finding.others))
    return lines


def _theme(theme: Theme, finding: Finding, bank: Bank, messages: Messages) -> list[str]:
    if theme.choice:
        return [messages.say("group.chose", label=_label(bank, theme.choice), count=theme.count)]
    apart = [f"\N{FIRST STRONG ISOLATE}{word}\N{POP DIRECTIONAL ISOLATE}" for word in theme.words]
    words = format_list(apart, locale=messages.language)
    said = messages.say("group.theme", count=theme.count, answers=finding.answers, words=words)
    return [said, *(messages.say("group.quote", quote=quote) for quote in theme.quotes)]


def _label(bank: Bank, value: str) -> str:
    """A choice in this language; its value, where the bank was changed meanwhile."""
    choices = (choice for question in bank.questions for choice in question.choices)
    return next((choice.label for choice in choices if choice.value == value), value)
