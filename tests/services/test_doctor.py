"""`km365 doctor` finds what is well and what is not, and says what to do."""

import base64
import json
import shutil
import sqlite3
from collections import namedtuple
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest
from aiohttp import web

from km365.errors import KM365Error
from km365.graph import drives, people, sites
from km365.jobs import Job, JobState
from km365.local import faults, file_permissions, users
from km365.services import doctor, doctor_access, search_index, taxonomy
from km365.services.doctor import Finding
from km365.settings import Settings
from km365.store import duty_stations, outbox, watches
from km365.store.database import Connection
from km365.store.outbox import Delivery, Message
from km365.store.watches import FileState, WatchedFile

from ..conftest import BELMORA, Provisioned, person_id, sign_in_name

Usage = namedtuple("Usage", "total used free")


async def examine(here: Provisioned, settings: Settings | None = None) -> dict[str, Finding]:
    app = here.app
    words = taxonomy.shipped(app.templates)
    found = doctor.examine(app.graph, app.db, app.jobs, settings or app.settings, words, now=app.clock.now())
    return {finding.about: finding async for finding in found}


async def serving(status: int) -> tuple[web.AppRunner, int]:
    """Something that answers at /healthz."""

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "the store is closed"}, status=status)

    site = web.Application()
    site.router.add_get("/healthz", health)
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, int(runner.addresses[0][1])


async def test_an_office_that_nobody_works_in_is_told_of_its_hours(provisioned: Provisioned) -> None:
    db = provisioned.app.db
    assert (await examine(provisioned))["offices' hours"].well
    offices = {"ann": "CO-BEL", "ben": "CO-ARD ", "eva": "CO-CAS", "gus": "RO-EAST", "kim": "HQ-KM"}
    await db.run(duty_stations.put, {**offices, "zoe": "CO-NEW"})
    assert (await examine(provisioned))["offices' hours"] == Finding(
        about="offices' hours",
        well=True,
        words="5 of 6 offices have hours of their own; as in the settings: CO-NEW.",
    )
    await db.run(duty_stations.put, {"ann": "CO-BEL"})
    told = (await examine(provisioned))["offices' hours"]
    assert not told.well and "Nobody works in CO-ARD, CO-CAS, HQ-KM, RO-EAST" in told.words


@pytest.mark.parametrize("status", [200, 503])
async def test_all_is_well_when_the_bot_is(provisioned: Provisioned, status: int) -> None:
    users.join_group(provisioned.m365.state, "Knowledge reviewers", person_id("eve"))
    runner, port = await serving(status)
    try:
        found = await examine(provisioned, replace(provisioned.app.settings, port=port))
    finally:
        await runner.cleanup()
    bot = found.pop("bot")
    assert [finding for finding in found.values() if not finding.well] == []
    assert found["lists, columns and terms"].words == "All there."
    assert "'Handover notes' is open to whoever may read the knowledge site" in found["handover notes"].words
    assert bot.well == (status == 200)
    assert bot.well or "the store is closed" in bot.words


async def test_a_bot_that_does_not_answer_is_named_with_its_address(provisioned: Provisioned) -> None:
    runner, port = await serving(200)
    await runner.cleanup()
    bot = (await examine(provisioned, replace(provisioned.app.settings, port=port)))["bot"]
    assert not bot.well
    assert f"http://127.0.0.1:{port}/healthz" in bot.words
    assert "km365 up" in bot.words


async def test_something_missing_in_sharepoint_is_counted_and_named(provisioned: Provisioned) -> None:
    with provisioned.m365.state.tx() as c:
        c.execute("UPDATE column_definition SET indexed = 0 WHERE name = 'KMOffice'")
    found = (await examine(provisioned))["lists, columns and terms"]
    assert not found.well
    assert "Missing: 4, the first is the index 'Office'; run `km365 provision apply`" in found.words


async def test_an_office_site_that_is_not_there_is_found(provisioned: Provisioned) -> None:
    offices = (BELMORA, "childrensagency.sharepoint.example:/sites/nowhere")
    found = await examine(provisioned, replace(provisioned.app.settings, office_sites=offices))
    assert not found["office sites"].well


async def test_a_graph_that_refuses_is_said_and_the_rest_is_looked_at(provisioned: Provisioned) -> None:
    async with httpx.AsyncClient(base_url=provisioned.m365.base_url) as http:
        await http.put(
            "/_local/faults/next_requests",
            json={"verb": "GET", "path": "/sites/*", "status": 403, "times": 1},
        )
    found = await examine(provisioned)
    assert not found["Microsoft Graph"].well
    assert "Sites.Selected" in found["Microsoft Graph"].words
    assert found["office sites"].well


async def test_a_disk_that_is_nearly_full_is_said(
    provisioned: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12, 20 * 2**20))
    disk = (await examine(provisioned))["disk"]
    assert not disk.well
    assert "Only 20 MB are free" in disk.words


async def test_a_home_that_is_gone_is_said(provisioned: Provisioned) -> None:
    gone = replace(provisioned.app.settings, home=provisioned.home / "gone")
    assert not (await examine(provisioned, gone))["disk"].well


