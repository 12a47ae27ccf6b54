"""What a push would do to one term set of the term store (`three_sides` decides each value)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from km365.core.taxonomy import Concept, Status, TermSet
from km365.core.term_store import (
    KEY,
    OURS,
    STATUS,
    Labels,
    Languages,
    StoredTerm,
    TermStoreSet,
    renamed,
    reused,
    wanted,
)
from km365.core.three_sides import Kind, folded, merged, merged_text, note_side

LEFT = frozenset({Kind.CONFLICT, Kind.BY_HAND})
"""What a push leaves for a person."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing the plan has to say of a concept."""

    kind: Kind
    concept_id: str
    label: str
    says: str


@dataclass(frozen=True, kw_only=True)
class NewTerm:
    """A term to be put in place; `broader` is the concept above it, whose term exists by then.

    `reuses` is the concept of another set whose term it is; None: the term is made.
    """

    concept_id: str
    broader: str | None
    term: StoredTerm
    reuses: str | None = None


@dataclass(frozen=True, kw_only=True)
class Update:
    """A term to be written: each part that is not None is the whole list to keep."""

    concept_id: str
    term_id: str
    labels: Mapping[str, Labels] | None = None
    descriptions: Mapping[str, str] | None = None
    properties: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class SetChanges:
    """What a push would do to one term set. `set_id` is None where the set is to be made.

    `names` and `properties` are to be written where they are not None. `levels` are the new terms, a level at
    a time. `term_ids` are the terms there, by concept id. `agreed` is what files and term store agree on once
    all of it was done, new terms left out.
    """

    key: str
    name: str
    description: str
    set_id: str | None
    names: Mapping[str, str] | None
    properties: Mapping[str, str] | None
    levels: tuple[tuple[NewTerm, ...], ...]
    updates: tuple[Update, ...]
    lines: tuple[Line, ...]
    term_ids: Mapping[str, str]
    agreed: tuple[StoredTerm, ...]
    agreed_names: Mapping[str, str]

    @property
    def new_terms(self) -> int:
        """How many terms are to be made or reused."""
        return sum(len(level) for level in self.levels)

    @property
    def writes(self) -> int:
        """How many things are to be written."""
        return self.new_terms + len(self.updates) + (self.names is not None)

    def of_kind(self, *kinds: Kind) -> tuple[Line, ...]:
        """The lines of these kinds."""
        return tuple(line for line in self.lines if line.kind in kinds)


def changes(
    term_set: TermSet,
    live: TermStoreSet | None,
    agreed: TermStoreSet | None,
    languages: Languages,
    *,
    known: Mapping[str, Concept],
    force: Collection[str] = (),
) -> SetChanges:
    """What a push would do to the term set.

    `live` is the set in the term store, None where there is none; `agreed` what both sides agreed on last,
    None where that is not known: then every difference is a conflict. `known` are the concepts of all sets by
    id, whose terms an office may reuse. The concepts in `force` are written as the files have them, whatever
    people changed.
    """
    return _Planner(term_set, live, agreed, languages, known, frozenset(force)).plan()


