"""What an HR file changes in the *Departures* list: what is new, moved, called off, as it was, or disputed.

A departure is known again by its key; without one, by the person, and of several by the nearest day. The file
moves and calls off what it keeps itself; what somebody wrote into the list stays, and the file's word is
noted beside it (`departures.listed_claims`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from km365.core.departure_rows import FILLS, Entry, Field
from km365.core.departures import CANCELLED, GONE_WITHIN, SAME_DEPARTURE, decide, listed_claims
from km365.core.sheet_rows import plain

_HANDED_OVER = frozenset({"note filed", "declined"})
"""States of a departure in which nothing is pending that could be called off."""


class Change(StrEnum):
    """What becomes of a departure."""

    NEW = "new"
    MOVED = "moved"
    CANCELLED = "cancelled"
    CHANGED = "changed"  # something that was empty is filled in
    CONFLICT = "conflict"  # the list says something else, and counts
    UNCHANGED = "unchanged"
    OVER = "over"  # long past and not in the list: left out


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One entry of the list. People are object ids where the directory knows them, else as written."""

    id: str
    etag: str
    person: str
    leaves_on: date | None
    state: str = "planned"
    key: str = ""
    file_says: str = ""
    fills: Mapping[Field, str]

    @property
    def says(self) -> str:
        """What the entry says of the last day, as `Entry.says`; empty where nothing."""
        if self.state == CANCELLED:
            return CANCELLED
        return self.leaves_on.isoformat() if self.leaves_on else ""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One row of the file and what it changes. `fields` are columns of the list with the values to write.

    `notes` say in words what the file and the list do not agree on, and which of them counts.
    """

    change: Change
    entry: Entry
    before: Kept | None
    fields: Mapping[str, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The rows in the order of the file; with any problem, nothing is to be written."""

    wanted: tuple[Wanted, ...]
    problems: tuple[str, ...]


def compare(entries: Sequence[Entry], kept: Iterable[Kept], *, today: date) -> Compared:
    """What each entry, its people as object ids, changes in the departures that are kept."""
    kept = list(kept)
    problems = [*_repeated(entries), *_kept_twice(kept)]
    matches = _matches(entries, kept, today)
    problems += [
        f"{entry.at(Field.KEY)}: {entry.key!r} is the key of another person (entry {matches[number].id})."
        for number, entry in enumerate(entries)
        if number in matches and matches[number].person != entry.person
    ]
    wanted = [_wanted(entry, matches.get(number), today) for number, entry in enumerate(entries)]
    return Compared(wanted=tuple(wanted), problems=tuple(problems))


def _repeated(entries: Sequence[Entry]) -> Iterable[str]:
    """Rows that mean the same departure."""
    by_key: dict[str, Entry] = {}
    by_person: dict[str, list[Entry]] = {}
    for entry in entries:
        first = by_key.setdefault(entry.key, entry) if entry.key else entry
        if first is not entry:
            yield f"{entry.place}: has the key of {first.place}; delete one of the two."
            continue
        for other in by_person.setdefault(entry.person, []):
            if _apart(entry.leaves_on, other.leaves_on) < SAME_DEPARTURE:
                yield f"{entry.place}: is about the same departure as {other.place}; delete one of the two."
        by_person[entry.person].append(entry)


def _kept_twice(kept: Iterable[Kept]) -> Iterable[str]:
    seen: dict[str, Kept] = {}
    for one in kept:
        if one.key and seen.setdefault(one.key, one) is not one:
            yield (
                f"The Departures list holds the key {one.key!r} twice (entries {seen[one.key].id} and "
                f"{one.id}); delete one of them."
            )


def _apart(one: date | None, other: date | None) -> timedelta:
    """How far two last days are apart; a day that is not known is near to every other."""
    return abs(one - other) if one is not None and other is not None else timedelta(0)


def _matches(entries: Sequence[Entry], kept: Sequence[Kept], today: date) -> Mapping[int, Kept]:
    """The entry of the list that each row is about: by key, else the person's nearest, each once."""
    by_key = {one.key: one for one in kept if one.key}
    by_person: dict[str, list[Kept]] = {}
    for one in kept:
        by_person.setdefault(one.person, []).append(one)
    pairs = []
    for number, entry in enumerate(entries):
        if entry.key and (known := by_key.get(entry.key)) is not None:
            pairs.append((-1, timedelta(0), number, known))
            continue
        for one in by_person.get(entry.person, ()):
            if entry.key and one.key:
                continue
            apart = _apart(one.leaves_on, entry.leaves_on)
            is_pending = one.state not in {CANCELLED, *_HANDED_OVER} and not _is_past(one.leaves_on, today)
            if apart < SAME_DEPARTURE or is_pending:  # nobody leaves twice at a time
                pairs.append((one.state == CANCELLED, apart, number, one))
    matches: dict[int, Kept] = {}
    taken: set[str] = set()
    for _, _, number, one in sorted(pairs, key=lambda pair: (*pair[:3], pair[3].id)):
        if number not in matches and one.id not in taken:
            matches[number] = one
            taken.add(one.id)
    return matches


def _is_past(day: date | None, today: date) -> bool:
    return day is not None and day + GONE_WITHIN < today


def _wanted(entry: Entry, before: Kept | None, today: date) -> Wanted:
    if before is None:
        if _is_past(entry.leaves_on, today):
            return Wanted(change=Change.OVER, entry=entry, before=None, fields={})
        change = Change.CANCELLED if entry.is_cancelled else Change.NEW
        return Wanted(change=change, entry=entry, before=None, fields=_new(entry))
    change, fields, notes = _about_the_day(entry, before)
    if entry.key and not before.key:
        fields["KMKey"] = entry.key
    for column, said in entry.fills.items():
        there = before.fills.get(column, "")
        if not there:
            fields[FILLS[column]] = said
        elif plain(there) != plain(said):
            notes.append(f"the list has another {column}: the list counts")
    if fields and change is Change.UNCHANGED:
        change = Change.CHANGED
    return Wanted(change=change, entry=entry, before=before, fields=fields, notes=tuple(notes))


def _about_the_day(entry: Entry, before: Kept) -> tuple[Change, dict[str, str], list[str]]:
    """What the row makes of the last day, with what is to be written and said."""
    fields = {"KMFileSays": entry.says} if entry.says != before.file_says else {}
    if entry.says == before.says:
        return Change.UNCHANGED, fields, []
    is_ours = before.says in {"", before.file_says}
    if is_ours and entry.is_cancelled and before.state not in _HANDED_OVER:
        return Change.CANCELLED, fields | {"KMState": CANCELLED}, []
    if is_ours and not entry.is_cancelled:
        again = {"KMState": "planned"} if before.state == CANCELLED else {}
        return Change.MOVED, fields | {"KMLastDay": entry.says} | again, []
    if is_ours:
        return (
            Change.UNCHANGED,
            fields,
            [f"called off, but the list says {before.state}: the list counts"],
        )
    claims = listed_claims(before.leaves_on, state=before.state, file_says=entry.says)
    return Change.CONFLICT, fields, [str(decide(claims))]


def _new(entry: Entry) -> dict[str, str]:
    fields = {
        "Title": entry.fills.get(Field.POST) or "Departure",
        "KMPerson": entry.person,
        "KMState": CANCELLED if entry.is_cancelled else "planned",
        "KMKey": entry.key,
        "KMFileSays": entry.says,
        "KMLastDay": entry.leaves_on.isoformat() if entry.leaves_on else "",
    }
    fields |= {FILLS[column]: said for column, said in entry.fills.items()}
    return {name: value for name, value in fields.items() if value}