async def test_a_damaged_database_is_found(provisioned: Provisioned) -> None:
    path = provisioned.home / "km365.sqlite"
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("PRAGMA foreign_keys=OFF")
        columns = "run_id, seq, drive_id, item_id, name, old, new, etag, state"
        other.execute(
            f"INSERT INTO km_change ({columns}) VALUES ('none', 1, '', '', '', '{{}}', '{{}}', '', 'done')"
        )
    found = (await examine(provisioned))["database"]
    assert not found.well
    assert "restore a backup" in found.words


def put(c: Connection, state: Delivery, *, at: datetime, number: int = 0) -> None:
    """A message that ended so at that moment, or is held up."""
    key = f"{state}:{number}"
    message = Message(key=key, person_id="p", card="handed_on", data={}, language="en", reason="test")
    outbox.put(c, message, at=at)
    if state is Delivery.WAITING:
        outbox.hold(c, key, at=at, due_at=at, note="The app is not in the store.")
        return
    outbox.claim(c, key, at=at)
    getattr(outbox, state.value)(c, key, note="why", at=at)


async def test_messages_in_trouble_are_counted_and_old_ones_are_history(provisioned: Provisioned) -> None:
    now = provisioned.app.clock.now()
    with provisioned.app.db.begin() as c:
        put(c, Delivery.FAILED, at=now - timedelta(days=8))
        put(c, Delivery.UNKNOWN, at=now, number=1)
        put(c, Delivery.UNKNOWN, at=now, number=2)
        put(c, Delivery.UNREACHABLE, at=now)
    found = (await examine(provisioned))["messages"]
    assert found.well
    assert "2 unknown (may have arrived), 1 unreachable; `km365 message list`" in found.words


@pytest.mark.parametrize(("state", "says"), [(Delivery.FAILED, "1 failed"), (Delivery.WAITING, "1 held up")])
async def test_a_message_that_failed_or_is_held_up_is_a_problem(
    provisioned: Provisioned, state: Delivery, says: str
) -> None:
    with provisioned.app.db.begin() as c:
        put(c, state, at=provisioned.app.clock.now())
    found = (await examine(provisioned))["messages"]
    assert not found.well
    assert says in found.words


DRIVE = "b!watched"


async def watching(here: Provisioned, **values: object) -> Finding:
    """What the doctor says of a watch with these values, looked at on time unless they say otherwise."""
    now = here.app.clock.now()
    with here.app.db.begin() as c:
        watches.begin(
            c, drive_id=DRIVE, site=BELMORA, library="Documents", auto_percent=80, is_on=True, at=now
        )
        watches.change(c, DRIVE, is_on=True, **values)
    return (await examine(here))["watched libraries"]


async def test_what_waits_in_watched_libraries_is_counted(provisioned: Provisioned) -> None:
    assert (await examine(provisioned))["watched libraries"] == Finding(
        about="watched libraries", well=True, words="None is watched."
    )
    assert (await watching(provisioned)).words == "1 watched."
    now = provisioned.app.clock.now()
    with provisioned.app.db.begin() as c:
        for number, state in enumerate([*[FileState.QUEUED] * 2, FileState.FAILED, FileState.DONE]):
            file = WatchedFile(
                drive_id=DRIVE,
                item_id=str(number),
                path=f"{number}.txt",
                ctag="1",
                state=state,
                attempts=0,
                due_at=now,
                note=None,
                queued=None,
            )
            watches.put(c, file, at=now)
    found = await watching(provisioned)
    assert found.well
    assert "2 documents wait for a person, 1 could not be read or written" in found.words
    assert "km365 tag watch --queue" in found.words


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"look_at": timedelta(hours=-2)}, "start the service with `km365 up`"),
        (
            {"problem": "The site is gone"},
            "could not be looked at: The site is gone. The service tries again",
        ),
        ({"not_told": "Graph refused (403)."}, "Graph refused (403). The app needs a grant on the site"),
        ({"subscribed_until": timedelta(days=-1)}, "its subscription ended"),
    ],
)
async def test_trouble_with_a_watched_library_is_a_problem(
    provisioned: Provisioned, values: dict[str, object], says: str
) -> None:
    now = provisioned.app.clock.now()
    meant = {key: now + one if isinstance(one, timedelta) else one for key, one in values.items()}
    found = await watching(provisioned, **meant)
    assert not found.well
    assert says in found.words
    await provisioned.app.db.run(watches.change, DRIVE, is_on=False)
    assert (await examine(provisioned))["watched libraries"].well, "nobody wants it watched any more"


async def test_documents_left_out_of_the_search_are_counted_with_the_reason(provisioned: Provisioned) -> None:
    app = provisioned.app
    assert (await examine(provisioned))["search"].words == "Nothing is left out."
    site = await sites.get_site(app.graph, BELMORA)
    drive = await drives.get_drive(app.graph, site.id, "Documents")
    file = await drives.upload(app.graph, drive.id, "Fridges.txt", b"Forty fridges failed.")
    for own, well, words in (
        (
            (drive.id, file.id),
            True,
            "CO-BEL Belmora: 1 documents that fewer people may read than the library.",
        ),
        ((drive.id, "root"), False, "name the site in search_own_permissions."),
    ):
        file_permissions.set_own(provisioned.m365.state, *own, {"Owners": "owner"})
        await search_index.begin_anew(app.db, app.settings)
        await search_index.look(app.graph, app.db, app.settings, now=app.clock.now)
        found = (await examine(provisioned))["search"]
        assert found.well == well and words in found.words


