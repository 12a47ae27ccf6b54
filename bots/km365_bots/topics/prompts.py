"""What km365 asks a person by itself, when and in which language: shown and changed by that person."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from babel.dates import get_day_names
from babel.lists import format_list

from km365.core.chat import Reply
from km365.core.commands import Understood
from km365.core.languages import LANGUAGES, OWN_NAMES
from km365.core.messages import Messages
from km365.core.preferences import Asked, ClockWords, Preferences, clock_times, zone_named, zone_of
from km365.core.schedule import LEAD, Hours, Milestone
from km365.services import interview as interviews
from km365.services import preferences
from km365.services.preferences import Coming, Overview
from km365.store import preferences as store
from km365_bots import interviewing
from km365_bots.buttons import Pick
from km365_bots.chat import Chat
from km365_bots.topics import Told, Topic

_DAY = timedelta(days=1)
_YES_NO = ("yes", "no")
_LESSONS = {"stop_lessons": False, "send_lessons": True}
_ASKED = {"stop": Asked.NONE, "stop_reflections": Asked.HANDOVER, "ask_again": Asked.ALL}


Upcoming = Callable[[str, datetime], Awaitable[Milestone | None]]
"""The next milestone that will ask a person (by id), as seen at a moment."""


async def _none(_: str, __: datetime) -> Milestone | None:
    return None


class Prompts(Topic):
    """ "My prompts", "not before 9", "stop asking me for good"; `hours` are those that are set."""

    name = "prompts"
    opens = "show"

    def __init__(self, hours: Hours, upcoming: Upcoming = _none) -> None:
        self._hours = hours
        self._upcoming = upcoming

    async def typed(self, chat: Chat, wish: str, meant: Understood | None) -> Told | None:
        """Shows the settings, or changes the one that was spoken of."""
        said = meant.text if meant else ""
        if wish == "show":
            return Told(replies=[await self._shown(chat)])
        if wish in _ASKED:
            return await self._change(chat, wish, asked=_ASKED[wish])
        if wish in _LESSONS:
            return await self._change(chat, wish, lessons=_LESSONS[wish])
        if wish == "usual_hours":
            return await self._change(chat, "hours_changed", opens=None, closes=None)
        if wish == "zone":
            zone = zone_named(said)
            return await self._change(chat, "hours_changed", zone=zone) if zone else self._no_zone(chat)
        return await self._hours_typed(chat, wish, said)

    async def _hours_typed(self, chat: Chat, wish: str, said: str) -> Told | None:
        """None for what is no time: "not before the rains end" is somebody's answer."""
        times = clock_times(said, _clock_words(chat))
        if wish == "quiet" and len(times) == 2:
            closes, opens = times
            return await self._change(chat, "hours_changed", opens=opens, closes=closes)
        if len(times) != 1 or wish not in {"not_before", "not_after"}:
            return None
        return await self._change(
            chat, "hours_changed", **{"opens" if wish == "not_before" else "closes": times[0]}
        )

    async def pressed(self, chat: Chat, pick: Pick) -> Told:
        """The card as it was filled in; a time or place that is not understood changes nothing."""
        filled = pick.inputs
        opens, closes = (_time(chat, filled.get(key, "")) for key in ("opens", "closes"))
        wrong = [key for key, time in (("opens", opens), ("closes", closes)) if time == "wrong"]
        zone = filled.get("zone", "").strip()
        if zone and not zone_named(zone):
            return self._no_zone(chat)
        if wrong or isinstance(opens, str) or isinstance(closes, str):
            return Told(replies=[chat.speech.say("prompts.no_time"), await self._shown(chat)])
        asked = Asked(filled["asked"]) if filled.get("asked") in set(Asked) else None
        changes: dict[str, object] = {"opens": opens, "closes": closes, "zone": zone_named(zone)}
        if asked:
            changes["asked"] = asked
        if filled.get("lessons") in _YES_NO:
            changes["lessons"] = filled["lessons"] == "yes"
        told = await self._change(chat, "saved", **changes)
        language = filled.get("language", "")
        return (
            await self._speak(chat, language) if language in LANGUAGES and language != chat.language else told
        )

    async def _speak(self, chat: Chat, language: str) -> Told:
        """From now on in that language, an open interview as well."""
        await chat.parts.db.run(store.put_language, chat.event.person_id, language, at=chat.event.at)
        turn = await interviewing.current(chat)
        chat = replace(chat, language=language)
        replies = [await self._shown(chat, "saved")]
        if turn is None:
            return Told(replies=replies)
        return Told(replies=[*replies, *await interviewing.speak(chat, turn, language)], begun=True)

    async def _change(self, chat: Chat, done: str, **changes: object) -> Told:
        """Keeps the changes; hours count on the clock that Teams has told, until somebody names another."""
        here = chat.event.time_zone if zone_of(chat.event.time_zone) else None

        def to(before: Preferences) -> Preferences:
            after = replace(before, **changes)  # type: ignore[arg-type]  # as the fields above name them
            timed = after.opens is not None or after.closes is not None
            return replace(after, zone=after.zone or (here if timed else None))

        db, event = chat.parts.db, chat.event
        found = await preferences.change(db, self._hours, event.person_id, to, now=event.at)
        return Told(replies=[self._card(chat, found, done)])

    def _no_zone(self, chat: Chat) -> Told:
        return Told(replies=[chat.speech.say("prompts.no_zone")])

    async def _shown(self, chat: Chat, done: str = "") -> Reply:
        event = chat.event
        found = await preferences.overview(chat.parts.db, self._hours, event.person_id, now=event.at)
        asks = found.wanted.asked is Asked.ALL
        later = await self._upcoming(event.person_id, event.at) if asks else None
        return self._card(chat, found, done, later)

    def _card(self, chat: Chat, found: Overview, done: str, later: Milestone | None = None) -> Reply:
        """The settings and what waits, with what was just done first, and `later` what comes after that."""
        say = chat.speech.messages.say
        wanted = found.wanted
        lines = [
            say(f"prompts.{done}") if done else "",
            say(f"prompts.asked_{wanted.asked}"),
            say("prompts.lessons_now" if wanted.takes_lessons else "prompts.lessons_none"),
            _hours_in_words(chat.speech.messages, found.hours),
            say("prompts.language_now", language=OWN_NAMES[chat.language]),
            _next_in_words(chat.speech.messages, found),
            _later_in_words(chat.speech.messages, later),
        ]
        return chat.speech.menu(
            self.name,
            title=say("prompts.title"),
            text="\n".join(line for line in lines if line),
            entries=[self._entry(chat, one, found.hours) for one in found.waiting],
            fields=_fields(chat, wanted),
            buttons=[{"verb": "save", "label": say("prompts.save"), "inputs": True}],
            hint=say("prompts.hint"),
        )

    def _entry(self, chat: Chat, one: Coming, hours: Hours) -> Mapping[str, str]:
        """Something that waits: what it is, and when the next message about it comes."""
        messages = chat.speech.messages
        if one.interview is not None:
            bank = interviews.bank_of(chat.parts.banks, one.interview)
            title = one.interview.subject_title or bank.title
            note = messages.say("prompts.left_open")
        else:
            title, note = (one.campaign.title if one.campaign else ""), ""
        if one.at is not None:
            note = " ".join([note, messages.say("prompts.comes", when=_moment(messages, one.at, hours))])
        return {"title": title, "note": note.strip() or messages.say("prompts.comes_not")}


