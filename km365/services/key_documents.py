"""The documents that answers link to, checked to exist: looked up through Graph and nowhere else."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, unquote, urlsplit

from km365.core.key_documents import Found, KeyDocument, Named, Why, named_in, tags_in, why_not_looked_up
from km365.core.schema import HANDOVER_NOTES
from km365.core.search_access import Readers
from km365.core.taxonomy import office_code
from km365.errors import Forbidden, GraphError, GraphNotFound, InputRefused
from km365.graph import documents, drives, people, sites
from km365.graph.client import Graph
from km365.graph.documents import Document
from km365.graph.drives import File
from km365.graph.wire import origin
from km365.services.search_readers import Place, readers_of
from km365.settings import Settings

MOST = 40
"""Links of one text that are looked up."""
_PATIENCE_S = 5.0
"""How long somebody who wrote a link waits for what is there, at most."""
_BY_OFFICE = re.compile(r"/:\w:/r(?=/)")
"""What Office puts before the path of a file it opens."""
_TITLE = 200
"""Characters of a title that are told."""


async def look_up(
    graph: Graph, settings: Settings, text: str, *, person_id: str, most: int = MOST
) -> list[KeyDocument]:
    """What the text links to, in its order: whether it is there, what it is called, when it last changed.

    Only addresses on the organisation's own SharePoint are looked up (see `documents.get_shared` for the
    permission; where that is not granted, Sites.Selected with read finds a file by its path). The app may
    open more than this person may, so a document is told of as search finds it: of the knowledge site, of the
    person's own office, and of libraries open to all, where everyone who may read the library may read the
    document (`permissions` says what that needs). A handover note is not told of: few may know who wrote one.
    """
    named = named_in(text)
    if not named:
        return []
    host = settings.knowledge_site.partition(":")[0].lower()
    try:
        tenant = await _tenant(graph, settings, person_id)
    except GraphError:
        tenant = None
    found = [_not_looked_up(one, host, tenant) for one in named]
    mine = [one for one in found if one.why is None]
    if tenant is None:
        told = [_without(one, Why.AWAY) for one in mine]
    else:
        opened = await asyncio.gather(*(_open(graph, tenant, one) for one in mine[:most]))
        told = [*await _told(graph, settings, tenant, opened)]
        told += [_without(one, Why.MANY) for one in mine[most:]]
    by_address = {one.address: one for one in told}
    return [by_address.get(one.address, one) for one in found]


@dataclass(frozen=True, kw_only=True)
class _Tenant:
    """Where the organisation's documents lie. `root` is what addresses of its sites begin with.

    `sites` are those whose documents the person may be told of; `private` is the library of handover notes.
    """

    settings: Settings
    root: str
    sites: frozenset[str]
    private: str


async def _tenant(graph: Graph, settings: Settings, person_id: str) -> _Tenant:
    site = await sites.get_site(graph, settings.knowledge_site)
    private = (await drives.get_drive(graph, site.id, HANDOVER_NOTES.title)).id
    own = await _own(graph, settings, person_id)
    return _Tenant(
        settings=settings,
        root=site.web_url.lower().removesuffix(settings.knowledge_site.partition(":")[2].lower()),
        sites=frozenset({settings.knowledge_site, *settings.search_open_libraries, *own}),
        private=private,
    )


async def _own(graph: Graph, settings: Settings, person_id: str) -> set[str]:
    """The site of the person's own office, if it has one; none where the directory does not say."""
    try:
        office = (await people.get_person(graph, person_id)).office.casefold()
    except (GraphError, InputRefused):
        return set()
    return {site for site in settings.office_sites if office and office_code(site) == office}


def _not_looked_up(named: Named, host: str, tenant: _Tenant | None) -> KeyDocument:
    """The document with the reason why it is not looked up; with none where it is."""
    ours = tenant is not None and _origin(named.address) == _origin(tenant.root)
    why = None if ours else why_not_looked_up(named.address, host=host)
    return KeyDocument(
        address=named.address,
        said=named.said,
        url="" if why is Why.UNSAFE else named.address,
        found=Found.UNKNOWN,
        why=why,
    )


def _origin(address: str) -> tuple[str, str, int | None]:
    try:
        return origin(address)
    except ValueError:
        return ("", "", None)


