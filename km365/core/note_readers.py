"""When a filed handover note goes from the supervisor on to the successor. Values in, values out.

To acknowledge a note is to say that one has read it: it clears nothing, changes nothing and is never a wall.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from km365.core.schedule import Hours

WORKING_DAYS = 5
"""How many working days of theirs a supervisor has before a note goes on by itself."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """The day on which a note goes on by itself, and that of the one reminder, where there is time for it."""

    goes_on: date
    remind_on: date | None


def deadline(filed_on: date, last_on: date | None, hours: Hours) -> Deadline:
    """Five working days of the supervisor after it was filed, or the last day where that is sooner.

    A note filed on the last day or later goes on at once. The reminder comes half-way.
    """
    days: list[date] = []
    day = filed_on
    while len(days) < WORKING_DAYS:
        day += _DAY
        if hours.works_on(day):
            days.append(day)
    goes_on = days[-1] if last_on is None else max(filed_on, min(days[-1], last_on))
    before = [one for one in days if one < goes_on]
    return Deadline(goes_on=goes_on, remind_on=before[len(before) // 2] if before else None)
