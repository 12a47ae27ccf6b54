"""Sixty days of an agency through SharePoint, the scans and the database, with a clock that is moved.

`KM365_TEST_AGENCY=1` has a whole agency: 190 offices, 20,000 staff, 150 milestones, 400 departures.
"""

import os
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from sqlalchemy import func, select

from km365.core.departures import Leaver
from km365.core.schedule import Hours, Milestone, Outcome
from km365.store import campaigns, outbox, preferences
from km365.store.database import Connection
from km365.store.outbox import Delivery
from km365.store.tables import message, prompt

from ..core import year
from ..core.year import Agency, Sent, Year
from ..databases import ON_BOTH, ON_SQLITE
from .conftest import Office

ALL = "KM365_TEST_AGENCY" in os.environ
OFFICES, STAFF, MILESTONES, DEPARTURES = (190, 20_000, 150, 400) if ALL else (3, 24, 8, 6)
DAYS = 60
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@(ON_BOTH if ALL else ON_SQLITE)
async def test_for_sixty_days_nobody_is_asked_twice_too_often_at_night_or_after_the_answer(
    office: Office, tmp_path: Path
) -> None:
    chance = random.Random(60)
    agency = year.agency(chance, offices=OFFICES, staff=STAFF)
    ids = _hire(office, agency)
    _write_duty_stations(tmp_path / "templates", agency.offices)
    office.settings = replace(office.settings, templates=tmp_path / "templates")
    people = [one for them in agency.staff.values() for one in them]
    for one in year.milestones(chance, list(agency.offices), MILESTONES):
        await _note(office, replace(one, due_on=year.FIRST + timedelta(days=chance.randrange(DAYS))))
    for leaver in year.leavers(chance, people, DEPARTURES):
        day = year.FIRST + timedelta(days=chance.randrange(DAYS))
        await _leave(office, replace(leaver, leaves_on=day, person_id=ids[leaver.person_id]))
    happened = Year(agency=_with_ids(agency, ids))
    await office.db.run(_choose, happened.agency)

    for number in range(DAYS):
        await _day(office, happened, number, chance)

    happened.sent += await office.db.run(_sent)
    assert list(year.wrong(happened))[:5] == []
    assert {1, 2} <= {one.number for one in happened.sent}
    assert happened.stopped


async def _day(office: Office, happened: Year, number: int, chance: random.Random) -> None:
    """Reads the calendar, and then looks whenever somebody is due; here and there people answer."""
    begins = datetime.combine(year.FIRST + timedelta(days=number), time(0, 30), tzinfo=UTC)
    office.now = max(office.now, begins)
    await office.scan()
    while (due_at := await office.db.run(_next_due)) and due_at < begins + timedelta(days=1):
        office.now = max(office.now, due_at)
        await office.look()
        await office.db.run(_deliver, office.now)
        await office.db.run(_answer, happened, office.now, chance)


def _next_due(c: Connection) -> datetime | None:
    waits = select(func.min(message.c.due_at)).where(message.c.state == Delivery.WAITING)
    stands = select(func.min(prompt.c.next_at)).where(prompt.c.state == Outcome.OPEN)
    return min((at for query in (waits, stands) if (at := c.execute(query).scalar())), default=None)


def _deliver(c: Connection, now: datetime) -> None:
    while due := outbox.due(c, at=now):
        for row in due:
            outbox.claim(c, row.message.key, at=now)
            outbox.sent(c, row.message.key, activity_id="1", at=now)


def _answer(c: Connection, happened: Year, now: datetime, chance: random.Random) -> None:
    """Of those who are asked, three in a hundred answer or decline at each look."""
    asked = select(prompt.c.person_id, prompt.c.campaign_id).where(
        (prompt.c.state == Outcome.OPEN) & (prompt.c.sent > 0)
    )
    for person, subject in c.execute(asked.order_by(prompt.c.person_id, prompt.c.campaign_id)).all():
        if chance.random() < 0.03:
            outcome = chance.choice((Outcome.ANSWERED, Outcome.DECLINED))
            campaigns.stop(c, person, subject, outcome=outcome, at=now)
            happened.stopped[subject, person] = now


def _sent(c: Connection) -> list[Sent]:
    """Everything that went out; the number of a reminder is the end of its key."""
    query = select(message).where(message.c.state == Delivery.SENT)
    return [
        Sent(
            at=row.changed_at,
            person=row.person_id,
            campaign=row.data["subject"],
            number=1 + int(row.key.split(":")[3] if row.key.count(":") == 3 else 0),
        )
        for row in c.execute(query.order_by(message.c.changed_at, message.c.key))
        if row.reason in campaigns.KINDS
    ]


def _hire(office: Office, agency: Agency) -> dict[str, str]:
    """Takes the staff into the directory; their ids there."""
    people = [one for them in agency.staff.values() for one in them]
    return {
        one.id: office.hire(one.id, office=one.office, department=one.section, job_title=one.role)
        for one in people
    }


def _with_ids(agency: Agency, ids: Mapping[str, str]) -> Agency:
    """The agency with the ids of the directory."""
    staff = {code: [replace(one, id=ids[one.id]) for one in them] for code, them in agency.staff.items()}
    return Agency(
        offices=agency.offices, staff=staff, wanted={ids[who]: what for who, what in agency.wanted.items()}
    )


def _choose(c: Connection, agency: Agency) -> None:
    for who, wanted in agency.wanted.items():
        preferences.put(c, who, wanted, at=datetime.combine(year.FIRST, time(), tzinfo=UTC))


def _write_duty_stations(folder: Path, offices: Mapping[str, Hours]) -> None:
    folder.mkdir()
    tables = []
    for code, hours in offices.items():
        opens, closes = (f"{at.seconds // 3600:02}:00" for at in (hours.opens, hours.closes))
        off = [str(day) for day in sorted(hours.off)]  # type: ignore[call-overload] # a set here
        weekend = [WEEKDAYS[day] for day in sorted(hours.weekend)]
        tables.append(
            f'[{code}]\ntime_zone = "{hours.zone}"\nhours = "{opens}-{closes}"\n'
            f"weekend = {weekend}\ndays_off = {off}\n"
        )
    (folder / "duty_stations.toml").write_text("\n".join(tables), encoding="utf-8")


async def _note(office: Office, one: Milestone) -> None:
    fields = {"Title": one.title, "KMKind": one.kind, "KMOffice": one.office, "KMState": "planned"}
    fields |= {"KMDate": f"{one.due_on}T00:00:00Z", "KMAsked": "\n".join(one.asked)}
    await office.note("Milestones", **fields)


async def _leave(office: Office, leaver: Leaver) -> None:
    fields = {"Title": "Officer", "KMPerson": leaver.person_id, "KMOffice": leaver.office}
    last_day = f"{leaver.leaves_on}T00:00:00Z"
    await office.note("Departures", **fields, KMState="planned", KMLastDay=last_day)
