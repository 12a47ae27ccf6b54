"""What a tagging run came to, for a person who was not there: values only, no words of any language."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from km365.core.coverage import Coverage
from km365.core.feedback import Corrected
from km365.errors import Cause

NOT_READ = "not_read"
"""The state of a document that is in the plan of a run only as one that could not be read."""


@dataclass(frozen=True, kw_only=True)
class ColumnReport:
    """One column of one document: the labels it held, those added and those taken out."""

    column: str
    before: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DocumentReport:
    """One document of a run. `state` (or `NOT_READ`), `reason` and `cause` are the journal's.

    `office` is its site's name, empty where that is not known.
    """

    office: str
    path: str
    state: str
    reason: str
    cause: Cause | None
    columns: tuple[ColumnReport, ...]


@dataclass(frozen=True, kw_only=True)
class TermCount:
    """How many documents got a term."""

    column: str
    label: str
    documents: int


@dataclass(frozen=True, kw_only=True)
class OpenSuggestion:
    """A term that was proposed and neither written nor refused by a person; `score` where it is known."""

    office: str
    path: str
    column: str
    label: str
    score: float | None = None


@dataclass(frozen=True, kw_only=True)
class CorrectedTerm:
    """A term people corrected, with its label."""

    label: str
    counts: Corrected


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """Everything a report shows. `coverage` is None where libraries could not be read, and `note` says why.

    `columns` are the tag columns with their titles in the reader's language, in their order. `not_reached` is
    how many documents a run that was cut off has not begun; its plan names them.
    """

    run_id: str
    kind: str
    state: str
    undoes: str | None
    started_at: datetime
    finished_at: datetime | None
    made_at: datetime
    organisation: str
    language: str
    libraries: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, str], ...]
    changed: tuple[DocumentReport, ...]
    left: tuple[DocumentReport, ...]
    same: int
    not_reached: int
    coverage: Coverage | None
    note: str
    note_cause: Cause | None
    terms: tuple[TermCount, ...]
    corrections: tuple[CorrectedTerm, ...]
    open: tuple[OpenSuggestion, ...]

    @property
    def is_undone(self) -> bool:
        """Whether another run has taken back what this one changed."""
        return self.state == "undone"

    @property
    def terms_added(self) -> int:
        """How many terms the run added, over all documents."""
        return sum(len(column.added) for one in self.changed for column in one.columns)

    @property
    def terms_removed(self) -> int:
        """How many terms the run took out."""
        return sum(len(column.removed) for one in self.changed for column in one.columns)

    def title_of(self, column: str) -> str:
        """What people call the column."""
        return dict(self.columns).get(column, column)


def column_report(column: str, old: Sequence[Sequence[str]], new: Sequence[Sequence[str]]) -> ColumnReport:
    """What became of one column, from the journal's pairs of term id and label."""
    before, after = {tag[0] for tag in old}, {tag[0] for tag in new}
    return ColumnReport(
        column=column,
        before=tuple(tag[1] for tag in old),
        added=tuple(tag[1] for tag in new if tag[0] not in before),
        removed=tuple(tag[1] for tag in old if tag[0] not in after),
    )
