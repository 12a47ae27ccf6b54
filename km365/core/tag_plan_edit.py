"""What a person wrote into a plan, understood or refused by name. Both faces of a plan end here.

What was planned for a document (what its columns held, what the machine proposed) is sealed against slips of
the pen, since undo and learning need it. What is wanted is free to be edited: terms by label in any language
or by id, taken out or put in, in any column the library has.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from km365.core.schema import TAG_COLUMNS
from km365.core.tag_plan import (
    FACETS,
    SINGLE,
    Addition,
    ColumnChange,
    Library,
    Mode,
    Proposed,
    Reason,
    Removal,
    Row,
    Tag,
)
from km365.core.taxonomy import Concept, Status, Taxonomy, TermSet
from km365.errors import PlanRefused


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """One entry of the plan as a person left it: `where` names its place in the file, `line` is its row.

    `id` is the concept's id if said, or for a term to be taken out the term store's. One that is not `wanted`
    stands for a proposal that somebody left out. `label` is what its reader sees of it, if not these.
    """

    column: str
    term: str
    id: str = ""
    label: str = ""
    removes: bool = False
    wanted: bool = True
    comment: str = ""
    where: str
    line: int = 0


class NotUnderstood(PlanRefused):
    """Wishes for a document are not understood: each with a line that names its place and says why."""

    def __init__(self, problems: Sequence[tuple[Wish, str]]) -> None:
        super().__init__("\n".join(text for _, text in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    """A document as it was planned. `row` has the proposals as changes, before anybody edited them."""

    row: Row
    seal: str


def seal(row: Row) -> str:
    """A check sum over what must not be edited."""
    kept = [row.drive_id, row.item_id, row.etag, planned(row)]
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def planned(row: Row) -> dict[str, Any]:
    """What the row's columns held and what the machine proposed, as compact JSON by column."""
    found = {}
    for column in row.columns:
        machine = column.original
        value: dict[str, Any] = {}
        if column.before:
            value["before"] = [[tag.term_id, tag.label] for tag in column.before]
        if machine.add:
            value["add"] = [
                [
                    one.concept_id,
                    one.tag.term_id,
                    one.tag.label,
                    one.reason.score,
                    one.reason.part,
                    list(one.reason.words),
                    list(one.reason.places),
                ]
                for one in machine.add
            ]
        if machine.remove:
            value["remove"] = [[one.concept_id, one.tag.term_id, one.by_people] for one in machine.remove]
        if column.mode is not Mode.ADD:
            value["mode"] = str(column.mode)
        if value:
            found[column.column] = value
    return found


def from_planned(raw: Mapping[str, Any], titles: Mapping[str, str]) -> tuple[ColumnChange, ...]:
    """The columns that `planned` wrote.

    Raises TypeError, ValueError, KeyError, AttributeError, OverflowError for anything else.
    """
    columns = []
    for name, value in raw.items():
        before = tuple(Tag(term_id=str(i), label=str(label)) for i, label in value.get("before", ()))
        add = tuple(
            Addition(
                tag=Tag(term_id=str(term_id), label=str(label)),
                concept_id=str(concept_id),
                reason=Reason(
                    score=None if score is None else float(score),
                    words=tuple(map(str, words)),
                    places=tuple(map(str, places)),
                    part=str(part),
                ),
            )
            for concept_id, term_id, label, score, part, words, places in value.get("add", ())
        )
        held = {tag.term_id: tag for tag in before}
        remove = tuple(
            Removal(tag=held[str(term_id)], concept_id=str(concept_id), by_people=bool(by_people))
            for concept_id, term_id, by_people in value.get("remove", ())
        )
        columns.append(
            ColumnChange(
                column=name,
                title=titles.get(name, name),
                before=before,
                add=add,
                remove=remove,
                mode=Mode(value.get("mode", Mode.ADD)),
                proposed=Proposed(add=add, remove=remove),
            )
        )
    return tuple(columns)


# Understanding -------------------------------------------------------------------------------------------


