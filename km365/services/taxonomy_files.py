"""Vocabularies in files of any of the usual kinds: reading them, whatever they hold, and writing them.

Files come from outside: how much is read is limited, no address in them is ever fetched, and what cannot be
taken is named while the rest is kept.
"""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, NoReturn

import pyoxigraph as rdf

from km365.core import json_text, taxonomy_csv, taxonomy_vocabulary
from km365.core.taxonomy import TermSet
from km365.core.taxonomy_file import read as read_own
from km365.core.taxonomy_reading import Reading, Says
from km365.core.taxonomy_skos import SkosReader, Text
from km365.errors import InputRefused
from km365.services.memory import collector_paused

BYTES_AT_MOST = 256 * 1024 * 1024
"""How much of a file is read, unpacked."""
STATEMENTS_AT_MOST = 20_000_000
_ERRORS_AT_MOST = 200
"""Syntax errors after which a file is given up."""
_KINDS = {
    ".ttl": rdf.RdfFormat.TURTLE,
    ".turtle": rdf.RdfFormat.TURTLE,
    ".nt": rdf.RdfFormat.N_TRIPLES,
    ".rdf": rdf.RdfFormat.RDF_XML,
    ".xml": rdf.RdfFormat.RDF_XML,
    ".owl": rdf.RdfFormat.RDF_XML,
    ".jsonld": rdf.RdfFormat.JSON_LD,
}
READABLE = (*_KINDS, ".json", ".csv")
"""The endings of the files that can be read, each also with .gz behind it."""


def read_vocabulary(file: Path, *, key: str = "vocabulary", language: str = "en") -> TermSet:
    """All concepts of `file` as one term set with their own ids, whatever schemes they are in.

    `language` is that of labels which name none. Raises InputRefused where the file cannot be read at all or
    holds no concept; what else is wrong in it is not told here (`read_file` tells).
    """
    reading = read_file(file, key=key, language=language)
    if not reading.term_sets:
        raise InputRefused(f"{file}: {reading.problems[0]}")
    return reading.term_sets[0]


def read_file(file: Path, *, key: str | None = None, language: str = "en") -> Reading:
    """What `file` holds (SKOS as Turtle, N-Triples, JSON-LD or RDF/XML; JSON; term-store CSV; or any in .gz).

    With `key` everything goes into one term set of that key. Raises InputRefused naming the file where it
    cannot be read at all.
    """
    ending = _ending(file)
    try:
        with collector_paused(), file.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            opened = _Limited(gzip.GzipFile(fileobj=raw) if packed else raw, file)
            if ending in {".json", ".csv"}:
                return _read_whole(opened, file, ending, key=key, language=language)
            return _read_graph(opened, file, _KINDS[ending], key=key, language=language)
    except OSError as error:
        raise InputRefused(f"{file}: it cannot be read ({error.strerror or error}).") from None
    except (EOFError, zlib.error):
        raise InputRefused(f"{file}: it is not packed right (gzip); pack it again.") from None


def _ending(file: Path) -> str:
    name = file.name.lower().removesuffix(".gz")
    ending = Path(name).suffix
    if ending not in READABLE:
        raise InputRefused(f"{file}: its ending says not what it holds; known are {', '.join(READABLE)}.")
    return ending


class _Limited(io.RawIOBase):
    """A file that may not hold more than `BYTES_AT_MOST`."""

    def __init__(self, opened: IO[bytes] | gzip.GzipFile, file: Path) -> None:
        self._opened, self._file, self._left = opened, file, BYTES_AT_MOST

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._opened.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise InputRefused(f"{self._file}: it holds more than {BYTES_AT_MOST // 1024**2} MB.")
        return data


def _read_whole(opened: _Limited, file: Path, ending: str, *, key: str | None, language: str) -> Reading:
    try:
        text = opened.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputRefused(f"{file}: byte {error.start} is not UTF-8; save the file as UTF-8.") from None
    if ending == ".csv":
        return taxonomy_csv.read(text, key=key, language=language)
    if _OURS.match(text):
        return _read_own(text, file, key)
    try:
        data = json_text.strict(text)
    except ValueError as error:
        raise InputRefused(f"{file}, {error}.") from None
    if taxonomy_vocabulary.looks_like(data):
        return taxonomy_vocabulary.read(data, key=key, language=language)
    if isinstance(data, dict) and "concepts" in data:
        return _read_own(text, file, key)
    return _read_graph(io.BytesIO(text.encode()), file, rdf.RdfFormat.JSON_LD, key=key, language=language)


_OURS = re.compile(r'\s*\{\s*"key"\s*:')


def _read_own(text: str, file: Path, key: str | None) -> Reading:
    found = read_own(text, source=str(file))
    sets = (replace(found.term_set, key=key or found.term_set.key),) if found.term_set else ()
    return Reading(
        term_sets=sets,
        problems=found.wrong,
        says=Says.EVERYTHING,
        whole=not found.wrong,
        unread=found.doubtful,
    )


