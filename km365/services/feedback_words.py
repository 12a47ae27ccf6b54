"""What a person says of a term at the command line: which document is meant, and which term."""

import contextlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, unquote

from km365.core.feedback import DocumentKey, Feedback, Source, Verdict
from km365.core.site_addresses import site_address
from km365.core.tag_plan import list_container
from km365.core.taxonomy import Concept, Taxonomy, TermSet
from km365.errors import GraphNotFound, InputRefused, NotFound
from km365.graph import drives, lists, sites
from km365.graph.client import Graph
from km365.graph.drives import File
from km365.graph.lists import SharePointList
from km365.services.tag_libraries import find_libraries
from km365.services.tag_scope import FOR_EVERYBODY
from km365.store import feedback as store
from km365.store.database import Database

MOST_WORDS = 10
_LONGEST_WORDS = 100


@dataclass(frozen=True, kw_only=True)
class Said:
    """A term as a person named it, and what they say of it."""

    verdict: Verdict
    term: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Meant:
    """The document or the item of a list that a person means; `path` is for people."""

    key: DocumentKey
    path: str


async def find_document(graph: Graph, which: str, addresses: Sequence[str], library: str) -> Meant:
    """The document or item of a list with this web address, or the document with this path in the library.

    Raises NotFound where there is none, InputRefused where several sites have one, and for an item that is
    for named readers.
    """
    if (listed := await _listed(graph, which, addresses)) is not None:
        return await _item(graph, *listed)
    found = await _files(graph, await _places(graph, which, addresses, library))
    if not found:
        raise NotFound(f"No library of these sites has {which!r}; say which with --site and --library.")
    if len(found) > 1:
        raise InputRefused(f"{len(found)} sites have {which!r}; say which with --site.")
    return Meant(key=(found[0].drive_id, found[0].id), path=found[0].path)


async def find_kept(
    graph: Graph, db: Database, which: str, addresses: Sequence[str], library: str
) -> list[DocumentKey]:
    """What has this id, web address or path in the library, even if SharePoint has it no more.

    Several where one took another's place. Raises NotFound where there is none and was none of which we keep
    something, InputRefused where several sites have one.
    """
    keys = await db.run(store.kept, item_id=which)
    if not keys and (listed := await _listed(graph, which, addresses)) is not None:
        keys = {(list_container(listed[0], listed[1].id), listed[2])}
    if not keys:
        places = await _places(graph, which, addresses, library)
        keys = {(one.drive_id, one.id) for one in await _files(graph, places)}
        for drive_id, path in places:
            keys |= await db.run(store.kept, drive_id=drive_id, path=path)
    if not keys:
        raise NotFound(
            f"No library of these sites has {which!r}, and nothing is kept of one that had this path; "
            "`km365 tag feedback list --json` shows paths and ids."
        )
    if len({drive_id for drive_id, _ in keys}) > 1:
        raise InputRefused(f"Several sites have or had {which!r}; say which with --site.")
    return sorted(keys)


Place = tuple[str, str]
"""A library's drive id, and a path in it."""


async def _files(graph: Graph, places: Iterable[Place]) -> list[File]:
    """The files that are there."""
    found = []
    for drive_id, path in places:
        with contextlib.suppress(GraphNotFound):
            found.append(await drives.get_file(graph, drive_id, path))
    return found


async def _places(graph: Graph, which: str, addresses: Sequence[str], library: str) -> list[Place]:
    """Where a document of that web address, or of that path in the library of one of the sites, would be."""
    if "://" not in which:
        return [(one.drive_id, which.strip("/")) for one in await find_libraries(graph, addresses, library)]
    wanted = unquote(which.partition("?")[0])
    for address in _named_in(wanted, addresses):
        site = await sites.get_site(graph, address)
        for drive in await drives.list_drives(graph, site.id):
            inside = unquote(drive.web_url).rstrip("/") + "/"
            if wanted.startswith(inside):
                return [(drive.id, wanted.removeprefix(inside))]
    raise NotFound(f"{which} is in no library of these sites; say which site with --site.")


