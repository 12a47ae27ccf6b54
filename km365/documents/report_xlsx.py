"""The report on a tagging run as a workbook: every row, and the coverage as a chart of Excel's own."""

import io
import math
from collections.abc import Iterable, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.chart import BarChart, Reference
from openpyxl.chart.text import RichText, Text
from openpyxl.chart.title import Title
from openpyxl.drawing.text import CharacterProperties, Paragraph, ParagraphProperties, RegularTextRun
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from km365.core.coverage import Share
from km365.core.languages import best, is_rtl
from km365.core.run_report import DocumentReport, RunReport
from km365.documents.causes import Causes
from km365.documents.plan_xlsx import HIGHEST_ROW, LINE_POINTS
from km365.documents.report_html import WORDS
from km365.documents.words import Words
from km365.templates import Templates

_INK, _HEAD = "FF1B2733", "FFE3EBF2"
_BEFORE, _AFTER = "9DB4C8", "0B5C8F"
_ROW_CM = 0.5
"""About the height of a row."""
_MADE = frozenset({"fact_changed", "fact_added", "fact_removed"})
"""What an undo takes back."""
_LONGEST_CELL = 32_000
"""Excel takes 32,767 characters in a cell."""


def workbook(report: RunReport, templates: Templates) -> bytes:
    """The file, in the report's language. Raises TemplateError for a wrong catalogue of words."""
    language = best([report.language])
    words = Words.read(templates, WORDS)
    book, causes = _Book(language, words), Causes.read(templates)
    _summary(book, report)
    _coverage(book, report, note=causes.said(language, report.note_cause, report.note))
    _changes(book, report)
    book.sheet(
        "sheet_left",
        ("office", "document", "outcome", "reason"),
        (
            (
                one.office,
                one.path,
                book.say(f"outcome_{one.state}"),
                causes.said(language, one.cause, one.reason),
            )
            for one in report.left
        ),
        widths=(22, 50, 22, 70),
    )
    book.sheet(
        "sheet_terms",
        ("facet", "term", "documents"),
        ((report.title_of(one.column), one.label, one.documents) for one in report.terms),
        widths=(24, 40, 12),
    )
    book.sheet(
        "sheet_corrections",
        ("term", "wrong", "missing", "right"),
        ((one.label, one.counts.wrong, one.counts.missing, one.counts.right) for one in report.corrections),
        widths=(40, 12, 12, 12),
    )
    book.sheet(
        "sheet_open",
        ("office", "document", "facet", "term", "score"),
        ((one.office, one.path, report.title_of(one.column), one.label, one.score) for one in report.open),
        widths=(22, 50, 24, 40, 10),
    )
    return book.saved()


