"""What a person contributed: listed, shown, changed, narrowed and taken back by themselves.

What the chat remembers between two messages is which contributions were listed and what was asked about
which, by id: no word of theirs, but those that may answer what came back, until they say so, a day at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from km365.app import App
from km365.core.chat import Reply
from km365.core.commands import Command, Understood, numbered, plain
from km365.core.contributions import Course, Standing, WishKind
from km365.core.interviews import ANSWERABLE, MAX_ANSWER_LENGTH, InterviewState, PromptKind
from km365.core.keepout import KeepOut
from km365.core.languages import LANGUAGES
from km365.core.turns import SURE_WITHIN
from km365.documents.messages import Catalogue
from km365.documents.questions import Banks
from km365.errors import NotFound
from km365.services import contributions, wishes
from km365.services.contributions import Contribution
from km365.services.wishes import WishDesk
from km365.store import outbox
from km365.store.outbox import Message
from km365_bots import history, interviewing
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.speech import Speech, beginning, limit
from km365_bots.topics import Told, Topic, gives_back, mine_shown, refused, topic_named
from km365_bots.topics.handed_over import HandedOver

_PAGE_SIZE = 5
_WHICH = "which"
"""The wish of a number that no list was shown for."""
_WORDS = ("show", "change", "withdraw", "narrow", "more", "list")
_YES = frozenset({Command.YES, Command.AGREE})
_NO = frozenset({Command.NO, Command.REFUSE, Command.DECLINE})


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Whence contributions are read, and who carries out what is wished."""

    app: App
    banks: Banks
    desk: WishDesk

    async def list_(self, person_id: str) -> list[Contribution]:
        """All of this person's, newest first."""
        app = self.app
        return await contributions.list_mine(app.graph, app.db, app.settings, self.banks, person_id)


