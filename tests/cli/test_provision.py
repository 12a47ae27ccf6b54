"""`km365 provision` and `km365 doctor` as typed."""

from km365.errors import ExitCode
from km365.local import faults, users

from ..conftest import Provisioned, person_id
from .conftest import Type


async def test_nothing_is_missing_once_it_is_provisioned(km365: Type) -> None:
    planned = await km365("provision", "plan")
    assert (planned.code, planned.out, planned.err) == (ExitCode.DONE, "", "Nothing is missing.\n")
    assert (await km365("provision", "plan", "--json")).json == []
    applied = await km365("provision", "apply")
    assert applied.code == ExitCode.DONE
    assert applied.err.endswith("Nothing was missing.\n")


async def test_what_is_missing_is_listed_and_created(km365: Type, provisioned: Provisioned) -> None:
    with provisioned.m365.state.tx() as c:
        c.execute("UPDATE column_definition SET indexed = 0 WHERE name = 'KMPerson'")
    planned = await km365("provision", "plan", "--json")
    assert [(one["what"], one["where"]) for one in planned.json] == [
        ("index", "Departures"),
        ("index", "Handover notes"),
    ]
    assert (await km365("provision", "plan")).err == "Missing: 2. `km365 provision apply` creates it.\n"
    assert (await km365("provision", "apply")).err.endswith("Created: 2.\n")
    assert (await km365("provision", "plan", "--json")).json == []


async def test_whoever_makes_the_restricted_library_hears_that_its_readers_are_theirs_to_set(
    km365: Type, provisioned: Provisioned
) -> None:
    with provisioned.m365.state.tx() as c:
        c.execute("UPDATE list SET display_name = 'Away', name = 'Away' WHERE name LIKE 'Handover%'")
    applied = await km365("provision", "apply")
    assert applied.code == ExitCode.DONE
    assert "'Handover notes' is open to whoever may read the knowledge site" in applied.err.splitlines()[-1]


async def test_a_column_for_people_to_mend_is_named_and_the_exit_code_says_in_part(
    km365: Type, provisioned: Provisioned
) -> None:
    with provisioned.m365.state.tx() as c:
        c.execute("DELETE FROM column_definition WHERE note_of = 'KMTopic'")
    applied = await km365("provision", "apply")
    assert applied.code == ExitCode.PARTLY
    line = applied.err.splitlines()[-1]
    assert line.startswith("km365: Created: 0. The hidden note field")
    assert "'Topic' of Knowledge" in line and "'Topic' of CO-BEL Belmora/Documents" in line


async def test_a_refused_permission_has_its_exit_code(km365: Type, provisioned: Provisioned) -> None:
    settings = {"verb": "GET", "path": "*/lists*", "status": 403, "times": 9}
    faults.switch(provisioned.m365.state, "next_requests", on=True, **settings)
    refused = await km365("provision", "plan")
    assert refused.code == ExitCode.REFUSED
    assert "Sites." in refused.err


async def test_the_doctor_says_each_finding_and_fails_while_one_is_not_well(
    km365: Type, provisioned: Provisioned
) -> None:
    users.join_group(provisioned.m365.state, "Knowledge reviewers", person_id("eve"))
    found = await km365("doctor", "--json")
    assert found.code == ExitCode.FAILED
    assert {one["about"] for one in found.json if not one["well"]} == {"bot"}
    words = await km365("doctor")
    assert "ok       lists, columns and terms: All there." in words.out
    assert "PROBLEM  bot: Nothing answers at" in words.out
