"""Sharing a lesson at any time: told, pasted as a link, forwarded, or offered where somebody tells a story.

What is told begins an interview that asks only for what is missing. Words that wait for a yes stand in the
chat's state and are forgotten within a day.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from km365.core.chat import Reply
from km365.core.commands import KINDNESS, Command, Understood, plain
from km365.core.interviews import MAX_ANSWER_LENGTH, InterviewState, asked
from km365.core.keepout import KeepOut
from km365.core.questions import BankKind
from km365.core.said import is_question, is_story, is_thin
from km365.core.sorting import without_links
from km365.core.turns import Turn
from km365.services import interview as service
from km365.services import tell
from km365.services.interview import Subject
from km365.services.tell import Linked
from km365_bots import interviewing, put_by
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.speech import beginning, limit
from km365_bots.topics import Told, Topic, gives_back, refused

TOLD = "told"
"""Where the state of a chat holds words that wait for a yes, or for the lesson in a document."""

FORGOTTEN_AFTER = timedelta(days=1)

LookUp = Callable[[str, str], Awaitable[Sequence[Linked]]]
"""The documents of ours that a text links to, as far as the person may know of them (`tell.look_up`)."""

_YES = frozenset({Command.YES, Command.AGREE, Command.START})
_NOT_THAT = frozenset({Command.NO, Command.REFUSE})
_PUT_OFF = frozenset({Command.DECLINE, Command.LATER, Command.PAUSE})
"""Said while an invitation waits, they are said to that."""
_NO = _NOT_THAT | _PUT_OFF | {Command.SKIP, Command.WITHDRAW, Command.DISCARD}
_STORY, _OFFER = "story", "offer"
_OPEN = frozenset({InterviewState.OPEN, InterviewState.PAUSED, InterviewState.DRAFT})


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """Words that wait. `about` names the telling, `heard` the last activity that added to it.

    `invited` is the campaign whose invitation they may answer, `draft` the interview to whose draft they may
    belong, if one may be meant.
    """

    text: str
    about: str
    heard: str
    invited: str = ""
    draft: str = ""

    def to_json(self, at: datetime) -> dict[str, str]:
        return {**vars(self), "at": at.isoformat()}


class Tell(Topic):
    """ "I want to share a lesson", "lesson: …", a link, a forwarded message, a story nobody asked for."""

    name = "tell"
    opens = "share"

    def __init__(self, look_up: LookUp) -> None:
        self._look_up = look_up

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """A lesson, the wish to tell one, or what was waited for: the lesson itself, or a yes."""
        if wish == "share":
            kept, turn = _kept(chat), await interviewing.current(chat)
            if turn and chat.activity_key in turn.interview.heard:  # it comes again, and has begun this
                await _forget(chat)
                return Told(replies=[interviewing.prompt(chat, turn)], begun=True)
            another = kept and (kept.invited or kept.draft) and _waits_for(chat, _OFFER)
            return await self._chosen(chat, "make", about=_awaits(chat)) if another else self._ask(chat)
        if wish == "lesson":
            own = _behind_the_colon(chat)
            return await self._heard(chat, own) if own else None
        if wish:
            about = _awaits(chat)
            return await self._chosen(chat, wish, about=about) if about or _kept(chat) else None
        return await self._awaited(chat, meant)

    async def _awaited(self, chat: Chat, meant: Understood | None) -> Told | None:
        """What is typed while the lesson is waited for, or a yes to make one."""
        telling = _waits_for(chat, _STORY)
        if not telling and not _waits_for(chat, _OFFER):
            return None
        command = meant.command if meant else None
        kept = None if telling else _kept(chat)
        invited = kept if kept and kept.invited else None
        if invited and command in _NOT_THAT:  # it is no answer, and may be another lesson
            return await self._offer(chat, replace(invited, invited=""))
        if command in (_NO - _PUT_OFF if invited else _NO):
            return await self._chosen(chat, "drop")
        if command in _YES and not telling:
            verb = "answer" if invited else "add" if kept and kept.draft else "make"
            return await self._chosen(chat, verb, about=_awaits(chat))
        kind = command in KINDNESS and not telling  # then the offer is made again
        if meant is not None and not kind and (command or meant.audience):
            return None
        return await (self._heard(chat, chat.event.text) if telling else self._more(chat))

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """Words filled in, a yes, or a no."""
        if pick.verb != "tell":
            return await self._chosen(chat, pick.verb, about=pick.about)
        words = pick.inputs.get("text", "").strip()
        return await self._heard(chat, words) if words else self._ask(chat)

    async def unasked(self, chat: Chat) -> Told | None:
        """Offers to make a lesson of a story; of a document that is linked to it asks for the lesson.

        While an invitation waits, the story may be the answer to it, and need not be as long.
        """
        text = chat.event.text
        if len(text) > MAX_ANSWER_LENGTH:
            return None
        linked = await self._look_up(text, chat.event.person_id)
        words = without_links(text)
        if linked and is_thin(words):
            return await self._ask_about(chat, text, linked)
        invited = await _invited(chat)
        draft = await _draft(chat)
        if (is_story(words) or ((invited or draft) and not is_thin(words))) and not is_question(words):
            named, campaign = _named(chat), invited.campaign if invited else ""
            kept = _Kept(text=text, about=named, heard=named, invited=campaign)
            return await self._offer(chat, replace(kept, draft=draft.interview.id) if draft else kept)
        return None

    def _ask(
        self, chat: Chat, *, text: str = "", entries: Sequence[Mapping[str, str]] = (), value: str = ""
    ) -> Told:
        """Asks for the lesson, to be typed or filled in, where `value` may stand already."""
        say = chat.speech.messages.say
        field = {"key": "text", "label": say("tell.ask_label"), "multiline": True, "required": True}
        menu = chat.speech.menu(
            self.name,
            title=say("tell.ask_title"),
            text=text or say("tell.ask_text"),
            entries=entries,
            fields=[{**field, "value": beginning(value)}],
            buttons=[
                {"verb": "tell", "label": say("tell.button_tell"), "inputs": True},
                {"verb": "drop", "label": say("tell.button_drop")},
            ],
            about=_named(chat),
            hint=say("tell.ask_hint"),
        )
        return Told(replies=[menu], waits={"step": _STORY, "about": _named(chat)}, own_words=True)

    async def _ask_about(self, chat: Chat, text: str, linked: Sequence[Linked]) -> Told:
        """What the lesson in these documents is; what was typed so far waits for it."""
        if refusal := await chat.keeps_out(text):
            return await _refused(chat, refusal)
        await _keep(chat, _Kept(text=text, about=_named(chat), heard=_named(chat)))
        opened = [{"title": one.title, "link": one.link} for one in linked if one.title]
        key = "tell.document_found" if opened else "tell.document_closed"
        return self._ask(chat, text=chat.speech.messages.say(key), entries=opened)

    async def _offer(self, chat: Chat, kept: _Kept, *, added: bool = False) -> Told:
        """Asks whether these words are to be a lesson, or the answer to the invitation that waits."""
        invited = await _invited(chat) if kept.invited else None
        draft = await _draft(chat) if kept.draft else None
        kept = kept if draft and draft.interview.id == kept.draft else replace(kept, draft="")
        kept = kept if invited and invited.campaign == kept.invited else replace(kept, invited="")
        which = "draft" if kept.draft else "answer" if kept.invited else "offer"
        await _keep(chat, kept)
        say = chat.speech.messages.say
        labels = {"make": say("tell.button_make"), "drop": say("tell.button_drop")}
        if which == "answer":
            labels = {
                "answer": say("tell.button_answer"),
                "make": say("tell.button_another"),
                "drop": say("tell.button_neither"),
            }
        if which == "draft":
            labels = {
                "add": say("tell.button_add"),
                "make": say("tell.button_another"),
                "drop": labels["drop"],
            }
        title = say(f"tell.{which}_title", subject=chat.speech.apart(invited.title) if invited else "")
        menu = chat.speech.menu(
            self.name,
            title=title,
            text=" ".join([*([say("tell.offer_more")] if added else []), say(f"tell.{which}_text")]),
            buttons=[{"verb": verb, "label": label} for verb, label in labels.items()],
            about=kept.about,
            hint=say(f"tell.{which}_hint"),
        )
        return Told(replies=[menu], waits={"step": _OFFER, "about": kept.about})

    async def _more(self, chat: Chat) -> Told | None:
        """People tell in several messages: what is told while the offer stands is added to it."""
        kept, text = _kept(chat), chat.event.text
        if kept is None:
            return None
        refusal = await chat.keeps_out(kept.text, text[:MAX_ANSWER_LENGTH])
        if is_question(text) and refusal is not KeepOut.DISTRESS:
            return None
        if refusal:
            return await _refused(chat, refusal, {"step": _OFFER, "about": kept.about})
        if is_thin(text) or kept.heard == _named(chat):
            return await self._offer(chat, kept)
        whole = f"{kept.text}\n\n{text}"
        if len(whole) > MAX_ANSWER_LENGTH:
            return Told(replies=[_too_long(chat)], waits={"step": _OFFER, "about": kept.about})
        return await self._offer(chat, replace(kept, text=whole, heard=_named(chat)), added=True)

    async def _chosen(self, chat: Chat, verb: str, *, about: str = "") -> Told:
        """Yes or no to words that wait; `about` names those that a card was about."""
        kept = _kept(chat)
        if verb == "drop":
            if about and _stands(chat) not in {"", about}:
                return Told(replies=[chat.speech.say("tell.another")], waits=_as_before(chat))
            await _forget(chat)
            waits = None if await interviewing.current(chat) else await interviewing.invitation(chat)
            return Told(replies=[chat.speech.say("tell.dropped"), *([waits] if waits else [])])
        if kept is None or (about and kept.about != about):
            turn = await _begun(chat, about, verb)
            if turn is None:
                return Told(replies=[chat.speech.say("tell.gone")], waits=_as_before(chat))
            return Told(replies=[interviewing.prompt(chat, turn)], begun=True)
        if verb in {"answer", "add"}:
            return await (self._add if verb == "add" else self._answer)(chat, kept)
        return await self._begin(chat, kept.text, _telling(chat, kept.about))

    async def _answer(self, chat: Chat, kept: _Kept) -> Told:
        """The words answer the invitation they came after, which by now may be under way, or over."""
        turn = await interviewing.current(chat)
        if turn and turn.interview.campaign == kept.invited and turn.interview.state is InterviewState.OPEN:
            answering = replace(chat, event=replace(chat.event, text=kept.text))
            replies = await interviewing.typed(answering, turn, None)
            await _forget(chat)
            return Told(replies=replies, begun=True)
        invited = await _invited(chat)
        if invited is None or invited.campaign != kept.invited:
            return await self._offer(chat, replace(kept, invited=""))
        return await self._begin(chat, kept.text, invited)

    async def _add(self, chat: Chat, kept: _Kept) -> Told:
        """The words belong to the draft they came after, if it is still there."""
        draft = await _draft(chat)
        if draft is None or draft.interview.id != kept.draft:
            return await self._offer(chat, replace(kept, draft=""))
        replies = await interviewing.add(chat, draft, kept.text)
        await _forget(chat)
        return Told(replies=replies, begun=True)

    async def _heard(self, chat: Chat, words: str) -> Told:
        """A lesson in the person's own words, behind which go the documents that waited for it."""
        kept = _kept(chat)
        waited = kept if kept and _waits_for(chat, _STORY) else None
        text = f"{words}\n\n{waited.text}" if waited else words
        few = waited is None and is_thin(without_links(words))
        if few and (linked := await self._look_up(words, chat.event.person_id)):
            return await self._ask_about(chat, words, linked)
        return await self._begin(chat, text, _telling(chat, _named(chat)), words=words)

    async def _begin(self, chat: Chat, text: str, subject: Subject, *, words: str = "") -> Told:
        """The interview about it: what was made of the words, then what is missing."""
        if refusal := await chat.keeps_out(text[:MAX_ANSWER_LENGTH]):
            if words and gives_back(chat, refusal):
                again = self._ask(chat, value=words)
                return replace(again, replies=[chat.kept_out(refusal), *again.replies])
            return await _refused(chat, refusal, {"step": _STORY, "about": _stands(chat)}, own_words=True)
        if len(text) > MAX_ANSWER_LENGTH:
            return Told(
                replies=[_too_long(chat)], waits={"step": _STORY, "about": _stands(chat)}, own_words=True
            )
        parts = chat.parts
        linked = await self._look_up(text, chat.event.person_id)
        other = await interviewing.current(chat)
        turn = await tell.begin(
            parts.db,
            parts.banks,
            parts.jobs,
            person_id=chat.event.person_id,
            text=text,
            linked=linked,
            subject=subject,
            language=chat.language,
            activity=chat.activity_key,
            now=chat.event.at,
            new_id=parts.new_id,
        )
        await _forget(chat)
        waits = None if subject.campaign else await service.waiting_campaign(parts.db, chat.event.person_id)
        lines = _opening(chat, turn, linked, other)
        if waits:
            lines.append(chat.speech.messages.say("tell.still_waits", subject=chat.speech.apart(waits.title)))
        answered = await put_by.cards(chat, campaign=subject.campaign) if subject.campaign else []
        opening = Reply(text="\n\n".join(lines))
        return Told(replies=[opening, interviewing.prompt(chat, turn), *answered], begun=True)


