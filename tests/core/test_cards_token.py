"""A card is good for one interview, question and person, and names its step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.cards_token import is_ours, shown_at, sign

SECRET = b"s" * 32
SHOWN = {"interview": "i1", "question": "story", "person": "ann"}
TOKEN = sign(SECRET, **SHOWN, step=4)


def test_a_card_is_good_and_says_when_it_was_shown() -> None:
    assert is_ours(SECRET, TOKEN, **SHOWN)
    assert shown_at(TOKEN) == 4


def test_a_card_cannot_say_that_it_was_shown_at_another_step() -> None:
    assert not is_ours(SECRET, TOKEN.replace("1.4.", "1.5."), **SHOWN)


@pytest.mark.parametrize("other", [{"interview": "i2"}, {"question": "advice"}, {"person": "ben"}])
def test_a_card_of_something_else_is_forged(other: dict[str, str]) -> None:
    assert not is_ours(SECRET, TOKEN, **{**SHOWN, **other})


def test_a_card_of_another_installation_is_forged() -> None:
    assert not is_ours(b"t" * 32, TOKEN, **SHOWN)


def test_parts_do_not_run_into_each_other() -> None:
    first = sign(SECRET, interview="a\n1:b", question="c", person="d", step=1)
    assert first != sign(SECRET, interview="a", question="b\n1:c", person="d", step=1)


@given(st.text() | st.builds("1.{}.{}".format, st.integers(), st.text()))
def test_nothing_else_passes(token: str) -> None:
    assert not is_ours(SECRET, token, **SHOWN)
