"""What belongs to another channel is recognised; the programme's own subjects are not mistaken for it."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.keepout import KeepOut, keep_out
from km365.core.languages import LANGUAGES
from km365.core.phrases import Words

from ..benchmarks.bench_keep_out import WORDS, Labelled, labelled, table

KNOWN = [one for one in labelled() if not one.held]
ELSEWHERE = [one for one in KNOWN if one.kind]
KEPT = [one for one in labelled() if not one.kind]


def name(one: Labelled) -> str:
    return f"{one.language}: {one.text}"


@pytest.mark.parametrize("one", ELSEWHERE, ids=name)
def test_what_belongs_elsewhere_is_recognised(one: Labelled) -> None:
    assert keep_out(one.text, WORDS) is one.kind


@pytest.mark.parametrize("one", KEPT, ids=name)
def test_the_work_itself_is_kept(one: Labelled) -> None:
    assert keep_out(one.text, WORDS) is None


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KeepOut)
def test_no_language_is_left_behind(language: str, kind: KeepOut) -> None:
    sentences = [one for one in ELSEWHERE if (one.language, one.kind) == (language, kind)]
    kept = [one for one in KEPT if one.language == language]
    assert len(sentences) >= (12 if language in {"en", "fr", "es", "ar"} else 6)
    assert len(kept) >= 15


def test_the_figures_in_the_documentation_are_those_measured() -> None:
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text("utf-8")
    assert "\n".join(table()) in page


@pytest.mark.parametrize(
    "text",
    [
        "The plan was good. We start at 9. I WAS, again, harassed by\u200b my boss!",
        "Ｍｙ ｂｏｓｓ bullies me",
        "مُدِيري يَتَحَرَّش بـي",
        "مدیري\u200f يتحرش بي".replace("ی", "ي"),
        "وكلمة المرور للبوابة هي: Summer2026!",
        "Das Passwort ist geheim, aber der Zugang is Kolda#2024",
        "Notes from the visit\n\npassword:\tbluemoon\n\nThe road was dry.",
    ],
)
def test_how_it_is_written_makes_no_difference(text: str) -> None:
    assert keep_out(text, WORDS) is not None


@pytest.mark.parametrize(
    "text",
    [
        "My colleague came late. Boys stole fuel from the pump.",
        "My supervisor, who has been here for eleven years, says that armed men bullied the teachers.",
        "The page is https://childrensagency.sharepoint.example/Site2024#top and anyone may read it.",
        "Ask ict-desk2024@agency.example about passwords.",
        "Between 2019 and 2024, 12 000 000 children were counted and 3 450 cases of abuse reported.",
        "From 01.02.2024 to 03.04.2024 abuse was reported weekly.",
        "Girls in Kolda aged 12 to 17 reported abuse on the way to school.",
        "Child Protection staff in Belmora visited abused children.",
        "The hotline is 0800 123 4567; callers report abuse.",
    ],
)
def test_words_far_apart_and_numbers_of_other_kinds_mean_nothing(text: str) -> None:
    assert keep_out(text, WORDS) is None


def test_the_gravest_reason_is_given() -> None:
    assert keep_out("My boss harassed me and I want to die", WORDS) is KeepOut.DISTRESS
    assert keep_out("password: bluemoon. My supervisor harassed me.", WORDS) is KeepOut.ALLEGATION


def test_an_office_adds_its_own_words() -> None:
    english = {"colleague": ("my boss",), "grievance": ("<colleague> ... gives me the salt mine*",)}
    ours = Words({"en": english})
    assert keep_out("My boss really gives me the salt mines.", ours) is KeepOut.GRIEVANCE
    assert keep_out("My boss really gives me the salt mines.", WORDS) is None


@given(st.text(max_size=400) | st.lists(st.sampled_from(re.findall(r"\w+", ELSEWHERE[0].text))).map(" ".join))
def test_any_text_can_be_looked_at(text: str) -> None:
    keep_out(text, WORDS)


@pytest.mark.parametrize("sign", ["!", "@", "a@", "=", "1 "])
@pytest.mark.parametrize("before", ["", "password ", "is "])
def test_a_row_of_the_same_signs_is_looked_at_in_no_time(before: str, sign: str) -> None:
    """Tried from each of them anew, a row this long would take many minutes."""
    keep_out(f"{before}{sign * (20_000 // len(sign))}x", WORDS)