def _opening(chat: Chat, turn: Turn, linked: Sequence[Linked], other: Turn | None) -> list[str]:
    """Under which headings the words now stand, what could not be opened, what stays open meanwhile."""
    say = chat.speech.messages.say
    bank = chat.parts.banks.get(turn.interview.bank, turn.interview.language)
    answered = [question for question in bank.questions if turn.interview.answer(question.id)]
    lines = [say("tell.sorted", headings=" · ".join(bank.heading(q.becomes[0]) for q in answered))]
    missing = sum(1 for question in asked(turn.interview, bank) if question not in answered)
    lines.append(say("tell.missing", n=missing) if missing > 0 else say("tell.complete"))
    if closed := [one.address for one in linked if not one.title]:
        lines.append(say("tell.links_kept", links=" ".join(closed)))
    if other and other.interview.id != turn.interview.id and other.interview.state in _OPEN:
        lines.append(say("tell.other_stays", subject=chat.speech.apart(other.interview.subject_title)))
    return lines


def _behind_the_colon(chat: Chat) -> str:
    """The lesson behind "lesson:", with all its punctuation; "" where the colon is not there."""
    text = chat.event.text
    head, colon, own = text.replace("：", ":").partition(":")
    topics = chat.parts.catalogue.vocabulary.topics.values()
    phrases = (phrase for wishes in topics for phrase in wishes.get(Tell.name, {}).get("lesson", ()))
    known = {plain(phrase.partition("…")[0]) for phrase in phrases}
    return text[len(text) - len(own) :].strip() if colon and plain(head) in known else ""


