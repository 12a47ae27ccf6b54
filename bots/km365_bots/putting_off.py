"""Putting an interview off: the card that says until when, and offers another time."""

from km365.core.chat import Reply
from km365.core.later import CHOICES
from km365.core.turns import Turn
from km365_bots.chat import Chat

TOPIC = "later"
CHOOSE, GO_ON = "choose", "go_on"
WHEN = "when"
"""The field of the card in which people say when."""


def card(chat: Chat, turn: Turn, *, problem: str = "") -> Reply:
    """Until when this interview rests. `problem` says first what was not understood of what was filled in."""
    say, wake_at = chat.speech.messages.say, turn.interview.wake_at
    until = ""
    if wake_at is not None:
        local = wake_at.astimezone(chat.hours.zone)
        day = chat.speech.messages.weekday(local.date())
        until = say("later.until", day=day, time=f"{local:%H:%M}", zone=str(chat.hours.zone))
        due_on = turn.interview.due_on
        if due_on is not None and local.date() > due_on:
            until += " " + say("later.after_due", due=chat.speech.messages.day(due_on))
    buttons = [{"verb": choice, "label": say(f"later.{choice}")} for choice in CHOICES]
    return chat.speech.menu(
        TOPIC,
        title=say("later.title"),
        text="\n".join(line for line in (problem, until) if line),
        fields=[{"key": WHEN, "label": say("later.other_example"), "value": ""}],
        buttons=[
            *buttons,
            {"verb": CHOOSE, "label": say("later.choose"), "inputs": True},
            {"verb": GO_ON, "label": say("later.go_on")},
        ],
        about=turn.interview.id,
        hint=say("later.hint"),
    )
