"""The term store as Graph serves it: groups, sets, terms with labels in several languages.

Permission: TermStore.Read.All to read; TermStore.ReadWrite.All and a contributor's role in the term store
to write. The documentation lists them as delegated only; application roles of the same names exist.
Graph does not tell whether a term is deprecated or open for tagging, and lists one level at a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from km365.graph.batch import BatchRequest
from km365.graph.client import Graph
from km365.graph.wire import Json, segment, text

KEY = "km365.id"
"""The property of a set or term that holds its id in our taxonomy files."""

LEVELS = 7
"""The term store's own depth limit."""

_TERM = "id,labels,properties"


@dataclass(frozen=True, kw_only=True)
class Labels:
    """A term's labels in one language."""

    default: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StoredTerm:
    """A term; `labels` by language tag as the store writes it (`en-US`); `parent_id` None at the top."""

    id: str
    labels: Mapping[str, Labels]
    parent_id: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str | None:
        """Its id in our taxonomy files, None for a term km365 did not make."""
        return self.properties.get(KEY)

    @classmethod
    def from_json(cls, raw: Json, *, parent_id: str | None) -> Self:
        """The term in Graph's answer."""
        return cls(
            id=text(raw.get("id")).lower(),
            labels=_labels(raw.get("labels") or []),
            parent_id=parent_id,
            properties=_properties(raw),
        )


@dataclass(frozen=True, kw_only=True)
class TermGroup:
    """A group of term sets."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class TermStoreSet:
    """A term set, `names` by language tag; `terms` parents before children."""

    id: str
    names: Mapping[str, str]
    properties: Mapping[str, str] = field(default_factory=dict)
    terms: tuple[StoredTerm, ...] = ()

    @property
    def key(self) -> str | None:
        """Its id in our taxonomy files, None for a set km365 did not make."""
        return self.properties.get(KEY)

    @classmethod
    def from_json(cls, raw: Json, terms: Sequence[StoredTerm] = ()) -> Self:
        """The set in Graph's answer."""
        names = {
            text(one.get("languageTag")): text(one.get("name")) for one in raw.get("localizedNames") or []
        }
        return cls(
            id=text(raw.get("id")).lower(), names=names, properties=_properties(raw), terms=tuple(terms)
        )


def _labels(raw: Sequence[Json]) -> dict[str, Labels]:
    found: dict[str, Labels] = {}
    for language in dict.fromkeys(text(one.get("languageTag")) for one in raw):
        here = [one for one in raw if text(one.get("languageTag")) == language]
        default = next((text(one.get("name")) for one in here if one.get("isDefault")), "")
        others = tuple(text(one.get("name")) for one in here if not one.get("isDefault"))
        found[language] = Labels(default=default or others[0], synonyms=others if default else others[1:])
    return found


def _properties(raw: Json) -> dict[str, str]:
    return {text(one.get("key")): text(one.get("value")) for one in raw.get("properties") or []}


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


async def languages(graph: Graph, site_id: str) -> tuple[str, tuple[str, ...]]:
    """The store's default language tag and all its language tags."""
    raw = await graph.get(_store(site_id), params={"$select": "defaultLanguageTag,languageTags"})
    return text(raw.get("defaultLanguageTag")), tuple(raw.get("languageTags") or ())


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
    return [TermStoreSet.from_json(raw) async for page in graph.pages(path) for raw in page.values]


async def read_sets(graph: Graph, site_id: str, *, group: str | None = None) -> list[TermStoreSet]:
    """All sets with all their terms; only those of the named group if one is named.

    There is no flat "get all" (MGD#10108): the tree is walked level by level, twenty parents a call. Keep
    the answer. A reused term's children come from its home set, as Graph serves them (MGDC#2765).
    """
    found = []
    for one in await list_groups(graph, site_id):
        if group is None or one.name == group:
            for bare in await list_sets(graph, site_id, one.id):
                found.append(await read_set(graph, site_id, bare))
    return found


