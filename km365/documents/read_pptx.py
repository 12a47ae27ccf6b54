"""Text out of PowerPoint files: titles, bodies, tables, diagrams and speaker notes, slide by slide."""

import html
import re
from collections.abc import Iterator

from km365.core.passages import Kind, Passage
from km365.documents.ooxml import Element, Package

_NAMES = {
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "p": "http://schemas.openxmlformats.org/presentationml/2006/main",
}
_A, _P = (f"{{{uri}}}" for uri in _NAMES.values())
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_PARAGRAPH, _TEXT, _BREAK = f"{_A}p", f"{_A}t", f"{_A}br"
_ROLE = re.compile(r'<p:ph\b[^>]*?\stype="(\w+)"')
_TITLES = {"title": Kind.HEADING, "ctrTitle": Kind.TITLE}
_NUMBERS = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})
"""Placeholders that hold a number, a date or a picture, not content."""
_Shape = tuple[Kind, list[str]]
"""What a shape is, and its paragraphs."""
_Row = list[list[str]]
"""The paragraphs of each cell."""


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
        for text, kind in _texts(package.plain(part, _NAMES)):
            title = kind is Kind.TITLE and number > 1
            yield Passage(text=text, kind=Kind.HEADING if title else kind, place=place)
        for target in package.relations(part, "notesSlide", "diagramData").values():
            if target not in package.names:
                continue
            if target.startswith("ppt/notesSlides/"):
                for text, _ in _texts(package.plain(target, _NAMES)):
                    yield Passage(text=text, kind=Kind.NOTE, place=f"notes of {place}")
            elif target.startswith("ppt/diagrams/data"):
                for text in _paragraphs(package.xml(target)):
                    yield Passage(text=text, kind=Kind.BODY, place=f"diagram on {place}")


def _texts(slide: bytes) -> list[tuple[str, Kind]]:
    """Texts of the shapes and what they are, the slide's title or body; then the rows of tables.

    What a piece of text is, is told by what ends and begins between the one before and itself.
    """
    shapes: list[_Shape] = []
    rows: list[_Row] = []
    paragraphs: list[str] = []
    said = ""
    for before in slide.decode("utf-8", "replace").split("</a:t>")[:-1]:
        begin = before.rfind("<")
        if before.find("</a:p>", 0, begin) >= 0:
            paragraphs.append(said)
            said = ""
            if before.find("</a:tc>", 0, begin) >= 0:
                paragraphs = _next_cell(before, rows)
        if before.find("<p:", 0, begin) >= 0:
            paragraphs.append(said)
            said = ""
            paragraphs = _begun(before, shapes, rows)
        if before.find("<a:br", 0, begin) >= 0:
            said += " "
        said += before[before.find(">", begin) + 1 :]
    paragraphs.append(said)
    found = [(text, kind) for kind, paragraphs in shapes for text in _whole(paragraphs)]
    lines = (" | ".join(filter(None, (" ".join(_whole(cell)) for cell in row))) for row in rows)
    return found + [(line, Kind.TABLE) for line in lines if line]


def _begun(markup: str, shapes: list[_Shape], rows: list[_Row]) -> list[str]:
    """Where the paragraphs of the shape or table go that begins last in `markup`; nowhere if not read."""
    begin = max(markup.rfind("<p:sp>"), markup.rfind("<p:sp "))
    frame = markup.rfind("<p:graphicFrame")
    paragraphs: list[str] = []
    if frame > begin and markup.find("<a:tbl>", frame) >= 0:
        rows.append([paragraphs])
    elif begin > frame:
        found = _ROLE.search(markup, begin)
        role = found[1] if found else ""
        if role not in _NUMBERS:
            shapes.append((_TITLES.get(role, Kind.BODY), paragraphs))
    return paragraphs


def _next_cell(markup: str, rows: list[_Row]) -> list[str]:
    """Where the paragraphs go that stand behind the end of a cell, and perhaps of its row."""
    paragraphs: list[str] = []
    if "</a:tr>" in markup or not rows:
        rows.append([paragraphs])
    else:
        rows[-1].append(paragraphs)
    return paragraphs


def _whole(paragraphs: list[str]) -> list[str]:
    """The paragraphs that say something."""
    return [text for one in paragraphs if (text := (html.unescape(one) if "&" in one else one).strip())]


def _paragraphs(diagram: Element) -> Iterator[str]:
    for paragraph in diagram.iter(_PARAGRAPH):
        pieces = [(node.text or "") if node.tag == _TEXT else " " for node in paragraph.iter(_TEXT, _BREAK)]
        if text := "".join(pieces).strip():
            yield text
