"""Reads a snapshot's files as a sceptic would: whatever stands in them must stand in a source."""

import io
import re
from collections.abc import Iterable

import docx

_QUOTED = re.compile(r"“\u2068?(?P<words>.+?)\u2069?”  .*\[(?P<number>\d+)\]", re.DOTALL)
_ON_A_PAGE = re.compile(r"“\u2068?<q [^>]*>(.*?)</q>\u2069?”")
_TAG = re.compile(r"<[^>]+>")


def in_word(data: bytes, *, until: str) -> list[str]:
    """The sentences of an English Word file above `until`; fails for a line neither heading nor quoted."""
    found = []
    paragraphs = docx.Document(io.BytesIO(data)).paragraphs
    above = [p.text for p in paragraphs].index(until)
    for paragraph in paragraphs[:above]:
        if paragraph.style is not None and paragraph.style.name in {
            "Title",
            "Subtitle",
            "Heading 1",
            "Caption",
        }:
            continue
        text = "".join(run.text for run in paragraph.runs)
        match = _QUOTED.fullmatch(text)
        assert match, f"neither a heading nor a quotation: {text!r}"
        found.append(match["words"])
    return found


def on_page(data: bytes) -> list[str]:
    """The sentences of an English HTML page, which has no script."""
    page = data.decode()
    assert "<script" not in page and "javascript:" not in page
    return [unescaped(words) for words in _ON_A_PAGE.findall(page)]


def unescaped(text: str) -> str:
    """The words without markup."""
    text = _TAG.sub("", text)
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&#34;", '"'), ("&#39;", "'"), ("&amp;", "&")):
        text = text.replace(entity, sign)
    return text


def unsupported(sentences: Iterable[str], sources: Iterable[str]) -> list[str]:
    """Those of the sentences that stand in none of the sources word for word, white space apart."""
    texts = [" ".join(text.split()) for text in sources]
    return [one for one in sentences if not any(one in text for text in texts)]