class Mine(Topic):
    """ "What have I contributed", and then a number, "change", "withdraw", "my office only"."""

    name = "mine"
    opens = "list"

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """The list, or what is said to the list or to the contribution shown last."""
        if wish in {"list", _WHICH}:
            return await self._list(chat, page=0, unasked=wish == _WHICH)
        kept = _kept(chat)
        if kept.get("done") and kept["done"] == chat.activity_key:
            return Told(replies=[chat.speech.say("notes.already")], waits=kept)
        if kept.get("returned"):
            return await self._of_returned(chat, kept, meant)
        if kept.get("asks"):
            return await self._answered(chat, kept, meant)
        verb, number = _said(chat, meant)
        if kept.get("ids") is not None:
            return await self._of_list(chat, kept, verb, number)
        return await self._act(chat, str(kept["about"]), verb) if kept.get("about") and verb else None

    def heeds(self, chat: Chat) -> str:
        """ "Withdraw 2" before anything was listed: a number of which list?"""
        verb, number = _said(chat, None)
        return _WHICH if number and verb in {"show", *WishKind} else ""

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """A button of the list (with the one chosen) or of a contribution."""
        if pick.about.startswith(_LIST):
            page, more = int(pick.about.removeprefix(_LIST)), pick.verb == "more"
            chosen = pick.inputs.get("which", "")
            return await (self._list(chat, page=page + 1) if more else self._act(chat, chosen, "show"))
        if pick.about.startswith(_RETURNED):
            return await self._chosen(chat, pick.about.removeprefix(_RETURNED), yes=pick.verb == "yes")
        consent = topic_named(chat.parts.topics, mine_shown.CONSENT)
        if pick.verb == mine_shown.CONSENT and consent is not None:
            return replace(await consent.pressed(chat, pick), by=mine_shown.CONSENT)
        asked = dict(zip(("about", "asks"), pick.about.rsplit("|", 1), strict=False))
        if pick.verb == "yes" and "asks" in asked:
            words = pick.inputs.get("words", "")
            return await self._done(chat, asked["about"], WishKind(asked["asks"]), words)
        if pick.verb == "no":
            return Told(replies=[chat.speech.say("notes.confirm_dropped")])
        return await self._act(chat, asked["about"], pick.verb)

    def tells(self, speech: Speech, message: Message) -> Reply | None:
        """What became of a wish, to its author; that there is one, to a focal point."""
        data = {key: value for key, value in message.data.items() if isinstance(value, str)}
        if message.card == wishes.SETTLED:
            kind = WishKind(data["kind"])
            _, _, about = message.key.split(":", 2)
            key = f"mine.settled_{kind}_{data.get('state')}{mine_shown.of_note(about, kind)}"
            reason = (speech.messages.say("notice.reason"), data.get("reason", ""))
            return speech.notice(
                speech.messages.say("mine.settled_title"), speech.messages.say(key), facts=[reason]
            )
        if message.card == wishes.ASKED:
            title = data.get("title") or speech.messages.say("mine.a_note")
            item, kind = data.get("item", ""), WishKind(data["kind"])
            text = speech.messages.say(
                f"mine.asked_{kind}{mine_shown.of_note(item, kind)}", title=title, item=item
            )
            what = (speech.messages.say("mine.what_changes"), data.get("words", ""))
            return speech.notice(
                speech.messages.say("mine.asked_title"), text, link=data.get("url", ""), facts=[what]
            )
        return None

    async def _of_returned(
        self, chat: Chat, kept: Mapping[str, Any], meant: Understood | None
    ) -> Told | None:
        """Yes or no to whether words answer what came back; or more of these words."""
        text, words = chat.event.text, str(kept["words"])
        command, said = meant.command if meant else None, plain(text)
        say = chat.speech.messages.say
        if command in _NO or said == plain(say("mine.returned_no")):
            return await self._chosen(chat, str(kept["returned"]), yes=False)
        if command in _YES or command is Command.RESUME or said == plain(say("tell.button_answer")):
            return await self._chosen(chat, str(kept["returned"]), yes=True)
        if meant is not None:
            return None
        whole = words if kept.get("heard") == chat.activity_key else f"{words}\n\n{text}"
        if refusal := await chat.keeps_out(whole[:MAX_ANSWER_LENGTH]):
            return refused(chat, refusal, waits=kept)
        if len(whole) > MAX_ANSWER_LENGTH:
            return Told(replies=[chat.speech.say("notes.too_long", limit=limit())], waits=kept)
        return offer(chat, str(kept["returned"]), str(kept["question"]), whole)

    async def _chosen(self, chat: Chat, interview_id: str, *, yes: bool) -> Told:
        """The words that waited answer what came back, or are said to whatever else is open."""
        kept = _kept(chat)
        words = str(kept.get("words", "")) if kept.get("returned") == interview_id else ""
        if not yes:
            return await self._said_elsewhere(chat, words)
        ended = await interviewing.named(chat, interview_id)
        if ended is None:
            return Told(replies=[chat.speech.say("mine.gone")])
        turn = await interviewing.open_returned(chat, ended)
        chat = replace(chat, language=turn.interview.language)
        for topic in chat.parts.topics if turn.prompt.kind is PromptKind.DRAFT else ():
            if (told := await topic.reopened(chat, turn, words)) is not None:
                return replace(told, by=topic.name)
        return Told(replies=[interviewing.prompt(chat, turn)], begun=True)

    async def _said_elsewhere(self, chat: Chat, words: str) -> Told:
        """The words that do not answer what came back: an open question's answer, or a topic's."""
        turn = await interviewing.current(chat)
        other = replace(chat, event=replace(chat.event, text=words))
        if words and turn and turn.prompt.kind in ANSWERABLE:
            return Told(replies=await interviewing.typed(other, turn, None), begun=True)
        for topic in chat.parts.topics if words else ():
            if (told := await topic.unasked(other)) is not None:
                return replace(told, by=told.by or topic.name)
        waits = None if turn else await interviewing.invitation(chat)
        return Told(replies=[chat.speech.say("mine.returned_dropped"), *([waits] if waits else [])])

    async def _list(self, chat: Chat, *, page: int, unasked: bool = False) -> Told:
        """A page of the list; `unasked`, where a number was said before there was one."""
        say = chat.speech.messages.say
        found = await self._reading.list_(chat.event.person_id)
        if not found:
            return Told(replies=[chat.speech.say("mine.nothing")])
        page = page if page * _PAGE_SIZE < len(found) else 0
        shown = found[page * _PAGE_SIZE : (page + 1) * _PAGE_SIZE]
        more = len(found) > (page + 1) * _PAGE_SIZE
        entries = [
            {"title": mine_shown.title(chat, one), "note": mine_shown.state(chat, one)} for one in shown
        ]
        choices = [
            {"value": one.id, "label": label}
            for one, label in zip(shown, mine_shown.apart([entry["title"] for entry in entries]), strict=True)
        ]
        buttons = [{"verb": "show", "label": say("mine.show"), "inputs": True}]
        if more:
            buttons.append({"verb": "more", "label": say("mine.more")})
        text = say("mine.count", n=len(found))
        if any(one.standing is Standing.UNKNOWN for one in shown):
            text = f"{text} {say('mine.not_read')}"
        if unasked:
            text = f"{say('mine.which_meant')} {text}"
        reply = chat.speech.menu(
            self.name,
            title=say("mine.title"),
            text=text,
            entries=entries,
            fields=[
                {
                    "key": "which",
                    "label": say("mine.which"),
                    "value": shown[0].id,
                    "choices": choices,
                    "numbered": True,
                }
            ],
            buttons=buttons,
            about=f"{_LIST}{page}",
            hint=" ".join([say("mine.list_hint"), say("mine.more_hint") if more else ""]),
        )
        return Told(replies=[reply], waits={"ids": [one.id for one in shown], "page": page})

    async def _of_list(self, chat: Chat, kept: Mapping[str, Any], verb: str, number: int) -> Told | None:
        """A number of the list, alone or with what is to be done; or the next page."""
        if verb == "more" and not number:
            return await self._list(chat, page=int(kept["page"]) + 1)
        if verb == "list" and not number:
            return await self._list(chat, page=0)
        ids: Sequence[str] = kept["ids"]
        if not number or (verb in {"more", "list"}):
            return None
        if number > len(ids):
            reply = chat.speech.say("mine.no_such_number", most=str(len(ids)))
            return Told(replies=[reply], waits=dict(kept))
        return await self._act(chat, ids[number - 1], verb or "show")

    async def _act(self, chat: Chat, contribution_id: str, verb: str) -> Told:
        """Does to a contribution what was said; what needs a second yes is asked first."""
        if verb in {"more", "list"}:
            return await self._list(chat, page=0)
        try:
            about = await self._get(chat, contribution_id)
        except NotFound:
            return Told(replies=[chat.speech.say("mine.gone")])
        if verb not in set(WishKind):
            return await self._shown(chat, about)
        return await self._begin(chat, about, WishKind(verb))

    async def _begin(self, chat: Chat, about: Contribution, kind: WishKind) -> Told:
        """Opens the draft again, narrows, asks whether it is really wanted, or says why it cannot be."""
        way = about.course(kind, chat.event.person_id)
        if way is Course.NO:
            passing = about.standing in {Standing.SENDING, Standing.HANDED_IN, Standing.UNKNOWN}
            reply = chat.speech.say(f"mine.cannot_{about.standing if passing else kind}")
            return Told(replies=[reply], waits={"about": about.id})
        if kind is WishKind.CHANGE and way is Course.NOW:
            return await self._open_again(chat, about)
        if kind is WishKind.NARROW and way is Course.NOW:
            return await self._done(chat, about.id, kind, "")
        return self._asks(chat, about, kind, way)

    async def _get(self, chat: Chat, contribution_id: str) -> Contribution:
        reading, app = self._reading, self._reading.app
        return await contributions.get_mine(
            app.graph, app.db, app.settings, reading.banks, chat.event.person_id, contribution_id
        )

    async def _shown(self, chat: Chat, about: Contribution) -> Told:
        """The whole of it, where it stands, and what can be done with it."""
        say, person = chat.speech.messages.say, chat.event.person_id
        able = [kind for kind in WishKind if about.course(kind, person) is not Course.NO]
        buttons = [{"verb": kind.value, "label": say(mine_shown.label(about, kind, person))} for kind in able]
        words = [say(mine_shown.label(about, kind, person)) for kind in able] + [say("mine.list")]
        reason = about.kept.item.reason if about.kept else ""
        made = await history.entries(self._reading.app, chat, about.kept.item) if about.kept else []
        lines = [
            mine_shown.state(chat, about),
            *await self._handed_over(chat, about),
            mine_shown.readers(chat, about),
            mine_shown.allowed(chat, about),
            f"{say('notice.reason')}: {reason}" if reason else "",
        ]
        reply = chat.speech.menu(
            self.name,
            title=mine_shown.title(chat, about),
            text="\n".join(line for line in lines if line),
            entries=[*mine_shown.entries(chat, about), *made],
            buttons=[
                *buttons,
                *mine_shown.take_back(chat, about),
                {"verb": "list", "label": say("mine.list")},
            ],
            about=about.id,
            hint=say("mine.item_hint", words=chat.speech.messages.any_of(words)),
        )
        return Told(replies=[reply], waits={"about": about.id})

    async def _handed_over(self, chat: Chat, about: Contribution) -> list[str]:
        """Who has a handover note by now, and has read it."""
        topic = topic_named(chat.parts.topics, HandedOver.name)
        if about.standing is not Standing.FILED or about.interview is None:
            return []
        link = about.interview.link
        return await topic.of_link(chat, link) if isinstance(topic, HandedOver) else []

    async def _open_again(self, chat: Chat, about: Contribution) -> Told:
        """The draft, to be changed and sent (again)."""
        parts = chat.parts
        turn = await contributions.open_again(
            parts.db, parts.banks, about, person_id=chat.event.person_id, now=chat.event.at
        )
        chat = replace(chat, language=turn.interview.language)
        sent = turn.interview.begun_at is not None and turn.interview.state is InterviewState.DRAFT
        first = [chat.speech.say("mine.open_again")] if sent else []
        for topic in chat.parts.topics:
            if sent and (told := await topic.reopened(chat, turn)) is not None:
                return replace(told, replies=[*first, *told.replies], by=topic.name)
        return Told(replies=[*first, interviewing.prompt(chat, turn)], begun=True)

    def _asks(self, chat: Chat, about: Contribution, kind: WishKind, way: Course, *, value: str = "") -> Told:
        """Whether it is really wanted; where a focal point is to change something, what."""
        say = chat.speech.messages.say
        key = f"mine.sure_{kind}_{'now' if way is Course.NOW else 'ask'}{mine_shown.of_note(about.id, kind)}"
        if kind is WishKind.WITHDRAW and way is Course.NOW:
            key = f"{key}_{mine_shown.whose(about)}"
        fields: list[Mapping[str, object]] = []
        if kind is WishKind.CHANGE:
            field = {"key": "words", "label": say("mine.what_changes"), "multiline": True, "required": True}
            fields = [{**field, "value": beginning(value)}]
        yes = say("mine.ask_yes" if way is Course.ASK else "mine.yes")
        reply = chat.speech.menu(
            self.name,
            title=mine_shown.title(chat, about),
            text=say(key),
            fields=fields,
            buttons=[
                {"verb": "yes", "label": yes, "inputs": bool(fields)},
                {"verb": "no", "label": say("mine.no")},
            ],
            about=f"{about.id}|{kind}",
            hint=say("mine.words_hint" if kind is WishKind.CHANGE else "hint.consent"),
        )
        waits = {"about": about.id, "asks": kind.value}
        return Told(replies=[reply], waits=waits, own_words=kind is WishKind.CHANGE)

    async def _answered(self, chat: Chat, kept: Mapping[str, Any], meant: Understood | None) -> Told | None:
        """Yes or no to what was asked; or the words that say what is to be changed."""
        kind, about = WishKind(kept["asks"]), str(kept["about"])
        command = meant.command if meant else None
        label = plain(chat.event.text)
        say = chat.speech.messages.say
        if command in _NO or label == plain(say("mine.no")):
            return Told(replies=[chat.speech.say("notes.confirm_dropped")])
        if kind is WishKind.CHANGE:
            return await self._done(chat, about, kind, chat.event.text) if meant is None else None
        if command in _YES or label in {plain(say("mine.yes")), plain(say("mine.ask_yes"))}:
            sure = await _fresh(chat, kept)
            return await (self._done(chat, about, kind, "") if sure else self._act(chat, about, kind))
        return None

    async def _done(self, chat: Chat, contribution_id: str, kind: WishKind, words: str) -> Told:
        """Carries it out, and says exactly what was done and what is still to be."""
        refusal = await chat.keeps_out(words) if words else None
        if refusal is KeepOut.DISTRESS:
            return refused(chat, refusal)
        try:
            about = await self._get(chat, contribution_id)
        except NotFound:
            return Told(replies=[chat.speech.say("mine.gone")])
        way = about.course(kind, chat.event.person_id)
        again = kind is WishKind.CHANGE and way is Course.ASK
        if refusal:
            told = self._asks(chat, about, kind, way, value=words if gives_back(chat, refusal) else "")
            pointed = chat.kept_out(refusal)
            return replace(told, replies=[pointed, *told.replies]) if again else Told(replies=[pointed])
        if again and not words.strip():
            return self._asks(chat, about, kind, way)
        answer = await wishes.wish(
            self._reading.desk,
            about,
            kind,
            person_id=chat.event.person_id,
            language=chat.language,
            words=words.strip(),
        )
        reply = chat.speech.say(mine_shown.key(about, kind, answer))
        turn = await interviewing.current(chat)
        more = [interviewing.prompt(chat, turn)] if turn else []
        return Told(replies=[reply, *more], waits={"done": chat.activity_key})


