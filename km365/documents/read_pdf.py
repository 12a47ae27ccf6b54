"""Text out of PDF files, page by page, with pdfium."""

import re
from collections.abc import Iterator

import pypdfium2 as pdfium

from km365.core.passages import Kind, Passage
from km365.errors import InputRefused

MOST_PAGES = 3_000
_PASSWORD_ERROR = 4
"""FPDF_ERR_PASSWORD (pdfium, fpdfview.h)."""

_HYPHENATED = re.compile("[\\u00ad\\ufffe\\u0002]\\s*\\n?")
_PARAGRAPH = re.compile(r"\n\s*\n|(?<=[.!?؟。])\s*\n")


def read(name: str, data: bytes) -> Iterator[Passage]:
    """The passages of a PDF. Raises InputRefused if it is encrypted, broken or holds no text."""
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_ERROR or "password" in str(error).lower():
            raise InputRefused(f"{name} is protected by a password; it cannot be read.") from None
        raise InputRefused(f"{name} is damaged: it is not a whole PDF.") from None
    try:
        if len(document) > MOST_PAGES:
            raise InputRefused(f"{name} has {len(document)} pages; at most {MOST_PAGES} are read.")
        yield from _properties(document)
        found = False
        for number in range(len(document)):
            for text in _paragraphs(document, number):
                found = True
                yield Passage(text=text, kind=Kind.BODY, place=f"page {number + 1}")
        if not found:
            raise InputRefused(f"{name} holds no text, only pictures of it (a scan); it cannot be read.")
    finally:
        document.close()


def _properties(document: pdfium.PdfDocument) -> Iterator[Passage]:
    facts = document.get_metadata_dict(skip_empty=True)
    for key in ("Title", "Subject", "Keywords"):
        if text := str(facts.get(key, "")).strip():
            yield Passage(text=text, kind=Kind.PROPERTY, place="file properties")


def _paragraphs(document: pdfium.PdfDocument, number: int) -> Iterator[str]:
    try:
        page = document[number]
        text = page.get_textpage().get_text_bounded()
    except pdfium.PdfiumError:
        return  # one broken page does not take the others with it
    text = _HYPHENATED.sub("", text.replace("\r\n", "\n"))
    for paragraph in _PARAGRAPH.split(text):
        if line := " ".join(paragraph.split()):
            yield line
