"""Office files (docx, pptx, xlsx) opened with care: they are zip archives of XML that somebody sent us.

Sizes are checked before anything is unpacked and again while it is, entities are never expanded, macros and
everything else that is not text are never read.
"""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from lxml import etree

from km365.core.passages import Kind, Passage
from km365.errors import InputRefused

MOST_ENTRIES = 10_000
MOST_UNPACKED_BYTES = 400 * 1024 * 1024
MOST_PART_BYTES = 120 * 1024 * 1024
MOST_RATIO = 300
"""Text compresses ten- to thirtyfold; an archive that unpacks to more than this is a bomb."""

_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_PROPERTIES = (
    "{http://purl.org/dc/elements/1.1/}title",
    "{http://purl.org/dc/elements/1.1/}subject",
    "{http://schemas.openxmlformats.org/package/2006/metadata/core-properties}keywords",
)
_MADE_UP_TITLES = frozenset(
    {"powerpoint presentation", "word document", "document", "presentation", "untitled"}
)
"""What programs write into the title when nobody does."""

Element = Any
"""An lxml element; its stubs and its C code disagree, so it is unparsed XML to us."""


class Package:
    """The parts of one Office file. Raises InputRefused, naming the file, for anything odd."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            entries = self._zip.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
            raise InputRefused(f"{name} is damaged: it is not a whole Office file.") from None
        unpacked = sum(entry.file_size for entry in entries)
        if len(entries) > MOST_ENTRIES or unpacked > MOST_UNPACKED_BYTES:
            raise InputRefused(f"{name} unpacks to {unpacked // 2**20} MB; it was not opened.")
        if any(
            entry.file_size > 2**20 and entry.file_size > MOST_RATIO * entry.compress_size
            for entry in entries
        ):
            raise InputRefused(f"{name} is packed like a zip bomb; it was not opened.")
        if any(entry.flag_bits & 1 for entry in entries):
            raise InputRefused(f"{name} is protected by a password; it cannot be read.")
        self.names = frozenset(self._zip.namelist())

    def xml(self, part: str) -> Element:
        """The root element of a part. Raises InputRefused if it is absent or broken."""
        try:
            with self._zip.open(part) as opened:
                data = opened.read(MOST_PART_BYTES + 1)
        except (KeyError, zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError):
            raise InputRefused(f"{self.name} is damaged: its part {part} cannot be read.") from None
        except Exception as error:  # zlib.error is no OSError
            raise InputRefused(f"{self.name} is damaged ({type(error).__name__}).") from None
        if len(data) > MOST_PART_BYTES:
            raise InputRefused(f"{self.name} holds more than {MOST_PART_BYTES // 2**20} MB of text.")
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            root: Element = etree.fromstring(data, parser)
        except etree.XMLSyntaxError:
            raise InputRefused(f"{self.name} is damaged: its part {part} is not XML.") from None
        if root.getroottree().docinfo.doctype:
            raise InputRefused(f"{self.name} declares XML entities, which Office never does; not opened.")
        return root

    def relations(self, part: str) -> dict[str, str]:
        """Where the relations of a part lead: target part by relation id."""
        folder, _, file = part.rpartition("/")
        source = f"{folder}/_rels/{file}.rels"
        if source not in self.names:
            return {}
        return {
            relation.get("Id", ""): _resolve(folder, relation.get("Target", ""))
            for relation in self.xml(source).iter(_RELATIONS)
            if relation.get("TargetMode") != "External"
        }

    def properties(self) -> Iterator[Passage]:
        """Title, subject and keywords that somebody filled in."""
        if "docProps/core.xml" not in self.names:
            return
        root = self.xml("docProps/core.xml")
        for tag in _PROPERTIES:
            text = (root.findtext(tag) or "").strip()
            if text and text.casefold() not in _MADE_UP_TITLES:
                yield Passage(text=text, kind=Kind.PROPERTY, place="file properties")


def _resolve(folder: str, target: str) -> str:
    """The part that a relation's target names, relative to the folder of its source."""
    if target.startswith("/"):
        return target.lstrip("/")
    parts = folder.split("/") if folder else []
    for step in target.split("/"):
        if step == "..":
            parts = parts[:-1]
        elif step not in {"", "."}:
            parts.append(step)
    return "/".join(parts)
