"""What was written by whom: every request that could change something, never what it said."""

from km365.local.routes import Request
from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, app TEXT NOT NULL, person TEXT,
    verb TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL
);
""")

KEPT = 20_000


def write(state: State, request: Request, status: int) -> None:
    """Note a request other than GET; the oldest beyond the last 20,000 are dropped."""
    if request.verb == "GET" or request.path == "/$batch":
        return
    caller = request.caller
    with state.tx() as c:
        row = (state.stamp(), caller.app_id, caller.user_id, request.verb, request.path, status)
        added = c.execute(
            "INSERT INTO journal (at, app, person, verb, path, status) VALUES (?, ?, ?, ?, ?, ?)", row
        )
        c.execute("DELETE FROM journal WHERE seq <= ?", ((added.lastrowid or 0) - KEPT,))


def read(state: State, *, after: int = 0, limit: int = 1000) -> list[dict[str, object]]:
    """The entries after number `after`, oldest first."""
    rows = state.all("SELECT * FROM journal WHERE seq > ? ORDER BY seq LIMIT ?", after, limit)
    return [dict(r) for r in rows]
