"""What plans and runs remember of documents."""

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import event

from km365.store import planned, runs
from km365.store.database import Connection, Database


def explained(c: Connection, ask: Callable[[], object]) -> list[str]:
    """How SQLite finds the rows of each statement that `ask` runs."""
    said: list[tuple[str, Any]] = []

    def heard(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append((statement, parameters))

    event.listen(c, "before_cursor_execute", heard)
    ask()
    event.remove(c, "before_cursor_execute", heard)
    assert said
    rows: list[Sequence[Any]] = []
    for statement, parameters in said:
        rows += c.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    return [str(row[-1]) for row in rows]


@pytest.mark.parametrize("ask", [planned.put_there_by_us, lambda *of: list(runs.of_item(*of))])
def test_what_runs_did_to_one_document_is_found_without_reading_them_all(
    ask: Callable[[Connection, str, str], object],
) -> None:
    with closing(Database.open("sqlite://")) as db, db.begin() as c:
        steps = explained(c, lambda: ask(c, "drive", "item"))
    assert any("USING INDEX ix_km_change_item_id (item_id=?)" in step for step in steps)
    assert not any(step.startswith("SCAN") for step in steps), steps
