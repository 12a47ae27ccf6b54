"""Managed-metadata values: the text a note field takes, and how a column is read back.

Three spellings of the text are reported to work and all are taken: `-1;#Label|guid` joined with `;#`,
`-1;Label|guid`, and `Label|guid;Label|guid`. What is not a term of the term store is refused.
"""

import json
import re
import sqlite3
from collections.abc import Callable

from km365.local.routes import Json, invalid
from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS lookup_number (
    site_id TEXT NOT NULL, subject TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (site_id, subject)
) WITHOUT ROWID;
""")

LabelLookup = Callable[[State, str, str | None], str | None]
_lookups: list[LabelLookup] = []

VALUE = re.compile(
    r"(?:-?\d+;#?)?(?P<label>[^|]+)\|(?P<guid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:;#?|$)",
    re.IGNORECASE,
)


def labels_come_from(find: LabelLookup) -> None:
    """Let `find(state, guid, set_id)` give the label that a site shows for a term.

    None where there is no such term, or it does not stand in that set (None: any will do).
    """
    _lookups[:] = [find]


def decode(text: str) -> list[tuple[str, str]]:
    """`(label, guid)` of every term in a note field's text. 400 for anything that is not such text."""
    found, at = [], 0
    while at < len(text.rstrip(";#")):
        match = VALUE.match(text, at)
        if match is None:
            raise invalid("The value of a managed-metadata note field is not in a known format.")
        found.append((match["label"], match["guid"].lower()))
        at = match.end()
    return found


def store(
    state: State, site_id: str, column: sqlite3.Row, terms: list[tuple[str, str]], *, multiple: bool
) -> Json:
    """What a managed-metadata column then holds, None when cleared. 400 for a strange term."""
    if len(terms) > 1 and not multiple:
        raise invalid(f"Field '{column['name']}' takes one term only.")
    set_id = (json.loads(column["facet"]).get("termSet") or {}).get("id")
    values = [_value(state, site_id, label, guid, set_id) for label, guid in terms]
    if not values:
        return None
    return values if multiple else values[0]


def _value(state: State, site_id: str, label: str, guid: str, set_id: str | None) -> dict[str, Json]:
    # Without a term store (no module serves one) the label that came is as good as any.
    known = _lookups[0](state, guid, set_id) if _lookups else label
    if known is None:
        # said of terms outside the column's term set as well (issue PnP-PowerShell#2255)
        raise invalid("The given guid does not exist in the term store.")
    return {"Label": known, "TermGuid": guid, "WssId": lookup_number(state, site_id, guid)}


def note_text(value: Json) -> str | None:
    """What the hidden note field then reads: `Label|guid;Label|guid`."""
    if not value:
        return None
    values = value if isinstance(value, list) else [value]
    return ";".join(f"{v['Label']}|{v['TermGuid']}" for v in values)


def lookup_number(state: State, site_id: str, subject: str) -> int:
    """The number that a site's hidden list has for a term or a person; made when it is first met."""
    with state.tx() as c:
        c.execute(
            "INSERT OR IGNORE INTO lookup_number"
            " SELECT ?, ?, COALESCE(MAX(number), 0) + 1 FROM lookup_number WHERE site_id = ?",
            (site_id, subject, site_id),
        )
    row = state.one("SELECT number FROM lookup_number WHERE site_id = ? AND subject = ?", site_id, subject)
    return int(row["number"]) if row else 0
