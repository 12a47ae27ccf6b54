"""Slides and sheets are searched as they are mostly written; what is written otherwise is read the same."""

import io
import re
import zipfile

import openpyxl
import pptx
import pytest
from pptx.util import Inches

from km365.documents import reading
from km365.errors import InputRefused

S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def read(name: str, data: bytes) -> list[tuple[str, str, str]]:
    return [(one.text, one.kind.value, one.place) for one in reading.read(name, data)]


def rewritten(data: bytes, parts: str, change) -> bytes:
    """The file with `change` made to the XML of the parts whose names begin with `parts`."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            xml = name.startswith(parts) and name.endswith(".xml")
            after.writestr(name, change(content.decode()) if xml else content)
    return changed.getvalue()


def deck() -> bytes:
    made = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[0])
    slide.shapes.title.text = "Schools & water"
    slide.placeholders[1].text = "Why <wells> dry up\vearly"
    slide.notes_slide.notes_text_frame.text = "Say it slowly.\nThen again."
    slide = made.slides.add_slide(made.slide_layouts[5])
    slide.shapes.title.text = "What was found"
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1)).table
    for cell, text in zip(table.iter_cells(), ("District", "Wells", "", "Dry\nsince May"), strict=True):
        cell.text = text
    slide.shapes.add_textbox(Inches(1), Inches(3), Inches(4), Inches(1)).text_frame.text = "After the table"
    second = slide.shapes.add_table(1, 1, Inches(1), Inches(4), Inches(4), Inches(1)).table
    second.cell(0, 0).text = "Alone"
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "In a group"
    data = io.BytesIO()
    made.save(data)
    return data.getvalue()


def sheet(*cells: str) -> bytes:
    """A workbook of one row with these cells."""
    book, data = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["Wells & pumps", 7, "Girls"])
    book.save(data)
    row = f'<sheetData><row r="3">{"".join(cells)}</row></sheetData>'

    def add(xml: str) -> str:
        return re.sub("<sheetData>.*</sheetData>", lambda _: row, xml)

    return rewritten(data.getvalue(), "xl/worksheets/", add) if cells else data.getvalue()


def with_prefixes(xml: str) -> str:
    return re.sub(r"(</?|xmlns:)([ap])([:=])", r"\1our\2\3", xml)


def with_comments(xml: str) -> str:
    return xml.replace("<a:p>", "<!-- <a:t>not said</a:t></a:p> --><a:p>")


def in_utf_16(xml: str) -> bytes:
    return re.sub(r"^<\?xml.*?\?>", "", xml).encode("utf-16")


def with_declarations_inside(xml: str) -> str:
    uri = "http://schemas.openxmlformats.org/drawingml/2006/main"
    return xml.replace("<a:r>", f'<n:r xmlns:n="{uri}">').replace("</a:r>", "</n:r>")


def for_old_programs(xml: str) -> str:
    mc = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    twice = (
        f'<mc:AlternateContent xmlns:mc="{mc}"><mc:Choice Requires="x">\\1</mc:Choice>'
        "<mc:Fallback>\\1</mc:Fallback></mc:AlternateContent>"
    )
    return re.sub("(<p:sp>.*?</p:sp>)", twice, xml, flags=re.DOTALL)


def test_a_deck_gives_its_shapes_and_then_the_rows_of_its_tables():
    assert read("a.pptx", deck())[1:] == [
        ("Schools & water", "title", "slide 1"),
        ("Why <wells> dry up early", "body", "slide 1"),
        ("Say it slowly.", "note", "notes of slide 1"),
        ("Then again.", "note", "notes of slide 1"),
        ("What was found", "heading", "slide 2"),
        ("After the table", "body", "slide 2"),
        ("In a group", "body", "slide 2"),
        ("District | Wells", "table", "slide 2"),
        ("Dry since May", "table", "slide 2"),
        ("Alone", "table", "slide 2"),
    ]


@pytest.mark.parametrize(
    "change", [with_prefixes, with_comments, in_utf_16, with_declarations_inside, for_old_programs]
)
@pytest.mark.parametrize("parts", ["ppt/slides/", "ppt/notesSlides/"])
def test_slides_written_otherwise_are_read_the_same(parts: str, change):
    assert read("a.pptx", rewritten(deck(), parts, change)) == read("a.pptx", deck())


def test_sheets_written_with_prefixes_are_read_the_same():
    def prefixed(xml: str) -> str:
        return re.sub(r"(</?)(?=\w)", r"\1x:", xml).replace("xmlns=", "xmlns:x=")

    assert read("a.xlsx", rewritten(sheet(), "xl/worksheets/", prefixed)) == read("a.xlsx", sheet())
    assert ("Wells & pumps | Girls", "table", "sheet “Sheet”, row 1") in read("a.xlsx", sheet())


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ('<c r="A3" t="inlineStr"><is><t>a &lt; b</t></is></c>', "a < b"),
        ('<c t="inlineStr" r="A3" s="2">\n<is>\n<t xml:space="preserve"> wells </t>\n</is></c>', "wells"),
        ('<c r="A3" t="inlineStr"><is><r><rPr/><t>We</t></r><r><t>lls</t></r></is></c>', "Wells"),
        (
            '<c r="A3" t="inlineStr"><is><t>課</t><rPh sb="0" eb="1"><t>カ</t></rPh><phoneticPr/></is></c>',
            "課",
        ),
        ('<c r="A3" t="inlineStr"><is><t><![CDATA[a < b]]></t></is></c>', "a < b"),
        ('<c r="A3" t="inlineStr"><is><t>say t="s"&gt;!</t></is></c>', 'say t="s">!'),
        ('<c r="A3" t="str"><f>A1&amp;" t="</f><v>wells</v></c>', "wells"),
        ('<c r="A3" t="str"><f t="shared" si="0"/><v>wells</v></c>', "wells"),
        ('<c r="A3" t="str"><f t="shared" ref="A3:A4" si="0">LOWER(A1)</f><v>wells</v></c>', "wells"),
    ],
)
def test_the_words_of_a_cell_are_read_however_they_are_kept(cell: str, says: str):
    numbers = (
        '<c r="B3"><v>5</v></c><c r="C3" t="b"><v>1</v></c><c r="D3" t="n"/><c r="E3" t="e"><v>#N/A</v></c>'
    )
    assert read("a.xlsx", sheet(cell, numbers))[2:] == [(says, "table", "sheet “Sheet”, row 3")]


def test_a_part_that_declares_entities_is_refused():
    def bomb(xml: str) -> str:
        return '<!DOCTYPE x [<!ENTITY a "b">]>' + re.sub(r"^<\?xml.*?\?>", "", xml)

    for name, parts, data in (("a.pptx", "ppt/slides/", deck()), ("a.xlsx", "xl/worksheets/", sheet())):
        with pytest.raises(InputRefused, match=rf"{name} declares XML entities"):
            reading.read(name, rewritten(data, parts, bomb))


def test_characters_that_no_text_may_hold_are_left_out():
    cell = '<c r="A3" t="inlineStr"><is><t>dry\x01 &#2;wells&#xD800;</t></is></c>'
    assert read("a.xlsx", sheet(cell))[2][0].replace("\ufffd", "").split() == ["dry", "wells"]
