"""The search index kept up to date by the service: a short job every few minutes, whatever goes wrong."""

import pytest
from km365_flows import searching
from km365_flows.searching import JOB, Searching

from km365.core.knowledge import Maturity, to_fields
from km365.graph import drives, lists, sites
from km365.jobs.port import JobState
from km365.local import faults
from km365.services.capture import knowledge_list
from km365.store import locks
from km365.store import search as store

from ..conftest import BELMORA, Provisioned
from ..services.lessons import lesson


async def waiting(here: Provisioned) -> int:
    jobs = await here.app.db.run(here.app.jobs.list_, state=JobState.WAITING)
    return sum(1 for job in jobs if job.name == JOB)


async def test_what_was_published_can_be_found_after_a_few_minutes(provisioned: Provisioned) -> None:
    app = provisioned.app
    place = await knowledge_list(app.graph, app.settings)
    await lists.create_item(
        app.graph, place.site_id, place.list_id, to_fields(lesson(maturity=Maturity.PUBLISHED))
    )
    index = Searching(app)
    await index.every_minute()
    await index.every_minute()
    assert await waiting(provisioned) == 1, "one look at a time is enough"
    await index.look({})
    assert "fridg" in await app.db.run(store.look_up, ["fridg"], [""])


async def test_after_a_look_the_next_one_comes_minutes_later(
    provisioned: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Searching(provisioned.app)
    await index.look({})
    await index.every_minute()
    assert await waiting(provisioned) == 0
    monkeypatch.setattr(searching, "EVERY", -searching.EVERY)
    await index.look({})
    await index.every_minute()
    assert await waiting(provisioned) == 1


async def test_documents_of_which_sharepoint_does_not_tell_are_said_once(
    provisioned: Provisioned, caplog: pytest.LogCaptureFixture
) -> None:
    app = provisioned.app
    site = await sites.get_site(app.graph, BELMORA)
    drive = await drives.get_drive(app.graph, site.id, "Documents")
    await drives.upload(app.graph, drive.id, "Fridges.txt", b"Forty fridges failed.")
    faults.switch(provisioned.m365.state, "permissions_hidden", on=True)
    index = Searching(app)
    for _ in range(2):
        await index.look({})
    assert caplog.text.count("permissions could not be read: 1 so far") == 1


async def test_trouble_ends_a_look_and_not_the_service(
    provisioned: Provisioned, caplog: pytest.LogCaptureFixture
) -> None:
    index = Searching(provisioned.app)
    with locks.alone(provisioned.app.settings.home, "search"):
        await index.look({})
    assert caplog.text == "", "another process is at it"
    await provisioned.m365.close()
    await index.look({})
    assert "could not be brought up to date: GraphUnreachable" in caplog.text
