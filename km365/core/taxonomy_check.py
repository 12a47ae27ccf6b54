"""What may be wrong with a taxonomy: what the term store would refuse, and what nobody could find."""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace

from km365.core.languages import LANGUAGES
from km365.core.taxonomy import (
    FORBIDDEN,
    LABEL_LIMIT,
    LEVELS,
    Concept,
    Link,
    Status,
    Taxonomy,
    TermSet,
    all_labels,
)
from km365.core.text import Stems, phrases
from km365.core.text import key as label_key


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something wrong with a taxonomy. `where` names the concept; a `fatal` one makes its set unusable.

    `kind` is a word for problems of its sort.
    """

    where: str
    what: str
    fatal: bool = False
    kind: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def check(taxonomy: Taxonomy, *, languages: Sequence[str] = LANGUAGES) -> list[Problem]:
    """Everything wrong with `taxonomy`, in its own order, the fatal problems of a term set first.

    The layers of the offices come last.
    """
    problems: list[Problem] = []
    known = {*taxonomy.by_id, *(alias for concept in taxonomy for alias in concept.aliases)}
    for term_set in taxonomy.term_sets:
        problems += check_set(term_set, languages=languages, known=known)
    owners: dict[str, str] = {}
    for term_set in (*taxonomy.term_sets, *taxonomy.layers):
        for concept in term_set.concepts:
            other = owners.setdefault(concept.id, term_set.key)
            if other != term_set.key:
                problems.append(
                    Problem(
                        where=concept.id, what=f"this id is used in {other!r} as well", kind="id", fatal=True
                    )
                )
    for layer in taxonomy.layers:
        problems += check_layer(layer, taxonomy, languages=languages)
    return problems + _twins_across_offices(taxonomy, {problem.where for problem in problems})


def _twins_across_offices(taxonomy: Taxonomy, told: set[str]) -> list[Problem]:
    """Terms of two offices with one label in one place of the term store, which takes the first only."""
    extended = {layer.extends for layer in taxonomy.layers}
    return [
        replace(problem, fatal=False)
        for term_set in taxonomy.everywhere().term_sets
        if term_set.key in extended
        for problem in _twin_siblings(term_set)
        if problem.where not in told
    ]


def check_layer(layer: TermSet, taxonomy: Taxonomy, *, languages: Sequence[str] = LANGUAGES) -> list[Problem]:
    """Everything wrong with an office's layer among the global term sets, what is fatal first."""
    own = layer.by_id
    whole = _among(layer, taxonomy)
    known = {*taxonomy.by_id, *own, *(alias for concept in taxonomy for alias in concept.aliases)}
    found = check_set(whole, languages=languages, known=known) if whole else []
    found = [one for one in found if not one.fatal and one.where in own]
    return unusable_layer(layer, taxonomy) + _out_of_use(layer, taxonomy) + found


def _out_of_use(layer: TermSet, taxonomy: Taxonomy) -> list[Problem]:
    """Terms in use that are counted under a global term which is not, and which nothing replaces."""
    problems = []
    for concept in layer.concepts:
        parent = concept.global_parent or ""
        used = concept.status is Status.CURRENT and parent in taxonomy.by_id
        if used and taxonomy.resolve(parent).status is Status.DEPRECATED:
            what = f"its global parent {parent!r} is no longer used, and nothing replaces it"
            problems.append(Problem(where=concept.id, what=what, kind="office"))
    return problems


def unusable_layer(layer: TermSet, taxonomy: Taxonomy) -> list[Problem]:
    """Only what keeps an office's layer from working among the global term sets."""
    problems = []
    whole = _among(layer, taxonomy)
    if whole is None:
        what = f"it extends {layer.extends!r}, which is no global term set"
        problems.append(Problem(where=layer.key, what=what, kind="office", fatal=True))
    for concept in layer.concepts:
        parent = concept.global_parent
        if not parent:
            problems.append(
                Problem(where=concept.id, what="it names no global parent", kind="office", fatal=True)
            )
        elif parent not in taxonomy.by_id:
            what = f"its global parent {parent!r} is no term of the global term sets"
            problems.append(Problem(where=concept.id, what=what, kind="office", fatal=True))
        if concept.id in taxonomy.by_id:
            what = "this id is used in the global term sets as well"
            problems.append(Problem(where=concept.id, what=what, kind="id", fatal=True))
    if not problems and whole is not None:
        problems += [one for one in unusable(whole) if one.where in layer.by_id]
    return problems


