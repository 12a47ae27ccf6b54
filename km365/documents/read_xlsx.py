"""Text out of Excel files: the words in the cells, row by row; numbers say nothing to a tagger."""

from collections.abc import Iterator

from km365.core.passages import Kind, Passage
from km365.documents.ooxml import Element, Package

_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read(package: Package) -> Iterator[Passage]:
    """The passages of a workbook: each sheet's name, then its rows with words in them."""
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
        for row in package.xml(part).iter(f"{_S}row"):
            words = [text for cell in row.iter(f"{_S}c") if (text := _words(cell, shared))]
            if words:
                yield Passage(
                    text=" | ".join(words), kind=Kind.TABLE, place=f"{place}, row {row.get('r', '?')}"
                )


def _words(cell: Element, shared: list[str]) -> str:
    match cell.get("t"):
        case "s":
            index = cell.findtext(f"{_S}v") or ""
            return shared[int(index)] if index.isdecimal() and int(index) < len(shared) else ""
        case "inlineStr":
            return "".join(node.text or "" for node in cell.iter(f"{_S}t")).strip()
        case "str":
            return (cell.findtext(f"{_S}v") or "").strip()
    return ""


def _shared(package: Package) -> list[str]:
    part = "xl/sharedStrings.xml"
    if part not in package.names:
        return []
    return [
        "".join(node.text or "" for node in entry.iter(f"{_S}t")).strip()
        for entry in package.xml(part).iter(f"{_S}si")
    ]
