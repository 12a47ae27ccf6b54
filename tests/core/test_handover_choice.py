"""Which questions suit a post and a kind of departure, by words that an organisation may change."""

import pytest

from km365.core.handover_choice import NotAsked, Why, choose, named, section_of
from km365.documents.handover_choice import choice_rules
from km365.documents.questions import Banks
from km365.errors import TemplateError
from km365.templates import Templates

BANK = Banks(Templates()).get("handover", "en")
RULES = choice_rules(Templates(), BANK)
TITLES = {
    "support": (
        "Driver",
        "Senior Programme Assistant",
        "Chauffeuse",
        "Водитель",
        "财务助理",
        "سائق",
        "Motorista",
    ),
    "consultancy": ("Consultant, nutrition", "Consultora de agua", "استشاري", "实习生"),
    "partnership": ("Partnerships Specialist", "Oficial de alianzas", "Специалист по партнерствам"),
    "operations": ("Operations Manager", "ICT Officer", "财务官员", "مدير العمليات", "Начальник снабжения"),
    "field": ("Field Coordinator", "Chief of Field Office", "Chef de terrain"),
    "front office": ("Deputy Representative", "Assistant Representative", "Secretary General", "Directrice"),
    "programme": ("Chief of Education", "WASH Specialist", "Chef de l'éducation", "مسؤول التعليم"),
    "": ("Chief", "Italian teacher", ""),
}


@pytest.mark.parametrize(("section", "title"), [(name, one) for name, some in TITLES.items() for one in some])
def test_a_post_is_known_by_a_word_of_its_title_in_seven_languages(section: str, title: str) -> None:
    found = section_of(RULES, title)
    assert (found.name if found else "") == section


def test_operations_are_asked_nothing_of_partnerships_and_communities_and_a_consultancy_the_short_list() -> (
    None
):
    found = choose(RULES, post="Operations Manager", kind="")
    assert {"partners", "costly_partnership", "grow_or_close", "changed_mind"} <= found.left_out.keys()
    assert found.left_out["partners"] == NotAsked(Why.POST, "operations") and found.short is None
    assert choose(RULES, post="Consultant", kind="").short == NotAsked(Why.POST, "consultancy")
    everything = choose(RULES, post="Chief", kind="")
    assert not everything.left_out and not everything.first and everything.short is None


def test_a_kind_of_departure_brings_questions_forward_asks_them_at_any_rate_or_leaves_them_out() -> None:
    assert choose(RULES, post="", kind="retirement").first[:2] == ("turning_points", "odd_decision")
    assert choose(RULES, post="", kind="rotation").always == ("first_days", "ask_later")
    assert choose(RULES, post="", kind="resignation").left_out.keys() == {"begin_again"}


def test_no_question_of_any_kind_asks_why_somebody_leaves() -> None:
    words = " ".join(f"{one.ask} {one.hint} {one.probe}" for one in BANK.questions).casefold()
    assert "why do you leave" not in words and "why are you leaving" not in words and "resign" not in words


LEFT = {
    "trust": "Where is trust strong, and what built it? Handle with care",
    "partners": "For each main partner: what does each side really bring? Partnerships",
    "surprised": "What surprised you about this country, sector or office? About this place",
}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("2", "partners"),
        ("my partners", "partners"),
        ("trust", "trust"),
        ("what surprised me", "surprised"),
        ("9", ""),
        ("0", ""),
        ("football", ""),
        ("", ""),
    ],
)
def test_a_left_out_question_is_asked_for_by_number_or_by_a_word_of_it(said: str, found: str) -> None:
    assert named(said, LEFT) == found


def test_in_chinese_two_characters_are_enough() -> None:
    assert named("伙伴", {"a": "每个主要伙伴带来什么？", "b": "什么让您惊讶？"}) == "a"


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('always = ["first_days", "ask_later"]', 'always = ["last_days"]', "'always' names 'last_days'"),
        ("[kind.retirement]", "[kind.holiday]", "'holiday' is not known here"),
        (
            'leave_out = ["begin_again"]',
            'leave_out = ["begin_again"]\nfirst = ["begin_again"]',
            "both left out",
        ),
        ('"driver*"', '"*"', "a * alone would be every post"),
    ],
)
def test_a_mistake_in_an_offices_own_choice_is_told_with_its_place(
    tmp_path, before: str, after: str, problem: str
) -> None:
    text = Templates().text("handover_choice.toml")
    assert before in text
    (tmp_path / "handover_choice.toml").write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(TemplateError) as error:
        choice_rules(Templates(tmp_path), BANK)
    assert "handover_choice.toml, line" in str(error.value) and problem in str(error.value)
