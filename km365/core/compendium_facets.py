"""What items are grouped, chosen and indexed by: the facets of the taxonomy, and office, kind and year.

What an item is about is what it is tagged with. In other facets that it has no term of (the goals of another
plan, or organisation) it has those that its terms are linked with: a volume can be laid out by these too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from babel.core import get_global

from km365.core.knowledge import Kind, KnowledgeItem
from km365.core.offices import Office, by_code, in_language
from km365.core.schema import LESSON_TAG_COLUMNS
from km365.core.taxonomy import SPEAKING, Concept, Link, Taxonomy
from km365.core.text import fold
from km365.errors import InputRefused

OFFICE, KIND, YEAR = "office", "kind", "year"
WORDS = (OFFICE, KIND, YEAR)
"""The facets that are no term sets."""
COUNTRY, REGION, LANGUAGE = "country", "region", "language"
THEMES = ("topic", "cross-cutting", "intervention", "knowledge-theme", "partner-type")
"""The facets that say what an item is about."""
_SET_OF = {column.title: column.term_set for column in LESSON_TAG_COLUMNS if column.term_set}
_BOTH_WAYS = frozenset({Link.EXACT, Link.CLOSE})


class Facets:
    """The facets of one organisation. `offices` are by code, in capital letters."""

    def __init__(self, taxonomy: Taxonomy, offices: Mapping[str, Office]) -> None:
        self._sets = taxonomy.by_key
        self._concepts = taxonomy.by_id
        self._offices = offices
        self._places = {in_language(one.places, "en"): one.places for one in offices.values() if one.places}
        self._set_of = {one.id: key for key, term_set in self._sets.items() for one in term_set.concepts}
        self._place = {
            concept.id: place
            for term_set in self._sets.values()
            for place, (_, concept) in enumerate(term_set.tree())
        }
        self._alike: dict[str, list[str]] = {}
        for concept in self._concepts.values():
            for link, other in concept.mapped_to:
                if link in _BOTH_WAYS:
                    self._alike.setdefault(other, []).append(concept.id)

    @property
    def keys(self) -> tuple[str, ...]:
        """Every facet there is."""
        return (*WORDS, *self._sets)

    def of(self, item: KnowledgeItem, tags: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
        """The item's values by facet; `tags` are labels by column title, as `services.capture.Kept` has."""
        office = self.office(item.office)
        own: dict[str, list[str]] = {
            OFFICE: [item.office] if item.office else [],
            KIND: [item.kind],
            YEAR: [str(item.submitted_at.year)] if item.submitted_at else [],
            COUNTRY: self._country(office),
            REGION: [self._value(REGION, office.region)] if office.region else [],
            LANGUAGE: [self._value(LANGUAGE, item.language)],
        }
        for key, text in (("perspective", item.perspective), ("polarity", item.polarity)):
            own[key] = [self._value(key, text)] if text else []
        for title, labels in tags.items():
            if key := _SET_OF.get(title, ""):
                own[key] = [self._value(key, label) for label in labels]
        return {key: tuple(dict.fromkeys(values)) for key, values in self._with_links(own).items() if values}

    def office(self, code: str) -> Office:
        """The office with this code; one nobody has described has nothing but it."""
        return by_code(self._offices, code)

    def label(self, facet: str, value: str, language: str) -> str:
        """What a value is called; of a kind its name in English, which whoever writes it translates."""
        if facet == OFFICE or (facet == REGION and value.upper() in self._offices):
            return self.office(value).name(language)
        if concept := self._concepts.get(value):
            return concept.label(language)
        return in_language(self._places[value], language) if value in self._places else value

    def name(self, facet: str, language: str) -> str:
        """What a term set is called; "" for the facets in `WORDS`."""
        return self._sets[facet].name(language) if facet in self._sets else ""

    def rank(self, facet: str, value: str) -> tuple[int, str]:
        """Where a value stands: terms in the order of their set, kinds as in `Kind`, others as letters do."""
        if facet == KIND and value in list(Kind):
            return (list(Kind).index(Kind(value)), "")
        if value in self._place:
            return (self._place[value], "")
        return (len(self._place), fold(self.label(facet, value, "en")))

    def values(self, facet: str, text: str, seen: Iterable[str]) -> frozenset[str]:
        """The values that somebody means by a word: terms so called in any language, and narrower ones.

        Of the values `seen` also those that read so; a `*` stands for anything. Raises InputRefused for a
        facet or a word that nothing goes by.
        """
        if facet not in self.keys:
            raise InputRefused(f"There is no facet {facet!r}; there are {', '.join(self.keys)}.")
        known = self._sets.get(facet)
        terms = {one.id for one in known.find(text)} if known else set()
        wanted = fold(text.strip())
        read = {one for one in seen if any(fnmatchcase(fold(name), wanted) for name in self._names(one))}
        if not (found := terms | set(self._below(facet, terms)) | read):
            raise InputRefused(
                f"No item has the {facet} {text!r}"
                + (
                    f", and there is no such term; `km365 taxonomy list {facet}` shows them."
                    if known
                    else "."
                )
            )
        return frozenset(found)

    def _names(self, value: str) -> Iterator[str]:
        """What a value that is no term may be called."""
        yield value
        yield from self.office(value).names.values()
        yield from self._places.get(value, {}).values()

    def _below(self, facet: str, ids: set[str]) -> Iterator[str]:
        for one in self._sets[facet].concepts if ids else ():
            if any(above in ids for above in self._above(one)):
                yield one.id

    def _above(self, concept: Concept) -> Iterator[str]:
        """The broader terms of a concept, the nearest first."""
        passed = {concept.id}
        while concept.broader and concept.broader not in passed and concept.broader in self._concepts:
            passed.add(concept.broader)
            yield concept.broader
            concept = self._concepts[concept.broader]

    def _value(self, facet: str, text: str) -> str:
        """The id of the term so called, else the text itself."""
        if facet not in self._sets:
            return text
        known = self._sets[facet]
        if f"{facet}/{text}" in known.by_id:
            return f"{facet}/{text}"
        return next((one.id for one in known.find(text)), text)

    def _country(self, office: Office) -> list[str]:
        """The country of an office: the United Nations' name of its two letters, else what it says itself."""
        if office.places:
            return [in_language(office.places, "en")]
        two = office.country.partition("-")[0].upper()
        known = self._sets[COUNTRY].by_id if COUNTRY in self._sets and two else {}
        aliases = get_global("territory_aliases")
        return [one for one in known if aliases.get(one.rpartition("/")[2].upper()) == [two]][:1]

    def _with_links(self, own: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
        """What an item has of its own, and in other facets what its terms are linked with."""
        found = {key: list(values) for key, values in own.items()}
        filled = {*THEMES, *(key for key, values in found.items() if values)}
        for value in [value for values in own.values() for value in values]:
            concept = self._concepts.get(value)
            for one in (value, *(self._above(concept) if concept else ())):
                for other in self._linked(one):
                    if (key := self._set_of.get(other, "")) and key not in filled:
                        found.setdefault(key, []).append(other)
        return found

    def _linked(self, concept_id: str) -> Iterator[str]:
        concept = self._concepts.get(concept_id)
        yield from (other for link, other in (concept.mapped_to if concept else ()) if link in SPEAKING)
        yield from self._alike.get(concept_id, ())
