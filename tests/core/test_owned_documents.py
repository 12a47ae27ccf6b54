"""Which questions a person's documents answer already."""

from datetime import date
from pathlib import Path

import pytest

from km365.core.owned_documents import Documented, OwnedDocument, documents_for
from km365.documents.loss_risk import loss_risk
from km365.documents.questions import Banks
from km365.errors import TemplateError
from km365.templates import Templates

BANK = Banks(Templates()).get("handover", "en")
TODAY = date(2027, 3, 1)
RULES = (
    Documented(questions=("work", "deadlines"), words=("work plan", "خطة العمل", "工作计划"), months=6),
    Documented(questions=("people",), words=("contact list",), months=12),
)


def document(title: str, changed_on: date | None = date(2027, 2, 1), **more: object) -> OwnedDocument:
    known = {"url": f"https://x/{title}", "site": "x:/y", "drive_id": "d", "path": f"2027/{title}.docx"}
    return OwnedDocument(title=title, changed_on=changed_on, **{**known, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("title", ["CO-BEL Work_Plan 2027", "خطة العمل ٢٠٢٧", "2027年工作计划(终稿)"])
def test_a_current_document_of_that_name_answers_its_questions(title: str) -> None:
    found = documents_for(RULES, [document(title)], today=TODAY)
    assert {question: [one.title for one in some] for question, some in found.items()} == {
        "work": [title],
        "deadlines": [title],
    }


def test_so_does_one_whose_file_name_or_type_says_so() -> None:
    by_path = document("Annual", path="a/Contact list v2.xlsx")
    by_kind = document("Annual 2", kinds=("Contact list",))
    found = documents_for(RULES, [by_path, by_kind], today=TODAY)
    assert set(found) == {"people"}
    assert set(found["people"]) == {by_path, by_kind}


@pytest.mark.parametrize(
    "other",
    [
        document("Work plan", changed_on=date(2026, 8, 1)),
        document("Work plan", changed_on=None),
        document("Homework planning"),
        document("Plan of work"),
    ],
)
def test_what_is_old_or_called_otherwise_does_not(other: OwnedDocument) -> None:
    assert documents_for(RULES, [other], today=TODAY) == {}


def test_the_newest_comes_first() -> None:
    old, new = document("Work plan 1", date(2027, 1, 1)), document("Work plan 2")
    assert documents_for(RULES, [old, new, document("x")], today=TODAY)["work"] == (new, old)


def test_the_shipped_rules_hold_in_all_seven_languages() -> None:
    rules = loss_risk(Templates(), BANK).documented
    for title in (
        "Plan de travail 2027",
        "Plan de trabajo",
        "Plano de trabalho",
        "Рабочий план",
        "خُطّة العمل",
    ):
        found = documents_for(rules, [document(title)], today=TODAY)
        assert set(found) == {"heavy_times"}, title
    asked = {question for rule in rules for question in rule.questions}
    assert not asked & {"work", "deadlines", "people"}  # no document says it


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('questions = ["heavy_times"]', 'questions = ["heavy_tymes"]'),
        ("months = 12", "months = 0"),
        ('questions = ["systems"]', 'questions = ["systems"]\nword = 1'),
        ('"work plan", ', '"work plan", "…", '),
        ('questions = ["partners"]', "questions = []"),
    ],
)
def test_a_mistake_in_the_rules_is_told_with_its_line(tmp_path: Path, written: str, told: str) -> None:
    shipped = Templates().text("loss_risk.toml")
    (tmp_path / "loss_risk.toml").write_text(shipped.replace(written, told), "utf-8")
    with pytest.raises(TemplateError, match=r"loss_risk\.toml, line \d+"):
        loss_risk(Templates(tmp_path), BANK)
