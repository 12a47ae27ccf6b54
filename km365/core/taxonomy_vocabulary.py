"""Vocabularies as plain JSON: `{"scheme": ..., "concepts": [{"id", "prefLabel", "altLabel", "broader"}]}`.

The shape in which subject-indexing test sets hand out theirs: labels by language, links as lists of ids.
"""

import json
from collections.abc import Iterator
from typing import Any

from km365.core.taxonomy import Concept, TermSet
from km365.core.taxonomy_reading import Reading
from km365.core.taxonomy_skos import RDF, SKOS, SkosReader, Text

_LABELS = ("prefLabel", "altLabel", "hiddenLabel", "definition", "scopeNote")
_LINKS = ("broader", "narrower", "related", "exactMatch", "closeMatch", "broadMatch", "narrowMatch")


def looks_like(data: Any) -> bool:
    """Whether parsed JSON is such a vocabulary."""
    if not isinstance(data, dict) or not isinstance(data.get("concepts"), list):
        return False
    first = next(iter(data["concepts"]), None)
    return "key" not in data and (first is None or (isinstance(first, dict) and "labels" not in first))


def read(data: dict[str, Any], *, key: str | None = None, language: str = "en") -> Reading:
    """The one term set of such a vocabulary; entries that cannot be read are said by number or id."""
    reader = SkosReader(language=language)
    scheme = data.get("scheme")
    scheme = scheme if isinstance(scheme, str) and scheme else "vocabulary"
    reader.add(scheme, RDF + "type", SKOS + "ConceptScheme")
    seen = set()
    for n, item in enumerate(data["concepts"]):
        concept_id = item.get("id") if isinstance(item, dict) else None
        if not isinstance(concept_id, str) or not concept_id.strip():
            reader.problems.append(f"concepts[{n}]: it has no id.")
            reader.whole = False
            continue
        if concept_id in seen:
            reader.problems.append(f"{concept_id}: this id stands twice; what both say is put together.")
        seen.add(concept_id)
        reader.add(concept_id, RDF + "type", SKOS + "Concept")
        reader.add(concept_id, SKOS + "inScheme", scheme)
        for name in _LABELS:
            for tag, text in _texts(item.get(name)):
                if isinstance(text, str):
                    reader.add(concept_id, SKOS + name, Text(text, tag))
                else:
                    reader.problems.append(f"{concept_id}: {name} must be texts by language.")
        for name in _LINKS:
            for other in _each(item.get(name)):
                if isinstance(other, str):
                    reader.add(concept_id, SKOS + name, other)
                else:
                    reader.problems.append(f"{concept_id}: {name} must be a list of ids.")
    return reader.finish(key=key)


def _each(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _texts(value: Any) -> Iterator[tuple[str, Any]]:
    """Language and text of `{"en": "a"}`, `{"en": ["a", "b"]}`, or of texts without a language."""
    if isinstance(value, dict):
        for tag, texts in value.items():
            for text in _each(texts):
                yield tag, text
    else:
        for text in _each(value):
            yield "", text


def to_json(term_set: TermSet) -> str:
    """The term set in that shape. What it has no word for (modes, links, statuses) is not in it."""
    narrower: dict[str, list[str]] = {}
    for concept in term_set.concepts:
        for parent in _parents(concept):
            narrower.setdefault(parent, []).append(concept.id)
    concepts = [
        {
            "id": concept.id,
            "prefLabel": dict(concept.labels),
            "altLabel": {language: list(texts) for language, texts in concept.synonyms.items()},
            "broader": _parents(concept),
            "narrower": narrower.get(concept.id, []),
        }
        for concept in term_set.concepts
    ]
    return json.dumps({"scheme": term_set.key, "concepts": concepts}, ensure_ascii=False, indent=1) + "\n"


def _parents(concept: Concept) -> list[str]:
    return [*([concept.broader] if concept.broader else []), *concept.also_broader]
