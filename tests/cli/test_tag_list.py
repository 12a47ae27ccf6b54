"""`km365 tag` with a list such as Knowledge, whose items are lessons: planned, reported on, learnt from."""

import json
from pathlib import Path
from typing import Any

from km365.errors import ExitCode
from km365.graph import lists, sites

from ..conftest import KNOWLEDGE, Provisioned
from .conftest import Type

TEXT = "Chest freezers keep vaccines at the right temperature in every health post."


async def write(here: Provisioned, *titles: str, audience: str = "U") -> None:
    """Lessons with these titles."""
    site = await sites.get_site(here.app.graph, KNOWLEDGE)
    knowledge = await lists.get_list(here.app.graph, site.id, "Knowledge")
    for title in titles:
        fields = {"Title": title, "KMDescription": TEXT, "KMAudience": audience, "KMId": title}
        await lists.create_item(here.app.graph, site.id, knowledge.id, fields)


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
