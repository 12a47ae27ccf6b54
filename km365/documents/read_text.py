"""Text out of plain text, Markdown and comma-separated files, and what characters unknown bytes are."""

import codecs
import csv
import re
from collections.abc import Iterator

from km365.core.passages import Kind, Passage
from km365.documents.ooxml import properties
from km365.errors import InputRefused

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_USUAL_LETTERS = {
    "cp1251": frozenset("оеаинтсрвлкмдпу"),
    "cp1256": frozenset("اليمنوترهبدعسقف"),
    "gb18030": frozenset("的一是不了在有和人这中大为上个国要年会以对时到可地发工生"),
}
"""The commonest letters of Russian, Arabic and Chinese in the code page that Windows wrote them in."""

_BLANK_LINES = re.compile(r"(\n\s*\n)")
_BOLD = re.compile(r"(?:\*\*[^*]+\*\*\s*)+")
_UNDERLINED = re.compile(r"\n\s*(?:={3,}|-{3,})\s*$")
_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\([^\[)\n]*\)")  # to the next [ only: linear
_RULER = re.compile(r"[\s|:\-=*_]+")
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_FRONT_LINE = re.compile(r"^(?:title|subject|keywords|tags|description|category)\s*:\s*(.+)$", re.I | re.M)
_MOST_CONTROLS = 0.02
_LONGEST_HEADING = 80


def decode(name: str, data: bytes, *, charset: str | None = None) -> str:
    """The characters of a text, as its byte order mark says, or `charset`, or what the bytes look like.

    Raises InputRefused, naming the file, where it is not text at all.
    """
    text = _decoded(data, charset).replace("\r\n", "\n").replace("\r", "\n")
    controls = sum(text.count(chr(code)) for code in (*range(8), *range(14, 27), *range(28, 32)))
    if "\0" in text or controls > _MOST_CONTROLS * len(text) + 1:
        raise InputRefused(f"{name} is not text.", cause="damaged")
    return text


def _decoded(data: bytes, charset: str | None) -> str:
    said = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), charset or "utf-8")
    for encoding in dict.fromkeys((said, "utf-8")):
        try:
            return data.decode(encoding).removeprefix("\ufeff")
        except (UnicodeError, LookupError, ValueError):
            continue
    sample = data[:20_000]
    if sum(byte >= 0x80 for byte in sample) > 0.3 * len(sample):
        return data.decode(max(_USUAL_LETTERS, key=lambda one: _likeness(sample, one)), errors="replace")
    return data.decode("cp1252", errors="replace")


def _likeness(sample: bytes, encoding: str) -> float:
    """The share of the commonest letters of its language in the sample read as `encoding`."""
    text = sample.decode(encoding, errors="replace").lower()
    letters = [letter for letter in text if letter > "\x7f"]
    worth = 4 if encoding == "gb18030" else 1  # there are thousands of characters, so each is rarer
    return worth * sum(letter in _USUAL_LETTERS[encoding] for letter in letters) / (len(letters) or 1)


def read(name: str, data: bytes, *, markdown: bool) -> Iterator[Passage]:
    """Paragraphs with the line or heading they stand at; headings are marked, or short lines."""
    text = decode(name, data)
    read_to, under = 1, ""
    if markdown and (front := _FRONT.match(text)):
        yield from properties(iter(_FRONT_LINE.findall(front[1])))
        text, read_to = text[front.end() :], 1 + front[0].count("\n")
    blocks = _BLANK_LINES.split(text)
    for number, block in enumerate(blocks):
        line = read_to + block[: len(block) - len(block.lstrip())].count("\n")
        read_to += block.count("\n")
        if not block.strip():
            continue
        if markdown and block.lstrip().startswith("|"):
            yield from _table(block, under or f"line {line}")
            continue
        follows = next((later for later in blocks[number + 1 : number + 4] if later.strip()), "")
        for words, is_heading in _parts(block, follows):
            if is_heading:
                under = f"under “{words[:60]}”"
            yield Passage(
                text=words, kind=Kind.HEADING if is_heading else Kind.BODY, place=under or f"line {line}"
            )


def _parts(block: str, follows: str) -> Iterator[tuple[str, bool]]:
    """The texts of a block and whether each is a heading: one may stand right above its paragraph."""
    lines = block.strip().split("\n")
    while lines and re.match(r"#{1,6}\s", lines[0]):
        yield _plain(lines.pop(0)).strip("#* "), True
    block = "\n".join(lines)
    marked = _BOLD.fullmatch(" ".join(block.split())) is not None or block.startswith("#")
    underlined = _UNDERLINED.search(block) if len(lines) == 2 else None
    if underlined is not None:
        block, marked = block[: underlined.start()], True
    words = _plain(block)
    if words and not _RULER.fullmatch(words):
        heading = marked or (len(lines) == 1 and _stands_above(words, _plain(follows)))
        yield (words.strip("#* ") if marked else words), heading


def _plain(block: str) -> str:
    """The words of a block without marks for bold and links."""
    return _LINK.sub(r"\1", " ".join(block.split())).replace("**", "")


def _stands_above(words: str, follows: str) -> bool:
    """Whether a line of its own reads as a heading: short, without a stop, and above a text."""
    short = len(words) <= _LONGEST_HEADING and words[-1] not in ".;:,!?。؟؛،" and any(map(str.isalpha, words))
    return short and len(follows) > max(_LONGEST_HEADING, 2 * len(words))


def _table(block: str, place: str) -> Iterator[Passage]:
    for row in block.strip().split("\n"):
        cells = [cell.strip() for cell in _plain(row).strip("|").split("|")]
        if any(map(str.isalpha, row)):
            yield Passage(text=" | ".join(filter(None, cells)), kind=Kind.TABLE, place=f"table {place}")


def read_csv(name: str, data: bytes) -> Iterator[Passage]:
    """The rows with words in them; numbers say nothing to a tagger."""
    text = decode(name, data)
    head = text[:4000]
    delimiter = max(",;\t|", key=head.count)
    try:
        for number, row in enumerate(csv.reader(text.splitlines(), delimiter=delimiter), start=1):
            words = [" ".join(cell.split()) for cell in row if any(map(str.isalpha, cell))]
            if words:
                yield Passage(text=" | ".join(words), kind=Kind.TABLE, place=f"row {number}")
    except csv.Error:
        raise InputRefused(
            f"{name} is damaged: it is not a table of comma-separated values.", cause="damaged"
        ) from None
