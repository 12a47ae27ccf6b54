"""A choice is understood by its words, and a story told instead of one is not lost."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from km365.core.interviews import Interview, InterviewState, PromptKind, current
from km365.core.languages import LANGUAGES
from km365.core.notes import Note
from km365.core.questions import Bank, Question
from km365.core.said import Said, Verb
from km365.core.turns import Turn, step
from km365.documents.questions import Banks
from km365.templates import Templates

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BANKS = Banks(Templates())
REVIEW = BANKS.get("midterm_review", "en")
STORY = "We expected the cold boxes in May, but the road was closed and nurses carried them by boat."
STORIES = {
    "en": STORY,
    "fr": "Nous attendions les glacières en mai, mais la route était fermée et tout est venu en pirogue.",
    "es": "Esperábamos las neveras en mayo, pero el camino estaba cerrado y llegaron en lancha.",
    "ar": "كنا ننتظر صناديق التبريد في أيار لكن الطريق كان مغلقاً فنقلتها الممرضات بالقارب",
    "ru": "Мы ждали холодильные ящики в мае, но дорогу закрыли, и медсёстры везли их на лодке.",
    "zh": "我们原以为冷藏箱五月会到，但是道路封闭，护士们用船把它们运了过来。",
    "pt": "Esperávamos as caixas térmicas em maio, mas a estrada estava fechada e vieram de barco.",
}


def begun(bank: Bank = REVIEW) -> Interview:
    interview = Interview(
        id="i",
        key="k",
        bank=bank.id,
        person_id="ann",
        language=bank.language,
        state=InterviewState.INVITED,
        created_at=NOW,
        changed_at=NOW,
    )
    return step(interview, bank, Said(verb=Verb.START), NOW).interview


def answers(text: str, interview: Interview, bank: Bank = REVIEW, **more: str) -> Turn:
    return step(interview, bank, Said(verb=Verb.ANSWER, text=text, **more), NOW)


def side() -> Question:
    return REVIEW.questions[0]


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("operations", "operational"),
        ("Operations.", "operational"),
        ("OPERATIONS: supply, staff, money, security, IT", "operational"),
        ("2", "operational"),
        ("2)", "operational"),
        ("٢", "operational"),
        ("money", "operational"),
        ("partners", "partnership"),
        ("Partnership", "partnership"),
        ("the programme itself", "programmatic"),
        ("Programme management", "programme management"),
        ("planning", "programme management"),
        ("programme", "programmatic"),
        ("it", ""),
        ("the", ""),
        ("with", ""),
        ("oper", ""),
        ("5", ""),
        ("", ""),
    ],
)
def test_a_choice_is_named_by_number_or_by_words_of_its_own(said: str, value: str) -> None:
    choice = side().choice(said)
    assert (choice.value if choice else "") == value


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr", "opérations"),
        ("es", "Operaciones"),
        ("ar", "العمليات"),
        ("ru", "ОПЕРАЦИИ"),
        ("zh", "运营"),
        ("pt", "operações"),
    ],
)
def test_the_first_word_of_a_choice_is_enough_in_every_language(language: str, said: str) -> None:
    question = BANKS.get("midterm_review", language).questions[0]
    label = next(choice.label for choice in question.choices if choice.value == "operational")
    first = said if said.casefold() in label.casefold() else label.split(":")[0].split("：")[0]
    choice = question.choice(first)
    assert choice is not None
    assert choice.value == "operational"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_story_told_instead_of_a_choice_answers_the_next_question(language: str) -> None:
    bank = BANKS.get("midterm_review", language)
    turn = answers(STORIES[language], begun(bank), bank)
    skipped, story = turn.interview.answers
    assert (skipped.question, skipped.skipped, skipped.text) == ("side", True, "")
    assert (story.question, story.text) == ("story", STORIES[language])
    assert turn.notes == (Note.KEPT_AS,)
    assert turn.heading == bank.heading("knowledge.description")
    assert turn.prompt.question is not None
    assert turn.prompt.question.id == "setting"


def test_a_few_words_that_name_no_choice_are_asked_again() -> None:
    interview = begun()
    turn = answers("the rains and the road", interview)
    assert (turn.interview, turn.notes) == (interview, (Note.CHOOSE,))


def test_a_story_too_long_to_keep_skips_nothing() -> None:
    interview = begun()
    turn = answers("word " * 6_000, interview)
    assert (turn.interview, turn.notes) == (interview, (Note.TOO_LONG,))


def test_a_story_on_the_card_of_a_choice_is_no_answer_to_another_question() -> None:
    interview = begun()
    turn = answers(STORY, interview, question="side")
    assert (turn.interview, turn.notes) == (interview, (Note.CHOOSE,))


def test_a_story_told_at_a_choice_gone_back_to_is_kept_and_the_choice_stands() -> None:
    chosen = answers("2", begun()).interview
    back = step(chosen, REVIEW, Said(verb=Verb.BACK), NOW).interview
    turn = answers(STORY, back)
    side_, story = turn.interview.answers
    assert (side_.choice, story.text, turn.notes) == ("operational", STORY, (Note.KEPT_AS,))


def test_a_story_is_kept_though_another_choice_or_a_break_comes_next() -> None:
    twice = replace(side(), id="again")
    bank = replace(REVIEW, questions=(side(), twice, *REVIEW.questions[1:]))
    turn = answers(STORY, begun(bank), bank)
    assert (turn.prompt.question, turn.notes) == (twice, (Note.KEPT_AS,))
    bank = replace(REVIEW, sitting=1)
    turn = answers(STORY, begun(bank), bank)
    assert (turn.prompt.kind, turn.notes) == (PromptKind.PAUSED, (Note.KEPT_AS, Note.BREAK))
    assert turn.interview.answers[-1].text == STORY


def test_a_story_that_no_question_in_words_waits_for_is_not_said_to_be_kept() -> None:
    bank = replace(REVIEW, questions=(side(),))
    assert answers(STORY, begun(bank), bank).notes == (Note.CHOOSE,)


def test_a_repeated_story_is_kept_once() -> None:
    once = step(begun(), REVIEW, Said(verb=Verb.ANSWER, text=STORY, activity_id="a"), NOW).interview
    again = step(once, REVIEW, Said(verb=Verb.ANSWER, text=STORY, activity_id="a"), NOW)
    assert (again.interview, again.notes) == (once, (Note.ALREADY,))
    assert current(once, REVIEW) == REVIEW.question("setting")
