"""Text out of PDF files, page by page, with pdfium.

A PDF knows letters and where they stand, not paragraphs: titles and headings are lines in larger letters, and
what stands at the edge of most pages is a header or footer and counts once.
"""

import ctypes
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from km365.core.passages import Kind, Passage
from km365.core.text import clean
from km365.documents.ooxml import properties
from km365.errors import InputRefused

MOST_PAGES = 3_000
_PASSWORD_ERROR = 4
"""FPDF_ERR_PASSWORD (pdfium, fpdfview.h)."""

_BROKEN_WORD = re.compile(r"(\w+)[\u0002\ufffe](\w+)")
"""A word that pdfium found hyphenated at the end of a line; it leaves one of these marks for the hyphen."""
_COMPOUND = re.compile(r"\w+-\w+")
_STOPS, _CLOSING = tuple(".!?؟。:;"), "'\"”»)"
_DIGITS = re.compile(r"\d+")
_BULLET = re.compile(r"[•▪◦●‣⁃o*\-–]\s")
_EDGE = 3
"""Lines at the top and bottom of a page among which headers and footers are looked for."""
_HEADING_SIZE, _TITLE_SIZE = 1.12, 1.3
"""How many times as high as the letters of the text a heading's and a title's are, at least."""
_LONGEST_HEADING, _LONGEST_TITLE = 160, 300

Ocr = Callable[[bytes], Sequence[str]]
"""Reads the pictures of a PDF: text page by page."""


class _Line(NamedTuple):
    text: str
    page: int
    height: float
    """Of its letters, in points; 0 where it is not known."""


def read(name: str, data: bytes, *, ocr: Ocr | None = None) -> Iterator[Passage]:
    """The passages of a PDF, those of a scan by `ocr` if there is one.

    Raises InputRefused, naming the file, if it is encrypted, broken, endless or holds pictures of pages only.
    """
    document = _open(name, data)
    try:
        if len(document) > MOST_PAGES:
            raise InputRefused(
                f"{name} has {len(document)} pages; at most {MOST_PAGES} are read.", cause="too_long"
            )
        yield from _properties(document)
        pages = [_lines(document, number) for number in range(len(document))]
    finally:
        document.close()
    if ocr is not None and not any(line.text.strip() for page in pages for line in page):
        texts = enumerate(ocr(data), start=1)
        pages = [[_Line(line, page, 0.0) for line in text.splitlines()] for page, text in texts]
    lines = [line for page in _without_margins(pages) for line in page if line.text.strip()]
    if not lines:
        raise InputRefused(
            f"{name} holds pictures of pages only (a scan), no text; it cannot be read.", cause="scan"
        )
    yield from _passages(_whole_words(lines))


def _open(name: str, data: bytes) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_ERROR or "password" in str(error).lower():
            raise InputRefused(
                f"{name} is protected by a password; it cannot be read.", cause="password"
            ) from None
        raise InputRefused(f"{name} is damaged: it is not a whole PDF.", cause="damaged") from None


def _properties(document: pdfium.PdfDocument) -> Iterator[Passage]:
    facts = document.get_metadata_dict(skip_empty=True)
    return properties(str(facts.get(key, "")) for key in ("Title", "Subject", "Keywords"))


def _lines(document: pdfium.PdfDocument, number: int) -> list[_Line]:
    try:
        page = document[number]
        letters = page.get_textpage()
        text = letters.get_text_range()
    except pdfium.PdfiumError:
        return []  # one broken page does not take the others with it
    lines = text.split("\n")
    # letters are counted in UTF-16 units; where the two counts differ we cannot say which line a letter is in
    are_known = len(text) == letters.count_chars()
    heights = _heights(letters, lines) if are_known else [0.0] * len(lines)
    letters.close()
    page.close()
    return [_Line(line.rstrip("\r"), number + 1, height) for line, height in zip(lines, heights, strict=True)]


def _heights(letters: pdfium.PdfTextPage, lines: Sequence[str]) -> list[float]:
    """The height of the first letter of each line, 0 where it has none."""
    box = pdfium_c.FS_RECTF()
    there = ctypes.byref(box)
    measure, page = pdfium_c.FPDFText_GetLooseCharBox, letters.raw
    heights = []
    start = 0
    for line in lines:
        known = measure(page, start, there)
        heights.append(round(box.top - box.bottom, 1) if known else 0.0)
        start += len(line) + 1
    return heights


