"""What a message says beside its text: a forwarded message without who said it, and the links of either.

Teams shows a forwarded message to a bot as HTML beside the text: a `blockquote` whose `itemtype` is
`http://schema.skype.com/Forward` and which names nobody, or, in newer clients, an attachment
`forwardedMessageReference` that holds the message and its sender. A quoted message that is answered
(`…/Reply`, with the name of its author) is somebody else's and is left out.

Of a link with a title Teams writes only the title into the text; its address is in the HTML alone.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lxml import etree

_FORWARD = "http://schema.skype.com/forward"
_REPLY = "http://schema.skype.com/reply"
_REFERENCE = "forwardedmessagereference"
_OF_PERSONS = frozenset({"mri", "time"})
_WEB = ("https://", "http://")
_OF_THEIR_OWN = frozenset({"p", "div", "li", "tr", "h1", "h2", "h3", "blockquote"})
_LONGEST = 30_000
"""Characters of HTML, a little above what Teams lets a message be."""
_MOST_LINKS = 20


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What stands in a message's HTML."""

    forwarded: str | None
    """The words of a message that forwards another: one's own, then the forwarded ones; None for any other.
    The names of those who wrote are not in it."""
    links: tuple[str, ...]
    """The web addresses it links to, each once."""


def beside(activity: Mapping[str, Any]) -> Beside:
    """What the message's HTML says. Hostile input gives odd words, never an error."""
    pages = list(_pages(activity))
    links = dict.fromkeys(address for one in pages for address in one.links)
    words = "\n\n".join(text for one in pages if (text := one.words()))
    return Beside(
        forwarded=words if any(one.forwards for one in pages) else None, links=tuple(links)[:_MOST_LINKS]
    )


def _pages(activity: Mapping[str, Any]) -> Iterator["_Page"]:
    """The message's own HTML, then that of each message it refers to."""
    attachments = activity.get("attachments")
    for one in attachments if isinstance(attachments, list) else []:
        if not isinstance(one, dict):
            continue
        kind, content = str(one.get("contentType")).lower(), one.get("content")
        if kind == "text/html" and isinstance(content, str):
            yield _Page(content[:_LONGEST])
        if kind == _REFERENCE:
            yield _Page(_referred(content)[:_LONGEST], forwards=True)


def _referred(content: object) -> str:
    """The HTML of the message in a reference, which comes as JSON in a text."""
    try:
        told = json.loads(content) if isinstance(content, str) else content
    except (ValueError, RecursionError):
        return ""
    told = told if isinstance(told, dict) else {}
    body = told.get("body")
    html = told.get("originalMessageContent") or (body.get("content") if isinstance(body, dict) else "")
    return html if isinstance(html, str) else ""


class _Page:
    """A message's HTML as plain paragraphs, without quoted answers and names.

    It is told of the HTML by lxml, whose time grows with the length only (that of `html.parser` with its
    square) and which ends every element that was begun.
    """

    def __init__(self, html: str, *, forwards: bool = False) -> None:
        self.forwards = forwards
        self.links: list[str] = []
        self._parts: list[str] = []
        self._hidden = 0
        """How many elements are open from the outermost that is not shown."""
        target: Any = self  # its types want `comment` and bytes too, which lxml does not
        parser = etree.HTMLParser(target=target, encoding="utf-8", no_network=True)
        with suppress(etree.XMLSyntaxError, ValueError):  # nothing in it, or no more that can be read
            etree.fromstring(html.encode("utf-8", "replace"), parser)

    def words(self) -> str:
        """The paragraphs, one a line."""
        lines = "".join(self._parts).replace("\xa0", " ").splitlines()
        return "\n".join(line for one in lines if (line := " ".join(one.split())))

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        """Begins a paragraph, or something that is not shown until it ends."""
        kind = attrs.get("itemtype", "").lower()
        self.forwards = self.forwards or (tag == "blockquote" and kind == _FORWARD)
        if tag in _OF_THEIR_OWN or tag == "br":
            self._parts.append("\n")
        hides = kind == _REPLY or attrs.get("itemprop") in _OF_PERSONS or tag in {"script", "style"}
        if hides or self._hidden:
            self._hidden += 1
        elif tag == "a" and (address := attrs.get("href", "").strip()).lower().startswith(_WEB):
            self.links.append("%20".join(address.split()))

    def end(self, tag: str) -> None:
        """Ends a paragraph, or what was not shown."""
        self._hidden = max(0, self._hidden - 1)
        if tag in _OF_THEIR_OWN:
            self._parts.append("\n")

    def data(self, data: str) -> None:
        """Words, if they are to be shown."""
        if not self._hidden:
            self._parts.append(data)

    def close(self) -> None:
        """All is read."""
