"""What is to come of a checked lesson: an action that is agreed, or a newer lesson in its place.

Who decides on lessons comes here from their card; a manager types the lesson's id. The chat keeps which
lesson was asked about, by its id and a mark of its words, and the ids of those offered for its place.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from km365.app import App
from km365.core.commands import Understood
from km365.core.moves import Move
from km365.core.refusals import MoveRefused
from km365.core.schedule import day_at
from km365.errors import GraphChangedMeanwhile, GraphError, GraphNotFound, InputRefused, NotFound
from km365.graph import people
from km365.graph.people import Person
from km365.services import life, review
from km365.services.capture import Kept
from km365.services.life import LifeDesk, Wanted
from km365.services.near import Near
from km365_bots.buttons import Pick
from km365_bots.chat import WAITING, Chat
from km365_bots.moments import Moments
from km365_bots.seen import read, seen
from km365_bots.topics import DECIDING, Told, Topic, gives_back, refused
from km365_bots.who import reader_of

AGREE, SUPERSEDE = "agree", "supersede"
_FIELDS = ("action", "owner", "due")
_PARTS = re.compile(r"[\n;；؛]+")
_ID = re.compile(r"KM-\S+", re.IGNORECASE)


class Agreeing(Topic):
    """ "Action for KM-8f3a", and then "ask the drivers; ben@…; by 1 June"; "newer than KM-8f3a"."""

    name = "agreeing"
    for_whom = DECIDING

    def __init__(self, app: App, desk: LifeDesk, alike: Near) -> None:
        self._app, self._desk, self._alike, self._moments = app, desk, alike, Moments()

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """A lesson by its id, or what was asked about one: action, owner and day, or the newer lesson."""
        if wish:
            found = _ID.search(chat.event.text)
            return await self.ask(chat, wish, _whole(found[0])) if found else None
        kept, text = chat.state.get(WAITING) or {}, chat.event.text.strip()
        if meant is not None or not kept.get("about"):
            return None
        if kept.get("asks") == AGREE:
            *action, last = (one.strip() for one in _PARTS.split(text) if one.strip())
            said = dict(
                zip(_FIELDS, [*action[:2], last] if len(action) > 1 else [*action, "", last], strict=False)
            )
            return await self._agree(chat, str(kept["about"]), said if action else {"action": last})
        offered: Sequence[str] = kept.get("ids") or ()
        chosen = int(text) if text.isdecimal() else 0
        named = (
            offered[chosen - 1] if 0 < chosen <= len(offered) else _whole(text) if _ID.fullmatch(text) else ""
        )
        return await self._supersede(chat, str(kept["about"]), named) if named else None

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """What was filled in or chosen."""
        asks, _, about = pick.about.partition("|")
        if asks == AGREE:
            return await self._agree(chat, about, {one: pick.inputs.get(one, "").strip() for one in _FIELDS})
        named = _whole(pick.inputs.get("id", "").strip()) or pick.inputs.get("which", "")
        return await self._supersede(chat, about, named)

    async def ask(self, chat: Chat, asks: str, about: str, said: Mapping[str, str] | None = None) -> Told:
        """Asks for the action, its owner and its day; or for the lesson that takes another's place."""
        kept = await self._found(chat, read(about).id)
        if kept is None:
            return Told(replies=[chat.speech.say("agreeing.gone")])
        return await (
            self._ask_action(chat, kept, said or {}) if asks == AGREE else self._ask_newer(chat, kept)
        )

    async def _found(self, chat: Chat, named: str) -> Kept | None:
        """The lesson of that id, or of which it is the beginning, if this person may read it."""
        graph, settings = self._app.graph, self._app.settings
        reader = await reader_of(graph, chat)
        try:
            item_id = await review.whole_id(graph, settings, named, reader=reader)
            return await review.get_item(graph, settings, item_id, reader=reader)
        except (NotFound, InputRefused):
            return None

    async def _ask_action(
        self, chat: Chat, kept: Kept, said: Mapping[str, str], *, problem: str = ""
    ) -> Told:
        say, about = chat.speech.messages.say, seen(kept.item)
        me = await people.get_person(self._app.graph, chat.event.person_id)
        values = {
            "action": said.get("action", ""),
            "owner": said.get("owner") or me.upn,
            "due": said.get("due", ""),
        }
        reply = chat.speech.menu(
            self.name,
            title=say("agreeing.agree_title"),
            text="\n".join(
                filter(None, (problem and say(f"agreeing.{problem}"), say("agreeing.agree_text")))
            ),
            entries=[{"title": kept.item.title, "quote": kept.item.advice, "link": kept.web_url}],
            fields=[
                {
                    "key": one,
                    "label": say(f"agreeing.{one}"),
                    "value": values[one],
                    "multiline": one == "action",
                }
                for one in _FIELDS
            ],
            buttons=[{"verb": AGREE, "label": say("agreeing.agree"), "inputs": True}],
            about=f"{AGREE}|{about}",
            hint=say("agreeing.agree_hint"),
        )
        return Told(
            replies=[chat.in_place(reply)],
            waits={"asks": AGREE, "about": about},
            own_words=True,
            by=self.name,
        )

    async def _ask_newer(self, chat: Chat, kept: Kept, *, problem: str = "") -> Told:
        say, about = chat.speech.messages.say, seen(kept.item)
        try:
            found = await self._alike.like(kept.item, chat.event.person_id, language=chat.language)
        except GraphError:
            found = []
        newer = [one for one in found if one.checked]
        choices = [
            {"value": one.item_id, "label": f"{place} · {one.title}"}
            for place, one in enumerate(newer, start=1)
        ]
        which = {"key": "which", "label": say("agreeing.which"), "choices": choices, "value": ""}
        reply = chat.speech.menu(
            self.name,
            title=say("agreeing.newer_title"),
            text="\n".join(
                line for line in (problem, say("agreeing.newer_text", title=kept.item.title)) if line
            ),
            entries=[
                {
                    "title": one.title,
                    "quote": one.sentence,
                    "note": f"{one.office} {one.year or ''}",
                    "link": one.web_url,
                }
                for one in newer
            ],
            fields=[
                *([which] if newer else []),
                {"key": "id", "label": say("agreeing.newer_id"), "value": ""},
            ],
            buttons=[{"verb": SUPERSEDE, "label": say("agreeing.supersede"), "inputs": True}],
            about=f"{SUPERSEDE}|{about}",
            hint=say("agreeing.newer_hint"),
        )
        waits: dict[str, Any] = {"asks": SUPERSEDE, "about": about, "ids": [one.item_id for one in newer]}
        return Told(replies=[chat.in_place(reply)], waits=waits, own_words=True, by=self.name)

    async def _agree(self, chat: Chat, about: str, said: Mapping[str, str]) -> Told:
        """Has it agreed; what is missing is asked for, with what was said."""
        kept = await self._found(chat, read(about).id)
        if kept is None:
            return Told(replies=[chat.speech.say("agreeing.gone")])
        action = said.get("action", "")
        if action and (refusal := await chat.keeps_out(action)):
            told = refused(chat, refusal, waits={"asks": AGREE, "about": about}, own_words=True)
            if not gives_back(chat, refusal):
                return told
            again = await self._ask_action(chat, kept, said)
            return Told(replies=[*told.replies, *again.replies], waits=again.waits, own_words=True)
        owner, due = await self._person(chat, said.get("owner", "")), self._day(chat, said.get("due", ""))
        problem = "" if action else "no_action"
        problem = problem or ("no_owner" if owner is None else "no_day" if due is None else "")
        if problem or owner is None or due is None:
            return await self._ask_action(chat, kept, said, problem=problem)
        reader = await reader_of(self._app.graph, chat)
        wanted = Wanted(
            move=Move.AGREE, reader=reader, words=action, owner=owner.reader, due=due, seen=read(about).mark
        )
        if why := await self._made(chat, kept, wanted):
            return Told(replies=[chat.in_place(chat.speech.say("agreeing.not_done", why=why))])
        day = chat.speech.messages.day(due)
        done = chat.speech.say("agreeing.done_agree", owner=chat.speech.apart(owner.name), day=day)
        return Told(replies=[chat.in_place(done)])

    async def _supersede(self, chat: Chat, about: str, named: str) -> Told:
        """Puts the lesson named in the place of the one shown."""
        kept = await self._found(chat, read(about).id)
        newer = await self._found(chat, named) if named else None
        if kept is None:
            return Told(replies=[chat.speech.say("agreeing.gone")])
        if newer is None:
            problem = chat.speech.messages.say("agreeing.no_newer")
            return await self._ask_newer(chat, kept, problem=problem)
        reader = await reader_of(self._app.graph, chat)
        wanted = Wanted(move=Move.SUPERSEDE, reader=reader, successor=newer.item.id, seen=read(about).mark)
        if why := await self._made(chat, kept, wanted):
            return Told(replies=[chat.in_place(chat.speech.say("agreeing.not_done", why=why))])
        titles = {"title": chat.speech.apart(kept.item.title), "newer": chat.speech.apart(newer.item.title)}
        return Told(replies=[chat.in_place(chat.speech.say("agreeing.done_supersede", **titles))])

    async def _made(self, chat: Chat, kept: Kept, wanted: Wanted) -> str:
        """Makes the move; why it is not made, in words, or ""."""
        say = chat.speech.messages.say
        try:
            await life.make(self._desk, kept.item.id, wanted, at=chat.event.at)
        except MoveRefused as error:
            key = f"agreeing.why_{error.why}"
            return say(key if key in chat.speech.messages.texts else "agreeing.why_other")
        except (GraphChangedMeanwhile, InputRefused):
            return say("agreeing.changed")
        return ""

    async def _person(self, chat: Chat, named: str) -> Person | None:
        """Who is to do it: the person themselves where nobody is named."""
        try:
            found = await people.get_person(self._app.graph, named or chat.event.person_id)
        except (GraphNotFound, InputRefused):
            return None
        return found if found.account_enabled else None

    def _day(self, chat: Chat, words: str) -> date | None:
        """The day that is meant, today at the earliest."""
        found = self._moments.read(chat, words) if words else None
        day = day_at(found, chat.hours) if found else None
        return day if day and day >= day_at(chat.event.at, chat.hours) else None


def _whole(named: str) -> str:
    """An id as it is written, though it was typed in small letters."""
    head, dash, rest = named.partition("-")
    return f"{head.upper()}{dash}{rest}"