class _Planner:
    def __init__(
        self,
        term_set: TermSet,
        live: TermStoreSet | None,
        agreed: TermStoreSet | None,
        languages: Languages,
        known: Mapping[str, Concept],
        force: frozenset[str],
    ) -> None:
        self.term_set, self.live, self.languages = term_set, live, languages
        self.known, self.force = known, force
        if agreed and live and agreed.id != live.id:
            agreed = None  # of another term store
        self.agreed_names = agreed.names if agreed else {}
        self.before = {term.key: term for term in (agreed.terms if agreed else ()) if term.key}
        self.by_key = self._by_key()
        self.ids = {key: term.id for key, term in self.by_key.items()}
        self.strays = self._strays()
        self.reused: set[str] = set()
        self.taken_out: set[str] = set()
        self.unused = _unused(term_set)
        self.lines: list[Line] = []
        self.updates: list[Update] = []
        self.settled: list[StoredTerm] = []

    def _by_key(self) -> dict[str, StoredTerm]:
        """The terms that km365 made by concept id, also where they still have an old one."""
        there = {term.key: term for term in (self.live.terms if self.live else ()) if term.key}
        if there.keys() <= self.known.keys():
            return there  # nearly always
        ours = self.term_set.concepts
        parents = (self.known.get(one.global_parent or "") for one in ours)  # whose terms may be reused here
        anew = renamed(there.keys(), (*ours, *filter(None, parents)), self.known)
        return {anew.get(key, key): term for key, term in there.items()}

    def _strays(self) -> dict[tuple[str | None, str], StoredTerm]:
        """The terms that people made, by parent and label in the store's default language."""
        default = self.languages.default
        return {
            (term.parent_id, folded(term.labels[default].default)): term
            for term in (self.live.terms if self.live else ())
            if term.key is None and default in term.labels
        }

    def plan(self) -> SetChanges:
        """The changes; see `changes`."""
        levels = [
            tuple(new for concept in level if (new := self._concept(concept)))
            for level in _levels(self.term_set)
        ]
        self._gone()
        names, properties, agreed_names = self._names()
        return SetChanges(
            key=self.term_set.key,
            name=self.term_set.name(),
            description=self.term_set.definitions.get("en", ""),
            set_id=self.live.id if self.live else None,
            names=names,
            properties=properties,
            levels=tuple(level for level in levels if level),
            updates=tuple(self.updates),
            lines=tuple(self.lines),
            term_ids=self.ids,
            agreed=tuple(self.settled),
            agreed_names=agreed_names,
        )

    def _say(self, kind: Kind, concept: Concept, says: str) -> None:
        self.lines.append(Line(kind=kind, concept_id=concept.id, label=concept.label(), says=says))

    def _concept(self, concept: Concept) -> NewTerm | None:
        """Notes what is to be written of a term that is there; the new term where there is none."""
        ours = wanted(concept, self.languages)
        original = reused(concept, self.term_set, self.known)
        if original is not None:
            self.reused.add(concept.id)
            return self._reuse(concept, original, ours)
        live, adopted = self.by_key.get(concept.id), False
        if live is None:
            live = self._stray(concept, ours)
            adopted = live is not None
        if live is None:
            return self._new(concept, ours)
        self.ids[concept.id] = live.id
        self._compare(concept, ours, live, adopted=adopted)
        return None

    def _stray(self, concept: Concept, ours: StoredTerm) -> StoredTerm | None:
        parent_id = self.ids.get(concept.broader) if concept.broader else None
        if concept.broader and not parent_id:
            return None
        return self.strays.pop((parent_id, folded(ours.labels[self.languages.default].default)), None)

    def _reuse(self, concept: Concept, original: Concept, ours: StoredTerm) -> NewTerm | None:
        """An office's term that is a global one is that one, so that there are not two of the same name."""
        if original.id in self.by_key:
            self.ids[concept.id] = self.ids[original.id]
            return None
        if self._below_reused(concept):
            return None
        self._say(Kind.REUSED, concept, f"the term of {original.id}, {_under(concept.broader)}")
        return NewTerm(concept_id=concept.id, broader=concept.broader, term=ours, reuses=original.id)

    def _new(self, concept: Concept, ours: StoredTerm) -> NewTerm | None:
        if concept.id in self.unused or self._below_reused(concept) or self._taken_out(concept):
            return None
        self._say(Kind.NEW, concept, _under(concept.broader))
        self._flags(concept, {}, ours.properties)
        return NewTerm(concept_id=concept.id, broader=concept.broader, term=ours)

    def _below_reused(self, concept: Concept) -> bool:
        """Graph serves the children of a reused term from its home set only (microsoft-graph-docs-contrib
        issue 2765), so nothing is put below one here.
        """
        if concept.broader not in self.reused:
            return False
        says = f"{concept.broader} is a term of another set; a term below it belongs there (`extends`)"
        self._say(Kind.BY_HAND, concept, says)
        return True

    def _taken_out(self, concept: Concept) -> bool:
        """Whether people deleted the term in the term store, or one above it; it is not made again."""
        old = (one for one in concept.aliases if one not in self.known)
        before = next((self.before[one] for one in (concept.id, *old) if one in self.before), None)
        deleted = self.live is not None and before is not None and concept.id not in self.force
        if not deleted and concept.broader not in self.taken_out:
            return False
        self.taken_out.add(concept.id)
        if before is not None:
            self.settled.append(before)
        above = f" with {concept.broader}" if concept.broader in self.taken_out else ""
        self._say(Kind.KEPT, concept, f"people took it out of the term store{above}")
        return True

    def _compare(self, concept: Concept, ours: StoredTerm, live: StoredTerm, *, adopted: bool) -> None:
        if _equal(ours, live):  # most of them, every time
            self._place(concept, live)
            self.settled.append(live)
            return
        before, force = self.before.get(live.key or concept.id), concept.id in self.force
        result = merged(ours, live, before, default=self.languages.default, force=force)
        for kind, words in result.says.items():
            shown = Kind.ADOPTED if adopted and kind is Kind.CHANGED else kind
            self._say(shown, concept, "; ".join(words))
        update = _update(concept.id, live, result.term)
        if update is not None:
            self.updates.append(update)
        self._flags(concept, live.properties, result.term.properties)
        self._place(concept, live)
        self.settled.append(result.agreed)

    def _place(self, concept: Concept, live: StoredTerm) -> None:
        """Graph has no call that moves a term: PATCH knows labels, descriptions and properties."""
        parent_id = self.ids.get(concept.broader) if concept.broader else None
        if parent_id == live.parent_id and (parent_id or concept.broader is None):
            return
        there = next((key for key, one in self.ids.items() if one == live.parent_id), live.parent_id)
        says = (
            f"it stands {_under(there)} in the term store and {_under(concept.broader)} in the files; "
            "Graph cannot move a term: move it on the term store's page, or in the files"
        )
        self._say(Kind.BY_HAND, concept, says)

    def _flags(self, concept: Concept, live: Mapping[str, str], after: Mapping[str, str]) -> None:
        """What Graph cannot set is said once: when the property that notes it changes."""
        if live.get(STATUS) != after.get(STATUS):
            gone = concept.status is Status.DEPRECATED
            what = "deprecate it" if gone else "enable it again"
            self._say(Kind.BY_HAND, concept, f"{what} on the term store's page: Graph has no call for it")

    def _gone(self) -> None:
        """Terms that only the term store has. Nothing is deleted, as documents carry them."""
        aliases = {alias: one for one in self.term_set.concepts for alias in one.aliases}
        for key, term in self.by_key.items():
            if key in self.known:
                continue
            label = next((one.default for one in term.labels.values()), key)
            kind, says = Kind.GONE, "the files no longer have it; it is left as it is"
            if into := aliases.get(key):
                says = f"merge it into “{into.label()}” on the term store's page: Graph has no call for it"
                kind = Kind.BY_HAND
            self.lines.append(Line(kind=kind, concept_id=key, label=label, says=says))
        keys = {one: key for key, one in self.ids.items()}
        for term in self.strays.values():
            label = term.labels[self.languages.default].default
            says = f"people made it, {_under(keys.get(term.parent_id or '', term.parent_id))}"
            concept_id = f"{self.term_set.key}/{term.id}"
            self.lines.append(Line(kind=Kind.ADDED, concept_id=concept_id, label=label, says=says))

    def _names(self) -> tuple[Mapping[str, str] | None, Mapping[str, str] | None, Mapping[str, str]]:
        """The set's names and properties where they are to be written, and the names both agree on."""
        ours = self.languages.names(self.term_set.names)
        if self.live is None:
            made = f"not in the term store yet, {len(self.term_set.concepts)} terms"
            self.lines.insert(0, self._of_set(Kind.SET, made))
            return ours, {KEY: self.term_set.key}, ours
        names, agreed_names = dict(self.live.names), {}
        says: dict[Kind, list[str]] = {}
        force = self.term_set.key in self.force
        for tag in dict.fromkeys((*self.live.names, *ours)):
            live = self.live.names.get(tag)
            side = merged_text(ours.get(tag), live, self.agreed_names.get(tag), force=force)
            note_side(says, side, f"{tag} name", ours.get(tag), live)
            if side.value is not None:
                names[tag] = side.value
            if side.agreed is not None:
                agreed_names[tag] = side.agreed
        self.lines += [
            self._of_set(Kind.SET if kind is Kind.CHANGED else kind, "; ".join(said))
            for kind, said in says.items()
        ]
        properties = {**self.live.properties, KEY: self.term_set.key}
        if self.live.properties.get(KEY) is None:
            self.lines.insert(0, self._of_set(Kind.ADOPTED, "the term set of this name becomes ours"))
        same = names == dict(self.live.names) and properties == dict(self.live.properties)
        return (None, None, agreed_names) if same else (names, properties, agreed_names)

    def _of_set(self, kind: Kind, says: str) -> Line:
        return Line(kind=kind, concept_id=self.term_set.key, label=self.term_set.name(), says=says)


