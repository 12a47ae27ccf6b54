"""A compendium: which items go into a volume, in which order, which stay out and why, and what changed since.

A volume goes to everybody in the organisation, to partners or to the public, so it never depends on who asks
for it: what not everyone may read is in none. "Real practices and experiences", edited and questioned by
headquarters and grouped by area of work (the agency's compendia of innovations and lessons).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from km365.core.audience import Audience
from km365.core.knowledge import Kind, KnowledgeItem, Maturity, Reach, words_mark
from km365.core.moves import Actor

OTHER = "other"
"""The group of what belongs to no other; it comes last."""
_PROOF = (Kind.GOOD_PRACTICE, Kind.LESSON, Kind.INNOVATION)
"""Within a group the kinds with more proof come first."""

Rank = Callable[[str, str], tuple[int, str]]
"""Where a value of a facet stands among the others, for sorting."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An item as a volume sees it: `facets` are the values it is grouped, chosen and indexed by, by facet.

    Values are term ids where the facet is a term set, else words such as an office's code or a year.
    """

    item: KnowledgeItem
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    web_url: str = ""
    confirmed_by: int = 0
    """In how many offices somebody said that it is still true."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where an item of the volume comes from: posts of its contributors and who checked it, never names.

    `published_on` is None where it was published by hand in the list.
    """

    posts: tuple[str, ...] = ()
    checked_by: Actor | None = None
    published_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a volume is to hold: items with one of the values in `only` of each facet; grouped `by` one."""

    by: str
    reach: Reach = Reach.INTERNAL
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def takes(self, entry: Entry) -> bool:
        """Whether the entry is asked for."""
        return all(not values.isdisjoint(entry.facets.get(facet, ())) for facet, values in self.only.items())


# What an editor decides ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """An item as the editor wants it: with a title of their own, a credit, or left out with a reason."""

    id: str
    title: str = ""
    subtitle: str = ""
    credit: str = ""
    """Whom to thank, by name: the editor has asked them. In an internal volume alone."""
    leave_out: str = ""


@dataclass(frozen=True, kw_only=True)
class ChosenGroup:
    """A group in the editor's order; `key` is a value of the facet, or anything else for one of their own."""

    key: str
    heading: str = ""
    introduction: str = ""
    items: tuple[Chosen, ...] = ()


# Why something stays out -----------------------------------------------------------------------------------


class Why(StrEnum):
    """Why an item that was asked for is not in the volume."""

    NOT_CHECKED = "not checked"
    NOT_PUBLISHED = "not published"
    NOT_SO_FAR = "published less far"
    CONSENT = "contributors allow less"
    SUPERSEDED = "superseded"
    RETIRED = "retired"
    EDITOR = "left out by the editor"
    NOT_IN_FILE = "not in the file"
    """It has come, or was published, since the editor's file was written."""
    NOT_THERE = "not there"
    """The file names it; it was taken back, or not everyone may read it."""


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """An item that stays out. `detail` is the id of its successor, or the editor's reason.

    `matters` where the editor can or must do something about it.
    """

    id: str
    title: str
    why: Why
    detail: str = ""
    matters: bool = True


def barrier(item: KnowledgeItem, reach: Reach) -> Why | None:
    """What keeps an item that everyone in the organisation may read out of a volume for `reach`."""
    match item.maturity:
        case Maturity.SUPERSEDED:
            return Why.SUPERSEDED
        case Maturity.RETIRED:
            return Why.RETIRED
        case Maturity.VALIDATED:
            return Why.NOT_PUBLISHED
        case Maturity.PUBLISHED:
            if not item.consent.covers(reach):
                return Why.CONSENT
            published = item.published_to or Reach.INTERNAL
            return None if published.covers(reach) else Why.NOT_SO_FAR
    return Why.NOT_CHECKED


def is_everyones(item: KnowledgeItem) -> bool:
    """Whether everyone in the organisation may know of it: of any other no volume says a word."""
    return item.audience is Audience.EVERYONE