def _named_in(wanted: str, addresses: Sequence[str]) -> list[str]:
    """The sites, as host:/path, in which this web address may be."""
    said = wanted.casefold()
    return [
        one
        for one in map(site_address, addresses)
        if f"{one.partition(':')[2].rstrip('/')}/".casefold() in said
    ]


# Items of lists ------------------------------------------------------------------------------------------

_IN_LIST = re.compile(r"(?:(?:Disp|Edit)Form\.aspx|(?P<id>[0-9]+)_\.000)", re.IGNORECASE)
"""What an address has behind its list: a form for the item of `?ID=`, or the item as Graph calls it."""


async def _listed(
    graph: Graph, which: str, addresses: Sequence[str]
) -> tuple[str, SharePointList, str] | None:
    """The site's id, the list and the item's id that this web address is of; None where it is of none.

    Raises InputRefused for the address of a list or view.
    """
    address, _, asked = which.partition("?")
    wanted = unquote(address)
    for one in _named_in(wanted, addresses) if "://" in which else ():
        site = await sites.get_site(graph, one)
        for there in await lists.list_lists(graph, site.id):
            inside = unquote(there.web_url).rstrip("/")
            if there.template == "documentLibrary" or not f"{wanted.rstrip('/')}/".startswith(f"{inside}/"):
                continue
            named = _IN_LIST.fullmatch(wanted.removeprefix(inside).strip("/"))
            ids = {key.casefold(): values[0] for key, values in parse_qs(asked).items()}
            item_id = (named["id"] or ids.get("id", "")) if named else ""
            if not item_id.isdecimal():
                raise InputRefused(
                    f"{which} is in the list {there.name!r}; open the item, and copy its address."
                )
            return site.id, there, item_id
    return None


async def _item(graph: Graph, site_id: str, there: SharePointList, item_id: str) -> Meant:
    item = await lists.get_item(graph, site_id, there.id, item_id)
    if str(item.fields.get("KMAudience") or "") not in FOR_EVERYBODY:
        raise InputRefused("That item is for named readers only; what is said of its terms is not kept.")
    title = str(item.fields.get("Title") or "").strip() or f"item {item.id}"
    return Meant(key=(list_container(site_id, there.id), item.id), path=f"{there.name}/{title}")


# Terms ---------------------------------------------------------------------------------------------------


def understood(
    said: Sequence[Said], taxonomy: Taxonomy, about: Meant, *, facet: str = "", who: str, at: datetime
) -> list[Feedback]:
    """What was said as feedback. Raises InputRefused for a term nobody has, or that may be several."""
    found = []
    for one in said:
        term_set, concept = _term(one.term, taxonomy, facet)
        words = tuple(" ".join(word.split()) for word in one.words)[:MOST_WORDS]
        if any(len(word) > _LONGEST_WORDS for word in words):
            raise InputRefused(f"The words of a term have at most {_LONGEST_WORDS} characters.")
        found.append(
            Feedback(
                concept_id=concept.id,
                facet=term_set.key,
                verdict=one.verdict,
                document=about.key,
                at=at,
                who=who,
                words=words,
                source=Source.COMMAND,
                path=about.path,
            )
        )
    return found


def _term(text: str, taxonomy: Taxonomy, facet: str) -> tuple[TermSet, Concept]:
    """The concept that a label or id means, in the term sets that fill a column."""
    sets = [one for one in taxonomy.term_sets if one.column and facet in ("", one.key)]
    found = [(one, concept) for one in sets for concept in one.find(text)]
    exact = [pair for pair in found if text in (pair[1].id, *pair[1].labels.values())]
    if len(found) > 1 and len(exact) == 1:
        found = exact
    if not found:
        raise InputRefused(f"{text!r} is no term; `km365 taxonomy list --find WORD` searches them.")
    if len(found) > 1:
        ids = ", ".join(repr(concept.id) for _, concept in found)
        raise InputRefused(f"{text!r} may mean {ids}; say which by its id, or with --facet.")
    return found[0]
