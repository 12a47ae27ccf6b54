"""A text told freely is sorted by its own words: no sentence is lost, doubled or changed."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from km365.core.audience import Audience
from km365.core.interviews import Interview, InterviewState, PromptKind, asked
from km365.core.languages import LANGUAGES
from km365.core.said import Said, Verb
from km365.core.sorting import given as told
from km365.core.sorting import links, sentences, sort, without_links
from km365.core.turns import step
from km365.documents.questions import Banks
from km365.templates import Templates

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BANKS = Banks(Templates())
LESSON = {tag: BANKS.get("lesson", tag) for tag in LANGUAGES}
CUES = [
    cue.removeprefix("… ") for bank in LESSON.values() for question in bank.questions for cue in question.cues
]
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(CUES),
        st.sampled_from(
            [".", "! ", "؟ ", "。", "\n", "\n\n", " ", "… ", "e.g. ", "- ", "https://x.example/a "]
        ),
        st.text(max_size=12),
    ),
    max_size=30,
).map("".join)


@given(TEXTS)
def test_sentences_and_what_stands_between_them_are_the_text(text: str) -> None:
    assert "".join(one.before + one.text for one in sentences(text)) == text.rstrip()


@given(TEXTS, st.sampled_from(LANGUAGES))
@settings(max_examples=200)
def test_every_sentence_lands_once_unchanged_and_in_order(text: str, language: str) -> None:
    found = sort(text, LESSON[language])
    said = [one.text for one in sentences(text)]
    left = dict(found)
    for sentence in said:
        places = [place for place, rest in left.items() if rest.lstrip().startswith(sentence)]
        assert places, f"{sentence!r} is lost or out of order"
        # of two that begin alike either may be taken first
        left[places[0]] = left[places[0]].lstrip()[len(sentence) :]
        if len(places) > 1:
            return
    assert not "".join(left.values()).strip()


@given(TEXTS, st.sampled_from(LANGUAGES))
def test_no_letter_is_lost_or_added(text: str, language: str) -> None:
    def letters(one: str) -> list[str]:
        return sorted(re.sub(r"\s", "", one))

    assert letters("".join(sort(text, LESSON[language]).values())) == letters(text)


TOLD = {
    "en": (
        "We reached nine schools of forty. Because the road closes in February, the lorries stood there. "
        "My advice: ask the drivers before you order. This only works where drivers know the road."
    ),
    "fr": (
        "Nous avons atteint neuf écoles sur quarante. La raison est simple : la route ferme en février. "
        "Il faut demander aux chauffeurs avant de commander. Cela ne vaut que là où ils connaissent la route."
    ),
    "es": (
        "Llegamos a nueve escuelas de cuarenta. La razón es que el camino se cierra en febrero. "
        "Recomendamos preguntar a los conductores. Esto no funciona donde nadie conoce el camino."
    ),
    "ar": (
        "وصلنا إلى تسع مدارس من أربعين. والسبب أن الطريق يغلق في فبراير. "
        "ننصح بسؤال السائقين قبل الطلب. لا يصلح ذلك حيث لا يعرف أحد الطريق."
    ),
    "ru": (
        "Мы дошли до девяти школ из сорока. Причина в том, что дорога закрывается в феврале. "
        "Советуем сначала спросить водителей. Это не сработает там, где дорогу никто не знает."
    ),
    "zh": "我们只到了九所学校。原因是二月道路关闭。建议先问司机。不适用于没人认识路的地方。",
    "pt": (
        "Chegámos a nove escolas de quarenta. A razão é que a estrada fecha em fevereiro. "
        "Recomendamos perguntar aos condutores. Isto não funciona onde ninguém conhece a estrada."
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_story_with_its_cause_advice_and_limits_is_sorted(language: str) -> None:
    said = [one.text for one in sentences(TOLD[language])]
    found = sort(TOLD[language], LESSON[language])
    assert list(found) == ["story", "cause", "advice", "limits"]
    assert list(found.values()) == said


def test_what_is_not_clear_is_what_happened() -> None:
    text = "The nurses chose the day. Mothers came because they knew them. Lessons were printed in May."
    assert sort(text, LESSON["en"]) == {"story": text}


def test_a_heading_holds_what_stands_under_it() -> None:
    text = "The tents leaked.\n\nAdvice:\nTest one first.\nBecause of rain, test it wet.\n\nWe bought others."
    assert sort(text, LESSON["en"]) == {
        "story": "The tents leaked.\n\nWe bought others.",
        "advice": "Advice:\nTest one first.\nBecause of rain, test it wet.",
    }
    assert sort("Advice: test it. Test it wet.\nThe tents leaked.", LESSON["en"]) == {
        "advice": "Advice: test it. Test it wet.",
        "story": "The tents leaked.",
    }


def test_a_first_line_above_an_empty_one_is_the_title() -> None:
    found = sort("Test tents wet\n\nThe tents leaked.", LESSON["en"])
    assert found == {"headline": "Test tents wet", "story": "The tents leaked."}


def test_a_link_alone_is_evidence_and_one_among_words_stays_there() -> None:
    text = "The tents leaked.\nhttps://x.example/a.docx\nThe photos https://x.example/b show it."
    assert sort(text, LESSON["en"]) == {
        "story": "The tents leaked.\nThe photos https://x.example/b show it.",
        "evidence": "https://x.example/a.docx",
    }


def test_links_end_before_the_punctuation_around_them() -> None:
    text = "(see https://x.example/a%20b?web=1), <https://x.example/c>. 见https://x.example/d。"
    assert links(text) == ["https://x.example/a%20b?web=1", "https://x.example/c", "https://x.example/d"]
    assert "https" not in without_links(text)


def invited() -> Interview:
    return Interview(
        id="i1",
        key="k",
        bank="lesson",
        person_id="ann",
        language="en",
        state=InterviewState.INVITED,
        created_at=NOW,
        changed_at=NOW,
    )


def test_an_interview_that_begins_with_answers_asks_only_for_what_is_missing() -> None:
    bank = LESSON["en"]
    begun = told(invited(), bank, sort(TOLD["en"], bank), at=NOW)
    turn = step(begun, bank, Said(verb=Verb.START), NOW)
    questions = []
    while turn.prompt.kind is PromptKind.QUESTION:
        assert turn.prompt.question is not None
        questions.append(turn.prompt.question.id)
        said = "lesson" if turn.prompt.question.choices else "Nine waybills and one visit."
        turn = step(turn.interview, bank, Said(verb=Verb.ANSWER, text=said), NOW)
    assert questions == ["kind", "setting", "evidence"]
    assert turn.prompt.kind is PromptKind.DRAFT
    advice = turn.interview.answer("advice")
    assert advice and advice.audience is Audience.EVERYONE


def test_at_most_six_questions_follow_a_story_and_none_a_full_text() -> None:
    bank = LESSON["en"]
    begun = told(invited(), bank, {"story": TOLD["en"]}, at=NOW)
    missing = [q for q in asked(begun, bank) if begun.answer(q.id) is None]
    assert len(missing) == 6
    everything = dict.fromkeys((q.id for q in bank.questions), TOLD["en"])
    turn = step(told(invited(), bank, everything, at=NOW), bank, Said(verb=Verb.START), NOW)
    assert turn.prompt.kind is PromptKind.DRAFT


@pytest.mark.parametrize("part", ["!", ".", "…", ".'", "\n", " ", "\n ", '."', "'", "http", "」"])
def test_a_row_of_the_same_signs_is_sorted_in_no_time(part: str) -> None:
    """Tried from each of them anew, a row this long would take hours."""
    text = f"The pump stopped{part * (300_000 // len(part))}x"
    assert "".join(one.before + one.text for one in sentences(text)) == text
    assert sum(map(len, sort(text, LESSON["en"]).values())) >= len(text) - text.count("\n") - text.count(" ")
