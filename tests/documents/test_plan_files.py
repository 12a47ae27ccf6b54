"""Plans on disk: written beside their place, read again and again, with the answers of a review."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from km365.core.tag_plan import Row
from km365.core.tag_plan_file import Head, to_text
from km365.documents import plan_xlsx
from km365.documents.plan_files import Answers, Writer, opened, save
from km365.errors import KM365Error, PlanRefused
from km365.templates import Templates

from ..plan_examples import PLAN, TAXONOMY, row

HEAD = Head(made_at=PLAN.made_at, libraries=PLAN.libraries)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    path.write_text(to_text(PLAN), encoding="utf-8")
    return path


def test_a_plan_is_read_as_often_as_it_is_asked_for(file: Path) -> None:
    with opened(file, TAXONOMY) as plan:
        assert (len(plan.rows), len(plan.others), len(plan.refused)) == (2, 1, 1)
        assert [one.item_id for one in plan.rows] == [one.item_id for one in plan.rows] == ["01A", "01B"]
        assert plan.sha == PLAN.sha


def test_a_plan_that_changes_while_it_is_read_is_refused(file: Path) -> None:
    with opened(file, TAXONOMY) as plan:
        file.write_text(to_text(replace(PLAN, rows=PLAN.rows[:1])), encoding="utf-8")
        with pytest.raises(PlanRefused, match=r"plan\.json was changed while it was being read"):
            list(plan.rows)


def test_until_it_is_whole_a_plan_is_not_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    out = Writer(path, HEAD)
    out.add(row())
    assert not path.exists()
    out.abandon()
    assert list(tmp_path.iterdir()) == []
    out = Writer(path, HEAD)
    out.add(row())
    out.close("You stopped it")
    assert [one.name for one in tmp_path.iterdir()] == ["plan.json"]
    with opened(path, TAXONOMY) as plan:
        assert (len(plan.rows), plan.partial) == (1, "You stopped it")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(KM365Error, match=r"could not be written to .*nowhere.plan\.json"):
        Writer(tmp_path / "nowhere" / "plan.json", HEAD)


def without_topic(one: Row) -> Row:
    return replace(one, changes=one.changes[1:], others=(replace(one.changes[0], add=()),), seen=True)


def original(file: Path) -> Row:
    with opened(file, TAXONOMY) as plan:
        return next(iter(plan.rows))


def test_answers_count_at_once_and_are_folded_in_later(file: Path) -> None:
    answers = Answers(file)
    answers.add(original(file))
    answers.add(without_topic(original(file)))
    with answers.path.open("a", encoding="utf-8") as out:
        out.write('{"cut": "off')
    with opened(file, TAXONOMY) as plan:
        assert next(iter(plan.rows)).seen
        assert [one.column for one in next(iter(plan.rows)).changes] == ["KMDocumentType"]
        save(plan, file, [*plan.rows, *plan.others, *plan.refused], None)
    answers.forget()
    with opened(file, TAXONOMY) as plan:
        assert [one.column for one in next(iter(plan.rows)).changes] == ["KMDocumentType"]
        assert plan.terms == 3


@pytest.mark.parametrize("line", [0, 1])
def test_a_review_that_was_cut_off_in_an_answer_goes_on(file: Path, line: int) -> None:
    answers = Answers(file)
    answers.add(original(file))
    lines = answers.path.read_bytes().splitlines(keepends=True)
    answers.path.write_bytes(b"".join(lines[:line]) + lines[line][:9])
    assert not original(file).seen, "the half answer does not count"
    Answers(file).add(without_topic(original(file)))
    assert original(file).seen
    answers.path.write_bytes(answers.path.read_bytes()[:-20])
    assert not original(file).seen


def test_a_damaged_answer_is_refused_by_file_and_line(file: Path) -> None:
    answers = Answers(file)
    answers.add(original(file))
    for damage in (b'{"drive": "b!1", "it{"drive": 1}\n', b"\xff\xfe\x00\n", b"[]\n", b'{"drive": [1]}\n'):
        answers.add(original(file))
        lines = answers.path.read_bytes().splitlines(keepends=True)
        answers.path.write_bytes(b"".join([*lines[:2], damage, *lines[2:]]))
        with pytest.raises(PlanRefused, match=r"plan\.json\.answers"):
            original(file)
        answers.path.write_bytes(b"".join(lines[:2]))


def test_half_a_character_in_a_comment_stops_neither_face(tmp_path: Path) -> None:
    value = json.loads(to_text(PLAN))
    value["documents"][0]["columns"]["KMTopic"]["add"][0]["comment"] = "good \ud83d"
    source = tmp_path / "plan.json"
    source.write_text(json.dumps(value), encoding="utf-8")
    for name in ("again.json", "plan.xlsx"):
        sheet = plan_xlsx.writer(Templates(), TAXONOMY, language="en") if name.endswith("xlsx") else None
        with opened(source, TAXONOMY) as plan:
            save(plan, tmp_path / name, plan.rows, sheet)
        source = tmp_path / name
        assert original(source).changes[0].add[0].comment == "good \ufffd"


def test_answers_to_a_plan_that_was_edited_since_are_refused(file: Path) -> None:
    Answers(file).add(original(file))
    file.write_text(to_text(replace(PLAN, rows=PLAN.rows[:1])), encoding="utf-8")
    with pytest.raises(PlanRefused, match=r"left its answers in plan\.json\.answers"):
        original(file)
