"""Turn the demonstration library's texts into Word, PowerPoint, Excel and PDF files.

The same text gives the same bytes. The file libraries are imported when a file of their kind is written:
they take longer to load than a command takes to answer.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from km365.local.demo.sources import Block, Heading, Note, Paragraph, Points, Source, Table

WRITTEN_AT = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
AUTHOR = "km365 demonstration"
RIGHT_TO_LEFT = ("ar",)


def write(source: Source) -> bytes:
    """The file's bytes."""
    return WRITERS[source.format](source)


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """Pieces of a line with their weight: "", "bold" or "italic"."""
    for piece in re.split(r"(\*\*.+?\*\*|\*[^*]+?\*)", text):
        if piece.startswith("**"):
            yield piece.strip("*"), "bold"
        elif piece.startswith("*"):
            yield piece.strip("*"), "italic"
        elif piece:
            yield piece, ""


def _plain(text: str) -> str:
    return "".join(piece for piece, _ in _runs(text))


def _describe(properties: Any, source: Source) -> None:
    """Set the title, author, language and dates that the Office formats share."""
    properties.title, properties.author, properties.language = source.title, AUTHOR, source.language
    properties.created = properties.modified = WRITTEN_AT.replace(tzinfo=None)
    properties.last_modified_by, properties.comments = AUTHOR, ""


def _settled(archive: bytes) -> bytes:
    """The same zip archive with the same moment on every entry, so that equal contents are equal bytes."""
    settled = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(settled, "w") as new:
        for entry in old.infolist():
            fixed = zipfile.ZipInfo(entry.filename, WRITTEN_AT.timetuple()[:6])
            fixed.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(fixed, old.read(entry))
    return settled.getvalue()


# Word ----------------------------------------------------------------------------------------------------


def _docx(source: Source) -> bytes:
    from docx import Document  # noqa: PLC0415 - see the top

    document = Document()
    _describe(document.core_properties, source)
    rtl = source.language in RIGHT_TO_LEFT
    for block in source.blocks:
        if isinstance(block, Table):
            _docx_table(document, block, rtl)
            continue
        for style, text in _docx_lines(block):
            _docx_fill(document.add_paragraph(style=style), text, rtl)
    buffer = io.BytesIO()
    document.save(buffer)
    return _settled(buffer.getvalue())


def _docx_lines(block: Block) -> list[tuple[str, str]]:
    """The paragraphs of a block: style and text."""
    match block:
        case Heading(level=1):
            return [("Title", block.text)]
        case Heading():
            return [(f"Heading {block.level - 1}", block.text)]
        case Points():
            return [("List Number" if block.numbered else "List Bullet", item) for item in block.items]
        case Note():
            return [("Intense Quote", block.text)]
        case Paragraph():
            return [("Normal", block.text)]
        case Table():
            return []


def _docx_table(document: Any, block: Table, rtl: bool) -> None:
    from docx.oxml import OxmlElement  # noqa: PLC0415 - see the top

    table = document.add_table(rows=0, cols=len(block.rows[0]), style="Light Grid Accent 1")
    if rtl:
        table._tbl.tblPr.append(OxmlElement("w:bidiVisual"))
    for row in block.rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            _docx_fill(cell.paragraphs[0], text, rtl)
    document.add_paragraph()


def _docx_fill(paragraph: Any, text: str, rtl: bool) -> None:
    from docx.oxml import OxmlElement  # noqa: PLC0415 - see the top

    if rtl:
        paragraph._p.get_or_add_pPr().insert_element_before(
            OxmlElement("w:bidi"), "w:jc", "w:outlineLvl", "w:rPr"
        )
    for piece, weight in _runs(text):
        run = paragraph.add_run(piece)
        run.bold = weight == "bold" or None
        run.italic = weight == "italic" or None
        run.font.rtl = rtl or None


# PowerPoint ----------------------------------------------------------------------------------------------


def _pptx(source: Source) -> bytes:
    from pptx import Presentation  # noqa: PLC0415 - see the top

    deck = Presentation()
    _describe(deck.core_properties, source)
    rtl = source.language in RIGHT_TO_LEFT
    slide: Any = None
    for block in source.blocks:
        if isinstance(block, Heading):
            slide = deck.slides.add_slide(deck.slide_layouts[0 if block.level == 1 else 1])
            _pptx_fill(slide.shapes.title.text_frame, (block.text,), rtl)
        elif isinstance(block, Note):
            _pptx_fill(slide.notes_slide.notes_text_frame, (block.text,), rtl)
        elif isinstance(block, Table):
            _pptx_table(slide, block, rtl)
        elif isinstance(block, Points):
            _pptx_fill(slide.placeholders[1].text_frame, block.items, rtl)
        else:
            _pptx_fill(slide.placeholders[1].text_frame, (block.text,), rtl)
    buffer = io.BytesIO()
    deck.save(buffer)
    return _settled(buffer.getvalue())


