"""What people have put into their office's libraries: lists read in pages, and no further than a bound."""

from collections.abc import Mapping, Sequence
from datetime import date
from urllib.parse import unquote, urlsplit

from km365.core.key_documents import tags_in
from km365.core.owned_documents import Documented, OwnedDocument, documents_for
from km365.core.search_access import Readers
from km365.core.taxonomy import office_code
from km365.errors import Forbidden, GraphError, GraphNotFound
from km365.graph import documents, drives, lists, sites
from km365.graph.client import Graph
from km365.graph.drives import Drive
from km365.graph.lists import Item
from km365.services.key_documents import site_of
from km365.services.search_readers import Place, readers_of
from km365.settings import Settings

MOST = 10_000
"""Items of a library that are read."""
_PAGE = 1_000
_KIND = "KMDocumentType"
_LOOKED_AT = 20
"""Documents of which it is asked who may read them."""


async def by_person(graph: Graph, settings: Settings, office: str) -> Mapping[str, list[OwnedDocument]]:
    """The files in the libraries of the office's site by who made them or was the last to change them.

    Nothing below a folder of `search_leave_out`; nothing at all where the office has no site, or none that we
    may read. 2 resource units a thousand files. Needs Sites.Selected with read.
    """
    address = next((one for one in settings.office_sites if office_code(one) == office.casefold()), "")
    if not address:
        return {}
    found: dict[str, list[OwnedDocument]] = {}
    try:
        site = await sites.get_site(graph, address)
        there = await drives.list_drives(graph, site.id)
    except (Forbidden, GraphNotFound):
        return {}
    root = site.web_url.lower().removesuffix(address.partition(":")[2].lower())
    for one in there:
        library = await drives.get_drive(graph, site.id, one.name)
        listed = {column.name for column in await lists.list_columns(graph, site.id, library.list_id)}
        select = ["Title", "FileLeafRef", *({_KIND} & listed)]
        read = 0
        async for item in lists.list_items(graph, site.id, library.list_id, select=select, top=_PAGE):
            read += 1
            if read > MOST:
                break
            if _is_file(item) and site_of(settings, item.web_url, root=root) == address:
                for person_id in filter(None, {item.created_by, item.modified_by}):
                    found.setdefault(person_id, []).append(_document(item, library, address))
    return found


def _is_file(item: Item) -> bool:
    return "." in str(item.fields.get("FileLeafRef") or "") and not item.content_type.startswith("Folder")


def _document(item: Item, library: Drive, site: str) -> OwnedDocument:
    above = len(unquote(urlsplit(library.web_url).path))
    name = str(item.fields["FileLeafRef"])
    return OwnedDocument(
        title=" ".join(str(item.fields.get("Title") or "").split()) or name,
        url=item.web_url,
        changed_on=item.modified_at.date() if item.modified_at else None,
        site=site,
        drive_id=library.id,
        path=unquote(urlsplit(item.web_url).path)[above:].strip("/"),
        kinds=tags_in({_KIND: item.fields.get(_KIND)}),
    )


async def documented(
    graph: Graph,
    settings: Settings,
    rules: Sequence[Documented],
    owned: Sequence[OwnedDocument],
    *,
    today: date,
) -> dict[str, OwnedDocument]:
    """By question the newest document that probably answers it, and that the successor will be able to read.

    That is one which everyone may read who may read its library; where SharePoint does not tell, it is none.
    1 and 5 resource units for each document that comes into question.
    """
    by_question = documents_for(rules, owned, today=today)
    asked = {one.url: one for some in by_question.values() for one in some}
    open_ = await _open_to_all(graph, settings, list(asked.values())[:_LOOKED_AT])
    return {
        question: readable[0]
        for question, some in by_question.items()
        if (readable := [one for one in some if one.url in open_])
    }


async def _open_to_all(graph: Graph, settings: Settings, some: Sequence[OwnedDocument]) -> set[str]:
    """The addresses of those that everyone may read who may read their library."""
    places: dict[str, Place] = {}
    for one in some:
        try:
            there = await documents.get_at(graph, one.drive_id, one.path)
        except GraphError:
            continue
        places[one.url] = (one.site, one.drive_id, there.file.id)
    try:
        who = await readers_of(graph, settings, list(places.values())) if places else []
    except GraphError:
        return set()
    return {url for url, its in zip(places, who, strict=True) if its is Readers.ALL}
