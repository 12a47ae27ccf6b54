"""A tagging plan: what would be added to which document, taken out of it, and why.

The machine proposes and a person decides: a plan keeps what was proposed beside what is wanted, so that what
somebody changed can be learnt from (`decisions`). As a file it is `tag_plan_file` (JSON) or
`documents.plan_xlsx`; what people write into either is understood by `tag_plan_edit`.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain

from km365.core.feedback import Verdict
from km365.core.schema import TAG_COLUMNS
from km365.core.tagging import Suggestion
from km365.core.taxonomy import Mode as TermMode
from km365.core.taxonomy import Taxonomy, TermSet
from km365.errors import Cause

FACETS: Mapping[str, str] = {column.name: str(column.term_set) for column in TAG_COLUMNS}
"""The term set of each tag column."""
_ORDER = {column: number for number, column in enumerate(FACETS)}
SINGLE = frozenset(column.name for column in TAG_COLUMNS if not column.multiple)
"""The columns that take one term only."""


class Mode(StrEnum):
    """What becomes of the terms that a column holds already."""

    ADD = "add"  # they stay, and what is missing is added
    FILL = "fill"  # a column that holds any is left alone
    REPLACE = "replace"  # the column becomes what is suggested, if anything is


@dataclass(frozen=True, kw_only=True, slots=True)
class Tag:
    """A term in a column: the term store's id and the label it showed."""

    term_id: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why a term is proposed, and which part of the suggesting said so; empty for what a person added."""

    score: float | None = None
    words: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    part: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Addition:
    """One term to add."""

    tag: Tag
    concept_id: str
    reason: Reason = Reason()
    comment: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """One term to take out. `concept_id` is "" for a term that the taxonomy does not know.

    `by_people` is False where our own journal says that km365 had put it there.
    """

    tag: Tag
    concept_id: str = ""
    by_people: bool = True
    comment: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposed:
    """What the machine proposed for a column, kept as it was while a person edits the plan."""

    add: tuple[Addition, ...] = ()
    remove: tuple[Removal, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnChange:
    """What one column of a document holds, what is added to it and what is taken out.

    `proposed` is what the machine had said; None: just what is here. `notes` are comments, by term id, on
    proposals that were left out.
    """

    column: str
    title: str
    before: tuple[Tag, ...]
    add: tuple[Addition, ...] = ()
    remove: tuple[Removal, ...] = ()
    mode: Mode = Mode.ADD
    proposed: Proposed | None = None
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def after(self) -> tuple[Tag, ...]:
        """What the column holds once the change is made."""
        kept = self.before
        if self.remove:
            out = {one.tag.term_id for one in self.remove}
            kept = tuple(tag for tag in kept if tag.term_id not in out)
        return (*kept, *[one.tag for one in self.add])

    @property
    def original(self) -> Proposed:
        """What the machine proposed."""
        return self.proposed or Proposed(add=self.add, remove=self.remove)

    @property
    def comments(self) -> Mapping[str, str]:
        """What people wrote beside its terms, wanted or left out, by term id."""
        terms: tuple[Addition | Removal, ...] = (*self.remove, *self.add)
        beside = [(one.tag.term_id, one.comment) for one in terms]
        return {term_id: comment for term_id, comment in (*beside, *self.notes) if comment}

    def __bool__(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.add or self.remove)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One document, or one item of a list. `etag` is its list item's when the plan was made.

    `changes` are the columns to be written; `others` are those that the plan leaves as they are. `seen` says
    that a person has gone through its terms: then what was kept is known to be right.
    """

    drive_id: str
    item_id: str
    etag: str
    name: str
    path: str
    web_url: str
    changes: tuple[ColumnChange, ...]
    others: tuple[ColumnChange, ...] = ()
    language: str | None = None
    seen: bool = False

    @property
    def columns(self) -> tuple[ColumnChange, ...]:
        """Every column of which something is known, in the order of our schema."""
        return tuple(sorted((*self.changes, *self.others), key=lambda one: _ORDER.get(one.column, 99)))


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A document that could not be read, and why. `passing`: it may be another time, with nothing done."""

    path: str
    reason: str
    cause: Cause | None = None
    passing: bool = False


@dataclass(frozen=True, kw_only=True)
class Library:
    """A document library or list: its site as host:/path, its name there, and its drive.

    `drive_id` of a list without files is made by `list_id`. `columns` are its tag columns with their titles;
    empty: those of our own schema.
    """

    site: str
    name: str
    drive_id: str
    columns: tuple[tuple[str, str], ...] = ()


_LIST = "list:"


def list_container(site_id: str, list_id: str) -> str:
    """What stands for the drive id of a list whose items are no files."""
    return f"{_LIST}{site_id}:{list_id}"


def list_of(container: str) -> tuple[str, str] | None:
    """The site id and list id in what `list_container` made; None for a drive."""
    if not container.startswith(_LIST):
        return None
    site_id, _, list_id = container.removeprefix(_LIST).partition(":")
    return site_id, list_id


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a tagging run would do.

    `rows` are the documents with something to do, `others` those that were read without; both may be read
    from a file again and again instead of lying in memory. `partial` and its `cause` say why a plan stops
    before the end.
    """

    made_at: datetime
    libraries: tuple[Library, ...]
    rows: Collection[Row]
    refused: Collection[Refused] = ()
    others: Collection[Row] = ()
    mode: Mode = Mode.ADD
    partial: str = ""
    cause: Cause | None = None

    @property
    def terms(self) -> int:
        """How many terms would be added."""
        return sum(len(change.add) for row in self.rows for change in row.changes)

    @property
    def removals(self) -> int:
        """How many terms would be taken out."""
        return sum(len(change.remove) for row in self.rows for change in row.changes)

    @property
    def unchanged(self) -> tuple[str, ...]:
        """The documents with nothing to do, by path."""
        return tuple(row.path for row in self.others)

    @property
    def sha(self) -> str:
        """What makes two plans the same: the same documents, as they were, with the same terms wanted.

        In whatever order they stand: a sheet may have been sorted.
        """
        total = 0
        for row in self.rows:
            terms = sorted([(c.column, sorted([tag.term_id for tag in c.after])) for c in row.changes])
            wanted = ascii((row.drive_id, row.item_id, row.etag, terms))
            total += int.from_bytes(hashlib.sha256(wanted.encode()).digest())
        return hashlib.sha256(str(total).encode()).hexdigest()


