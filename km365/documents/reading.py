"""Text out of files that people wrote; what cannot be read is refused by name and reason.

Which reader takes a file is told by its content, and by its name's ending where the content does not tell.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

from km365.core.passages import Kind, Passage
from km365.core.written_in import with_languages
from km365.documents import (
    read_docx,
    read_html,
    read_mail,
    read_odf,
    read_pdf,
    read_pptx,
    read_rtf,
    read_text,
    read_xlsx,
)
from km365.documents.ooxml import Package
from km365.errors import InputRefused

LIMIT_BYTES = 100 * 1024 * 1024
"""Larger files are refused without being downloaded; reports are a hundredth of it."""
MOST_CHARACTERS = 20_000_000
"""Longer texts are refused: forty novels are not a document but data."""
MOST_PASSAGES = 200_000

_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLD = frozenset({".doc", ".ppt", ".xls"})
_PACKAGES: dict[str, Callable[[Package], Iterator[Passage]]] = {
    **dict.fromkeys((".docx", ".docm", ".dotx", ".dotm"), read_docx.read),
    **dict.fromkeys((".pptx", ".pptm", ".ppsx", ".ppsm", ".potx"), read_pptx.read),
    **dict.fromkeys((".xlsx", ".xlsm", ".xltx"), read_xlsx.read),
    **dict.fromkeys((".odt", ".ott", ".odp", ".ods"), read_odf.read),
}
_PARSED = frozenset({read_docx.read, read_odf.read})
"""Those whose text has come through an XML parser."""
_FILES: dict[str, Callable[[str, bytes], Iterator[Passage]]] = {
    ".txt": lambda name, data: read_text.read(name, data, markdown=False),
    ".md": lambda name, data: read_text.read(name, data, markdown=True),
    ".csv": read_text.read_csv,
    **dict.fromkeys((".html", ".htm"), read_html.read),
    **dict.fromkeys((".mht", ".mhtml"), read_mail.read_mht),
    ".eml": read_mail.read_eml,
    ".msg": read_mail.read_msg,
    ".rtf": read_rtf.read,
}
READABLE = frozenset({*_PACKAGES, *_FILES, ".pdf"})
"""The file name endings that can be read."""

_PARTS = (
    (b"word/document.xml", ".docx"),
    (b"ppt/presentation.xml", ".pptx"),
    (b"xl/workbook.xml", ".xlsx"),
    (b"content.xml", ".odt"),
)
"""The part by which each kind of package is known."""
_STARTS = (
    (b"%pdf-", ".pdf"),
    (b"{\\rtf", ".rtf"),
    (b"<!doctype html", ".html"),
    (b"<html", ".html"),
    (b"mime-version:", ".eml"),
)
"""How files of a kind begin, whatever their name says; a PDF may have something in front of it."""
_UNTITLED = frozenset({".docx", ".odt", ".txt", ".md", ".rtf"})
"""Kinds whose first line is the title where it looks like one and nothing else is."""
_LONGEST_TITLE = 120
_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]|[\ud800-\udfff]")
"""What no text holds and XML, JSON and databases stumble over."""


def refuse_unread(name: str, size_bytes: int) -> None:
    """Raises InputRefused, naming the file, for one that cannot be read, before it is downloaded."""
    ending = PurePosixPath(name).suffix.lower()
    if ending in _OLD:
        raise InputRefused(
            f"{name} is in an old Office format; save it as {ending}x to have it read.",
            cause="save_as",
            ending=f"{ending}x",
        )
    if ending == ".xlsb":
        raise InputRefused(
            f"{name} is a binary workbook; save it as .xlsx to have it read.", cause="save_as", ending=".xlsx"
        )
    if ending not in READABLE:
        raise InputRefused(
            f"{name}: files of this kind ({ending or 'no ending'}) are not read.", cause="kind"
        )
    if size_bytes == 0:
        raise InputRefused(f"{name} is empty.", cause="empty")
    if size_bytes > LIMIT_BYTES:
        raise InputRefused(
            f"{name} is {size_bytes // 2**20} MB large; files over {LIMIT_BYTES // 2**20} MB are not read.",
            cause="too_large",
            most=str(LIMIT_BYTES // 2**20),
        )


def read(name: str, data: bytes, *, ocr: read_pdf.Ocr | None = None) -> list[Passage]:
    """The passages of a file in reading order with their languages, its name first; never empty of text.

    `ocr` reads scans. Raises InputRefused, naming the file and why, for one that is empty, too large, broken,
    protected by a password, or of a kind that is not read. Macros are never run and never read; files within
    files are never opened.
    """
    refuse_unread(name, len(data))
    path = PurePosixPath(name)
    ending = _kind(name, path.suffix.lower(), data)
    try:
        is_safe = _is_safe_xml if _PACKAGES.get(ending) in _PARSED else str.isprintable
        passages = _bounded(name, _passages(name, ending, data, ocr), is_safe)
    except RecursionError:
        raise InputRefused(f"{name} is damaged: it is nested too deeply.", cause="damaged") from None
    if not any(passage.text for passage in passages):
        raise InputRefused(f"{name} holds no text.", cause="empty")
    if ending in _UNTITLED:
        passages = _titled(passages)
    own_name = Passage(text=path.stem.replace("_", " "), kind=Kind.NAME, place="file name")
    return with_languages([own_name, *passages])


def _kind(name: str, ending: str, data: bytes) -> str:
    """The ending the file should have: what its first bytes say, else what its name says."""
    head = data[:1024]
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(_OLE2):
        return _ole2(name, ending, data)
    if head.startswith(b"PK\x03\x04"):
        return _package(name, ending, data)
    if start.startswith(b"mime-version:") and ending in {".mht", ".mhtml"}:
        return ending
    for mark, kind in _STARTS:
        if start.startswith(mark) or (kind == ".pdf" and mark in start):
            return kind
    if ending in {".msg", ".rtf"}:
        raise InputRefused(f"{name} is damaged: it is not what its ending ({ending}) says.", cause="damaged")
    return ending


def _ole2(name: str, ending: str, data: bytes) -> str:
    if b"E\0n\0c\0r\0y\0p\0t" in data:
        raise InputRefused(f"{name} is protected by a password; it cannot be read.", cause="password")
    if "__properties_version1.0".encode("utf-16-le") in data or ending == ".msg":
        return ".msg"
    raise InputRefused(f"{name} is in an old Office format under a new name; save it again.", cause="damaged")


def _package(name: str, ending: str, data: bytes) -> str:
    """The kind of an archive, told by the names of its parts, which stand in it unpacked."""
    if any(part in data for part, kind in _PARTS if _PACKAGES[kind] is _PACKAGES.get(ending)):
        return ending
    kinds = [kind for part, kind in _PARTS if part in data]
    if not kinds and ending not in _PACKAGES:
        raise InputRefused(
            f"{name} is an archive of files and not what its ending ({ending}) says.", cause="damaged"
        )
    return kinds[0] if kinds else ending


def _passages(name: str, ending: str, data: bytes, ocr: read_pdf.Ocr | None) -> Iterator[Passage]:
    if ending == ".pdf":
        return read_pdf.read(name, data, ocr=ocr)
    if ending in _FILES:
        return _FILES[ending](name, data)
    return _PACKAGES[ending](Package(name, data))


def _is_safe_xml(text: str) -> bool:
    """Whether text that an XML parser let through is safe: of what is not, XML allows this one alone."""
    return "\x7f" not in text


def _bounded(name: str, passages: Iterable[Passage], is_safe: Callable[[str], bool]) -> list[Passage]:
    """All the passages, what is not safe taken out of them.

    `is_safe` need not be right where it says no. Raises InputRefused, naming the file, where they do not end.
    """
    kept: list[Passage] = []
    characters = 0
    for passage in passages:
        characters += len(passage.text)
        if characters > MOST_CHARACTERS:
            raise InputRefused(
                f"{name} holds more than {MOST_CHARACTERS:,} characters; it was not read.", cause="too_long"
            )
        if len(kept) == MOST_PASSAGES:
            raise InputRefused(
                f"{name} holds more than {MOST_PASSAGES:,} paragraphs; it was not read.", cause="too_long"
            )
        kept.append(passage if is_safe(passage.text) else _safe(passage))
    return kept


def _safe(passage: Passage) -> Passage:
    text = _UNSAFE.sub(" ", passage.text)
    return passage._replace(text=text.strip()) if text != passage.text else passage


def _titled(passages: list[Passage]) -> list[Passage]:
    """The passages, the first of them as the title where it is short, has no stop, and there is no other."""
    texts = [number for number, passage in enumerate(passages) if passage.kind is not Kind.PROPERTY]
    if len(texts) < 2 or any(passage.kind is Kind.TITLE for passage in passages):
        return passages
    first = passages[texts[0]]
    is_short = len(first.text) <= _LONGEST_TITLE and first.text[-1:] not in ".;:,!?。؟؛،"
    if first.kind is not Kind.BODY or not is_short or not any(map(str.isalpha, first.text)):
        return passages
    passages[texts[0]] = first._replace(kind=Kind.TITLE)
    return passages
