"""Pausing an automation, trying one out, and the process that does nothing but work."""

import asyncio
import json
import os
import signal
import sys

import pytest
from km365_flows.app import serve

from km365.app import open_app
from km365.services import flows, prompts
from km365.store import cursors

from ..databases import KINDS, ON_BOTH, ON_SQLITE
from .test_commands import km365 as km365
from .test_service import messages, scan_is_done, until

ON_A_SERVER = pytest.mark.parametrize("database_url", KINDS[1:], indirect=True)


@ON_SQLITE
async def test_a_paused_automation_does_nothing_in_any_process_until_it_is_resumed(office, km365) -> None:
    office.hire("ann")
    await office.milestone(2)
    code, out, _ = await km365("flow", "pause", "scan", "--dry-run", "--json")
    assert (code, json.loads(out)) == (0, {"name": "scan", "dry_run": True})
    assert (await km365("flow", "pause", "scan"))[0] == 0, "the dry run has not paused it"
    code, _, err = await km365("flow", "pause", "scan")
    assert code == 4 and "is paused since 2026-03-02T10:00" in err
    code, out, _ = await km365("flow", "list", "--json")
    assert [one["name"] for one in json.loads(out) if one["paused"]] == ["scan"]
    assert "paused since" in (await km365("flow", "list"))[1]
    code, _, err = await km365("flow", "run", "scan")
    assert code == 4 and "km365 flow resume scan" in err
    async with open_app(office.settings) as app, serve(app):
        await until(lambda: office.db.path is not None and tidied(office))
        assert messages(office) == set()
        assert (await km365("flow", "resume", "scan"))[0] == 0
        await until(lambda: len(messages(office)) == 1)
    code, _, err = await km365("flow", "resume", "scan")
    assert code == 4 and "is not paused" in err


def tidied(office) -> bool:
    with office.db.begin() as c:
        return cursors.get(c, "flow:tidy") is not None


@ON_BOTH
async def test_a_paused_automation_of_invitations_puts_nothing_in_the_outbox(office, km365) -> None:
    office.hire("ann")
    await office.milestone(2)
    with office.db.begin() as c:
        flows.pause(c, "prompts", who="test", now=office.now)
    await office.scan()
    assert office.messages() == {}
    code, out, _ = await km365("flow", "run", "prompts", "--dry-run")
    assert code == 0 and "Without --dry-run: 1 messages to be sent" in out
    assert office.messages() == {}, "a dry run changes nothing"
    with office.db.begin() as c:
        flows.resume(c, office.jobs, "prompts", who="test", now=office.now)
    assert await prompts.send_due(office.db, office.jobs, office.hours, now=office.now) == 1


@ON_SQLITE
@pytest.mark.parametrize(
    ("name", "says"), [("tidy", "0 rows deleted"), ("watch", "0 libraries"), ("prompts", "0 messages")]
)
async def test_each_automation_says_what_it_would_do(km365, name: str, says: str) -> None:
    code, out, err = await km365("flow", "run", name, "--dry-run")
    assert (code, err) == (0, "")
    assert says in out and "Nothing was changed or sent." in out


@ON_SQLITE
async def test_events_in_outlook_are_rehearsed_and_made_where_a_mailbox_is_set(
    office, km365, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = await km365("flow", "run", "outlook")
    assert code == 4 and "set calendar_mailbox" in err
    office.hire("desk")
    await office.milestone(2)
    monkeypatch.setenv("KM365_CALENDAR_MAILBOX", "desk@childrensagency.example")
    code, out, _ = await km365("flow", "run", "outlook", "--dry-run")
    assert code == 0 and "Without --dry-run: 1 events made, 0 changed, 0 taken out" in out
    code, out, _ = await km365("flow", "run", "outlook", "--json")
    assert code == 0 and json.loads(out)["made"] == 1


@ON_SQLITE
async def test_an_automation_without_a_dry_run_says_so(km365) -> None:
    code, _, err = await km365("flow", "run", "search", "--dry-run")
    assert code == 2 and "search has no dry run" in err


@ON_SQLITE
async def test_a_worker_does_not_share_a_database_that_is_a_file(km365) -> None:
    code, _, err = await km365("worker")
    assert code == 4 and "needs a PostgreSQL database" in err and err.count("\n") == 1


@ON_A_SERVER
async def test_a_worker_does_the_work_and_ends_when_told(office) -> None:
    office.m365.state.set_clock(office.now)
    office.hire("ann")
    await office.milestone(2)
    told = {
        "KM365_HOME": str(office.settings.home),
        "KM365_GRAPH_URL": office.settings.graph_url,
        "KM365_DATABASE_URL": office.settings.database_url,
    }
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "km365", "worker"),
        env=os.environ | told,
        stderr=asyncio.subprocess.PIPE,
    )
    await until(lambda: scan_is_done(office) and len(messages(office)) == 1)
    worker.send_signal(signal.SIGINT)
    async with asyncio.timeout(60):
        _, said = await worker.communicate()
    assert worker.returncode == 0, said.decode()
    assert "what runs comes to its end" in said.decode()
