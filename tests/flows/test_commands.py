"""`km365 flow` and `km365 milestone`, as typed."""

import asyncio
import json
from datetime import timedelta

import pytest

from km365.cli import main
from km365.core.schedule import Outcome
from km365.jobs import JobState
from km365.store import campaigns, events, outbox
from km365.store.outbox import Delivery

from ..databases import ON_BOTH
from ..databases import sqlite_unless_told as sqlite_unless_told


@pytest.fixture
def km365(office, monkeypatch, tmp_path, capsys):
    """`code, out, err = await km365("flow", "list")`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KM365_HOME", str(office.settings.home))
    monkeypatch.setenv("KM365_GRAPH_URL", office.settings.graph_url)
    monkeypatch.setenv("KM365_DATABASE_URL", office.settings.database_url)
    office.m365.state.set_clock(office.now)

    def typed(*words: str) -> int:
        with pytest.raises(SystemExit) as left:
            main(words)
        return int(left.value.code or 0)

    async def run(*words: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(typed, *words)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


async def test_a_dry_run_prints_whom_it_would_ask(office, km365) -> None:
    office.hire("ann")
    await office.milestone(2)
    code, out, err = await km365("flow", "run", "scan", "--dry-run")
    assert (code, err) == (0, "")
    assert "2026-03-04  1    0    1       milestone  Mid-term review" in out
    assert "Nothing was changed or sent." in out
    assert office.messages() == {}


async def test_a_scan_with_something_to_correct_ends_with_3(office, km365) -> None:
    office.hire("ann")
    await office.milestone(None)
    await office.milestone(2)
    code, out, err = await km365("flow", "run", "scan", "--json")
    assert code == 3
    assert json.loads(out)["messages"] == 1
    assert ["has no date" in line for line in json.loads(out)["warnings"]] == [True]
    assert err == ""
    assert len(office.messages()) == 1


async def test_the_list_shows_when_each_flow_ran(office, km365) -> None:
    await km365("flow", "run", "scan")
    code, out, _ = await km365("flow", "list", "--json")
    assert code == 0
    assert {one["name"]: one["last_run"] for one in json.loads(out)}["scan"] == "2026-03-02"
    _, out, _ = await km365("flow", "list")
    assert "scan" in out and "every day" in out


@pytest.mark.parametrize(("name", "says"), [("prompts", "0 messages to be sent"), ("tidy", "0 rows deleted")])
async def test_the_other_flows_run_on_demand(office, km365, name, says) -> None:
    code, out, _ = await km365("flow", "run", name)
    assert code == 0
    assert says in out
    code, out, _ = await km365("flow", "run", name, "--json")
    assert json.loads(out)["name"] == name


async def test_milestones_are_listed_and_shown_with_their_people(office, km365) -> None:
    office.hire("ann")
    key = await office.milestone(2)
    await office.milestone(None)
    await km365("flow", "run", "scan")
    code, out, err = await km365("milestone", "list")
    assert code == 3
    assert "2026-03-04" in out and "no date" in out
    assert "has no date" in err
    code, out, _ = await km365("milestone", "list", "--office", "co-cas", "--json")
    assert (code, json.loads(out)) == (0, [])
    code, out, _ = await km365("milestone", "show", key)
    assert code == 0
    assert "mid-term review, CO-BEL, 2026-03-04, planned" in out
    assert "Ann" in out
    code, out, _ = await km365("milestone", "show", key, "--json")
    assert json.loads(out)["people"][0]["sent"] == 1


async def test_a_milestone_that_is_not_there_is_one_line(office, km365) -> None:
    code, _, err = await km365("milestone", "show", "99")
    assert code == 1
    assert "'99'" in err and err.count("\n") == 1


def ends(office, key: str, how: str, note: str = "The service stopped.") -> None:
    """The message was tried and ended so."""
    with office.db.begin() as c:
        outbox.claim(c, key, at=office.now)
        getattr(outbox, how)(c, key, note=note, at=office.now)


@ON_BOTH
async def test_a_milestone_says_for_each_person_what_became_of_the_invitation(office, km365) -> None:
    people = {name: office.hire(name) for name in ("ann", "ben", "cleo", "dan", "eve")}
    key = await office.milestone(2)
    await office.scan()
    invitation = {name: f"invite:{key}:{person}" for name, person in people.items()}
    ends(office, invitation["ben"], "unknown")
    ends(office, invitation["cleo"], "unreachable", "The person removed the app.")
    ends(office, invitation["dan"], "failed", "Teams refused the message (400).")
    with office.db.begin() as c:
        outbox.claim(c, invitation["eve"], at=office.now)
        outbox.sent(c, invitation["eve"], activity_id="1", at=office.now)
    code, out, _ = await km365("milestone", "show", key)
    assert code == 0
    for line in (
        "Ann   waiting until 2026-03-02 10:00 UTC",
        "Ben   unknown, it may have arrived: The service stopped.",
        "Cleo  unreachable: The person removed the app.",
        "Dan   failed: Teams refused the message (400).",
        "Eve   sent 2026-03-02 10:00 UTC",
        f"Ask whether it arrived; if not, `km365 message resend {invitation['ben']}`.",
        "Ben (ben@childrensagency.example)",
    ):
        assert line in out
    code, out, _ = await km365("milestone", "show", key, "--json")
    found = {one["name"]: (one["delivery"], bool(one["advice"])) for one in json.loads(out)["people"]}
    assert found == {
        "Ann": ("waiting", False),
        "Ben": ("unknown", True),
        "Cleo": ("unreachable", True),
        "Dan": ("failed", True),
        "Eve": ("sent", False),
    }


@ON_BOTH
async def test_a_person_decides_to_send_a_message_again_and_it_is_sent_once(office, km365) -> None:
    ann, key = office.hire("ann"), await office.milestone(2)
    await office.scan()
    invitation = f"invite:{key}:{ann}"
    code, _, err = await km365("message", "resend", invitation)
    assert code == 4
    assert "not sent again: waiting until" in err
    ends(office, invitation, "unknown")
    code, out, _ = await km365("message", "list")
    assert code == 0
    assert invitation in out and "it may have arrived: The service stopped. Ask whether" in out
    code, out, _ = await km365("message", "list", "--json")
    assert [one["state"] for one in json.loads(out)] == ["unknown"]
    code, _, err = await km365("message", "resend", invitation)
    assert (code, err) == (0, "")
    assert office.messages()[invitation].state is Delivery.WAITING
    code, _, _ = await km365("message", "resend", invitation)
    assert code == 4
    with office.db.begin() as c:
        assert invitation in {one.key for one in office.jobs.list_(c, state=JobState.WAITING)}
        (event,) = events.list_(c, subject=invitation)
    assert event.what == {"was": "unknown"}


async def test_a_message_that_is_not_there_is_one_line(km365) -> None:
    code, _, err = await km365("message", "resend", "invite:9:nobody")
    assert code == 1
    assert "'invite:9:nobody'" in err and err.count("\n") == 1


async def test_whoever_has_answered_is_not_written_to_again(office, km365) -> None:
    ann, key = office.hire("ann"), await office.milestone(2)
    await office.scan()
    ends(office, f"invite:{key}:{ann}", "unknown")
    with office.db.begin() as c:
        campaigns.stop(c, ann, f"milestone:{key}", at=office.now)
    code, _, err = await km365("message", "resend", f"invite:{key}:{ann}")
    assert code == 4
    assert "the person has answered" in err
    _, out, _ = await km365("milestone", "show", key)
    assert "message resend" not in out
    assert office.messages()[f"invite:{key}:{ann}"].state is Delivery.UNKNOWN


async def test_what_was_said_long_ago_cannot_be_sent_again(office, km365) -> None:
    ann, key = office.hire("ann"), await office.milestone(2)
    await office.scan()
    ends(office, f"invite:{key}:{ann}", "failed")
    with office.db.begin() as c:
        outbox.forget_data(c, ended_before=office.now + timedelta(days=1))
    code, _, err = await km365("message", "resend", f"invite:{key}:{ann}")
    assert code == 4
    assert "deleted after 30 days" in err


async def test_somebody_who_has_the_app_again_is_invited_and_reminded(office, km365) -> None:
    ann, key = office.hire("ann"), await office.milestone(2)
    await office.scan()
    ends(office, f"invite:{key}:{ann}", "unreachable")
    await office.look(days=4)
    with office.db.begin() as c:
        assert campaigns.counts(c, f"milestone:{key}") == {Outcome.UNREACHABLE: 1}
    office.m365.state.set_clock(office.now)
    code, _, _ = await km365("message", "resend", f"invite:{key}:{ann}")
    assert code == 0
    office.now += timedelta(minutes=5)  # the command's clock went on
    office.deliver()
    assert await office.look(days=3) == 1, "on Monday"
