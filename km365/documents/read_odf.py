"""Text out of OpenDocument files (odt, odp, ods), which LibreOffice and others write."""

from collections.abc import Iterator

from km365.core.passages import Kind, Passage
from km365.documents.ooxml import Element, Package, properties
from km365.errors import InputRefused

_BASE = "{urn:oasis:names:tc:opendocument:xmlns:"
_TEXT, _TABLE, _DRAW = f"{_BASE}text:1.0}}", f"{_BASE}table:1.0}}", f"{_BASE}drawing:1.0}}"
_OFFICE, _META = f"{_BASE}office:1.0}}", f"{_BASE}meta:1.0}}"
_STYLE, _PRESENTATION = f"{_BASE}style:1.0}}", f"{_BASE}presentation:1.0}}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_PROPERTIES = (f"{_DC}title", f"{_DC}subject", f"{_META}keyword", f"{_DC}description")
_P, _H, _ROW = f"{_TEXT}p", f"{_TEXT}h", f"{_TABLE}table-row"
_SPACES = frozenset({f"{_TEXT}s", f"{_TEXT}tab", f"{_TEXT}line-break"})
_ASIDES = {
    f"{_TEXT}note": "in a note",
    f"{_OFFICE}annotation": "in a comment",
}
_CONTENTS = frozenset({f"{_TEXT}table-of-content", f"{_TEXT}tracked-changes", f"{_TEXT}alphabetical-index"})
"""What repeats the text, or is no longer part of it."""


def read(package: Package) -> Iterator[Passage]:
    """The passages of a text, presentation or sheet in reading order.

    Raises InputRefused, naming the file, where it is protected by a password.
    """
    if "META-INF/manifest.xml" in package.names:
        manifest = package.unpacked("META-INF/manifest.xml")
        if b"encryption-data" in manifest or "encrypted-package" in package.names:
            raise InputRefused(
                f"{package.name} is protected by a password; it cannot be read.", cause="password"
            )
    if "meta.xml" in package.names:
        meta = package.xml("meta.xml")
        yield from properties(node.text for tag in _PROPERTIES for node in meta.iter(tag))
    content = package.xml("content.xml")
    titles = _title_styles(content)
    body = content.find(f"{_OFFICE}body")
    for kind_of_file in body if body is not None else ():
        yield from _blocks(kind_of_file, titles, _Place())


class _Place:
    """Where the reader stands: the slide or sheet, else the last heading."""

    def __init__(self) -> None:
        self.slides = 0
        self.part = ""
        self.under = ""

    def __str__(self) -> str:
        return self.part or self.under


def _blocks(container: Element, titles: frozenset[str], place: _Place) -> Iterator[Passage]:
    for block in container:
        tag = block.tag
        if tag in {_P, _H}:
            yield from _paragraph(block, titles, place)
        elif tag == f"{_TABLE}table":
            yield from _table(block, place)
        elif tag == f"{_DRAW}page":
            place.slides += 1
            place.part = f"slide {place.slides}"
            yield from _blocks(block, titles, place)
        elif tag == f"{_PRESENTATION}notes":
            for text in _texts(block):
                yield Passage(text=text, kind=Kind.NOTE, place=f"notes of {place}")
        elif tag == f"{_DRAW}frame" and block.get(f"{_PRESENTATION}class") == "title":
            kind = Kind.TITLE if place.slides == 1 else Kind.HEADING
            for text in _texts(block):
                yield Passage(text=text, kind=kind, place=str(place))
        elif tag in _ASIDES:
            yield from _aside(block, place)
        elif tag not in _CONTENTS and isinstance(tag, str) and len(block):
            yield from _blocks(block, titles, place)


def _paragraph(paragraph: Element, titles: frozenset[str], place: _Place) -> Iterator[Passage]:
    if text := _text(paragraph):
        kind = Kind.HEADING if paragraph.tag == _H else Kind.BODY
        if paragraph.get(f"{_TEXT}style-name") in titles:
            kind = Kind.TITLE
        if kind is Kind.HEADING:
            place.under = f"under “{text[:60]}”"
        yield Passage(text=text, kind=kind, place="" if kind is Kind.TITLE else str(place))
    for tag in _ASIDES:
        for aside in paragraph.iter(tag):
            yield from _aside(aside, place)
    for box in paragraph.iter(f"{_DRAW}text-box"):
        yield from _blocks(box, titles, place)


def _aside(aside: Element, place: _Place) -> Iterator[Passage]:
    where = _ASIDES[aside.tag]
    for text in _texts(aside):
        yield Passage(text=text, kind=Kind.NOTE, place=f"{where}, {place}" if place.part else where)


def _table(table: Element, place: _Place) -> Iterator[Passage]:
    """The rows with words in them; in a sheet of a workbook with its name and the row's number."""
    name = table.get(f"{_TABLE}name", "")
    sheet = table.getparent().tag == f"{_OFFICE}spreadsheet"
    if sheet and name:
        yield Passage(text=name, kind=Kind.HEADING, place=f"sheet “{name}”")
    number = 1
    for row in table.iter(_ROW):
        cells = [" ".join(_texts(cell)) for cell in row]
        repeated = row.get(f"{_TABLE}number-rows-repeated", "1")
        words = [text for text in cells if any(map(str.isalpha, text))]
        if words:
            where = f"sheet “{name}”, row {number}" if sheet else f"table {place}".strip()
            yield Passage(text=" | ".join(words), kind=Kind.TABLE, place=where)
        number += int(repeated) if repeated.isdecimal() else 1
    for aside in table.iter(f"{_OFFICE}annotation"):
        yield from _aside(aside, place)


def _texts(container: Element) -> Iterator[str]:
    for paragraph in container.iter(_P, _H):
        if text := _text(paragraph):
            yield text


def _text(paragraph: Element) -> str:
    """The words of a paragraph, without the notes, comments and text boxes anchored in it."""
    pieces: list[str] = []
    _collect(paragraph, pieces)
    return " ".join("".join(pieces).split())


def _collect(element: Element, pieces: list[str]) -> None:
    pieces.append(element.text or "")
    for child in element:
        if child.tag in _SPACES:
            pieces.append(" ")
        elif child.tag not in _ASIDES and child.tag != f"{_DRAW}frame" and isinstance(child.tag, str):
            _collect(child, pieces)
        pieces.append(child.tail or "")


def _title_styles(content: Element) -> frozenset[str]:
    """The style of document titles and the automatic styles made from it."""
    own = [
        style.get(f"{_STYLE}name", "")
        for style in content.iter(f"{_STYLE}style")
        if style.get(f"{_STYLE}parent-style-name") == "Title"
    ]
    return frozenset({"Title", *own})