def _pptx_fill(frame: Any, lines: tuple[str, ...], rtl: bool) -> None:
    for number, line in enumerate(lines):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        for piece, weight in _runs(line):
            run = paragraph.add_run()
            run.text, run.font.bold = piece, weight == "bold" or None
        if rtl:
            paragraph._p.get_or_add_pPr().set("rtl", "1")
            paragraph._p.get_or_add_pPr().set("algn", "r")


def _pptx_table(slide: Any, block: Table, rtl: bool) -> None:
    from pptx.util import Pt  # noqa: PLC0415 - see the top

    body = slide.placeholders[1]
    left, top, width = body.left, body.top, body.width
    body._element.getparent().remove(body._element)  # an empty body would say "Click to add text"
    table = slide.shapes.add_table(len(block.rows), len(block.rows[0]), left, top, width, Pt(30)).table
    if rtl:
        table._tbl.tblPr.set("rtl", "1")
    for row, cells in zip(table.rows, block.rows, strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            _pptx_fill(cell.text_frame, (text,), rtl)


# Excel ---------------------------------------------------------------------------------------------------


def _xlsx(source: Source) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415 - see the top

    book = Workbook()
    book.remove(book.active)
    properties = book.properties
    properties.title, properties.creator, properties.language = source.title, AUTHOR, source.language
    properties.created = WRITTEN_AT.replace(tzinfo=None)
    sheet: Any = None
    for block in source.blocks:
        if isinstance(block, Heading) and block.level > 1:
            sheet = book.create_sheet(block.text[:31])
        elif isinstance(block, Table):
            _xlsx_table(sheet, block)
    buffer = io.BytesIO()
    book.save(buffer)
    # openpyxl writes the moment of saving as "modified", whatever the properties say.
    return _settled(_undated(buffer.getvalue()))


def _xlsx_table(sheet: Any, block: Table) -> None:
    from openpyxl.styles import Alignment, Font  # noqa: PLC0415 - see the top
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - see the top

    for row in block.rows:
        sheet.append([int(cell) if cell.isdigit() else cell for cell in row])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for number in range(1, len(block.rows[0]) + 1):
        longest = max(len(row[number - 1]) for row in block.rows)
        sheet.column_dimensions[get_column_letter(number)].width = min(60, longest + 2)
        for (cell,) in sheet.iter_rows(min_col=number, max_col=number):
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "A2"


def _undated(archive: bytes) -> bytes:
    undated = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(undated, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == "docProps/core.xml":
                moment = WRITTEN_AT.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + moment, content)
            new.writestr(entry.filename, content)
    return undated.getvalue()


# PDF -----------------------------------------------------------------------------------------------------


def _pdf(source: Source) -> bytes:
    from fpdf import FPDF  # noqa: PLC0415 - see the top

    page = FPDF()
    page.set_creation_date(WRITTEN_AT)
    page.set_title(source.title)
    page.set_author(AUTHOR)
    page.set_lang(source.language)
    page.set_margins(22, 20, 22)
    page.add_page()
    for block in source.blocks:
        _pdf_block(page, block)
        page.ln(2)
    return bytes(page.output())


def _pdf_block(page: Any, block: Block) -> None:
    match block:
        case Heading():
            page.set_font("helvetica", "B", {1: 18, 2: 13, 3: 11}[block.level])
            page.multi_cell(0, None, block.text, new_x="LMARGIN", new_y="NEXT")
        case Table():
            page.set_font("helvetica", size=9)
            with page.table(text_align="LEFT") as table:
                for cells in block.rows:
                    table.row([_plain(cell) for cell in cells])
        case Points():
            for number, item in enumerate(block.items, 1):
                _pdf_text(page, f"{number}. {item}" if block.numbered else f"\u00b7 {item}")
        case Paragraph() | Note():
            _pdf_text(page, block.text)


def _pdf_text(page: Any, text: str) -> None:
    page.set_font("helvetica", size=10.5)
    page.multi_cell(0, 5.5, _plain(text), align="L", new_x="LMARGIN", new_y="NEXT")


WRITERS: dict[str, Callable[[Source], bytes]] = {"docx": _docx, "pptx": _pptx, "xlsx": _xlsx, "pdf": _pdf}