class Editor:
    """Understands the wishes for one document after the other, for the taxonomy of today."""

    def __init__(
        self,
        taxonomy: Taxonomy,
        libraries: Iterable[Library],
        *,
        language: str = "en",
    ) -> None:
        """`language` is that of the plan's reader, in which columns are called."""
        self._taxonomy, self._language = taxonomy, language
        self._sets = {one.column: one for one in taxonomy.term_sets if one.column in FACETS}
        self._titles = {one.drive_id: titles_of(one) for one in libraries}
        every = {name: title for titles in self._titles.values() for name, title in titles.items()}
        self._called = titles_in(language, every, taxonomy)

    def titles(self, drive_id: str) -> Mapping[str, str]:
        """The tag columns of a library that can be filled, with their titles."""
        return {name: title for name, title in self._titles[drive_id].items() if name in self._sets}

    def row(self, sealed: Sealed, wishes: Sequence[Wish], where: str, *, named: Iterable[str] = ()) -> Row:
        """The document with what a person wants; `where` names it.

        `named` are columns that the file names, with or without wishes. Raises PlanRefused, and NotUnderstood
        with all wishes that are not.
        """
        row = sealed.row
        if row.drive_id not in self._titles:
            raise PlanRefused(f"{where}: its library is not among the plan's libraries; put it back.")
        if sealed.seal != seal(row):
            raise PlanRefused(
                f"{where}: what was planned, 'etag', 'drive' or 'item' was changed. They say what was "
                "there, and undo needs them; make the plan again."
            )
        titles = self.titles(row.drive_id)
        wanted: dict[str, list[Wish]] = {}
        for wish in wishes:
            wanted.setdefault(wish.column, []).append(wish)
        problems: list[tuple[Wish, str]] = []
        for name in dict.fromkeys((*named, *wanted)):
            if name not in titles:
                what = f"there is no tag column {name!r}; there are {', '.join(titles)}."
                if name not in wanted:
                    raise PlanRefused(f"{where}: {what}")
                problems += [(wish, f"{wish.where}: {what}") for wish in wanted[name]]
        known = {column.column: column for column in row.columns}
        columns = [
            self._column(known.get(name) or _empty(name, title), wanted.get(name, ()), problems)
            for name, title in titles.items()
            if name in known or name in wanted
        ]
        if problems:
            raise NotUnderstood(sorted(problems, key=lambda one: wishes.index(one[0])))
        return replace(
            row,
            changes=tuple(column for column in columns if column),
            others=tuple(column for column in columns if not column),
        )

    def _column(
        self, column: ColumnChange, wishes: Sequence[Wish], problems: list[tuple[Wish, str]]
    ) -> ColumnChange:
        """The column as it is wanted; a wish that is not understood is added to `problems`."""
        before = len(problems)
        term_set, held = self._sets[column.column], {tag.term_id: tag for tag in column.before}
        proposed = {one.tag.term_id: one for one in column.original.add}
        add: dict[str, Addition] = {}
        remove: dict[str, Removal] = {}
        notes: dict[str, str] = {}
        for wish in wishes:
            if not wish.wanted:
                notes |= _note(wish, column)
                continue
            try:
                if wish.removes:
                    out = self._removal(wish, column)
                    remove.setdefault(out.tag.term_id, out)
                    continue
                concept = self._concept(wish, term_set)
            except PlanRefused as refusal:
                problems.append((wish, str(refusal)))
                continue
            term_id = str(concept.term_id)
            tag = Tag(term_id=term_id, label=concept.label())
            known = proposed.get(term_id, Addition(tag=tag, concept_id=concept.id))
            add.setdefault(term_id, replace(known, tag=tag, comment=wish.comment))
        both = add.keys() & (remove.keys() | held.keys())
        add = {term: one for term, one in add.items() if term not in both}
        remove = {term: one for term, one in remove.items() if term not in both}
        left = len(column.before) - len(remove) + len(add)
        if column.column in SINGLE and add and left > 1 and len(problems) == before:
            or_out = f", or take {self._label(column.before[0])!r} out" if column.before else ""
            what = f"{wishes[0].where}: this column takes one term; leave one of them in{or_out}."
            problems.append((wishes[0], what))
        notes = {term: note for term, note in notes.items() if term not in {*add, *remove}}
        return replace(
            column,
            add=tuple(add.values()),
            remove=tuple(remove.values()),
            notes=tuple(notes.items()),
            proposed=column.original,
        )

    def _removal(self, wish: Wish, column: ColumnChange) -> Removal:
        said = wish.term.strip()
        machine = {one.tag.term_id: one for one in column.original.remove}
        if wish.id:
            meant = {tag for tag in column.before if tag.term_id == wish.id and said in {"", tag.label}}
        else:
            meant = {tag for tag in column.before if tag.label == said}
        if not meant and not wish.id:
            ids = {str(one.term_id) for one in self._sets[column.column].find(said)}
            meant = {tag for tag in column.before if tag.term_id in ids}
        if len(meant) != 1:
            held = ", ".join(repr(self._label(tag)) for tag in column.before) or "nothing"
            shown = wish.label or said or wish.id
            raise PlanRefused(f"{wish.where}: {shown!r} cannot be taken out; the column has {held}.")
        tag = next(iter(meant))
        concept = self._taxonomy.by_term_id.get(tag.term_id.lower())
        known = machine.get(tag.term_id, Removal(tag=tag, concept_id=concept.id if concept else ""))
        return replace(known, comment=wish.comment)

    def _label(self, tag: Tag) -> str:
        """A tag as the reader's language has it."""
        concept = self._taxonomy.by_term_id.get(tag.term_id.lower())
        return concept.label(self._language) if concept else tag.label

    def _concept(self, wish: Wish, term_set: TermSet) -> Concept:
        """The concept a wish means: by its id, or else by its label in any language."""
        label, where = wish.term.strip(), wish.where
        said = wish.id.strip() or label
        shown = wish.label or said
        found = term_set.find(said)
        if not found:
            others = [name for name in self._called if name in self._sets and self._sets[name].find(said)]
            whose = f" It is a term of {self._called[others[0]]!r}." if len(others) == 1 else ""
            raise PlanRefused(
                f"{where}: {shown!r} is no term of {self._called[term_set.column]!r}; "
                f"`km365 taxonomy list --facet {term_set.key}` shows them.{whose}"
            )
        if wish.id and label and found[0] not in term_set.find(label):
            raise PlanRefused(
                f'{where}: {label!r} and {said!r} are different terms; take the "id" out to mean {label!r}.'
            )
        preferred = [concept for concept in found if label in concept.labels.values()]
        if len(found) > 1 and len(preferred) != 1:
            ids = ", ".join(repr(concept.id) for concept in found)
            raise PlanRefused(f"{where}: {said!r} may mean {ids}; say which by its id.")
        concept = preferred[0] if len(found) > 1 else found[0]
        if concept.status is Status.DEPRECATED:
            instead = f"; {concept.replaced_by!r} took its place" if concept.replaced_by else ""
            raise PlanRefused(f"{where}: {shown!r} is no longer used{instead}.")
        if not concept.term_id:
            raise PlanRefused(
                f"{where}: the term store does not have {shown!r} yet; run `km365 provision apply`."
            )
        return concept


def _note(wish: Wish, column: ColumnChange) -> dict[str, str]:
    """The comment on a proposal that was left out; what nobody proposed says nothing by being left out."""
    machine = column.original
    terms = {one.concept_id: one.tag.term_id for one in machine.add}
    terms |= {one.tag.term_id: one.tag.term_id for one in machine.remove}
    return {terms[wish.id]: wish.comment} if wish.comment and wish.id in terms else {}


def titles_of(library: Library) -> Mapping[str, str]:
    """The tag columns of a library with their titles."""
    return dict(library.columns) or {column.name: column.title for column in TAG_COLUMNS}


def titles_in(language: str, titles: Mapping[str, str], taxonomy: Taxonomy) -> dict[str, str]:
    """Columns' titles as a reader is shown them: in English the library's own, else the term sets'."""
    names = {one.column: one.names.get(language) for one in taxonomy.term_sets}
    return {name: (language != "en" and names.get(name)) or title for name, title in titles.items()}


def _empty(column: str, title: str) -> ColumnChange:
    return ColumnChange(column=column, title=title, before=(), proposed=Proposed())
