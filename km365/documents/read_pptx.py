"""Text out of PowerPoint files: titles, bodies, tables, diagrams and speaker notes, slide by slide."""

from collections.abc import Iterator

from km365.core.passages import Kind, Passage
from km365.documents.ooxml import Element, Package

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_PARAGRAPH, _TEXT, _BREAK, _TAB = f"{_A}p", f"{_A}t", f"{_A}br", f"{_A}tab"
_PLACEHOLDER = f"{_P}ph"
_NUMBERS = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})
"""Placeholders that hold a number, a date or a picture, not content."""


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
    """Texts of the shapes and what they are: the slide's title, a table row or body."""
    for shape in slide.iter(f"{_P}sp"):
        placeholder = next(shape.iter(_PLACEHOLDER), None)
        role = placeholder.get("type", "") if placeholder is not None else ""
        if role in _NUMBERS:
            continue
        kind = {"title": Kind.HEADING, "ctrTitle": Kind.TITLE}.get(role, Kind.BODY)
        for text in _paragraphs(shape):
            yield text, kind
    for row in slide.iter(f"{_A}tr"):
        cells = [" ".join(_paragraphs(cell)) for cell in row.iter(f"{_A}tc")]
        if text := " | ".join(filter(None, cells)):
            yield text, Kind.TABLE


def _paragraphs(shape: Element) -> Iterator[str]:
    for paragraph in shape.iter(_PARAGRAPH):
        pieces = [
            (node.text or "") if node.tag == _TEXT else " " for node in paragraph.iter(_TEXT, _BREAK, _TAB)
        ]
        if text := "".join(pieces).strip():
            yield text
