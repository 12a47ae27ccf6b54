"""What SharePoint shows of items and documents, as entries of the search index."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from km365.core.knowledge import KnowledgeItem, from_fields, words_mark
from km365.core.loop import Captured
from km365.core.schedule import Hours, day_at
from km365.core.schema import LESSON_TAG_COLUMNS
from km365.core.search_entries import DOCUMENT, EVERYBODY, Entry, shelf_of, title_of
from km365.core.taxonomy import office_code
from km365.graph import metadata
from km365.graph.drives import File
from km365.graph.lists import Item
from km365.settings import Settings
from km365.store.search import Source


def shelf_for(settings: Settings, site: str) -> str:
    """Who may find the documents of an office's library: its office, or everyone where that is set."""
    return EVERYBODY if site in settings.search_open_libraries else office_code(site)


def document_entry(source: Source, file: File, tags: Iterable[str], **known: Any) -> Entry:
    """The entry of a document. `known` is what reading it tells: `language`, `title`."""
    return Entry(
        container=source.container,
        item_id=file.id,
        shelf=source.shelf,
        kind=DOCUMENT,
        office=source.office,
        language=known.get("language") or "",
        title=known.get("title") or title_of((), file.name),
        web_url=file.web_url,
        day=file.modified_at.date() if file.modified_at else None,
        mark=file.ctag,
        tags=tuple(tags),
    )


def item_entry(container: str, row: Item) -> Entry | None:
    """The entry of a row of the *Knowledge* list; None where nobody may find it."""
    item = from_fields(row.fields)
    shelf = shelf_of(item)
    if shelf is None:
        return None
    return Entry(
        container=container,
        item_id=row.id,
        shelf=shelf,
        kind=item.kind.value,
        office=item.office,
        language=item.language,
        title=item.title,
        web_url=row.web_url,
        day=_day(item.submitted_at, row.modified_at),
        mark=words_mark(item),
        tags=tags_of(row.fields),
        links=tuple(one.to for one in item.links),
    )


def captured(row: Item, item: KnowledgeItem, hours: Hours) -> Captured | None:
    """What the loop counts of a row of the *Knowledge* list."""
    used = row.fields.get("KMUsed")
    return Captured.of(
        item, on=captured_on(row, item, hours), used=int(used) if isinstance(used, int | float) else 0
    )


def captured_on(row: Item, item: KnowledgeItem, hours: Hours) -> date | None:
    """The day an item was first there: that of its row, or of its submission if the row was moved here."""
    known = [at for at in (item.submitted_at, row.created_at) if at is not None]
    return day_at(min(known), hours) if known else None


def tags_of(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The term-store ids in the tag columns."""
    found = (
        term.id.lower() for column in LESSON_TAG_COLUMNS for term in metadata.decode(fields.get(column.name))
    )
    return tuple(dict.fromkeys(found))


def _day(*moments: datetime | None) -> date | None:
    return next((one.date() for one in moments if one is not None), None)
