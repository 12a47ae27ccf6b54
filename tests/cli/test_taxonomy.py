"""`km365 taxonomy` on files as typed; terms that go out of use, down to the documents that carry them."""

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from km365.core.taxonomy import Taxonomy
from km365.core.taxonomy_update import updated
from km365.errors import ExitCode
from km365.graph import drives, lists, sites
from km365.graph.metadata import decode
from km365.services import taxonomy
from km365.services.taxonomy_export import export
from km365.services.taxonomy_files import read_file, read_vocabulary
from km365.templates import Templates

from ..conftest import KNOWLEDGE, Provisioned
from .conftest import Ran, Type
from .test_tag import tags, upload

TAGGING = Path(__file__).parents[3] / "shared" / "tagging"
WATER = "topic/water-supply"
OF_FILES = {"list", "check", "import", "export", "diff", "merge", "deprecate"}
"""The verbs that ask no term store."""
WELLS = """@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
<https://x.example/w> a skos:ConceptScheme .
<https://x.example/w/1> a skos:Concept ; skos:inScheme <https://x.example/w> ;
  skos:prefLabel "Wells"@en , "Puits"@fr .
<https://x.example/w/2> a skos:Concept ; skos:inScheme <https://x.example/w> ; skos:prefLabel "Pumps"@en ;
  skos:broader <https://x.example/w/1> .
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The organisation's own templates folder, empty as yet, and nothing else set."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv("KM365_TEMPLATES", str(folder))
    monkeypatch.setenv("KM365_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return folder / "taxonomies"


@pytest.fixture
def typed(own: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """`typed("list")`: a verb of `km365 taxonomy`, on files alone."""

    def run(*words: str) -> Ran:
        from km365.cli import main

        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(["taxonomy", *words])
        said = capsys.readouterr()
        return Ran(int(left.value.code or 0), said.out, said.err)

    return run


def write(folder: Path, name: str, content: object) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    file.write_text(text, encoding="utf-8")
    return file


def in_force(own: Path) -> Taxonomy:
    return taxonomy.shipped(Templates(own.parent))


# In and out ----------------------------------------------------------------------------------------------


def test_a_thesaurus_is_shown_then_taken_in_and_the_next_edition_keeps_what_is_ours(
    typed: Any, own: Path, tmp_path: Path
) -> None:
    file = write(tmp_path, "wells.ttl", WELLS)
    shown = typed("import", str(file), "--as", "wells", "--dry-run")
    assert shown.code == ExitCode.DONE and "wells  wells: (none) > 2 terms" in shown.out
    assert not own.exists()
    assert typed("import", str(file), "--as", "wells", "--yes").code == ExitCode.DONE
    made = own / "wells.json"
    data = json.loads(made.read_text("utf-8"))
    assert [one["id"] for one in data["concepts"]] == ["https://x.example/w/1", "https://x.example/w/2"]
    data["concepts"][0] |= {"mode": "auto", "synonyms": {"en": ["boreholes"]}}
    write(own, "wells.json", data)
    write(
        tmp_path,
        "wells.ttl",
        WELLS.replace('"Pumps"@en', '"Hand pumps"@en').replace('"Puits"@fr', '"Forages"@fr'),
    )
    again = typed("import", str(file), "--as", "wells", "--yes", "--json")
    assert again.code == ExitCode.DONE
    changes = [
        (one["kind"], one["was"], one["now"]) for one in json.loads(again.out)["would_change"]["wells"]
    ]
    assert changes == [("renamed", "Puits", "Forages"), ("renamed", "Pumps", "Hand pumps")]
    wells = in_force(own).by_key["wells"].concepts[0]
    assert (str(wells.mode), wells.synonyms) == ("auto", {"en": ("boreholes",)})
    assert "Nothing would change." in typed("import", str(file), "--as", "wells", "--yes").err


def test_what_cannot_be_taken_is_named_with_exit_code_3_and_the_rest_is_there(
    typed: Any, own: Path, tmp_path: Path
) -> None:
    file = write(tmp_path, "odd.ttl", WELLS + '<urn:x> a <urn:y> .\n<urn:z> <urn:p> "open .\n')
    ran = typed("import", str(file), "--as", "wells", "--yes")
    assert ran.code == ExitCode.PARTLY
    assert "Not taken: line 8" in ran.err
    assert "Not kept: urn:p" not in ran.err
    assert len(in_force(own).by_key["wells"].concepts) == 2


@pytest.mark.parametrize("language", ["fil", "mul", "haw", "gsw"])
def test_labels_in_languages_without_a_place_are_named_and_what_is_written_can_be_read(
    typed: Any, own: Path, tmp_path: Path, language: str
) -> None:
    more = (
        f'<https://x.example/w/2> skos:prefLabel "Bomba"@{language} ; skos:definition "Tubig."@{language} .\n'
    )
    ran = typed("import", str(write(tmp_path, "w.ttl", WELLS + more)), "--as", "wells", "--yes")
    assert ran.code == ExitCode.PARTLY and f"Not taken: Labels and texts in '{language}' (2): " in ran.err
    assert in_force(own).by_key["wells"].by_id["https://x.example/w/2"].labels == {"en": "Pumps"}


def test_labels_without_a_language_are_only_taken_for_one_that_has_a_place(
    typed: Any, own: Path, tmp_path: Path
) -> None:
    file = write(tmp_path, "w.ttl", WELLS.replace('"Pumps"@en', '"Pumps"'))
    refused = typed("import", str(file), "--as", "wells", "--language", "fil", "--yes")
    assert refused.code == ExitCode.USAGE and "'fil' is no language code" in refused.err
    assert typed("import", str(file), "--as", "wells", "--language", "pt-BR", "--yes").code == ExitCode.DONE
    assert in_force(own).by_key["wells"].by_id["https://x.example/w/2"].labels == {"pt": "Pumps"}


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ('km:atMost "0"', "atMost is '0' and must be a whole number from 1 to 1000"),
        ('km:atMost "2.5"', "atMost is '2.5' and must be a whole number"),
        ('km:threshold "nan"', "threshold is 'nan' and must be a number from 0 to 1"),
        ('km:evidence "hearsay"', "evidence is 'hearsay' and must be one of anywhere, opening"),
    ],
)
def test_a_rule_out_of_range_is_refused_by_name(
    typed: Any, own: Path, tmp_path: Path, rule: str, complaint: str
) -> None:
    text = f"@prefix km: <urn:km365:def:> .\n{WELLS}<https://x.example/w> {rule} .\n"
    ran = typed("import", str(write(tmp_path, "w.ttl", text)), "--as", "wells", "--yes")
    assert ran.code == ExitCode.REFUSED and not own.exists()
    assert f"https://x.example/w: its tagging rule cannot be read: {complaint}" in ran.err


def test_schemes_that_end_alike_become_a_term_set_each(typed: Any, own: Path, tmp_path: Path) -> None:
    other = WELLS.replace("x.example/w", "x.example/more/w").replace("Wells", "Dug wells")
    assert typed("import", str(write(tmp_path, "two.ttl", WELLS + other)), "--yes").code == ExitCode.DONE
    known = in_force(own).by_key
    assert [len(known[key].concepts) for key in ("x-example-w", "more-w")] == [2, 2]
    same = """<urn:km365:set:a> a skos:ConceptScheme .