_LIST = "page:"
"""Begins what the card of the list is about."""
_RETURNED = "returned:"
"""Begins what the card is about that asks whether words answer what came back."""


def offer(chat: Chat, interview_id: str, question: str, words: str) -> Told:
    """Asks whether these words answer the question with which a contribution came back."""
    say = chat.speech.messages.say
    reply = chat.speech.menu(
        Mine.name,
        title=say("mine.returned_title", question=chat.speech.apart(question)),
        text=say("mine.returned_text"),
        buttons=[
            {"verb": "yes", "label": say("tell.button_answer")},
            {"verb": "no", "label": say("mine.returned_no")},
        ],
        about=f"{_RETURNED}{interview_id}",
        hint=say("hint.consent"),
    )
    waits = {"returned": interview_id, "question": question, "words": words, "heard": chat.activity_key}
    return Told(replies=[reply], waits=waits)


def _kept(chat: Chat) -> Mapping[str, Any]:
    kept = chat.state.get("waiting")
    return kept if isinstance(kept, Mapping) else {}


async def _fresh(chat: Chat, kept: Mapping[str, Any]) -> bool:
    """Whether a yes can only be to what was asked: lately, and nothing was sent to the person since."""
    asked_at = datetime.fromisoformat(str(kept["at"]))
    if chat.event.at - asked_at > SURE_WITHIN:
        return False
    return not await chat.parts.db.run(outbox.reached_since, chat.event.person_id, asked_at)


