"""A link with a title, as Teams tells a bot of it: the title in the text, the address in the HTML beside it.

How we know: activities of Teams clients as public bots' threads show them; written `[title](address)`, as
Teams' own composer takes it.
"""

import re
from collections.abc import Mapping
from html import escape, unescape
from typing import Any

from km365.local.routes import Json

_TYPED = re.compile(r"\[([^\]\n]{1,300})\]\((https?://[^\s()]+)\)")
_ANCHOR = re.compile(r'<a href="([^"]*)">([^<]*)</a>')


def parts(text: str) -> dict[str, Json]:
    """The text of a message, and the HTML beside it where there are links with titles in it."""
    if not _TYPED.search(text):
        return {"text": text}
    marked, end = "", 0
    for found in _TYPED.finditer(text):
        marked += escape(text[end : found.start()], quote=False)
        marked += f'<a href="{escape(found[2])}">{escape(found[1], quote=False)}</a>'
        end = found.end()
    html = (marked + escape(text[end:], quote=False)).replace("\n", "<br>")
    return {
        "text": _TYPED.sub(lambda found: found[1], text),
        "attachments": [{"contentType": "text/html", "content": f"<p>{html}</p>"}],
    }


def as_typed(activity: Mapping[str, Any]) -> str:
    """The text with its links, as the chat page shows it."""
    for one in activity.get("attachments") or []:
        html = str(one.get("content"))
        if one.get("contentType") == "text/html" and html.startswith("<p>") and _ANCHOR.search(html):
            text = _ANCHOR.sub(lambda found: f"[{found[2]}]({found[1]})", html)
            return unescape(text.removeprefix("<p>").removesuffix("</p>").replace("<br>", "\n"))
    return str(activity.get("text") or "")