<urn:z> a skos:Concept ; skos:inScheme <urn:km365:set:a> ; skos:prefLabel "Z"@en ."""
    twins = WELLS.replace("https://x.example/w>", "urn:km365:set:%61>") + same
    refused = typed("import", str(write(tmp_path, "twins.ttl", twins)), "--yes")
    assert refused.code == ExitCode.REFUSED
    assert "more than one of its schemes would become the term set 'a'. --as KEY" in refused.err


def test_one_id_in_two_schemes_of_a_file_is_refused(typed: Any, own: Path, tmp_path: Path) -> None:
    twin = """<urn:v> a skos:ConceptScheme . <urn:km365:term:https%3A//x.example/w/1> a skos:Concept ;
      skos:inScheme <urn:v> ; skos:prefLabel "Wells again"@en ."""
    ran = typed("import", str(write(tmp_path, "twin.ttl", WELLS + twin)), "--yes")
    assert ran.code == ExitCode.REFUSED and not own.exists()
    assert "v, https://x.example/w/1: this id is used in 'w' already." in ran.err


def test_a_file_that_was_left_out_is_never_written_over(typed: Any, own: Path, tmp_path: Path) -> None:
    assert typed("export", "topic.json", "--facet", "topic").code == ExitCode.DONE
    topic = json.loads((tmp_path / "topic.json").read_text("utf-8"))
    topic["concepts"][0]["synonyms"] = {"en": ["our own word"]}
    broken = json.loads(json.dumps(topic))
    broken["concepts"][0]["labels"]["fil"] = "Tubig"
    circle = json.loads(json.dumps(topic))
    circle["concepts"][0]["broader"] = circle["concepts"][0]["id"]
    changed = write(tmp_path, "changed.ttl", WELLS.replace("https://x.example/w", "urn:km365:set:topic", 1))
    changing: list[tuple[str, ...]] = [
        ("deprecate", "topic/cold-chain"),
        ("merge", "topic/cold-chain", "topic/immunization"),
        ("import", str(changed), "--as", "topic"),
    ]
    for content, wrong in (
        (json.dumps(broken), "unknown key 'fil'"),
        (json.dumps(circle), "the broader terms go round in a circle"),
        ("{", "line 1: not JSON"),
    ):
        file = write(own, "topic.json", content)
        for words in changing:
            ran = typed(*words, "--yes")
            assert ran.code == ExitCode.REFUSED, (words, wrong, ran.err)
            assert f"{file}, " in ran.err or f"{file}: " in ran.err
            assert wrong in ran.err and "Put it right or move it away" in ran.err
            assert file.read_text("utf-8") == content
    file.unlink()
    twin = {"key": "topic", "names": {"en": "Topics"}, "concepts": [{"id": "t/1", "labels": {"en": "T"}}]}
    ours = write(own, "twin.json", twin)
    ran = typed("deprecate", "topic/cold-chain", "--yes")
    assert f"{ours}: it holds another term set 'topic' than is in force" in ran.err
    ours.unlink()
    file.write_bytes(json.dumps(topic).encode("utf-16"))
    assert "save the file as UTF-8. So that file" in typed("deprecate", "topic/cold-chain", "--yes").err
    file.write_text(json.dumps(topic), encoding="utf-8-sig")
    assert typed("check", str(file)).out == ""
    assert typed("deprecate", "topic/cold-chain", "--yes").code == ExitCode.DONE
    assert in_force(own).by_key["topic"].concepts[0].synonyms == {"en": ("our own word",)}


def test_a_term_is_not_called_left_out_where_only_its_link_is(typed: Any, own: Path, tmp_path: Path) -> None:
    flood = '<urn:flood.1> a skos:Concept ; skos:prefLabel "Flood"@en ; skos:broader <urn:gone> .\n'
    nameless = '<urn:x> a skos:Concept ; skos:altLabel "X"@en .\n'
    ran = typed("import", str(write(tmp_path, "odd.ttl", WELLS + flood + nameless)), "--as", "wells", "--yes")
    assert ran.code == ExitCode.PARTLY
    assert "Not taken, but the term is there: urn:flood.1: its broader term 'urn:gone' is not" in ran.err
    assert "Not taken: urn:x: it has no preferred label." in ran.err
    assert "urn:flood.1" in {one.id for one in in_force(own).by_key["wells"].concepts}


def test_what_cannot_be_read_of_a_term_is_left_as_it_is(typed: Any, own: Path, tmp_path: Path) -> None:
    words = {"labels": {"en": "Wells", "fr": "Puits"}, "synonyms": {"en": ["boreholes"], "fr": ["forages"]}}
    wells = {"key": "wells", "names": {"en": "Wells"}, "concepts": [{"id": "w/1", **words}]}
    assert typed("import", str(write(tmp_path, "good.json", wells)), "--yes").code == ExitCode.DONE
    before = in_force(own).by_key["wells"].concepts
    odd: list[Any] = [
        {"id": "w/1", "labels": {"fr": 7}, "synonyms": {"en": "text"}, "notes": {"en": "Dug ones."}},
        {"id": 5, "labels": {"en": "No id"}},
        {"id": "w/2", "labels": {"en": 7}},
        None,
        {"id": "w/3", "labels": {"en": "Under nothing"}, "broader": "w/2"},
    ]
    ran = typed("import", str(write(tmp_path, "odd.json", wells | {"concepts": odd})), "--yes")
    assert ran.code == ExitCode.PARTLY and "w/1.synonyms.en: must be a list of texts" in ran.err
    after = in_force(own).by_key["wells"].concepts
    assert after[0] == replace(before[0], notes={"en": "Dug ones."})
    assert [one.id for one in after] == ["w/1", "w/3"]
    retired = typed("import", str(tmp_path / "odd.json"), "--retire", "--yes")
    assert retired.code == ExitCode.REFUSED and "leave out --retire" in retired.err
    headless = write(tmp_path, "headless.json", wells | {"rule": {"at_most": "many"}})
    assert "its rule cannot be read" in typed("import", str(headless), "--yes").err
    assert in_force(own).by_key["wells"].concepts == after


def test_a_file_of_ours_becomes_the_term_set_that_is_asked_for(typed: Any, own: Path, tmp_path: Path) -> None:
    concepts = [{"id": "w/1", "labels": {"en": "Wells"}}]
    file = write(tmp_path, "mine.json", {"key": "mine", "names": {"en": "Wells"}, "concepts": concepts})
    assert typed("import", str(file), "--as", "other", "--yes").code == ExitCode.DONE
    assert [one.name for one in own.iterdir()] == ["other.json"]
    assert "other" in in_force(own).by_key


def test_a_file_without_a_usable_term_is_refused(typed: Any, own: Path, tmp_path: Path) -> None:
    skos = "http://www.w3.org/2004/02/skos/core#"
    nameless = write(tmp_path, "none.ttl", f'<urn:a> a <{skos}Concept> ; <{skos}altLabel> "A"@en .')
    unseen = write(tmp_path, "unseen.ttl", f'<urn:a> a <{skos}Concept> ; <{skos}prefLabel> "\\u0007"@en .')
    for file in (nameless, unseen):
        ran = typed("import", str(file), "--as", "u", "--yes")
        assert ran.code == ExitCode.REFUSED and "no term that can be taken" in ran.err
    assert not own.exists()


@pytest.mark.parametrize(
    ("opening", "concept"),
    [
        ('"key": "wells", "names": {"en": "Wells"}', '"labels": {"en": "Half \\ud83d"}'),
        ('"scheme": "wells"', '"prefLabel": {"en": "Half \\ud83d"}'),
        ('"scheme": "wells"', f'"prefLabel": {"9" * 5000}'),
        ('"key": "wells", "names": {"en": "Wells"}', f'"labels": {{"en": {"9" * 5000}}}'),
    ],
    ids=["half in ours", "half in plain JSON", "endless in plain JSON", "endless in ours"],
)
def test_half_a_character_and_endless_numbers_are_refused_by_file_and_place(
    typed: Any, own: Path, tmp_path: Path, opening: str, concept: str
) -> None:
    text = f'{{{opening}, "concepts": [\n{{"id": "w1", {concept}}}]}}'
    file = write(tmp_path, "odd.json", text)
    place = rf"{re.escape(str(file))}(, line 2: |.*\bw1)"
    ran = typed("import", str(file), "--yes")
    assert ran.code == ExitCode.REFUSED and re.search(place, ran.err, re.DOTALL), ran.err
    assert "odd.json" in typed("check", str(file)).out
    write(own, "odd.json", text)
    assert typed("list").code == ExitCode.DONE
    assert typed("export", "all.ttl").code == ExitCode.DONE


def test_a_csv_with_a_stray_quotation_mark_retires_nothing(typed: Any, tmp_path: Path) -> None:
    assert typed("export", "topic.csv", "--facet", "topic").code == ExitCode.DONE
    file = tmp_path / "topic.csv"
    lines = file.read_text("utf-8-sig").splitlines()
    lines[9] = f',,,TRUE,"{lines[9]}'
    write(tmp_path, "topic.csv", "\n".join(lines))
    told = typed("import", str(file), "--as", "topic", "--dry-run")
    assert told.code == ExitCode.PARTLY and "line 10: " in told.err and "stray quotation mark" in told.err
    assert "stray quotation mark" in typed("check", str(file)).out
    assert typed("import", str(file), "--as", "topic", "--retire", "--dry-run").code == ExitCode.REFUSED


def test_nothing_unusable_is_written_and_no_folder_is_guessed(
    typed: Any, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thief = {
        "key": "mine",
        "names": {"en": "Mine"},
        "concepts": [{"id": "goal-area/1", "labels": {"en": "A"}}],
    }
    refused = typed("import", str(write(tmp_path, "thief.json", thief)), "--yes")
    assert (refused.code, own.exists()) == (ExitCode.REFUSED, False)
    assert "goal-area/1: this id is used in 'goal-area' already" in refused.err
    strange = typed("import", str(write(tmp_path, "k.json", thief | {"key": "../../etc"})), "--yes")
    assert strange.code == ExitCode.REFUSED and not (tmp_path / "etc.json").exists()
    monkeypatch.delenv("KM365_TEMPLATES")
    file = write(tmp_path, "wells.ttl", WELLS)
    homeless = typed("import", str(file), "--yes")
    assert homeless.code == ExitCode.REFUSED and "KM365_TEMPLATES" in homeless.err
    assert typed("import", str(file), "--dry-run").code == ExitCode.DONE


def test_an_offices_terms_get_a_global_parent_each(typed: Any, own: Path, tmp_path: Path) -> None:
    linked = (
        WELLS
        + """<https://x.example/w/1> skos:broadMatch <urn:km365:term:topic/water-supply> .
