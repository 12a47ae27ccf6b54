"""A card is good for one interview, question, person and step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.cards_token import Verdict, sign, verify

SECRET = b"s" * 32
SHOWN = {"interview": "i1", "question": "story", "person": "ann"}
TOKEN = sign(SECRET, **SHOWN, step=4)


def test_a_card_of_this_step_is_good() -> None:
    assert verify(SECRET, TOKEN, **SHOWN, step=4) is Verdict.OK


def test_a_card_of_an_earlier_step_is_late() -> None:
    assert verify(SECRET, TOKEN, **SHOWN, step=5) is Verdict.LATE


@pytest.mark.parametrize("other", [{"interview": "i2"}, {"question": "advice"}, {"person": "ben"}])
def test_a_card_of_something_else_is_forged(other: dict[str, str]) -> None:
    assert verify(SECRET, TOKEN, **{**SHOWN, **other}, step=4) is Verdict.FORGED


def test_a_card_of_another_installation_is_forged() -> None:
    assert verify(b"t" * 32, TOKEN, **SHOWN, step=4) is Verdict.FORGED


def test_parts_do_not_run_into_each_other() -> None:
    first = sign(SECRET, interview="a\n1:b", question="c", person="d", step=1)
    assert first != sign(SECRET, interview="a", question="b\n1:c", person="d", step=1)


@given(st.text() | st.builds("1.{}.{}".format, st.integers(), st.text()))
def test_nothing_else_passes(token: str) -> None:
    assert verify(SECRET, token, **SHOWN, step=4) is Verdict.FORGED
