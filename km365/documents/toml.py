"""Templates in TOML, read so that a mistake is told with its file, line and key."""

import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from km365.errors import TemplateError
from km365.templates import Templates


class Table:
    """One table of a TOML file. Reading it checks it: what does not fit raises TemplateError."""

    def __init__(self, source: "Source", header: str, values: Mapping[str, Any], *, number: int = 0) -> None:
        self._source = source
        self._header = header
        self._number = number
        self._values = values

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def keys(self) -> Iterable[str]:
        """The keys of this table, in the order of the file."""
        return self._values.keys()

    def is_table(self, key: str) -> bool:
        """Whether there is a table below `key`."""
        return isinstance(self._values.get(key), dict)

    def is_list(self, key: str) -> bool:
        """Whether there is a list at `key`."""
        return isinstance(self._values.get(key), list)

    def refuse(self, problem: str, *, key: str = "") -> NoReturn:
        """Say what is wrong here, with the file, the line and the table. Raises TemplateError."""
        line = self._source.line(self._header, key, number=self._number)
        where = f" [{self._header}]" if self._header else ""
        raise TemplateError(f"{self._source.name}, line {line}:{where} {problem}")

    def only(self, *known: str) -> None:
        """Refuse any key that is not among `known`."""
        for key in self._values:
            if key not in known:
                self.refuse(f"{key!r} is not known here; known are {', '.join(known)}.", key=key)

    def text(self, key: str, *, longest: int = 2_000, default: str | None = None) -> str:
        """A text that is not empty; `default` where the key is absent, if one is given."""
        if key not in self._values and default is not None:
            return default
        value = self._required(key)
        if not isinstance(value, str) or not value.strip():
            self.refuse(f"{key!r} must be a text that is not empty.", key=key)
        if len(value) > longest:
            self.refuse(f"{key!r} is {len(value)} characters long; {longest} fit.", key=key)
        return value.strip()

    def number(self, key: str, *, least: int, most: int, default: int | None = None) -> int:
        """A whole number between `least` and `most`."""
        if key not in self._values and default is not None:
            return default
        value = self._required(key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.refuse(f"{key!r} must be a whole number from {least} to {most}.", key=key)
        return value

    def flag(self, key: str) -> bool:
        """True or false; false where the key is absent."""
        value = self._values.get(key, False)
        if not isinstance(value, bool):
            self.refuse(f"{key!r} must be true or false.", key=key)
        return value

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """A list of texts, none of them empty; empty where the key is absent."""
        value = self._required(key) if required else self._values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
            self.refuse(f"{key!r} must be a list of texts.", key=key)
        return tuple(value)

    def table(self, key: str, *, header: str | None = None) -> "Table":
        """The table below `key`; an empty one where it is absent."""
        value = self._values.get(key, {})
        if not isinstance(value, dict):
            self.refuse(f"{key!r} must be a table.", key=key)
        below = f"{self._header}.{key}" if self._header else key
        return Table(self._source, header if header is not None else below, value, number=self._number)

    def tables(self, key: str) -> list["Table"]:
        """The tables written `[[key]]`, in the order of the file."""
        value = self._values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            self.refuse(f"{key!r} must be written as [[{key}]].", key=key)
        return [Table(self._source, key, row, number=number) for number, row in enumerate(value)]

    def _required(self, key: str) -> Any:
        if key not in self._values:
            self.refuse(f"{key!r} is missing.")
        return self._values[key]


class Source:
    """The text of one TOML file, and in which line a key stands (tomllib does not say)."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._lines = text.splitlines()

    def line(self, header: str, key: str, *, number: int = 0) -> int:
        """The line, from 1, of `key` in the (`number`-th, from 0) table `header`, or of the table itself."""
        inside, seen, start = not header, -1, 1
        for line_number, raw in enumerate(self._lines, start=1):
            line = raw.strip()
            if line.startswith("["):
                inside = line.strip("[] ").replace('"', "") == header
                if inside and line.startswith("[["):
                    seen += 1
                    inside = seen == number
                start = line_number if inside else start
            elif inside and key and line.split("=", 1)[0].strip().strip('"') == key:
                return line_number
        return start


def read(templates: Templates, name: str) -> Table:
    """The whole file as a table. Raises TemplateError if it is absent or not TOML, with the line."""
    text = templates.text(name)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TemplateError(f"{name}: {error}.") from None
    return Table(Source(name, text), "", values)
