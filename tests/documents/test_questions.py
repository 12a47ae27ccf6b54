"""Question banks: all languages alike, and a mistake told with its file, line and key."""

from pathlib import Path

import pytest

from km365.core.audience import Audience
from km365.core.languages import LANGUAGES
from km365.core.questions import BankKind
from km365.documents.questions import Banks, problems
from km365.errors import TemplateError
from km365.templates import Templates

SHIPPED = Banks(Templates())

STRUCTURE = """
kind = "reflection"
minutes = 5

[[question]]
id = "story"
audience = "O"
becomes = ["knowledge.description"]

[[question]]
id = "advice"
audience = "U"
becomes = ["knowledge.advice"]
skip_if = { skipped = "story" }
"""
WORDS = """
title = "Short"
invitation = "About {subject}."

[sections]
"knowledge.description" = "What happened"
"knowledge.advice" = "Advice"

[questions.story]
ask = "What happened?"

[questions.advice]
ask = "What would you do?"
"""


def office(folder: Path, *, structure: str = STRUCTURE, words: str = WORDS) -> Banks:
    """The banks of an office with a bank of its own in English."""
    (folder / "questions").mkdir(exist_ok=True)
    (folder / "questions" / "short.toml").write_text(structure, encoding="utf-8")
    (folder / "questions" / "short.en.toml").write_text(words, encoding="utf-8")
    return Banks(Templates(folder))


@pytest.mark.parametrize("bank_id", SHIPPED.names())
def test_a_shipped_bank_is_complete_in_all_seven_languages(bank_id: str) -> None:
    assert problems(Templates(), bank_id) == []
    assert SHIPPED.languages(bank_id) == list(LANGUAGES)


@pytest.mark.parametrize("language", [tag for tag in LANGUAGES if tag != "en"])
@pytest.mark.parametrize("bank_id", SHIPPED.names())
def test_no_sentence_of_a_bank_is_left_in_english(bank_id: str, language: str) -> None:
    english, other = SHIPPED.get(bank_id, "en"), SHIPPED.get(bank_id, language)
    for one, two in zip(english.questions, other.questions, strict=True):
        assert one.ask != two.ask
        assert (one.hint == "") == (two.hint == "")
        assert one.hint != two.hint or not one.hint
        assert [c.value for c in one.choices] == [c.value for c in two.choices]
        assert {c.label for c in one.choices}.isdisjoint({c.label for c in two.choices})
    assert english.title != other.title
    assert english.invitation != other.invitation


def test_a_handover_asks_for_consent_and_keeps_answers_narrow() -> None:
    bank = SHIPPED.get("handover", "en")
    assert bank.kind is BankKind.HANDOVER
    assert bank.consent is not None
    wide = [q.id for q in bank.questions if q.audience is Audience.EVERYONE]
    assert wide == ["proud", "lesson"]
    assert len(bank.questions) == 12


def test_a_mid_term_review_fits_one_sitting_and_fills_the_item() -> None:
    bank = SHIPPED.get("midterm_review", "fr")
    assert len(bank.questions) <= 8
    targets = {target for question in bank.questions for target in question.becomes}
    assert {"knowledge.title", "knowledge.description", "knowledge.advice", "knowledge.limits"} <= targets


def test_an_office_can_add_a_bank_in_one_language(tmp_path: Path) -> None:
    banks = office(tmp_path)
    assert "short" in banks.names()
    assert banks.get("short", "ar").language == "en"
    assert len(problems(Templates(tmp_path), "short")) == len(LANGUAGES) - 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "reflection"', "", "questions/short.toml, line 1: 'kind' is missing."),
        ('"O"', '"Q"', "questions/short.toml, line 7: [question] 'audience' must be one of U, O, S, R, X."),
        ('id = "advice"', 'id = "story"', "line 11: [question] there is another question 'story' above."),
        ('skipped = "story"', 'skipped = "later"', "line 14: [question] 'skip_if' names 'later'"),
        ('"knowledge.advice"', '"knowledge.advise"', "line 13: [question] 'knowledge.advise' is not"),
        ("minutes = 5", 'minutes = "five"', "line 3: 'minutes' must be a whole number from 1 to 240."),
        ("minutes = 5", "minutes = 5\nlenght = 2", "line 4: 'lenght' is not known here"),
        ("minutes = 5", "minutes = ", "questions/short.toml: Invalid value (at line 3, column 11)."),
    ],
)
def test_a_mistake_in_the_structure_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(TemplateError) as caught:
        office(tmp_path, structure=STRUCTURE.replace(old, new, 1)).get("short", "en")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('ask = "What would you do?"', "", "short.en.toml, line 12: [questions.advice] 'ask' is missing."),
        ("{subject}", "{name}", "line 3: 'invitation' may only hold the placeholder {subject}."),
        ("{subject}", "{", "line 3: 'invitation' has a brace without its partner."),
        ('"Advice"', '""', "line 7: [sections] 'knowledge.advice' must be a text that is not empty."),
        ("[questions.story]", "[questions.stroy]", "the words of question 'story' are missing."),
    ],
)
def test_a_mistake_in_the_words_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(TemplateError) as caught:
        office(tmp_path, words=WORDS.replace(old, new, 1)).get("short", "en")
    assert message in str(caught.value)


def test_a_check_tells_all_mistakes_of_all_files_at_once(tmp_path: Path) -> None:
    structure = STRUCTURE.replace('"O"', '"Q"', 1).replace("minutes = 5", 'minutes = "five"')
    structure = structure.replace('"knowledge.advice"', '"knowledge.advise"').replace('"story"]', '"later"]')
    words = WORDS.replace("{subject}", "{", 1).replace("ask = ", "aks = ")
    office(tmp_path, structure=structure, words=words)
    (tmp_path / "questions" / "short.fr.toml").write_text("title = ", encoding="utf-8")
    (tmp_path / "questions" / "short.es.toml").write_text("title = ''\n", encoding="utf-8")
    found = problems(Templates(tmp_path), "short")
    said = "\n".join(found)
    for mistake in (
        "line 3: 'minutes' must be a whole number",
        "[question] 'audience' must be one of",
        "'knowledge.advise' is not handover",
        "short.en.toml, line 3: 'invitation' has a brace",
        "[questions.story] 'aks' is not known here",
        "[questions.advice] 'ask' is missing",
        "short.fr.toml: Invalid value",
        "short.es.toml, line 1: 'title' must be a text",
        "the words of question 'story' are missing",
        "short.ar.toml: is missing",
    ):
        assert said.count(mistake) == 1, mistake
    assert len(found) == len(set(found))


def test_a_bank_nobody_has_is_refused_by_name() -> None:
    with pytest.raises(TemplateError, match="questions/nothing"):
        SHIPPED.get("nothing", "en")
    with pytest.raises(TemplateError, match="small letters"):
        SHIPPED.get("../secret", "en")
