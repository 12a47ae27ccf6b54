"""When "later" is, in a person's own words: "in three days", "tomorrow at 15:00", "on Friday".

Words in, a moment out. A text is understood only as a whole: "later in the year the floods came" is a story.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple

from babel.dates import get_month_names

from km365.core.commands import plain
from km365.core.schedule import Hours, next_open

TOO_FAR = timedelta(days=60)
"""What is put off for longer is better declined, and begun again by the person."""
CHOICES = ("soon", "next_day", "monday", "fortnight")
"""What a card offers: in two hours, tomorrow, next Monday, in two weeks."""

_DAY = timedelta(days=1)
_SOON = timedelta(hours=3)
"""What "later today" means where no hour is named."""
_MORNING, _NOON = 9, 12
_LONGEST, _MOST_TOKENS = 60, 8


class Token(NamedTuple):
    """What a word says: a letter for its kind, and a number.

    D so many days from today, W weekday (Monday is 0), K so many weeks on, M month (January is 1),
    X day of the calendar (its ordinal), U unit (minutes), H unit of an hour, S span and number (minutes),
    N number in figures, n number in words, T time (minutes since midnight), P part of the day (the hour it
    begins), A "at", I "in" before a span.
    """

    kind: str
    value: int = 0


_TODAY = Token("D", 0)
_SILENT = ""
"""The kind of words that say nothing: "on", "please"."""

Words = Mapping[str, Sequence[Token]]
"""The words of one language, as `plain` compares them, each with all that it may mean."""

_LISTS = {
    "minutes": Token("U", 1),
    "hours": Token("H", 60),
    "days": Token("U", 24 * 60),
    "weeks": Token("U", 7 * 24 * 60),
    "half_hour": Token("S", 30),
    "two_hours": Token("S", 120),
    "two_days": Token("S", 2 * 24 * 60),
    "two_weeks": Token("S", 14 * 24 * 60),
    "today": _TODAY,
    "tomorrow": Token("D", 1),
    "after_tomorrow": Token("D", 2),
    "next_week": Token("K", 1),
    "morning": Token("P", _MORNING),
    "noon": Token("P", _NOON),
    "afternoon": Token("P", 14),
    "evening": Token("P", 18),
    "at": Token("A"),
    "within": Token("I"),
    "around": Token(_SILENT),
}
LISTS = (*_LISTS, "numbers", "weekdays")
"""The lists of words that a language needs."""

_HOUR = "N|n(?=[HP])|(?<=A)n"
_TIME = f"(?P<part>P)?A?(?:(?P<clock>T)|(?P<hour>{_HOUR})H?)(?P<half>P)?|(?P<only>P)"
_BASE = "(?P<day>[DWKX])|(?:(?P<of>N)(?P<month>M)|(?P<month2>M)(?P<of2>N))(?P<year>Y)?"
_SPAN = "I(?P<one>[UH])I?|(?P<one2>[UH])I|I?(?P<many>[Nn])(?P<unit>[UH])I?|I?(?P<span>S)I?"
_FORMS = tuple(
    re.compile(form)
    for form in (
        f"(?:{_BASE})(?:{_TIME})?",
        f"(?:{_TIME})(?:{_BASE})",
        f"A(?P<hour>{_HOUR})H?(?P<half>P)?|(?P<hour2>{_HOUR})H?(?P<half2>P)|(?P<part>P)A?(?P<hour3>{_HOUR})H?",
        "(?P<part>P)?A?(?P<clock>T)(?P<half>P)?|(?P<only>P)",
        f"(?:{_SPAN})(?:{_TIME})?",
    )
)
"""What the kinds of a text may be in a row."""

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_CHINESE = re.compile(r"(?:(20\d{2})\s?年\s?)?(\d{1,2})\s?月\s?(\d{1,2})\s?[日号號]?")
_CLOCK = re.compile(r"(\d{1,2})\s*(?:[:٫]\s*(\d{2})(?!\d)|h(?:\s*(\d{2}))?(?![^\W\d])|[点點时時](半|\d{2})?)")
_YEAR = re.compile(r"(20\d{2})(?!\d)")
_NUMBER = re.compile(r"\d{1,3}(?!\d)")


def words_of(texts: Mapping[str, Sequence[str]], language: str) -> Words:
    """The words of a language, from its `LISTS`; the months are Babel's.

    `numbers` are one, two, … and `weekdays` Monday, Tuesday, …; "|" parts several words for one thing.
    """
    found: dict[str, list[Token]] = {}
    for name, token in _LISTS.items():
        for word in texts[name]:
            found.setdefault(plain(word), []).append(token)
    for kind, names, first in (("n", "numbers", 1), ("W", "weekdays", 0)):
        for number, several in enumerate(texts[names], start=first):
            for word in several.split("|"):
                found.setdefault(plain(word), []).append(Token(kind, number))
    for context in ("format", "stand-alone"):
        for number, word in get_month_names("wide", context=context, locale=language).items():
            found.setdefault(plain(word), []).append(Token("M", number))
    return found


def moment(said: str, words: Words, now: datetime, hours: Hours) -> datetime | None:
    """The moment in UTC that `said` means to somebody with these hours; None where it means none.

    It may lie in the past ("today at 9:00"). A day without a time is when the person's day begins; a span of
    days ends within their hours. What they say to the hour is taken to the letter, on a day off as well.
    """
    if len(said) > _LONGEST:
        return None
    for tokens in _readings(_folded(said), words):
        spoken = [token for token in tokens if token.kind != _SILENT]
        kinds = "".join(token.kind for token in spoken)
        for form in _FORMS:
            if spoken and (match := form.fullmatch(kinds)):
                found = {
                    name.rstrip("23"): spoken[match.start(name)]
                    for name, kind in match.groupdict().items()
                    if kind
                }
                return _at(found, now, hours)
    return None


def offered(choice: str, now: datetime, hours: Hours) -> datetime | None:
    """The moment of one of the `CHOICES`; None for another."""
    tomorrow = now.astimezone(hours.zone).date() + _DAY
    opens = hours.opens or timedelta(hours=_MORNING)
    monday = tomorrow + timedelta(days=-tomorrow.weekday() % 7)
    moments = (
        now + timedelta(hours=2),
        next_open(_moment(tomorrow, opens, hours), hours),
        next_open(_moment(monday, opens, hours), hours),
        next_open(now + timedelta(days=14), hours),
    )
    return dict(zip(CHOICES, moments, strict=True)).get(choice)


def _at(found: Mapping[str, Token], now: datetime, hours: Hours) -> datetime | None:
    """The moment of what was named; None where the calendar or the clock has no such thing."""
    span, wall = _span(found), _time_of_day(found)
    if span is not None and wall is None:
        return now + span if span < _DAY else next_open(now + span, hours)
    if found.get("day") == _TODAY and wall is None:
        return now + _SOON
    if wall is not None and wall >= _DAY:
        return None
    here = now.astimezone(hours.zone)
    passed = wall is None or _moment(here.date(), wall, hours) <= now
    day = _day_of(found, here.date(), after_today=passed) if span is None else (here + span).date()
    short = span is not None and span < _DAY
    if day is None or short:
        return None
    return _moment(day, wall if wall is not None else hours.opens or timedelta(hours=_MORNING), hours)


def _span(found: Mapping[str, Token]) -> timedelta | None:
    if "span" in found:
        return timedelta(minutes=found["span"].value)
    if "one" in found:
        return timedelta(minutes=found["one"].value)
    return timedelta(minutes=found["unit"].value) * found["many"].value if "many" in found else None


def _time_of_day(found: Mapping[str, Token]) -> timedelta | None:
    """The time named, on the half of the day that was named: "3 in the afternoon" is 15:00."""
    part = found.get("part") or found.get("half")
    if "clock" in found:
        minutes = found["clock"].value
    elif "hour" in found:
        minutes = found["hour"].value * 60
    elif "only" in found:
        return timedelta(hours=found["only"].value)
    else:
        return None
    noon = _NOON * 60
    if part is not None and part.value >= _NOON and minutes < noon:
        minutes += noon
    elif part is not None and part.value < _NOON <= minutes // 60 < _NOON + 1:
        minutes -= noon
    return timedelta(minutes=minutes)


def _day_of(found: Mapping[str, Token], today: date, *, after_today: bool) -> date | None:
    """The day named, or else today or tomorrow. A weekday is today only where its time is still to come."""
    if "month" in found:
        years = (found["year"].value,) if "year" in found else (today.year, today.year + 1)
        return _next_date(found["month"].value, found["of"].value, years, today)
    kind, value = found.get("day", Token("D", 1 if after_today else 0))
    match kind:
        case "D":
            return today + value * _DAY
        case "W":
            ahead = (value - today.weekday()) % 7
            return today + timedelta(days=ahead or (7 if after_today else 0))
        case "K":
            return today + timedelta(days=7 * value - today.weekday())
        case _:
            return date.fromordinal(value)


def _next_date(month: int, day: int, years: Sequence[int], today: date) -> date | None:
    """The next such day of the calendar, of one of these years."""
    for year in years:
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if found >= today:
            return found
    return None


def _moment(day: date, wall: timedelta, hours: Hours) -> datetime:
    begins = datetime.combine(day, time(), tzinfo=hours.zone)
    return (begins + wall).astimezone(UTC)


def _folded(said: str) -> str:
    """As `plain`, with the signs that figures are written with."""
    kept = []
    for c in unicodedata.normalize("NFKD", said.casefold()):
        if c in ":٫-":
            kept.append(c)
        elif c.isdecimal():
            kept.append(str(int(c)))
        elif unicodedata.category(c) not in {"Mn", "Cf"} and c != "ـ":
            kept.append(plain(c) or " ")
    return " ".join("".join(kept).split())


def _readings(text: str, words: Words) -> Iterator[list[Token]]:
    """Every way to read the text as a few tokens, the longest words first."""
    following = cache(lambda begin: list(_next(text, begin, words)))

    def read(begin: int, left: int) -> Iterator[list[Token]]:
        while begin < len(text) and text[begin] in " -":
            begin += 1
        if begin == len(text):
            yield []
        elif left:
            for end, tokens in following(begin):
                for rest in read(end, left - 1):
                    yield [*tokens, *rest]

    return read(0, _MOST_TOKENS)


def _next(text: str, begin: int, words: Words) -> Iterator[tuple[int, list[Token]]]:
    """What may stand at this place, and where it ends."""
    if found := _ISO.match(text, begin):
        try:
            day = date(int(found[1]), int(found[2]), int(found[3]))
            yield found.end(), [Token("X", day.toordinal())]
        except ValueError:
            return
    if (found := _CHINESE.match(text, begin)) and int(found[2]) <= 12:
        year = [Token("Y", int(found[1]))] if found[1] else []
        yield found.end(), [Token("M", int(found[2])), Token("N", int(found[3])), *year]
    if found := _CLOCK.match(text, begin):
        minute = 30 if found[4] == "半" else int(found[2] or found[3] or found[4] or 0)
        if int(found[1]) < 24 and minute < 60:
            yield found.end(), [Token("T", int(found[1]) * 60 + minute)]
    if found := _YEAR.match(text, begin):
        yield found.end(), [Token("Y", int(found[1]))]
    if found := _NUMBER.match(text, begin):
        yield found.end(), [Token("N", int(found[0]))]
    for end in range(len(text), begin, -1):
        if _whole(text, end):
            yield from ((end, [token]) for token in words.get(plain(text[begin:end]), ()))


def _whole(text: str, end: int) -> bool:
    """Whether no word of an alphabet is cut here."""
    around = text[end - 1 : end + 1]
    return len(around) < 2 or not around.isalpha() or any("\u3040" <= c <= "\u9fff" for c in around)
