"""`/search/query` over files and list items: names, column values, and the text inside Office and text files.

Of the query language it knows words (all must occur), "phrases", prefixes (`immuni*`), `filetype:` and
`path:`; the rest is refused by name. Texts are read when first searched; PDFs are found by name and columns.
"""

import html
import io
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from km365.local import blobs, files, items, lists
from km365.local.drive_paths import on_drives, on_items, target
from km365.local.routes import (
    Call,
    Documented,
    GraphFault,
    Json,
    invalid,
    known_properties,
    listed,
    part,
    route,
    text,
    unknown,
)
from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS blob_text (
    blob TEXT PRIMARY KEY REFERENCES blob ON DELETE CASCADE, text TEXT NOT NULL
) WITHOUT ROWID;
""")

KINDS = {"driveItem": "kind = 'file'", "listItem": "kind IN ('file', 'item')"}
MOST = 500
"""Hits a page may have (search-query)."""
LARGEST_READ = 20 * 1024 * 1024
PARTS = re.compile(r"word/document\d*\.xml|ppt/slides/slide\d+\.xml|xl/sharedStrings\.xml")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A query taken apart. A word matches at the beginning of a word of the text; a phrase anywhere."""

    words: tuple[re.Pattern[str], ...]
    endings: tuple[str, ...]
    paths: tuple[str, ...]


def parse(text: str) -> Wanted:
    """The query in its parts. 400 when it is empty, 501 naming what we do not know."""
    words, endings, paths = [], [], []
    for name, quoted, plain in re.findall(r'(?:(\w+):)?(?:"([^"]*)"|(\S+))', text):
        value = quoted or plain
        if name.lower() == "filetype":
            endings.append(value.lower().lstrip("."))
        elif name.lower() == "path":
            paths.append(value.rstrip("/").lower())
        elif name:
            raise unknown(f"{name}: in a search query")
        elif plain in ("OR", "NOT") or plain.startswith(("-", "(", "NEAR")):
            raise unknown(f"{plain} in a search query")
        elif plain != "AND":
            end = "" if value.endswith("*") else r"\b"
            words.append(re.compile(r"\b" + re.escape(value.rstrip("*")) + end, re.IGNORECASE))
    if not (words or endings or paths):
        raise invalid("The query is empty.")
    return Wanted(words=tuple(words), endings=tuple(endings), paths=tuple(paths))


@dataclass(frozen=True, kw_only=True)
class Found:
    """A hit: `score` counts the words' occurrences, more for the name."""

    item: sqlite3.Row
    library: sqlite3.Row
    score: int
    summary: str


def find(call: Call, wanted: Wanted, rows: list[sqlite3.Row]) -> list[Found]:
    """The items that match, best first."""
    found, known = [], {row["id"]: row for row in call.state.all("SELECT * FROM list")}
    for item in rows:
        library = known[item["list_id"]]
        address = call.web(lists.web_path(call.state, library) + item["path"]).lower()
        if wanted.endings and PurePosixPath(item["name"]).suffix.lower().lstrip(".") not in wanted.endings:
            continue
        if wanted.paths and not any(address.startswith(path) for path in wanted.paths):
            continue
        text = " ".join((*_values(items.stored_fields(item)), text_of(call.state, item)))
        counts = [5 * len(w.findall(item["name"])) + len(w.findall(text)) for w in wanted.words]
        if all(counts):
            summary = _summary(text, wanted)
            found.append(Found(item=item, library=library, score=sum(counts), summary=summary))
    return sorted(found, key=lambda f: (-f.score, f.item["name"], f.item["guid"]))