class _Book:
    """A workbook in one language, whose texts can never be formulas."""

    def __init__(self, language: str, words: Words) -> None:
        self._language, self._words = language, words
        self._book = Workbook()
        self._book.remove(self._book.active)

    def say(self, key: str, **values: object) -> str:
        return self._words.get(self._language, key, **values)

    def empty(self, title: str, widths: Sequence[int]) -> Any:
        sheet = self._book.create_sheet(self.say(title)[:31])
        sheet.sheet_view.rightToLeft = is_rtl(self._language)
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        for number, width in enumerate(widths, 1):
            sheet.column_dimensions[get_column_letter(number)].width = width
        return sheet

    def sheet(
        self, title: str, headings: Sequence[str], rows: Iterable[Sequence[Any]], *, widths: Sequence[int]
    ) -> Any:
        """A table with its headings in the first row, which stays in sight and is repeated in print."""
        sheet = self.empty(title, widths)
        self.row(sheet, 1, [self.say(key) for key in headings], bold=True)
        for number, row in enumerate(rows, 2):
            self.row(sheet, number, row)
            lines = max(math.ceil(len(str(one)) / width) for one, width in zip(row, widths, strict=True))
            if lines > 1:  # not every program makes room for wrapped text by itself
                sheet.row_dimensions[number].height = min(LINE_POINTS * lines, HIGHEST_ROW)
        sheet.freeze_panes = "A2"
        sheet.print_title_rows = "1:1"
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(headings))}{max(sheet.max_row, 1)}"
        return sheet

    def row(self, sheet: Any, number: int, values: Sequence[Any], *, bold: bool = False) -> None:
        for column, value in enumerate(values, 1):
            cell = sheet.cell(row=number, column=column)
            if isinstance(value, str):
                cell.value = ILLEGAL_CHARACTERS_RE.sub(" ", value)[:_LONGEST_CELL]
                cell.data_type = "s"  # a document called "=1+1" is a name, not a formula
            else:
                cell.value = value
            cell.alignment = self.aligned(value)
            cell.font = Font(bold=bold, color=_INK)
            if bold:
                cell.fill = PatternFill("solid", fgColor=_HEAD)

    def aligned(self, value: Any, *, start: bool = False) -> Alignment:
        """From the edge where the language begins; numbers from the other one, unless `start`."""
        if is_rtl(self._language):
            words = isinstance(value, str) and not value.isascii()  # a name in Latin letters keeps its order
            side = "right" if start or isinstance(value, str) else None
            return Alignment(vertical="top", wrap_text=True, horizontal=side, readingOrder=2 if words else 0)
        return Alignment(vertical="top", wrap_text=True, horizontal="left" if start else None)

    @property
    def is_rtl(self) -> bool:
        """Whether the language is written from right to left."""
        return is_rtl(self._language)

    def saved(self) -> bytes:
        held = io.BytesIO()
        self._book.save(held)
        return held.getvalue()


def _summary(book: _Book, report: RunReport) -> None:
    sheet = book.empty("sheet_summary", (42, 70))
    title = sheet.cell(row=1, column=1, value=book.say("title", run=report.run_id))
    title.font = Font(bold=True, size=16, color=_INK)
    title.alignment = Alignment(readingOrder=2, horizontal="right") if book.is_rtl else Alignment()
    facts: list[tuple[str, Any]] = [
        ("organisation", report.organisation),
        ("state", book.say(f"state_{report.state}")),
        ("started", report.started_at.replace(tzinfo=None)),
        ("finished", report.finished_at.replace(tzinfo=None) if report.finished_at else ""),
        ("libraries", "; ".join(f"{office} ({name})" for office, name in report.libraries)),
        ("fact_changed", len(report.changed)),
        ("fact_added", report.terms_added),
        ("fact_removed", report.terms_removed),
        ("fact_same", report.same),
        ("fact_left", len(report.left)),
        *([("fact_not_reached", report.not_reached)] if report.not_reached else []),
        ("fact_open", len(report.open)),
    ]
    for number, (key, value) in enumerate(facts, 3):
        caption = book.say(key).rstrip(":： ")
        if report.is_undone and key in _MADE:
            caption = book.say("taken_back", what=caption)
        book.row(sheet, number, [caption, value])
        sheet.cell(row=number, column=2).alignment = book.aligned(value, start=True)
    if report.undoes:
        book.row(sheet, len(facts) + 4, [book.say("is_undo", run=report.undoes)])
    if report.is_undone:
        book.row(sheet, 2, ["", book.say("taken_back_means")])
        sheet.cell(row=2, column=2).alignment = book.aligned(book.say("taken_back_means"), start=True)
        sheet.row_dimensions[2].height = LINE_POINTS * 4