def _read_graph(opened: Any, file: Path, kind: rdf.RdfFormat, *, key: str | None, language: str) -> Reading:
    if kind == rdf.RdfFormat.RDF_XML:
        opened = _PlainXml(opened, file)
    reader = SkosReader(language=language)
    for count, quad in enumerate(_statements(opened, kind, reader)):
        if count == STATEMENTS_AT_MOST:
            reader.problems.append(
                f"It holds more than {STATEMENTS_AT_MOST:,} statements; the rest is left out."
            )
            reader.whole = False
            break
        subject, value = quad.subject, quad.object
        if isinstance(value, rdf.Literal):
            reader.add(_name(subject), quad.predicate.value, Text(value.value, value.language or ""))
        else:
            reader.add(_name(subject), quad.predicate.value, _name(value))
    return reader.finish(key=key)


def _name(node: Any) -> str:
    return f"_:{node.value}" if isinstance(node, rdf.BlankNode) else str(node.value)


def _statements(opened: Any, kind: rdf.RdfFormat, reader: SkosReader) -> Iterator[rdf.Quad]:
    """The statements; what the parser stumbles over is said with its line.

    Lines of Turtle that begin a new subject are where it goes on; the other formats end there.
    """
    by_lines = kind in {rdf.RdfFormat.TURTLE, rdf.RdfFormat.N_TRIPLES}
    data = opened.read() if by_lines else b""
    at, lines_before, header, errors = 0, 0, b"", 0
    while True:
        parser = rdf.parse(io.BytesIO(header + data[at:]) if by_lines else opened, format=kind)
        try:
            yield from parser
            return
        except SyntaxError as error:
            errors += 1
            reader.whole = False
            line = lines_before + (error.lineno or 1) - header.count(b"\n")
            reader.problems.append(f"{f'line {line}' if error.lineno else 'the file'}: {_complaint(error)}")
            if not by_lines:
                reader.problems.append("What stands behind that is not read.")
                return
            if errors >= _ERRORS_AT_MOST:
                reader.problems.append(
                    f"There are {_ERRORS_AT_MOST} such lines; what stands behind is not read."
                )
                return
            header = b"".join(f"@prefix {p}: <{i}> .\n".encode() for p, i in parser.prefixes.items())
            at, lines_before = _next_subject(data, at, lines_before, line)
            if at < 0:
                return


_SUBJECT = re.compile(rb"^(?=[<@\[]|_:|[\w-]*:)", re.MULTILINE)


def _next_subject(data: bytes, at: int, lines_before: int, line: int) -> tuple[int, int]:
    """Where the first subject behind the `line` begins, and how many lines are before it; -1 for nowhere."""
    end = at
    for _ in range(line - lines_before):
        end = data.find(b"\n", end) + 1
        if not end:
            return -1, 0
    found = _SUBJECT.search(data, end)
    return (found.start(), line + data.count(b"\n", end, found.start())) if found else (-1, 0)


def _complaint(error: SyntaxError) -> str:
    if "LoadDocumentCallback" in error.msg:
        return "its @context is an address; nothing is fetched. Put the context itself into the file."
    return re.sub(r"^Parser error (at|between) .*?: ", "", error.msg)


_ENTITY = re.compile(rb"<!ENTITY\s+[\w.-]+\s+(?:\"[^\"&%]{0,200}\"|'[^'&%]{0,200}')\s*>")
_HEAD = 1024 * 1024
_REFERENCES_AT_MOST = 1_000_000


class _PlainXml(io.RawIOBase):
    """An XML file whose entities, if any, are short names for addresses.

    Entities that refer to others or to files, or stand anywhere but in the first megabyte, could make a small
    file fill the memory or give away what is on this machine: such a file is refused.
    """

    def __init__(self, opened: _Limited, file: Path) -> None:
        self._opened, self._file = opened, file
        self._head = opened.read(_HEAD)
        if self._head[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\x00" in self._head[:4]:
            raise InputRefused(f"{file}: it is not UTF-8; save the file as UTF-8.")
        declared = self._head.count(b"<!ENTITY")
        if declared != len(_ENTITY.findall(self._head)):
            self._refuse("its entities refer to others or to files, or are long")
        self._declared = declared > 0
        self._references = 0
        self._end = self._head[-8:]

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._head:
            data, self._head = (self._head[:size], self._head[size:]) if size >= 0 else (self._head, b"")
        else:
            data = self._opened.read(size)
            if b"<!ENTITY" in self._end + data:
                self._refuse("it declares entities in its middle")
            self._end = (self._end + data)[-8:]
        self._references += data.count(b"&") if self._declared else 0
        if self._references > _REFERENCES_AT_MOST:
            self._refuse("it refers to its entities too often")
        return data

    def _refuse(self, why: str) -> NoReturn:
        raise InputRefused(f"{self._file}: {why}; such a file is not read.")