def _without_margins(pages: Sequence[Sequence[_Line]]) -> Iterator[list[_Line]]:
    """The pages without the headers, footers and page numbers they share, after the first time."""
    edges = [{_likeness(line.text) for line in (*page[:_EDGE], *page[-_EDGE:])} for page in pages]
    often = max(3, 0.4 * len(pages))
    counts = Counter(likeness for edge in edges for likeness in edge)
    repeated = {likeness for likeness, count in counts.items() if count >= often and likeness}
    seen: set[str] = set()
    for page in pages:
        kept = []
        for number, line in enumerate(page):
            if number < _EDGE or number >= len(page) - _EDGE:
                likeness = _likeness(line.text)
                if likeness in repeated and (likeness in seen or not any(map(str.isalpha, likeness))):
                    continue
                seen.add(likeness)
            kept.append(line)
        yield kept


def _likeness(line: str) -> str:
    """What pages have in common when their headers differ by the page number alone."""
    return _DIGITS.sub("#", line.strip()) if len(line) < _LONGEST_HEADING else ""


def _whole_words(lines: Sequence[_Line]) -> list[_Line]:
    """The lines with words whole again that were hyphenated at the end of a line.

    The hyphen stays where the text has the word with it elsewhere (`long-term`) and never without.
    """
    broken = [line for line in lines if "\x02" in line.text or "\ufffe" in line.text]
    if broken:
        text = "\n".join(line.text for line in lines).casefold()
        compounds = set(_COMPOUND.findall(text))

        def whole(found: re.Match[str]) -> str:
            joined, hyphened = found[1] + found[2], f"{found[1]}-{found[2]}"
            kept = hyphened.casefold() in compounds and joined.casefold() not in text
            return hyphened if kept else joined

        lines = [line._replace(text=_BROKEN_WORD.sub(whole, line.text)) for line in lines]
    return [line if line.text.isascii() else line._replace(text=clean(line.text)) for line in lines]


def _passages(lines: Sequence[_Line]) -> Iterator[Passage]:
    """Title, headings and paragraphs, told by the height of the letters and the ends of sentences."""
    usual = _usual_height(lines)
    title = _title(lines, usual)
    for (page, height), run in groupby(lines, key=lambda line: (line.page, line.height)):
        large = usual > 0 and height >= _HEADING_SIZE * usual
        for paragraph in _paragraphs(run, whole=large):
            kind = Kind.HEADING if large and len(paragraph) <= _LONGEST_HEADING else Kind.BODY
            if (page, height) == title and len(paragraph) <= _LONGEST_TITLE:
                kind, title = Kind.TITLE, None
            yield Passage(text=paragraph, kind=kind, place=f"page {page}")


def _usual_height(lines: Sequence[_Line]) -> float:
    """The height of most letters of the text; 0 where it is not known."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.height] += len(line.text)
    return max(sizes, key=lambda height: (sizes[height], -height))


def _title(lines: Sequence[_Line], usual: float) -> tuple[int, float] | None:
    """Page and height of the largest letters on the first page with text, if they are large enough."""
    first = lines[0].page
    largest = max(line.height for line in lines if line.page == first and any(map(str.isalpha, line.text)))
    return (first, largest) if usual and largest >= _TITLE_SIZE * usual else None


def _paragraphs(lines: Iterator[_Line], *, whole: bool) -> Iterator[str]:
    """Lines put together; `whole` runs (headings) are one, others end where a sentence ends with its line."""
    taken: list[str] = []
    for line in lines:
        if taken and not whole and (_ends(taken[-1]) or _BULLET.match(line.text)):
            yield " ".join(" ".join(taken).split())
            taken = []
        taken.append(line.text)
    if taken:
        yield " ".join(" ".join(taken).split())


def _ends(line: str) -> bool:
    """Whether a sentence ends with the line."""
    return line.rstrip().rstrip(_CLOSING).endswith(_STOPS)
