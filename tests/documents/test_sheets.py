"""Workbooks and CSV files that focal points send: read cell by cell, and refused by name."""

import io
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from km365.core.sheet_rows import Sheet
from km365.documents.calendar_words import CalendarWords
from km365.documents.sheets import read
from km365.errors import InputRefused, KM365Error
from km365.templates import Templates

WORDS = CalendarWords(Templates()).vocabulary().headings


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * 50_000_000)
    return out.getvalue()


def entities() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", '<!DOCTYPE a [<!ENTITY b "c">]><workbook>&b;</workbook>')
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.xlsx", bomb(), "zip bomb"),
        ("a.xlsx", entities(), "XML entities"),
        ("a.xlsx", b"PK\x03\x04 torn", "damaged"),
        ("a.xlsx", b"Office,Kind", "damaged"),
        ("a.pdf", b"%PDF", "save it as an Excel workbook"),
        ("a.csv", "Büro;Größe".encode("cp1252"), "not in UTF-8"),
        ("a.csv", b"Office;Kind\n\0\0", "no CSV"),
        ("a.csv", b"Office,Kind,Title,Date\n" + b"x," * 300 + b"\n", "more than 200 columns"),
        ("a.csv", b"Office,Kind,Title,Date\n" + b"CO-BEL,,,\n" * 20_001, "more than 20000 rows"),
        ("a.csv", b'Office,Kind,Title,Date\n"' + b"x" * 200_000, "is no CSV"),
    ],
)
def test_a_hostile_or_broken_file_is_refused_by_name(tmp_path: Path, name, data, said) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    with pytest.raises(InputRefused, match=said) as refused:
        read(file, WORDS)
    assert name in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KM365Error, match=r"gone\.xlsx cannot be read"):
        read(tmp_path / "gone.xlsx", WORDS)


def test_cells_keep_their_places_and_hidden_sheets_are_left_out(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Plan"
    book.active["B2"], book.active["D2"] = "Office", "Kind"
    book.active["B5"], book.active["C5"], book.active["D5"] = 7, datetime(2027, 3, 31, 9), True
    book.create_sheet("Lists").sheet_state = "hidden"
    book.create_sheet("Empty")
    book.save(tmp_path / "a.xlsx")
    plan, empty = read(tmp_path / "a.xlsx", WORDS)
    assert plan.rows == ((2, ("", "Office", "", "Kind")), (5, ("", 7.0, pytest.approx(46_477.375), "1")))
    assert empty == Sheet(name="Empty", rows=(), day_zero=date(1899, 12, 30))


def test_days_counted_from_1904_say_so(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.epoch = datetime(1904, 1, 1)
    book.active["A1"] = datetime(2027, 3, 31)
    book.save(tmp_path / "a.xlsx")
    (sheet,) = read(tmp_path / "a.xlsx", WORDS)
    assert sheet.day_zero == date(1904, 1, 1)
    assert sheet.rows == ((1, (45_015.0,)),)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_csv_file_may_be_divided_and_encoded_as_programs_do(tmp_path: Path, delimiter, encoding) -> None:
    rows = [["Office", "Kind", "Title", "Date"], ["", "", "", ""], ["CO-BEL", "a,b;c", '"two\nlines"', "x"]]
    text = "\r\n".join(
        delimiter.join(cell if cell[:1] == '"' else f'"{cell}"' for cell in row) for row in rows
    )
    for first, begins in (("", 1), (f"sep={delimiter}\r\n", 2)):
        (tmp_path / "a.csv").write_bytes((first + text + "\r\n").encode(encoding))
        (sheet,) = read(tmp_path / "a.csv", WORDS)
        assert sheet.rows == [
            (begins, ("Office", "Kind", "Title", "Date")),
            (begins + 2, ("CO-BEL", "a,b;c", "two\nlines", "x")),
        ]
