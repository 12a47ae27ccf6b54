"""The numbers in a text that read from the left in every language: telephone numbers, sums, days in figures.

In a text from right to left the bidirectional algorithm (unicode.org/reports/tr9, rules N1 and W2) sets their
groups one after the other from the right, and a plus sign behind them: "+963 944 123" reads "123 944 963+".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LRM = "\N{LEFT-TO-RIGHT MARK}"
"""Does not show; what stands between two of them runs from left to right."""
_GROUP = r"(?:\(\d{1,5}\)|\d++)"
_BETWEEN = r"[ \t\xa0.–·-]{0,2}"
_NUMBER = re.compile(rf"(?<![A-Za-z\d/.@+_-])(?:\+ ?)?{_GROUP}(?:{_BETWEEN}{_GROUP})*+(?P<word>[A-Za-z@_])?")
_THOUSANDS = re.compile(r"\d{1,3}(?: \d{3})+")
_RANGE = re.compile(r"(\d{1,4}) ?[-–] ?(\d{1,4})")
"""Read from the right, as the text is: "2024-2026"."""
_ENOUGH = 7
"""Digits; fewer in groups can be two numbers that stand side by side."""
_BETWEEN_ARABIC = re.compile(r"(?<=[٠-٩])[^\d]+(?=[٠-٩])")
"""Marks at the ends are not enough for these digits (rule N1)."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Words, or a number between marks that keep its order."""

    text: str
    is_number: bool = False


def pieces(text: str) -> list[Piece]:
    """The text as its words and the numbers in it that would be set in another order than they are read."""
    return list(_pieces(text))


def without_marks(text: str) -> str:
    """The text as it was before its numbers were marked."""
    return text.replace(LRM, "")


def _pieces(text: str) -> Iterator[Piece]:
    place = 0
    for found in _NUMBER.finditer(text):
        if found["word"] or not _would_turn(found[0]):
            continue
        if found.start() > place:
            yield Piece(text=text[place : found.start()])
        kept = _BETWEEN_ARABIC.sub(rf"{LRM}\g<0>{LRM}", found[0])
        yield Piece(text=f"{LRM}{kept}{LRM}", is_number=True)
        place = found.end()
    if place < len(text):
        yield Piece(text=text[place:])


def _would_turn(number: str) -> bool:
    digits = re.findall(r"\d+", number)
    if number.startswith("+") or _THOUSANDS.fullmatch(number):
        return True
    years = _RANGE.fullmatch(number)
    if len(digits) < 2 or (years and len(years[1]) == len(years[2])):
        return False
    return sum(map(len, digits)) >= _ENOUGH
