"""How a contribution came to stand where it stands, as its author reads it in the chat."""

from collections.abc import Mapping

from km365.app import App
from km365.core.audience import Reader
from km365.core.knowledge import KnowledgeItem
from km365.core.moves import BY_MOVE, Actor, Move, Step
from km365.core.schedule import day_at
from km365.services import life
from km365_bots.chat import Chat


async def entries(app: App, chat: Chat, item: KnowledgeItem, *, office: str = "") -> list[Mapping[str, str]]:
    """Who did what with it, when and why, as an entry of a card; none as long as it was only sent."""
    reader = Reader(person_id=chat.event.person_id, office=office)
    steps = await life.history_of(app.graph, app.db, app.settings, item, reader)
    told = [step for step in steps if step.made is None or step.made.move is not Move.TAKE_UP]
    if all(step.made is not None and step.made.move is Move.SUBMIT for step in told):
        return []
    names = await life.names(app.graph, told)
    lines = [_line(chat, step, names) for step in told]
    return [{"title": chat.speech.messages.say("mine.history"), "quote": "\n".join(lines)}]


def _line(chat: Chat, step: Step, names: Mapping[str, str]) -> str:
    say, made = chat.speech.messages.say, step.made
    if made is None:
        return say("mine.step_by_hand", what=say(f"mine.step_{_key(step.after)}"))
    # The first of two validations is one, and leaves it in review; what leads nowhere is told as what it is.
    after = BY_MOVE[made.move].after if made.move not in _AS_THEMSELVES else made.move
    who = names.get(made.who) or (made.who if made.who == Actor.KM365 else say("mine.step_somebody"))
    day = chat.speech.messages.day(day_at(made.at, chat.hours))
    line = say("mine.step", day=day, what=say(f"mine.step_{_key(after or made.move)}"), who=who)
    return f"{line}\n{made.words}" if made.words else line


_AS_THEMSELVES = frozenset({Move.HAND_BACK, Move.OBJECT, Move.DISALLOW})


def _key(state: str) -> str:
    return state.replace(" ", "_")