<https://x.example/w/3> a skos:Concept ; skos:inScheme <https://x.example/w> ; skos:prefLabel "Boats"@en .
"""
    )
    file = write(tmp_path, "delta.ttl", linked)
    words = ("import", str(file), "--as", "co-bel-delta", "--office", "CO-BEL", "--extends", "topic", "--yes")
    refused = typed(*words)
    assert refused.code == ExitCode.REFUSED
    assert "https://x.example/w/3: it names no global parent; --parent names one for all" in refused.err
    parent = next(one.id for one in in_force(own).by_key["topic"].concepts if one.broader is None)
    assert typed(*words, "--parent", parent).code == ExitCode.DONE
    assert (own / "offices" / "co-bel" / "co-bel-delta.json").is_file()
    known = in_force(own)
    assert known.roll_up("https://x.example/w/2") == WATER
    assert known.roll_up("https://x.example/w/3") == parent
    listed = typed("list", "--office", "co-bel")
    assert "https://x.example/w/2" in listed.out and WATER in listed.out
    assert "Pumps" not in typed("list", "--facet", "topic").out
    assert "Pumps" in typed("list", "--facet", "topic", "--office", "co-bel", "--tree").out
    assert typed("list", "--office", "co-ard").code == ExitCode.USAGE
    assert typed("check").code == ExitCode.FAILED, "most languages are missing"


def test_all_term_sets_come_back_from_a_file_as_they_went(typed: Any, tmp_path: Path) -> None:
    file = tmp_path / "all.ttl"
    assert typed("export", str(file)).code == ExitCode.DONE
    known = taxonomy.shipped(Templates())
    assert read_file(file).term_sets == known.term_sets
    assert "no difference" in typed("diff", str(file), "files").err
    assert typed("export", str(file)).code == ExitCode.REFUSED
    assert typed("export", str(file), "--overwrite").code == ExitCode.DONE
    for ending in ("nt.gz", "jsonld", "rdf"):
        export(known.term_sets, tmp_path / f"all.{ending}")
        assert read_file(tmp_path / f"all.{ending}").term_sets == known.term_sets


def test_each_term_set_comes_back_from_json_and_keeps_its_ids_through_a_csv(
    typed: Any, tmp_path: Path
) -> None:
    for key, term_set in taxonomy.shipped(Templates()).by_key.items():
        export([term_set], tmp_path / f"{key}.json")
        assert read_file(tmp_path / f"{key}.json").term_sets == (term_set,)
        export([term_set], tmp_path / f"{key}.csv", language="ar")
        rows = read_file(tmp_path / f"{key}.csv", key=key)
        assert rows.problems == ()
        assert updated(term_set, rows.term_sets[0], says=rows.says) == term_set
    assert typed("export", "topic-fr.csv", "--facet", "topic", "--language", "fr").code == ExitCode.DONE
    unchanged = typed("import", "topic-fr.csv", "--as", "topic", "--dry-run")
    assert (unchanged.code, unchanged.out) == (ExitCode.DONE, "")
    assert typed("export", "two.csv", "--facet", "topic", "--facet", "sdg").code == ExitCode.REFUSED
    assert typed("export", "a.txt").code == ExitCode.REFUSED


@pytest.mark.parametrize("name", ["sdg", "worldbank"])
def test_published_vocabularies_come_back_from_every_format_as_they_went(
    typed: Any, own: Path, tmp_path: Path, name: str
) -> None:
    folder = TAGGING / name
    if not folder.is_dir():
        pytest.skip("the vocabularies of the tagging benchmark are not on this machine")
    own_key = f"published-{name}"
    read = read_vocabulary(folder / "vocab.ttl.gz", key=name)
    assert read_vocabulary(folder / "vocab.json.gz", key=name) == read
    assert typed("import", str(folder / "vocab.ttl.gz"), "--as", own_key, "--yes").code in {
        0,
        ExitCode.PARTLY,
    }
    kept = in_force(own).by_key[own_key]
    for ending, kind in (
        ("ttl", None),
        ("rdf", None),
        ("jsonld", None),
        ("json", None),
        ("json.gz", "vocabulary"),
    ):
        file = tmp_path / f"{kind}.{ending}"
        export([kept], file, kind=kind)
        assert read_vocabulary(file, key=name).concepts == without_definitions(kept.concepts, kind)


def without_definitions(concepts: Any, kind: str | None) -> Any:
    """Plain JSON has no place for definitions."""
    return tuple(replace(one, definitions={}) for one in concepts) if kind == "vocabulary" else concepts


def test_every_command_of_the_page_on_the_taxonomy_works(typed: Any) -> None:
    page = (Path(__file__).parents[2] / "docs" / "taxonomy.md").read_text("utf-8")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    lines = [line for kind, block in blocks if not kind for line in block.splitlines()]
    of_files = [line for line in lines if line.split()[2] in OF_FILES]
    assert len(of_files) >= 11
    for line in of_files:
        words = line.split()
        assert words[:2] == ["km365", "taxonomy"]
        ran = typed(*words[2:])
        assert ran.code == ExitCode.DONE, (line, ran.err)


# What is wrong, and what differs -------------------------------------------------------------------------


def test_everything_wrong_is_told_with_file_line_and_term(typed: Any, own: Path, tmp_path: Path) -> None:
    labels = {"fr": "Puits", "es": "Pozos", "ar": "آبار", "ru": "Колодцы", "zh": "水井", "pt": "Poços"}
    bad = {
        "key": "wells",
        "names": {"en": "Wells"},
        "concepts": [
            {"id": "w/1", "labels": {"en": "Wells"}},
            {
                "id": "w/2",
                "labels": {"en": "The well", **labels},
                "mapped_to": [{"link": "exact", "id": "w/9"}],
            },
        ],
    }
    write(own, "wells.json", json.dumps(bad, indent=1, ensure_ascii=False))
    ran = typed("check")
    assert ran.code == ExitCode.FAILED
    assert ran.out.splitlines() == [
        "taxonomies/wells.json, line 7, w/1: no label in fr, es, ar, ru, zh, pt.",
        "taxonomies/wells.json, line 13, w/2: it is mapped to 'w/9', which does not exist.",
        "taxonomies/wells.json, line 13, w/2: the en label 'The well' also belongs to 'w/1'.",
    ]
    kinds = [one["kind"] for one in json.loads(typed("check", "--json").out)["findings"]]
    assert kinds == ["missing language", "link", "double label"]
    file = write(tmp_path, "odd.ttl", WELLS)
    told = typed("check", str(file))
    assert f"{file}, https://x.example/w/2: no label in fr, es, ar, ru, zh, pt." in told.out
    packed = tmp_path / "broken.ttl.gz"
    packed.write_bytes(gzip.compress(b"nonsense"))
    assert "line 1: " in typed("check", str(packed)).out


def test_many_findings_of_one_kind_are_counted(typed: Any, own: Path) -> None:
    concepts = [{"id": f"w/{n}", "labels": {"en": f"Thing {n} x"}} for n in range(30)]
    write(own, "things.json", {"key": "things", "names": {"en": "Things"}, "concepts": concepts})
    ran = typed("check")
    assert ran.out.count("no label in") == 20
    assert "taxonomies/things.json: 10 more of the kind 'missing language'" in ran.out
    assert "30 to put right." in ran.err


def test_two_states_are_compared(typed: Any, own: Path, tmp_path: Path) -> None:
    assert typed("diff", "shipped", "files").err == "There is no difference.\n"
    one = write(tmp_path, "a.ttl", WELLS)
    other = write(tmp_path, "b.ttl", WELLS.replace("Pumps", "Hand pumps"))
    assert json.loads(typed("diff", str(one), str(other), "--json").out) == [
        {
            "kind": "renamed",
            "facet": "w",
            "id": "https://x.example/w/2",
            "label": "Hand pumps",
            "was": "Pumps",
            "now": "Hand pumps",
            "language": "en",
        }
    ]
    assert (
        "https://x.example/w/2  Hand pumps [en]: Pumps > Hand pumps"
        in typed("diff", str(one), str(other)).out
    )
    never = typed("diff", "files", "store")
    assert never.code == ExitCode.REFUSED and "km365 taxonomy pull" in never.err


def test_a_term_sets_rule_column_name_and_owner_are_compared_shown_and_written(
    typed: Any, own: Path, tmp_path: Path
) -> None:
    wells = {"key": "wells", "names": {"en": "Wells"}, "concepts": [{"id": "w/1", "labels": {"en": "Well"}}]}
    first = write(tmp_path, "first.json", wells)
    assert typed("import", str(first), "--yes").code == ExitCode.DONE
    more = {"names": {"en": "Water"}, "rule": {"threshold": 0.9}, "column": "KMTopic", "owner": "wash"}
    changed = write(tmp_path, "changed.json", wells | more)
    lines = [
        ("set name", "wells  Water [en]: Wells > Water"),
        ("set rule", "wells  Water: threshold 0.5 > threshold 0.9"),
        ("set column", "wells  Water: (none) > KMTopic"),
        ("set text", "wells  Water: (none) > wash"),
    ]
    wanted = [line for kind, what in lines for line in (f"  1 {kind}", f"    {what}")]
    assert typed("diff", str(first), str(changed)).out.splitlines() == wanted
    assert typed("diff", "files", str(changed)).out.splitlines() == wanted
    shown = typed("import", str(changed), "--yes")
    assert shown.out.splitlines()[1:] == wanted and "Written: " in shown.err
    kept = in_force(own).by_key["wells"]
    assert (kept.names, kept.rule.threshold, kept.column, kept.owner) == (
        {"en": "Water"},
        0.9,
        "KMTopic",
        "wash",
    )
    thesaurus = write(tmp_path, "wells.ttl", WELLS.replace("https://x.example/w/1", "urn:km365:term:w/1"))
    told = typed("diff", "files", str(thesaurus), "--as", "wells").out
    assert "w/1" in told and "set " not in told


# Out of use ----------------------------------------------------------------------------------------------


def test_a_merge_is_shown_asked_for_and_written_beside_the_shipped_file(typed: Any, own: Path) -> None:
    merge = ("merge", "topic/cold-chain", "topic/immunization")
    shown = typed(*merge, "--dry-run")
    assert "topic/cold-chain  Cold chain: current > deprecated, use topic/immunization" in shown.out
    assert not own.exists()
    assert typed(*merge, "--yes").code == ExitCode.DONE
    known = in_force(own)
    assert known.resolve("topic/cold-chain").id == "topic/immunization"
    assert "Cold chain" in known.by_id["topic/immunization"].synonyms["en"]
    assert taxonomy.load(Templates(own.parent))[1] == []
    assert typed("deprecate", "topic/nothing").code == ExitCode.FAILED
    gone = typed("list", "--find", "cold chain")
    assert "topic/cold-chain" in gone.out and "(no longer used)" in gone.out


async def test_documents_that_carry_a_merged_term_are_tagged_anew_and_back(
    km365: Type, provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("KM365_TEMPLATES", str(tmp_path / "own"))
    text = b"Cold chain report.\n\nThe cold chain of the district: cold boxes, refrigerators, cold chain."
    (file,) = await upload(provisioned, "cold.txt", data=text)
    await upload(provisioned, "other.txt", data=b"Nothing of the kind.")
    await km365("tag", "plan", "-o", "first.json")
    await km365("tag", "apply", "first.json")
    before = (await tags(provisioned, file))["KMTopic"]
    assert "Cold chain" in before
    none = await km365("taxonomy", "retag", "-o", "none.json")
    assert none.err.endswith(
        "0 documents carry terms out of use. To put it right: km365 tag apply none.json\n"
    )
    merged = await km365("taxonomy", "merge", "topic/cold-chain", "topic/immunization", "--yes")
    assert merged.code == ExitCode.DONE
    planned = await km365("taxonomy", "retag", "topic/cold-chain", "-o", "retag.json", "--json")
    assert planned.code == ExitCode.DONE, planned.err
    assert planned.json["documents"] == 1
    applied = await km365("tag", "apply", "retag.json", "--json")
    assert applied.code == ExitCode.DONE, applied.err
    after = (await tags(provisioned, file))["KMTopic"]
    assert "Cold chain" not in after and "Immunization" in after
    assert set(after) - {"Immunization"} == set(before) - {"Cold chain", "Immunization"}
    said = await km365("tag", "feedback", "list", "--json")
    assert said.json == [], "nobody said anything of the terms"
    undone = await km365("tag", "undo", applied.json["run"]["id"])
    assert undone.code == ExitCode.DONE
    assert (await tags(provisioned, file))["KMTopic"] == before
    wrong = await km365("taxonomy", "retag", "topic/immunization", "-o", "wrong.json")
    assert wrong.code == ExitCode.FAILED and "has no replacement" in wrong.err
    fields = await drives.get_fields(provisioned.app.graph, file.drive_id, file.id)
    assert fields.fields["KMTopic"]


async def test_lessons_that_carry_a_merged_term_are_tagged_anew_except_those_for_named_readers(
    km365: Type, provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("KM365_TEMPLATES", str(tmp_path / "own"))
    graph = provisioned.app.graph
    site = await sites.get_site(graph, KNOWLEDGE)
    knowledge = await lists.get_list(graph, site.id, "Knowledge")
    fields = {"KMDescription": "The cold chain broke: cold boxes, no cold chain.", "KMAudience": "U"}
    boxes, quarrel = [
        (await lists.create_item(graph, site.id, knowledge.id, {**fields, "Title": title, "KMId": title})).id
        for title in ("Cold chain by boat", "A quarrel about the cold chain")
    ]
    await km365("tag", "plan", "--list", "Knowledge", "-o", "first.json")
    assert (await km365("tag", "apply", "first.json")).code == ExitCode.DONE
    await lists.update_fields(graph, site.id, knowledge.id, quarrel, {"KMAudience": "R"}, etag=None)
    await km365("taxonomy", "merge", "topic/cold-chain", "topic/immunization", "--yes")
    planned = await km365("taxonomy", "retag", "--list", "Knowledge", "-o", "retag.json", "--json")
    assert (planned.code, planned.json["documents"]) == (ExitCode.PARTLY, 1), planned.err
    assert [one["path"] for one in planned.json["not_planned"]] == [f"Knowledge/item {quarrel}"]
    assert "quarrel" not in (tmp_path / "typed" / "retag.json").read_text("utf-8")
    assert (await km365("tag", "apply", "retag.json")).code == ExitCode.DONE
    item = await lists.get_item(graph, site.id, knowledge.id, boxes)
    topics = [term.label for term in decode(item.fields["KMTopic"])]
    assert "Immunization" in topics and "Cold chain" not in topics


async def test_an_offices_own_terms_are_planned_for_its_own_libraries_alone(
    km365: Type, provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = {
        "extends": "topic",
        "names": {"en": "Own"},
        "concepts": [
            {
                "id": "{}/1",
                "labels": {"en": "Cyclone huts ({})"},
                "synonyms": {"en": ["cyclone huts"]},
                "global_parent": WATER,
            }
        ],
    }
    for office in ("co-bel", "co-ard"):
        own = layer | {"key": f"{office}-own"}
        write(tmp_path / "own/taxonomies/offices" / office, "own.json", json.dumps(own).replace("{}", office))
    monkeypatch.setenv("KM365_TEMPLATES", str(tmp_path / "own"))
    pushed = await km365("taxonomy", "push", "--yes", "topic")
    assert pushed.code == ExitCode.DONE, pushed.err
    (file,) = await upload(
        provisioned, "huts.txt", data=b"Cyclone huts.\n\nCyclone huts on the delta; cyclone huts."
    )
    await km365("tag", "plan", "-o", "huts.json")
    plan = json.loads((tmp_path / "typed" / "huts.json").read_text("utf-8"))
    text = json.dumps(plan["documents"])
    assert '"co-bel/1"' in text and '"co-ard/1"' not in text
    assert (await km365("tag", "apply", "huts.json")).code == ExitCode.DONE
    assert (await tags(provisioned, file))["KMTopic"] == ["Cyclone huts (co-bel)"]
