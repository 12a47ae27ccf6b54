"""What a chat hears and says, in plain values: no Microsoft package, no card syntax.

The host turns activities into `Event`s and `Reply`s into activities; `Card` is the content of a card,
which the host renders. `Reply.text` always says all that its card says, so that any conversation can be
had by typing alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Json = Mapping[str, Any]
"""An unparsed JSON object from outside, or one to be sent outside."""


class EventKind(StrEnum):
    """What reached the bot."""

    MESSAGE = "message"
    """Typed text; `text` holds it."""
    SUBMIT = "submit"
    """A card's button; `value` holds its data and inputs, flat, `verb` among them."""
    INSTALLED = "installed"
    """The app was added, or the person was; may come any number of times."""
    JOINED = "joined"
    """Somebody has come to a group where the app is."""
    REMOVED = "removed"
    """The app was taken away; nothing may be sent any more."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that reached the bot. `value` is hostile until checked; `reply_to` is its card's activity."""

    kind: EventKind
    activity_id: str
    conversation_id: str
    person_id: str
    tenant_id: str
    at: datetime
    text: str = ""
    edited: bool = False
    """Whether `text` is what somebody made later of a message that they had sent."""
    value: Json = field(default_factory=dict)
    locale: str | None = None
    time_zone: str = ""
    """Where the person's clock says they are, such as Africa/Nairobi; unchecked, empty if not told."""
    reply_to: str | None = None
    personal: bool = True
    """Whether nobody but this person reads the chat; what is private is said nowhere else."""
    mentioned: bool = True
    """Whether the bot was spoken to; where others read along only a mention says so."""
    service_url: str = ""
    """Where Teams is answered."""
    roster: str = ""
    """What names those who read along: the conversation, or the team whose channel it is."""
    unheard: bool = False
    """Whether what we said before still waits to be sent, so that this answers something older."""

    @property
    def cards_for(self) -> str:
        """Whom its cards are for: this person; where others read along, the whole conversation."""
        return self.person_id if self.personal else self.conversation_id.partition(";")[0]


@dataclass(frozen=True, kw_only=True)
class Card:
    """The content of one card: `name` chooses the template, `data` fills it.

    `token` binds the card to one interview, question, person and step (`core/cards_token.py`); every action
    of the card carries `action_data` beside its verb, and brings it back unchanged.
    """

    name: str
    data: Json
    language: str
    token: str = ""
    interview: str = ""
    question: str = ""

    @property
    def action_data(self) -> dict[str, str]:
        """What every action of this card sends back beside its verb."""
        return {"interview": self.interview, "question": self.question, "token": self.token}

    def to_json(self) -> dict[str, Any]:
        """The card as the outbox stores it."""
        return {
            "name": self.name,
            "data": dict(self.data),
            "language": self.language,
            "token": self.token,
            "interview": self.interview,
            "question": self.question,
        }

    @classmethod
    def from_json(cls, value: Json) -> "Card":
        """The card that `to_json` wrote. Raises KeyError if the name, data or language is missing."""
        return cls(
            name=value["name"],
            data=value["data"],
            language=value["language"],
            token=value.get("token", ""),
            interview=value.get("interview", ""),
            question=value.get("question", ""),
        )


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One message of the bot. `replaces` is the activity id of the card that it takes the place of."""

    text: str
    card: Card | None = None
    replaces: str | None = None
    aside: bool = False
    """Meant for the eyes of the one who pressed alone, as far as Teams can do that."""
