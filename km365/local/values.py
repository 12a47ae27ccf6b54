"""How the SharePoint pages show a stored value: as text, tags, a time, a link, or the name behind an id."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from km365.local import lists
from km365.local.routes import Json
from km365.local.state import State

AUDIENCE = "KMAudience"
MILESTONE = "KMMilestone"
MILESTONES = "Milestones"

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SIGN_IN_NAME = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True, kw_only=True)
class Value:
    """A column's value, ready to be shown: `kind` is text, terms, time, link, named or empty."""

    kind: str
    texts: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()
    """Of `named`: what is stored for each text."""

    def __str__(self) -> str:
        return ", ".join(self.texts)


def value(raw: Json) -> Value:
    """How a stored value is shown. Managed metadata shows its labels, whatever their number."""
    if raw is None or raw in ("", []):
        return Value(kind="empty")
    entries = raw if isinstance(raw, list) else [raw]
    if all(isinstance(e, dict) and "TermGuid" in e for e in entries):
        return Value(kind="terms", texts=tuple(str(e.get("Label") or e["TermGuid"]) for e in entries))
    texts = tuple(_text(e) for e in entries)
    if len(texts) == 1 and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z", texts[0]):
        return Value(kind="time", texts=texts)
    if len(texts) == 1 and re.fullmatch(r"https?://\S+", texts[0]):
        return Value(kind="link", texts=texts)
    return Value(kind="text", texts=texts)


def _text(entry: Json) -> str:
    if isinstance(entry, bool):
        return "✓" if entry else "✗"
    if isinstance(entry, dict):
        return str(
            entry.get("LookupValue") or entry.get("displayName") or json.dumps(entry, ensure_ascii=False)
        )
    return str(entry)


class Reader:
    """Reads the values of one site's columns, and knows whom and what their ids stand for."""

    def __init__(self, state: State, site_id: str, audiences: Mapping[str, str]) -> None:
        """`audiences` says in the reader's language who reads what carries a letter."""
        self._state = state
        self._site_id = site_id
        self._audiences = audiences
        self._people: dict[str, str | None] = {}

    def __call__(self, column: str, raw: Json) -> Value:
        """How a value of that column is shown."""
        if isinstance(raw, str) and column == AUDIENCE and raw in self._audiences:
            return Value(kind="named", texts=(self._audiences[raw],), stored=(raw,))
        if isinstance(raw, str) and column == MILESTONE and (title := self._milestone(raw)):
            return Value(kind="named", texts=(title,), stored=(raw,))
        return (self._named(raw) if isinstance(raw, str) else None) or value(raw)

    def _named(self, raw: str) -> Value | None:
        """People, when the text is nothing but their ids or sign-in names and at least one is known."""
        parts = tuple(part.strip() for part in re.split(r"[;\n]", raw) if part.strip())
        if not parts or not all(_ID.fullmatch(part) or _SIGN_IN_NAME.fullmatch(part) for part in parts):
            return None
        names = [self._person(part) for part in parts]
        if not any(names):
            return None
        texts = tuple(name or part for name, part in zip(names, parts, strict=True))
        return Value(kind="named", texts=texts, stored=parts)

    def _person(self, part: str) -> str | None:
        if part not in self._people:
            row = self._state.one("SELECT display_name FROM user WHERE id = ?1 OR upn = ?1", part.lower())
            self._people[part] = row["display_name"] if row else None
        return self._people[part]

    def _milestone(self, raw: str) -> str:
        """The title of the milestone of that number on this site; empty if there is none."""
        row = self._state.one(
            "SELECT fields FROM item WHERE id = ? AND NOT deleted AND list_id ="
            " (SELECT id FROM list WHERE site_id = ? AND display_name = ? AND template <> ?)",
            int(raw) if raw.isdecimal() and len(raw) < 10 else -1,
            self._site_id,
            MILESTONES,
            lists.LIBRARY,
        )
        return str(json.loads(row["fields"]).get("Title") or "") if row else ""
