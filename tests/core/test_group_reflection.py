"""What a group is shown of its answers: every answer counted once, nobody known by their words."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.group_reflection import (
    LIMIT,
    Asked,
    Given,
    Summary,
    View,
    closing,
    days_left,
    summarise,
)
from km365.core.schedule import Hours

WORDS = st.sampled_from(
    [
        "drivers",
        "driver",
        "fuel",
        "road",
        "Maria",
        "the",
        "chauffeurs",
        "السائقون",
        "道路",
        "道路早",
        "budget",
        "Li",
    ]
)
ANSWERS = st.lists(
    st.builds(Given, text=st.lists(WORDS, min_size=1, max_size=6).map(" ".join), quotable=st.booleans()),
    max_size=12,
)
NAMES = ("Maria Paperboat", "Li")


def one(*texts: str, said: str = "", names: tuple[str, ...] = (), quotable: bool = True) -> Summary:
    """The summary of one question that these people answered."""
    answers = tuple(Given(text=text, quotable=quotable) for text in texts)
    asked = Asked(target="group.worked", answers=answers, said=(said,))
    return summarise([asked], asked=10, answered=len(texts), names=names)


@given(answers=ANSWERS, others=ANSWERS)
def test_every_answer_is_counted_once_and_no_group_below_the_limit_is_shown(
    answers: list[Given], others: list[Given]
) -> None:
    questions = [Asked(target="a", answers=tuple(answers)), Asked(target="b", answers=tuple(others))]
    answered = max(len(answers), len(others))
    summary = summarise(questions, asked=20, answered=answered, names=NAMES)
    if answered < LIMIT:
        assert (summary.findings, summary.answered, summary.too_few) == ((), 0, True)
        return
    for finding, given_ in zip(summary.findings, (answers, others), strict=True):
        if len(given_) < LIMIT:
            assert (finding.view, finding.answers, finding.themes, finding.others) == (View.FEW, 0, (), 0)
            continue
        assert sum(theme.count for theme in finding.themes) + finding.others == len(given_)
        allowed = {one.text for one in given_ if one.quotable}
        for theme in finding.themes:
            assert theme.count >= LIMIT and theme.words
            assert set(theme.quotes) <= allowed
            shown = " ".join([*theme.words, *theme.quotes])
            assert "Maria" not in shown and "maria" not in shown and "Li" not in shown.split()
            for word in theme.words:
                users = sum(word[:5] in answer.text.lower() for answer in given_)
                assert users >= LIMIT, "a word is shown that fewer used"


@given(answers=ANSWERS, order=st.randoms(use_true_random=False))
def test_the_order_of_answers_decides_nothing(answers: list[Given], order) -> None:
    def summary(of: list[Given]) -> Summary:
        asked = Asked(target="a", answers=tuple(of))
        return summarise([asked], asked=20, answered=len(of), names=NAMES)

    mixed = list(answers)
    order.shuffle(mixed)
    assert summary(mixed) == summary(answers)


@given(answers=ANSWERS)
def test_a_summary_travels_as_json(answers: list[Given]) -> None:
    asked = Asked(target="a", answers=tuple(answers))
    summary = summarise([asked], asked=20, answered=len(answers), names=())
    assert Summary.from_json(summary.to_json()) == summary


def test_what_most_say_is_agreement_and_what_some_say_is_not() -> None:
    alike = one("drivers", "our drivers", "the driver", "money")
    assert (alike.findings[0].view, alike.findings[0].others) == (View.ALIKE, 1)
    divided = one("driver a", "driver b", "driver c", "fuel", "fuel", "fuel")
    (finding,) = divided.findings
    assert (finding.view, [theme.words for theme in finding.themes]) == (
        View.DIVIDED,
        [("driver",), ("fuel",)],
    )
    assert one("rain", "money", "fuel").findings[0].view is View.APART


@pytest.mark.parametrize(
    ("texts", "word"),
    [
        (("Les routes coupées", "la route", "une route sèche"), "route"),
        (("السائقون عرفوا", "سائقون", "السائقون أولا"), "السائقون"),
        (("دالطريق", "الطريق مفتوح", "طريق طويل", "الطريق"), "الطريق"),
        (("提前订燃料", "燃料要早订", "燃料不够"), "燃料"),
        (("Водители знали", "наши водители", "спросить водителей"), "водители"),
    ],
)
def test_words_meet_in_every_language(texts: tuple[str, ...], word: str) -> None:
    (theme, *_) = one(*texts).findings[0].themes
    assert word in theme.words


def test_the_words_of_the_question_are_no_theme() -> None:
    said = "What worked, and what made it work?"
    assert one("it worked", "what worked well", "worked", said=said).findings[0].themes == ()


def test_nobody_is_named_or_quoted_by_name() -> None:
    texts = ("Maria asked the drivers", "Maria and the drivers", "maria knew drivers")
    (theme,) = one(*texts, names=("Maria Paperboat",)).findings[0].themes
    assert (theme.words, theme.quotes) == (("drivers",), ())


def test_only_who_agreed_is_quoted_and_briefly() -> None:
    long = "drivers " + "and so on " * 60
    (theme,) = one(long, "drivers", "the drivers").findings[0].themes
    assert len(theme.quotes) == 2 and all(len(quote) <= 302 for quote in theme.quotes)
    (theme,) = one("drivers", "drivers x", "drivers y", quotable=False).findings[0].themes
    assert theme.quotes == ()


def test_choices_are_counted_whoever_is_alone_with_one() -> None:
    answers = tuple(Given(text="", choice=choice) for choice in ("well", "well", "badly"))
    asked = Asked(target="a", answers=answers, choices=("well", "partly", "badly"))
    (finding,) = summarise([asked], asked=3, answered=3, names=()).findings
    assert [(theme.choice, theme.count) for theme in finding.themes] == [("well", 2), ("badly", 1)]
    assert (finding.view, finding.others) == (View.ALIKE, 0)


def test_it_closes_at_the_end_of_the_second_working_day() -> None:
    hours = Hours(zone=UTC)
    friday = datetime(2026, 3, 6, 15, tzinfo=UTC)
    assert closing(friday, hours) == datetime(2026, 3, 10, 17, tzinfo=UTC)
    assert closing(friday + timedelta(days=1), hours, days=1) == datetime(2026, 3, 9, 17, tzinfo=UTC)


@given(days=st.integers(1, 20), day=st.integers(0, 13), weekend=st.sampled_from([{5, 6}, {4, 5}, {4}]))
def test_the_days_left_are_those_it_was_given(days: int, day: int, weekend: set[int]) -> None:
    hours = Hours(zone=UTC, weekend=frozenset(weekend))
    now = datetime(2026, 3, 2, 10, tzinfo=UTC) + timedelta(days=day)
    assert days_left(now, closing(now, hours, days=days), hours) == days


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("الصهاريج لم تكن جاهزة", ("الصهاريج", "لم تكن جاهزة")),
        ("The tankers weren't ready", ("not ready", "tankers")),
        ("Les citernes n'étaient pas prêtes", ("citernes", "n'étaient pas prêtes")),
        ("Les pompes ne marchaient pas", ("ne marchaient pas", "pompes")),
        ("Las cisternas no estaban listas", ("cisternas", "no estaban listas")),
        ("As cisternas não estavam prontas", ("cisternas", "não estavam prontas")),
        ("Цистерны не были готовы", ("не были готовы", "цистерны")),
        ("油罐，没有准备", ("没有准备", "油罐")),
    ],
)
def test_a_negation_stays_with_the_word_it_denies(text: str, words: tuple[str, ...]) -> None:
    (theme,) = one(text, text, text).findings[0].themes
    assert sorted(theme.words) == sorted(words)


def test_what_some_deny_is_not_counted_with_what_others_say() -> None:
    (finding,) = one(
        "ready", "all ready", "we were ready", "not ready", "never ready", "isn’t ready"
    ).findings
    assert sorted((theme.words[0].split()[-1], theme.count) for theme in finding.themes) == [("ready", 3)] * 2
    assert len({theme.words for theme in finding.themes}) == 2
    said = "What worked?"
    assert one("did not work", "not work", "never work", said=said).findings[0].themes[0].count == LIMIT


def test_what_only_sounds_like_a_negation_denies_nothing() -> None:
    (theme,) = one("未来燃料", "未来燃料", "未来燃料").findings[0].themes
    assert "未来" in theme.words
