"""Vocabularies in files of all kinds: what they hold, what cannot be taken, and files that mean harm."""

import gzip
import json
from pathlib import Path

import pytest

from km365.core.taxonomy import Link, Mode, Status
from km365.core.taxonomy_reading import Says
from km365.errors import InputRefused
from km365.services import taxonomy_files
from km365.services.taxonomy_files import read_file, read_vocabulary

PREFIXES = """@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix dct: <http://purl.org/dc/terms/> .
"""
WATER = (
    PREFIXES
    + """
<https://x.example/water> a skos:ConceptScheme ; dct:title "Water"@en , "Eau"@fr .
<https://x.example/water/1> a skos:Concept ; skos:inScheme <https://x.example/water> ;
  skos:prefLabel "Wells"@en , "Puits"@fr , "Brunnen"@de ; skos:altLabel "boreholes"@en , "bore-holes"@en-GB ;
  skos:definition "A hole with water."@en ; skos:related <https://x.example/water/2> ;
  skos:closeMatch <https://other.example/9> .
<https://x.example/water/2> a skos:Concept ; skos:inScheme <https://x.example/water> ;
  skos:prefLabel "Hand pumps"@en ; skos:broader <https://x.example/water/1> .
<https://x.example/water/3> a skos:Concept ; skos:inScheme <https://x.example/water> ;
  skos:prefLabel "Rope pumps"@en ; owl:deprecated true ; dct:isReplacedBy <https://x.example/water/2> .
"""
)
RDF_XML = """<?xml version="1.0"?>
{doctype}<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:skos="http://www.w3.org/2004/02/skos/core#">
<skos:Concept rdf:about="{about}"><skos:prefLabel xml:lang="en">{label}</skos:prefLabel></skos:Concept>
</rdf:RDF>"""


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    data = text.encode()
    file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return file


def test_what_a_thesaurus_says_is_taken_with_its_own_ids(tmp_path: Path):
    found = read_file(write(tmp_path, "water.ttl.gz", WATER))
    assert found.problems == () and found.left_out == {} and found.says is Says.MEANING
    (water,) = found.term_sets
    assert (water.key, water.names) == ("water", {"en": "Water", "fr": "Eau"})
    wells, pumps, old = water.concepts
    assert wells.id == "https://x.example/water/1"
    assert wells.labels == {"en": "Wells", "fr": "Puits", "de": "Brunnen"}
    assert wells.synonyms == {"en": ("boreholes", "bore-holes")}
    assert wells.definitions == {"en": "A hole with water."}
    assert wells.mapped_to == (
        (Link.RELATED, "https://x.example/water/2"),
        (Link.CLOSE, "https://other.example/9"),
    )
    assert pumps.broader == wells.id and pumps.mode is Mode.SUGGEST
    assert (old.status, old.replaced_by) == (Status.DEPRECATED, pumps.id)


def test_each_thing_that_cannot_be_taken_is_named_and_the_rest_is_kept(tmp_path: Path):
    file = write(
        tmp_path,
        "odd.ttl",
        PREFIXES
        + """<urn:a> a skos:Concept ; skos:prefLabel "A"@en , "Ah"@en ; skos:broader <urn:gone> .
<urn:b> a skos:Concept ; skos:altLabel "B"@en .
<urn:c> a skos:Concept ; skos:prefLabel "C@en .
<urn:d> a skos:Concept ; skos:prefLabel "D"@en ; skos:broader "text" .
<urn:e> a skos:Concept ; skos:prefLabel "E"@en ; dct:creator "Somebody" ; skos:prefLabel <urn:f> .
[] a skos:Concept ; skos:prefLabel "Nameless"@en .
""",
    )
    found = read_file(file)
    assert [one.id for one in found.term_sets[0].concepts] == ["urn:a", "urn:d", "urn:e"]
    assert found.term_sets[0].concepts[0].synonyms == {"en": ("Ah",)}
    told = "\n".join(found.problems)
    assert "line 6: Line jumps are not allowed" in told
    assert told.count("line ") == 1
    for line in (
        "urn:a: it has more than one preferred label in en; 'Ah' becomes a synonym.",
        "urn:a: its broader term 'urn:gone' is not in the file.",
        "urn:b: it has no preferred label.",
        "urn:c: it has no preferred label.",
        "urn:d: broader must be an IRI.",
        "urn:e: prefLabel must be a text.",
        "A concept ('Nameless') has no IRI of its own, so nothing can refer to it.",
    ):
        assert line in found.problems
    assert found.left_out == {"http://purl.org/dc/terms/creator": 1}


