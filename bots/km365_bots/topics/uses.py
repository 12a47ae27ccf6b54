"""Saying that a lesson was of use, or did not fit: by a button below it, or "used 2", "2 did not fit: …"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from km365.core.languages import LANGUAGES
from km365.core.messages import Messages
from km365.core.used import Phrases, Said, Use
from km365.documents.messages import Catalogue
from km365.errors import GraphError, GraphNotFound, InputRefused, NotFound
from km365.graph.client import Graph
from km365.services import used
from km365.services.verdicts import VerdictDesk
from km365.settings import Settings
from km365.store import used as store
from km365_bots.chat import Chat
from km365_bots.topics import Told, refused
from km365_bots.who import reader_of

_VERBS: Mapping[str, Use] = {"used": Use.USED, "unfit": Use.DID_NOT_FIT, "why": Use.DID_NOT_FIT}
WHY = "why"


@dataclass(frozen=True, kw_only=True)
class Pressed:
    """A button below a lesson: which one, on which page of an answer."""

    verb: str
    start: int
    item_id: str

    @classmethod
    def read(cls, verb: str) -> "Pressed | None":
        """What the button says; None for any other button."""
        name, _, rest = verb.partition(":")
        start, _, item_id = rest.partition(":")
        return cls(verb=name, start=int(start), item_id=item_id) if name in _VERBS and item_id else None


@dataclass(frozen=True, kw_only=True)
class Below:
    """What stands below lessons on a card: in `notes` what their reader said of each, by place.

    Places are counted from 1, as the rows of `fields` and `buttons` are.
    """

    notes: Mapping[int, str]
    fields: Sequence[Mapping[str, object]]
    buttons: Sequence[Mapping[str, object]]


class Uses:
    """Keeps what is said of lessons in a chat, and says what came of it."""

    def __init__(self, graph: Graph, settings: Settings) -> None:
        self._graph, self._settings = graph, settings
        self._typed: Phrases | None = None

    def spoken(self, chat: Chat) -> Said | None:
        """What the typed words say of a lesson; None where they are anything else."""
        if self._typed is None:
            self._typed = phrases_of(chat.parts.catalogue)
        return self._typed.spoken(chat.event.text)

    async def typed(self, chat: Chat, said: Said, lessons: Mapping[str, str]) -> Told:
        """Keeps what was typed of one of the lessons, which are known by their numbers."""
        item_id = lessons.get(str(said.number))
        if item_id is None:
            reply = chat.speech.say("used.no_such_number", number=str(said.number))
            return Told(replies=[reply])
        return await self.keep(chat, item_id, said.use, said.words, number=said.number)

    async def pressed(self, chat: Chat, pressed: Pressed, words: str) -> tuple[Told, bool]:
        """Keeps what a button says; with it, whether to ask now why it did not fit."""
        told = await self.keep(chat, pressed.item_id, _VERBS[pressed.verb], words.strip())
        said = await chat.parts.db.run(store.of_person, chat.event.person_id, [pressed.item_id])
        return told, pressed.verb == "unfit" and said.get(pressed.item_id) is Use.DID_NOT_FIT

    async def keep(self, chat: Chat, item_id: str, use: Use, words: str, *, number: int = 0) -> Told:
        """Keeps it, and says so; nothing that belongs to another channel, nor of what one may not read."""
        if words and (refusal := await chat.keeps_out(words)):
            return refused(chat, refusal)
        desk = VerdictDesk(
            graph=self._graph,
            db=chat.parts.db,
            jobs=chat.parts.jobs,
            settings=self._settings,
            now=lambda: chat.event.at,
        )
        try:
            reader = await reader_of(self._graph, chat)
            await used.say(desk, item_id, use, reader=reader, words=words, at=chat.event.at)
        except InputRefused:
            said = "own"
        except (NotFound, GraphNotFound):
            said = "gone"
        except GraphError:
            said = "away"
        else:
            said = "thanks" if use is Use.USED else "noted_why" if words or not number else "noted"
        return Told(replies=[chat.speech.say(f"used.{said}", number=str(number))])

    async def below(self, chat: Chat, records: Sequence[str], *, start: int, why: str = "") -> Below:
        """What stands below these records of a card ("" for what is no lesson); `why` is asked of one."""
        said = await chat.parts.db.run(store.of_person, chat.event.person_id, [one for one in records if one])
        return below(chat.speech.messages, records, said, start=start, why=why)


def below(
    messages: Messages, records: Sequence[str], said: Mapping[str, Use], *, start: int = 0, why: str = ""
) -> Below:
    """As `Uses.below`, where it is known what the reader has said."""
    notes: dict[int, str] = {}
    fields: list[Mapping[str, object]] = []
    buttons: list[Mapping[str, object]] = []
    for place, record in enumerate(records, start=1):
        if not record:
            continue
        mine = said.get(record)
        if mine is not None:
            notes[place] = messages.say("used.you_used" if mine is Use.USED else "used.you_unfit")
        if record == why:
            fields.append({"entry": place, "key": WHY, "label": messages.say("used.why"), "multiline": True})
        verbs = {"why": record == why, "used": mine is not Use.USED, "unfit": mine is not Use.DID_NOT_FIT}
        buttons += [
            {
                "entry": place,
                "verb": f"{verb}:{start}:{record}",
                "label": messages.say(f"used.button_{verb}"),
                "inputs": verb == "why",
            }
            for verb, there in verbs.items()
            if there
        ]
    return Below(notes=notes, fields=fields, buttons=buttons)


def phrases_of(catalogue: Catalogue) -> Phrases:
    """How people say it, in every language."""
    texts = [catalogue.get(tag).texts for tag in LANGUAGES]

    def words(name: str) -> list[str]:
        return [str(one) for known in texts for one in known[f"used.{name}"]]

    return Phrases(
        uses={Use.USED: words("used_words"), Use.DID_NOT_FIT: words("unfit_words")},
        because=words("because_words"),
    )
