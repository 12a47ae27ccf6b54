"""The days that people name in a line of their own words, in the seven languages."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

from babel.dates import get_month_names

_ISO = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_FIGURES = re.compile(r"\b(\d{1,2})[./](\d{1,2})[./](\d{4})\b")
_HAN = re.compile(r"(?:(\d{4})\s*年\s*)?(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]")
_AHEAD = timedelta(days=365)


def days_in(line: str, language: str, *, after: date) -> list[date]:
    """The days named in the line that come after that day, in the order they stand there.

    The day comes before the month where both are figures; a day without a year is the next of its kind.
    """
    return [day for day in _days(line, language, after) if after < day]


def _days(line: str, language: str, after: date) -> Iterator[date]:
    found: list[tuple[int, str, str, str]] = [
        (match.start(), match[1], match[2], match[3]) for match in _ISO.finditer(line)
    ]
    found += [(match.start(), match[3], match[2], match[1]) for match in _FIGURES.finditer(line)]
    found += [(match.start(), match[1] or "", match[2], match[3]) for match in _HAN.finditer(line)]
    months, pattern = _months(language)
    for match in pattern.finditer(line.casefold()):
        month = months[match["month"] or match["month2"]]
        found.append((match.start(), match["year"] or "", str(month), match["day"] or match["day2"]))
    for _, year, of_month, day in sorted(found):
        years = (int(year),) if year else (after.year, (after + _AHEAD).year)
        named = (one for one in (_day(n, int(of_month), int(day)) for n in years) if one)
        if best := next((one for one in named if year or one > after), None):
            yield best


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


@cache
def _months(language: str) -> tuple[dict[str, int], re.Pattern[str]]:
    """The months' names, in full and short, and how a day of one is written: "3 de mayo de 2027", "May 3"."""
    names: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            for number, word in get_month_names(width, context=context, locale=language).items():
                if not word[:1].isdecimal():
                    names.setdefault(word.casefold().rstrip("."), number)
    month = "|".join(sorted(map(re.escape, names), key=len, reverse=True)) or r"(?!)"
    before = rf"\b(?P<day>\d{{1,2}})(?:er|st|nd|rd|th|º)?\.?\s+(?:de\s+|of\s+)?(?P<month>{month})\b"
    behind = rf"\b(?P<month2>{month})\s+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b"
    return names, re.compile(rf"(?:{before}|{behind})\.?(?:,?\s+(?:de\s+|of\s+)?(?P<year>\d{{4}})\b)?")