# The volume ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Piece:
    """An item in its place: `number` such as 2.7 names it in the contents and the indexes."""

    number: str
    entry: Entry
    chosen: Chosen

    @property
    def item(self) -> KnowledgeItem:
        """The item itself."""
        return self.entry.item


@dataclass(frozen=True, kw_only=True)
class Section:
    """A group of the volume, in order. `heading` is the editor's, "" where the group's own name will do."""

    key: str
    heading: str
    introduction: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, kw_only=True)
class Compendium:
    """What is in, what stays out, and how many items only an office may read, and so stay out unnamed."""

    sections: tuple[Section, ...]
    left_out: tuple[LeftOut, ...]
    kept_back: int = 0

    @property
    def pieces(self) -> Iterator[Piece]:
        """All its items in order."""
        return (piece for section in self.sections for piece in section.pieces)

    @property
    def matters(self) -> bool:
        """Whether something was left out that the editor must know of."""
        return any(one.matters for one in self.left_out) or self.kept_back > 0

    def index(self, facet: str) -> dict[str, tuple[Piece, ...]]:
        """The items by each value of the facet; those without one are in no place of it."""
        found: dict[str, list[Piece]] = {}
        for piece in self.pieces:
            for value in piece.entry.facets.get(facet, ()):
                found.setdefault(value, []).append(piece)
        return {value: tuple(pieces) for value, pieces in found.items()}


def proposed(entries: Iterable[Entry], wanted: Wanted, rank: Rank) -> list[ChosenGroup]:
    """The groups and the order that a volume has before an editor has looked at it.

    Groups stand in the facet's own order; in each, good practices before lessons before innovations, the
    newest first. An item with several values stands under the first of them.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if is_everyones(entry.item) and wanted.takes(entry) and barrier(entry.item, wanted.reach) is None:
            values = sorted(entry.facets.get(wanted.by, ()), key=lambda value: rank(wanted.by, value))
            groups.setdefault(values[0] if values else OTHER, []).append(entry)
    keys = sorted(groups, key=lambda key: (key == OTHER, rank(wanted.by, key)))
    return [
        ChosenGroup(
            key=key, items=tuple(Chosen(id=one.item.id) for one in sorted(groups[key], key=_by_proof))
        )
        for key in keys
    ]


def _by_proof(entry: Entry) -> tuple[int, float, str]:
    at = entry.item.submitted_at
    return _PROOF.index(entry.item.kind), -at.timestamp() if at else 0.0, entry.item.id


def compose(
    entries: Sequence[Entry], wanted: Wanted, rank: Rank, chosen: Sequence[ChosenGroup] | None = None
) -> Compendium:
    """The volume: as the editor has `chosen`, else as `proposed`.

    An editor's file adds nothing that may not be there: what it names is taken only as far as `barrier` lets
    it. What it does not name but was asked for is left out, and said.
    """
    known = {entry.item.id: entry for entry in entries if is_everyones(entry.item)}
    sections: list[Section] = []
    left_out: list[LeftOut] = []
    for group in proposed(entries, wanted, rank) if chosen is None else chosen:
        pieces: list[Piece] = []
        for one in group.items:
            if stays_out := _stays_out(one, known, wanted.reach):
                left_out.append(stays_out)
                continue
            number = f"{len(sections) + 1}.{len(pieces) + 1}"
            pieces.append(Piece(number=number, entry=known[one.id], chosen=one))
        if pieces:
            sections.append(
                Section(
                    key=group.key,
                    heading=group.heading,
                    introduction=group.introduction,
                    pieces=tuple(pieces),
                )
            )
    named = {one.id for group in chosen or () for one in group.items}
    placed = {piece.item.id for section in sections for piece in section.pieces}
    asked = [entry for entry in entries if wanted.takes(entry) and entry.item.id not in named | placed]
    left_out += _not_chosen([one for one in asked if is_everyones(one.item)], wanted.reach)
    kept_back = [
        one
        for one in asked
        if one.item.audience is Audience.OFFICE and one.item.maturity is Maturity.PUBLISHED
    ]
    return Compendium(sections=tuple(sections), left_out=tuple(left_out), kept_back=len(kept_back))


def _stays_out(one: Chosen, known: Mapping[str, Entry], reach: Reach) -> LeftOut | None:
    """Why what the editor chose is not in after all."""
    if one.id not in known:
        return LeftOut(id=one.id, title="", why=Why.NOT_THERE)
    item = known[one.id].item
    if why := barrier(item, reach):
        return LeftOut(id=one.id, title=item.title, why=why, detail=item.superseded_by)
    if one.leave_out:
        return LeftOut(id=one.id, title=item.title, why=Why.EDITOR, detail=one.leave_out, matters=False)
    return None


def _not_chosen(entries: Iterable[Entry], reach: Reach) -> Iterator[LeftOut]:
    """What was asked for and nobody placed; what is not checked yet is no matter of a compendium."""
    for entry in entries:
        item, why = entry.item, barrier(entry.item, reach) or Why.NOT_IN_FILE
        if why is not Why.NOT_CHECKED:
            gone = why in {Why.SUPERSEDED, Why.RETIRED}
            yield LeftOut(id=item.id, title=item.title, why=why, detail=item.superseded_by, matters=not gone)


# From volume to volume -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a volume keeps of itself for the next one: which items it held, and the mark of their words."""

    title: str
    built_on: date
    reach: Reach
    items: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """An item of the earlier volume that was superseded since; `by` where its successor is in this one."""

    item: KnowledgeItem
    by: Piece | None


