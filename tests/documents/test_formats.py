"""What each kind of file gives: its words, what they are and where they stand."""

import io
import zipfile

import docx
import openpyxl
import pptx
import pytest
from docx.oxml import parse_xml
from fpdf import FPDF
from openpyxl.comments import Comment
from openpyxl.styles import Font

from km365.core.passages import Kind, Passage
from km365.documents import reading

from .ole import compound_file

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
BOX = (
    f'<w:r {W} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:AlternateContent>'
    "<mc:Choice><w:txbxContent><w:p><w:r><w:t>Boxed</w:t></w:r></w:p></w:txbxContent></mc:Choice>"
    "<mc:Fallback><w:txbxContent><w:p><w:r><w:t>Boxed</w:t></w:r></w:p></w:txbxContent></mc:Fallback>"
    "</mc:AlternateContent></w:r>"
)


def found(name: str, data: bytes) -> list[tuple[Kind, str, str]]:
    """Kind, text and place of everything but the file's name."""
    return [(one.kind, one.text, one.place) for one in reading.read(name, data)[1:]]


def words(name: str, data: bytes, kind: Kind) -> list[str]:
    return [one.text for one in reading.read(name, data) if one.kind is kind]


def saved(document) -> bytes:
    data = io.BytesIO()
    document.save(data)
    return data.getvalue()


def zipped(**parts: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part.replace("__", "/") + ".xml", content)
    return data.getvalue()


def test_a_text_box_in_word_is_read_once():
    document = docx.Document()
    document.add_paragraph("Around it")._p.append(parse_xml(BOX))
    assert [text for kind, text, _ in found("a.docx", saved(document))] == ["Around it", "Boxed"]


def test_a_word_file_without_styles_has_its_first_line_for_title_and_bold_lines_for_headings():
    document = docx.Document()
    document.add_paragraph("Cold chain in Belmora")
    document.add_paragraph().add_run("What we found").bold = True
    document.add_paragraph("Fridges failed in the rainy season.")
    assert found("a.docx", saved(document)) == [
        (Kind.TITLE, "Cold chain in Belmora", ""),
        (Kind.HEADING, "What we found", "under “What we found”"),
        (Kind.BODY, "Fridges failed in the rainy season.", "under “What we found”"),
    ]


def test_headers_of_a_word_file_count_once_and_its_properties_are_kept_apart():
    document = docx.Document()
    document.core_properties.category = "Evaluation"
    document.core_properties.comments = "A mid-term look"
    document.add_paragraph("The text of the report.")
    document.sections[0].header.paragraphs[0].text = "Belmora country office"
    document.sections[0].footer.paragraphs[0].text = "12"
    assert found("a.docx", saved(document)) == [
        (Kind.PROPERTY, "A mid-term look", "file properties"),
        (Kind.PROPERTY, "Evaluation", "file properties"),
        (Kind.BODY, "The text of the report.", ""),
        (Kind.NOTE, "Belmora country office", "page header or footer"),
    ]


def test_a_style_of_an_offices_own_is_a_heading_when_it_is_based_on_one():
    document = docx.Document()
    style = document.styles.add_style("Agency Head", 1)
    style.base_style = document.styles["Heading 2"]
    document.add_paragraph("Findings", style=style)
    document.add_paragraph("Contents line 3", style=document.styles.add_style("toc 1", 1))
    assert [(kind, text) for kind, text, _ in found("a.docx", saved(document))] == [
        (Kind.HEADING, "Findings")
    ]


def test_a_layout_made_of_tables_is_read_as_text():
    document = docx.Document()
    cell = document.add_table(rows=1, cols=1).rows[0].cells[0]
    cell.text = "Long text. " * 40
    cell.add_paragraph("Second paragraph.")
    assert [kind for kind, _, _ in found("a.docx", saved(document))] == [Kind.BODY, Kind.BODY]


def test_lines_of_one_title_on_a_slide_are_not_run_together():
    deck = pptx.Presentation()
    deck.slides.add_slide(deck.slide_layouts[0]).shapes.title.text = "Learning\vrecovery"
    assert words("a.pptx", saved(deck), Kind.TITLE) == ["Learning recovery"]


def test_a_workbook_gives_comments_and_rich_text_and_no_numbers():
    book = openpyxl.Workbook()
    book.active.append([1, "Cash", 2.5, True, "=1+1"])
    book.active["B1"].comment = Comment("Why so few?", "A person")
    book.active["B1"].font = Font(bold=True)
    result = found("a.xlsx", saved(book))
    assert (Kind.TABLE, "Cash", "sheet “Sheet”, row 1") in result
    assert (Kind.NOTE, "Why so few?", "comment in sheet “Sheet”, cell B1") in result
    assert len(result) == 3


