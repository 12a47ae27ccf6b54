"""Tagging and searching with our database on a PostgreSQL server, as two machines of an office would."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from km365.app import open_app
from km365.errors import GraphUnreachable, PlanRefused
from km365.services import doctor, taxonomy

from ..conftest import Provisioned
from ..databases import fresh, needs_postgresql
from .desk import KIND, TOPIC, Desk, states
from .shelf import BEN, Shelf

pytestmark = needs_postgresql


@pytest.fixture
async def provisioned(provisioned: Provisioned, tmp_path: Path) -> AsyncIterator[Provisioned]:
    """The same organisation, and our database elsewhere."""
    with fresh("postgresql", tmp_path) as url:
        async with open_app(replace(provisioned.app.settings, database_url=url)) as app:
            yield replace(provisioned, app=app)


@pytest.fixture
async def elsewhere(provisioned: Provisioned, desk: Desk, tmp_path: Path) -> AsyncIterator[Desk]:
    """The desk of a colleague at another machine, on the same database."""
    settings = replace(provisioned.app.settings, home=tmp_path / "another")
    async with open_app(settings) as app:
        yield replace(desk, here=replace(provisioned, app=app))


async def test_a_run_goes_on_where_it_was_cut_off_and_is_undone(desk: Desk) -> None:
    files = await desk.uploads(22)
    await desk.set_terms(files[0], TOPIC, 3, 4)
    before = [await desk.tags(file) for file in files]
    plan = await desk.plan(files, TOPIC, KIND)
    await desk.quirk("next_requests", verb="PATCH", path="*/fields", status=504, times=22)
    with pytest.raises(GraphUnreachable):
        await desk.apply(plan)
    assert await desk.runs() == [("tag", "stopped")]
    done = await desk.apply(plan)
    assert set(states(done)) == {"done"}
    assert set(states(await desk.undo(done.run.id))) == {"done"}
    assert [await desk.tags(file) for file in files] == before
    assert await desk.runs() == [("tag", "undone"), ("undo", "done")]


async def test_a_plan_is_applied_by_one_machine_at_a_time(desk: Desk, elsewhere: Desk) -> None:
    plan = await desk.plan(await desk.uploads(5))
    here, there = await asyncio.gather(desk.apply(plan), elsewhere.apply(plan), return_exceptions=True)
    assert sum(isinstance(came, PlanRefused) for came in (here, there)) == 1
    (outcome,) = [came for came in (here, there) if not isinstance(came, BaseException)]
    assert states(outcome) == ["done"] * 5


async def test_the_doctor_names_the_server_and_who_makes_the_copies(provisioned: Provisioned) -> None:
    app = provisioned.app
    words = taxonomy.shipped(app.templates)
    found = doctor.examine(app.graph, app.db, app.jobs, app.settings, words, now=app.clock.now())
    (database,) = [finding async for finding in found if finding.about == "database"]
    assert database.well
    assert database.words.startswith("Sound; PostgreSQL 1")
    assert "pg_dump" in database.words


async def test_what_is_known_is_found_and_what_was_narrowed_is_not(shelf: Shelf) -> None:
    row_id = await shelf.keeps("KM-1", title="Fridges", description="Fridges failed in the rains.")
    await shelf.uploads("Pumps.txt", "Forty pumps failed.")
    await shelf.looks()
    (hit,) = (await shelf.finds("fridge failures")).hits
    assert hit.sentence == "Fridges failed in the rains."
    (hit,) = (await shelf.finds("pumps", BEN)).hits
    assert hit.sentence == "Forty pumps failed."
    await shelf.changes(row_id, KMMaturity="retired")
    await shelf.looks()
    assert (await shelf.finds("fridge failures")).hits == ()
