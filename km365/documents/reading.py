"""Text out of files that people wrote; what cannot be read is refused by name and reason."""

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from km365.core.passages import Kind, Passage
from km365.documents import read_docx, read_pdf, read_pptx, read_xlsx
from km365.documents.ooxml import Package
from km365.errors import InputRefused

LIMIT_BYTES = 100 * 1024 * 1024
"""Larger files are refused without being downloaded; reports are a hundredth of it."""

_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLD = frozenset({".doc", ".ppt", ".xls"})
_PACKAGES: dict[str, Callable[[Package], Iterator[Passage]]] = {
    ".docx": read_docx.read,
    ".docm": read_docx.read,
    ".dotx": read_docx.read,
    ".pptx": read_pptx.read,
    ".pptm": read_pptx.read,
    ".xlsx": read_xlsx.read,
    ".xlsm": read_xlsx.read,
}
_TEXTS = frozenset({".txt", ".md"})
READABLE = frozenset({*_PACKAGES, *_TEXTS, ".pdf"})
"""The file name endings that can be read."""


def refuse_unread(name: str, size_bytes: int) -> None:
    """Raises InputRefused, naming the file, for one that cannot be read, before it is downloaded."""
    ending = PurePosixPath(name).suffix.lower()
    if ending in _OLD:
        raise InputRefused(f"{name} is in an old Office format; save it as {ending}x to have it read.")
    if ending not in READABLE:
        raise InputRefused(f"{name}: files of this kind ({ending or 'no ending'}) are not read.")
    if size_bytes == 0:
        raise InputRefused(f"{name} is empty.")
    if size_bytes > LIMIT_BYTES:
        raise InputRefused(
            f"{name} is {size_bytes // 2**20} MB large; files over {LIMIT_BYTES // 2**20} MB are not read."
        )


def read(name: str, data: bytes) -> list[Passage]:
    """The passages of a file in reading order, its name first; never empty of text.

    Raises InputRefused, naming the file and why, for one that is empty, too large, broken, protected by a
    password, or of a kind that is not read. Macros are never run and never read.
    """
    refuse_unread(name, len(data))
    path = PurePosixPath(name)
    ending = path.suffix.lower()
    if data.startswith(_OLE2):
        if "EncryptedPackage".encode("utf-16-le") in data[: 64 * 1024] or b"E\0n\0c\0r\0y\0p\0t" in data:
            raise InputRefused(f"{name} is protected by a password; it cannot be read.")
        raise InputRefused(f"{name} is in an old Office format under a new name; save it again.")
    passages = list(_passages(name, ending, data))
    if not any(passage.text for passage in passages):
        raise InputRefused(f"{name} holds no text.")
    return [Passage(text=path.stem.replace("_", " "), kind=Kind.NAME, place="file name"), *passages]


def _passages(name: str, ending: str, data: bytes) -> Iterator[Passage]:
    if ending == ".pdf":
        return read_pdf.read(name, data)
    if ending in _TEXTS:
        return _lines(name, data)
    return _PACKAGES[ending](Package(name, data))


def _lines(name: str, data: bytes) -> Iterator[Passage]:
    """Paragraphs of a plain text, Markdown headings marked."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if b"\0" in data:
            raise InputRefused(f"{name} is not text.") from None
        text = data.decode("cp1252", errors="replace")
    under, read_to = "", 1
    for block in _BLANK_LINES.split(text):
        line = read_to + block[: len(block) - len(block.lstrip())].count("\n")
        read_to += block.count("\n")
        paragraph = " ".join(block.split())
        if not paragraph or _BLANK_LINES.fullmatch(block):
            continue
        marked = paragraph.startswith("#") or _BOLD.fullmatch(paragraph) is not None
        words = " ".join(paragraph.lstrip("# ").replace("**", "").split())
        words = words.strip("* ") if marked else words
        if marked:
            under = f"under “{words[:60]}”"
        yield Passage(text=words, kind=Kind.HEADING if marked else Kind.BODY, place=under or f"line {line}")


_BLANK_LINES = re.compile(r"(\n\s*\n)")
_BOLD = re.compile(r"(?:\*\*[^*]+\*\*\s*)+")
