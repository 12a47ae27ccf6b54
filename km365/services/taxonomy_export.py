"""Term sets written to files that other systems read."""

import gzip
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyoxigraph as rdf

from km365.core import taxonomy_csv, taxonomy_vocabulary
from km365.core.taxonomy import TermSet
from km365.core.taxonomy_file import to_json
from km365.core.taxonomy_skos import PREFIXES, Text, statements
from km365.errors import InputRefused
from km365.services.whole_file import whole_file

_GRAPHS = {
    "turtle": rdf.RdfFormat.TURTLE,
    "ntriples": rdf.RdfFormat.N_TRIPLES,
    "rdfxml": rdf.RdfFormat.RDF_XML,
    "jsonld": rdf.RdfFormat.JSON_LD,
}
FORMATS = (*_GRAPHS, "csv", "json", "vocabulary")
"""turtle, ntriples, rdfxml, jsonld: SKOS; csv: the term store's; json: our own; vocabulary: plain JSON."""
_BY_ENDING = {
    **{".ttl": "turtle", ".turtle": "turtle", ".nt": "ntriples", ".rdf": "rdfxml", ".xml": "rdfxml"},
    **{".jsonld": "jsonld", ".csv": "csv", ".json": "json"},
}
_CONTROL = {code: " " for code in range(32) if code not in {9, 10, 13}}


def export(
    term_sets: Sequence[TermSet], file: Path, *, kind: str | None = None, language: str = "en"
) -> None:
    """Writes the term sets to `file` in one step, packed where its name ends in .gz.

    `kind` is one of `FORMATS`; without it the file's ending tells. csv, json and vocabulary hold one term
    set, csv one `language`. Raises InputRefused where the kind cannot hold them or the file not be written.
    """
    kind = kind or _BY_ENDING.get(Path(file.name.lower().removesuffix(".gz")).suffix, "")
    if kind not in FORMATS:
        raise InputRefused(f"{file}: its ending names no format; known are {', '.join(_BY_ENDING)}.")
    if kind in _GRAPHS:
        data = _graph(term_sets, _GRAPHS[kind])
    elif len(term_sets) != 1:
        raise InputRefused(f"{file}: a {kind} file holds one term set, not {len(term_sets)}; name one facet.")
    else:
        data = _one(term_sets[0], kind, language)
    if file.name.lower().endswith(".gz"):
        data = gzip.compress(data, mtime=0)
    write(file, data)


def _one(term_set: TermSet, kind: str, language: str) -> bytes:
    if kind == "json":
        return to_json(term_set).encode()
    if kind == "vocabulary":
        return taxonomy_vocabulary.to_json(term_set).encode()
    try:
        return b"\xef\xbb\xbf" + taxonomy_csv.to_csv(term_set, language=language).encode()
    except ValueError as error:
        raise InputRefused(str(error)) from None


def _graph(term_sets: Sequence[TermSet], kind: rdf.RdfFormat) -> bytes:
    made = io.BytesIO()
    try:
        rdf.serialize(_triples(term_sets), made, format=kind, prefixes=dict(PREFIXES))
    except ValueError as error:
        raise InputRefused(f"An id cannot be written as an IRI: {error}.") from None
    return made.getvalue()


def _triples(term_sets: Sequence[TermSet]) -> Iterator[rdf.Triple]:
    nodes: dict[str, rdf.NamedNode] = {}

    def node(address: str) -> rdf.NamedNode:
        found = nodes.get(address)
        if found is None:
            found = nodes[address] = rdf.NamedNode(address)
        return found

    for subject, predicate, value in statements(term_sets):
        if isinstance(value, Text):
            text = value.text.translate(_CONTROL)
            literal = rdf.Literal(text, language=value.language) if value.language else rdf.Literal(text)
            yield rdf.Triple(node(subject), node(predicate), literal)
        else:
            yield rdf.Triple(node(subject), node(predicate), node(value))


def write(file: Path, data: bytes) -> None:
    """Replaces `file` in one step, so that it is never half written. Raises InputRefused naming it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as beside:
            beside.write_bytes(data)
    except OSError as error:
        raise InputRefused(f"{file}: it cannot be written ({error.strerror}).") from None
