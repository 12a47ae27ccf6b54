"""JSON from outside, read into values that can be kept."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.json_text import Unreadable, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"cut \ud83d"', "cut \ufffd"),
        (r'"\uDE00 cut"', "\ufffd cut"),
        (r'["\ud83d\ude00", "\ud83d", {"\ud83d": 1}]', ["\U0001f600", "\ufffd", {"\ufffd": 1}]),
        (r'"a path: C:\\ud83d"', r"a path: C:\ud83d"),
    ],
)
def test_half_a_character_is_replaced_and_a_whole_one_kept(text: str, value: object) -> None:
    assert loads(text) == value


@given(VALUES)
def test_what_is_read_can_be_written(value: object) -> None:
    json.dumps(loads(json.dumps(value)), ensure_ascii=False).encode()


def test_a_number_python_cannot_read_is_placed() -> None:
    text = '{\n"a": "' + "1" * 5000 + '",\n"b": 0.' + "1" * 5000 + ',\n"c": [-' + "1" * 5000 + "]}"
    with pytest.raises(Unreadable, match="a number of more than 4300 digits") as refused:
        loads(text)
    assert (refused.value.lineno, refused.value.colno) == (4, 7)


@pytest.mark.parametrize("text", ["", " ", "{", "1 2", "[1],", "nan"])
def test_what_is_no_json_is_no_value(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        loads(text)


def test_nesting_without_end_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="nested too deeply"):
        loads("[" * 100_000)
