"""The term store as Graph serves it: groups, sets, terms with labels in several languages.

Permission: TermStore.Read.All to read; TermStore.ReadWrite.All and a contributor's role in the term store
to write. The documentation lists them as delegated only; application roles of the same names exist.
Graph does not tell whether a term is deprecated or open for tagging, and lists one level at a time.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from sys import intern

from km365.core.term_store import KEY, Labels, Languages, StoredTerm, TermStoreSet
from km365.errors import GraphError
from km365.graph.batch import BatchRequest, BatchResponse
from km365.graph.client import Graph
from km365.graph.wire import Json, segment, text

__all__ = ["KEY", "Labels", "Languages", "StoredTerm", "TermStoreSet"]

LEVELS = 7
"""The term store's own depth limit."""
AT_ONCE = 20
"""Terms read or written in one call of Graph's batch."""

Advance = Callable[[int], None]
"""Hears how many more terms are dealt with."""

_TERM = "id,labels,descriptions,properties"


@dataclass(frozen=True, kw_only=True)
class TermGroup:
    """A group of term sets."""

    id: str
    name: str


def _set(raw: Json, terms: Sequence[StoredTerm] = ()) -> TermStoreSet:
    names = {text(one.get("languageTag")): text(one.get("name")) for one in raw.get("localizedNames") or []}
    return TermStoreSet(
        id=text(raw.get("id")).lower(), names=names, properties=_properties(raw), terms=tuple(terms)
    )


def _term(raw: Json, *, parent_id: str | None) -> StoredTerm:
    return StoredTerm(
        id=text(raw.get("id")).lower(),
        labels=_labels(raw.get("labels") or []),
        parent_id=parent_id,
        properties=_properties(raw),
        descriptions={
            intern(text(one.get("languageTag"))): text(one.get("description"))
            for one in raw.get("descriptions") or []
            if one.get("description")
        },
    )


def _labels(raw: Sequence[Json]) -> dict[str, Labels]:
    defaults: dict[str, str] = {}
    others: dict[str, list[str]] = {}
    for one in raw:
        language, name = intern(text(one.get("languageTag"))), text(one.get("name"))
        if one.get("isDefault") and language not in defaults:
            defaults[language] = name
        else:
            others.setdefault(language, []).append(name)
    return {
        language: Labels(
            default=defaults[language] if language in defaults else others[language][0],
            synonyms=tuple(others.get(language, ())[0 if language in defaults else 1 :]),
        )
        for language in dict.fromkeys((*defaults, *others))
    }


def _properties(raw: Json) -> dict[str, str]:
    return {intern(text(one.get("key"))): text(one.get("value")) for one in raw.get("properties") or []}


def _store(site_id: str) -> str:
    return f"/sites/{segment(site_id)}/termStore"


def _write_labels(labels: Mapping[str, Labels]) -> list[Json]:
    return [
        {"languageTag": language, "name": name, "isDefault": name == one.default}
        for language, one in labels.items()
        for name in (one.default, *one.synonyms)
    ]


def _write_properties(properties: Mapping[str, str]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in properties.items()]


def _write_descriptions(descriptions: Mapping[str, str]) -> list[Json]:
    return [{"languageTag": tag, "description": words} for tag, words in descriptions.items()]


async def languages(graph: Graph, site_id: str) -> Languages:
    """The languages that the store works in."""
    raw = await graph.get(_store(site_id), params={"$select": "defaultLanguageTag,languageTags"})
    return Languages(default=text(raw.get("defaultLanguageTag")), tags=tuple(raw.get("languageTags") or ()))


async def list_groups(graph: Graph, site_id: str) -> list[TermGroup]:
    """The groups of the term store."""
    return [
        TermGroup(id=text(raw.get("id")).lower(), name=text(raw.get("displayName")))
        async for page in graph.pages(f"{_store(site_id)}/groups")
        for raw in page.values
    ]


async def list_sets(graph: Graph, site_id: str, group_id: str) -> list[TermStoreSet]:
    """The sets of a group, without their terms."""
    path = f"{_store(site_id)}/groups/{segment(group_id)}/sets"
    return [_set(raw) async for page in graph.pages(path) for raw in page.values]


