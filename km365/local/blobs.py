"""File contents, kept in the database in pieces, so that a large file never lies in memory whole.

A content is written once and shared by every version that has it; `drop_unused` frees what nobody has.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator

from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS blob (id TEXT PRIMARY KEY, size INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blob_part (
    blob TEXT NOT NULL REFERENCES blob ON DELETE CASCADE, start INTEGER NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (blob, start)
);
""")

PIECE = 1024 * 1024
"""Bytes in a piece at most."""


def create(state: State, data: bytes = b"") -> str:
    """The id of a new content that begins with `data`."""
    new = state.new_id()
    with state.tx() as c:
        c.execute("INSERT INTO blob (id) VALUES (?)", (new,))
        append(state, new, data)
    return new


def append(state: State, blob: str, data: bytes) -> None:
    """Add `data` at the end of the content."""
    whole = memoryview(data)
    with state.tx() as c:
        start = size(state, blob)
        for at in range(0, len(whole), PIECE):
            piece = whole[at : at + PIECE]
            c.execute("INSERT INTO blob_part VALUES (?, ?, ?)", (blob, start + at, piece))
        c.execute("UPDATE blob SET size = ? WHERE id = ?", (start + len(whole), blob))


def cut(state: State, blob: str, length: int) -> None:
    """Forget everything from byte `length` on; it must be where a piece began."""
    with state.tx() as c:
        c.execute("DELETE FROM blob_part WHERE blob = ? AND start >= ?", (blob, length))
        c.execute("UPDATE blob SET size = ? WHERE id = ?", (length, blob))


def size(state: State, blob: str) -> int:
    row = state.one("SELECT size FROM blob WHERE id = ?", blob)
    return 0 if row is None else int(row["size"])


def exists(state: State, blob: str) -> bool:
    return state.one("SELECT 1 FROM blob WHERE id = ?", blob) is not None


def pieces(state: State, blob: str, first: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The bytes from `first` up to `end` (exclusive; None: to the last), piece by piece."""
    end = size(state, blob) if end is None else end
    starts = state.all("SELECT start FROM blob_part WHERE blob = ? AND start < ? ORDER BY start", blob, end)
    for where in starts:
        start = where["start"]
        if start + PIECE <= first:
            continue
        row = state.one("SELECT bytes FROM blob_part WHERE blob = ? AND start = ?", blob, start)
        if row is not None:
            piece: bytes = row["bytes"][max(0, first - start) : end - start]
            if piece:
                yield piece


def read(state: State, blob: str) -> bytes:
    """The whole content; for small ones."""
    return b"".join(pieces(state, blob))


def drop_unused(state: State) -> None:
    """Free contents that no version of a file and no open upload has."""
    with state.tx() as c:
        c.execute(
            "DELETE FROM blob WHERE id NOT IN (SELECT blob FROM file_content)"
            " AND id NOT IN (SELECT blob FROM upload)"
        )


def sign(state: State, text: str) -> str:
    """A seal only this tenant can make, for addresses that need no bearer token."""
    key = state.recall("content_key")
    if key is None:
        key = secrets.token_hex(32)
        state.remember("content_key", key)
    return hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).hexdigest()