def _among(layer: TermSet, taxonomy: Taxonomy) -> TermSet | None:
    """The layer with the term set it extends; None where there is no such term set."""
    if layer.extends and layer.extends not in taxonomy.by_key:
        return None
    whole = Taxonomy(term_sets=taxonomy.term_sets, layers=(layer,)).for_office(layer.office)
    return whole.by_key[layer.extends or layer.key]


def check_set(
    term_set: TermSet, *, languages: Sequence[str] = LANGUAGES, known: Container[str] | None = None
) -> list[Problem]:
    """Everything wrong with one term set, what is fatal first.

    Links to other sets are checked against `known` ids if given.
    """
    problems = unusable(term_set)
    stems = Stems()
    for concept in term_set.concepts:
        problems += _check_links(concept, term_set, known)
        problems += _check_labels(concept, languages, stems)
        problems += _formulas(concept)
        _forget(stems)
    return problems + _double_labels(term_set)


def unusable(term_set: TermSet) -> list[Problem]:
    """Only what keeps the term set from working. No label is read for its words, so every start can ask."""
    problems = [*_repeated_ids(term_set), *_cycles(term_set), *_twin_siblings(term_set)]
    for concept in term_set.concepts:
        for broader in (*([concept.broader] if concept.broader else []), *concept.also_broader):
            if broader not in term_set.by_id:
                what = f"its broader term {broader!r} is not in the term set {term_set.key!r}"
                problems.append(Problem(where=concept.id, what=what, kind="orphan", fatal=True))
        problems += _refused_labels(concept)
    return problems


def _repeated_ids(term_set: TermSet) -> list[Problem]:
    seen: set[str] = set()
    problems = []
    for concept in term_set.concepts:
        if concept.id in seen:
            problems.append(
                Problem(where=concept.id, what="this id stands twice in the term set", fatal=True)
            )
        seen.add(concept.id)
    return problems


def _cycles(term_set: TermSet) -> list[Problem]:
    """Broader terms that go round in a circle, and those that go too deep."""
    broader: dict[str, str | None] = {}
    for concept in term_set.concepts:
        broader.setdefault(concept.id, concept.broader)  # an id that stands twice must not hide a circle
    problems = []
    depths: dict[str, int] = {}
    for start in broader:
        path: dict[str, None] = {}
        at: str | None = start
        while at and at in broader and at not in path and at not in depths:
            path[at] = None
            at = broader[at]
        if at and at in path:
            ids = list(path)
            loop = " > ".join([*ids[ids.index(at) :], at])
            what = f"the broader terms go round in a circle: {loop}"
            problems.append(Problem(where=at, what=what, kind="circle", fatal=True))
            depths |= dict.fromkeys(path, 0)
            continue
        above = depths.get(at, 0) if at else 0
        for depth, concept_id in enumerate(reversed(path), above + 1):
            depths[concept_id] = depth
    problems += [
        Problem(
            where=concept_id,
            what=f"it stands {depth} levels deep; the term store takes {LEVELS}",
            kind="too deep",
            fatal=True,
        )
        for concept_id, depth in depths.items()
        if depth > LEVELS
    ]
    return problems


def _twin_siblings(term_set: TermSet) -> list[Problem]:
    """Terms under one parent with one label, which the term store refuses."""
    seen: dict[tuple[str | None, str], str] = {}
    problems = []
    for concept in term_set.concepts:
        other = seen.setdefault((concept.broader, concept.label().casefold()), concept.id)
        if other != concept.id:
            what = f"it has the label {concept.label()!r} of {other!r} beside it"
            problems.append(Problem(where=concept.id, what=what, kind="double label", fatal=True))
    return problems