async def read_sets(
    graph: Graph,
    site_id: str,
    *,
    group: str | None = None,
    keys: Collection[str] = (),
    advance: Advance = lambda _: None,
) -> list[TermStoreSet]:
    """All sets with all their terms; only those of the named group if one is named.

    Where `keys` are given, the sets of these keys and those that km365 did not make.

    There is no flat "get all" (MGD#10108): the tree is walked level by level, twenty parents a call, which
    costs a read for every term. Keep the answer. A reused term's children come from its home set, as Graph
    serves them (MGDC#2765).
    """
    found = []
    for one in await list_groups(graph, site_id):
        if group is None or one.name == group:
            for bare in await list_sets(graph, site_id, one.id):
                if not keys or bare.key is None or bare.key in keys:
                    found.append(await read_set(graph, site_id, bare, advance=advance))
    return found


async def read_set(
    graph: Graph, site_id: str, bare: TermStoreSet, *, advance: Advance = lambda _: None
) -> TermStoreSet:
    """The set with its terms, parents before children; a term met twice is taken once."""
    home = f"{_store(site_id)}/sets/{segment(bare.id)}"
    terms: dict[str, StoredTerm] = {}
    level = await _children(graph, {None: f"{home}/children"}, advance)
    for _ in range(LEVELS):
        new = {term.id: term for term in level if term.id not in terms}
        terms.update(new)
        if not new:
            break
        below: dict[str | None, str] = {one: f"{home}/terms/{segment(one)}/children" for one in new}
        level = await _children(graph, below, advance)
    return TermStoreSet(id=bare.id, names=bare.names, properties=bare.properties, terms=tuple(terms.values()))


async def _children(graph: Graph, paths: Mapping[str | None, str], advance: Advance) -> list[StoredTerm]:
    """The children found at each parent's path."""
    found: list[StoredTerm] = []
    parents = list(paths)
    for start in range(0, len(parents), AT_ONCE):
        some = parents[start : start + AT_ONCE]
        requests = [
            BatchRequest(id=str(place), method="GET", path=paths[parent], params={"$select": _TERM})
            for place, parent in enumerate(some)
        ]
        for parent, answer in zip(some, await graph.batch(requests), strict=True):
            page = answer.json()
            found += [_term(raw, parent_id=parent) for raw in page.get("value") or []]
            if link := page.get("@odata.nextLink"):
                async for more in graph.pages(link):
                    found += [_term(raw, parent_id=parent) for raw in more.values]
        advance(len(some))
    return found


async def get_terms(
    graph: Graph, site_id: str, set_id: str, known: Sequence[StoredTerm]
) -> list[StoredTerm | None]:
    """The terms as they are now, None for those that are gone; where they stand is taken as known.

    Raises the first other refusal.
    """
    home = f"{_store(site_id)}/sets/{segment(set_id)}/terms"
    answers = await graph.batch(
        [
            BatchRequest(
                id=str(place), method="GET", path=f"{home}/{segment(one.id)}", params={"$select": _TERM}
            )
            for place, one in enumerate(known)
        ]
    )
    return [
        None if answer.status == 404 else _term(answer.json(), parent_id=one.parent_id)
        for one, answer in zip(known, answers, strict=True)
    ]


async def create_group(graph: Graph, site_id: str, name: str, *, description: str = "") -> TermGroup:
    """The new group. GraphError 409 when the name is taken."""
    raw = await graph.post(f"{_store(site_id)}/groups", {"displayName": name, "description": description})
    return TermGroup(id=text(raw.get("id")).lower(), name=text(raw.get("displayName")))


async def create_set(
    graph: Graph,
    site_id: str,
    group_id: str,
    *,
    names: Mapping[str, str],
    properties: Mapping[str, str],
    description: str = "",
) -> TermStoreSet:
    """The new, empty set in the group."""
    body = {
        "parentGroup": {"id": group_id},
        "localizedNames": _write_names(names),
        "properties": _write_properties(properties),
        **({"description": description} if description else {}),
    }
    return _set(await graph.post(f"{_store(site_id)}/sets", body))


