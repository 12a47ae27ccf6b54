"""Messages as they are sent: text, or a card with its text twin, and what takes the place of one refused."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from km365.store.replies import Place
from km365_bots import cards
from km365_bots.connector import Connector, ConversationGone, DeliveryUnknown, Json, NotSent, TooLarge

PATIENCE_S = 5.0
"""How long a turn itself waits for Teams to take a reply: less than it has to acknowledge what it heard."""


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One message, ready. `replaces` is the card it takes the place of, `otherwise` says the same in text."""

    activity: Json
    replaces: str = ""
    otherwise: str = ""

    def to_json(self) -> Json:
        """As the row keeps it."""
        return {"activity": self.activity, "replaces": self.replaces, "otherwise": self.otherwise}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Outgoing":
        """What `to_json` wrote."""
        return cls(
            activity=value["activity"],
            replaces=value.get("replaces", ""),
            otherwise=value.get("otherwise", ""),
        )


async def transmit(connector: Connector, place: Place, out: Outgoing) -> tuple[Outgoing, ...]:
    """Sends it. Returns what is to be sent in its place: a new card where the older one is gone, text where
    it is too large. Raises the connector's errors; NotSent where sending again does no harm.
    """
    where = (place.service_url, place.conversation_id)
    how: dict[str, Any] = {"tenant_id": place.tenant_id, "patience_s": PATIENCE_S}
    try:
        if out.replaces:
            await connector.update(*where, out.replaces, out.activity, **how)
        else:
            await connector.send(*where, out.activity, **how)
    except ConversationGone:  # the older card was deleted; else the conversation
        if not out.replaces:
            raise
        return (replace(out, replaces=""),)
    except TooLarge:
        if not out.otherwise:
            raise
        return texts(out.otherwise, language=out.activity["locale"])
    except DeliveryUnknown as error:
        if not out.replaces:
            raise
        raise NotSent(f"{error} The same card once more does no harm.", retry_after_s=1.0) from None
    return ()


def texts(text: str, *, language: str) -> tuple[Outgoing, ...]:
    """The text in messages that Teams takes."""
    return tuple(Outgoing(activity=message(portion, None, language=language)) for portion in portions(text))


def message(text: str, card: Json | None, *, language: str, above: str = "") -> Json:
    """A message activity. With a card the text is only its summary, for notifications and screen readers.

    What stands `above` the card is read with it.
    """
    activity: Json = {"type": "message", "locale": language}
    if card is None or above:
        activity |= {"text": above or text, "textFormat": "plain"}
    if card is None:
        return activity
    first = next((line for line in text.splitlines() if line.strip()), "")
    return activity | {"summary": first[:200], "attachments": [cards.attachment(card)]}


def portions(text: str, *, longest: int = 15_000) -> list[str]:
    """The text in messages that Teams takes, cut between paragraphs, else between words; nothing is lost."""
    rest, found = text, []
    while len(rest) > longest:
        at = max(rest.rfind("\n", 1, longest), 0) or max(rest.rfind(" ", 1, longest), 0) or longest
        found.append(rest[:at])
        rest = rest[at:]
    return [*found, rest]
