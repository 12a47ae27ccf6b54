"""What a watch does by itself with what is proposed for a document, and what it leaves to a person."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from km365.core.tag_plan import SINGLE, Addition, ColumnChange, Row
from km365.core.taxonomy import Mode, Taxonomy

_FIRST_PAUSE = timedelta(minutes=5)
_LONGEST_PAUSE = timedelta(hours=6)


@dataclass(frozen=True, kw_only=True)
class Split:
    """A proposed row in two: `auto` is written at once, `rest` waits for a person; None where nothing is."""

    auto: Row | None
    rest: Row | None


def split(row: Row, taxonomy: Taxonomy, *, at_least: float, taken_out: Collection[str] = ()) -> Split:
    """Divides what is proposed for a document.

    Applied at once are terms of mode auto whose score is `at_least` that, in term sets that are not kept for
    people. Nothing is taken out at once. `taken_out` are the term-store ids of terms that km365 had written
    here and that are gone: putting them back is for a person.
    """
    auto: list[ColumnChange] = []
    rest: list[ColumnChange] = []
    for change in row.changes:
        sure = tuple(
            one
            for one in change.add
            if one.tag.term_id not in taken_out and _is_auto(one, taxonomy) and _score(one) >= at_least
        )
        if change.column in SINGLE:
            sure = () if change.before else sure[:1]
        if sure:
            auto.append(replace(change, add=sure, remove=(), proposed=None))
        left = tuple(one for one in change.add if one not in sure)
        if sure and change.column in SINGLE:
            left = ()
        before = (*change.before, *(one.tag for one in sure))
        remove = () if sure else change.remove
        if left or remove:
            rest.append(replace(change, before=before, add=left, remove=remove, proposed=None))
    return Split(
        auto=replace(row, changes=tuple(auto), others=()) if auto else None,
        rest=replace(row, changes=tuple(rest), others=_others(row, auto, rest)) if rest else None,
    )


def _is_auto(one: Addition, taxonomy: Taxonomy) -> bool:
    concept = taxonomy.by_id.get(one.concept_id)
    if concept is None or concept.mode is not Mode.AUTO or not concept.open_for_tagging:
        return False
    term_set = next((s for s in taxonomy.term_sets if one.concept_id in s.by_id), None)
    return term_set is not None and term_set.mode is not Mode.NEVER


def _score(one: Addition) -> float:
    return one.reason.score or 0.0


def _others(
    row: Row, auto: Collection[ColumnChange], rest: Collection[ColumnChange]
) -> tuple[ColumnChange, ...]:
    """The columns of which the rest says nothing, those included that are filled at once."""
    waiting = {one.column for one in rest}
    filled = tuple(
        replace(one, before=one.after, add=(), remove=(), proposed=None)
        for one in auto
        if one.column not in waiting
    )
    return (*row.others, *filled)


def taken_out(written: Mapping[str, Collection[str]], now: Mapping[str, Collection[str]]) -> set[str]:
    """The ids of terms that a run wrote into a document and that its columns hold no more, by column."""
    return {one for column, terms in written.items() for one in terms if one not in now.get(column, ())}


def try_again_at(attempts: int, *, now: datetime) -> datetime:
    """When a document that was locked or settling is looked at again: ever later, 6 hours at most."""
    doublings = min(max(attempts - 1, 0), 10)
    return now + min(_FIRST_PAUSE * (1 << doublings), _LONGEST_PAUSE)
