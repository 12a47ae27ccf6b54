"""The flows service: begins by itself, goes on after any end, asks nobody twice."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from km365_bots.app import serve as serve_bot
from km365_flows.app import serve

from km365.app import App, open_app
from km365.core.schedule import Outcome
from km365.errors import SettingsError
from km365.jobs import JobState
from km365.jobs.sqlite import SqliteJobs
from km365.local import apps
from km365.services import calendar_scan
from km365.settings import Settings
from km365.store import campaigns, cursors, outbox
from km365.store.outbox import Delivery
from km365.store.tables import job

from ..databases import ON_SQLITE

SERVICE = Path(__file__).with_name("service.py")


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(office) -> AsyncIterator[App]:
    settings = replace(office.settings, working_hours="")
    async with open_app(settings) as app, serve(app) as line:
        assert "\n" not in line
        yield app


async def test_starting_the_service_invites_everyone_and_a_restart_nobody_again(office) -> None:
    office.m365.state.set_clock(office.now)
    ann = office.hire("ann")
    key = await office.milestone(2)
    for _ in range(2):
        async with running(office):
            await until(lambda: scan_is_done(office))
    assert set(office.messages()) == {f"invite:{key}:{ann}"}


@ON_SQLITE
async def test_a_new_day_is_scanned_and_the_reminder_goes_out(office) -> None:
    office.m365.state.set_clock(office.now)
    office.hire("ann")
    await office.milestone(20)
    async with running(office):
        await until(lambda: scan_is_done(office))
    assert office.messages() == {}
    office.now = office.now.replace(day=10)
    office.m365.state.set_clock(office.now)
    async with running(office):
        await until(lambda: len(office.messages()) == 1)


@ON_SQLITE
async def test_asking_for_the_time_again_never_turns_it_back(office) -> None:
    office.m365.state.set_clock(office.now)
    async with open_app(Settings(home=office.settings.home, graph_url=office.settings.graph_url)) as app:
        for _ in range(5):
            before = app.clock.now()
            await app.clock.refresh()
            assert app.clock.now() >= before
    assert before.date() == office.now.date()


@ON_SQLITE
async def test_a_calendar_that_cannot_be_read_is_tried_again(office) -> None:
    office.hire("ann")
    settings = Settings(
        home=office.settings.home,
        graph_url=office.settings.graph_url,
        knowledge_site="nowhere.example:/sites/x",
    )
    async with open_app(settings) as app, serve(app):
        await until(lambda: bool(failures(office)))
    assert "does not find a site" in failures(office)[0]


@ON_SQLITE
async def test_a_runner_that_breaks_begins_again(office, monkeypatch, caplog) -> None:
    office.m365.state.set_clock(office.now)
    original, breaks = SqliteJobs.run, iter([RuntimeError("once")])

    async def run(self, stop) -> None:
        trouble = next(breaks, None)
        if trouble:
            raise trouble
        await original(self, stop)

    monkeypatch.setattr(SqliteJobs, "run", run)
    monkeypatch.setattr("km365_flows.app._PAUSE_S", 0)
    async with running(office):
        await until(lambda: scan_is_done(office))
    assert "begins again" in caplog.text


@ON_SQLITE
async def test_working_hours_that_make_no_sense_stop_the_start(office) -> None:
    settings = Settings(home=office.settings.home, graph_url=office.settings.graph_url, working_hours="late")
    async with open_app(settings) as app:
        with pytest.raises(SettingsError, match="working_hours"):
            async with serve(app):
                pass


@ON_SQLITE
async def test_losing_every_job_loses_no_message_and_no_scan(office) -> None:
    """Both services and no helping hand: what runs every minute finds the message and the scan again."""
    office.m365.state.set_clock(office.now)
    apps.publish(office.m365.state, Settings().teams_app_id, "km365")
    ann, ben = office.hire("ann"), office.hire("ben")
    key = await office.milestone(2, asked=ann)
    settings = Settings(home=office.settings.home, graph_url=office.settings.graph_url, port=0)
    async with open_app(settings) as app, serve_bot(app):
        await office.scan()
        other = await office.milestone(2, asked=ben)
        with office.db.begin() as c:
            cursors.forget(c, calendar_scan.LAST_SCAN)
        async with serve(app):
            lose_all_jobs(office)
            await until(lambda: arrived(office) == {f"invite:{key}:{ann}", f"invite:{other}:{ben}"})


def lose_all_jobs(office) -> None:
    with office.db.begin() as c:
        c.execute(job.delete())


async def test_killed_at_random_moments_everyone_is_asked_exactly_once(office) -> None:
    people = [office.hire(f"colleague{number}") for number in range(300)]
    office.m365.state.set_clock(office.now)
    key = await office.milestone(2)
    chance = random.Random(4)
    for life in range(4):
        service = await asyncio.create_subprocess_exec(
            sys.executable,
            SERVICE,
            office.settings.home,
            office.settings.graph_url,
            office.settings.database_url,
            stdout=asyncio.subprocess.PIPE,
        )
        assert service.stdout is not None
        assert await service.stdout.readline() == b"ready\n"
        if life == 3:
            await until(lambda: len(messages(office)) == len(people))
        else:
            await asyncio.sleep(chance.uniform(0.0, 0.5))
        service.kill()
        await service.wait()
    assert messages(office) == {f"invite:{key}:{person}" for person in people}
    with office.db.begin() as c:
        stand = campaigns.people(c, f"milestone:{key}")
    assert {(one.progress.state, one.progress.sent) for one in stand} == {(Outcome.OPEN, 1)}
    assert len(stand) == len(people)


def messages(office) -> set[str]:
    with office.db.begin() as c:
        return {one.message.key for one in outbox.list_(c, limit=1000)}


def arrived(office) -> set[str]:
    return {key for key, sent in office.messages().items() if sent.state is Delivery.SENT}


def scan_is_done(office) -> bool:
    with office.db.begin() as c:
        waiting = [one for one in office.jobs.list_(c) if one.name == "scan" and one.state != JobState.DONE]
        return not waiting and cursors.get(c, calendar_scan.LAST_SCAN) is not None


def failures(office) -> list[str]:
    with office.db.begin() as c:
        return [one.error for one in office.jobs.list_(c) if one.error]
