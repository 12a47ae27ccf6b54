"""Reading files: what is in them and where, and a clear refusal for those that cannot be read."""

import io
import zipfile

import docx
import openpyxl
import pptx
import pypdf
import pytest
from fpdf import FPDF

from km365.core.passages import Kind, Passage
from km365.documents import reading
from km365.documents.worker import Reader
from km365.errors import InputRefused

OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def saved(document) -> bytes:
    data = io.BytesIO()
    document.save(data)
    return data.getvalue()


def word() -> bytes:
    document = docx.Document()
    document.core_properties.title = "Cold chain in Belmora"
    document.core_properties.keywords = "vaccines"
    document.add_paragraph("Cold chain report", style="Title")
    document.add_heading("Findings", level=1)
    document.add_paragraph("Fridges failed in the rainy season.")
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "District", "Fridges"
    return saved(document)


def slides() -> bytes:
    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[0])
    first.shapes.title.text = "Learning recovery"
    second = deck.slides.add_slide(deck.slide_layouts[1])
    second.shapes.title.text = "What we saw"
    second.placeholders[1].text = "Catch-up classes"
    second.notes_slide.notes_text_frame.text = "Mention the radio lessons"
    return saved(deck)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "Budget"
    book.active.append(["Line", "Amount"])
    book.active.append(["Cash transfers", 1200])
    return saved(book)


def pdf(*texts: str, password: str = "") -> bytes:
    document = FPDF()
    document.set_font("helvetica", size=12)
    for text in texts:
        document.add_page()
        document.multi_cell(0, 8, text)
    data = bytes(document.output())
    if not password:
        return data
    locked = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    locked.encrypt(password, algorithm="RC4-128")
    written = io.BytesIO()
    locked.write(written)
    return written.getvalue()


def texts(passages: list[Passage], kind: Kind) -> list[str]:
    return [passage.text for passage in passages if passage.kind is kind]


def test_a_word_file_says_what_is_a_title_a_heading_a_table_and_where():
    found = reading.read("report_2026.docx", word())
    assert texts(found, Kind.NAME) == ["report 2026"]
    assert texts(found, Kind.PROPERTY) == ["Cold chain in Belmora", "vaccines"]
    assert texts(found, Kind.TITLE) == ["Cold chain report"]
    assert texts(found, Kind.HEADING) == ["Findings"]
    body = next(passage for passage in found if passage.kind is Kind.BODY)
    assert (body.text, body.place) == ("Fridges failed in the rainy season.", "under “Findings”")
    assert texts(found, Kind.TABLE) == ["District | Fridges"]


def test_headings_are_known_by_their_built_in_name_whatever_language_word_speaks():
    document = docx.Document()
    document.styles["Heading 1"].element.set(
        "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}styleId", "Titre1"
    )
    document.add_paragraph("Constats", style=document.styles["Heading 1"])
    assert texts(reading.read("rapport.docx", saved(document)), Kind.HEADING) == ["Constats"]


def test_slides_come_in_order_with_their_notes():
    found = reading.read("deck.pptx", slides())
    assert [(p.kind, p.text, p.place) for p in found if p.place.endswith(("slide 1", "slide 2"))] == [
        (Kind.TITLE, "Learning recovery", "slide 1"),
        (Kind.HEADING, "What we saw", "slide 2"),
        (Kind.BODY, "Catch-up classes", "slide 2"),
        (Kind.NOTE, "Mention the radio lessons", "notes of slide 2"),
    ]


def test_a_workbook_gives_its_words_with_sheet_and_row():
    found = reading.read("budget.xlsx", workbook())
    assert [(p.text, p.place) for p in found if p.kind is Kind.TABLE] == [
        ("Line | Amount", "sheet “Budget”, row 1"),
        ("Cash transfers", "sheet “Budget”, row 2"),
    ]


def test_a_pdf_gives_its_text_with_page_numbers():
    found = reading.read("note.pdf", pdf("Handwashing stations", "Safe schools"))
    assert [(p.text, p.place) for p in found if p.kind is Kind.BODY] == [
        ("Handwashing stations", "page 1"),
        ("Safe schools", "page 2"),
    ]


def test_a_text_saved_on_windows_has_paragraphs_and_each_says_its_line():
    found = reading.read("notes.txt", b"\r\n\r\nRadio lessons\r\nreached girls.\r\n \r\nFathers came.\r\n")
    assert [(one.text, one.place) for one in found[1:]] == [
        ("Radio lessons reached girls.", "line 3"),
        ("Fathers came.", "line 6"),
    ]


