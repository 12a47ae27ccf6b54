"""The taxonomy between its files and the term store of the small Microsoft 365."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from km365.cli.taxonomy import command
from km365.core.languages import LANGUAGES
from km365.core.schema import TAG_COLUMNS, TERM_GROUP
from km365.core.tagging import Vocabulary, from_text
from km365.core.taxonomy import Concept, Taxonomy, TermSet
from km365.errors import ExitCode, Forbidden, TemplateError
from km365.graph import terms
from km365.graph.auth import LocalCredential
from km365.graph.client import Graph
from km365.graph.pacing import Limits
from km365.graph.terms import Labels
from km365.local.server import M365
from km365.services import taxonomy
from km365.templates import Templates

SITE = "root"


@pytest.fixture
async def graph(m365: M365) -> AsyncIterator[Graph]:
    """A Graph signed in at one's own small Microsoft 365."""
    opened = Graph(
        base_url=m365.graph_url,
        credential=LocalCredential(m365.graph_url),
        limits=Limits.for_licences(50_000),
    )
    yield opened
    await opened.aclose()


def concept(name: str, label: str, *, broader: str | None = None, **synonyms: tuple[str, ...]) -> Concept:
    return Concept(id=f"x/{name}", labels={"en": label}, synonyms=synonyms, broader=broader)


def small(*more: Concept) -> Taxonomy:
    leaf = concept("leaf", "Leaf", broader="x/tree", en=("leaves", "LEAF"))
    tree = Concept(id="x/tree", labels={"en": "Tree", "fr": "Arbre"}, synonyms={"fr": ("arbrisseau",)})
    return Taxonomy(term_sets=(TermSet(key="x", names={"en": "Plants"}, concepts=(leaf, tree, *more)),))


def office(folder: Path, **files: object) -> Templates:
    (folder / "taxonomies").mkdir()
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / "taxonomies" / f"{name}.json").write_text(text, encoding="utf-8")
    return Templates(folder)


def term_file(key: str, *concepts: dict) -> dict:
    return {"key": key, "names": {"en": key}, "concepts": list(concepts)}


CIRCLE = term_file(
    "topic",
    {"id": "topic/a", "labels": {"en": "A thing"}, "broader": "topic/b"},
    {"id": "topic/b", "labels": {"en": "Other thing"}, "broader": "topic/a"},
)


# The files -----------------------------------------------------------------------------------------------


def test_the_shipped_term_sets_have_nothing_wrong():
    found, problems = taxonomy.load(Templates())
    assert problems == []
    assert {s.column for s in found.term_sets if s.column} == {column.name for column in TAG_COLUMNS}
    assert {s.key for s in found.term_sets if s.column} == {column.term_set for column in TAG_COLUMNS}
    assert all(set(one.labels) == set(LANGUAGES) for one in found)


def test_an_office_adds_a_term_set_of_its_own(tmp_path: Path):
    templates = office(tmp_path, districts=term_file("districts", {"id": "d/1", "labels": {"en": "North"}}))
    found = taxonomy.shipped(templates)
    assert {"districts", "topic"} <= set(found.by_key)


def test_a_circle_in_an_offices_file_is_said_with_its_path_and_the_shipped_one_serves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    templates = office(tmp_path, topic=CIRCLE)
    found = taxonomy.shipped(templates)
    circle = "the broader terms go round in a circle: topic/a > topic/b > topic/a"
    assert caplog.messages == [f"taxonomies/topic.json, topic/a: {circle}. The shipped one is used instead."]
    assert found.by_key["topic"] == taxonomy.shipped(Templates()).by_key["topic"]


def test_a_bad_file_never_stops_the_others(tmp_path: Path):
    templates = office(
        tmp_path,
        a_broken="{",
        b_twin=term_file("topic", {"id": "b/1", "labels": {"en": "B"}}),
        c_thief=term_file("c", {"id": "goal-area/1", "labels": {"en": "Mine"}}),
        change_strategy=term_file("d", {"id": "d/1", "labels": {"en": "Mine"}}),
    )
    found, problems = taxonomy.load(templates)
    assert set(found.by_key) == {*taxonomy.shipped(Templates()).by_key, "d"}
    assert problems[0].startswith("taxonomies/a_broken.json, line 1: not JSON")
    assert problems[0].endswith("It is left out.")
    assert "taxonomies/b_twin.json, topic: another file has this key already. It is left out." in problems
    thief = "taxonomies/c_thief.json, goal-area/1: this id is used in 'goal-area' already. It is left out."
    assert thief in problems


def test_no_usable_file_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Templates, "names", lambda self, pattern: [])
    with pytest.raises(TemplateError, match="no term set"):
        taxonomy.shipped(Templates())


# The term store ------------------------------------------------------------------------------------------


