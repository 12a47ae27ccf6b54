"""Suggestions for files of documents, with any vocabulary."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from km365.cli.tag_bulk import evaluate, predict
from km365.errors import InputRefused
from km365.services import tag_bulk

TURTLE = """@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
<urn:t:water> a skos:Concept ; skos:prefLabel "Water supply"@en, "Approvisionnement en eau"@fr .
<urn:t:school> a skos:Concept ; skos:prefLabel "Schools"@en, "Écoles"@fr .
<urn:t:health> a skos:Concept ; skos:prefLabel "Health services"@en, "Services de santé"@fr .
"""
DOCUMENTS = [
    {
        "id": "a",
        "text": "Water supply for villages\nNew wells were dug.",
        "lang": "en",
        "gold": ["urn:t:water"],
    },
    {
        "id": "b",
        "text": "Les écoles de la région\nDes maîtres formés.",
        "lang": "fr",
        "gold": ["urn:t:school"],
    },
    {"id": "c", "text": "Nurses in health services", "lang": "en", "gold": ["urn:t:health"]},
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KM365_HOME", str(tmp_path / "home"))
    with gzip.open(tmp_path / "vocabulary.ttl.gz", "wt", encoding="utf-8") as file:
        file.write(TURTLE)
    lines = "".join(json.dumps(one) + "\n" for one in DOCUMENTS)
    (tmp_path / "documents.jsonl").write_text(lines, encoding="utf-8")
    return tmp_path


def run(command: object, folder: Path, *more: str) -> Result:
    given = [
        "--vocabulary",
        str(folder / "vocabulary.ttl.gz"),
        "--documents",
        str(folder / "documents.jsonl"),
    ]
    return CliRunner().invoke(command, [*given, *more], standalone_mode=False)  # type: ignore[arg-type] # click's


def predicted(folder: Path, *more: str) -> dict[str, list[list[object]]]:
    output = folder / "found.jsonl"
    done = run(predict, folder, "--output", str(output), *more)
    assert done.exception is None
    lines = output.read_text(encoding="utf-8").splitlines()
    return {one["id"]: one["terms"] for one in map(json.loads, lines)}


@pytest.mark.parametrize("more", [(), ("--words-only",)])
def test_the_right_term_comes_first_in_every_language_on_the_first_day(
    folder: Path, more: tuple[str, ...]
) -> None:
    found = predicted(folder, *more)
    assert {name: terms[0][0] for name, terms in found.items()} == {
        one["id"]: one["gold"][0] for one in DOCUMENTS
    }
    assert all(0 <= float(str(score)) <= 1 for terms in found.values() for _, score in terms)
    assert found == predicted(folder, *more)


def test_what_was_tagged_before_is_learned_from(folder: Path) -> None:
    subjects = (
        "apples bridges candles deserts engines ferries gardens harbours islands jackets kitchens lamps"
    )
    desks = {"Blue": "urn:t:health", "Green": "urn:t:water"}
    lines = [
        json.dumps({"id": f"{desk} {subject}", "text": f"{desk} Desk on {subject}", "gold": [term]})
        for desk, term in desks.items()
        for subject in subjects.split()
    ]
    (folder / "train.jsonl").write_text("\n".join(lines), encoding="utf-8")
    one = {"id": "x", "text": "Blue Desk on mountains"}
    (folder / "documents.jsonl").write_text(json.dumps(one), encoding="utf-8")
    before = dict(predicted(folder, "--language", "en")["x"])  # type: ignore[arg-type] # pairs
    after = dict(predicted(folder, "--language", "en", "--train", str(folder / "train.jsonl"))["x"])  # type: ignore[arg-type] # pairs
    assert max(after, key=after.__getitem__) == "urn:t:health"
    assert after["urn:t:health"] > before["urn:t:health"]


def test_only_documents_of_a_language_and_so_many_terms_are_asked_for(folder: Path) -> None:
    found = predicted(folder, "--language", "fr", "--limit", "2")
    assert list(found) == ["b"]
    assert len(found["b"]) == 2


def test_suggestions_are_measured_by_language(folder: Path) -> None:
    done = run(evaluate, folder, "--json")
    found = {one["language"]: one for one in json.loads(done.stdout)}
    assert {name: one["documents"] for name, one in found.items()} == {"en": 2, "fr": 1, "all": 3}
    assert found["all"]["means"]["NDCG@10"] == 1.0
    assert "P@5" in run(evaluate, folder).stdout


def test_a_line_that_is_no_document_is_named(folder: Path) -> None:
    (folder / "documents.jsonl").write_text('{"id": "a", "text": "x"}\n{"id": 1}\n', encoding="utf-8")
    done = run(predict, folder, "--output", str(folder / "found.jsonl"))
    assert "documents.jsonl, line 2: not a document" in str(done.exception)


def test_a_file_that_is_read_is_never_written(folder: Path) -> None:
    documents = folder / "documents.jsonl"
    (folder / "link.jsonl").symlink_to(documents)
    before = documents.read_bytes()
    for output in (documents, folder / "link.jsonl", folder / "vocabulary.ttl.gz"):
        done = run(predict, folder, "--output", str(output), "--words-only")
        assert "is also read" in str(done.exception)
    done = run(predict, folder, "--train", str(documents), "--output", str(documents), "--words-only")
    assert "is also read" in str(done.exception)
    assert documents.read_bytes() == before


def test_a_run_that_fails_leaves_the_output_of_the_one_before(folder: Path) -> None:
    output = folder / "found.jsonl"
    output.write_text("before", encoding="utf-8")
    with (folder / "documents.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"id": "d"}\n')
    names = {one.name for one in folder.iterdir()}
    done = run(predict, folder, "--output", str(output), "--words-only")
    assert "line 4: not a document" in str(done.exception)
    assert output.read_text(encoding="utf-8") == "before"
    assert {one.name for one in folder.iterdir()} - {"home"} == names


def test_a_folder_that_is_missing_is_named_before_the_work_begins(folder: Path) -> None:
    done = run(predict, folder, "--output", str(folder / "there" / "found.jsonl"))
    assert isinstance(done.exception, InputRefused)
    assert f"there is no folder {folder / 'there'}" in str(done.exception)
    assert not (folder / "home").exists()


def test_a_name_that_no_disk_takes_is_refused(folder: Path) -> None:
    done = run(predict, folder, "--output", str(folder / ("a" * 300)))
    assert isinstance(done.exception, InputRefused)
    assert "cannot be written" in str(done.exception)


@pytest.mark.parametrize("packed", [False, True])
def test_a_byte_order_mark_is_no_part_of_the_first_document(folder: Path, packed: bool) -> None:
    file = folder / "documents.jsonl"
    data = b"\xef\xbb\xbf" + file.read_bytes()
    file.write_bytes(gzip.compress(data) if packed else data)
    assert list(predicted(folder, "--words-only")) == ["a", "b", "c"]


@pytest.mark.parametrize("harm", [lambda data: data[:60], lambda data: data[:40] + bytes(20) + data[60:]])
def test_a_file_that_is_packed_wrong_is_named(folder: Path, harm: Callable[[bytes], bytes]) -> None:
    file = folder / "documents.jsonl"
    file.write_bytes(harm(gzip.compress(file.read_bytes())))
    done = run(predict, folder, "--output", str(folder / "found.jsonl"), "--words-only")
    assert str(done.exception) == f"{file}: it is not packed right (gzip); pack it again."


@pytest.mark.parametrize("more", [(), ("--words-only",)])
def test_half_a_character_is_replaced(folder: Path, more: tuple[str, ...]) -> None:
    cut = {"id": "\ud83d", "text": "Water supply \ud83d for villages", "lang": "en", "gold": ["urn:t:water"]}
    (folder / "documents.jsonl").write_text(json.dumps(cut), encoding="utf-8")
    found = predicted(folder, *more, "--train", str(folder / "documents.jsonl"))
    assert found["\ufffd"][0][0] == "urn:t:water"
    assert run(evaluate, folder, *more).exception is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "a", "text": "x", "lang": ' + "1" * 5000 + "}", "a number of more than 4300 digits"),
        ("[" * 100_000, "nested too deeply"),
        ('{"id": ["a"], "text": "x"}', "not a document"),
        ('{"id": true, "text": "x"}', "not a document"),
        ('{"id": "a", "text": "' + "x" * 200_000 + '"}', "longer than 150,000 characters"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(
    folder: Path, line: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_bulk, "_LINE_LETTERS", 150_000)
    (folder / "documents.jsonl").write_text(f'\n{{"id": 0, "text": "x"}}\n{line}\n', encoding="utf-8")
    done = run(predict, folder, "--output", str(folder / "found.jsonl"), "--words-only")
    assert isinstance(done.exception, InputRefused)
    assert f"documents.jsonl, line 3: {said}" in str(done.exception).replace("the line is ", "")


def test_a_language_is_meant_however_its_tag_is_written(folder: Path) -> None:
    assert list(predicted(folder, "--words-only", "--language", "FR-ca")) == ["b"]


@pytest.mark.parametrize("tag", ["", "../fr"])
def test_what_is_no_language_is_refused(folder: Path, tag: str) -> None:
    done = run(predict, folder, "--output", str(folder / "found.jsonl"), "--language", tag)
    assert "is no language tag" in str(done.exception)


def test_a_language_of_which_there_is_no_document_is_said(folder: Path) -> None:
    done = run(predict, folder, "--output", str(folder / "found.jsonl"), "--words-only", "--language", "ru")
    assert "documents.jsonl is in 'ru'" in done.stderr
