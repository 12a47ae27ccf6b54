"""The table of the loop for other programs: as JSON, and as rows of CSV."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from km365.core.loop import FEWEST, Loop, People, Row, Step


def as_json(found: Loop, *, today: date) -> dict[str, Any]:
    """The table. A number that is not told is the text that stands for it."""
    return {
        "by": found.by,
        "from": found.first,
        "to": found.last,
        "as_of": today,
        "fewest": FEWEST,
        "rows": [_row(row) for row in found.rows],
        "all": _row(found.total),
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "items": {step: row.cells[step] for step in Step},
        "share_of_step_before": {step: round(share, 4) for step, share in row.shares.items()},
        "median_days_since_captured": dict(row.days),
        "people": {one: row.cells[one] for one in People},
    }


def as_rows(found: Loop) -> Iterator[list[object]]:
    """The headings, a row for each name, and the last for all together."""
    later = list(Step)[1:]
    yield [
        *(found.by, "from", "to", *Step, *People),
        *(f"{step}: share of step before" for step in later),
        *(f"{step}: median days since captured" for step in later),
    ]
    for name, row in [*((row.name, row) for row in found.rows), ("all", found.total)]:
        yield [
            *(name, found.first, found.last),
            *(row.cells[measure] for measure in (*Step, *People)),
            *(round(row.shares[step], 4) if step in row.shares else None for step in later),
            *(row.days.get(step) for step in later),
        ]