def test_labels_that_are_things_of_their_own_are_read(tmp_path: Path):
    text = """@prefix xl: <http://www.w3.org/2008/05/skos-xl#> .
<urn:a> a <http://www.w3.org/2004/02/skos/core#Concept> ; xl:prefLabel <urn:a-en> ;
  xl:altLabel [ xl:literalForm "Ah"@en ] .
<urn:a-en> a xl:Label ; xl:literalForm "A"@en .
"""
    (concept,) = read_vocabulary(write(tmp_path, "xl.ttl", text)).concepts
    assert (concept.labels, concept.synonyms) == ({"en": "A"}, {"en": ("Ah",)})


def test_a_label_without_a_region_comes_before_one_with(tmp_path: Path):
    text = (
        PREFIXES
        + """<urn:a> a skos:Concept ; skos:prefLabel "Colour"@en-GB , "Color"@en ,
  "色彩"@zh-Hant , "颜色"@zh-Hans ,
  "Cor"@pt-BR ; skos:definition "A hue, with u."@en-GB , "A hue."@en ."""
    )
    (concept,) = read_vocabulary(write(tmp_path, "regions.ttl", text)).concepts
    assert concept.labels == {"en": "Color", "zh": "颜色", "pt": "Cor"}
    assert concept.synonyms == {"en": ("Colour",), "zh": ("色彩",)}
    assert concept.definitions == {"en": "A hue."}


def test_a_concept_under_two_others_keeps_both(tmp_path: Path):
    text = (
        PREFIXES
        + """<urn:a> a skos:Concept ; skos:prefLabel "A"@en ; skos:narrower <urn:c> .
<urn:b> a skos:Concept ; skos:prefLabel "B"@en .
<urn:c> a skos:Concept ; skos:prefLabel "C"@en ; skos:broader <urn:b> , <urn:a> ."""
    )
    by_id = read_vocabulary(write(tmp_path, "two.ttl", text)).by_id
    assert (by_id["urn:c"].broader, by_id["urn:c"].also_broader) == ("urn:b", ("urn:a",))


def test_a_vocabulary_in_plain_json_is_read_and_its_odd_entries_are_named(tmp_path: Path):
    data = {
        "scheme": "urn:plain",
        "concepts": [
            {"id": "Q 1", "prefLabel": {"en": "One"}, "altLabel": {"en": ["Uno"]}, "broader": ["Q 2"]},
            {"id": "Q 2", "prefLabel": {"en": "Two"}, "narrower": ["Q 1"]},
            {"prefLabel": {"en": "No id"}},
            {"id": "Q 3", "prefLabel": {"en": 7}},
            "nonsense",
        ],
    }
    found = read_file(write(tmp_path, "plain.json.gz", json.dumps(data)))
    (plain,) = found.term_sets
    assert [(c.id, c.broader) for c in plain.concepts] == [("Q 1", "Q 2"), ("Q 2", None)]
    assert found.problems == (
        "concepts[2]: it has no id.",
        "Q 3: prefLabel must be texts by language.",
        "concepts[4]: it has no id.",
        "Q 3: it has no preferred label.",
    )


