"""Where offices are and when they work: `duty_stations.toml`, which an organisation edits."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from km365.core.preferences import zone_of
from km365.core.schedule import Hours, weekdays, working_hours
from km365.documents.toml import Table, read
from km365.templates import Templates

_FILE = "duty_stations.toml"
_ANY_LEAP_YEAR = 2000


@dataclass(frozen=True, kw_only=True)
class DaysOff:
    """The public holidays of a country (or of a part of it, as IN-KL), and days of the office's own.

    A yearly day is one of the year 2000. A country's year is looked up when it is first asked for.
    """

    country: str = ""
    days: frozenset[date] = frozenset()
    yearly: frozenset[date] = frozenset()

    def __contains__(self, day: object) -> bool:
        if not isinstance(day, date):
            return False
        return (
            day in self.days
            or day.replace(year=_ANY_LEAP_YEAR) in self.yearly
            or (bool(self.country) and day in _holidays(self.country, day.year))
        )


@lru_cache(maxsize=1024)
def _holidays(country: str, year: int) -> frozenset[date]:
    import holidays  # noqa: PLC0415 - 0.1 s, only for offices that name a country

    code, _, part = country.partition("-")
    return frozenset(holidays.country_holidays(code, subdiv=part or None, years=year))


@lru_cache
def _is_known(country: str) -> bool:
    import holidays  # noqa: PLC0415 - likewise

    code, _, part = country.partition("-")
    parts = holidays.list_supported_countries().get(code)
    return parts is not None and (not part or part in parts)


def duty_stations(templates: Templates, usual: Hours, *, always: bool = False) -> Mapping[str, Hours]:
    """The hours of each office of the file; what it does not say is as in `usual`, with `always` all but
    the time zone. Raises TemplateError with file, line and key for the first thing that is wrong.
    """
    file = read(templates, _FILE)
    return {code: _hours(file.table(code, header=code), usual, always=always) for code in list(file.keys())}


def regions(templates: Templates) -> Mapping[str, str]:
    """The region of each office of the file; "" where it names none. Raises TemplateError as above."""
    file = read(templates, _FILE)
    return {code: file.table(code, header=code).text("region", default="") for code in list(file.keys())}


def _hours(table: Table, usual: Hours, *, always: bool) -> Hours:
    table.only("time_zone", "country", "weekend", "hours", "days_off", "region", "name", "place")
    zone = usual.zone
    if "time_zone" in table:
        found = zone_of(table.text("time_zone"))
        if found is None:
            table.refuse("'time_zone' is one such as Africa/Nairobi.", key="time_zone")
        zone = found or zone
    off = _days_off(table)
    hours = replace(usual, zone=zone, offices={})
    try:
        opens, closes = (
            working_hours(table.text("hours")) if "hours" in table else (usual.opens, usual.closes)
        )
        own = replace(hours, opens=opens, closes=closes)
    except ValueError:
        table.refuse("'hours' is written as 08:00-16:30.", key="hours")
    try:
        weekend = weekdays(table.texts("weekend")) if "weekend" in table else usual.weekend
        own = replace(own, weekend=weekend, off=off)
    except ValueError:
        table.refuse("'weekend' is days in English, such as friday, and leaves a working day.", key="weekend")
    return hours if always else own


def _days_off(table: Table) -> DaysOff:
    country = table.text("country", default="").upper()
    if country and not _is_known(country):
        table.refuse("'country' is its two letters, such as KE, or IN-KL for a part of one.", key="country")
    days: set[date] = set()
    yearly: set[date] = set()
    for text in table.texts("days_off"):
        every_year = re.fullmatch(r"\d\d-\d\d", text) is not None
        try:
            day = date.fromisoformat(f"{_ANY_LEAP_YEAR}-{text}" if every_year else text)
        except ValueError:
            table.refuse("'days_off' are days such as 2027-03-29, or 12-02 for every year.", key="days_off")
            continue
        (yearly if every_year else days).add(day)
    return DaysOff(country=country, days=frozenset(days), yearly=frozenset(yearly))