async def read_set(graph: Graph, site_id: str, bare: TermStoreSet) -> TermStoreSet:
    """The set with its terms, parents before children; a term met twice is taken once."""
    home = f"{_store(site_id)}/sets/{segment(bare.id)}"
    terms: dict[str, StoredTerm] = {}
    level = await _children(graph, {None: f"{home}/children"})
    for _ in range(LEVELS):
        new = {term.id: term for term in level if term.id not in terms}
        terms.update(new)
        if not new:
            break
        level = await _children(graph, {one: f"{home}/terms/{segment(one)}/children" for one in new})
    return TermStoreSet(id=bare.id, names=bare.names, properties=bare.properties, terms=tuple(terms.values()))


async def _children(graph: Graph, paths: Mapping[str | None, str]) -> list[StoredTerm]:
    """The children found at each parent's path."""
    parents = list(paths)
    answers = await graph.batch(
        [
            BatchRequest(id=str(place), method="GET", path=paths[parent], params={"$select": _TERM})
            for place, parent in enumerate(parents)
        ]
    )
    found: list[StoredTerm] = []
    for parent, answer in zip(parents, answers, strict=True):
        page = answer.json()
        found += [StoredTerm.from_json(raw, parent_id=parent) for raw in page.get("value") or []]
        if link := page.get("@odata.nextLink"):
            async for more in graph.pages(link):
                found += [StoredTerm.from_json(raw, parent_id=parent) for raw in more.values]
    return found


async def create_group(graph: Graph, site_id: str, name: str, *, description: str = "") -> TermGroup:
    """The new group. GraphError 409 when the name is taken."""
    raw = await graph.post(f"{_store(site_id)}/groups", {"displayName": name, "description": description})
    return TermGroup(id=text(raw.get("id")).lower(), name=text(raw.get("displayName")))


async def create_set(
    graph: Graph, site_id: str, group_id: str, *, names: Mapping[str, str], properties: Mapping[str, str]
) -> TermStoreSet:
    """The new, empty set in the group."""
    body = {
        "parentGroup": {"id": group_id},
        "localizedNames": [{"languageTag": tag, "name": name} for tag, name in names.items()],
        "properties": _write_properties(properties),
    }
    return TermStoreSet.from_json(await graph.post(f"{_store(site_id)}/sets", body))


@dataclass(frozen=True, kw_only=True)
class NewTerm:
    """A term to be made under `parent_id`, or at the top of the set."""

    parent_id: str | None
    labels: Mapping[str, Labels]
    properties: Mapping[str, str] = field(default_factory=dict)


def _create(site_id: str, set_id: str, new: NewTerm) -> tuple[str, Json]:
    home = f"{_store(site_id)}/sets/{segment(set_id)}"
    path = f"{home}/terms/{segment(new.parent_id)}/children" if new.parent_id else f"{home}/children"
    return path, {"labels": _write_labels(new.labels), "properties": _write_properties(new.properties)}


async def create_terms(graph: Graph, site_id: str, set_id: str, new: Sequence[NewTerm]) -> list[StoredTerm]:
    """The new terms in the order given, twenty a call; their parents must exist.

    Raises the first refusal after all were tried, so what could be made is there.
    """
    calls = [_create(site_id, set_id, one) for one in new]
    answers = await graph.batch(
        [
            BatchRequest(id=str(place), method="POST", path=path, body=body)
            for place, (path, body) in enumerate(calls)
        ]
    )
    return [
        StoredTerm.from_json(answer.json(), parent_id=one.parent_id)
        for one, answer in zip(new, answers, strict=True)
    ]


async def update_term(
    graph: Graph, site_id: str, set_id: str, term_id: str, *, labels: Mapping[str, Labels]
) -> StoredTerm:
    """The term with exactly these labels: Graph takes the list to be kept, not the differences."""
    path = f"{_store(site_id)}/sets/{segment(set_id)}/terms/{segment(term_id)}"
    raw = await graph.patch(path, {"labels": _write_labels(labels)})
    return StoredTerm.from_json(raw or {"id": term_id, "labels": _write_labels(labels)}, parent_id=None)
