"""A volume to be written: three items in three languages, and the one before it."""

from datetime import date
from typing import Any

from km365.core.compendium import Provenance, Record, history, record
from km365.core.compendium_facets import Facets
from km365.core.knowledge import Effect, Kind, Link, Reach, Relation
from km365.core.moves import Actor
from km365.core.offices import Office
from km365.core.taxonomy import Taxonomy, TermSet
from km365.documents import compendium_file
from km365.documents.compendium_file import Plan
from km365.documents.compendium_words import Volume, pages
from km365.templates import Templates

from ..core.volumes import entry, volume

TODAY = date(2026, 11, 22)
OFFICES = {
    "CO-BEL": Office(code="CO-BEL", names={"en": "Belmora Office"}, places={"en": "Belmora", "ar": "بلمورا"})
}
TOPICS = TermSet(key="topic", names={"en": "Topic", "ar": "الموضوع"}, concepts=())
FRENCH = "Prévenir les chauffeurs <la veille> & pas avant"
ARABIC = "اسألوا السائقين قبل يوم"
ENTRIES = (
    entry(
        "KM-fr",
        language="fr",
        title=FRENCH,
        advice="Appelez-les.\n\nDeux fois.",
        kind=Kind.GOOD_PRACTICE,
        links=(Link(relation=Relation.CONTRADICTS, to="KM-en", words="chez nous, en saison sèche"),),
    ),
    entry("KM-en", effect=Effect.CHANGED, proof="The plan of 2027", review_by=date(2026, 1, 5)),
    entry("KM-ar", language="ar", title=ARABIC, topics=("topic/roads", "topic/water")),
)


def words(language: str = "en", **plan: Any) -> dict[str, Any]:
    """All that the volume says, in this language."""
    asked = Plan(**({"by": "topic", "language": language, "number": 2} | plan))
    made = volume(*ENTRIES, reach=Reach.INTERNAL, chosen=asked.groups or None)
    before = volume(ENTRIES[0], entry("KM-en", title="Before"))
    earlier = record(before, title="The first", built_on=date(2025, 11, 1), reach=Reach.INTERNAL)
    known = Provenance(posts=("Driver",), checked_by=Actor.REVIEWER, published_on=date(2026, 3, 4))
    return pages(
        Volume(
            compendium=made,
            plan=asked,
            facets=Facets(Taxonomy(term_sets=(TOPICS,)), OFFICES),
            organisation="The agency",
            today=TODAY,
            provenance={"KM-en": known},
            history=history(made, ENTRIES, earlier, asked.reach),
        ),
        Templates(),
    )


def kept() -> str:
    """What the volume keeps of itself."""
    return compendium_file.as_json(kept_record())


def kept_record() -> Record:
    """The same as a value."""
    return record(volume(*ENTRIES), title="The second", built_on=TODAY, reach=Reach.INTERNAL)
