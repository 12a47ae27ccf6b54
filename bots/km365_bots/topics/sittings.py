"""The sittings of one's own handover: on which day what is asked, what is not and why, and the calendar."""

from collections.abc import Mapping

from km365.core.chat import Reply
from km365.core.commands import Understood
from km365.core.departures import BANK
from km365.core.handover_choice import named
from km365.core.interviews import WAITING, unasked
from km365.core.questions import Bank
from km365.core.schedule import Hours
from km365.services import handover_plan
from km365.services.departure_moves import FILED, filed
from km365.services.handover_plan import Mine
from km365.services.interview import bank_of
from km365.store import preferences
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.topics import LEAVING, Told, Topic

_ON, _OFF = "calendar_on", "calendar_off"


class Sittings(Topic):
    """ "My sittings", "ask me also about …", "put my sittings in my calendar"; `hours` are those set."""

    name = "sittings"
    for_whom = LEAVING

    def __init__(self, hours: Hours) -> None:
        self._hours = hours

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """Shows the plan, adds a question that was left out, or puts the days into the calendar."""
        found = await self._mine(chat)
        if found is None or (found.about.interview and found.about.interview.state in FILED):
            return None if wish == "ask_also" and not found else Told(replies=[await self._none(chat)])
        if wish in {_ON, _OFF}:
            return await self._calendar(chat, found, wish)
        if wish == "ask_also":
            return await self._ask_also(chat, found, meant.text if meant else "")
        return Told(replies=await self._shown(chat, found))

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """The button about the calendar."""
        found = await self._mine(chat)
        if found is None or pick.verb not in {_ON, _OFF}:
            return Told(replies=[chat.speech.say("chat.forged")])
        return await self._calendar(chat, found, pick.verb)

    async def _mine(self, chat: Chat) -> Mine | None:
        parts, event = chat.parts, chat.event
        return await parts.db.run(handover_plan.mine, parts.banks, event.person_id, self._hours, now=event.at)

    async def _none(self, chat: Chat) -> Reply:
        """That no sittings are planned; where a filed note has ended them, what was never asked."""
        parts, say = chat.parts, chat.speech.messages.say
        talk = await parts.db.run(filed, chat.event.person_id)
        if talk is None:
            return chat.speech.say("sittings.none")
        count = len(unasked(talk, bank_of(parts.banks, talk)))
        never = say("sittings.filed_unasked", n=count) if count else ""
        return Reply(text=f"{say('sittings.filed')} {never}".strip())

    async def _calendar(self, chat: Chat, found: Mine, wish: str) -> Told:
        db, event = chat.parts.db, chat.event
        await db.run(preferences.put_calendar, event.person_id, wish == _ON, at=event.at)
        return Told(replies=[chat.in_place(chat.speech.say(f"sittings.{wish}"))])

    async def _ask_also(self, chat: Chat, found: Mine, said: str) -> Told:
        """The question that the words name is asked after all; where they name none, the list says which."""
        bank = _bank(chat, found)
        question_id = named(said, _listed(bank, found))
        question = bank.question(question_id)
        if question is None:
            return Told(replies=[chat.speech.say("sittings.which"), *await self._shown(chat, found)])
        parts, event = chat.parts, chat.event
        await parts.db.run(
            handover_plan.ask_also, parts.banks, event.person_id, question_id, self._hours, now=event.at
        )
        return Told(replies=[chat.speech.say("sittings.added", question=chat.speech.apart(question.ask))])

    async def _shown(self, chat: Chat, found: Mine) -> list[Reply]:
        """The card of the days, and below it what is not asked."""
        say, bank = chat.speech.messages.say, _bank(chat, found)
        wanted = await chat.parts.db.run(preferences.get, chat.event.person_id)
        verb = _OFF if wanted.calendar else _ON
        entries = [
            {
                "title": chat.speech.messages.day(one.on),
                "note": "\n".join(question.ask for q in one.questions if (question := bank.question(q))),
            }
            for one in found.plan.sittings
        ]
        last_day = chat.speech.messages.day(found.campaign.due_on)
        lines = [say("sittings.last_day", day=last_day), "" if entries else say("sittings.nothing_left")]
        begun = found.about.interview is not None and found.about.interview.state in WAITING
        buttons = [{"verb": verb, "label": say(f"sittings.button_{verb}")}] if begun and entries else []
        card = chat.speech.menu(
            self.name,
            title=say("sittings.title"),
            text="\n".join(line for line in lines if line),
            entries=entries,
            buttons=buttons,
            hint=say(f"sittings.hint_{verb}") if buttons else "",
        )
        return [card, *self._not_asked(chat, found, bank)]

    def _not_asked(self, chat: Chat, found: Mine, bank: Bank) -> list[Reply]:
        """What is left out, each with the reason, to be asked for by number."""
        say, why = chat.speech.messages.say, found.plan.not_asked
        lines = [
            f"{number}. {question.ask} ({say(f'sittings.why_{why[one].why.name.lower()}')})"
            for number, one in enumerate(_listed(bank, found), start=1)
            if (question := bank.question(one))
        ]
        if not lines:
            return []
        return [
            Reply(text="\n\n".join([say("sittings.left_out"), "\n".join(lines), say("sittings.hint_also")]))
        ]


def _bank(chat: Chat, found: Mine) -> Bank:
    """The bank in the language of the interview, or of the chat before there is one."""
    talk = found.about.interview
    return bank_of(chat.parts.banks, talk) if talk else chat.parts.banks.get(BANK, chat.language)


def _listed(bank: Bank, found: Mine) -> Mapping[str, str]:
    """The questions that are left out and were not answered, in the order of the bank, with their words."""
    why = found.plan.not_asked
    return {
        one.id: " ".join([one.ask, one.hint, *(bank.heading(target) for target in one.becomes)])
        for one in bank.questions
        if one.id in why and why[one.id].why.name not in {"ANSWERED", "FILED"}
    }
