"""One term of three sides: our files, the term store, and the last values both had.

What only the files changed is written. What only people changed in the term store stays. What both changed is
a conflict, for a person to decide; so is a difference of which nobody knows who made it. Synonyms are sets:
both sides' additions and removals count, so they are never in conflict.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from km365.core.term_store import OURS, Labels, StoredTerm, normal


class Kind(StrEnum):
    """What a line of a plan for the term store is."""

    SET = "set"  # a term set is made, or named anew
    NEW = "new"  # a term is made
    ADOPTED = "adopted"  # a term that people made under this name and parent becomes ours
    CHANGED = "changed"  # labels, synonyms, descriptions or properties are written
    REUSED = "reused"  # a term of another set is put into this one
    KEPT = "kept"  # people changed it in the term store and the files did not: it stays
    CONFLICT = "conflict"  # both changed it: nothing is written
    BY_HAND = "by hand"  # Graph has no call for it; a person does it in the term store
    GONE = "gone"  # it stands in the term store under an id that the files no longer have
    ADDED = "added"  # people made it in the term store


@dataclass(frozen=True, kw_only=True)
class Side:
    """What one text is to be, what both sides agree on afterwards, and who decided (None: nobody had to)."""

    value: str | None
    agreed: str | None
    verdict: Kind | None = None


def merged_text(ours: str | None, live: str | None, agreed: str | None, *, force: bool = False) -> Side:
    """One text of three sides; `agreed` is None where the sides never agreed, or nobody knows.

    With `force` the files win, but nothing is taken from a language that only people use.
    """
    if same(ours, live):
        return Side(value=live, agreed=live)
    if agreed is None and ours is None:
        return Side(value=live, agreed=None)
    if force or (live is None if agreed is None else same(live, agreed)):
        return Side(value=ours, agreed=ours, verdict=Kind.CHANGED)
    verdict = Kind.KEPT if agreed is not None and same(ours, agreed) else Kind.CONFLICT
    return Side(value=live, agreed=agreed, verdict=verdict)


def same(one: str | None, other: str | None) -> bool:
    """Whether the term store would take the two for one text; None is no text."""
    return (one is None) == (other is None) and normal(one or "") == normal(other or "")


def folded(text: str) -> str:
    """The text as the term store compares labels: `normal`, and capitals do not count."""
    return normal(text).casefold()


def merged_synonyms(
    ours: Collection[str], live: Collection[str], agreed: Collection[str], *, label: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The synonyms to keep beside `label`, those of the store first, and those both sides agree on."""
    spelling = {folded(text): text for text in (*ours, *live)}
    mine, theirs, before = ({folded(text) for text in side} for side in (ours, live, agreed))
    kept = [one for one in dict.fromkeys(map(folded, live)) if one not in before - mine]
    kept += [one for one in dict.fromkeys(map(folded, ours)) if one not in theirs | before]
    after = tuple(spelling[one] for one in kept if one != folded(label))
    settled = {folded(text) for text in after} | before
    return after, tuple(text for text in ours if folded(text) in settled)


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A term as it is to be; `agreed` has an empty label where the sides do not agree; `says` by kind."""

    term: StoredTerm
    agreed: StoredTerm
    says: Mapping[Kind, tuple[str, ...]]


def merged(
    ours: StoredTerm, live: StoredTerm, agreed: StoredTerm | None, *, default: str, force: bool = False
) -> Merged:
    """The term of three sides. `default` is the store's default language, which always has a label."""
    says: dict[Kind, list[str]] = {}
    labels, agreed_labels = _labels(ours, live, agreed, says, default=default, force=force)
    descriptions, agreed_descriptions = _descriptions(ours, live, agreed, says, force=force)
    foreign = {key: value for key, value in live.properties.items() if key not in OURS}
    properties = {**foreign, **ours.properties}
    if properties != dict(live.properties):
        _note(says, Kind.CHANGED, _properties_said(live.properties, properties))
    term = replace(live, labels=labels, descriptions=descriptions, properties=properties)
    return Merged(
        term=term,
        agreed=replace(term, labels=agreed_labels, descriptions=agreed_descriptions),
        says={kind: tuple(said) for kind, said in says.items()},
    )


_Says = dict[Kind, list[str]]
_NONE = Labels(default="")


def _labels(
    ours: StoredTerm, live: StoredTerm, agreed: StoredTerm | None, says: _Says, *, default: str, force: bool
) -> tuple[dict[str, Labels], dict[str, Labels]]:
    """The labels to keep, and those both sides agree on, by tag."""
    labels, settled = {}, {}
    for tag in dict.fromkeys((*live.labels, *ours.labels)):
        mine, theirs = ours.labels.get(tag, _NONE), live.labels.get(tag, _NONE)
        before = agreed.labels.get(tag, _NONE) if agreed else _NONE
        side = merged_text(mine.default or None, theirs.default or None, before.default or None, force=force)
        if side.value is None and tag == default:
            side = Side(value=theirs.default, agreed=None)
        note_side(says, side, tag, mine.default, theirs.default)
        if side.value is None:
            if side.agreed is not None:  # people took the language out: not forgotten
                settled[tag] = before
            continue
        kept, both = merged_synonyms(mine.synonyms, theirs.synonyms, before.synonyms, label=side.value)
        _note_synonyms(says, tag, kept, theirs.synonyms)
        labels[tag] = Labels(default=side.value, synonyms=kept)
        settled[tag] = Labels(default=side.agreed or "", synonyms=both)
    return labels, settled


def _descriptions(
    ours: StoredTerm, live: StoredTerm, agreed: StoredTerm | None, says: _Says, *, force: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """The descriptions to keep, and those both sides agree on, by tag."""
    kept, settled = {}, {}
    for tag in dict.fromkeys((*live.descriptions, *ours.descriptions)):
        mine, theirs = ours.descriptions.get(tag), live.descriptions.get(tag)
        side = merged_text(mine, theirs, agreed.descriptions.get(tag) if agreed else None, force=force)
        note_side(says, side, f"{tag} description", mine, theirs)
        if side.value is not None:
            kept[tag] = side.value
        if side.agreed is not None:
            settled[tag] = side.agreed
    return kept, settled


def note_side(says: dict[Kind, list[str]], side: Side, what: str, ours: str | None, live: str | None) -> None:
    """Puts into words what was decided of one text."""
    if side.verdict is Kind.CHANGED:
        _note(says, Kind.CHANGED, f"{what}: {live or '-'} -> {side.value or '-'}")
    elif side.verdict is not None:
        _note(says, side.verdict, f"{what}: the term store has {live or 'none'}, the files {ours or 'none'}")


def _note(says: _Says, kind: Kind, words: str) -> None:
    says.setdefault(kind, []).append(words)


def _note_synonyms(says: _Says, tag: str, kept: Iterable[str], live: Iterable[str]) -> None:
    after, before = {folded(one): one for one in kept}, {folded(one): one for one in live}
    words = [f"+{after[one]}" for one in after if one not in before]
    words += [f"-{before[one]}" for one in before if one not in after]
    if words:
        _note(says, Kind.CHANGED, f"{tag} synonyms: {', '.join(words)}")


def _properties_said(live: Mapping[str, str], after: Mapping[str, str]) -> str:
    changed = [key for key in dict.fromkeys((*live, *after)) if live.get(key) != after.get(key)]
    return ", ".join(f"{key}={after.get(key, '(none)')}" for key in changed)
