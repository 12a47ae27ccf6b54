"""Reads a large JSON object without holding it: member by member, one of its lists element by element."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from km365.core.json_text import Unreadable, decode
from km365.errors import PlanRefused

NOTHING = object()
"""Stands for the elements of the streamed list when it is empty, so that its key is heard of."""
LARGEST = 16 * 2**20
"""The most characters of one value; a larger one is refused rather than gathered."""
_SPACE = " \t\n\r"


def members(text: Iterable[str], *, source: str, inside: str) -> Iterator[tuple[str, Any]]:
    """The members of the object in `text`, which comes in pieces; those of the list `inside` one by one.

    Half characters are replaced, as `json_text.whole` does. Raises PlanRefused, naming `source` and the line,
    for what is not JSON, what Python cannot read of it, and what is no object.
    """
    reader = _Reader(iter(text), source)
    if reader.peek() != "{":
        reader.value()  # says where it is broken, if it is
        raise PlanRefused(f"{source}: {source} must be an object in braces.")
    reader.take("{")
    while reader.peek() != "}":
        key = reader.value()
        if not isinstance(key, str):
            reader.broken("a key must be a text")
        reader.take(":")
        if key == inside and reader.peek() == "[":
            yield from ((key, element) for element in reader.elements())
        else:
            yield key, reader.value()
        if reader.peek() != "}":
            reader.take(",")
            if reader.peek() == "}":
                reader.broken("a comma too many")
    reader.take("}")
    if reader.peek():
        reader.broken("more text after the end")


class _Reader:
    def __init__(self, pieces: Iterator[str], source: str) -> None:
        self._pieces, self._source = pieces, source
        self._text, self._at, self._line = "", 0, 1

    def peek(self) -> str:
        """The next character that is no space; "" at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _SPACE:
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def take(self, mark: str) -> None:
        if self.peek() != mark:
            self.broken(f"{mark!r} is missing")
        self._at += 1

    def elements(self) -> Iterator[Any]:
        """The elements of the list that begins here."""
        self.take("[")
        if self.peek() == "]":
            yield NOTHING
        while self.peek() != "]":
            yield self.value()
            if self.peek() != "]":
                self.take(",")
                if self.peek() == "]":
                    self.broken("a comma too many")
        self.take("]")

    def value(self) -> Any:
        """The next whole value, however many pieces it takes."""
        self.peek()
        while True:
            try:
                value, end = decode(self._text, self._at)
            except Unreadable as error:
                raise PlanRefused(f"{self._place(error.pos)}: {error.msg}; no plan has that.") from None
            except json.JSONDecodeError as error:
                if not self._more(double=True):
                    self.broken(error.msg, at=error.pos)
            else:
                if end < len(self._text) or not self._more():  # a number may go on in the next piece
                    self._at = end
                    return value

    def _more(self, *, double: bool = False) -> bool:
        """Reads on; as much again as there is, with `double`, so that a long value is tried seldom."""
        self._line += self._text.count("\n", 0, self._at)
        left = self._text[self._at :]
        if len(left) > LARGEST:
            raise PlanRefused(f"{self._place(0)}: one value is too large to be of a plan.")
        pieces, wanted = [left], len(left) if double else 1
        for piece in self._pieces:
            pieces.append(piece)
            wanted -= len(piece)
            if wanted <= 0:
                break
        self._text, self._at = "".join(pieces), 0
        return len(self._text) > len(left)

    def broken(self, why: str, *, at: int | None = None) -> NoReturn:
        """Raises PlanRefused with the line."""
        raise PlanRefused(f"{self._place(self._at if at is None else at)}: not JSON ({why}).")

    def _place(self, at: int) -> str:
        line = self._line + self._text.count("\n", 0, at)
        return f"{self._source}, line {line}"
