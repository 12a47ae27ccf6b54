"""A tagging plan: what would be added to which document and why, as a file that a person reads and edits.

The file says what was there (`before`, sealed against slips of the pen) and what to add (`add`, free to be
edited): taking out a term, a column or a whole document leaves it alone, a term can be added by label or id.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from km365.core.schema import TAG_COLUMNS
from km365.core.tagging import Suggestion
from km365.core.taxonomy import Concept, Status, Taxonomy, TermSet
from km365.errors import PlanRefused

FORMAT = 1
ABOUT = (
    'Terms that km365 would add. The lists "add" are yours to edit: take an entry out to leave that term '
    'out, or write {"term": "label or id"} for one more of the same column; `km365 taxonomy list --facet '
    "topic` lists the terms of Topic. Whole columns and whole documents may be taken out; new ones cannot be "
    'put in. Leave "libraries", "drive", "item", "etag", "before" and "seal" as they are; the rest only '
    "explains. Then: km365 tag apply FILE"
)
_SINGLE = frozenset(column.name for column in TAG_COLUMNS if not column.multiple)
"""The columns that take one term only."""


@dataclass(frozen=True, kw_only=True)
class Tag:
    """A term in a column: the term store's id and the label it showed."""

    term_id: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a term is proposed; empty for one that a person added."""

    score: float | None = None
    words: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Addition:
    """One term to add."""

    tag: Tag
    concept_id: str
    reason: Reason = Reason()


@dataclass(frozen=True, kw_only=True)
class ColumnChange:
    """What one column of a document holds and what is added to it."""

    column: str
    title: str
    before: tuple[Tag, ...]
    add: tuple[Addition, ...]

    @property
    def after(self) -> tuple[Tag, ...]:
        """What the column holds once the change is made."""
        return (*self.before, *(one.tag for one in self.add))


@dataclass(frozen=True, kw_only=True)
class Row:
    """One document. `etag` is its list item's when the plan was made."""

    drive_id: str
    item_id: str
    etag: str
    name: str
    path: str
    web_url: str
    changes: tuple[ColumnChange, ...]


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A document that could not be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Library:
    """A document library: its site as host:/path, its name there, and its drive."""

    site: str
    name: str
    drive_id: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a tagging run would do. `unchanged` are documents with nothing to add."""

    made_at: datetime
    libraries: tuple[Library, ...]
    rows: tuple[Row, ...]
    refused: tuple[Refused, ...] = ()
    unchanged: tuple[str, ...] = ()

    @property
    def terms(self) -> int:
        """How many terms would be added."""
        return sum(len(change.add) for row in self.rows for change in row.changes)

    @property
    def sha(self) -> str:
        """What makes two plans the same: the same documents, as they were, with the same terms added."""
        wanted = [
            [
                row.drive_id,
                row.item_id,
                row.etag,
                [[c.column, [t.term_id for t in c.after]] for c in row.changes],
            ]
            for row in self.rows
        ]
        return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()


def additions(
    suggestions: Iterable[Suggestion], term_set: TermSet, before: Sequence[Tag], *, multiple: bool
) -> tuple[Addition, ...]:
    """The suggested terms of one facet that a column lacks, best first.

    What is there stays: nothing is removed or replaced, so a column for a single term that is filled gets
    nothing. A facet's limit counts what is there already.
    """
    room = (term_set.rule.at_most if multiple else 1) - len(before)
    present = {tag.term_id for tag in before}
    found = []
    for one in suggestions:
        concept = term_set.by_id.get(one.concept_id)
        if concept is None or not concept.term_id or concept.term_id in present:
            continue
        found.append(
            Addition(
                tag=Tag(term_id=concept.term_id, label=concept.label()),
                concept_id=concept.id,
                reason=Reason(score=one.score, words=one.words, places=one.places),
            )
        )
    return tuple(found[: max(0, room)])


# As a file -----------------------------------------------------------------------------------------------


def to_text(plan: Plan) -> str:
    """The plan as the file a person reads and edits."""
    value = {
        "km365_plan": FORMAT,
        "about": ABOUT,
        "made_at": plan.made_at.isoformat(timespec="seconds"),
        "libraries": [{"site": one.site, "name": one.name, "drive": one.drive_id} for one in plan.libraries],
        "documents": [_row_json(row) for row in plan.rows],
        "refused": [{"document": one.path, "reason": one.reason} for one in plan.refused],
        "nothing_to_add": list(plan.unchanged),
    }
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "path": row.path,
        "web_url": row.web_url,
        "columns": {
            change.column: {
                "title": change.title,
                "before": [{"term": tag.label, "term_id": tag.term_id} for tag in change.before],
                "add": [_addition_json(one) for one in change.add],
                "seal": _seal(row.drive_id, row.item_id, row.etag, change.column, change.before),
            }
            for change in row.changes
        },
        "drive": row.drive_id,
        "item": row.item_id,
        "etag": row.etag,
    }


def _addition_json(one: Addition) -> dict[str, Any]:
    value: dict[str, Any] = {"term": one.tag.label, "id": one.concept_id}
    if one.reason.score is not None:
        value |= {
            "score": one.reason.score,
            "because_of": list(one.reason.words),
            "found_in": list(one.reason.places),
        }
    return value


def _seal(drive_id: str, item_id: str, etag: str, column: str, before: Iterable[Tag]) -> str:
    """A check sum over what must not be edited: undo restores from it."""
    kept = [drive_id, item_id, etag, column, [[tag.term_id, tag.label] for tag in before]]
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()[:16]


def from_text(text: str, taxonomy: Taxonomy, *, source: str) -> Plan:
    """The plan in an edited file. `taxonomy` is the one of today, with the term store's ids.

    Raises PlanRefused, naming the file, the document and the key, for anything that is not understood; then
    nothing of the plan is applied.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise PlanRefused(f"{source}, line {error.lineno}: not JSON ({error.msg}).") from None
    except RecursionError:
        raise PlanRefused(f"{source} is nested too deeply to be a plan.") from None
    top = _object(value, source, source)
    if top.get("km365_plan") != FORMAT:
        raise PlanRefused(f"{source} is no plan of km365 (format {FORMAT}); make one with `km365 tag plan`.")
    libraries = [_library(raw, source) for raw in _list(top.get("libraries"), "libraries", source)]
    drives = {one.drive_id for one in libraries}
    rows: dict[tuple[str, str], Row] = {}
    for number, raw in enumerate(_list(top.get("documents"), "documents", source)):
        document = _object(raw, f"documents[{number}]", source)
        where = f"{source}, documents[{number}] ({document.get('name') or '?'})"
        row = _row(document, taxonomy, where)
        if row.drive_id not in drives:
            raise PlanRefused(f'{where}: its library is not among the plan\'s "libraries"; put it back.')
        if (row.drive_id, row.item_id) in rows:
            raise PlanRefused(f"{where}: the document stands in the plan twice; take one of the two out.")
        rows[row.drive_id, row.item_id] = row
    return Plan(
        made_at=_moment(top.get("made_at"), source),
        libraries=tuple(libraries),
        rows=tuple(row for row in rows.values() if row.changes),
    )