async def test_pushing_creates_what_is_missing_and_a_second_time_nothing(graph: Graph):
    known = small()
    assert [(m.key, m.terms) for m in await taxonomy.missing(graph, SITE, known)] == [("x", 2)]
    assert await taxonomy.push(graph, SITE, known) == taxonomy.Pushed(sets=1, terms=2)
    assert await taxonomy.missing(graph, SITE, known) == []
    assert await taxonomy.push(graph, SITE, known) == taxonomy.Pushed(sets=0, terms=0)


async def test_a_term_that_was_added_to_a_file_is_created_under_its_parent(graph: Graph):
    await taxonomy.push(graph, SITE, small())
    wider = small(concept("vein", "Vein", broader="x/leaf"))
    assert [(m.key, m.terms) for m in await taxonomy.missing(graph, SITE, wider)] == [("x", 1)]
    assert await taxonomy.push(graph, SITE, wider) == taxonomy.Pushed(sets=0, terms=1)
    stored = await terms.read_sets(graph, SITE, group=TERM_GROUP)
    by_key = {term.key: term for term in stored[0].terms}
    assert by_key["x/vein"].parent_id == by_key["x/leaf"].id


async def test_labels_go_out_in_all_languages_with_synonyms_that_are_not_default(graph: Graph):
    await taxonomy.push(graph, SITE, small())
    stored = (await terms.read_sets(graph, SITE, group=TERM_GROUP))[0]
    labels = {term.key: term.labels for term in stored.terms}
    assert labels["x/tree"] == {
        "en-US": Labels(default="Tree"),
        "fr-FR": Labels(default="Arbre", synonyms=("arbrisseau",)),
    }
    assert labels["x/leaf"] == {"en-US": Labels(default="Leaf", synonyms=("leaves",))}


async def test_the_shipped_taxonomy_comes_back_from_the_term_store_as_it_went(graph: Graph, m365: M365):
    known = taxonomy.shipped(Templates())
    await taxonomy.push(graph, SITE, known)
    stored = await taxonomy.stored(graph, SITE, known)
    assert all(one.term_id for one in stored)
    assert [(c.id, c.labels, dict(c.synonyms), c.broader) for c in stored] == [
        (c.id, c.labels, dict(c.synonyms), c.broader) for c in known
    ]
    assert await taxonomy.set_ids(graph, SITE) == {s.key: s.set_id for s in stored.term_sets}


async def test_without_a_push_there_are_no_ids(graph: Graph):
    assert await taxonomy.set_ids(graph, SITE) == {}
    stored = await taxonomy.stored(graph, SITE, small())
    assert stored == small()


async def test_what_people_change_in_the_term_store_counts(graph: Graph):
    await taxonomy.push(graph, SITE, small())
    there = (await terms.read_sets(graph, SITE, group=TERM_GROUP))[0]
    tree = next(term for term in there.terms if term.key == "x/tree")
    await terms.update_term(
        graph, SITE, there.id, tree.id, labels={"en-US": Labels(default="Plant", synonyms=("Shrub",))}
    )
    new = terms.NewTerm(parent_id=tree.id, labels={"en-US": Labels(default="Mango tree")})
    [own] = await terms.create_terms(graph, SITE, there.id, [new])
    stored = await taxonomy.stored(graph, SITE, small())
    assert stored.by_id["x/tree"].labels == {"en": "Plant", "fr": "Arbre"}
    assert stored.by_id["x/tree"].synonyms["en"] == ("Shrub",)
    added = stored.by_id[f"x/{own.id}"]
    assert (added.label(), added.broader, added.term_id) == ("Mango tree", "x/tree", own.id)
    words = Vocabulary(stored)
    for text, expected in (("Mango tree", added.id), ("Shrub", "x/tree"), ("Arbre", "x/tree")):
        found = words.suggest(from_text(f"{text}. {text}. {text}."))
        assert [one.concept_id for one in found] == [expected]
    assert await taxonomy.missing(graph, SITE, small()) == []


