"""What a person wants of km365's messages: which, when and in which language. Values in, values out."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from km365.core.commands import plain
from km365.core.schedule import Hours


class Asked(StrEnum):
    """What a person lets km365 ask by itself; what they begin themselves is always welcome."""

    ALL = "all"  # reflections at milestones, and the handover when they leave
    HANDOVER = "handover"  # no reflections
    NONE = "none"  # nothing but one invitation to hand over, because it serves those who follow


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """What one person has chosen; None is the default: the profile's language, the hours that are set.

    `opens` and `closes` are the first and the last moment a message may come, in wall time since midnight;
    between `closes` and `opens` it is quiet, over midnight where `closes` is the later one.
    """

    asked: Asked = Asked.ALL
    language: str | None = None
    zone: str | None = None
    opens: timedelta | None = None
    closes: timedelta | None = None
    text_only: bool = False
    """Whether messages come without cards."""
    lessons: bool = True
    """Whether lessons may come that fit what the person writes."""
    calendar: bool = False
    """Whether the sittings of their handover may stand in their Outlook calendar."""

    @property
    def takes_lessons(self) -> bool:
        """Whether lessons may be sent that the person did not ask for."""
        return self.lessons and self.asked is not Asked.NONE


_DAY = timedelta(days=1)


def hours_for(wanted: Preferences, usual: Hours) -> Hours:
    """When this person may be written to: their hours in their time zone, `usual` where they chose none.

    The days off stay those of the office. Who chose one end beyond the other end of the usual hours
    gets the rest of that day: "not before 18" where work ends at 17 is 18 to 24.
    """
    hours = replace(usual, zone=zone_of(wanted.zone) or usual.zone)
    opens, closes = wanted.opens, wanted.closes
    if opens is None and closes is None:
        return hours
    if opens is None or closes is None:
        first = usual.opens if opens is None else opens
        last = usual.closes if closes is None else closes
        if last <= first:
            first, last = (timedelta(0), last) if opens is None else (first, _DAY)
        return replace(hours, opens=first, closes=last or _DAY)
    return replace(hours, opens=opens, closes=closes if closes > opens else closes + _DAY)


def may_ask(kind: str, wanted: Asked, *, sent: int) -> bool:
    """Whether a campaign of this kind (milestone or departure) may send a person its next message.

    Who wants nothing is still invited once to hand over, and not reminded.
    """
    if kind == "departure":
        return wanted is not Asked.NONE or sent == 0
    return wanted is Asked.ALL


def waits_for_return(kind: str, *, sent: int, left: timedelta) -> bool:
    """Whether a campaign waits until somebody is back from leave, `left` before its day.

    Only the invitation to hand over does not, in the last week: many are on leave until they have gone.
    """
    return not (kind == "departure" and sent == 0 and left <= timedelta(days=7))


def zone_of(name: str | None) -> ZoneInfo | None:
    """The time zone of that name, such as Africa/Nairobi; None where there is none."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def zone_named(said: str) -> str | None:
    """The one time zone that `said` means: its whole name, or the city alone; None where none or several."""
    words = plain(said)
    if not words:
        return None
    cities = {name: plain(name.rpartition("/")[2]) for name in available_timezones()}
    whole = [name for name in cities if plain(name) == words]
    found = whole or [name for name, city in cities.items() if city == words and "/" in name]
    if len(found) > 1:  # the same place under an old name and a new one
        areas = ("Africa/", "America/", "Asia/", "Europe/", "Pacific/", "Indian/", "Atlantic/", "Australia/")
        found = [name for name in found if name.startswith(areas)] or found
    return found[0] if len(found) == 1 else None


_CLOCK = re.compile(r"(?<!\d)(\d{1,2})(?:\s*(?:[:.٫h]|点|时|點)\s*(\d{2}|半))?(?!\d)")
_HALF_DAY = timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class ClockWords:
    """The words that may stand beside the figures of a time, of any language."""

    morning: Iterable[str]
    afternoon: Iterable[str]
    around: Iterable[str]
    """Such as "and", "until", "o'clock"."""


def clock_times(said: str, words: ClockWords) -> tuple[timedelta, ...]:
    """The times of day that a text consists of, in order, as wall time since midnight.

    "9", "9:30", "21.30", "9h30", "9 am", "6 de la tarde", "早上9点", "٩ صباحاً" are times. Empty where there
    is anything else in the text, or a time that no clock shows.
    """
    text = "".join(str(int(c)) if c.isdecimal() else c for c in said.casefold())
    found = list(_CLOCK.finditer(text))
    if _left_over(_CLOCK.sub(" ", text), words):
        return ()
    times = []
    for number, match in enumerate(found):
        before = text[found[number - 1].end() if number else 0 : match.start()]
        after = text[match.end() : found[number + 1].start() if number + 1 < len(found) else len(text)]
        hour, minute = int(match[1]), 30 if match[2] == "半" else int(match[2] or 0)
        later, earlier = (_next_to(before, after, half) for half in (words.afternoon, words.morning))
        if hour > 24 or minute > 59 or (hour == 24 and minute) or ((later or earlier) and hour > 12):
            return ()
        time = timedelta(hours=hour % 12 if later or earlier else hour, minutes=minute)
        times.append((time + _HALF_DAY if later else time) % _DAY)
    return tuple(times)


def _left_over(text: str, words: ClockWords) -> bool:
    """Whether a text holds anything but these words."""
    rest = f" {_bare(text)} "
    known = {_bare(word) for word in (*words.morning, *words.afternoon, *words.around)}
    for word in sorted(known, key=len, reverse=True):
        while (there := word if _is_han(word) else f" {word} ") in rest:
            rest = rest.replace(there, " ")
    return bool(rest.strip())


def _next_to(before: str, after: str, words: Iterable[str]) -> bool:
    """Whether one of the words stands right behind a figure, or in Chinese right before it."""
    front, behind = _bare(before), f"{_bare(after)} "
    return any(
        front.endswith(word) if _is_han(word) else behind.startswith(f"{word} ") for word in map(_bare, words)
    )


def _bare(text: str) -> str:
    """As `plain`, with "p.m." as "pm"."""
    return plain(text.replace(".", ""))


def _is_han(word: str) -> bool:
    return any("\u3040" <= c <= "\u9fff" for c in word)
