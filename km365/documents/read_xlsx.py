"""Text out of Excel files: the words in the cells, row by row; numbers say nothing to a tagger."""

import html
import re
from collections.abc import Iterator, Sequence

from km365.core.passages import Kind, Passage
from km365.documents.ooxml import Element, Package

_NAMES = {"": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
_S = f"{{{_NAMES['']}}}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TEXT, _RUN = f"{_S}t", f"{_S}r"

_NUMBER = re.compile(r'<row\b[^>]*?\sr="(\d+)"')
_CELLS = re.compile(
    r' t="(?:(s|str)"[^>]*>\s*(?:<f(?:[^>]*/>|.*?</f>)\s*)?<v[^>]*>([^<]*)</v>'
    r'|inlineStr"[^>]*>\s*<is>\s*(?:<t[^>]*>([^<]*)</t>\s*</is>|(.*?)</is>))',
    re.DOTALL,
)
"""The cells with words: the number of a shared text or what was last computed; a text; one in many runs."""
_SPOKEN = re.compile(r"<rPh\b.*?</rPh>", re.DOTALL)
"""How a text is pronounced, which Japanese Excel keeps beside it."""
_RUNS = re.compile(r"<t(?:\s[^>]*)?>([^<]*)</t>")


def read(package: Package) -> Iterator[Passage]:
    """The passages of a workbook: each sheet's name, its rows with words in them, its comments.

    Hidden sheets are left out: they hold lists for choosing from and the like.
    """
    yield from package.properties()
    book = "xl/workbook.xml"
    relations = package.relations(book)
    shared = shared_texts(package)
    for sheet in package.xml(book).iter(f"{_S}sheet"):
        name, part = sheet.get("name", ""), relations.get(sheet.get(_R, ""), "")
        if part not in package.names or sheet.get("state") in {"hidden", "veryHidden"}:
            continue
        place = f"sheet “{name}”"
        yield Passage(text=name, kind=Kind.HEADING, place=place)
        for row, words in _rows(package.plain(part, _NAMES), shared):
            yield Passage(text=words, kind=Kind.TABLE, place=f"{place}, row {row}")
        yield from _comments(package, part, place)


def _comments(package: Package, sheet: str, place: str) -> Iterator[Passage]:
    for part in package.relations(sheet).values():
        if part.startswith("xl/comments") and part in package.names:
            for comment in package.xml(part).iter(f"{_S}comment"):
                if text := " ".join(" ".join(t.text or "" for t in comment.iter(_TEXT)).split()):
                    where = f"comment in {place}, cell {comment.get('ref', '?')}"
                    yield Passage(text=text, kind=Kind.NOTE, place=where)


def _rows(sheet: bytes, shared: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The number of each row with words in it, and these words; what is computed as it was last."""
    for before in sheet.split(b"</row>"):
        row = before[max(0, before.rfind(b"<row")) :].decode("utf-8", "replace")
        words = []
        for kind, value, text, runs in _CELLS.findall(row):
            if kind == "s":
                words.append(shared[int(value)] if value.isdecimal() and int(value) < len(shared) else "")
            else:
                words.append(
                    _unescaped("".join(_RUNS.findall(_SPOKEN.sub("", runs))) if runs else value or text)
                )
        if said := " | ".join(filter(None, words)):
            number = _NUMBER.match(row)
            yield (number[1] if number else "?"), said


def _unescaped(text: str) -> str:
    return (html.unescape(text) if "&" in text else text).strip()


def shared_texts(package: Package) -> list[str]:
    """The texts that the cells of a workbook share, by their numbers."""
    part = "xl/sharedStrings.xml"
    return [_said(entry) for entry in package.each(part, f"{_S}si")] if part in package.names else []


def _said(entry: Element) -> str:
    """A text, all its runs together; how it is pronounced, which Japanese Excel keeps beside, is left out."""
    if len(entry) == 1 and entry[0].tag == _TEXT:
        return (entry[0].text or "").strip()
    runs = (child for child in entry if child.tag in {_TEXT, _RUN})
    return "".join(text.text or "" for run in runs for text in run.iter(_TEXT)).strip()
