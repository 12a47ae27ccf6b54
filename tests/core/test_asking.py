"""Whom a milestone asks."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.asking import (
    Audience,
    Colleague,
    NotAsked,
    RuleWords,
    Staff,
    Trait,
    choose,
    left_out,
    read_rule,
    speaks_of,
)
from km365.documents.asking import rule_words
from km365.templates import Templates

WORDS = RuleWords(
    traits={Trait.OFFICE: ["office", "bureau"], Trait.SECTION: ["section"], Trait.ROLE: ["role"]},
    out=["not", "sauf"],
    at_most=["at most", "au plus"],
)
ANN = Colleague(
    id="ann", names=frozenset({"Ann@x.example"}), office="CO-ARD", section="WASH", role="Programme Officer"
)
BEN = Colleague(id="ben", office="CO-ARD", section="Supply", role="Driver")
EVA = Colleague(id="eva", office="CO-ARD", section="WASH", role="Chargée de programme")
ZOE = Colleague(id="zoe", names=frozenset({"zoe@x.example"}), office="RO-W", section="WASH", role="Adviser")
PEOPLE = [ANN, BEN, EVA, ZOE]


def rule(text: str) -> Audience:
    return read_rule(text, words=WORDS, office="CO-ARD")


def asked(text: str) -> set[str]:
    return {one.id for one in choose(rule(text), Staff(PEOPLE), seed="m1").asked}


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("", {"ann", "ben", "eva"}),
        ("office: co-ard", {"ann", "ben", "eva"}),
        ("bureau : RO-W", {"zoe"}),
        ("section: wash", {"ann", "eva", "zoe"}),
        ("section: wash\noffice: CO-ARD", {"ann", "eva"}),
        ("section: wash\nsection: supply\noffice: CO-ARD", {"ann", "ben", "eva"}),
        ("role: *officer*", {"ann"}),
        ("role: charge* de programme", {"eva"}),
        ("zoe@x.example", {"zoe"}),
        ("ZOE@X.example; ann@x.example", {"zoe", "ann"}),
        ("office: CO-ARD\nzoe@x.example", {"ann", "ben", "eva", "zoe"}),
        ("not role: driver", {"ann", "eva"}),
        ("sauf role: driver", {"ann", "eva"}),
        ("section：wash", {"ann", "eva", "zoe"}),
        ("notary@x.example", set()),
        ("office: CO-ARD\nnot ann@x.example", {"ben", "eva"}),
        ("nobody@x.example", set()),
        ("colour: blue", set()),
    ],
)
def test_a_rule_names_people_by_what_they_are_and_by_name(text: str, who: set[str]) -> None:
    assert asked(text) == who


def test_a_line_that_speaks_of_nobody_is_named_by_its_number() -> None:
    choice = choose(rule("office: CO-ARD\nsektion: WASH\nnobody@x.example"), Staff(PEOPLE), seed="m")
    assert choice.unknown == (2, 3)


def crowd(count: int) -> list[Colleague]:
    sections = ["WASH"] * 6 + ["Health"] * 3 + ["Supply"]
    return [Colleague(id=f"p{n}", office="CO-ARD", section=sections[n % 10]) for n in range(count)]


def test_of_a_large_audience_each_section_has_its_share() -> None:
    choice = choose(replace(rule(""), at_most=40), Staff(crowd(400)), seed="m1")
    assert Counter(one.section for one in choice.asked) == {"WASH": 24, "Health": 12, "Supply": 4}
    assert choose(replace(rule(""), at_most=40), Staff(crowd(400)), seed="m1") == choice
    assert choose(replace(rule(""), at_most=40), Staff(crowd(400)), seed="m2") != choice


def test_who_is_named_is_always_drawn() -> None:
    boss = Colleague(id="boss", names=frozenset({"boss@x.example"}), office="CO-ARD", section="Front office")
    choice = choose(rule("office: CO-ARD\nboss@x.example\nat most: 3"), Staff([*crowd(50), boss]), seed="m")
    assert len(choice.asked) == 3
    assert boss in choice.asked


lines = st.sampled_from(
    [
        "office: CO-ARD",
        "section: WASH",
        "role: *",
        "not section: Health",
        "p3",
        "at most: 5",
        "x: y",
        "",
        "not",
    ]
)


@given(st.lists(lines, max_size=6), st.integers(0, 60))
def test_whom_a_rule_asks_it_speaks_of_and_nobody_twice(text: list[str], count: int) -> None:
    people, audience = crowd(count), rule("\n".join(text))
    asked = choose(audience, Staff(people), seed="s").asked
    everybody = replace(audience, at_most=None)
    assert len({one.id for one in asked}) == len(asked)
    assert all(speaks_of(everybody, one) for one in asked)
    if audience.at_most is None:
        assert set(asked) == {one for one in people if speaks_of(audience, one)}
    else:
        assert len(asked) <= max(audience.at_most, 1)


def test_a_rule_can_be_written_in_every_language() -> None:
    words = rule_words(Templates())
    for text in (
        "Section: WASH\nnot role: Driver",
        "sección : wash\nexcepto puesto: driver",
        "القسم: WASH\nما عدا الوظيفة: driver",
        "секция: WASH\nкроме должность: driver",
        "部门：WASH\n除 岗位：driver",
        "secção: WASH\nexceto função: driver",
        "unité : WASH\nsauf fonction : driver",
    ):
        rule = read_rule(text, words=words, office="CO-ARD")
        assert [(line.trait, line.out) for line in rule.lines] == [(Trait.SECTION, False), (Trait.ROLE, True)]
        assert {one.id for one in choose(rule, Staff(PEOPLE), seed="m").asked} == {"ann", "eva", "zoe"}


def test_of_an_audience_that_is_drawn_from_nobody_is_told_beforehand() -> None:
    assert speaks_of(rule("section: wash"), ANN)
    assert not speaks_of(rule("section: wash\nnot ann@x.example"), ANN)
    assert not speaks_of(rule("section: wash\nat most: 1"), ANN)


@given(st.text(max_size=200))
def test_any_text_is_a_rule(text: str) -> None:
    choose(rule(text), Staff(PEOPLE), seed="s")


@given(st.integers(1, 60), st.integers(0, 60), st.integers(1, 20))
def test_who_was_drawn_stays_drawn_when_others_join(before: int, joined: int, at_most: int) -> None:
    limited = replace(rule(""), at_most=at_most)
    first = {one.id for one in choose(limited, Staff(crowd(before)), seed="m").asked}
    second = {one.id for one in choose(limited, Staff(crowd(before + joined)), seed="m", already=first).asked}
    assert first <= second
    assert len(second) == min(before + joined, at_most)


def test_why_the_others_are_not_asked_is_said_of_those_whom_the_rule_would_mean() -> None:
    found = rule("section: wash\nnot role: programme officer\noffice: CO-*\nat most: 1")
    choice = choose(found, Staff(PEOPLE), seed="m")
    others = {
        one.id: (why, line) for one, why, line in left_out(found, choice, Staff(PEOPLE), office="co-ard")
    }
    assert [one.id for one in choice.asked] == ["eva"]
    assert others == {"ann": (NotAsked.TAKEN_OUT, 2), "ben": (NotAsked.NOT_MEANT, 0)}
