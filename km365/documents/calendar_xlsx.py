"""Milestones as a workbook that `km365 milestone import` takes: text is text, days are days."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation

from km365.core.calendar_rows import Field
from km365.core.cycles import Proposed
from km365.core.languages import is_rtl
from km365.core.schema import MILESTONE_KINDS
from km365.documents.calendar_words import STATES, CalendarWords
from km365.errors import KM365Error

_WIDTHS = {
    Field.DATE: 13,
    Field.KIND: 30,
    Field.TITLE: 60,
    Field.OFFICE: 12,
    Field.PROGRAMME: 34,
    Field.ASKED: 34,
    Field.STATE: 14,
    Field.KEY: 44,
}
"""The columns in their order, with their widths in characters."""
_ROOM = 200
"""Rows below the last that offer the same choices, for milestones added by hand."""


def write(path: Path, proposed: Sequence[Proposed], words: CalendarWords, *, language: str) -> None:
    """Writes the workbook, with lists to choose kinds and states from.

    Raises KM365Error where the file is there already or cannot be written: somebody may have edited it.
    """
    book = Workbook()
    sheet = book.active
    sheet.title = words.say(language, "sheet")
    sheet.sheet_view.rightToLeft = is_rtl(language)
    sheet.freeze_panes, sheet.print_title_rows = "A2", "1:1"
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    for number, (column, width) in enumerate(_WIDTHS.items(), 1):
        cell = sheet.cell(row=1, column=number, value=words.heading(language, column))
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="FFE3EBF2")
        sheet.column_dimensions[get_column_letter(number)].width = width
    for row, one in enumerate(proposed, 2):
        _row(sheet, row, one, words, language)
    choices = {
        Field.KIND: [words.kind(language, kind) for kind in MILESTONE_KINDS],
        Field.STATE: [words.state(language, state) for state in STATES],
    }
    _offer(book, sheet, choices, last=len(proposed) + 1 + _ROOM)
    try:
        with path.open("xb") as out:
            book.save(out)
    except FileExistsError:
        raise KM365Error(f"{path} is there already; choose another name.") from None
    except OSError as error:
        raise KM365Error(f"{path} cannot be written ({error.strerror}).") from None


def _row(sheet: Any, row: int, one: Proposed, words: CalendarWords, language: str) -> None:
    values: dict[Field, object] = {
        Field.DATE: one.due_on,
        Field.KIND: words.kind(language, one.kind),
        Field.TITLE: one.title,
        Field.OFFICE: one.office,
        Field.PROGRAMME: one.programme,
        Field.STATE: words.state(language, "planned"),
        Field.KEY: one.key,
    }
    for number, column in enumerate(_WIDTHS, 1):
        value = values.get(column)
        cell = sheet.cell(row=row, column=number)
        if isinstance(value, str):
            cell.value = ILLEGAL_CHARACTERS_RE.sub(" ", value)
            cell.data_type, cell.number_format = "s", "@"
        elif value is not None:
            cell.value, cell.number_format = value, "yyyy-mm-dd"
        cell.alignment = Alignment(vertical="top", wrap_text=column in {Field.TITLE, Field.ASKED})


def _offer(book: Workbook, sheet: Any, choices: dict[Field, list[str]], *, last: int) -> None:
    """Lets people choose from lists, which stand on a hidden sheet: in a formula 255 characters fit."""
    hidden = book.create_sheet("km365")
    hidden.sheet_state = "hidden"
    columns = list(_WIDTHS)
    for number, (column, values) in enumerate(choices.items(), 1):
        for row, value in enumerate(values, 1):
            hidden.cell(row=row, column=number, value=value)
        here = get_column_letter(number)
        source = f"{quote_sheetname(hidden.title)}!${here}$1:${here}${len(values)}"
        offered = DataValidation(type="list", formula1=source, allow_blank=True, showErrorMessage=False)
        sheet.add_data_validation(offered)
        target = get_column_letter(columns.index(column) + 1)
        offered.add(f"{target}2:{target}{last}")