def _named(chat: Chat) -> str:
    """What names this telling: the activity, or where it has no id, this moment."""
    return chat.activity_key or f"{chat.event.conversation_id}/{chat.event.at.isoformat()}"


def _waits_for(chat: Chat, step: str) -> bool:
    waiting = chat.state.get("waiting")
    return (
        isinstance(waiting, Mapping)
        and (waiting.get("topic"), waiting.get("step")) == (Tell.name, step)
        and not _is_old(chat, waiting)
    )


def _awaits(chat: Chat) -> str:
    """What names the telling that the yes is to: its words may be forgotten and the yes come again."""
    return str(chat.state["waiting"].get("about", "")) if _waits_for(chat, _OFFER) else ""


def _is_old(chat: Chat, kept: Mapping[str, Any]) -> bool:
    try:
        return chat.event.at - datetime.fromisoformat(str(kept.get("at"))) > FORGOTTEN_AFTER
    except ValueError:
        return True


def _kept(chat: Chat) -> _Kept | None:
    """The words that wait in this chat, if there are any and they are not a day old."""
    kept = chat.state.get(TOLD)
    if not isinstance(kept, Mapping) or _is_old(chat, kept):
        return None
    return _Kept(**{name: str(kept.get(name, "")) for name in ("text", "about", "heard", "invited", "draft")})


