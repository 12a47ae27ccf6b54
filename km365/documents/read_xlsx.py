"""Text out of Excel files: the words in the cells, row by row; numbers say nothing to a tagger."""

from collections.abc import Iterator

from km365.core.passages import Kind, Passage
from km365.documents.ooxml import Element, Package

_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ROW, _CELL, _VALUE, _TEXT, _RUN = f"{_S}row", f"{_S}c", f"{_S}v", f"{_S}t", f"{_S}r"


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
        for row in package.each(part, _ROW):
            words = [text for cell in row if (kind := cell.get("t")) and (text := _words(cell, kind, shared))]
            if words:
                yield Passage(
                    text=" | ".join(words), kind=Kind.TABLE, place=f"{place}, row {row.get('r', '?')}"
                )
        yield from _comments(package, part, place)


def _comments(package: Package, sheet: str, place: str) -> Iterator[Passage]:
    for part in package.relations(sheet).values():
        if part.startswith("xl/comments") and part in package.names:
            for comment in package.xml(part).iter(f"{_S}comment"):
                if text := " ".join(" ".join(t.text or "" for t in comment.iter(_TEXT)).split()):
                    where = f"comment in {place}, cell {comment.get('ref', '?')}"
                    yield Passage(text=text, kind=Kind.NOTE, place=where)


def _words(cell: Element, kind: str, shared: list[str]) -> str:
    match kind:
        case "s":
            index = cell.findtext(_VALUE) or ""
            return shared[int(index)] if index.isdecimal() and int(index) < len(shared) else ""
        case "inlineStr":
            return "".join(node.text or "" for node in cell.iter(_TEXT)).strip()
        case "str":
            return (cell.findtext(_VALUE) or "").strip()
    return ""


def _shared(package: Package) -> list[str]:
    """The texts that cells point to; how a word is pronounced, which Japanese Excel keeps, is left out."""
    part = "xl/sharedStrings.xml"
    if part not in package.names:
        return []
    return [_said(entry) for entry in package.each(part, f"{_S}si")]


def _said(entry: Element) -> str:
    if len(entry) == 1 and entry[0].tag == _TEXT:
        return (entry[0].text or "").strip()
    runs = (child for child in entry if child.tag in {_TEXT, _RUN})
    return "".join(text.text or "" for run in runs for text in run.iter(_TEXT)).strip()
