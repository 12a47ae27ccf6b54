"""The rule of promotion is read from a file, and what is wrong in it is told with its line."""

from pathlib import Path

import pytest

from km365.core.languages import LANGUAGES
from km365.core.phrases import Text
from km365.documents.promotion import promotion
from km365.errors import TemplateError
from km365.templates import Templates

SHIPPED = Templates().text("promotion.toml")


def test_the_shipped_rule_is_that_of_the_criteria_it_names() -> None:
    rules = promotion(Templates())
    assert rules.required == ("effectiveness", "efficiency", "relevance") and rules.others == 1
    assert len(rules.criteria) == 9 and set(rules.phrases.languages) == set(LANGUAGES)


@pytest.mark.parametrize(
    ("language", "said", "criterion"),
    [
        ("en", "The new way costs a third of the old one.", "efficiency"),
        ("fr", "Cela a coûté moins de cent dollars.", "efficiency"),
        ("es", "Las madres participaron en cada reunión.", "participation"),
        ("ar", "بلغت التكلفة نصف ما كانت عليه.", "efficiency"),
        ("ru", "Родители решали вместе с учителями.", "participation"),
        ("zh", "这样节省了一半的费用。", "efficiency"),
        ("pt", "O ministério aprovou o plano.", "commitment"),
    ],
)
def test_a_phrase_proves_a_criterion_in_its_language(language: str, said: str, criterion: str) -> None:
    words = promotion(Templates()).phrases
    assert list(Text(said, words).find_any(criterion, words.languages[language]))


@pytest.mark.parametrize(
    ("was", "wrong", "says"),
    [
        ("lessons = 2 ", "lessons = 1 ", "line 9"),
        ('required = ["effectiveness"', 'required = ["beauty"', "names 'beauty'"),
        ('fields = ["results"]', 'fields = ["outcome"]', "names 'outcome'"),
        ('effects = ["changed"', 'effects = ["done"', "names 'done'"),
        ('id = "relevance"', 'id = "efficiency"', "two criteria 'efficiency'"),
    ],
)
def test_what_is_wrong_is_told_with_the_file_and_the_line(
    tmp_path: Path, was: str, wrong: str, says: str
) -> None:
    assert was in SHIPPED
    (tmp_path / "promotion.toml").write_text(SHIPPED.replace(was, wrong, 1), encoding="utf-8")
    with pytest.raises(TemplateError, match=says) as refused:
        promotion(Templates(tmp_path))
    assert "promotion.toml" in str(refused.value)
