"""`km365 taxonomy request` as typed."""

import json
from pathlib import Path

import pytest

from km365.errors import ExitCode

from ..conftest import sign_in_name
from .conftest import Type

WANTED = ("Climate anxiety", "--facet", "topic", "--because", "Three reports are on it")


async def test_a_term_is_asked_for_listed_accepted_and_in_the_file(
    km365: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (await km365("taxonomy", "request", "add", *WANTED, "--json")).json["id"]
    again = await km365("taxonomy", "request", "add", *WANTED, "--as", sign_in_name("ann"))
    assert again.err == f"Asked for: Climate anxiety in topic (request {made}).\n"
    (listed,) = (await km365("taxonomy", "request", "list", "--json")).json
    assert (listed["id"], listed["evidence"]["askers"]) == (made, 2)
    assert listed["because"] == ["Three reports are on it", "Three reports are on it"]
    assert "Climate anxiety (en)" in (await km365("taxonomy", "request", "list")).out
    assert (await km365("taxonomy", "request", "accept", made, "--yes")).code == ExitCode.REFUSED
    monkeypatch.setenv("KM365_TEMPLATES", str(tmp_path))
    tried = await km365("taxonomy", "request", "accept", made, "--dry-run")
    assert (tried.code, "topic/climate-anxiety" in tried.out) == (ExitCode.DONE, True)
    accepted = await km365("taxonomy", "request", "accept", made, "--yes")
    assert accepted.code == ExitCode.DONE
    ids = [one["id"] for one in json.loads((tmp_path / "taxonomies" / "topic.json").read_text())["concepts"]]
    assert ids[-1] == "topic/climate-anxiety"
    assert "topic/climate-anxiety" in (await km365("taxonomy", "push", "--plan", "topic")).out


async def test_what_is_a_term_already_is_refused_with_its_id(km365: Type) -> None:
    ran = await km365("taxonomy", "request", "add", "latrines", "--facet", "topic", "--because", "x")
    assert ran.code == ExitCode.REFUSED
    assert "'latrines' is there: Sanitation (topic/sanitation)" in ran.err


async def test_a_declined_request_keeps_its_reason(km365: Type) -> None:
    made = (await km365("taxonomy", "request", "add", *WANTED, "--json")).json["id"]
    ran = await km365("taxonomy", "request", "decline", made, "--because", "Too narrow")
    assert ran.err == f"Declined: Climate anxiety (request {made}).\n"
    assert (await km365("taxonomy", "request", "list")).err == "Nobody waits for a term.\n"
    assert "Too narrow" in (await km365("taxonomy", "request", "list", "--all")).out