async def _keep(chat: Chat, kept: _Kept) -> None:
    await chat.remember(**{TOLD: kept.to_json(chat.event.at)})


async def _forget(chat: Chat) -> None:
    if chat.state.get(TOLD):
        await chat.remember(**{TOLD: None})


def _as_before(chat: Chat) -> Mapping[str, Any] | None:
    """What was waited for, which goes on being so."""
    waits = _waits_for(chat, _OFFER) or _waits_for(chat, _STORY)
    return dict(chat.state["waiting"]) if waits else None


def _stands(chat: Chat) -> str:
    """What names the telling that is waited for, or else whose words wait; "" if none."""
    waits, kept = _as_before(chat), _kept(chat)
    return str(waits.get("about", "")) if waits else kept.about if kept else ""


async def _refused(
    chat: Chat, refusal: KeepOut, waits: Mapping[str, Any] | None = None, *, own_words: bool = False
) -> Told:
    """As `refused`; in distress what waited for a yes is forgotten too."""
    if refusal is KeepOut.DISTRESS:
        await _forget(chat)
    return refused(chat, refusal, waits=waits, own_words=own_words)


async def _begun(chat: Chat, about: str, verb: str) -> Turn | None:
    """The interview that these words began, whose yes has come again."""
    if verb == "answer":
        turn = await interviewing.current(chat)
        return turn if turn and turn.interview.campaign else None
    parts, person = chat.parts, chat.event.person_id
    return await tell.begun(parts.db, parts.banks, about, person_id=person) if about else None


def _telling(chat: Chat, about: str) -> Subject:
    return tell.telling(about, chat.parts.banks.get(tell.BANK, chat.language).title)


async def _invited(chat: Chat) -> Subject | None:
    """What the person is invited to reflect on and has not begun, where a story may be the answer."""
    campaign = await service.waiting_campaign(chat.parts.db, chat.event.person_id)
    subject = service.subject_of(campaign, chat.event.person_id) if campaign else None
    reflects = subject and chat.parts.banks.get(subject.bank, chat.language).kind is BankKind.REFLECTION
    return subject if reflects else None


async def _draft(chat: Chat) -> Turn | None:
    """The draft that lies before the person, if more can be added to it."""
    turn = await interviewing.current(chat)
    return turn if turn and interviewing.takes_more(chat, turn) else None


def _too_long(chat: Chat) -> Reply:
    return chat.speech.say("notes.too_long", limit=limit())