def _fields(chat: Chat, wanted: Preferences) -> list[Mapping[str, object]]:
    say = chat.speech.messages.say
    asked = [{"value": one.value, "label": say(f"prompts.choice_{one}")} for one in Asked]
    spoken = [{"value": tag, "label": name} for tag, name in OWN_NAMES.items()]
    return [
        {"key": "asked", "label": say("prompts.asked"), "value": wanted.asked.value, "choices": asked},
        {
            "key": "lessons",
            "label": say("prompts.lessons"),
            "value": "yes" if wanted.lessons else "no",
            "choices": [{"value": one, "label": say(f"prompts.lessons_{one}")} for one in _YES_NO],
        },
        {"key": "opens", "label": say("prompts.opens"), "value": _clock(wanted.opens)},
        {"key": "closes", "label": say("prompts.closes"), "value": _clock(wanted.closes)},
        {"key": "zone", "label": say("prompts.zone"), "value": wanted.zone or ""},
        {"key": "language", "label": say("prompts.language"), "value": chat.language, "choices": spoken},
    ]


def _hours_in_words(messages: Messages, hours: Hours) -> str:
    """When messages come, on whose clock, and the days on which none do."""
    zone = str(hours.zone)
    midnight = timedelta()
    key = "between"
    if hours.closes - hours.opens >= _DAY:
        key = "any_time"
    elif hours.closes % _DAY == midnight:
        key = "from"
    elif hours.opens % _DAY == midnight:
        key = "until"
    opens, closes = _clock(hours.opens), _clock(hours.closes)
    text = messages.say(f"prompts.{key}", opens=opens, closes=closes, zone=zone)
    if not hours.weekend:
        return text
    names = get_day_names("wide", context="stand-alone", locale=messages.language)
    days = format_list([names[day] for day in sorted(hours.weekend)], locale=messages.language)
    return f"{text} {messages.say('prompts.days_off', days=days)}"


def _next_in_words(messages: Messages, found: Overview) -> str:
    first = next((one.at for one in found.waiting if one.at is not None), None)
    if first is not None:
        return messages.say("prompts.next", when=_moment(messages, first, found.hours))
    return messages.say("prompts.nothing_waits" if not found.waiting else "prompts.nothing_comes")


def _later_in_words(messages: Messages, later: Milestone | None) -> str:
    if later is None or later.due_on is None:
        return ""
    day, begins = messages.day(later.due_on), messages.day(later.due_on - LEAD)
    return messages.say("prompts.later", title=later.title, day=day, begins=begins)


def _moment(messages: Messages, moment: datetime, hours: Hours) -> str:
    local = moment.astimezone(hours.zone)
    if not local.hour and not local.minute:  # the day begins with it
        return messages.day(local.date())
    return messages.say("prompts.moment", day=messages.day(local.date()), time=f"{local:%H:%M}")


def _clock(time: timedelta | None) -> str:
    """A time of day as 09:30; empty where none was chosen."""
    if time is None:
        return ""
    minutes = time % _DAY // timedelta(minutes=1)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _time(chat: Chat, said: str) -> timedelta | str | None:
    """The time somebody filled in, None where they left it empty, "wrong" where it is none."""
    if not said.strip():
        return None
    times = clock_times(said, _clock_words(chat))
    return times[0] if len(times) == 1 else "wrong"


def _clock_words(chat: Chat) -> ClockWords:
    """The words beside times in every language: people type the one they think in."""

    def words(name: str) -> tuple[str, ...]:
        found: list[str] = []
        for tag in LANGUAGES:
            text = chat.parts.catalogue.get(tag).texts[f"prompts.{name}"]
            found += [text] if isinstance(text, str) else list(text)
        return tuple(found)

    return ClockWords(morning=words("morning"), afternoon=words("afternoon"), around=words("around_times"))
