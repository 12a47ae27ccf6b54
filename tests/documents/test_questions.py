"""Question banks: all languages alike, and a mistake told with its file, line and key."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from km365.core.audience import Audience
from km365.core.interviews import Answer, Interview, InterviewState, asked
from km365.core.languages import LANGUAGES
from km365.core.questions import Bank, BankKind
from km365.core.schema import MILESTONE_KINDS
from km365.documents.questions import Banks, find_bank, problems
from km365.errors import TemplateError
from km365.templates import Templates

SHIPPED = Banks(Templates())
ASKED_AT_MILESTONES = [name for name in SHIPPED.names() if SHIPPED.get(name, "en").milestones]
NOW = datetime(2026, 3, 2, tzinfo=UTC)

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


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("bank_id", SHIPPED.names())
def test_every_language_of_a_bank_asks_the_same_in_the_same_order(bank_id: str, language: str) -> None:
    def shape(bank: Bank) -> list[object]:
        bare = [
            replace(q, ask="", hint="", probe="yes" if q.probe else "", choices=(), cues=())
            for q in bank.questions
        ]
        return [bank.kind, bank.minutes, bank.sitting, [target for target, _ in bank.sections], bare]

    assert shape(SHIPPED.get(bank_id, language)) == shape(SHIPPED.get(bank_id, "en"))


def who_chose(bank: Bank, question: str, value: str) -> Interview:
    """Somebody who chose that, and has answered nothing else."""
    answer = Answer(
        question=question, text=value, choice=value, audience=Audience.OFFICE, language="en", at=NOW
    )
    return Interview(
        id="i",
        key="k",
        bank=bank.id,
        person_id="ann",
        language="en",
        state=InterviewState.OPEN,
        created_at=NOW,
        changed_at=NOW,
        answers=(answer,),
    )


SIDES = ["programmatic", "operational", "partnership", "programme management"]


@pytest.mark.parametrize("side", [*SIDES, ""])
@pytest.mark.parametrize("bank_id", ASKED_AT_MILESTONES)
def test_a_milestone_asks_at_most_eight_and_a_story_before_a_judgement(bank_id: str, side: str) -> None:
    bank = SHIPPED.get(bank_id, "en")
    order = [question.id for question in asked(who_chose(bank, "side", side), bank)]
    assert len(order) <= 8 and order[-1] == "headline"
    assert order.index("story") < order.index("cause")
    targets = {target for question in bank.questions for target in question.becomes}
    assert {"knowledge.perspective", "knowledge.description", "knowledge.advice"} <= targets
    assert {question.audience for question in bank.questions} <= {Audience.OFFICE, Audience.EVERYONE}


def test_who_speaks_of_operations_or_a_partner_is_asked_about_that() -> None:
    bank = SHIPPED.get("end_year_review", "en")
    third = {side: asked(who_chose(bank, "side", side), bank)[2].id for side in [*SIDES, ""]}
    assert third == {
        "programmatic": "setting",
        "operational": "operations",
        "partnership": "partner",
        "programme management": "setting",
        "": "setting",
    }


def test_every_kind_of_milestone_asks_a_bank_that_was_made_for_it() -> None:
    warnings: list[str] = []
    by_kind = SHIPPED.by_milestone(noting=warnings)
    assert set(by_kind) == set(MILESTONE_KINDS)
    assert by_kind["strategy note"] == "country_programme_document"
    assert by_kind["closure"] == by_kind["moment of reflection"] == "end_year_review"
    assert warnings == []


def test_an_office_s_own_bank_goes_before_ours_and_a_broken_one_stops_no_other(tmp_path: Path) -> None:
    banks = office(tmp_path, structure=f'milestones = ["evaluation", "closure"]\n{STRUCTURE}')
    (tmp_path / "questions" / "broken.toml").write_text("milestones = ", encoding="utf-8")
    warnings: list[str] = []
    by_kind = banks.by_milestone(noting=warnings)
    assert (by_kind["evaluation"], by_kind["closure"], by_kind["end-year review"]) == (
        "short",
        "short",
        "end_year_review",
    )
    (warning,) = warnings
    assert "No milestone asks the question bank 'broken'" in warning and "broken.toml" in warning


def test_a_bank_is_found_where_somebody_writes_it(tmp_path: Path) -> None:
    (tmp_path / "short.toml").write_text(STRUCTURE, encoding="utf-8")
    (tmp_path / "short.en.toml").write_text(WORDS, encoding="utf-8")
    (tmp_path / "shorter.fr.toml").write_text(WORDS, encoding="utf-8")
    for name in ("short.toml", "short.en.toml"):
        templates, bank_id = find_bank(tmp_path / name)
        assert (bank_id, Banks(templates).languages(bank_id)) == ("short", ["en"])
        assert "evaluation" in Banks(templates).names()


def test_the_languages_a_bank_lacks_are_told_once(tmp_path: Path) -> None:
    office(tmp_path)
    (told,) = problems(Templates(tmp_path), "short")
    assert told.startswith("questions/short.toml: there are no words in fr, es, ar, ru, zh, pt;")


def test_an_unknown_question_is_named_with_its_line_beside_other_mistakes(tmp_path: Path) -> None:
    misspelt = WORDS.replace("[questions.story]", "[questions.storry]")
    office(tmp_path, structure=STRUCTURE.replace("minutes", "minuets"), words=misspelt)
    told = problems(Templates(tmp_path), "short")
    line = misspelt.splitlines().index("[questions.storry]") + 1
    named = f"questions/short.en.toml, line {line}: [questions] 'storry' is not known here"
    assert [one for one in told if one.startswith(named)]
    assert [one for one in told if "the words of question 'story' are missing" in one]


def test_the_bank_in_the_documentation_is_right(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "questions.md").read_text(encoding="utf-8")
    structure, words, *_ = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    bank = office(tmp_path, structure=structure, words=words).get("short", "en")
    assert [question.id for question in bank.questions] == ["side", "story", "supplies", "advice"]


def test_a_handover_asks_for_consent_and_keeps_answers_narrow() -> None:
    bank = SHIPPED.get("handover", "en")
    assert bank.kind is BankKind.HANDOVER
    assert bank.consent is not None
    wide = [q.id for q in bank.questions if q.audience is Audience.EVERYONE]
    assert wide == ["proud", "lesson", "ask_later"]
    theirs_alone = [q.id for q in bank.questions if q.audience is Audience.NAMED]
    assert theirs_alone == ["trust", "careful_words", "costly_partnership"]
    assert len(bank.questions) == 36


def test_a_mid_term_review_fits_one_sitting_and_fills_the_item() -> None:
    bank = SHIPPED.get("midterm_review", "fr")
    assert len(bank.questions) <= 8
    targets = {target for question in bank.questions for target in question.becomes}
    assert {"knowledge.title", "knowledge.description", "knowledge.advice", "knowledge.limits"} <= targets


def test_an_office_can_add_a_bank_in_one_language(tmp_path: Path) -> None:
    banks = office(tmp_path)
    assert "short" in banks.names()
    assert banks.get("short", "ar").language == "en"


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
        ('"U"', '"S"', "questions/short.toml, line 12: [question] 'audience' S is for a handover"),
        ('"U"', '"R"', "questions/short.toml, line 12: [question] 'audience' R is for a handover"),
        ('"knowledge.advice"', '"handover.work"', "line 13: [question] 'handover.work' is for a handover"),
        ('"knowledge.description"', '"knowledge.cause"', "no question becomes knowledge.description"),
        (
            'kind = "reflection"',
            'kind = "reflection"\nmilestones = ["party"]',
            "line 3: 'party' is no kind of",
        ),
        ('skipped = "story"', 'unless = ["story"]', "line 14: [question] 'unless' must be [question, value]"),
        ('skipped = "story"', 'unless = ["story", "a"]', "names 'a', which is no choice of 'story'."),
        ('skipped = "story"', 'chose = ["tale", "a"]', "names 'tale', which is no earlier question."),
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
        (
            "would you do?",
            "of {subject}?",
            "line 13: [questions.advice] 'ask' has braces, which are filled in",
        ),
        ("would you do?", "would you do}?", "line 13: [questions.advice] 'ask' has braces"),
        (
            "would you do?",
            f"{'do ' * 200}?",
            "line 13: [questions.advice] 'ask' is 606 characters long; 400 fit.",
        ),
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
        "short.toml: there are no words in ar, ru, zh, pt;",
    ):
        assert said.count(mistake) == 1, mistake
    assert len(found) == len(set(found))


def test_a_sentence_left_in_english_is_told(tmp_path: Path) -> None:
    office(tmp_path)
    french = WORDS.replace("Short", "Court").replace("About", "Sur").replace("What happened?", "Et alors ?")
    (tmp_path / "questions" / "short.fr.toml").write_text(french, encoding="utf-8")
    found = [line for line in problems(Templates(tmp_path), "short") if "short.fr" in line]
    assert found == ["questions/short.fr.toml, line 13: [questions.advice] 'ask' is still in English."]


def test_a_bank_nobody_has_is_refused_by_name() -> None:
    with pytest.raises(TemplateError, match="questions/nothing"):
        SHIPPED.get("nothing", "en")
    with pytest.raises(TemplateError, match="small letters"):
        SHIPPED.get("../secret", "en")


def test_the_cues_of_a_question_are_words_of_every_language() -> None:
    for language in LANGUAGES:
        sorted_by = [q.id for q in SHIPPED.get("lesson", language).questions if q.cues]
        assert sorted_by == ["setting", "cause", "advice", "limits", "evidence"]
