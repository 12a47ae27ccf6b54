"""Making a vocabulary from outside fit the term store, and saying what was changed for it."""

from collections.abc import Iterable
from dataclasses import replace

from km365.core.taxonomy import CONTROLS, FORBIDDEN, LABEL_LIMIT, LEVELS, Concept, TermSet

_UNSEEN = str.maketrans({control: " " if control.isspace() else "" for control in CONTROLS})
_INSTEAD = _UNSEEN | str.maketrans({'"': "'", ";": ",", "<": "‹", ">": "›", "|": "/"})


def fit(term_set: TermSet) -> tuple[TermSet, tuple[str, ...]]:
    """The term set as the term store takes it, and a line for each term that was changed for that.

    Characters it refuses in labels are replaced, control characters taken out, labels over 255 characters are
    cut (the whole text stays in the definition), a second term of one id is left out, broader terms in a
    circle are cut, terms deeper than seven levels are lifted under the sixth (their own broader term stays in
    `also_broader`), and of two terms with one label under one parent the second gets a number.
    """
    told: list[str] = []
    concepts = _apart(_lifted(_placed(_each_once(term_set.concepts, told), told), told), told)
    names = {tag: text for tag, name in term_set.names.items() if (text := name.translate(_UNSEEN)).strip()}
    if names != term_set.names:
        told.append(f"{term_set.key}: its name is written without control characters.")
    return replace(term_set, names=names or {"en": term_set.key}, concepts=tuple(concepts)), tuple(told)


def _each_once(concepts: Iterable[Concept], told: list[str]) -> dict[str, Concept]:
    found: dict[str, Concept] = {}
    for concept in concepts:
        if concept.id in found:
            told.append(f"{concept.id}: this id stands twice; the second is left out.")
        elif (fitting := _with_labels_that_fit(concept, told)).labels:
            found[concept.id] = fitting
    return found


def _with_labels_that_fit(concept: Concept, told: list[str]) -> Concept:
    texts = [*concept.labels.values(), *(text for some in concept.synonyms.values() for text in some)]
    if not any(len(text) > LABEL_LIMIT or FORBIDDEN & set(text) for text in texts):
        return concept
    labels = {tag: text for tag, label in concept.labels.items() if (text := _fitting(label))}
    synonyms = {}
    for language, some in concept.synonyms.items():
        kept = dict.fromkeys(_fitting(text) for text in some)
        synonyms[language] = tuple(text for text in kept if text and text != labels.get(language))
    long = {language: text for language, text in concept.labels.items() if len(text) > LABEL_LIMIT}
    changed = [label for tag, label in concept.labels.items() if label != labels.get(tag)]
    if not labels:
        told.append(f"{concept.id}: nothing is left of its label; it is left out.")
    elif changed:
        what = "cut" if long else "written without what the term store refuses"
        told.append(f"{concept.id}: the label {_short(changed[0])} is {what}.")
    else:
        told.append(f"{concept.id}: a synonym is written as the term store takes it.")
    return replace(
        concept,
        labels=labels,
        synonyms={language: some for language, some in synonyms.items() if some},
        definitions={**long, **concept.definitions},
    )


def _fitting(text: str) -> str:
    text = text.translate(_INSTEAD).strip()
    return text if len(text) <= LABEL_LIMIT else f"{text[: LABEL_LIMIT - 1].rstrip()}…"


def _short(text: str) -> str:
    return repr(text if len(text) < 60 else f"{text[:50]}…")


def _placed(concepts: dict[str, Concept], told: list[str]) -> dict[str, Concept]:
    """Without broader terms that are not there or lead back to the term itself."""
    done: set[str] = set()
    for start in list(concepts):
        path: dict[str, None] = {}
        at = start
        while at not in done:
            path[at] = None
            concept = concepts[at]
            above = concept.broader
            if above is None:
                break
            if above not in concepts or above in path:
                what = "is not there" if above not in concepts else "leads back to it"
                told.append(f"{at}: its broader term {above!r} {what} and is left out.")
                concepts[at] = replace(concept, broader=None)
                break
            at = above
        done.update(path)
    return concepts


def _lifted(concepts: dict[str, Concept], told: list[str]) -> dict[str, Concept]:
    """With every term within seven levels; the concepts come without circles."""
    above_of: dict[str, tuple[str, ...]] = {}

    def ancestors(concept_id: str) -> tuple[str, ...]:
        """From the top down to the concept itself, in the places they get here."""
        waiting = [concept_id]
        while waiting:
            at = waiting[-1]
            parent = concepts[at].broader
            if parent is not None and parent not in above_of:
                waiting.append(parent)
                continue
            waiting.pop()
            chain = above_of[parent] if parent else ()
            above_of[at] = (*chain[: LEVELS - 1], at)
        return above_of[concept_id]

    found = {}
    for concept in concepts.values():
        chain = ancestors(concept.id)
        parent = chain[-2] if len(chain) > 1 else None
        if parent == concept.broader or concept.broader is None:
            found[concept.id] = concept
            continue
        told.append(
            f"{concept.id}: {_short(concept.label())} stands too deep and is lifted to level {LEVELS}."
        )
        others = tuple(dict.fromkeys((concept.broader, *concept.also_broader)))
        found[concept.id] = replace(concept, broader=parent, also_broader=others)
    return found


def _apart(concepts: dict[str, Concept], told: list[str]) -> Iterable[Concept]:
    """With no two labels alike under one parent."""
    seen: set[tuple[str | None, str]] = set()
    for concept in concepts.values():
        label, number = concept.label(), 1
        while (concept.broader, (named := _numbered(label, number)).casefold()) in seen:
            number += 1
        seen.add((concept.broader, named.casefold()))
        if number == 1:
            yield concept
            continue
        language = next((tag for tag, text in concept.labels.items() if text == label), "en")
        told.append(f"{concept.id}: another term beside it is called {label!r}; it becomes {named!r}.")
        yield replace(concept, labels={**concept.labels, language: named})


def _numbered(label: str, number: int) -> str:
    return label if number == 1 else f"{label[: LABEL_LIMIT - 8]} ({number})"
