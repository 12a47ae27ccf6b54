"""Term sets as files: our own JSON, one facet a file (`templates/taxonomies/`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from km365.core.languages import LANGUAGES
from km365.core.taxonomy import Concept, Evidence, Link, Mode, Rule, Status, TermSet
from km365.errors import TemplateError

E = TypeVar("E", bound=StrEnum)


def from_json(text: str, *, source: str) -> TermSet:
    """The term set that `text` describes. Raises TemplateError naming `source` and the line or key."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise TemplateError(f"{source}, line {error.lineno}: not JSON ({error.msg}).") from None
    reader = _Reader(source)
    top = reader.mapping(data, "the file", {"key", "names", "column", "mode", "rule", "concepts"})
    rule = reader.mapping(top.get("rule", {}), "rule", {"at_most", "required", "threshold", "evidence"})
    mode = reader.choice(Mode, top.get("mode", "suggest"), "mode")
    items = top.get("concepts")
    if not isinstance(items, list) or not items:
        raise reader.error("concepts", "must be a list with at least one concept")
    return TermSet(
        key=reader.text(top, "key"),
        names=reader.labels(top.get("names"), "names"),
        column=reader.optional(top, "column", "") or "",
        mode=mode,
        rule=Rule(
            at_most=reader.number(rule.get("at_most", 5), "rule.at_most", 1, 1000),
            required=bool(rule.get("required", False)),
            threshold=reader.number(rule.get("threshold", 0.5), "rule.threshold", 0, 1),
            evidence=reader.choice(Evidence, rule.get("evidence", "anywhere"), "rule.evidence"),
        ),
        concepts=tuple(reader.concept(item, f"concepts[{n}]", mode) for n, item in enumerate(items)),
    )


def to_json(term_set: TermSet) -> str:
    """The term set as our JSON, one concept a paragraph; `from_json` reads it back unchanged."""
    rule = term_set.rule
    data: dict[str, Any] = {
        "key": term_set.key,
        "names": dict(term_set.names),
        **({"column": term_set.column} if term_set.column else {}),
        "mode": str(term_set.mode),
        "rule": {
            "at_most": rule.at_most,
            "required": rule.required,
            "threshold": rule.threshold,
            "evidence": str(rule.evidence),
        },
        "concepts": [_concept_json(concept, term_set.mode) for concept in term_set.concepts],
    }
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _concept_json(concept: Concept, default_mode: Mode) -> dict[str, Any]:
    data: dict[str, Any] = {"id": concept.id, "labels": dict(concept.labels)}
    if concept.synonyms:
        data["synonyms"] = {language: list(texts) for language, texts in concept.synonyms.items()}
    if concept.broader:
        data["broader"] = concept.broader
    if concept.mapped_to:
        data["mapped_to"] = [{"link": str(link), "id": other} for link, other in concept.mapped_to]
    if concept.status is not Status.CURRENT:
        data["status"] = str(concept.status)
    if concept.replaced_by:
        data["replaced_by"] = concept.replaced_by
    if concept.mode is not default_mode:
        data["mode"] = str(concept.mode)
    return data


_CONCEPT_KEYS = {"id", "labels", "synonyms", "broader", "mapped_to", "status", "replaced_by", "mode"}


@dataclass(frozen=True)
class _Reader:
    """Turns parsed JSON into values; every complaint names the file and the key."""

    source: str

    def error(self, where: str, what: str) -> TemplateError:
        return TemplateError(f"{self.source}, {where}: {what}.")

    def mapping(self, value: Any, where: str, keys: set[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.error(where, "must be an object")
        unknown = sorted(set(value) - keys)
        if unknown:
            raise self.error(where, f"unknown key {unknown[0]!r}; known are {', '.join(sorted(keys))}")
        return value

    def text(self, data: dict[str, Any], name: str, where: str = "") -> str:
        value = data.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"{where}{name}", "must be text and may not be empty")
        return value

    def optional(self, data: dict[str, Any], name: str, where: str) -> str | None:
        return self.text(data, name, where) if data.get(name) is not None else None

    def number(self, value: Any, where: str, low: float, high: float) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.error(where, f"must be a number from {low} to {high}")
        return value

    def choice(self, kind: type[E], value: Any, where: str) -> E:
        try:
            return kind(value)
        except ValueError:
            raise self.error(where, f"{value!r} is not one of {', '.join(kind)}") from None

    def labels(self, value: Any, where: str) -> Mapping[str, str]:
        data = self.mapping(value, where, set(LANGUAGES))
        if not data or any(not isinstance(text, str) or not text.strip() for text in data.values()):
            raise self.error(where, "must give one label per language")
        return data

    def synonyms(self, value: Any, where: str) -> Mapping[str, tuple[str, ...]]:
        data = self.mapping(value, where, set(LANGUAGES))
        for language, texts in data.items():
            if not isinstance(texts, list) or any(
                not isinstance(text, str) or not text.strip() for text in texts
            ):
                raise self.error(f"{where}.{language}", "must be a list of texts")
        return {language: tuple(texts) for language, texts in data.items()}

    def links(self, value: Any, where: str) -> tuple[tuple[Link, str], ...]:
        if not isinstance(value, list):
            raise self.error(where, "must be a list")
        links = []
        for n, item in enumerate(value):
            data = self.mapping(item, f"{where}[{n}]", {"link", "id"})
            place = f"{where}[{n}]."
            links.append((self.choice(Link, data.get("link"), f"{place}link"), self.text(data, "id", place)))
        return tuple(links)

    def concept(self, value: Any, where: str, mode: Mode) -> Concept:
        data = self.mapping(value, where, _CONCEPT_KEYS)
        concept_id = self.text(data, "id", f"{where}.")
        place = f"{concept_id}."
        return Concept(
            id=concept_id,
            labels=self.labels(data.get("labels"), f"{place}labels"),
            synonyms=self.synonyms(data.get("synonyms", {}), f"{place}synonyms"),
            broader=self.optional(data, "broader", place),
            mapped_to=self.links(data.get("mapped_to", []), f"{place}mapped_to"),
            status=self.choice(Status, data.get("status", "current"), f"{place}status"),
            replaced_by=self.optional(data, "replaced_by", place),
            mode=self.choice(Mode, data.get("mode", str(mode)), f"{place}mode"),
        )
