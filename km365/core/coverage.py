"""How many documents carry a term at all: by facet and by office, before and after a run."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """One document of an office, and the columns that hold a term in it, before and after."""

    office: str
    before: frozenset[str]
    after: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Share:
    """Of `documents` so many carried a term `before`, and carry one `after`.

    `name` is a column or an office; for an office a document counts when any column holds a term.
    """

    name: str
    documents: int
    before: int
    after: int

    @property
    def share_before(self) -> float:
        """0 to 1; 0 where there is no document."""
        return self.before / self.documents if self.documents else 0.0

    @property
    def share_after(self) -> float:
        """0 to 1; 0 where there is no document."""
        return self.after / self.documents if self.documents else 0.0


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One office and one column together."""

    office: str
    column: str
    share: Share


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """By facet in the order of the columns, by office in the order of their names, and both together."""

    documents: int
    by_facet: tuple[Share, ...]
    by_office: tuple[Share, ...]
    cells: tuple[Cell, ...]


def coverage(documents: Iterable[Tagged], *, columns: Sequence[str]) -> Coverage:
    """The coverage of these documents; every one of `columns` is in the answer, filled or not."""
    listed = list(documents)
    total = Counter(one.office for one in listed)
    before = Counter((one.office, column) for one in listed for column in one.before)
    after = Counter((one.office, column) for one in listed for column in one.after)
    some_before = Counter(one.office for one in listed if one.before)
    some_after = Counter(one.office for one in listed if one.after)
    offices = sorted(total)
    return Coverage(
        documents=len(listed),
        by_facet=tuple(
            Share(
                name=column,
                documents=len(listed),
                before=sum(before[office, column] for office in offices),
                after=sum(after[office, column] for office in offices),
            )
            for column in columns
        ),
        by_office=tuple(
            Share(
                name=office,
                documents=total[office],
                before=some_before[office],
                after=some_after[office],
            )
            for office in offices
        ),
        cells=tuple(
            Cell(
                office=office,
                column=column,
                share=Share(
                    name=column,
                    documents=total[office],
                    before=before[office, column],
                    after=after[office, column],
                ),
            )
            for office in offices
            for column in columns
        ),
    )
