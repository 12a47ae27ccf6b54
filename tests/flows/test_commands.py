"""`km365 flow` and `km365 milestone`, as typed."""

import asyncio
import json

import pytest

from km365.cli import main


@pytest.fixture
def km365(office, monkeypatch, tmp_path, capsys):
    """`code, out, err = await km365("flow", "list")`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KM365_HOME", str(office.settings.home))
    monkeypatch.setenv("KM365_GRAPH_URL", office.settings.graph_url)
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
    assert "2026-03-04  1    1       milestone  Mid-term review" in out
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


async def test_a_dry_run_of_what_decides_nothing_is_wrong_usage(office, km365) -> None:
    code, _, err = await km365("flow", "run", "tidy", "--dry-run")
    assert code == 2
    assert "for scan" in err


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