def _library(raw: Any, source: str) -> Library:
    value = _object(raw, "libraries", source)
    texts = [value.get(key) for key in ("site", "name", "drive")]
    if not all(isinstance(text, str) and text for text in texts):
        raise PlanRefused(f"{source}: a library lacks its 'site', 'name' or 'drive'; make the plan again.")
    return Library(site=str(texts[0]), name=str(texts[1]), drive_id=str(texts[2]))


def _row(raw: Mapping[str, Any], taxonomy: Taxonomy, where: str) -> Row:
    texts = {}
    for key in ("drive", "item", "etag", "name"):
        if not isinstance(raw.get(key), str) or not raw[key]:
            raise PlanRefused(f"{where}: {key!r} is missing; make the plan again.")
        texts[key] = raw[key]
    by_column = {term_set.column: term_set for term_set in taxonomy.term_sets if term_set.column}
    changes = []
    for column, raw_column in _object(raw.get("columns"), "columns", where).items():
        if column not in by_column:
            raise PlanRefused(
                f"{where}: there is no tag column {column!r}; there are {', '.join(by_column)}."
            )
        value = _object(raw_column, column, where)
        change = _change(column, value, by_column[column], f"{where}, {column}")
        if value.get("seal") != _seal(texts["drive"], texts["item"], texts["etag"], column, change.before):
            raise PlanRefused(
                f"{where}, {column}: 'before', 'etag', 'drive' or 'item' was changed, or the column was not "
                "in the plan. They say what was there, and undo needs them; make the plan again."
            )
        changes.append(change)
    return Row(
        drive_id=texts["drive"],
        item_id=texts["item"],
        etag=texts["etag"],
        name=texts["name"],
        path=str(raw.get("path") or texts["name"]),
        web_url=str(raw.get("web_url") or ""),
        changes=tuple(change for change in changes if change.add),
    )


