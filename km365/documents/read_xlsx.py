"""Text out of Excel files: the words in the cells, row by row; numbers say nothing to a tagger."""

import re
from collections.abc import Iterator

from km365.core.passages import Kind, Passage
from km365.documents.ooxml import Element, Package

_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ROW, _CELL, _VALUE, _TEXT, _RUN = f"{_S}row", f"{_S}c", f"{_S}v", f"{_S}t", f"{_S}r"

_NUMBER = re.compile(rb'<c r="[A-Z]+\d+"(?: s="\d+")?(?: t="n")?(?:/>|><v>[^<]*</v></c>)')
"""A cell that is empty or holds a number, as Excel and others write it; other spellings are parsed."""


def read(package: Package) -> Iterator[Passage]:
    """The passages of a workbook: each sheet's name, its rows with words in them, its comments.

    Hidden sheets are left out: they hold lists for choosing from and the like.
    """
    yield from package.properties()
    book = "xl/workbook.xml"
    relations = package.relations(book)
    shared = _shared(package)
    for sheet in package.xml(book).iter(f"{_S}sheet"):
        name, part = sheet.get("name", ""), relations.get(sheet.get(_R, ""), "")
        if part not in package.names or sheet.get("state") in {"hidden", "veryHidden"}:
            continue
        place = f"sheet “{name}”"
        yield Passage(text=name, kind=Kind.HEADING, place=place)
        for row in package.each(part, _ROW, drop=_NUMBER):
            words = [text for cell in row if cell.get("t", "n") != "n" and (text := _words(cell, shared))]
            if words:
                where = f"{place}, row {row.get('r', '?')}"
                yield Passage(text=" | ".join(words), kind=Kind.TABLE, place=where)
        yield from _comments(package, part, place)


def _comments(package: Package, sheet: str, place: str) -> Iterator[Passage]:
    for part in package.relations(sheet).values():
        if part.startswith("xl/comments") and part in package.names:
            for comment in package.xml(part).iter(f"{_S}comment"):
                if text := " ".join(" ".join(t.text or "" for t in comment.iter(_TEXT)).split()):
                    where = f"comment in {place}, cell {comment.get('ref', '?')}"
                    yield Passage(text=text, kind=Kind.NOTE, place=where)


def _words(cell: Element, shared: list[str]) -> str:
    """The words in a cell: what it holds, points to, or was last computed to be."""
    if not len(cell):
        return ""
    held = cell[-1]
    match cell.get("t"):
        case "inlineStr":
            return (held[0].text or "").strip() if len(held) == 1 and not len(held[0]) else _said(held)
        case "s":
            index = held.text or ""
            return shared[int(index)] if index.isdecimal() and int(index) < len(shared) else ""
        case "str":
            return (held.text or "").strip()
    return ""


def _shared(package: Package) -> list[str]:
    part = "xl/sharedStrings.xml"
    return [_said(entry) for entry in package.each(part, f"{_S}si")] if part in package.names else []


def _said(entry: Element) -> str:
    """A text, all its runs together; how it is pronounced, which Japanese Excel keeps beside, is left out."""
    if len(entry) == 1 and entry[0].tag == _TEXT:
        return (entry[0].text or "").strip()
    runs = (child for child in entry if child.tag in {_TEXT, _RUN})
    return "".join(text.text or "" for run in runs for text in run.iter(_TEXT)).strip()
