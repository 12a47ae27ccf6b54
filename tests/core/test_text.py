"""Words as the matcher sees them, in seven languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.text import Stems, clean, fold, key, language_of, phrases, spans, stem, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("evaluation", "Évaluations"),
        ("cash transfer", "Cash transfers"),
        ("quality of education", "the quality education"),
        ("policy", "policies"),
        ("avaliação", "avaliações"),
        ("qualité de l'éducation", "QUALITÉ DE L’ÉDUCATION"),
        ("التغذية", "تغذية"),
        ("الأطفال ذوو الإعاقة", "أطفال ذوو إعاقة"),
        ("вакцинация", "вакцинации"),
        ("социальный работник", "Социальные работники"),
        ("ведение случаев", "ведения случаев"),
        ("免疫接种", "免疫 接种"),
    ],
)
def test_forms_of_one_term_meet(one: str, other: str):
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("policy", "police"), ("health", "heath"), ("AIDS", "WASH"), ("营养", "养营")]
)
def test_different_terms_stay_apart(one: str, other: str):
    assert key(one) != key(other)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The lessons of the review were shared with the district.", "en"),
        ("Les leçons de la revue ont été partagées avec le district.", "fr"),
        ("Las lecciones de la revisión se compartieron con el distrito.", "es"),
        ("As lições da revisão foram partilhadas com o distrito e não só.", "pt"),
        ("تمت مشاركة الدروس المستفادة مع المقاطعة", "ar"),
        ("Уроки обзора были переданы району", "ru"),
        ("审查的经验教训已与该区分享", "zh"),
        ("2024 — 17 %", None),
        ("WASH", None),
    ],
)
def test_the_language_of_a_text_is_told_by_script_and_common_words(text: str, language: str | None):
    assert language_of(text) == language


def test_a_label_that_would_lose_its_meaning_gives_no_phrase():
    stems = Stems()
    assert phrases("e-learning", "en", stems) == []
    assert phrases("e aprendizagem", "pt", stems) == [("aprendizagem",)]
    assert phrases("A", "en", stems) == []
    assert phrases("水", "zh", stems) == []


def test_united_nations_are_not_a_french_article():
    assert key("UN agency") == ("un", "agenci")
    assert key("dans un district") == ("district",)


def test_a_label_with_commas_is_looked_for_with_and_without_them():
    assert phrases("Water, sanitation (hygiene)", "en", Stems()) == [
        ("water", "sanitation", "hygien"),
        ("water", ".", "sanitation", ".", "hygien"),
    ]


def test_presentation_forms_and_soft_hyphens_are_undone():
    assert clean("ﬁnance pub\u00adlique ﻻ") == "finance publique لا"


@given(st.text())
def test_words_stand_where_their_spans_say(text: str):
    assert [text[start:end] for start, end in spans(text)] == words(text)


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_ascii_has_the_same_words_alone_as_beside_other_letters(text: str):
    assert [*words(text), "é"] == words(f"{text} é")


@given(st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N")), min_size=1))
def test_folding_and_stemming_leave_something_and_case_makes_no_difference(word: str):
    assert stem(fold(word)) or not fold(word)
    assert fold(fold(word)) == fold(word)


@given(st.text(max_size=80))
def test_a_label_reads_the_same_however_it_is_spaced(text: str):
    assert key(text) == key(f"  {text}\n")
