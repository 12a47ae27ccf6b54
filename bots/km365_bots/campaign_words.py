"""How many people of a campaign stand where, in words: for the focal points in Teams, and on the page."""

from collections.abc import Mapping

from km365.core.messages import Messages
from km365.core.standing import FEWEST


def number(messages: Messages, place: str, count: int | None, asked: int, reasons: str) -> str:
    """How many are in that place: of how many, or why, where that is of use; None is too few to be said."""
    if count is None:
        return messages.say("campaign.few", count=FEWEST)
    if place == "answered":
        return messages.say("campaign.of_all", count=count, all=asked)
    return f"{count} ({reasons})" if place == "unreachable" and reasons else str(count)


def reasons(messages: Messages, counts: Mapping[str, int]) -> str:
    """Why people cannot be reached, the most frequent reason first."""
    return ", ".join(f"{messages.say(f'campaign.{why}')}: {count}" for why, count in counts.items())
