"""The rows of a workbook or CSV file that an office keeps, opened with care.

A workbook is an archive of XML that somebody sent us: `ooxml.Package` refuses what is no Office file, has a
password or is packed like a bomb. Formulas count as what they were last computed to; one that never was comes
as its own text, which the reader of the rows refuses.
"""

import codecs
import csv
import io
from collections.abc import Container, Iterator
from datetime import date
from pathlib import Path

from km365.core.sheet_rows import Cell, Sheet, plain
from km365.documents.ooxml import Element, Package
from km365.documents.read_xlsx import shared_texts
from km365.errors import InputRefused, KM365Error

LARGEST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 20_000
"""Rows with anything in them, over all sheets: a hundred for each of 190 offices."""
MOST_COLUMNS = 200
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_BOOK = "xl/workbook.xml"
_FROM_1904 = date(1904, 1, 1)
_FROM_1900 = date(1899, 12, 30)
_DELIMITERS = ",;\t|"


def read(path: Path, headings: Container[str]) -> list[Sheet]:
    """The sheets of the file, hidden ones left out. `headings` are words of which some stand in a CSV file.

    Raises InputRefused, naming the file, for what is neither, is damaged, protected, a bomb or too large, and
    KM365Error where it cannot be read from the disk.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InputRefused(f"{path.name} is larger than {LARGEST_BYTES // 2**20} MB; it was not opened.")
        data = path.read_bytes()
    except OSError as error:
        raise KM365Error(f"{path.name} cannot be read ({error.strerror}).") from None
    ending = path.suffix.lower()
    if ending in {".xlsx", ".xlsm"}:
        return _workbook(path.name, data)
    if ending in {".csv", ".tsv", ".txt"}:
        return [_table(path.name, data, headings)]
    raise InputRefused(
        f"{path.name} is not for import: save it as an Excel workbook (.xlsx) or as CSV UTF-8 (.csv)."
    )


# Workbooks -----------------------------------------------------------------------------------------------


def _workbook(name: str, data: bytes) -> list[Sheet]:
    package = Package(name, data)
    if _BOOK not in package.names:
        raise InputRefused(f"{name} is no Excel workbook.")
    book, relations = package.xml(_BOOK), package.relations(_BOOK)
    properties = book.find(f"{_MAIN}workbookPr")
    since_1904 = properties is not None and properties.get("date1904") in {"1", "true"}
    shared = shared_texts(package)
    room = _Room(name)
    return [
        Sheet(
            name=sheet.get("name", ""),
            rows=tuple(_rows(package, part, shared, room)),
            day_zero=_FROM_1904 if since_1904 else _FROM_1900,
        )
        for sheet in book.iter(f"{_MAIN}sheet")
        if sheet.get("state") not in {"hidden", "veryHidden"}
        and (part := relations.get(sheet.get(_RELATION, ""), "")) in package.names
    ]


class _Room:
    """Counts rows over all sheets of a file."""

    def __init__(self, name: str) -> None:
        self._name, self._rows = name, 0

    def take(self, columns: int) -> None:
        """One more row. Raises InputRefused when there are too many, or too many columns in it."""
        self._rows += 1
        if self._rows > MOST_ROWS:
            raise InputRefused(f"{self._name} has more than {MOST_ROWS} rows; it was not read.")
        if columns > MOST_COLUMNS:
            raise InputRefused(f"{self._name} has more than {MOST_COLUMNS} columns; it was not read.")


def _rows(
    package: Package, part: str, shared: list[str], room: _Room
) -> Iterator[tuple[int, tuple[Cell, ...]]]:
    """The rows with anything in them. Their numbers may be left out, as may the places of cells (18.3.1)."""
    number = 0
    for row in package.each(part, f"{_MAIN}row"):
        number = _whole(row.get("r")) or number + 1
        cells: dict[int, Cell] = {}
        at = -1
        for cell in row.iterchildren(f"{_MAIN}c"):
            at = _column(cell.get("r")) if cell.get("r") else at + 1
            value = _value(cell, shared)
            if value != "":
                cells[at] = value
        if cells:
            width = max(cells) + 1
            room.take(width)
            yield number, tuple(cells.get(one, "") for one in range(width))


def _column(place: str) -> int:
    """The number, from 0, of the column in a place such as AB12."""
    number = 0
    for one in place:
        if not "A" <= one <= "Z" or number > MOST_COLUMNS:
            break
        number = number * 26 + ord(one) - ord("A") + 1
    return max(number - 1, 0)


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _value(cell: Element, shared: list[str]) -> Cell:
    kind, value = cell.get("t", "n"), (cell.findtext(f"{_MAIN}v") or "").strip()
    if kind == "inlineStr":
        return "".join(text.text or "" for text in cell.iter(f"{_MAIN}t"))
    if kind == "s":
        number = _whole(value)
        return shared[number] if value and number < len(shared) else ""
    formula = cell.find(f"{_MAIN}f")
    if not value:
        return f"={formula.text or ''}" if formula is not None and kind != "str" else ""
    if kind != "n":
        return value
    try:
        found = float(value)
    except ValueError:
        return value
    return found if abs(found) < 1e15 else value


# CSV -----------------------------------------------------------------------------------------------------


def _table(name: str, data: bytes, headings: Container[str]) -> Sheet:
    text = _decoded(name, data)
    lines = text.splitlines()
    skipped = 0
    delimiter = ""
    if lines and lines[0].lower().startswith("sep=") and len(lines[0]) == 5:  # Excel's own first line
        delimiter, skipped = lines[0][4], 1
        text = text.partition("\n")[2]
    delimiter = delimiter or max(_DELIMITERS, key=lambda one: _found(lines[:20], one, headings))
    room = _Room(name)
    rows = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    ended = 0
    try:
        for cells in reader:
            begins, ended = ended + 1, reader.line_num
            if any(cell.strip() for cell in cells):
                room.take(len(cells))
                rows.append((begins + skipped, tuple(cells)))
    except csv.Error as error:
        raise InputRefused(f"{name}, line {reader.line_num + skipped}, is no CSV: {error}.") from None
    return Sheet(name="", rows=rows)


def _found(lines: list[str], delimiter: str, headings: Container[str]) -> int:
    """The most cells of one of the lines that are headings we know, if so divided."""
    found = (sum(plain(cell.strip(' "')) in headings for cell in line.split(delimiter)) for line in lines)
    return max(found, default=0)


def _decoded(name: str, data: bytes) -> str:
    """The text of the file: UTF-8, or UTF-16 where it says so. Other encodings cannot be told apart."""
    utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise InputRefused(
            f"{name} is not in UTF-8; in Excel save it as “CSV UTF-8”, or import the workbook itself."
        ) from None
    if "\0" in text:
        raise InputRefused(f"{name} is no CSV file.")
    return text
