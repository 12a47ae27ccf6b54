"""Text out of web pages and of messages written as web pages."""

import re
from collections.abc import Iterator

from lxml import etree

from km365.core.passages import Kind, Passage
from km365.documents.ooxml import Element, properties
from km365.documents.read_text import decode
from km365.errors import InputRefused

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w\-:]{2,40})", re.IGNORECASE)
_NO_TEXT = (
    "script style noscript template svg math iframe object embed applet canvas audio video nav form button "
    "select option textarea input head"
)
"""What is no text, or serves the page and not its subject."""
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_WITHIN_TEXT = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark meter q s samp small "
    "span strike strong sub sup time tt u var wbr img"
)
_LEFT_OUT, _INLINE = frozenset(_NO_TEXT.split()), frozenset(_WITHIN_TEXT.split())
_PROPERTIES = ("keywords", "description", "subject", "dc.title", "dc.subject", "dcterms.subject")
_LONGEST_CELL = 300
"""A table with longer texts, or with tables in it, is layout and read as text."""


def read(name: str, data: bytes, *, charset: str | None = None) -> Iterator[Passage]:
    """The passages of a page in reading order; scripts, styles, menus and forms are left out."""
    said = _CHARSET.search(data[:4096])
    text = decode(name, data, charset=charset or (said[1].decode("ascii", "replace") if said else None))
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False
    )
    try:
        page: Element = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return  # nothing in it
    if any("depth" in one.message for one in parser.error_log):  # libxml2 reads 256 levels and stops
        raise InputRefused(f"{name} is nested too deeply to be read.", cause="damaged")
    if page is None:
        return
    facts = {
        (meta.get("name") or "").lower(): meta.get("content")
        for meta in page.iter("meta")
        if meta.get("name")
    }
    yield from properties(facts.get(key) for key in _PROPERTIES)
    title = " ".join("".join(next(page.iter("title"), page.makeelement("title")).itertext()).split())
    if title:
        yield Passage(text=title, kind=Kind.TITLE)
    yield from _Page().read(page)


class _Page:
    """Gathers the words of one block at a time."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._under = ""

    def read(self, page: Element) -> Iterator[Passage]:
        yield from self._element(page)
        yield from self._block(Kind.BODY)

    def _element(self, element: Element) -> Iterator[Passage]:
        tag = element.tag
        if tag in _INLINE:
            yield from self._children(element)
        elif tag == "br":
            self._words.append(" ")
        elif tag == "table" and _is_data(element):
            yield from self._block(Kind.BODY)
            yield from self._rows(element)
        elif tag not in _LEFT_OUT and isinstance(tag, str):
            yield from self._block(Kind.BODY)
            yield from self._children(element)
            yield from self._block(Kind.HEADING if tag in _HEADINGS else Kind.BODY)

    def _children(self, element: Element) -> Iterator[Passage]:
        self._words.append(element.text or "")
        for child in element:
            yield from self._element(child)
            self._words.append(child.tail or "")

    def _block(self, kind: Kind) -> Iterator[Passage]:
        text = " ".join("".join(self._words).split())
        self._words.clear()
        if not text:
            return
        if kind is Kind.HEADING:
            self._under = f"under “{text[:60]}”"
        yield Passage(text=text, kind=kind, place=self._under)

    def _rows(self, table: Element) -> Iterator[Passage]:
        place = f"table {self._under}".strip()
        for row in table.iter("tr"):
            cells = [" ".join("".join(cell.itertext()).split()) for cell in row.iter("td", "th")]
            if text := " | ".join(filter(None, cells)):
                yield Passage(text=text, kind=Kind.TABLE, place=place)


def _is_data(table: Element) -> bool:
    if next(table.iterdescendants("table", *_HEADINGS), None) is not None:
        return False
    return all(len("".join(cell.itertext())) <= _LONGEST_CELL for cell in table.iter("td", "th"))