def _coverage(book: _Book, report: RunReport, *, note: str) -> None:
    """The shares by facet and by office, each with its chart beside it."""
    sheet = book.empty("sheet_coverage", (34, 12, 12, 12))
    if report.coverage is None:
        book.row(sheet, 1, [f"{book.say('coverage_unknown')} {note}"])
        return
    facets = [(report.title_of(one.name), one) for one in report.coverage.by_facet]
    offices = [(one.name, one) for one in report.coverage.by_office]
    first = 1
    for caption, heading, rows in (("by_facet", "facet", facets), ("by_office", "office", offices)):
        sheet.cell(row=first, column=1, value=book.say(caption)).font = Font(bold=True, color=_INK)
        sheet.cell(row=first, column=1).alignment = Alignment(readingOrder=2 if book.is_rtl else 0)
        headings = [book.say(key) for key in (heading, "before", "after", "documents")]
        book.row(sheet, first + 1, headings, bold=True)
        for column, colour, ink in ((2, _BEFORE, _INK), (3, _AFTER, "FFFFFFFF")):
            cell = sheet.cell(row=first + 1, column=column)
            cell.fill, cell.font = PatternFill("solid", fgColor=f"FF{colour}"), Font(bold=True, color=ink)
        _shares(book, sheet, first + 2, rows)
        height_cm = max(8.0, 1.1 * len(rows) + 4)
        if rows:
            last = first + 1 + len(rows)
            _chart(book, sheet, title=book.say(caption), first=first + 1, last=last, height_cm=height_cm)
        first += max(len(rows) + 2, round(height_cm / _ROW_CM)) + 3


def _shares(book: _Book, sheet: Any, first: int, rows: Sequence[tuple[str, Share]]) -> None:
    for number, (name, share) in enumerate(rows, first):
        book.row(sheet, number, [name, share.share_before, share.share_after, share.documents])
        for column in (2, 3):
            sheet.cell(row=number, column=column).number_format = "0%"


def _chart(book: _Book, sheet: Any, *, title: str, first: int, last: int, height_cm: float) -> None:
    """Its title says which colour is which: programs order a legend's entries each in their own way."""
    chart = BarChart()
    chart.type, chart.barDir, chart.grouping = "bar", "bar", "clustered"
    chart.title, chart.gapWidth = _title(book, title), 60
    chart.add_data(Reference(sheet, min_col=2, max_col=3, min_row=first, max_row=last), titles_from_data=True)
    chart.set_categories(Reference(sheet, min_col=1, min_row=first + 1, max_row=last))
    for series, colour in zip(chart.series, (_BEFORE, _AFTER), strict=True):
        series.graphicalProperties.solidFill = colour
    chart.y_axis.scaling.min, chart.y_axis.scaling.max = 0, 1
    chart.y_axis.number_format, chart.y_axis.majorUnit = "0%", 0.2
    chart.x_axis.scaling.orientation = "maxMin"  # the first row on top, as in the table
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.legend = None
    if book.is_rtl:  # bars begin at the right, beside their names
        chart.y_axis.scaling.orientation = "maxMin"
    chart.width, chart.height = 20, height_cm
    sheet.add_chart(chart, f"F{first - 1}")


def _title(book: _Book, caption: str) -> Title:
    rtl = True if book.is_rtl else None
    key = [_run("\u200f", _INK[2:])] if book.is_rtl else []
    for square, colour, name in (("\u25a1", _BEFORE, "before"), ("\u25a0", _AFTER, "after")):
        key += [_run(f"{square} ", colour), _run(f"{book.say(name)}   ", _INK[2:])]
    lines = [
        Paragraph(pPr=ParagraphProperties(rtl=rtl), r=[_run(caption, _INK[2:], bold=True)]),
        Paragraph(pPr=ParagraphProperties(rtl=rtl), r=key),
    ]
    return Title(tx=Text(rich=RichText(p=lines)), overlay=False)


def _run(text: str, colour: str, *, bold: bool = False) -> RegularTextRun:
    properties = CharacterProperties(sz=1400 if bold else 1000, b=bold, solidFill=colour)
    return RegularTextRun(rPr=properties, t=text)


def _changes(book: _Book, report: RunReport) -> None:
    def rows() -> Iterable[tuple[Any, ...]]:
        for one in report.changed:
            yield from _columns(report, one)

    book.sheet(
        "sheet_changed",
        ("office", "document", "facet", "held", "added", "removed"),
        rows(),
        widths=(20, 44, 20, 30, 34, 24),
    )


def _columns(report: RunReport, one: DocumentReport) -> Iterable[tuple[Any, ...]]:
    for column in one.columns:
        yield (
            one.office,
            one.path,
            report.title_of(column.column),
            "; ".join(column.before),
            "; ".join(column.added),
            "; ".join(column.removed),
        )
