"""Term sets as files: our own JSON, one facet a file (`templates/taxonomies/`)."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, TypeVar

from km365.core import json_text
from km365.core.languages import LANGUAGES, is_language
from km365.core.taxonomy import Concept, Evidence, Link, Mode, Rule, Status, TermSet
from km365.core.taxonomy_reading import TERMS_AT_MOST
from km365.errors import InputRefused, TemplateError

E = TypeVar("E", bound=StrEnum)


def from_json(text: str, *, source: str) -> TermSet:
    """The term set that `text` describes. Raises TemplateError naming `source` and the line or key."""
    found = read(text, source=source)
    if found.wrong or found.term_set is None:
        raise TemplateError(found.wrong[0])
    return found.term_set


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a file holds: the term set as far as it can be read, and what cannot, one line each.

    `doubtful` are the ids of the concepts that could not be read whole, "" for the term set itself, with the
    fields that could not be read. No term set: not even a beginning.
    """

    term_set: TermSet | None
    wrong: tuple[str, ...] = ()
    doubtful: Mapping[str, frozenset[str]] = field(default_factory=dict)


def read(text: str, *, source: str) -> Found:
    """The term set that `text` describes, with everything wrong in how it is written."""
    reader = _Reader(source)
    try:
        data = json_text.strict(text, pairs=reader.pairs)
    except ValueError as error:
        return Found(term_set=None, wrong=(f"{source}, {error}.",))
    if not isinstance(data, dict):
        return Found(term_set=None, wrong=(f"{source}, the file: must be an object.",))
    term_set = reader.term_set(data)
    return Found(term_set=term_set, wrong=tuple(reader.wrong), doubtful=reader.doubtful)