async def update_set(
    graph: Graph, site_id: str, set_id: str, *, names: Mapping[str, str], properties: Mapping[str, str]
) -> None:
    """The set has exactly these names and properties."""
    body = {"localizedNames": _write_names(names), "properties": _write_properties(properties)}
    await graph.patch(f"{_store(site_id)}/sets/{segment(set_id)}", body)


def _write_names(names: Mapping[str, str]) -> list[Json]:
    return [{"languageTag": tag, "name": name} for tag, name in names.items()]


# Terms, many at a time -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class NewTerm:
    """A term to be made under `parent_id`, or at the top of the set."""

    parent_id: str | None
    labels: Mapping[str, Labels]
    properties: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)


async def create_terms(
    graph: Graph, site_id: str, set_id: str, new: Sequence[NewTerm]
) -> list[StoredTerm | GraphError]:
    """The new terms in the order given, or why one was refused; twenty a call. Their parents must exist."""
    home = f"{_store(site_id)}/sets/{segment(set_id)}"
    requests = []
    for place, one in enumerate(new):
        path = f"{home}/terms/{segment(one.parent_id)}/children" if one.parent_id else f"{home}/children"
        body = {
            "labels": _write_labels(one.labels),
            "properties": _write_properties(one.properties),
            **({"descriptions": _write_descriptions(one.descriptions)} if one.descriptions else {}),
        }
        requests.append(BatchRequest(id=str(place), method="POST", path=path, body=body))
    answers = await graph.batch(requests)
    return [
        answer.error or _term(answer.body, parent_id=one.parent_id)
        for one, answer in zip(new, answers, strict=True)
    ]


@dataclass(frozen=True, kw_only=True)
class TermUpdate:
    """A term to be written. Each part that is not None is the whole list to be kept, not the differences."""

    term_id: str
    labels: Mapping[str, Labels] | None = None
    descriptions: Mapping[str, str] | None = None
    properties: Mapping[str, str] | None = None


async def update_terms(
    graph: Graph, site_id: str, set_id: str, updates: Sequence[TermUpdate]
) -> list[GraphError | None]:
    """Writes the terms, twenty a call; why one was refused, None where it was not, in the order given."""
    home = f"{_store(site_id)}/sets/{segment(set_id)}/terms"
    requests = []
    for place, one in enumerate(updates):
        body: Json = {}
        if one.labels is not None:
            body["labels"] = _write_labels(one.labels)
        if one.descriptions is not None:
            body["descriptions"] = _write_descriptions(one.descriptions)
        if one.properties is not None:
            body["properties"] = _write_properties(one.properties)
        path = f"{home}/{segment(one.term_id)}"
        requests.append(BatchRequest(id=str(place), method="PATCH", path=path, body=body))
    return _errors(await graph.batch(requests))


@dataclass(frozen=True, kw_only=True)
class Reuse:
    """A term of the set `home_id` to be put into another set, under `parent_id` there or at its top."""

    home_id: str
    term_id: str
    parent_id: str | None = None
    pinned: bool = False
    """Whether what stands below it can be changed in its home set only."""


async def reuse_terms(
    graph: Graph, site_id: str, set_id: str, reuses: Sequence[Reuse]
) -> list[GraphError | None]:
    """Puts terms of other sets into this one (termstore-relation-post); why one was refused, or None."""
    requests = []
    for place, one in enumerate(reuses):
        path = f"{_store(site_id)}/sets/{segment(one.home_id)}/terms/{segment(one.term_id)}/relations"
        body = {
            "relationship": "pin" if one.pinned else "reuse",
            "set": {"id": set_id},
            "fromTerm": {"id": one.parent_id} if one.parent_id else None,
        }
        requests.append(BatchRequest(id=str(place), method="POST", path=path, body=body))
    return _errors(await graph.batch(requests))


def _errors(answers: Sequence[BatchResponse]) -> list[GraphError | None]:
    return [answer.error for answer in answers]
