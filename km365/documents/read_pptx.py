"""Text out of PowerPoint files: titles, bodies, tables, diagrams and speaker notes, slide by slide."""

from collections.abc import Iterator

from km365.core.passages import Kind, Passage
from km365.documents.ooxml import Element, Package

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_PARAGRAPH, _TEXT, _BREAK, _TAB = f"{_A}p", f"{_A}t", f"{_A}br", f"{_A}tab"
_ROW, _CELL = f"{_A}tr", f"{_A}tc"
_SHAPE, _FRAME, _PLACEHOLDER = f"{_P}sp", f"{_P}graphicFrame", f"{_P}ph"
_SPACES = frozenset({_BREAK, _TAB})
_TITLES = {"title": Kind.HEADING, "ctrTitle": Kind.TITLE}
_NUMBERS = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})
"""Placeholders that hold a number, a date or a picture, not content."""
_Paragraphs = list[list[str]]
"""The pieces of text of each."""


def read(package: Package) -> Iterator[Passage]:
    """The passages of a presentation, slide by slide; notes follow their slide."""
    yield from package.properties()
    deck = "ppt/presentation.xml"
    relations = package.relations(deck)
    slides = [relations.get(slide.get(_R, ""), "") for slide in package.xml(deck).iter(f"{_P}sldId")]
    for number, part in enumerate(slides, start=1):
        if part not in package.names:
            continue
        place = f"slide {number}"
        for text, kind in _texts(_slide(package, part)):
            title = kind is Kind.TITLE and number > 1
            yield Passage(text=text, kind=Kind.HEADING if title else kind, place=place)
        for target in package.relations(part).values():
            if target not in package.names:
                continue
            if target.startswith("ppt/notesSlides/"):
                for text, _ in _texts(package.xml(target)):
                    yield Passage(text=text, kind=Kind.NOTE, place=f"notes of {place}")
            elif target.startswith("ppt/diagrams/data"):
                for text in _paragraphs(package.xml(target)):
                    yield Passage(text=text, kind=Kind.BODY, place=f"diagram on {place}")


def _slide(package: Package, part: str) -> Element:
    """A slide without the second copies of its shapes that are there for old versions."""
    slide = package.xml(part)
    if package.mentions(part, b"Fallback"):
        for fallback in list(slide.iter(_FALLBACK)):
            fallback.getparent().remove(fallback)
    return slide


def _texts(slide: Element) -> Iterator[tuple[str, Kind]]:
    """Texts of the shapes and what they are, the slide's title or body; then the rows of tables.

    All in one pass: to begin one for each shape and paragraph takes longer than to read them.
    """
    shapes: list[tuple[Kind, _Paragraphs]] = []
    rows: list[list[_Paragraphs]] = []
    pieces: list[str] = []
    paragraphs: _Paragraphs = []
    for node in slide.iter(_PARAGRAPH, _TEXT, _BREAK, _TAB, _SHAPE, _PLACEHOLDER, _FRAME, _ROW, _CELL):
        tag = node.tag
        if tag == _TEXT:
            pieces.append(node.text or "")
        elif tag == _PARAGRAPH:
            pieces = []
            paragraphs.append(pieces)
        elif tag in _SPACES:
            pieces.append(" ")
        else:
            paragraphs = _begun(node, shapes, rows)
    for kind, paragraphs in shapes:
        for text in _joined(paragraphs):
            yield text, kind
    for row in rows:
        if text := " | ".join(filter(None, (" ".join(_joined(cell)) for cell in row))):
            yield text, Kind.TABLE


def _begun(
    node: Element, shapes: list[tuple[Kind, _Paragraphs]], rows: list[list[_Paragraphs]]
) -> _Paragraphs:
    """Where the paragraphs go that stand in what begins: its shape, its cell, or nowhere."""
    tag, paragraphs = node.tag, _Paragraphs()
    if tag == _SHAPE:
        shapes.append((Kind.BODY, paragraphs))
    elif tag == _PLACEHOLDER and (role := node.get("type", "")) not in _NUMBERS:
        shapes.append((_TITLES.get(role, Kind.BODY), paragraphs))
    elif tag == _ROW:
        rows.append([])
    elif tag == _CELL and rows:
        rows[-1].append(paragraphs)
    return paragraphs


def _joined(paragraphs: _Paragraphs) -> list[str]:
    return [text for pieces in paragraphs if (text := "".join(pieces).strip())]


def _paragraphs(diagram: Element) -> Iterator[str]:
    for paragraph in diagram.iter(_PARAGRAPH):
        pieces = [
            (node.text or "") if node.tag == _TEXT else " " for node in paragraph.iter(_TEXT, _BREAK, _TAB)
        ]
        if text := "".join(pieces).strip():
            yield text
