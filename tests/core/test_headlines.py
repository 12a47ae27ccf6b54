"""Headlines are what people wrote: counted where three say it, denied where others deny it, nobody named."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.audience import Audience
from km365.core.headlines import LIMIT, MOST, Found, Statement, Why, find, groups, standing

CHOSE_THE_DAY = (
    "Mobile teams reached more children once health workers chose the day.",
    "Once the health workers chose the day, the mobile teams reached more children.",
    "Let health workers choose the day: mobile teams then reached far more children.",
)
ELSE = (
    "The fridges failed in the rains because nobody had asked the drivers.",
    "Partners signed late since the agreement needed four signatures in the capital.",
)
ALIKE = {
    "en": CHOSE_THE_DAY,
    "fr": (
        "Les équipes mobiles ont vacciné plus d'enfants quand les agents de santé choisissaient le jour.",
        "Quand les agents de santé choisissaient le jour, les équipes mobiles ont vacciné plus d'enfants.",
        "Nos équipes mobiles ont vacciné plus d'enfants dès que les agents de santé choisissaient le jour.",
    ),
    "es": (
        "Los equipos móviles vacunaron a más niños cuando el personal de salud eligió el día.",
        "Cuando el personal de salud eligió el día, los equipos móviles vacunaron a más niños.",
        "Nuestros equipos móviles vacunaron a más niños porque el personal de salud eligió el día.",
    ),
    "pt": (
        "As equipas móveis vacinaram mais crianças quando o pessoal de saúde escolheu o dia.",
        "Quando o pessoal de saúde escolheu o dia, as equipas móveis vacinaram mais crianças.",
        "As nossas equipas móveis vacinaram mais crianças porque o pessoal de saúde escolheu o dia.",
    ),
    "ru": (
        "Мобильные бригады привили больше детей, когда день выбирали медицинские работники.",
        "Когда день выбирали медицинские работники, мобильные бригады привили больше детей.",
        "Наши мобильные бригады привили больше детей, потому что день выбирали медицинские работники.",
    ),
    "ar": (
        "وصلت الفرق المتنقلة إلى أطفال أكثر عندما اختار العاملون الصحيون يوم التطعيم.",
        "عندما اختار العاملون الصحيون يوم التطعيم وصلت الفرق المتنقلة إلى أطفال أكثر.",
        "وصلت الفرق المتنقلة إلى أطفال كثيرين لأن العاملين الصحيون اختار يوم التطعيم.",
    ),
    "zh": (
        "由卫生工作者选择接种日期后，流动小组覆盖了更多儿童。",
        "流动小组覆盖了更多儿童，因为由卫生工作者选择接种日期。",
        "卫生工作者选择接种日期，流动小组就覆盖了更多儿童。",
    ),
}


def said(who: str, title: str, **changes: Any) -> Statement:
    whole = {
        "source": f"KM-{who}",
        "people": frozenset({who}),
        "field": "title",
        "text": title,
        "audience": Audience.OFFICE,
        "language": "en",
    }
    return Statement(**{**whole, **changes})


def several(texts: tuple[str, ...], **changes: Any) -> list[Statement]:
    return [said(chr(ord("a") + at), text, **changes) for at, text in enumerate(texts)]


def whole(found: Found) -> list[str]:
    return [quote.text for one in found.headlines for quote in (one.says, *one.quotes, *one.others)]


@pytest.mark.parametrize("language", ALIKE)
def test_three_who_say_much_the_same_are_one_headline_with_their_number(language: str) -> None:
    found = find(several(ALIKE[language], language=language))
    (one,) = found.headlines
    assert one.people == 3 and set(one.sources) == {"KM-a", "KM-b", "KM-c"}
    assert {one.says.text, *(quote.text for quote in one.quotes)} == set(ALIKE[language])
    assert Why.MANY in one.why


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        (CHOSE_THE_DAY[0], "Mobile teams did not reach more children once health workers chose the day."),
        (ALIKE["fr"][0], ALIKE["fr"][0].replace("ont vacciné", "n'ont pas vacciné")),
        (ALIKE["ru"][0], ALIKE["ru"][0].replace("привили", "не привили")),
        (ALIKE["ar"][0], ALIKE["ar"][0].replace("وصلت", "لم تصل")),
        (ALIKE["zh"][0], ALIKE["zh"][0].replace("覆盖", "没有覆盖")),
    ],
)
def test_who_denies_it_is_not_counted_with_those_who_say_it_and_is_shown(yes: str, no: str) -> None:
    said_so = several((yes, yes, yes, no))
    first = find(said_so).headlines[0]
    assert (first.people, first.says.text) == (3, yes)
    assert [quote.text for quote in first.others] == [no]
    assert first.against is None and Why.DISPUTED in first.why
    assert len(find(said_so).headlines) == 1  # it stands beside the other and not once more


def test_a_success_of_some_is_not_counted_with_the_failure_of_others() -> None:
    found = find(
        [
            *several(CHOSE_THE_DAY, polarity="positive"),
            said("z", CHOSE_THE_DAY[0].replace("more", "few"), polarity="negative"),
        ]
    )
    assert found.headlines[0].people == 3 and len(found.headlines[0].others) == 1


def test_where_fewer_than_three_sent_something_nothing_is_shown() -> None:
    assert find(several(CHOSE_THE_DAY[:2])) == Found(people=0)
    assert find([said("a", text, source=f"KM-{at}") for at, text in enumerate(CHOSE_THE_DAY)]).people == 0


def test_what_fewer_than_three_say_tells_neither_how_many_nor_whose_it_is() -> None:
    pair = find(several((*CHOSE_THE_DAY[:2], *ELSE)))
    alone = find(
        several((CHOSE_THE_DAY[0], *ELSE, "Cash arrived before the market opened in every village."))
    )
    for one in (*pair.headlines, *alone.headlines):
        assert (one.people, one.sources, one.quotes) == (None, (), ())


def test_only_what_everyone_or_the_office_may_read_is_looked_at() -> None:
    for hidden in (Audience.SUCCESSOR, Audience.NAMED, Audience.UNRECORDED):
        texts = [*several(CHOSE_THE_DAY, audience=Audience.EVERYONE), said("x", ELSE[0], audience=hidden)]
        found = find(texts)
        assert ELSE[0] not in whole(found) and found.people == 3
        assert {one.audience for one in found.headlines} == {Audience.EVERYONE}
    mixed = find([*several(CHOSE_THE_DAY[:2], audience=Audience.EVERYONE), said("x", CHOSE_THE_DAY[2])])
    assert mixed.headlines[0].audience is Audience.OFFICE


def test_every_sentence_is_quoted_as_it_was_sent_and_goes_when_it_is_taken_back() -> None:
    story = f"It was the dry season. {ELSE[0]} We had {{7}} trucks."
    texts = [*several((*CHOSE_THE_DAY, *ELSE)), said("a", story, field="description")]
    found = find(texts)
    joined = "\n".join(one.text for one in texts)
    assert whole(found) and all(text in joined for text in whole(found))
    places = [quote.place for one in found.headlines for quote in (one.says, *one.quotes, *one.others)]
    assert set(standing(places, texts)) == set(places)
    left = standing(places, [one for one in texts if one.source != "KM-a"])
    assert left and all(place.source != "KM-a" for place in left)
    reworded = [said(one.source[3:], f"{one.text[:-1]} !") for one in texts]
    assert standing(places, reworded) == {}


@given(st.lists(st.text(max_size=80), min_size=3, max_size=8), st.sampled_from(("title", "advice")))
def test_whatever_is_sent_nothing_is_quoted_that_was_not(texts: list[str], field: str) -> None:
    found = find([*several(tuple(texts), field=field), *several(CHOSE_THE_DAY)])
    sent = [" ".join(text.split()) for text in (*texts, *CHOSE_THE_DAY)]
    assert all(any(quote in text for text in sent) for quote in whole(found))


def test_whoever_is_named_in_a_sentence_is_not_named_by_it() -> None:
    named = "Grace Paperboat showed the mobile teams how to choose the day."
    found = find(several((*CHOSE_THE_DAY, named)), names=["Grace Paperboat"])
    assert named not in whole(found)
    assert CHOSE_THE_DAY[0] in whole(find(several(CHOSE_THE_DAY), names=["More Day"]))


def test_seven_at_most_and_every_side_of_the_work_before_a_second_of_one() -> None:
    sides = ("operational", "programmatic", "partnership", "programme management")
    plain = [
        said(
            f"n{at}", f"Village{at} market{at} opened{at} early{at} harvest{at}.", perspective=sides[at // 9]
        )
        for at in range(36)
    ]
    agreed = several(CHOSE_THE_DAY, perspective="operational", themes=("Immunization",))
    found = find([*plain, *agreed])
    assert len(found.headlines) == MOST and found.people == 39
    assert [one.perspective for one in found.headlines[:4]].count("operational") == 1
    assert {one.perspective for one in found.headlines[:4]} == set(sides)
    assert found.headlines[0].people == 3 and found.headlines[0].theme == "Immunization"


def test_the_order_in_which_answers_come_decides_nothing() -> None:
    texts = several((*CHOSE_THE_DAY, *ELSE, "The trucks were not late.", "The trucks were late in March."))
    expected = find(texts)
    for seed in range(5):
        random.Random(seed).shuffle(texts)
        assert find(texts) == expected


def test_groups_count_people_and_not_sentences() -> None:
    texts = several((*CHOSE_THE_DAY, ELSE[0]), perspective="operational", themes=("Cold chain", "Transport"))
    apart = [said("x", ELSE[1], perspective="partnership", themes=("Transport",)), said("y", ELSE[0])]
    assert [(one.perspective, one.theme, one.people) for one in groups([*texts, *apart])] == [
        ("", "", None),
        ("operational", "Transport", 4),
        ("partnership", "Transport", None),
    ]
    assert LIMIT == 3
