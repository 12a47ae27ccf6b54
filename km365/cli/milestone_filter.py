"""The options with which commands of `km365 milestone` choose milestones."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from km365.core.calendar_filter import Filter
    from km365.documents.calendar_words import CalendarWords

DAY = click.DateTime(["%Y-%m-%d"])


def choosing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; `filter_of` makes a filter of what they give."""
    for option in (
        click.option("--to", "to_on", type=DAY, default=None, help="Until this day, 2027-12-31."),
        click.option("--from", "from_on", type=DAY, default=None, help="From this day, 2027-01-01."),
        click.option(
            "--state", "states", multiple=True, help="planned, open, closed, cancelled; repeatable."
        ),
        click.option("--kind", "kinds", multiple=True, help="A kind or its acronym, MTR; repeatable."),
        click.option("--programme", "programmes", multiple=True, help="Its name; * is any letters."),
        click.option("--office", "offices", multiple=True, help="Its code, or CO-* for several; repeatable."),
    ):
        function = option(function)
    return function


def filter_of(
    words: "CalendarWords",
    *,
    offices: tuple[str, ...],
    programmes: tuple[str, ...],
    kinds: tuple[str, ...],
    states: tuple[str, ...],
    from_on: datetime | None,
    to_on: datetime | None,
) -> "Filter":
    """The filter that the options mean. Raises UsageError for a kind or state there is not."""
    from km365.core.calendar_filter import Filter

    known = words.vocabulary()
    return Filter(
        offices=offices,
        programmes=programmes,
        kinds=frozenset(_meant(kinds, known.kinds, "--kind")),
        states=frozenset(_meant(states, known.states, "--state")),
        from_on=from_on.date() if from_on else None,
        to_on=to_on.date() if to_on else None,
    )


def _meant(said: tuple[str, ...], known: Any, option: str) -> list[str]:
    from km365.core.sheet_rows import plain

    for one in said:
        if plain(one) not in known:
            there = ", ".join(dict.fromkeys(known.values()))
            raise click.UsageError(f"{option}: there is no {one!r}; there are {there}.")
    return [known[plain(one)] for one in said]