# Proposing -----------------------------------------------------------------------------------------------


def propose(
    suggestions: Iterable[Suggestion],
    taxonomy: Taxonomy,
    before: tuple[Tag, ...],
    *,
    column: str,
    title: str,
    mode: Mode = Mode.ADD,
    at_least: float = 0.0,
) -> ColumnChange:
    """What to do with one of our columns that holds `before`, given what is suggested for it, best first.

    Replacing takes nothing out where nothing is suggested, and never a term that is kept for people.
    `at_least` leaves out suggestions of a lower score. The term set's limit counts what stays.
    """
    term_set = taxonomy.by_key[FACETS[column]]
    limit = 1 if column in SINGLE else term_set.rule.at_most
    good = [one for one in suggestions if one.score >= at_least]
    remove: tuple[Removal, ...] = ()
    add: tuple[Addition, ...] = ()
    if mode is Mode.REPLACE:
        known = {tag: taxonomy.by_term_id.get(tag.term_id.lower()) for tag in before}
        staying = [tag for tag, concept in known.items() if concept and concept.mode is TermMode.NEVER]
        wanted = additions(good, term_set, staying, limit=limit)
        if wanted:
            again = {one.tag.term_id for one in wanted}
            remove = tuple(
                Removal(tag=tag, concept_id=concept.id if concept else "")
                for tag, concept in known.items()
                if tag not in staying and tag.term_id not in again
            )
            present = {tag.term_id for tag in before}
            add = tuple(one for one in wanted if one.tag.term_id not in present)
    elif not (before and mode is Mode.FILL):
        add = additions(good, term_set, before, limit=limit)
    return ColumnChange(column=column, title=title, before=before, add=add, remove=remove, mode=mode)


