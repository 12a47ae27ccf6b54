"""Whom to ask in the place of somebody who has left the post they spoke from."""

from datetime import date

import pytest

from km365.core.who_now import Departed, departure_behind

TODAY = date(2026, 6, 1)
LEFT = Departed(left_on=date(2026, 3, 27), office="CO-BEL", successor="sue")


@pytest.mark.parametrize(
    ("entry", "office", "works", "counts"),
    [
        (LEFT, "CO-BEL", True, True),
        (LEFT, "co-bel", True, True),
        (LEFT, "CO-ARD", True, False),
        (LEFT, "CO-ARD", False, True),
        (Departed(left_on=TODAY, office="CO-BEL"), "CO-BEL", True, False),
        (Departed(left_on=TODAY, office="CO-BEL"), "CO-BEL", False, True),
        (Departed(left_on=None, office=""), "", True, False),
        (Departed(left_on=date(2026, 3, 27), office="CO-BEL", state="cancelled"), "CO-BEL", False, False),
    ],
)
def test_somebody_has_left_a_post_once_its_last_day_is_past_or_they_are_gone(
    entry: Departed, office: str, works: bool, counts: bool
) -> None:
    assert (departure_behind([entry], office, works=works, today=TODAY) is entry) is counts


def test_of_several_departures_the_latest_counts_that_says_who_follows() -> None:
    later = Departed(left_on=date(2026, 5, 1), office="CO-BEL")
    assert departure_behind([later, LEFT], "CO-BEL", works=False, today=TODAY) is LEFT
