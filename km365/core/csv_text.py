"""CSV that a spreadsheet opens without taking any of it for a formula, and that reads back as it was.

A text that begins as a formula does, or with an apostrophe, gets an apostrophe in front (OWASP, "CSV
Injection"); whoever reads it back takes the first apostrophe of a cell away.
"""

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠", "'")
"""What begins one, also as East Asian keyboards write it; and what marks a text."""


def write(rows: Iterable[Sequence[object]]) -> str:
    """The rows as CSV with commas and CRLF. None is an empty cell; numbers stay numbers."""
    out = io.StringIO()
    csv.writer(out).writerows([_cell(cell) for cell in row] for row in rows)
    return out.getvalue()


def _cell(cell: object) -> object:
    if isinstance(cell, int | float):
        return cell
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text
