"""The title of a lesson for which its author gave none: the advice itself, in the author's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.titles import LENGTH, title_from, title_of

STORY = "We expected forty schools. We reached nine."


@pytest.mark.parametrize(
    ("advice", "title"),
    [
        ("My advice is to budget the seals. They are cheap.", "Budget the seals"),
        ("Our main advice to colleagues would be to ask the drivers first.", "Ask the drivers first"),
        ("My advice: ask the drivers before you order.", "Ask the drivers before you order"),
        ("I would recommend asking the drivers.", "Asking the drivers"),
        ("We recommend that offices order early.", "Offices order early"),
        ("You should ask the drivers.", "Ask the drivers"),
        ("The lesson is that roads close early.", "Roads close early"),
        ("Do not order in January.", "Do not order in January"),
        ("Mon conseil est de demander aux chauffeurs.", "Demander aux chauffeurs"),
        ("Mon conseil aux bureaux : commandez plus tôt.", "Commandez plus tôt"),
        ("Je recommande d'écouter les chauffeurs.", "Écouter les chauffeurs"),
        ("Nous conseillons aux collègues de commander tôt.", "Commander tôt"),
        ("Mi consejo es preguntar antes a los choferes.", "Preguntar antes a los choferes"),
        ("Recomendamos pedir antes de las lluvias.", "Pedir antes de las lluvias"),
        ("O meu conselho é perguntar aos motoristas.", "Perguntar aos motoristas"),
        ("Aconselho a perguntar aos motoristas.", "Perguntar aos motoristas"),
        ("Мой совет — сначала спросить водителей.", "Сначала спросить водителей"),
        ("Советую коллегам не заказывать в январе.", "Не заказывать в январе"),
        ("نصيحتنا أن يُرصد لكل مدرسة صندوق منها.", "يُرصد لكل مدرسة صندوق منها"),
        ("أنصح بسؤال السائقين قبل الطلب.", "سؤال السائقين قبل الطلب"),
        ("我的建议是先问司机。再订货。", "先问司机"),
        ("建议各办事处提前订货。", "提前订货"),
    ],
)
def test_it_is_the_advice_without_what_announces_it(advice: str, title: str) -> None:
    assert title_of(advice, STORY) == title


@pytest.mark.parametrize(
    "advice",
    [
        "My advice is not to order late.",
        "Mon conseil est que les bureaux demandent aux chauffeurs.",
        "Mi consejo es que se pida antes.",
        "نصيحتي ألا تطلبوا متأخرين.",
        "My advice: none.",
        "",
    ],
)
def test_what_leans_on_its_announcement_gives_way_to_what_happened(advice: str) -> None:
    assert title_of(advice, STORY) == "We expected forty schools"


@pytest.mark.parametrize(
    "advice",
    [
        "Le conseil municipal doit être consulté",
        "The recommendation of the audit should be read first",
        "Our advice came too late, so ask earlier",
        "建议书要先给司机看",
        "Recomendaciones hay muchas",
    ],
)
def test_words_that_only_look_like_an_announcement_stay(advice: str) -> None:
    assert title_of(advice, STORY) == advice


@given(st.text(max_size=600), st.text(max_size=600))
def test_a_title_is_one_line_that_fits(advice: str, story: str) -> None:
    for title in (title_of(advice, story), title_from(story)):
        assert len(title) <= LENGTH + 2
        assert "\n" not in title