async def test_a_group_that_is_misspelt_empty_or_there_twice_is_named(
    provisioned: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, settings = provisioned.m365.state, provisioned.app.settings
    users.join_group(state, "Knowledge reviewers", person_id("eve"))
    misspelt = replace(settings, focal_point_group="Knowlege focal points")
    found = (await examine(provisioned, misspelt))["who decides"]
    assert not found.well
    assert found.words.startswith("focal_point_group: the directory has no group 'Knowlege focal points'")

    reviewers = state.stable_id("group", "Knowledge reviewers")
    assert (await examine(provisioned, replace(settings, reviewer_group=reviewers)))["who decides"].well
    with state.tx() as c:
        c.execute("DELETE FROM directory_member WHERE grp = ?", (reviewers,))
    assert "'Knowledge reviewers' holds nobody" in (await examine(provisioned))["who decides"].words

    async def twins(*_: object) -> list[str]:
        return ["one", "other"]

    monkeypatch.setattr(people, "find_groups", twins)
    assert "2 groups are called 'Knowledge reviewers'" in (await examine(provisioned))["who decides"].words


async def test_who_may_not_see_groups_is_told_the_permission(provisioned: Provisioned) -> None:
    closed = {"path": "*/memberOf", "status": 403, "retry_after_s": None}
    faults.switch(provisioned.m365.state, "next_requests", on=True, **closed)
    found = (await examine(provisioned))["who decides"]
    assert not found.well and "refused to read somebody's groups" in found.words
    assert "GroupMember.ReadBasic.All" in found.words


def token(**claims: object) -> str:
    """As Entra ID makes them, but for the signature."""
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


async def test_the_permissions_of_the_app_stand_beside_those_it_needs(
    provisioned: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "does not tell" in (await examine(provisioned))["permissions"].words
    graph = provisioned.app.graph
    has = ["Sites.Selected", "User.Read.All", "TeamsAppInstallation.ReadWriteSelfForUser.All"]

    async def bearer(**_: object) -> str:
        return token(roles=has)

    monkeypatch.setattr(graph.tokens, "bearer", bearer)
    with pytest.raises(KM365Error) as missing:
        await doctor_access.permissions(graph)
    said, had = str(missing.value).split(" The app has ")
    assert said.startswith(
        "Missing: GroupMember.ReadBasic.All (who may decide on a lesson), AppCatalog.Read.All"
    )
    assert had.startswith("Sites.Selected, TeamsAppInstallation.ReadWriteSelfForUser.All, User.Read.All.")
    assert "goes on without TermStore.Read.All (terms)" in had

    has += ["GroupMember.Read.All", "AppCatalog.Read.All"]
    assert "which sites" in await doctor_access.permissions(graph)


async def test_a_line_of_the_front_office_that_speaks_of_nobody_is_named(provisioned: Provisioned) -> None:
    assert (await examine(provisioned))["front offices"].well
    for line in ("rolle: x", "Representative"):
        chosen = replace(provisioned.app.settings, front_office=("section: WASH", line))
        found = (await examine(provisioned, chosen))["front offices"]
        assert not found.well and f"front_office: {line!r}" in found.words


async def test_a_mailbox_that_cannot_be_reached_is_told_in_words(provisioned: Provisioned) -> None:
    settings = provisioned.app.settings
    assert "calendar_mailbox is not set" in (await examine(provisioned))["Outlook"].words
    settings = replace(settings, calendar_mailbox=sign_in_name("sue"))
    assert (await examine(provisioned, settings))["Outlook"].well
    closed = {"path": "*/calendar", "status": 403, "retry_after_s": None}
    faults.switch(provisioned.m365.state, "next_requests", on=True, **closed)
    found = (await examine(provisioned, settings))["Outlook"]
    assert not found.well and "Calendars.ReadWrite" in found.words
    found = (await examine(provisioned, replace(settings, calendar_mailbox="nobody@x.example")))["Outlook"]
    assert (
        not found.well and "There is no mailbox 'nobody@x.example'; correct calendar_mailbox." in found.words
    )


async def test_a_failed_job_is_counted_with_its_error(
    provisioned: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = (await examine(provisioned))["jobs"]
    assert found.well
    job = Job(
        id=1,
        name="scan",
        key="scan",
        args={},
        state=JobState.FAILED,
        attempts=12,
        due_at=provisioned.app.clock.now(),
        error="the list is not there",
    )
    monkeypatch.setattr(provisioned.app.jobs, "unmended", lambda c: [job])
    found = (await examine(provisioned))["jobs"]
    assert not found.well
    assert found.words.startswith("Failed: 1, the last is 'scan' (the list is not there)")