async def test_the_copy_serves_where_the_term_store_refuses_the_app(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    await taxonomy.push(graph, SITE, small())
    copy = tmp_path / taxonomy.CACHE
    before = await taxonomy.stored(graph, SITE, small(), cache=copy)

    async def refused(*_: object, **__: object) -> list[terms.TermStoreSet]:
        raise Forbidden("The term store takes no apps.", status=403)

    monkeypatch.setattr(terms, "read_sets", refused)
    assert await taxonomy.stored(graph, SITE, small(), cache=copy) == before
    copy.write_text("[{", encoding="utf-8")
    with pytest.raises(Forbidden):
        await taxonomy.stored(graph, SITE, small(), cache=copy)
    with pytest.raises(Forbidden):
        await taxonomy.stored(graph, SITE, small())


# The commands --------------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int | None, str]:
    result = CliRunner().invoke(command, arguments, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value, result.stdout


def test_check_says_nothing_of_the_shipped_term_sets():
    assert run("check") == (ExitCode.DONE, "")


def test_check_names_file_and_path_of_a_circle(tmp_path: Path):
    office(tmp_path, topic=CIRCLE)
    file = tmp_path / "taxonomies" / "topic.json"
    code, said = run("check", str(file), str(tmp_path / "nothing.json"))
    lines = said.splitlines()
    circle = f"{file}, topic/a: the broader terms go round in a circle: topic/a > topic/b > topic/a."
    assert code == ExitCode.FAILED
    assert circle in lines
    assert lines[-1].startswith(f"{tmp_path / 'nothing.json'}: it cannot be read")


def test_check_tells_all_that_is_wrong_with_a_file_at_once(tmp_path: Path):
    labels = dict.fromkeys(LANGUAGES, "Thing")
    file = term_file(
        "topic",
        {"id": "topic/a", "labels": labels, "broader": "topic/b", "colour": "red"},
        {"id": "topic/b", "labels": labels | {"en": "Other"}, "broader": "topic/a", "mode": "often"},
        {"id": "topic/b", "labels": {"en": "Bad; label"}},
    )
    templates = office(tmp_path, topic=file)
    wanted = (
        "concepts[0]: unknown key 'colour'",
        "topic/b.mode: 'often' is not one of",
        "topic/b: this id stands twice",
        "the broader terms go round in a circle: topic/a > topic/b",
        "the en label 'Bad; label' contains ';'",
    )
    _, all_together = taxonomy.load(templates)
    for lines in (run("check", str(tmp_path / "taxonomies" / "topic.json"))[1].splitlines(), all_together):
        said = "\n".join(lines)
        for mistake in wanted:
            assert said.count(mistake) == 1, (mistake, said)


def test_check_finds_a_term_set_in_force_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("KM365_TEMPLATES", raising=False)
    monkeypatch.chdir(tmp_path)
    assert run("check", "taxonomies/topic.json") == (ExitCode.DONE, "")
    assert run("check", "topic.json") == (ExitCode.DONE, "")
    assert "nothing.json: it cannot be read" in run("check", "nothing.json")[1]


def test_the_terms_of_a_facet_are_listed_and_searched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("KM365_TEMPLATES", raising=False)
    monkeypatch.setenv("KM365_HOME", str(tmp_path))
    terms_of_topic = run("list", "--facet", "topic")[1]
    assert re.search(r"^topic/sanitation +Sanitation +latrine, toilet", terms_of_topic, re.MULTILINE)
    assert len(terms_of_topic.splitlines()) == 1 + len(taxonomy.shipped(Templates()).by_key["topic"].concepts)
    found = json.loads(run("list", "--find", "ASSAINISSEMENT", "--json")[1])
    assert {"goal-area/4", "topic/sanitation"} <= {one["id"] for one in found}
    assert "assainissement" in run("list", "--facet", "topic", "--find", "assainissement")[1].casefold()
    assert "Assainissement" in run("list", "--facet", "topic", "--language", "fr")[1]
    assert run("list", "--find", "xyzzy")[1] == ""
    with pytest.raises(click.UsageError, match=r"there are .*topic"):
        run("list", "--facet", "topics")


async def test_terms_that_people_made_in_the_term_store_are_listed_after_the_next_reading(
    graph: Graph, tmp_path: Path
):
    await taxonomy.push(graph, SITE, small())
    (tree,) = [one for one in await terms.read_sets(graph, SITE, group=TERM_GROUP) if one.key == "x"]
    parent = next(term for term in tree.terms if term.key == "x/tree")
    new = terms.NewTerm(parent_id=parent.id, labels={"en-US": Labels(default="Mango tree")})
    await terms.create_terms(graph, SITE, tree.id, [new])
    cache = tmp_path / taxonomy.CACHE
    assert not taxonomy.last_stored(small(), cache=cache).by_key["x"].matching("mango")
    await taxonomy.stored(graph, SITE, small(), cache=cache)
    (mango,) = taxonomy.last_stored(small(), cache=cache).by_key["x"].matching("mango")
    assert (mango.label(), mango.broader) == ("Mango tree", "x/tree")


def test_list_counts_concepts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("KM365_TEMPLATES", raising=False)
    listed = {row["key"]: row for row in json.loads(run("list", "--json")[1])}
    assert listed["topic"]["column"] == "KMTopic"
    assert listed["topic"]["concepts"] > 50
    assert listed["focus-area"]["column"] is None
    assert listed["goal-area"]["languages"] == sorted(LANGUAGES)
    assert "KMTopic" in run("list")[1]
