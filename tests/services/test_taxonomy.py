"""The taxonomy between its files and the term store of the small Microsoft 365."""

import json
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from km365.cli.taxonomy import command
from km365.core.languages import LANGUAGES
from km365.core.schema import LESSON_TAG_COLUMNS
from km365.errors import ExitCode, TemplateError
from km365.services import taxonomy
from km365.templates import Templates


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
    assert {s.column for s in found.term_sets if s.column} == {column.name for column in LESSON_TAG_COLUMNS}
    assert {s.key for s in found.term_sets if s.column} == {column.term_set for column in LESSON_TAG_COLUMNS}
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
    circle = f"{file}, line 1, topic/a: the broader terms go round in a circle: topic/a > topic/b > topic/a."
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


def test_list_counts_concepts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("KM365_TEMPLATES", raising=False)
    listed = {row["key"]: row for row in json.loads(run("list", "--json")[1])}
    assert listed["topic"]["column"] == "KMTopic"
    assert listed["topic"]["concepts"] > 50
    assert listed["focus-area"]["column"] is None
    assert listed["goal-area"]["languages"] == sorted(LANGUAGES)
    assert "KMTopic" in run("list")[1]
