"""What waits for who decides on lessons: listed, shown in full, decided one by one or several at once.

Everything goes through `services.life`, which says who may do what. The chat remembers which items were
listed or shown, by id and a mark of the words that were read, and no word of them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from km365.app import App
from km365.core.audience import Reader
from km365.core.chat import Reply
from km365.core.commands import Understood, numbered, plain
from km365.core.knowledge import WRITTEN_FIELDS, KnowledgeItem, Reach
from km365.core.languages import LANGUAGES
from km365.core.moves import Move
from km365.core.refusals import MoveRefused
from km365.documents.forms import Forms
from km365.errors import GraphChangedMeanwhile, InputRefused, NotFound
from km365.services import deciding, life, life_news, review
from km365.services.life import LifeDesk, Outcome, Wanted
from km365.store.outbox import Message
from km365_bots import history
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.fields import fields_of
from km365_bots.seen import read, seen
from km365_bots.speech import Speech
from km365_bots.topics import DECIDING, Told, Topic, deciding_cards, gives_back, refused
from km365_bots.topics.agreeing import AGREE, SUPERSEDE, Agreeing
from km365_bots.who import reader_of

_LIST = "list"
_MOVES: Mapping[str, Move] = {
    "validate": Move.VALIDATE,
    "return": Move.RETURN,
    "publish": Move.PUBLISH,
    "retire": Move.RETIRE,
    "ask": Move.ASK,
}
_VERBS = (*_MOVES, AGREE, SUPERSEDE, "edit", "open", _LIST)
_COLON = re.compile(r"[:：]")
_NUMBER = re.compile(r"\d{1,2}")


@dataclass(frozen=True, kw_only=True)
class _Said:
    """What was typed: a verb, the numbers of the list it is about, how far, and one's own words."""

    verb: str
    places: Sequence[int] = ()
    reach: Reach = Reach.INTERNAL
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class _Deed:
    """What is to be done with items, as they were seen."""

    verb: str
    ids: Sequence[str]
    reach: Reach = Reach.INTERNAL
    words: str = ""
    wording: Mapping[str, str] = field(default_factory=dict)


