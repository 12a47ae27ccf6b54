"""`km365 tag` with a list such as Knowledge, whose items are lessons: planned, reported on, learnt from."""

import json
from pathlib import Path
from typing import Any

from km365.errors import ExitCode
from km365.graph import lists, sites
from km365.store import feedback as store

from ..conftest import KNOWLEDGE, Provisioned
from .conftest import Type

TEXT = "Chest freezers keep vaccines at the right temperature in every health post."


async def write(here: Provisioned, *titles: str, audience: str = "U") -> list[str]:
    """The paths of new lessons with these titles."""
    graph, found = here.app.graph, []
    site = await sites.get_site(graph, KNOWLEDGE)
    knowledge = await lists.get_list(graph, site.id, "Knowledge")
    for title in titles:
        fields = {"Title": title, "KMDescription": TEXT, "KMAudience": audience, "KMId": title}
        item = await lists.create_item(graph, site.id, knowledge.id, fields)
        found.append(lists.item_path(site.id, knowledge.id, item.id))
    return found


async def applied(km365: Type, edit: Any = lambda plan: None) -> str:
    """The run that applied a plan of the lessons, edited."""
    planned = await km365("tag", "plan", "--list", "Knowledge", "--site", KNOWLEDGE, "-o", "plan.json")
    assert "To add" in planned.err
    edited(edit)
    done = await km365("tag", "apply", "plan.json", "--json")
    assert done.code == ExitCode.DONE, done.err
    return str(done.json["run"]["id"])


def edited(edit: Any) -> None:
    plan = json.loads(Path("plan.json").read_text(encoding="utf-8"))
    edit(plan)
    Path("plan.json").write_text(json.dumps(plan), encoding="utf-8")


async def test_a_run_over_lessons_is_reported_with_their_coverage(
    km365: Type, provisioned: Provisioned
) -> None:
    await write(provisioned, "Freezers by boat", "Freezers by mule")
    await write(provisioned, "A quarrel about freezers", audience="R")
    run = await applied(km365)
    done = await km365("tag", "report", run, "-o", "report.html")
    assert done.code == ExitCode.DONE, done.err
    assert "Knowledge: 0% of documents had a term before it, 67% after it" in done.err
    assert "Coverage is not in it" not in done.err


async def test_corrected_lessons_are_learnt_from_as_documents_are(
    km365: Type, provisioned: Provisioned
) -> None:
    boat, mule, _ = await write(provisioned, "Freezers by boat", "Freezers by mule", "Freezers by truck")

    def missed(plan: Any) -> None:
        for one in plan["documents"][:2]:
            one["columns"]["KMTopic"]["add"].append({"term": "Cold chain"})

    await applied(km365, missed)
    learnt = await km365("tag", "learn")
    assert learnt.code == ExitCode.DONE, learnt.err
    assert "Documents to learn from: 2, 2 of them read now." in learnt.err
    listed = (await km365("taxonomy", "synonyms", "list", "--json")).json
    (found,) = [one for one in listed if one["text"] == "chest freezers"]
    assert found["where"] == ["Knowledge/Freezers by boat", "Knowledge/Freezers by mule"]
    assert "0 of them read now" in (await km365("tag", "learn")).err

    graph = provisioned.app.graph
    await graph.delete(mule)
    await graph.patch(f"{boat}/fields", {"KMAudience": "R"})
    assert (await km365("tag", "learn")).code == ExitCode.DONE
    assert await provisioned.app.db.run(store.examples) == []
    assert await provisioned.app.db.run(store.list_) == []


async def test_what_is_said_of_a_lesson_by_its_address_is_heeded_and_forgotten(
    km365: Type, provisioned: Provisioned
) -> None:
    await write(provisioned, "Freezers by boat")
    await write(provisioned, "A quarrel about freezers", audience="R")
    address, private = await addresses(provisioned)
    found: list[Any] = []
    added = await km365("tag", "feedback", "add", address, "--missing", "Cold chain")
    assert "Kept: 1 of 1 for Knowledge/Freezers by boat." in added.err, added.err
    await km365("tag", "plan", "--list", "Knowledge", "--site", KNOWLEDGE, "-o", "plan.json")
    edited(lambda plan: found.append(plan["documents"][0]["columns"]["KMTopic"]["add"]))
    assert "Cold chain" in [one["term"] for one in found[0]]
    form = f"{address.rpartition('/')[0]}/DispForm.aspx?ID={address.rpartition('/')[2].partition('_')[0]}"
    assert "Deleted: 1." in (await km365("tag", "feedback", "forget", form, "--yes")).err

    refused = await km365("tag", "feedback", "add", private, "--missing", "Cold chain")
    assert (refused.code, "for named readers only" in refused.err) == (ExitCode.REFUSED, True)
    view = f"{address.rpartition('/')[0]}/AllItems.aspx"
    refused = await km365("tag", "feedback", "add", view, "--missing", "Cold chain")
    assert "is in the list 'Knowledge'; open the item" in refused.err


async def addresses(here: Provisioned) -> list[str]:
    """What a browser shows for each lesson."""
    site = await sites.get_site(here.app.graph, KNOWLEDGE)
    knowledge = await lists.get_list(here.app.graph, site.id, "Knowledge")
    return [one.web_url async for one in lists.list_items(here.app.graph, site.id, knowledge.id)]


async def test_what_is_said_of_a_lesson_is_said_in_a_plan(km365: Type, provisioned: Provisioned) -> None:
    await write(provisioned, "Freezers by boat")
    where = ("--site", KNOWLEDGE, "--library", "Knowledge")
    refused = await km365("tag", "feedback", "add", "Freezers by boat", "--wrong", "Immunization", *where)
    assert refused.code == ExitCode.REFUSED
    assert "corrected in a plan: `km365 tag plan --list Knowledge`" in refused.err