@dataclass(frozen=True, kw_only=True)
class History:
    """What became of an earlier volume's items. `same` and `gone` are counted only.

    Those that are gone were taken back, or are no longer for these readers: their titles are not repeated.
    """

    earlier: Record
    new: tuple[Piece, ...]
    changed: tuple[Piece, ...]
    superseded: tuple[Replaced, ...]
    retired: tuple[KnowledgeItem, ...]
    same: int
    gone: int


def record(volume: Compendium, *, title: str, built_on: date, reach: Reach) -> Record:
    """What the volume keeps of itself."""
    items = {piece.item.id: words_mark(piece.item) for piece in volume.pieces}
    return Record(title=title, built_on=built_on, reach=reach, items=items)


def history(volume: Compendium, entries: Iterable[Entry], earlier: Record, reach: Reach) -> History:
    """What is new, changed, superseded and retired since the `earlier` volume."""
    now = {piece.item.id: piece for piece in volume.pieces}
    kept = [piece for piece in now.values() if piece.item.id in earlier.items]
    changed = [piece for piece in kept if words_mark(piece.item) != earlier.items[piece.item.id]]
    known = {entry.item.id: entry.item for entry in entries}
    left = [known[one] for one in earlier.items if one not in now and one in known]
    told = [item for item in left if _still_told(item, reach)]
    superseded = [item for item in told if item.maturity is Maturity.SUPERSEDED]
    retired = [item for item in told if item.maturity is Maturity.RETIRED]
    return History(
        earlier=earlier,
        new=tuple(piece for piece in now.values() if piece.item.id not in earlier.items),
        changed=tuple(changed),
        superseded=tuple(Replaced(item=item, by=now.get(item.superseded_by)) for item in superseded),
        retired=tuple(retired),
        same=len(kept) - len(changed),
        gone=len(earlier.items) - len(kept) - len(superseded) - len(retired),
    )


def _still_told(item: KnowledgeItem, reach: Reach) -> bool:
    """Whether the title of what is off the shelf may still be told to these readers."""
    published = item.published_to or Reach.INTERNAL
    return is_everyones(item) and item.consent.covers(reach) and published.covers(reach)
