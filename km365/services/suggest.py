"""Terms for a text or a document, ready to be written: the taxonomy as the term store has it, compiled."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from km365.core.forms import FacetRule, fitting
from km365.core.schema import LESSON_TAG_COLUMNS
from km365.core.tagging import Suggestion, from_text
from km365.core.taxonomy import Taxonomy
from km365.graph import sites
from km365.graph.client import Graph
from km365.graph.metadata import TermRef
from km365.services import synonyms, taxonomy
from km365.settings import Settings
from km365.suggest.index_file import fingerprint, open_index
from km365.suggest.vocabulary import Vocabulary
from km365.templates import Templates

if TYPE_CHECKING:
    from km365.services.tag_plan import Chooses

INDEXES = "indexes"
"""The folder under the home in which compiled vocabularies are kept; it can be deleted at any time."""
LEARNED = "learned"
"""The folder under the home for what was learnt from judged documents; it holds their words."""


async def terms(graph: Graph, settings: Settings, templates: Templates) -> Taxonomy:
    """What documents can be tagged with: the shipped term sets with the term store's ids and labels.

    The terms of every office are among them; `Taxonomy.offered_to` tells which office may be offered one.
    Synonyms that were accepted from feedback stand behind each concept's own.

    Term sets that neither fill a column nor speak for one that does are left out.

    Needs TermStore.Read.All, or the cached copy of an earlier reading.
    """
    site = await sites.get_site(graph, settings.knowledge_site)
    known = taxonomy.shipped(templates).serving(column.name for column in LESSON_TAG_COLUMNS)
    stored = await taxonomy.stored(graph, site.id, known, cache=settings.home / taxonomy.CACHE)
    return synonyms.applied(settings.home, stored.everywhere())


async def vocabulary(graph: Graph, settings: Settings, templates: Templates) -> Vocabulary:
    """The same `terms` compiled, to be found in texts; what takes a second is kept in the home folder."""
    known = await terms(graph, settings, templates)
    return Vocabulary(known, open_index(settings.home / INDEXES, fingerprint(known), lambda: known))


async def open_suggester(graph: Graph, settings: Settings, templates: Templates) -> "Chooses":
    """What suggests terms: the `vocabulary`, with what was learnt from judged documents (`learnt`).

    Needs TermStore.Read.All, or the cached copy of an earlier reading.
    """
    words = await vocabulary(graph, settings, templates)
    if not (settings.home / LEARNED).is_dir():
        return words
    from km365.services import learnt  # noqa: PLC0415 - a tenth of a second, only where something was learnt

    return learnt.opened(words, settings.home) or words


def terms_by_column(found: list[Suggestion], known: Taxonomy) -> Mapping[str, tuple[TermRef, ...]]:
    """The suggestions as values of our columns, best first; terms the term store lacks are left out."""
    columns = {column.term_set: column.name for column in LESSON_TAG_COLUMNS}
    values: dict[str, tuple[TermRef, ...]] = {}
    for one in found:
        column, concept = columns.get(one.facet), known.by_id[one.concept_id]
        if column and concept.term_id:
            term = TermRef(id=concept.term_id, label=concept.label())
            values[column] = (*values.get(column, ()), term)
    return values


def terms_for_text(
    words: "Chooses",
    text: str,
    *,
    title: str = "",
    office: str = "",
    perspective: str = "",
    rules: Mapping[str, FacetRule] | None = None,
) -> Mapping[str, tuple[TermRef, ...]]:
    """Terms that a text of somebody's own is about, by column; with those of an `office`, for its people.

    `rules` keep facets from it that are not for a text of this `perspective` (`core.forms.fitting`).
    """
    facets = [column.term_set for column in LESSON_TAG_COLUMNS if column.term_set]
    found = words.suggest(from_text(text, title=title), facets=facets, office=office)
    return terms_by_column(fitting(found, rules or {}, perspective=perspective), words.taxonomy)