def test_files_saved_as_strict_open_xml_are_read():
    strict = "http://purl.oclc.org/ooxml/wordprocessingml/main"
    paragraph = "<d:p><d:r><d:t>Wells dry up.</d:t></d:r></d:p>"
    data = zipped(word__document=f'<d:document xmlns:d="{strict}"><d:body>{paragraph}</d:body></d:document>')
    assert words("a.docx", data, Kind.BODY) == ["Wells dry up."]


def report_pdf() -> bytes:
    document = FPDF()
    for number in range(1, 5):
        document.add_page()
        document.set_font("helvetica", size=9)
        document.cell(0, 5, f"Belmora office, page {number}", new_x="LMARGIN", new_y="NEXT")
        if number == 1:
            document.set_font("helvetica", size=24)
            document.multi_cell(0, 12, "Cold chain\nin Belmora", new_x="LMARGIN", new_y="NEXT")
        document.set_font("helvetica", size=14)
        document.cell(0, 8, f"Finding {'ABCD'[number - 1]}", new_x="LMARGIN", new_y="NEXT")
        document.set_font("helvetica", size=10)
        text = "Many vaccina-\ntion posts need long-term help. This is long-\nterm. " * 3
        document.multi_cell(0, 5, text, new_x="LMARGIN", new_y="NEXT")
    return bytes(document.output())


def test_a_pdf_has_its_largest_line_for_title_and_larger_lines_for_headings():
    result = found("a.pdf", report_pdf())
    assert (Kind.TITLE, "Cold chain in Belmora", "page 1") in result
    assert [text for kind, text, _ in result if kind is Kind.HEADING] == [f"Finding {x}" for x in "ABCD"]


def test_a_header_on_every_page_counts_once_and_hyphens_at_line_ends_go():
    result = found("a.pdf", report_pdf())
    text = " ".join(text for _, text, _ in result)
    assert text.count("Belmora office") == 1
    assert "vaccination" in text
    assert "longterm" not in text


PAGE = """<html><head><title>Radio lessons</title><meta name="keywords" content="radio, girls">
<style>p {}</style><script>var hidden</script></head><body><nav>Home</nav><h1>What we saw</h1>
<p>Fathers <b>came</b> too.<br>Every day.</p><ul><li>One</li></ul>
<table><tr><th>District</th><td>Girls</td></tr></table></body></html>"""


def test_a_web_page_gives_its_text_without_scripts_and_menus():
    assert found("a.html", PAGE.encode()) == [
        (Kind.PROPERTY, "radio, girls", "file properties"),
        (Kind.TITLE, "Radio lessons", ""),
        (Kind.HEADING, "What we saw", "under “What we saw”"),
        (Kind.BODY, "Fathers came too. Every day.", "under “What we saw”"),
        (Kind.BODY, "One", "under “What we saw”"),
        (Kind.TABLE, "District | Girls", "table under “What we saw”"),
    ]


MAIL = """From: Amina B. <amina@agency.example>
To: Carlos D. <carlos@agency.example>
Subject: =?utf-8?q?Le=C3=A7ons_de_la_revue?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: 8bit

Les réfrigérateurs sont tombés en panne.

De : Amina B.
Envoyé : lundi
> La saison des pluies.
--\x20
Carlos
--x
Content-Type: application/pdf
Content-Disposition: attachment; filename="plan_2026.pdf"

JVBERi0=
--x--
"""


def test_a_message_gives_subject_body_and_names_of_attachments_but_no_people():
    assert found("a.eml", MAIL.encode("latin-1")) == [
        (Kind.TITLE, "Leçons de la revue", "subject"),
        (Kind.BODY, "Les réfrigérateurs sont tombés en panne.", "message"),
        (Kind.BODY, "La saison des pluies.", "message"),
        (Kind.NOTE, "plan 2026", "name of an attachment"),
    ]


def test_a_message_in_html_and_a_saved_web_page_are_read_as_pages():
    mail = f"Subject: News\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n{PAGE}"
    assert (Kind.HEADING, "What we saw", "under “What we saw”") in found("a.eml", mail.encode())
    assert words("a.mht", mail.encode(), Kind.TITLE) == ["Radio lessons"]


def test_an_outlook_message_is_read_like_any_other():
    message = compound_file(
        {
            "__properties_version1.0": b"",
            "__substg1.0_0037001F": "Cold chain".encode("utf-16-le"),
            "__substg1.0_0C1A001F": "Amina B.".encode("utf-16-le"),
            "__substg1.0_1000001F": "Fridges failed.\r\n\r\nFrom: Amina B.".encode("utf-16-le"),
            "__attach_version1.0_#00000000/__substg1.0_3707001F": "budget_2026.xlsx".encode("utf-16-le"),
        }
    )
    assert found("a.msg", message) == [
        (Kind.TITLE, "Cold chain", "subject"),
        (Kind.BODY, "Fridges failed.", "message"),
        (Kind.NOTE, "budget 2026", "name of an attachment"),
    ]


ODF = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in [
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("draw", "drawing"),
        ("presentation", "presentation"),
    ]
)