def test_everything_in_a_file_can_be_one_vocabulary(tmp_path: Path):
    text = (
        WATER
        + """<urn:y> a skos:ConceptScheme .
<urn:y/1> a skos:Concept ; skos:inScheme <urn:y> ; skos:prefLabel "Y" ."""
    )
    file = write(tmp_path, "both.ttl", text)
    assert [one.key for one in read_file(file).term_sets] == ["water", "y"]
    all_of_it = read_vocabulary(file, language="fr")
    assert (len(all_of_it.concepts), all_of_it.concepts[-1].labels) == (4, {"fr": "Y"})


# Files that mean harm ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entities",
    [
        '<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">',
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        "<!ENTITY % a \"<!ENTITY b 'c'>\">",
        f'<!ENTITY a "{"a" * 1000}">',
        "<!ENTITY a '&#38;b;'><!ENTITY b 'x'>",
    ],
)
def test_entities_that_could_grow_or_read_files_are_refused(tmp_path: Path, entities: str):
    doctype = f"<!-- <a --><!DOCTYPE rdf:RDF [{entities}]>"
    file = write(tmp_path, "bomb.rdf", RDF_XML.format(doctype=doctype, about="urn:a", label="&a;"))
    with pytest.raises(InputRefused, match=r"bomb\.rdf: its entities"):
        read_file(file)


@pytest.mark.parametrize("shift", range(9))
def test_an_entity_across_the_end_of_what_is_looked_at_first_is_refused(tmp_path: Path, shift: int):
    opening = "<!DOCTYPE rdf:RDF ["
    before = 1024 * 1024 - len('<?xml version="1.0"?>\n') - len(opening) - shift
    doctype = f"{opening}{' ' * before}<!ENTITY a '{'a' * 1000}'>]>"
    file = write(tmp_path, "seam.rdf", RDF_XML.format(doctype=doctype, about="urn:a", label="&a;"))
    with pytest.raises(InputRefused, match=r"its middle|its entities"):
        read_file(file)


def test_entities_that_shorten_addresses_are_read(tmp_path: Path):
    doctype = '<!DOCTYPE rdf:RDF [<!ENTITY x "https://x.example/">]>\n'
    file = write(tmp_path, "short.rdf", RDF_XML.format(doctype=doctype, about="&x;a", label="A"))
    assert [one.id for one in read_vocabulary(file).concepts] == ["https://x.example/a"]


def test_a_context_elsewhere_is_never_fetched(tmp_path: Path):
    text = '{"@context": "http://127.0.0.1:9/context", "@id": "urn:a", "@type": "Concept"}'
    with pytest.raises(InputRefused, match="nothing is fetched"):
        read_vocabulary(write(tmp_path, "remote.jsonld", text))


def test_a_file_that_unpacks_to_more_than_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(taxonomy_files, "BYTES_AT_MOST", 1024 * 1024)
    for name in ("big.ttl.gz", "big.json.gz", "big.rdf.gz"):
        with pytest.raises(InputRefused, match="more than 1 MB"):
            read_file(write(tmp_path, name, " " * 3_000_000))


@pytest.mark.parametrize("name", ["cut.ttl.gz", "cut.json.gz"])
def test_a_file_packed_wrong_is_refused_by_name(tmp_path: Path, name: str):
    file = write(tmp_path, name, WATER * 50)
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(InputRefused, match=r"cut\.\w+\.gz: it is not packed right"):
        read_file(file)


@pytest.mark.parametrize(
    ("name", "text"), [("a.txt", ""), ("a.json", "{"), ("a.json", "[" * 100_000), ("b.ttl", "")]
)
def test_a_file_that_holds_no_vocabulary_is_refused(tmp_path: Path, name: str, text: str):
    with pytest.raises(InputRefused):
        read_vocabulary(write(tmp_path, name, text))
    with pytest.raises(InputRefused, match="cannot be read"):
        read_vocabulary(tmp_path / "nowhere.ttl")
