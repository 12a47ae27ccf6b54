"""Text out of rich text files (rtf), which old Word versions and mail programs write."""

from collections.abc import Iterator

from striprtf.striprtf import rtf_to_text

from km365.core.passages import Kind, Passage
from km365.errors import InputRefused


def read(name: str, data: bytes) -> Iterator[Passage]:
    """The paragraphs and table rows in order; pictures, embedded files, headers and notes are left out."""
    try:
        text = str(rtf_to_text(data.decode("latin-1"), errors="replace"))
    except (ValueError, LookupError, TypeError, IndexError, OverflowError):
        raise InputRefused(f"{name} is damaged: it is not whole rich text.", cause="damaged") from None
    for number, line in enumerate(text.split("\n"), start=1):
        cells = [" ".join(cell.split()) for cell in line.split("|")]
        row = len(cells) > 1
        if words := " | ".join(filter(None, cells)):
            place = f"paragraph {number}"
            yield Passage(text=words, kind=Kind.TABLE if row else Kind.BODY, place=place)