def _said(chat: Chat, meant: Understood | None) -> tuple[str, int]:
    """What is to be done, and the number of the list; "" and 0 where neither was said.

    Words and numbers are understood in every language: "retirer 2", "2", "withdraw".
    """
    text = chat.event.text
    alone = numbered(text)
    if alone and alone.number and not alone.text:
        return "", alone.number
    *words, last = plain(text).split() or [""]
    number = int(last) if last.isdecimal() and len(last) < 3 else 0
    wanted = " ".join(words) if number else plain(text)
    for verb in _WORDS:
        if wanted in _words_for(chat.parts.catalogue, verb):
            return verb, number
    if meant and meant.command is Command.WITHDRAW:
        return "withdraw", 0
    return ("list", 0) if meant and meant.command is Command.BACK else ("", 0)


@lru_cache(maxsize=32)
def _words_for(catalogue: Catalogue, verb: str) -> frozenset[str]:
    """The words that mean this, as people type them, the button's among them."""
    found: set[str] = set()
    for tag in LANGUAGES:
        texts = catalogue.get(tag).texts
        endings = ("", "_words", "_ask", "_unsent", "_note_ask")
        names = [f"mine.{verb}{ending}" for ending in endings]
        for name in names:
            text = texts.get(name, ())
            found |= {plain(one) for one in ((text,) if isinstance(text, str) else text)}
    return frozenset(found)
