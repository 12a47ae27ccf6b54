"""What people can do in the chat beside an interview: a file here for each, with words of its own.

The words of the topic `find` are `templates/messages/chat/find.<language>.toml`: `[commands]` is what people
type for each of its wishes (in "what do we know about …" the dots are their own words), `[texts]` what it
says, as `find.<name>`; the text `help` is its line in the help.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from km365.core.chat import EventKind, Reply
from km365.core.commands import Understood
from km365.core.keepout import KeepOut
from km365.core.said import Said
from km365.core.turns import Turn
from km365.errors import KM365Error
from km365.store.outbox import Message
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.speech import Speech

EVERYBODY, LEAVING, DECIDING = "everybody", "leaving", "deciding"
"""For whom a topic is: the headings of the whole help, as `chat.help_<name>`."""


class NotWanted(KM365Error):
    """A message that has nothing to say any more by the time it goes out; it is called off."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """A topic's answer. `replies` is never empty.

    With `waits` the next thing typed is offered to the topic first, which finds this again as
    `chat.state["waiting"]`. `begun` says that the replies end with an interview's prompt, or that nothing
    more is to be asked.

    It waits in the name of the topic `by`, where that is another one.

    Where it `asks`, what an open interview asked is not repeated before that is answered. Where it waits for
    a person's `own_words`, only a whole command or an opening with a colon ("search: …") comes before it.
    """

    replies: Sequence[Reply]
    waits: Mapping[str, Any] | None = None
    begun: bool = False
    asks: bool = True
    own_words: bool = False
    by: str = ""


class Topic:
    """One thing people can do. What it saves it saves under `chat.activity_key`: Teams repeats activities."""

    name: str
    opens: str = ""
    """The wish of its button in the help, which bears the text `help_button`; empty for none."""
    for_whom: str = EVERYBODY

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """Its command `wish` was typed (with the words `meant.text` where it takes some).

        With an empty wish the topic was waiting, and `meant` is whatever else the words mean. None where
        they are not for it after all.
        """
        raise NotImplementedError

    def heeds(self, chat: Chat) -> str:
        """The wish that words are which no phrase of it has, such as "withdraw 2"; "" where they are none."""
        return ""

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """A button of one of its cards, which was shown to this person by us, at any time before."""
        raise NotImplementedError

    here: Sequence[str] = ()
    """The texts that say, in a group's help, what of this can be done there."""
    internal: bool = True
    """Whether what it says in a group comes from inside the organisation: then not where outsiders read."""

    async def in_group(self, chat: Chat, wish: str, meant: Understood) -> Sequence[Reply] | None:
        """Its command, where others read along: only what everyone in the organisation may read.

        None where it is for the person's own chat. Nothing that is typed there is stored.
        """
        return None

    async def pressed_in_group(self, chat: Chat, pick: Pick) -> Sequence[Reply] | None:
        """A button of one of its cards there, pressed by anybody who reads along; None as above."""
        return None

    async def joined(self, chat: Chat) -> None:
        """Somebody has come to this group; nothing is said there."""

    async def before(self, chat: Chat, turn: Turn) -> Told | None:
        """What it says before the first question of an interview, which it brings afterwards; else None."""
        return None

    async def beside(self, chat: Chat, turn: Turn) -> Told | None:
        """What it says below the draft of an interview each time that is shown; perhaps it only waits."""
        return None

    async def kept(self, chat: Chat, interview_id: str, said: Said) -> Said:
        """What is kept of an answer, or of words for a draft: for most topics all of it."""
        return said

    async def answered(self, chat: Chat, turn: Turn, said: Said) -> Told | None:
        """What it says to what was just `said` and kept, before what the interview asks next.

        Where it waits for something, the interview asks that first.
        """
        return None

    async def reopened(self, chat: Chat, turn: Turn, text: str = "") -> Told | None:
        """What it asks where the draft of something that came back is open again; `text` may answer it."""
        return None

    async def unasked(self, chat: Chat) -> Told | None:
        """Words that are no command, while nothing is open; None where they are not for it."""
        return None

    def tells(self, speech: Speech, message: Message) -> Reply | None:
        """A message of the outbox in words, where its card is one of the topic's; else None."""
        return None

    async def as_sent(self, speech: Speech, message: Message) -> Reply | None:
        """The same, where what it says is read as it goes out. Raises NotWanted where nothing is left."""
        return None


def refused(
    chat: Chat, refusal: KeepOut, *, waits: Mapping[str, Any] | None = None, own_words: bool = False
) -> Told:
    """Points to the right channel. In distress nothing waits any more, and nothing is asked."""
    if refusal is KeepOut.DISTRESS:
        return Told(replies=[chat.kept_out(refusal)], begun=True)
    return Told(replies=[chat.kept_out(refusal)], waits=waits, own_words=own_words)


def gives_back(chat: Chat, refusal: KeepOut) -> bool:
    """Whether refused words stand in the new card, to be said differently: they came on a card."""
    pressed = chat.event.kind is EventKind.SUBMIT
    return pressed and refusal not in {KeepOut.DISTRESS, KeepOut.PASSWORD}


def topic_named(topics: Sequence[Topic], name: str) -> Topic | None:
    """The topic of that name, if there is one."""
    return next((topic for topic in topics if topic.name == name), None)
