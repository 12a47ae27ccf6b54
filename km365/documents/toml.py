"""Templates in TOML, read so that a mistake is told with its file, line and key."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from km365.errors import TemplateError
from km365.templates import Templates


class Table:
    """One table of a TOML file. Reading it checks it: what does not fit raises TemplateError.

    Of a file that is read to be checked (`read(..., noting=...)`) the mistakes are noted instead, and what
    does not fit is read as nothing.
    """

    def __init__(self, source: "Source", header: str, values: Mapping[str, Any], *, number: int = 0) -> None:
        self._source = source
        self._header = header
        self._number = number
        self._values = values

    def __contains__(self, key: object) -> bool:
        return key in self._values

    @property
    def wrong(self) -> bool:
        """Whether a mistake in this file has been noted."""
        return self._source.wrong

    def keys(self) -> Iterable[str]:
        """The keys of this table, in the order of the file."""
        return self._values.keys()

    def is_table(self, key: str) -> bool:
        """Whether there is a table below `key`."""
        return isinstance(self._values.get(key), dict)

    def is_list(self, key: str) -> bool:
        """Whether there is a list at `key`."""
        return isinstance(self._values.get(key), list)

    def refuse(self, problem: str, *, key: str = "") -> None:
        """Raise TemplateError, or note what is wrong here, with the file, the line and the table."""
        line = self._source.line(self._header, key, number=self._number)
        where = f" [{self._header}]" if self._header else ""
        self._source.refuse(f"{self._source.name}, line {line}:{where} {problem}")

    def only(self, *known: str) -> None:
        """Refuse any key that is not among `known`."""
        for key in self._values:
            if key not in known:
                self.refuse(f"{key!r} is not known here; known are {', '.join(known)}.", key=key)

    def text(self, key: str, *, longest: int = 2_000, default: str | None = None) -> str:
        """A text that is not empty; `default` where the key is absent, if one is given."""
        if self._absent(key, optional=default is not None):
            return default or ""
        value = self._values[key]
        if not isinstance(value, str) or not value.strip():
            self.refuse(f"{key!r} must be a text that is not empty.", key=key)
            return ""
        if len(value) > longest:
            self.refuse(f"{key!r} is {len(value)} characters long; {longest} fit.", key=key)
        return value.strip()

    def filled(self, key: str, **values: str) -> str:
        """A text with what it leaves open, as `{name}`, filled in."""
        text = self.text(key)
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def number(self, key: str, *, least: int, most: int, default: int | None = None) -> int:
        """A whole number between `least` and `most`."""
        if self._absent(key, optional=default is not None):
            return least if default is None else default
        value = self._values[key]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.refuse(f"{key!r} must be a whole number from {least} to {most}.", key=key)
            return least
        return value

    def flag(self, key: str) -> bool:
        """True or false; false where the key is absent."""
        value = self._values.get(key, False)
        if not isinstance(value, bool):
            self.refuse(f"{key!r} must be true or false.", key=key)
            return False
        return value

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """A list of texts, none of them empty; empty where the key is absent."""
        if self._absent(key, optional=not required):
            return ()
        value = self._values[key]
        if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
            self.refuse(f"{key!r} must be a list of texts.", key=key)
            return ()
        return tuple(value)

    def numbers(self, key: str, *, least: int, most: int) -> tuple[int, ...]:
        """A list of whole numbers between `least` and `most`; empty where the key is absent."""
        value = self._values.get(key, [])
        if not isinstance(value, list) or not all(type(v) is int and least <= v <= most for v in value):
            self.refuse(f"{key!r} must be a list of whole numbers from {least} to {most}.", key=key)
            return ()
        return tuple(value)

    def table(self, key: str, *, header: str | None = None) -> "Table":
        """The table below `key`; an empty one where it is absent."""
        value = self._values.get(key, {})
        if not isinstance(value, dict):
            self.refuse(f"{key!r} must be a table.", key=key)
            value = {}
        below = f"{self._header}.{key}" if self._header else key
        return Table(self._source, header if header is not None else below, value, number=self._number)

    def tables(self, key: str) -> list["Table"]:
        """The tables written `[[key]]`, in the order of the file."""
        value = self._values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            self.refuse(f"{key!r} must be written as [[{key}]].", key=key)
            value = []
        return [Table(self._source, key, row, number=number) for number, row in enumerate(value)]

    def _absent(self, key: str, *, optional: bool) -> bool:
        """Whether there is nothing at `key`, which is a mistake unless it is optional."""
        absent = key not in self._values
        if absent and not optional:
            self.refuse(f"{key!r} is missing.")
        return absent


class Source:
    """The text of one TOML file, and in which line a key stands (tomllib does not say).

    Mistakes are added to `noting`, if there is such a list; else the first one raises TemplateError.
    """

    def __init__(self, name: str, text: str, *, noting: list[str] | None = None) -> None:
        self.name = name
        self._lines = text.splitlines()
        self._noting = noting
        self.wrong = False

    def refuse(self, problem: str) -> None:
        """Raises TemplateError, or notes the problem, once."""
        if self._noting is None:
            raise TemplateError(problem)
        self.wrong = True
        if problem not in self._noting:
            self._noting.append(problem)

    def line(self, header: str, key: str, *, number: int = 0) -> int:
        """The line, from 1, of `key` in the (`number`-th, from 0) table `header`, or of the table itself."""
        inside, seen, start = not header, -1, 1
        below = f"{header}.{key}" if header else key
        for line_number, raw in enumerate(self._lines, start=1):
            line = raw.strip()
            if line.startswith("["):
                named = line.strip("[] ").replace('"', "")
                if key and named == below and max(seen, 0) == number:
                    return line_number
                inside = named == header
                if inside and line.startswith("[["):
                    seen += 1
                    inside = seen == number
                start = line_number if inside else start
            elif inside and key and line.split("=", 1)[0].strip().strip('"') == key:
                return line_number
        return start


def read(templates: Templates, name: str, *, noting: list[str] | None = None) -> Table:
    """The whole file as a table. Raises TemplateError if it is absent or not TOML, with the line.

    With `noting`, all that the caller finds wrong with the table afterwards is added to that list.
    """
    text = templates.text(name)
    try:
        values = _parsed(text)
    except tomllib.TOMLDecodeError as error:
        raise TemplateError(f"{templates.shown(name)}: {error}.") from None
    return Table(Source(templates.shown(name), text, noting=noting), "", values)


@lru_cache(maxsize=512)
def _parsed(text: str) -> Mapping[str, Any]:
    """The values in a TOML text, which nobody changes: the bot's words are some 200 files, and take a quarter
    of a second to parse."""
    return tomllib.loads(text)
