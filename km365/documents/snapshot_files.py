"""A snapshot as a file: Word, HTML or JSON, each carrying what it rests on; and that read back.

The page is self-contained and has no script; the Word file comes from a template that an office edits.
"""

import json
import re
from collections.abc import Callable, Mapping
from html import unescape
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment
from lxml import etree

from km365.core.languages import is_rtl
from km365.core.snapshot import Snapshot
from km365.core.snapshot_kept import Kept
from km365.documents import docx
from km365.documents.docx import Run
from km365.documents.ooxml import Package
from km365.documents.snapshot_words import SnapshotWords
from km365.errors import InputRefused
from km365.errors import TemplateError as OurTemplateError
from km365.templates import Templates

WORD, PAGE = "docx/snapshot.docx", "reports/snapshot.html"
_PARTS, _PART = "customXml/", "/customXml/km365-snapshot.xml"
"""Where Word keeps such parts; it may give ours another name."""
_ELEMENT = "{urn:km365:snapshot}snapshot"
_META = re.compile(r'<meta name="km365-snapshot" content="([^"]*)">')
_LARGEST_BYTES = 20 * 1024 * 1024
"""A larger file is no snapshot."""


def write(
    snapshot: Snapshot, kept: Kept, words: SnapshotWords, templates: Templates, *, ending: str
) -> bytes:
    """The snapshot as one of `ENDINGS`. Raises TemplateError, naming the template that is wrong."""
    return _WRITERS[ending](snapshot, kept, words, templates)


def kept_in(path: Path) -> Kept:
    """What the snapshot in this file rests on. Raises InputRefused where it is no snapshot."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ValueError
        text = _READERS[path.suffix.lower()](path.name, path.read_bytes())
        return Kept.from_json(json.loads(text))
    except OSError as error:
        raise InputRefused(f"{path}: cannot be read ({type(error).__name__}).") from None
    except (KeyError, TypeError, ValueError, InputRefused):
        raise InputRefused(f"{path} is no snapshot that `km365 ask -o` has written.") from None


def to_json(snapshot: Snapshot, kept: Kept, words: SnapshotWords) -> dict[str, Any]:
    """All of a snapshot as JSON."""
    return {"snapshot": _plain(words.whole(snapshot)), "rests_on": kept.to_json()}


def _word(snapshot: Snapshot, kept: Kept, words: SnapshotWords, templates: Templates) -> bytes:
    element = etree.Element(_ELEMENT)
    element.text = json.dumps(kept.to_json(), ensure_ascii=True)
    said = words.whole(snapshot)
    return docx.fill(
        templates.data(WORD),
        said,
        name=WORD,
        title=f"{said['title']}: {said['topic']}",
        language=words.language,
        rtl=is_rtl(words.language),
        part=(_PART, etree.tostring(element, xml_declaration=True, encoding="UTF-8")),
    )


def _page(snapshot: Snapshot, kept: Kept, words: SnapshotWords, templates: Templates) -> bytes:
    environment = SandboxedEnvironment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    try:
        page = environment.from_string(templates.text(PAGE)).render(
            **words.whole(snapshot),
            language=words.language,
            direction="rtl" if is_rtl(words.language) else "ltr",
            direction_of=lambda run: "rtl" if is_rtl(run.language) else "ltr",
            kept=json.dumps(kept.to_json(), ensure_ascii=True),
        )
    except TemplateSyntaxError as error:
        raise OurTemplateError(f"{PAGE}, line {error.lineno}: {error.message}.") from None
    except TemplateError as error:
        raise OurTemplateError(f"{PAGE}: {error}.") from None
    return page.encode()


def _json(snapshot: Snapshot, kept: Kept, words: SnapshotWords, _: Templates) -> bytes:
    return json.dumps(to_json(snapshot, kept, words), ensure_ascii=False, indent=2).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Run):
        return {"text": value.text, "language": value.language} | ({"url": value.url} if value.url else {})
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _of_word(name: str, data: bytes) -> str:
    package = Package(name, data)
    parts = (
        package.xml(one) for one in sorted(package.names) if one.startswith(_PARTS) and one.endswith(".xml")
    )
    return next((str(root.text) for root in parts if root.tag == _ELEMENT), "")


def _of_page(_: str, data: bytes) -> str:
    found = _META.search(data.decode())
    return unescape(found[1]) if found else ""


def _of_json(_: str, data: bytes) -> str:
    return json.dumps(json.loads(data)["rests_on"])


_WRITERS: Mapping[str, Callable[[Snapshot, Kept, SnapshotWords, Templates], bytes]] = {
    ".docx": _word,
    ".html": _page,
    ".json": _json,
}
_READERS: Mapping[str, Callable[[str, bytes], str]] = {
    ".docx": _of_word,
    ".html": _of_page,
    ".json": _of_json,
}
ENDINGS = tuple(_WRITERS)
"""The kinds of file a snapshot can be kept as."""
