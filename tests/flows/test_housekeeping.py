"""What is done once a day so that the database stays small and can be put back."""

from datetime import timedelta

from km365.services import housekeeping
from km365.store import conversations


async def test_the_newest_fourteen_copies_are_kept(office) -> None:
    for _ in range(16):
        await housekeeping.tidy(office.db, office.jobs, now=office.now)
        office.now += timedelta(days=1)
    copies = sorted(file.name for file in (office.settings.home / "copies").iterdir())
    assert len(copies) == 14
    assert copies[-1] == f"km365-{office.day(15)}.sqlite"


async def test_activities_of_last_week_are_forgotten(office) -> None:
    with office.db.begin() as c:
        conversations.first_time(c, "old", office.now - timedelta(days=8))
        conversations.first_time(c, "new", office.now)
    assert (await housekeeping.tidy(office.db, office.jobs, now=office.now)).deleted == 1
    with office.db.begin() as c:
        assert not conversations.first_time(c, "new", office.now)