def test_bold_marks_are_no_part_of_the_text_and_bold_alone_is_a_heading():
    text = b"# *Wells*\n\n**Example 1:** **Ardania**\n\n**Note** that **wells** dry up **early**\n"
    found = reading.read("notes.md", text)[1:]
    assert [(one.text, one.kind) for one in found] == [
        ("Wells", Kind.HEADING),
        ("Example 1: Ardania", Kind.HEADING),
        ("Note that wells dry up early", Kind.BODY),
    ]


def test_plain_text_and_its_headings_are_read():
    found = reading.read("notes.md", b"# Findings\n\nRadio lessons\nreached girls.")
    assert [(p.kind, p.text) for p in found[1:]] == [
        (Kind.HEADING, "Findings"),
        (Kind.BODY, "Radio lessons reached girls."),
    ]


def bomb() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", b" " * 20_000_000)
    return data.getvalue()


def with_part(part: str, content: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as package:
        package.writestr(part, content)
    return data.getvalue()


ENTITIES = '<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><d>&b;</d>'


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.docx", b"", "is empty"),
        ("a.docx", b"not a zip", "is damaged"),
        ("a.docx", word()[:2000], "is damaged"),
        ("a.docx", with_part("other.xml", "<x/>"), "is damaged: its part word/document.xml"),
        ("a.docx", with_part("word/document.xml", "<open>"), "is not XML"),
        ("a.docx", with_part("word/document.xml", ENTITIES), "declares XML entities"),
        ("a.docx", bomb(), "zip bomb"),
        ("a.docx", OLE2 + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        ("a.docx", OLE2 + b"\0" * 600, "old Office format under a new name"),
        ("a.doc", OLE2, "old Office format; save it as .docx"),
        ("a.pdf", b"%PDF-1.4 broken", "is damaged"),
        ("a.pdf", pdf("secret", password="p"), "protected by a password"),
        ("a.pdf", pdf(""), "holds pictures of pages only"),
        ("a.xlsx", saved(openpyxl.Workbook()).replace(b"PK", b"XX"), "is damaged"),
        ("a.exe", b"MZ", "files of this kind"),
        ("a.txt", b"\xff\xfe\0\0", "is not text"),
        ("a.txt", b"   \n", "holds no text"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name_and_reason(name, data, says):
    with pytest.raises(InputRefused, match=says) as refusal:
        reading.read(name, data)
    assert str(refusal.value).startswith(name)
    assert "\n" not in str(refusal.value)


def test_an_enormous_file_is_refused_before_it_is_fetched():
    with pytest.raises(InputRefused, match=r"video\.pdf is 200 MB large"):
        reading.refuse_unread("video.pdf", 200 * 2**20)


async def test_a_worker_reads_file_after_file_and_passes_refusals_on():
    with Reader() as reader:
        assert texts(await reader.read("a.pdf", pdf("Hello")), Kind.BODY) == ["Hello"]
        with pytest.raises(InputRefused, match=r"a\.docx is empty"):
            await reader.read("a.docx", b"")
        assert texts(await reader.read("b.docx", word()), Kind.HEADING) == ["Findings"]


async def test_a_file_that_takes_too_long_is_left_out_and_the_next_one_read():
    with Reader(timeout_s=0.3, workers=1) as hasty:
        with pytest.raises(InputRefused, match=r"endless\.txt took longer than"):
            await hasty.read("endless.txt", b"Hello there. " * 6_000_000)
        assert texts(await hasty.read("b.pdf", pdf("World")), Kind.BODY) == ["World"]


async def test_what_our_own_process_takes_is_not_laid_to_the_reading_process():
    held = bytearray(700 * 1024**2)
    held[::4096] = b"x" * len(held[::4096])
    with Reader(workers=1) as reader:
        await reader.read("a.pdf", pdf("Hello"))
        assert reader._all[0]._process is not None, "ended after one small file"


async def test_a_reading_process_that_dies_takes_only_its_file_with_it():
    with Reader(workers=1) as reader:
        await reader.read("a.pdf", pdf("Hello"))
        reader._all[0].kill()
        reader._all[0]._process.join()
        assert texts(await reader.read("b.pdf", pdf("World")), Kind.BODY) == ["World"]