def _change(column: str, value: Mapping[str, Any], term_set: TermSet, where: str) -> ColumnChange:
    before = tuple(
        Tag(term_id=str(tag.get("term_id") or ""), label=str(tag.get("term") or ""))
        for tag in (_object(one, "before", where) for one in _list(value.get("before"), "before", where))
    )
    present = {tag.term_id for tag in before}
    add: dict[str, Addition] = {}
    for raw_one in _list(value.get("add"), "add", where):
        concept = _concept(_object(raw_one, "add", where), term_set, where)
        term_id = str(concept.term_id)
        if term_id not in present:
            tag = Tag(term_id=term_id, label=concept.label())
            add.setdefault(term_id, Addition(tag=tag, concept_id=concept.id))
    if column in _SINGLE and add and len(before) + len(add) > 1:
        raise PlanRefused(f"{where}: this column takes one term; leave one of them in.")
    return ColumnChange(
        column=column, title=str(value.get("title") or column), before=before, add=tuple(add.values())
    )


def _concept(one: Mapping[str, Any], term_set: TermSet, where: str) -> Concept:
    """The concept an entry of "add" means: by its id, or else by its label in any language."""
    label = str(one.get("term") or "").strip()
    said = str(one.get("id") or label).strip()
    found = term_set.find(said)
    if not found:
        raise PlanRefused(
            f"{where}: {said!r} is no term of {term_set.name()!r}; "
            f"`km365 taxonomy list --facet {term_set.key}` shows them."
        )
    if label and found[0] not in term_set.find(label):
        raise PlanRefused(
            f'{where}: {label!r} and {said!r} are different terms; take the "id" out to mean {label!r}.'
        )
    preferred = [concept for concept in found if label in concept.labels.values()]
    if len(found) > 1 and len(preferred) != 1:
        ids = ", ".join(repr(concept.id) for concept in found)
        raise PlanRefused(f'{where}: {said!r} may mean {ids}; say which with "id".')
    concept = preferred[0] if len(found) > 1 else found[0]
    if concept.status is Status.DEPRECATED:
        instead = f"; {concept.replaced_by!r} took its place" if concept.replaced_by else ""
        raise PlanRefused(f"{where}: {said!r} is no longer used{instead}.")
    if not concept.term_id:
        raise PlanRefused(f"{where}: the term store does not have {said!r} yet; run `km365 provision apply`.")
    return concept


def _object(value: Any, key: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise PlanRefused(f"{where}: {key} must be an object in braces.")
    return value


def _list(value: Any, key: str, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise PlanRefused(f"{where}: {key} must be a list in brackets.")
    return value


def _moment(value: Any, where: str) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise PlanRefused(f"{where}: 'made_at' is not a moment; make the plan again.") from None
