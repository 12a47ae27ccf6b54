"""Synonyms accepted from feedback, laid over the taxonomy: what colleagues call a term, in their language."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from km365.core.languages import LANGUAGES
from km365.core.taxonomy import FORBIDDEN, LABEL_LIMIT, Concept, Taxonomy, TermSet
from km365.errors import InputRefused, TemplateError

Overlay = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Accepted synonyms by concept id and language, in the order they were accepted."""


def with_synonyms(taxonomy: Taxonomy, overlay: Overlay) -> Taxonomy:
    """`taxonomy` with the accepted synonyms behind each concept's own; the same object when none applies.

    An old id means the concept that it stands for now. An id that the taxonomy does not have is passed over:
    the term may come back with the next copy of the term store. A synonym that the concept has already, in
    whatever capitals, is not added twice.
    """
    overlay = _today(overlay, taxonomy)
    sets = tuple(_widened(one, overlay) for one in taxonomy.term_sets)
    layers = tuple(_widened(one, overlay) for one in taxonomy.layers)
    if sets == taxonomy.term_sets and layers == taxonomy.layers:
        return taxonomy
    return replace(taxonomy, term_sets=sets, layers=layers)


def _today(overlay: Overlay, taxonomy: Taxonomy) -> Overlay:
    """The synonyms under the ids that their concepts have now."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for concept_id, by_language in overlay.items():
        now = found.setdefault(taxonomy.id_now(concept_id), {})
        for language, texts in by_language.items():
            now[language] = (*now.get(language, ()), *texts)
    return found


def _widened(term_set: TermSet, overlay: Overlay) -> TermSet:
    if not any(concept_id in term_set.by_id for concept_id in overlay):
        return term_set
    concepts = tuple(
        _wider(concept, overlay[concept.id]) if concept.id in overlay else concept
        for concept in term_set.concepts
    )
    return replace(term_set, concepts=concepts)


def _wider(concept: Concept, added: Mapping[str, tuple[str, ...]]) -> Concept:
    synonyms = dict(concept.synonyms)
    for language, texts in added.items():
        kept = list(synonyms.get(language, ()))
        known = {text.casefold() for text in (concept.labels.get(language, ""), *kept)}
        for text in texts:
            if text.casefold() not in known:
                known.add(text.casefold())
                kept.append(text)
        if kept:
            synonyms[language] = tuple(kept)
    return replace(concept, synonyms=synonyms)


def accept(overlay: Overlay, concept_id: str, language: str, text: str) -> Overlay:
    """The overlay with one synonym more; unchanged when it has it.

    Raises InputRefused for a text that the term store would refuse, and a language that km365 does not speak.
    """
    text = " ".join(text.split())
    if language not in LANGUAGES:
        raise InputRefused(f"{language!r} is none of {', '.join(LANGUAGES)}.")
    if not text or len(text) > LABEL_LIMIT:
        raise InputRefused(f"A synonym has 1 to {LABEL_LIMIT} characters; this one has {len(text)}.")
    if bad := sorted(FORBIDDEN & set(text)):
        raise InputRefused(f"A synonym must not have {bad[0]!r}; the term store refuses it.")
    of_concept = overlay.get(concept_id, {})
    known = of_concept.get(language, ())
    if text.casefold() in {one.casefold() for one in known}:
        return overlay
    return {**overlay, concept_id: {**of_concept, language: (*known, text)}}


def drop(overlay: Overlay, concept_id: str, language: str, text: str) -> Overlay:
    """The overlay without this synonym; unchanged when it does not have it."""
    of_concept = overlay.get(concept_id, {})
    kept = tuple(one for one in of_concept.get(language, ()) if one.casefold() != text.strip().casefold())
    by_language = {tag: texts for tag, texts in {**of_concept, language: kept}.items() if texts}
    others = {one: texts for one, texts in overlay.items() if one != concept_id}
    return {**others, concept_id: by_language} if by_language else others


def to_text(overlay: Overlay) -> str:
    """The overlay as JSON, to be read by people as well: `{concept id: {language: [synonym, ...]}}`."""
    data = {key: {tag: list(texts) for tag, texts in overlay[key].items()} for key in sorted(overlay)}
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def from_text(text: str, *, source: str) -> Overlay:
    """The overlay in the JSON. Raises TemplateError naming `source` and what is wrong with it."""
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise TemplateError(f"{source}: not JSON ({error}).") from None
    found: Overlay = {}
    for concept_id, by_language in _mapping(data, source).items():
        for language, texts in _mapping(by_language, f"{source}, {concept_id}").items():
            if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
                raise TemplateError(f"{source}, {concept_id}.{language}: must be a list of texts.")
            for one in texts:
                try:
                    found = accept(found, concept_id, language, one)
                except InputRefused as refusal:
                    raise TemplateError(f"{source}, {concept_id}.{language}: {refusal}") from None
    return found


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TemplateError(f"{where}: must be an object.")
    return value