def _values(value: Json) -> Iterator[str]:
    """Every text in a column's value, labels of terms included, ids not."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("TermGuid", "WssId"):
                yield from _values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)


def _summary(text: str, wanted: Wanted) -> str:
    """A passage around the first hit, the words marked as Microsoft Search marks them."""
    first = next((m for w in wanted.words if (m := w.search(text))), None)
    start = max(0, first.start() - 80) if first else 0
    passage = html.escape(text[start : start + 240], quote=False)
    for number, word in enumerate(wanted.words):
        passage = word.sub(lambda m, n=number: f"<c{n}>{m[0]}</c{n}>", passage)  # type: ignore[misc] # n is bound
    return passage


def text_of(state: State, item: sqlite3.Row) -> str:
    """The text inside a file, read once per content; nothing for kinds and sizes we do not read."""
    if item["kind"] != "file":
        return ""
    content = files.content_of(state, item)
    row = state.one("SELECT text FROM blob_text WHERE blob = ?", content["blob"])
    if row is not None:
        return str(row["text"])
    text = ""
    if content["size"] <= LARGEST_READ:
        text = _text_in(item["name"], blobs.read(state, content["blob"]))
    with state.tx() as c:
        c.execute("INSERT INTO blob_text VALUES (?, ?)", (content["blob"], text))
    return text


def _text_in(name: str, data: bytes) -> str:
    ending = PurePosixPath(name).suffix.lower()
    if ending in (".txt", ".md", ".csv"):
        return data.decode("utf-8", "replace")
    if ending not in (".docx", ".pptx", ".xlsx"):
        return ""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = [p for p in archive.infolist() if PARTS.fullmatch(p.filename)]
            if sum(p.file_size for p in parts) > LARGEST_READ:
                return ""
            markup = " ".join(archive.read(p).decode("utf-8", "replace") for p in parts)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError):
        return ""
    # Runs of one paragraph belong together: only a paragraph's or a cell's end is a space.
    spaced = re.sub(r"</(?:w:p|a:p|si)>", " ", markup)
    return html.unescape(re.sub(r"<[^>]*>", "", spaced))


# Microsoft Search ----------------------------------------------------------------------------------------


@route("POST", "/search/query", evidence=Documented("search-query"), ru=2)
async def query(call: Call) -> Json:
    """One answer for each of the requests."""
    wanted = call.json().get("requests")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(w, dict) for w in wanted):
        raise invalid("'requests' must hold at least one request.")
    return {"value": [_answer(call, request) for request in wanted]}


def _answer(call: Call, request: dict[str, Json]) -> dict[str, Json]:
    known_properties(request, "entityTypes query from size fields region", "a search request")
    kinds = [str(kind) for kind in listed(request, "entityTypes")]
    if len(kinds) != 1:
        raise unknown("a search for several entity types at once")
    if kinds[0] not in KINDS:
        raise unknown(f"a search for {kinds[0]}")
    if call.caller.user_id is None and not request.get("region"):
        # Reported by everybody who searches as an application (search-api-overview).
        raise GraphFault(400, "BadRequest", "Region is required when request with application permission.")
    start, size = request.get("from", 0), request.get("size", 25)
    if not isinstance(start, int) or not isinstance(size, int) or start < 0 or not 0 < size <= MOST:
        raise invalid(f"'from' must not be negative, 'size' at most {MOST}.")
    asked = text(part(request, "query"), "queryString")
    rows = call.state.all(f"SELECT * FROM item WHERE deleted = 0 AND {KINDS[kinds[0]]}")  # noqa: S608 - our own
    found = find(call, parse(asked), rows)
    hits = [
        _hit(call, kinds[0], hit, rank, request.get("fields"))
        for rank, hit in enumerate(found[start : start + size], start + 1)
    ]
    more = start + size < len(found)
    container = {"hits": hits, "total": len(found), "moreResultsAvailable": more}
    return {"searchTerms": asked.split(), "hitsContainers": [container]}


def _hit(call: Call, kind: str, hit: Found, rank: int, wanted: Json) -> dict[str, Json]:
    if kind == "driveItem":
        shown = files.item_json(call, hit.library, hit.item)
        shown.pop("@microsoft.graph.downloadUrl", None)
        hit_id = shown["id"]
    else:
        view = items.View(call, hit.library)
        shown, hit_id = view.item(hit.item), hit.item["guid"]
        if isinstance(wanted, list):
            shown["fields"] = view.fields(hit.item, tuple(str(w) for w in wanted))
    resource = {"@odata.type": f"#microsoft.graph.{kind}", **shown}
    return {"hitId": hit_id, "rank": rank, "summary": hit.summary, "resource": resource}


# in one library ------------------------------------------------------------------------------------------


@on_drives("GET", "/search(q='{q}')", evidence=Documented("driveitem-search"), ru=2, options="select top")
@on_items("GET", "/search(q='{q}')", evidence=Documented("driveitem-search"), ru=2, options="select top")
async def search_drive(call: Call) -> Json:
    """Files and folders below the folder whose name, columns or text have all the words."""
    library, folder = target(call)
    below = (folder["path"] if folder else "") + "/"
    rows = call.state.all(
        "SELECT * FROM item WHERE list_id = ? AND deleted = 0 AND kind <> 'item' AND substr(path, 1, ?) = ?",
        *(library["id"], len(below), below),
    )
    top = min(call.query.number("top", 200), 1000)
    found = find(call, parse(call["q"].replace("''", "'")), rows)[:top]
    return {"value": [files.item_json(call, library, hit.item) for hit in found]}
