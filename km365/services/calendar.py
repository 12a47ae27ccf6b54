"""Reads the programme calendar: the *Milestones* list, the working hours and the directory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from km365.core.asking import Colleague, Staff
from km365.core.schedule import Hours, Milestone, day_at, weekdays, working_hours
from km365.core.schema import MILESTONES
from km365.documents.duty_stations import duty_stations
from km365.errors import SettingsError
from km365.graph import lists, people, sites
from km365.graph.client import Graph
from km365.graph.lists import Item
from km365.graph.people import Person
from km365.settings import Settings
from km365.templates import Templates


def hours_of(settings: Settings) -> Hours:
    """The working hours that are set, with those of the offices. Raises SettingsError, or TemplateError.

    Where people are written to at any time, the offices only say which day it is there.
    """
    usual = _usual_hours(settings)
    templates = Templates(settings.templates or None)
    return replace(usual, offices=duty_stations(templates, usual, always=settings.asking_hours == "always"))


def today(settings: Settings, now: datetime, office: str = "") -> date:
    """The day it is at that office; without one, where the organisation is. Raises as `hours_of`."""
    return day_at(now, hours_of(settings).of(office))


def working_days_of(settings: Settings) -> Hours:
    """The working days of every office, also where people are written to at any time; raises as above."""
    usual = _usual_hours(settings)
    try:
        usual = replace(usual, weekend=weekend_of(settings))
    except ValueError:
        raise SettingsError("weekend must leave a working day.") from None
    return replace(usual, offices=duty_stations(Templates(settings.templates or None), usual))


def _usual_hours(settings: Settings) -> Hours:
    try:
        zone = ZoneInfo(settings.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(
            f"time_zone: there is no time zone {settings.time_zone!r}; write one such as Africa/Nairobi."
        ) from None
    wanted = settings.asking_hours
    if wanted == "always":
        return Hours(zone=zone, opens=timedelta(0), closes=timedelta(days=1), weekend=frozenset())
    try:
        opens, closes = working_hours(wanted)
    except ValueError:
        raise SettingsError(
            f"working_hours: {wanted!r} is not understood; write it as 09:00-17:00, or always."
        ) from None
    try:
        return Hours(zone=zone, opens=opens, closes=closes, weekend=weekend_of(settings))
    except ValueError:
        raise SettingsError(
            "working_hours and weekend must leave some hours on at least one day; "
            "days are written out in English, such as friday."
        ) from None


def weekend_of(settings: Settings) -> frozenset[int]:
    """The days off that are set, Monday being 0, whatever the hours are. Raises SettingsError."""
    try:
        return weekdays(settings.weekend)
    except ValueError:
        raise SettingsError("weekend: days are written out in English, such as friday.") from None


def day_of(value: object) -> date | None:
    """The day a date column holds, or None where it holds none.

    SharePoint keeps a day as midnight at the site and Graph gives it in UTC, so the day is that of the
    nearest midnight: right for every site between UTC-11:59 and UTC+12.
    """
    try:
        moment = datetime.fromisoformat(str(value))
        return ((moment.astimezone(UTC) if moment.tzinfo else moment) + timedelta(hours=12)).date()
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, kw_only=True)
class Directory:
    """Everyone with a working account, found by id, sign-in name or mail address.

    `off` are those whose account was switched off.
    """

    people: tuple[Person, ...]
    off: tuple[Person, ...] = ()

    def find(self, name: str) -> Person | None:
        """The person that the id, sign-in name or mail address means."""
        return self._by_name.get(name.strip().casefold())

    def find_anyone(self, name: str) -> Person | None:
        """The same, also for somebody whose account was switched off."""
        return self.find(name) or self._off_by_name.get(name.strip().casefold())

    @cached_property
    def colleagues(self) -> Staff:
        """The same people, in the same order, as rules see them."""
        return Staff(map(colleague, self.people))

    @cached_property
    def _by_name(self) -> dict[str, Person]:
        return _by_name(self.people)

    @cached_property
    def _off_by_name(self) -> dict[str, Person]:
        return _by_name(self.off)


def _by_name(found: tuple[Person, ...]) -> dict[str, Person]:
    return {name.casefold(): one for one in found for name in (one.mail, one.upn, one.id) if name}


def colleague(person: Person) -> Colleague:
    """The person as a milestone's rule sees them: the section is the department, the role the job title."""
    names = frozenset(name for name in (person.id, person.upn, person.mail) if name)
    return Colleague(
        id=person.id, names=names, office=person.office, section=person.department, role=person.job_title
    )


async def directory(graph: Graph) -> Directory:
    """The directory as it is now. Needs User.Read.All."""
    found = [person async for person in people.list_people(graph)]
    return Directory(
        people=tuple(person for person in found if person.account_enabled),
        off=tuple(person for person in found if not person.account_enabled),
    )


async def milestones(graph: Graph, settings: Settings) -> list[Milestone]:
    """Every milestone of the calendar, the undated ones too."""
    return [_milestone(item) async for item in items(graph, settings, MILESTONES.title)]


def _milestone(item: Item) -> Milestone:
    asked = str(item.fields.get("KMAsked") or "").replace(";", "\n").splitlines()
    return Milestone(
        id=item.id,
        title=text(item, "Title"),
        kind=text(item, "KMKind"),
        office=text(item, "KMOffice"),
        due_on=day_of(item.fields.get("KMDate")),
        asked=tuple(line.strip() for line in asked if line.strip()),
        state=text(item, "KMState") or "planned",
        programme=text(item, "KMProgramme"),
        key=text(item, "KMKey"),
        etag=item.etag,
        web_url=item.web_url,
        modified_at=item.modified_at,
    )


async def items(graph: Graph, settings: Settings, title: str) -> AsyncIterator[Item]:
    """The items of a list of the knowledge site."""
    site = await sites.get_site(graph, settings.knowledge_site)
    target = await lists.get_list(graph, site.id, title)
    async for item in lists.list_items(graph, site.id, target.id):
        yield item


def text(item: Item, field: str) -> str:
    """What a column holds, empty where it holds nothing."""
    return str(item.fields.get(field) or "").strip()
