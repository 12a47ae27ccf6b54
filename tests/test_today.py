"""Which day it is, is a question of where: there is one rule for it, `calendar.today` and `day_at`."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("km365/services", "km365/cli", "bots/km365_bots", "flows/km365_flows")
IN_UTC = {
    "accounts.py": "since when an account is off is kept as it was noticed, and compared with itself",
    "app.py": "tidies up once a day, wherever that is",
    "departures.py": "Graph gives the leave date as midnight in UTC",
    "handover.py": "compares whole days of the list, where the last day counts",
    "housekeeping.py": "names backups and tidies up once a day, wherever that is",
    "personal_data.py": "compares whole days of the list",
    "post_left.py": "says when a note was written that people of several offices may have made",
    "rehearsal.py": "a week from now, for trying questions",
}
"""The only files that take the day of a moment in UTC, and why they may."""
_DAY_OF_A_MOMENT = re.compile(r"\b(?:now|now\(\)|at|leaves_at|timedelta\(days=7\)\))\.date\(\)")


def test_a_day_is_that_of_an_office_or_a_person_and_not_of_greenwich() -> None:
    found = {
        path.name
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if _DAY_OF_A_MOMENT.search(path.read_text("utf-8"))
    }
    assert found <= set(IN_UTC), "use calendar.today or day_at, or say here why not"