def odf(body: str) -> bytes:
    return zipped(
        content=f"<office:document-content {ODF}><office:body>{body}</office:body></office:document-content>",
        meta=f'<office:document-meta {ODF} xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<office:meta><dc:subject>Vaccines</dc:subject></office:meta></office:document-meta>",
    )


def test_an_opendocument_text_gives_headings_notes_and_tables():
    text = (
        "<office:text><text:h>Findings</text:h><text:p>Fridges<text:s/>failed.<text:note><text:note-body>"
        "<text:p>In June.</text:p></text:note-body></text:note></text:p><table:table><table:table-row>"
        "<table:table-cell><text:p>District</text:p></table:table-cell><table:table-cell><text:p>North</text:p>"
        "</table:table-cell></table:table-row></table:table></office:text>"
    )
    assert found("a.odt", odf(text)) == [
        (Kind.PROPERTY, "Vaccines", "file properties"),
        (Kind.HEADING, "Findings", "under “Findings”"),
        (Kind.BODY, "Fridges failed.", "under “Findings”"),
        (Kind.NOTE, "In June.", "in a note"),
        (Kind.TABLE, "District | North", "table under “Findings”"),
    ]


def test_opendocument_slides_and_sheets_say_which():
    slide = (
        '<office:presentation><draw:page><draw:frame presentation:class="title"><draw:text-box><text:p>Radio'
        "</text:p></draw:text-box></draw:frame><presentation:notes><text:p>Say why.</text:p>"
        "</presentation:notes></draw:page></office:presentation>"
    )
    sheet = (
        '<office:spreadsheet><table:table table:name="Plan"><table:table-row table:number-rows-repeated="3"/>'
        "<table:table-row><table:table-cell><text:p>Wells</text:p></table:table-cell><table:table-cell>"
        "<text:p>12</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet>"
    )
    assert found("a.odp", odf(slide))[1:] == [
        (Kind.TITLE, "Radio", "slide 1"),
        (Kind.NOTE, "Say why.", "notes of slide 1"),
    ]
    assert found("a.ods", odf(sheet))[1:] == [
        (Kind.HEADING, "Plan", "sheet “Plan”"),
        (Kind.TABLE, "Wells", "sheet “Plan”, row 4"),
    ]


def test_rich_text_is_read_in_its_own_code_page():
    rich = (
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 Le\'e7ons apprises\par Les puits sont \'e0 sec.}"
    )
    assert [text for _, text, _ in found("a.rtf", rich)] == ["Leçons apprises", "Les puits sont à sec."]


def test_a_table_of_separated_values_gives_its_words():
    assert found("a.csv", b"District;Girls\nNorth;12\n;;\n") == [
        (Kind.TABLE, "District | Girls", "row 1"),
        (Kind.TABLE, "North", "row 2"),
    ]


def test_markdown_links_tables_and_front_matter_are_read_as_what_they_are():
    text = (
        "---\ntitle: Wells\n---\nUnder a line\n===\n\nSee [the *guide*](https://x.example/y).\n\n"
        "| A | B |\n|--|--|\n"
    )
    assert found("a.md", text.encode()) == [
        (Kind.PROPERTY, "Wells", "file properties"),
        (Kind.HEADING, "Under a line", "under “Under a line”"),
        (Kind.BODY, "See the *guide*.", "under “Under a line”"),
        (Kind.TABLE, "A | B", "table under “Under a line”"),
    ]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Уроки среднесрочного обзора были переданы в район.", "cp1251"),
        ("تمت مشاركة الدروس المستفادة مع المقاطعة في هذا العام", "cp1256"),
        ("审查的经验教训已与该区分享，这是我们在中国的工作。", "gb18030"),
        ("Les leçons ont été partagées avec le district.", "cp1252"),
        ("Les leçons ont été partagées avec le district.", "utf-16"),
    ],
)
def test_old_text_files_are_read_in_the_code_page_they_were_written_in(text: str, encoding: str):
    assert words("a.txt", text.encode(encoding), Kind.BODY) == [text]


def test_a_file_is_read_as_what_it_is_whatever_its_name_says():
    assert words("report.docx", PAGE.encode(), Kind.TITLE) == ["Radio lessons"]
    assert words("notes.txt", report_pdf(), Kind.TITLE) == ["Cold chain in Belmora"]
    assert words("letter.html", rb"{\rtf1 Wells dry up.}", Kind.BODY) == ["Wells dry up."]


def test_passages_in_another_language_say_so_and_short_ones_take_that_of_the_document():
    text = (
        "The lessons of the review were shared with the districts and they will be used in the next plan.\n\n"
        "Les leçons de la revue ont été partagées avec les districts et elles serviront dans le plan.\n\n"
        "WASH\n\nУроки обзора были переданы району.\n\nThis is what we have learned from all of it.\n"
    )
    passages: list[Passage] = reading.read("a.txt", text.encode())
    assert [one.language for one in passages] == ["en", "en", "fr", "en", "ru", "en"]