class Deciding(Topic):
    """ "What waits for me", and then "validate 1 3", "return 2: in which districts?", "edit 4"."""

    name = "deciding"
    for_whom = DECIDING

    def __init__(self, app: App, desk: LifeDesk, agreeing: Agreeing) -> None:
        self._app, self._desk, self._forms = app, desk, Forms(app.templates)
        self._agreeing = agreeing

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """The list, or what is said to the items listed or to the one shown last."""
        kept = _kept(chat)
        if wish == _LIST or (kept.get("done") and kept["done"] == chat.activity_key):
            return await self._list(chat)
        if kept.get("edits"):
            return await self._worded(chat, str(kept["edits"]))
        said = self._said(chat)
        if said is None:
            return None
        about, ids = str(kept.get("about") or ""), _listed(chat)
        of_no_list = not ids and any(place != 1 for place in said.places)
        if said.verb == _LIST or of_no_list:
            return await self._list(chat)
        wanted = _wanted(said.places, ids or [about], about)
        if not wanted:
            reply = chat.speech.say("deciding.no_such_number", most=str(len(ids)))
            return Told(replies=[reply], waits=dict(kept))
        return await self._do(
            chat, _Deed(verb=said.verb, ids=wanted, reach=said.reach, words=said.words), kept
        )

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """A button of the list, with those ticked, or of the item shown."""
        if pick.verb == _LIST:
            return await self._list(chat)
        ticked = [one.strip() for one in pick.inputs.get("which", "").split(",") if one.strip()]
        ids = [pick.about] if pick.about != _LIST else ticked
        if not ids or pick.verb not in {*_VERBS, "save"}:
            return await self._list(chat, first=[chat.speech.messages.say("deciding.none_ticked")])
        reach = pick.inputs.get("reach", "")
        deed = _Deed(
            verb=pick.verb,
            ids=ids,
            reach=Reach(reach) if reach in set(Reach) else Reach.INTERNAL,
            words=pick.inputs.get("words", "").strip(),
            wording={name: pick.inputs[name] for name in WRITTEN_FIELDS if name in pick.inputs},
        )
        kept = {"about": pick.about, "ids": _listed(chat)} if pick.about != _LIST else {"ids": ids}
        return await self._do(chat, deed, kept)

    def tells(self, speech: Speech, message: Message) -> Reply | None:
        """That something waits, or that a contributor has answered; what, is shown to who may read it."""
        if message.card == deciding.CARD:
            return deciding_cards.told(speech, message.data)
        if message.card in {life_news.OBJECTED, life_news.CONSENT_ANSWERED}:
            return deciding_cards.answered(speech, message)
        return None

    async def _list(self, chat: Chat, *, first: Sequence[str] = ()) -> Told:
        found = await deciding.waits_for(self._desk, await reader_of(self._app.graph, chat), at=chat.event.at)
        done = {"done": chat.activity_key}
        if not found:
            return Told(replies=[Reply(text="\n".join([*first, chat.speech.messages.say("deciding.none")]))])
        shown = found[: deciding_cards.MOST]
        reply = deciding_cards.listed(chat.speech, shown, len(found), "\n".join(first))
        return Told(
            replies=[chat.in_place(reply)], waits={"ids": [seen(one.kept.item) for one in shown], **done}
        )

    async def _do(self, chat: Chat, deed: _Deed, kept: Mapping[str, Any]) -> Told:
        """Shows or edits one item, or makes the move with each; words of another channel are not kept."""
        if deed.verb in {"open", "edit", AGREE, SUPERSEDE}:
            return await self._open(chat, deed)
        texts = [text for text in (deed.words, *deed.wording.values()) if text]
        if texts and (refusal := await chat.keeps_out(*texts)):
            told = refused(chat, refusal, waits=kept)
            if not gives_back(chat, refusal) or len(deed.ids) > 1:
                return told
            card = await self._show(chat, deed.ids[0], edits=deed.verb == "save", back=deed)
            return Told(replies=[*told.replies, *card.replies], waits=card.waits)
        reader = await reader_of(self._app.graph, chat)
        made = [await self._made(chat, one, deed, reader) for one in deed.ids]
        lines = [line for line, _ in made]
        if len(deed.ids) == 1 and made[0][1]:
            return await self._show(chat, deed.ids[0], edits=deed.verb == "save", first=lines, back=deed)
        if deed.verb in {"save", "ask"} and len(deed.ids) == 1:
            return await self._show(chat, deed.ids[0], first=lines)
        return await self._list(chat, first=lines)

    async def _open(self, chat: Chat, deed: _Deed) -> Told:
        if deed.verb in {AGREE, SUPERSEDE}:
            return await self._agreeing.ask(chat, deed.verb, deed.ids[0], {"action": deed.words})
        return await self._show(chat, deed.ids[0], edits=deed.verb == "edit")

    async def _made(self, chat: Chat, about: str, deed: _Deed, reader: Reader) -> tuple[str, bool]:
        """What came of it, in a line, and whether it is to be looked at again, as it is another by now."""
        say = chat.speech.messages.say
        move = Move.EDIT if deed.verb == "save" else _MOVES[deed.verb]
        reach = Reach.PARTNERS if move is Move.ASK and deed.reach is Reach.INTERNAL else deed.reach
        shown, title = read(about), ""
        wanted = Wanted(
            move=move, reader=reader, words=deed.words, reach=reach, wording=deed.wording, seen=shown.mark
        )
        try:
            item_id = await review.whole_id(self._app.graph, self._app.settings, shown.id, reader=reader)
            title = (await self._item(item_id, reader)).title
            outcome = await life.make(self._desk, item_id, wanted, at=chat.event.at)
        except MoveRefused as error:
            key = f"deciding.why_{error.why}"
            known = key if key in chat.speech.messages.texts else "deciding.why_other"
            why = say(known, state=say(f"deciding.reach_{reach}"))
            return say("deciding.not_done", title=chat.speech.apart(title), why=why), False
        except GraphChangedMeanwhile:
            return say("deciding.not_done", title=chat.speech.apart(title), why=say("deciding.changed")), True
        except (NotFound, InputRefused):
            return say("deciding.gone"), False
        return _done(chat, outcome, move, reach), False

    async def _show(
        self,
        chat: Chat,
        about: str,
        *,
        edits: bool = False,
        first: Sequence[str] = (),
        back: _Deed | None = None,
    ) -> Told:
        """One item in full, with its history; or its words, to be worded differently."""
        reader, shown = await reader_of(self._app.graph, chat), read(about)
        try:
            kept = await review.get_item(self._app.graph, self._app.settings, shown.id, reader=reader)
        except NotFound:
            return Told(replies=[chat.speech.say("deciding.gone")])
        roles = await review.roles_of(self._app.graph, self._app.settings, kept.item.office, reader)
        if not roles or reader.person_id in kept.item.contributors:
            return Told(replies=[chat.speech.say("deciding.gone")])
        fields = fields_of(self._forms, kept.item, chat.language)
        words = back.words if back else ""
        sheet = deciding_cards.Sheet(chat=chat, kept=kept, fields=fields, roles=roles, words=words)
        ids = [seen(kept.item) if read(one).id == shown.id else one for one in _listed(chat)]
        if edits:
            others = shown.mark not in {"", read(seen(kept.item)).mark}
            reply = sheet.to_edit(back.wording if back else {}, "\n".join(first), beside=others)
            waits: Mapping[str, Any] = {"edits": seen(kept.item), "ids": ids}
            return Told(replies=[chat.in_place(reply)], waits=waits, own_words=True)
        made = await history.entries(self._app, chat, kept.item, office=reader.office)
        reply = sheet.whole(made, "\n".join(first))
        waits = {"about": seen(kept.item), "ids": ids, "done": chat.activity_key}
        return Told(replies=[chat.in_place(reply)], waits=waits)

    async def _worded(self, chat: Chat, about: str) -> Told | None:
        """New words for a field by its number; else what is typed is not for it any more."""
        said = numbered(chat.event.text)
        if said is None or not said.text:
            return None
        try:
            item = await self._item(read(about).id, await reader_of(self._app.graph, chat))
        except NotFound:
            return Told(replies=[chat.speech.say("deciding.gone")])
        names = list(fields_of(self._forms, item, chat.language))
        if not 1 <= said.number <= len(names):
            reply = chat.speech.say("deciding.no_such_number", most=str(len(names)))
            return Told(replies=[reply], waits={"edits": about, "ids": _listed(chat)}, own_words=True)
        wording = {names[said.number - 1]: said.text}
        return await self._do(chat, _Deed(verb="save", ids=[about], wording=wording), _kept(chat))

    async def _item(self, item_id: str, reader: Reader) -> KnowledgeItem:
        app = self._app
        return (await review.get_item(app.graph, app.settings, item_id, reader=reader)).item

    def _said(self, chat: Chat) -> _Said | None:
        """What typed words want, in any language: "validate 1 and 3", "publish 2 for partners"."""
        alone = numbered(chat.event.text)
        if alone and not alone.text:
            return _Said(verb="open", places=[alone.number])
        head, *tail = _COLON.split(chat.event.text, maxsplit=1)
        words = " ".join(_NUMBER.sub(" ", plain(head)).split())
        places = [int(one) for one in _NUMBER.findall(head)]
        for verb in _VERBS:
            for phrase in _phrases(chat, f"{verb}_words"):
                if words == phrase or words.startswith(phrase + " "):
                    rest = words[len(phrase) :].strip()
                    if (reach := _reach(chat, rest)) is not None:
                        return _Said(verb=verb, places=places, reach=reach, words="".join(tail).strip())
        return None


