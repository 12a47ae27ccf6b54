"""What a sheet changes in the calendar: which milestones are new, moved, changed, cancelled or as they were.

A milestone is known again by its key; without one, by office, kind and title, and of several by the nearest
day. So a second import of the same sheet changes nothing, and a moved day is a move, not a second milestone.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from km365.core.calendar_rows import Entry, Field
from km365.core.schedule import Milestone
from km365.core.sheet_rows import plain

SAME_MILESTONE = timedelta(days=183)
"""Two days of one title further apart than this are two milestones: the reviews of two years."""
DERIVED = "m-"
"""How keys begin that km365 made because the sheet had none."""


class Change(StrEnum):
    """What becomes of a milestone."""

    NEW = "new"
    MOVED = "moved"
    CANCELLED = "cancelled"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One row of the sheet and what it changes. `fields` are columns of the list with the values to write."""

    change: Change
    entry: Entry
    before: Milestone | None
    fields: Mapping[str, str | None]
    key: str


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The rows in the order of the sheet; with any problem, nothing is to be written."""

    wanted: tuple[Wanted, ...]
    problems: tuple[str, ...]


def derived_key(entry: Entry) -> str:
    """The key of a milestone without one, made of what is known when it is first imported."""
    what = "|".join((plain(entry.office), entry.kind, plain(entry.title), str(entry.due_on)))
    return DERIVED + hashlib.sha256(what.encode()).hexdigest()[:20]


def compare(entries: Sequence[Entry], kept: Iterable[Milestone]) -> Compared:
    """What each entry changes in the milestones that are kept."""
    kept = list(kept)
    problems = [*_repeated(entries), *_kept_twice(kept)]
    by_key = {one.key: one for one in kept if one.key}
    keys = [entry.key or derived_key(entry) for entry in entries]
    found = [by_key.get(key) for key in keys]
    taken = {one.id for one in found if one is not None}
    matches = _nearest(entries, found, [one for one in kept if one.id not in taken])
    wanted = []
    for number, (entry, key) in enumerate(zip(entries, keys, strict=True)):
        before = found[number] or matches.get(number)
        if before is None and entry.due_on is None:
            problems.append(f"{entry.at(Field.DATE)}: is empty, and there is no such milestone to cancel.")
        wanted.append(_wanted(entry, key, before))
    return Compared(wanted=tuple(wanted), problems=tuple(problems))


def _repeated(entries: Sequence[Entry]) -> Iterable[str]:
    """Rows that mean the same milestone."""
    seen: dict[str, Entry] = {}
    for entry in entries:
        key = entry.key or derived_key(entry)
        first = seen.setdefault(key, entry)
        if first is not entry:
            what = "has the key of" if entry.key else "says the same as"
            yield f"{entry.place}: {what} {first.place}; delete one of the two."


def _kept_twice(kept: Iterable[Milestone]) -> Iterable[str]:
    seen: dict[str, Milestone] = {}
    for one in kept:
        if one.key and seen.setdefault(one.key, one) is not one:
            first = seen[one.key].id
            yield (
                f"The Milestones list holds {one.title!r} twice with one key (entries {first} and {one.id}); "
                "delete one of them."
            )


def _name(one: Entry | Milestone) -> tuple[str, str, str]:
    return plain(one.office), one.kind, plain(one.title)


def _nearest(
    entries: Sequence[Entry], found: Sequence[Milestone | None], free: Iterable[Milestone]
) -> Mapping[int, Milestone]:
    """For rows whose key is not in the list, the milestone of that name with the nearest day, each once.

    One that has a key of its own, not made by km365, is not taken for a row with another key.
    """
    by_name: dict[tuple[str, str, str], list[Milestone]] = {}
    for one in free:
        by_name.setdefault(_name(one), []).append(one)
    pairs = []
    for number, entry in enumerate(entries):
        if found[number] is not None:
            continue
        same = by_name.get(_name(entry), [])
        for one in same:
            if entry.key and one.key and not one.key.startswith(DERIVED):
                continue
            if one.due_on is None or entry.due_on is None:
                if len(same) == 1:
                    pairs.append((SAME_MILESTONE, number, one))
            elif (apart := abs(one.due_on - entry.due_on)) <= SAME_MILESTONE:
                pairs.append((apart, number, one))
    matches: dict[int, Milestone] = {}
    taken: set[str] = set()
    for _, number, one in sorted(pairs, key=lambda pair: (pair[0], pair[1], pair[2].id)):
        if number not in matches and one.id not in taken:
            matches[number] = one
            taken.add(one.id)
    return matches


def _wanted(entry: Entry, key: str, before: Milestone | None) -> Wanted:
    fields = fields_of(entry, key)
    if before is None:
        new: dict[str, str | None] = {"KMState": "planned"}
        fields = new | {name: value for name, value in fields.items() if value}
        change = Change.CANCELLED if fields["KMState"] == "cancelled" else Change.NEW
        return Wanted(change=change, entry=entry, before=None, fields=fields, key=key)
    if not entry.key:
        del fields["KMKey"]  # the milestone keeps the key it has, or none
    stands = fields_of(before, before.key)
    fields = {name: value for name, value in fields.items() if value != stands[name]}
    if not fields:
        change = Change.UNCHANGED
    elif fields.get("KMState") == "cancelled":
        change = Change.CANCELLED
    else:
        change = Change.MOVED if "KMDate" in fields else Change.CHANGED
    return Wanted(change=change, entry=entry, before=before, fields=fields, key=before.key or key)


def fields_of(one: Entry | Milestone, key: str) -> dict[str, str | None]:
    """The columns of the *Milestones* list; those an entry says nothing of are left out. None empties one."""
    fields: dict[str, str | None] = {
        "Title": one.title,
        "KMKind": one.kind,
        "KMOffice": one.office,
        "KMKey": key or None,
    }
    is_entry = isinstance(one, Entry)
    if one.due_on is not None or not is_entry:
        fields["KMDate"] = one.due_on.isoformat() if one.due_on else None
    if one.programme is not None:
        fields["KMProgramme"] = one.programme or None
    if one.asked is not None:
        fields["KMAsked"] = "\n".join(one.asked) or None
    if one.state is not None:
        fields["KMState"] = one.state
    return fields
