"""The address at which a leaver may be reached is found in what they wrote."""

import pytest

from km365.services import alumni


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Yes: ruth@home.example.", "ruth@home.example"),
        ("<ruth.w+km@mail.home.example>, until May", "ruth.w+km@mail.home.example"),
        ("ruth at home", ""),
        ("ruth@home", ""),
        (f"{'a' * 260}@home.example", ""),
    ],
)
def test_the_first_address_is_taken_whole(text: str, address: str) -> None:
    assert alumni.address_in(text) == address


def test_a_long_word_is_tried_from_its_beginning_alone() -> None:
    """Tried from each letter, twenty thousand of them would take a second."""
    text = f"to {'a' * 40}@home.example"
    assert [at for at in range(len(text)) if alumni._ADDRESS.match(text, at)] == [3]
