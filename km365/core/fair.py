"""Choosing a few of many so that every office and every year is heard."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def in_turn(ones: Iterable[T], *, office: Callable[[T], str], year: Callable[[T], int]) -> list[T]:
    """Of each office one in turn, and within an office of each year one in turn, the newest first.

    The office of the first comes first, and the better of one office and year before the others. So it is not
    those who write most that are read.
    """
    offices: dict[str, dict[int, list[T]]] = {}
    for one in ones:
        offices.setdefault(office(one), {}).setdefault(year(one), []).append(one)
    newest_first = ([years[at] for at in sorted(years, reverse=True)] for years in offices.values())
    return _one_of_each([_one_of_each(years) for years in newest_first])


def _one_of_each(queues: Sequence[Sequence[T]]) -> list[T]:
    """The first of each, then the second of each, and so on."""
    longest = max(map(len, queues), default=0)
    return [queue[at] for at in range(longest) for queue in queues if at < len(queue)]