def additions(
    suggestions: Iterable[Suggestion], term_set: TermSet, before: Sequence[Tag], *, limit: int
) -> tuple[Addition, ...]:
    """The suggested terms of one facet that a column lacks, best first, up to `limit` with those it has."""
    present = {tag.term_id for tag in before}
    found = []
    for one in suggestions:
        concept = term_set.by_id.get(one.concept_id)
        if concept is None or not concept.term_id or concept.term_id in present:
            continue
        reason = Reason(score=one.score, words=one.words, places=one.places, part=str(one.part))
        tag = Tag(term_id=concept.term_id, label=concept.label())
        found.append(Addition(tag=tag, concept_id=concept.id, reason=reason))
    return tuple(found[: max(0, limit - len(before))])


# Deciding ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a person decided about one term of one document; `words` are those that had made it.

    `document` is its drive id and item id, `comment` what the person wrote beside the term.
    """

    document: tuple[str, str]
    concept_id: str
    facet: str
    verdict: Verdict
    words: tuple[str, ...] = ()
    language: str | None = None
    path: str = ""
    comment: str = ""


def decisions(plan: Plan, *, taxonomy: Taxonomy | None = None) -> list[Decision]:
    """What people decided while they edited or reviewed the plan, document by document.

    Taken out of the plan: wrong; put in: missing; kept: right, in documents that somebody worked on. A
    document nobody touched says nothing. Terms that stood in the column already count likewise: taken out by
    a person, wrong; kept against the machine, missing. With `taxonomy`, only concepts that it knows.
    """
    found = [one for row in chain(plan.rows, plan.others) for one in _decisions(row)]
    return [one for one in found if taxonomy is None or one.concept_id in taxonomy.by_id]


def _decisions(row: Row) -> Iterator[Decision]:
    said = [(column, *_verdicts(column)) for column in row.columns]
    touched = row.seen or any(edited or column.comments for column, _, edited in said)
    for column, kept, edited in said if touched else ():
        for concept_id, verdict, words, comment in (*kept, *edited):
            yield Decision(
                document=(row.drive_id, row.item_id),
                concept_id=concept_id,
                facet=FACETS.get(column.column, ""),
                verdict=verdict,
                words=words,
                language=row.language,
                path=row.path,
                comment=comment,
            )


_Verdict = tuple[str, Verdict, tuple[str, ...], str]
"""A concept id, what was said of it, the words that had made it, and the comment."""


def _verdicts(column: ColumnChange) -> tuple[list[_Verdict], list[_Verdict]]:
    """What was kept as the machine proposed it, and what a person changed."""
    machine = column.original
    proposed, wanted = ({one.tag.term_id: one for one in adds} for adds in (machine.add, column.add))
    leaving, out = ({one.tag.term_id: one for one in some} for some in (machine.remove, column.remove))
    notes = column.comments
    kept: list[_Verdict] = []
    edited: list[_Verdict] = []
    for term, one in proposed.items():
        said = Verdict.RIGHT if term in wanted else Verdict.WRONG
        said_so = (one.concept_id, said, one.reason.words, notes.get(term, ""))
        (kept if term in wanted else edited).append(said_so)
    others = [(term, one.concept_id, Verdict.MISSING) for term, one in wanted.items() if term not in proposed]
    others += [(term, one.concept_id, Verdict.WRONG) for term, one in out.items() if term not in leaving]
    others += [(term, one.concept_id, Verdict.MISSING) for term, one in leaving.items() if term not in out]
    edited += [(concept, verdict, (), notes.get(term, "")) for term, concept, verdict in others]
    return kept, [one for one in edited if one[0]]