def _kept(chat: Chat) -> Mapping[str, Any]:
    kept = chat.state.get("waiting")
    return kept if isinstance(kept, Mapping) else {}


def _listed(chat: Chat) -> Sequence[str]:
    """The items of the list that was shown last, whose numbers count while one of them is open."""
    kept = _kept(chat)
    ids: Sequence[str] = kept.get("ids") or ()
    return ids if kept.get("topic") == Deciding.name else ()


def _wanted(places: Sequence[int], ids: Sequence[str], about: str) -> Sequence[str]:
    """The items with these numbers; without a number the open one, or the only one. None for a wrong one."""
    if not places:
        return [about] if about else ids if len(ids) == 1 else ()
    if max(places) > len(ids) or min(places) < 1:
        return ()
    return [ids[place - 1] for place in dict.fromkeys(places)]


def _phrases(chat: Chat, name: str) -> set[str]:
    return {
        plain(str(one))
        for tag in LANGUAGES
        for one in chat.parts.catalogue.get(tag).texts[f"deciding.{name}"]
    }


def _reach(chat: Chat, rest: str) -> Reach | None:
    """How far, where the rest of what was typed says so or is nothing but an "and"; else None."""
    left = " ".join(word for word in rest.split() if word not in _phrases(chat, "and_words"))
    if not left:
        return Reach.INTERNAL
    for reach in (Reach.PARTNERS, Reach.PUBLIC):
        if left in _phrases(chat, f"{reach}_words"):
            return reach
    return None


def _done(chat: Chat, outcome: Outcome, move: Move, reach: Reach) -> str:
    say, title = chat.speech.messages.say, chat.speech.apart(outcome.kept.item.title)
    if outcome.missing:
        return say("deciding.missing", n=outcome.missing, title=title)
    key = f"{move}_{reach}" if move in {Move.PUBLISH, Move.ASK} and reach is not Reach.INTERNAL else move
    return say(f"deciding.done_{key}", title=title)
