"""Everything wrong with term sets, each with its file, line and term."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from km365.core.taxonomy import TermSet
from km365.core.taxonomy_check import Problem, check, check_layer, check_set
from km365.core.taxonomy_file import Found, read
from km365.errors import InputRefused
from km365.services import taxonomy, taxonomy_layers
from km365.services.taxonomy_files import read_file
from km365.templates import Templates


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing wrong. `line` is None and `term` "" where it concerns the whole file.

    `kind` is a word for those of its sort. `fatal`: the term set cannot be used as it is.
    """

    file: str
    what: str
    line: int | None = None
    term: str = ""
    kind: str = ""
    fatal: bool = False

    def __str__(self) -> str:
        if not self.file:
            return self.what
        place = f", line {self.line}" if self.line else ""
        return f"{self.file}{place}, {self.term}: {self.what}." if self.term else f"{self.file}, {self.what}"


def of_all(templates: Templates) -> list[Finding]:
    """Everything wrong with the term sets in force and the layers of the offices, checked together."""
    known, unusable = taxonomy.read_files(templates, slight=True)
    findings = [Finding(file="", what=line, fatal=True) for line in unusable]
    if problems := check(known):
        places = _places(templates)
        for problem in problems:
            file, line = places.get(problem.where, ("", None))
            findings.append(_finding(problem, file or "taxonomies", line))
    return findings


def of_file(file: Path, templates: Templates) -> list[Finding]:
    """Everything wrong with one file of any kind that can be read.

    Links to other term sets are not followed, but the terms of an office's layer are looked at among the
    global ones in force.
    """
    try:
        text = _own(file)
        if text is None:
            reading = read_file(file)
            findings = [Finding(file=str(file), what=line) for line in reading.problems]
            problems = [one for term_set in reading.term_sets for one in check_set(term_set)]
            return findings + [_finding(problem, str(file), None) for problem in problems]
    except InputRefused as refusal:
        return [Finding(file="", what=str(refusal), fatal=True)]
    found = read(text, source=str(file))
    findings = [Finding(file="", what=line, fatal=True) for line in found.wrong]
    lines = line_of_each(text)
    return findings + [
        _finding(problem, str(file), lines.get(problem.where))
        for problem in _problems(found, file, templates)
        if problem.fatal or problem.where not in found.doubtful
    ]


def _own(file: Path) -> str | None:
    """The text of a file that is a term set of our own; None where it is of another kind."""
    if file.suffix != ".json":
        return None
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputRefused(f"{file}: byte {error.start} is not UTF-8; save the file as UTF-8.") from None
    except OSError as error:
        raise InputRefused(f"{file}: it cannot be read ({error.strerror}).") from None
    others = ("prefLabel", "@context", "@graph", "@id")
    return None if any(f'"{name}"' in text for name in others) else text


def _problems(found: Found, file: Path, templates: Templates) -> Iterable[Problem]:
    term_set: TermSet | None = found.term_set
    if term_set is None:
        return []
    place = file.resolve().parent
    if place.parent.name == "offices":
        term_set = replace(term_set, office=place.name.lower())
    if not term_set.office:
        return check_set(term_set)
    return check_layer(term_set, taxonomy.read_files(templates)[0])


def _finding(problem: Problem, file: str, line: int | None) -> Finding:
    return Finding(
        file=file, line=line, term=problem.where, what=problem.what, kind=problem.kind, fatal=problem.fatal
    )


def _places(templates: Templates) -> dict[str, tuple[str, int | None]]:
    """File and line of each concept in force."""
    found: dict[str, tuple[str, int | None]] = {}
    for pattern in ("taxonomies/*.json", taxonomy_layers.PATTERN):
        for name in templates.names(pattern):
            for concept_id, line in line_of_each(templates.path(name).read_text("utf-8", "replace")).items():
                found.setdefault(concept_id, (name, line))
    return found


def line_of_each(text: str) -> Mapping[str, int]:
    """The line on which each concept of our JSON begins; those of a file that is not JSON are not known."""
    start = text.find("[", text.find('"concepts"'))
    decoder = json.JSONDecoder()
    found: dict[str, int] = {}
    line, counted = 1, 0
    at = start + 1 if start >= 0 else len(text)
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        try:
            concept, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return found
        line, counted = line + text.count("\n", counted, at), at
        if isinstance(concept, dict) and isinstance(concept.get("id"), str):
            found.setdefault(concept["id"], line)
        at = end