def _unused(term_set: TermSet) -> set[str]:
    """Deprecated concepts above no other: where the term store lacks them, nothing can carry them."""
    above: set[str] = set()
    for concept in term_set.concepts:
        at = concept if concept.status is Status.CURRENT else None
        while at is not None and at.broader and at.broader not in above:
            above.add(at.broader)
            at = term_set.by_id.get(at.broader)
    return {one.id for one in term_set.concepts if one.status is Status.DEPRECATED} - above


def _levels(term_set: TermSet) -> list[list[Concept]]:
    """The concepts level by level; one whose broader concept does not exist stands at the top.

    The files are checked for circles when they are read; what still goes round in one is left out.
    """
    levels: list[list[Concept]] = []
    placed: set[str] = set()
    waiting = list(term_set.concepts)
    while True:
        here = [one for one in waiting if one.broader not in term_set.by_id or one.broader in placed]
        if not here:
            return levels
        levels.append(here)
        placed.update(one.id for one in here)
        waiting = [one for one in waiting if one.id not in placed]


def _equal(ours: StoredTerm, live: StoredTerm) -> bool:
    mine, theirs = (
        (term.labels, term.descriptions, {key: one for key, one in term.properties.items() if key in OURS})
        for term in (ours, live)
    )
    return mine == theirs


def differ(one: StoredTerm, other: StoredTerm) -> bool:
    """Whether the two states of a term differ in what a push writes; the order of synonyms does not count."""
    return _update("", one, other) is not None


def _update(concept_id: str, live: StoredTerm, after: StoredTerm) -> Update | None:
    labels = after.labels if _label_set(after) != _label_set(live) else None
    descriptions = after.descriptions if dict(after.descriptions) != dict(live.descriptions) else None
    properties = after.properties if dict(after.properties) != dict(live.properties) else None
    if labels is None and descriptions is None and properties is None:
        return None
    return Update(
        concept_id=concept_id,
        term_id=live.id,
        labels=labels,
        descriptions=descriptions,
        properties=properties,
    )


def _label_set(term: StoredTerm) -> dict[str, tuple[str, frozenset[str]]]:
    return {tag: (one.default, frozenset(one.synonyms)) for tag, one in term.labels.items()}


def _under(concept_id: str | None) -> str:
    return f"under {concept_id}" if concept_id else "at the top"