def to_json(term_set: TermSet) -> str:
    """The term set as our JSON, one concept a paragraph; `from_json` reads it back unchanged."""
    rule = term_set.rule
    data: dict[str, Any] = {
        "key": term_set.key,
        "names": dict(term_set.names),
        **_filled(term_set, ("definitions", "owner", "office", "extends", "column")),
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


def to_file(term_set: TermSet, *, source: str) -> bytes:
    """What is to be written as the file `source`. Raises InputRefused where it would not read back equal.

    Such a file would be left out at the next start, with everything the organisation had put into it.
    """
    try:
        data = to_json(term_set).encode()
        back = from_json(data.decode(), source=source)
    except (UnicodeEncodeError, TemplateError) as error:
        raise InputRefused(f"It could not be read again, so nothing was written: {error}") from None
    if back != without_store_ids(term_set):
        raise InputRefused(f"{source}: it would not read back as it was, so nothing was written.")
    return data


def without_store_ids(term_set: TermSet) -> TermSet:
    """The term set as a file holds it: the ids of the term store are not in it."""
    concepts = tuple(replace(one, term_id=None) if one.term_id else one for one in term_set.concepts)
    return replace(term_set, set_id=None, concepts=concepts)


def _filled(value: TermSet | Concept, names: Iterable[str]) -> dict[str, Any]:
    """The fields of `names` that say something, as JSON."""
    found = {}
    for name in names:
        one = getattr(value, name)
        if one:
            found[name] = (
                dict(one) if isinstance(one, Mapping) else list(one) if isinstance(one, tuple) else one
            )
    return found


def _concept_json(concept: Concept, default_mode: Mode) -> dict[str, Any]:
    data: dict[str, Any] = {"id": concept.id, "labels": dict(concept.labels)}
    if concept.synonyms:
        data["synonyms"] = {language: list(texts) for language, texts in concept.synonyms.items()}
    data |= _filled(concept, ("definitions", "notes", "broader", "also_broader", "global_parent"))
    if concept.mapped_to:
        data["mapped_to"] = [{"link": str(link), "id": other} for link, other in concept.mapped_to]
    if concept.status is not Status.CURRENT:
        data["status"] = str(concept.status)
    if concept.mode is not default_mode:
        data["mode"] = str(concept.mode)
    return data | _filled(concept, ("replaced_by", "aliases", "owner"))


_CONCEPT_KEYS = {field.name for field in fields(Concept)} - {"term_id"}
_SPOKEN = frozenset(LANGUAGES)
_SET_KEYS = {field.name for field in fields(TermSet)} - {"set_id"}


def _is_text(value: Any) -> bool:
    return type(value) is str and not value.isspace() and value != ""


class _Reader:
    """Turns parsed JSON into values; notes what does not fit, with file and key, and reads on without it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.wrong: list[str] = []
        self.places: list[str] = []
        """Where each thing of `wrong` is, as `topic/a.labels.fr`."""
        self.doubtful: dict[str, frozenset[str]] = {}

    def note(self, where: str, what: str) -> None:
        self.wrong.append(f"{self.source}, {where}: {what}.")
        self.places.append(where)

    def unread(self, before: int, place: str = "") -> frozenset[str]:
        """The fields at `place` with something wrong, where `before` things were wrong already."""
        wrong = [one.removeprefix(place) for one in self.places[before:] if one.startswith(place)]
        return frozenset(re.split(r"[.\[]", one)[0] for one in wrong)

    def pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """An object of the file; a key written twice would silently lose the first."""
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            self.note(str(found.get("id") or "the file"), f"the key {twice!r} stands twice in one object")
        return found

    def term_set(self, data: Any) -> TermSet:
        before = len(self.wrong)
        top = self.mapping(data, "the file", _SET_KEYS)
        rule = self.mapping(top.get("rule", {}), "rule", {"at_most", "required", "threshold", "evidence"})
        mode = self.choice(Mode, top.get("mode", "suggest"), "mode")
        items = top.get("concepts")
        if not isinstance(items, list) or not items:
            self.note("concepts", "must be a list with at least one concept")
            items = []
        made = TermSet(
            key=self.text(top, "key"),
            names=self.labels(top.get("names"), "names"),
            column=self.optional(top, "column", "") or "",
            owner=self.optional(top, "owner", "") or "",
            definitions=self.labels(top["definitions"], "definitions") if "definitions" in top else {},
            office=(self.optional(top, "office", "") or "").lower(),
            extends=self.optional(top, "extends", "") or "",
            mode=mode,
            rule=Rule(
                at_most=self.whole_number(rule.get("at_most", 5), "rule.at_most", 1, TERMS_AT_MOST),
                required=self.flag(rule.get("required", False), "rule.required"),
                threshold=self.number(rule.get("threshold", 0.5), "rule.threshold", 0, 1),
                evidence=self.choice(Evidence, rule.get("evidence", "anywhere"), "rule.evidence"),
            ),
            concepts=(),
        )
        if unread := self.unread(before) & _SET_KEYS:
            self.doubtful[""] = unread
        concepts = tuple(self.concept(item, f"concepts[{n}]", mode) for n, item in enumerate(items))
        return replace(made, concepts=concepts)

    def mapping(self, value: Any, where: str, keys: set[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.note(where, "must be an object")
            return {}
        if keys.issuperset(value):
            return value
        for unknown in sorted(set(value) - keys):
            self.note(where, f"unknown key {unknown!r}; known are {', '.join(sorted(keys))}")
        return {key: one for key, one in value.items() if key in keys}

    def text(self, data: dict[str, Any], name: str, where: str = "") -> str:
        value = data.get(name)
        if not isinstance(value, str) or not value.strip():
            self.note(f"{where}{name}", "must be text and may not be empty")
            return ""
        return value

    def optional(self, data: dict[str, Any], name: str, where: str) -> str | None:
        return self.text(data, name, where) or None if data.get(name) is not None else None

    def number(self, value: Any, where: str, low: float, high: float) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.note(where, f"must be a number from {low} to {high}")
            return high
        return value

    def whole_number(self, value: Any, where: str, low: int, high: int) -> int:
        if type(value) is not int or not low <= value <= high:
            self.note(where, f"must be a whole number from {low} to {high}")
            return high
        return value

    def flag(self, value: Any, where: str) -> bool:
        if not isinstance(value, bool):
            self.note(where, "must be true or false")
        return value is True

    def choice(self, kind: type[E], value: Any, where: str) -> E:
        try:
            return kind(value)
        except ValueError:
            self.note(where, f"{value!r} is not one of {', '.join(kind)}")
            return next(iter(kind))

    def labels(self, value: Any, where: str) -> Mapping[str, str]:
        data = self.by_language(value, where)
        if value and all(map(_is_text, data.values())):
            return data
        found = {language: text for language, text in data.items() if isinstance(text, str) and text.strip()}
        if isinstance(value, dict) and (not value or len(found) < len(data)):
            self.note(where, "must give one label per language")
        return found

    def by_language(self, value: Any, where: str) -> dict[str, Any]:
        if isinstance(value, dict) and _SPOKEN.issuperset(value):
            return value
        others = {tag for tag in value if is_language(tag)} if isinstance(value, dict) else set()
        return self.mapping(value, where, {*LANGUAGES, *others})

    def ids(self, data: dict[str, Any], name: str, where: str) -> tuple[str, ...]:
        value = data.get(name, [])
        if isinstance(value, list) and all(isinstance(one, str) and one.strip() for one in value):
            return tuple(value)
        self.note(f"{where}{name}", "must be a list of ids")
        return ()

    def synonyms(self, value: Any, where: str) -> Mapping[str, tuple[str, ...]]:
        found = {}
        for language, texts in self.by_language(value, where).items():
            if isinstance(texts, list) and all(map(_is_text, texts)):
                found[language] = tuple(texts)
            else:
                self.note(f"{where}.{language}", "must be a list of texts")
        return found

    def links(self, value: Any, where: str) -> tuple[tuple[Link, str], ...]:
        if not isinstance(value, list):
            self.note(where, "must be a list")
            return ()
        links = []
        for n, item in enumerate(value):
            data = self.mapping(item, f"{where}[{n}]", {"link", "id"})
            place, before = f"{where}[{n}].", len(self.wrong)
            link = (self.choice(Link, data.get("link"), f"{place}link"), self.text(data, "id", place))
            if len(self.wrong) == before:
                links.append(link)
        return tuple(links)

    def concept(self, value: Any, where: str, mode: Mode) -> Concept:
        before = len(self.wrong)
        if not isinstance(value, dict):
            self.note(where, "must be an object")
            self.doubtful[where] = frozenset({"id"})
            return Concept(id=where, labels={})
        data = self.mapping(value, where, _CONCEPT_KEYS)
        concept_id = self.text(data, "id", f"{where}.") or where
        place = f"{concept_id}."
        concept = Concept(
            id=concept_id,
            labels=self.labels(data.get("labels"), f"{place}labels"),
            mode=self.choice(Mode, data.get("mode", mode), f"{place}mode"),
            **self.more(data, place),
        )
        if len(self.wrong) > before:
            self.doubtful[concept_id] = self.unread(before, place)
        return concept

    def more(self, data: dict[str, Any], place: str) -> dict[str, Any]:
        """What a concept may leave out, as far as it is there."""
        found: dict[str, Any] = {}
        for name in data.keys() - {"id", "labels", "mode"}:
            where = f"{place}{name}"
            if name == "synonyms":
                found[name] = self.synonyms(data[name], where)
            elif name == "mapped_to":
                found[name] = self.links(data[name], where)
            elif name == "status":
                found[name] = self.choice(Status, data[name], where)
            elif name in {"definitions", "notes"}:
                found[name] = self.labels(data[name], where)
            elif name in {"aliases", "also_broader"}:
                found[name] = self.ids(data, name, place)
            elif name == "owner":
                found[name] = self.optional(data, name, place) or ""
            else:
                found[name] = self.optional(data, name, place)
        return found