def _check_links(concept: Concept, term_set: TermSet, known: Container[str] | None) -> list[Problem]:
    """Links that lead nowhere; one to a vocabulary outside km365 (an IRI) is left to that vocabulary."""
    found = []
    ids = term_set.by_id if known is None else known
    replacement = concept.replaced_by
    if replacement and replacement not in ids:
        found.append(f"it is replaced by {replacement!r}, which does not exist")
    if replacement == concept.id:
        found.append("it is replaced by itself")
    if replacement and concept.status is Status.CURRENT:
        found.append("it names a replacement but is not deprecated")
    for link, other in concept.mapped_to:
        if other == concept.id:
            found.append("it is mapped to itself")
        elif (known is not None or link is Link.RELATED) and other not in ids and not _elsewhere(other):
            found.append(f"it is mapped to {other!r}, which does not exist")
    if (
        concept.global_parent
        and not term_set.office
        and known is not None
        and concept.global_parent not in ids
    ):
        found.append(f"its global parent {concept.global_parent!r} does not exist")
    found += [
        f"its old id {alias!r} is that of another term"
        for alias in concept.aliases
        if alias in term_set.by_id
    ]
    return [Problem(where=concept.id, what=what, kind="link") for what in found]


def _elsewhere(address: str) -> bool:
    return "://" in address or address.startswith("urn:")


_REFUSED = re.compile(f"[{re.escape(''.join(sorted(FORBIDDEN)))}]")


def _refused_labels(concept: Concept) -> list[Problem]:
    """Labels that the term store would not take."""
    problems = []
    for language, text, _ in all_labels(concept):
        if len(text) <= LABEL_LIMIT and not _REFUSED.search(text):
            continue
        if len(text) > LABEL_LIMIT:
            what = f"the {language} label is longer than {LABEL_LIMIT} characters: {text[:40]}…"
            problems.append(Problem(where=concept.id, what=what, kind="label too long", fatal=True))
        else:
            bad = min(FORBIDDEN & set(text))
            what = f"the {language} label {text!r} contains {bad!r}, which no label may have"
            problems.append(Problem(where=concept.id, what=what, kind="forbidden character", fatal=True))
    return problems


def _check_labels(concept: Concept, languages: Sequence[str], stems: Stems) -> list[Problem]:
    """Missing labels, and labels that no text can be found by.

    A preferred label may be one where a synonym serves: `Côte d'Ivoire` is a name, in English as well.
    """
    problems = []
    missing = [language for language in languages if not concept.labels.get(language)]
    if missing:
        problems.append(
            Problem(where=concept.id, what=f"no label in {', '.join(missing)}", kind="missing language")
        )
    for language, text, preferred in all_labels(concept):
        synonyms = concept.synonyms.get(language, ()) if preferred else ()
        if not any(phrases(one, language, stems) for one in (text, *synonyms)):
            what = f"the {language} label {text!r} matches no text: little is left of it without little words"
            problems.append(Problem(where=concept.id, what=what, kind="no words"))
    return problems


_FORMULA = ("=", "+", "-", "@")
"""What a cell of a CSV file may not begin with: spreadsheets would work it out."""


def _formulas(concept: Concept) -> list[Problem]:
    return [
        Problem(where=concept.id, what=f"{what} {text[:40]!r} is a formula to a spreadsheet", kind="formula")
        for what, texts in (("the {} label", concept.labels), ("the {} definition", concept.definitions))
        for what, text in ((what.format(language), text) for language, text in texts.items())
        if text.startswith(_FORMULA)
    ]


def _double_labels(term_set: TermSet) -> list[Problem]:
    """Labels that two concepts of one set share in one language: nobody can tell them apart.

    A language at a time, since the readings of 40,000 terms in seven languages would fill the memory.
    """
    used = [concept for concept in term_set.concepts if concept.status is Status.CURRENT]
    languages = dict.fromkeys(language for one in used for language in (*one.labels, *one.synonyms))
    found: list[tuple[int, Problem]] = []
    stems = Stems()
    for language in languages:
        seen: dict[tuple[str, ...], str] = {}
        for place, concept in enumerate(used):
            preferred = concept.labels.get(language)
            for text in (*([preferred] if preferred else []), *concept.synonyms.get(language, ())):
                other = seen.setdefault(label_key(text, stems), concept.id)
                if other != concept.id:
                    what = f"the {language} label {text!r} also belongs to {other!r}"
                    found.append((place, Problem(where=concept.id, what=what, kind="double label")))
            _forget(stems)
    return [problem for _, problem in sorted(found, key=lambda one: one[0])]


def _forget(stems: Stems) -> None:
    """Keeps what is remembered of words small; large vocabularies have many that never come again."""
    if len(stems) > _REMEMBERED:
        stems.clear()


_REMEMBERED = 50_000