def _without(one: KeyDocument, why: Why) -> KeyDocument:
    """The same where nothing may be told of it but that."""
    found = Found.NO if why is Why.GONE else Found.UNKNOWN
    return KeyDocument(address=one.address, said=one.said, url=one.url, found=found, why=why)


async def _open(graph: Graph, tenant: _Tenant, one: KeyDocument) -> KeyDocument:
    """What is at an address on the organisation's SharePoint, whoever may read it."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            there = await _document(graph, tenant, one.address)
    except Forbidden:
        return _without(one, Why.CLOSED)
    except GraphNotFound:
        return _without(one, Why.GONE)
    except (GraphError, InputRefused, TimeoutError):
        return _without(one, Why.AWAY)
    file = there.file
    if file.drive_id == tenant.private:
        return _without(one, Why.CLOSED)
    fields = there.item.fields if there.item else {}
    title = " ".join(str(fields.get("Title") or "").split()) or _name(file)
    return replace(
        one,
        url=file.web_url if urlsplit(file.web_url).scheme in {"https", "http"} else one.url,
        found=Found.YES,
        title=title[:_TITLE],
        changed_on=file.modified_at.date() if file.modified_at else None,
        tags=tags_in(fields),
        site=site_of(tenant.settings, file.web_url, root=tenant.root),
        drive_id=file.drive_id,
        item_id=file.id,
    )


def _name(file: File) -> str:
    """What a file or folder is called; the library itself, whose folder is `root`, by its address."""
    return file.name if file.name != "root" else unquote(urlsplit(file.web_url).path).rpartition("/")[2]


async def _document(graph: Graph, tenant: _Tenant, address: str) -> Document:
    """The file or folder at an address. Raises GraphNotFound where there is none.

    `shares` answers 403 both for what is not there and for what is not ours, so a path on a site that is
    known to us is asked for once more: there we may read everything.
    """
    try:
        return await documents.get_shared(graph, address)
    except (Forbidden, GraphNotFound):
        parts = urlsplit(address)
        path = next(iter(parse_qs(parts.query).get("id", ())), "") or unquote(parts.path)
        address = f"{tenant.root}{_BY_OFFICE.sub('', path.removeprefix(urlsplit(tenant.root).path))}"
        site = site_of(tenant.settings, address, root=tenant.root)
        if not site:
            raise
    known = await sites.get_site(graph, site)
    inside = address[len(known.web_url) :]
    for drive in await drives.list_drives(graph, known.id):
        above = unquote(urlsplit(drive.web_url).path)[len(urlsplit(known.web_url).path) :]
        if f"{inside}/".lower().startswith(f"{above}/".lower()):
            return await documents.get_at(graph, drive.id, inside[len(above) :])
    raise GraphNotFound("None of the site's libraries has this address.")


async def _told(
    graph: Graph, settings: Settings, tenant: _Tenant, opened: Sequence[KeyDocument]
) -> list[KeyDocument]:
    """The documents, without what may not be told: nothing where SharePoint does not say who may read."""
    places = [
        (one.site, one.drive_id, one.item_id)
        for one in opened
        if one.found is Found.YES and one.site in tenant.sites
    ]
    open_: set[Place] = set()
    with suppress(GraphError, TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            who = await readers_of(graph, settings, places) if places else []
        open_ = {place for place, its in zip(places, who, strict=True) if its is Readers.ALL}
    return [
        _without(one, Why.FEWER)
        if one.found is Found.YES and (one.site, one.drive_id, one.item_id) not in open_
        else one
        for one in opened
    ]


def site_of(settings: Settings, address: str, *, root: str) -> str:
    """The site on which a document lies, as `host:/path`; "" where search would not look at it.

    `root` is what the addresses of the host's sites begin with, `https://host` in SharePoint itself.
    """
    lies, folders = unquote(address.lower()), unquote(urlsplit(address.lower()).path).split("/")
    if {folder.lower() for folder in settings.search_leave_out} & set(folders):
        return ""
    host = settings.knowledge_site.partition(":")[0]

    def begins(site: str) -> str:
        its_host, _, path = site.partition(":")
        return f"{root if its_host == host else f'https://{its_host}'}{path}/".lower()

    known = (settings.knowledge_site, *settings.office_sites)
    return max((one for one in known if lies.startswith(begins(one))), key=len, default="")
