"""Whom to ask in the place of somebody who has left the post they spoke from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from km365.core.departures import CANCELLED


@dataclass(frozen=True, kw_only=True)
class Departed:
    """An entry of the *Departures* list; people as it names them, "" for nobody."""

    left_on: date | None
    office: str
    successor: str = ""
    supervisor: str = ""
    state: str = ""


def departure_behind(
    departures: Iterable[Departed], office: str, *, works: bool, today: date
) -> Departed | None:
    """With which departure somebody left the post from which they spoke for `office`; None: they did not.

    Whoever still works here did, once the last day in that office is past: what they knew stays with the
    post. An account that works no more says by itself that they are gone, so any entry tells who follows.
    """
    stands = [one for one in departures if one.state != CANCELLED]
    if works:
        past = (one for one in stands if one.left_on is not None and one.left_on < today)
        stands = [one for one in past if one.office and one.office.casefold() == office.casefold()]
    return max(stands, key=lambda one: (bool(one.successor), one.left_on or date.min), default=None)
