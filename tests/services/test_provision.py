"""Provisioning an organisation that has nothing yet, one that has something, and one that is interrupted."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from km365.app import App, open_app
from km365.core.schema import KNOWLEDGE, LESSON_TAG_COLUMNS, LISTS, TAG_COLUMNS, TERM_GROUP
from km365.core.taxonomy import Concept, Taxonomy, TermSet
from km365.errors import GraphError, PartlyDone, PlanRefused
from km365.graph import columns, lists, sites, terms
from km365.graph.lists import SharePointList
from km365.local import sites as local_sites
from km365.local.server import M365
from km365.services import provision, term_push
from km365.services.provision import Step

from ..conftest import settings_for

WORDS = Taxonomy(
    term_sets=tuple(
        TermSet(
            key=str(column.term_set),
            names={"en": column.title},
            column=column.name,
            concepts=(
                Concept(id=f"{column.term_set}/a", labels={"en": "A"}),
                Concept(id=f"{column.term_set}/b", labels={"en": "B"}, broader=f"{column.term_set}/a"),
            ),
        )
        for column in LESSON_TAG_COLUMNS
    )
)
"""Two terms a facet: quick to make, and as deep as it gets."""


@pytest.fixture
async def app(m365: M365, tmp_path: Path) -> AsyncIterator[App]:
    """An organisation with two empty sites."""
    local_sites.root(m365.state)
    local_sites.create(m365.state, "/sites/knowledge", "Knowledge")
    local_sites.create(m365.state, "/sites/co-bel", "CO-BEL Belmora")
    async with open_app(settings_for(tmp_path, m365)) as opened:
        yield opened


async def plan(app: App) -> list[Step]:
    return await provision.plan(app.graph, app.settings, WORDS)


async def apply(app: App, **more: Any) -> list[Step]:
    return await provision.apply(app.graph, app.settings, WORDS, **more)


async def writes(m365: M365) -> int:
    async with httpx.AsyncClient(base_url=m365.base_url) as http:
        return len((await http.get("/_local/journal")).json()["entries"])


async def knowledge(app: App) -> tuple[str, SharePointList]:
    site = await sites.get_site(app.graph, app.settings.knowledge_site)
    return site.id, await lists.get_list(app.graph, site.id, KNOWLEDGE.title)


async def test_a_plan_says_everything_that_is_missing_and_writes_nothing(app: App, m365: M365) -> None:
    steps = await plan(app)
    kinds = {step.what for step in steps}
    assert kinds == {"term set", "content type", "list", "column", "content type in use"}
    assert sum(step.what == "list" for step in steps) == len(LISTS)
    columns_wanted = sum(len(spec.columns) for spec in LISTS.values()) + len(TAG_COLUMNS)
    assert sum(step.what == "column" for step in steps) == columns_wanted
    assert await writes(m365) == 0


async def test_apply_creates_what_was_planned_and_a_second_one_does_nothing(app: App, m365: M365) -> None:
    planned = await plan(app)
    heard: list[Step] = []
    assert await apply(app, done=heard.append) == planned == heard
    before = await writes(m365)
    assert await plan(app) == []
    assert await apply(app) == []
    assert await writes(m365) == before


async def test_what_is_created_is_what_the_schema_says(app: App) -> None:
    await apply(app)
    site_id, made = await knowledge(app)
    found = {column.name: column for column in await lists.list_columns(app.graph, site_id, made.id)}
    for column in KNOWLEDGE.columns:
        assert found[column.name].display_name == column.title
        assert found[column.name].indexed == column.indexed
        assert found[column.name].choices == column.choices
    assert KNOWLEDGE.content_type in {
        one.name for one in await lists.list_content_types(app.graph, site_id, made.id)
    }
    stored = await terms.read_sets(app.graph, site_id, group=TERM_GROUP)
    assert {one.key: len(one.terms) for one in stored} == {one.key: 2 for one in WORDS.term_sets}


@pytest.mark.parametrize("call", [3, 30])
async def test_an_interrupted_apply_goes_on_where_it_stopped(app: App, call: int) -> None:
    planned = await plan(app)
    count = 0

    def stop(_: Step) -> None:
        nonlocal count
        count += 1
        if count == call:
            raise GraphError("The network is gone.")

    with pytest.raises(GraphError, match="The network is gone"):
        await apply(app, done=stop)
    assert await apply(app) == planned[call:]
    assert await plan(app) == []


async def test_terms_are_not_created_while_somebody_pushes_them(app: App) -> None:
    with term_push.alone(app.settings.home), pytest.raises(PlanRefused, match="wait for it to end"):
        await apply(app)
    assert [step.what for step in await apply(app)].count("term set") == len(LESSON_TAG_COLUMNS)


async def test_a_missing_index_is_added(app: App) -> None:
    await apply(app)
    site_id, made = await knowledge(app)
    found = {column.name: column for column in await lists.list_columns(app.graph, site_id, made.id)}
    await lists.update_column(app.graph, site_id, made.id, found["KMOffice"].id, {"indexed": False})
    assert await plan(app) == [Step(what="index", name="Office", where="Knowledge")]
    await apply(app)
    assert await plan(app) == []


async def test_a_missing_term_is_added(app: App) -> None:
    await apply(app)
    site_id, _ = await knowledge(app)
    sets = await terms.read_sets(app.graph, site_id, group=TERM_GROUP)
    leaf = next(term for term in sets[0].terms if term.parent_id)
    await app.graph.delete(f"/sites/{site_id}/termStore/sets/{sets[0].id}/terms/{leaf.id}")
    (step,) = await plan(app)
    assert (step.what, step.where) == ("term set", "1 terms")
    await apply(app)
    assert await plan(app) == []


async def test_a_column_that_lost_its_note_field_is_named_and_the_rest_is_created(
    app: App, m365: M365
) -> None:
    await apply(app)
    site_id, made = await knowledge(app)
    found = {column.name: column for column in await lists.list_columns(app.graph, site_id, made.id)}
    await lists.update_column(app.graph, site_id, made.id, found["KMOffice"].id, {"indexed": False})
    with m365.state.tx() as c:
        c.execute("DELETE FROM column_definition WHERE note_of = 'KMTopic' AND owner = ?", (made.id,))
    unusable = Step(what="usable column", name="Topic", where="Knowledge")
    assert unusable in await plan(app)
    with pytest.raises(PartlyDone, match=r"Created: 1\. .*'Topic' of Knowledge is not found"):
        await apply(app)
    assert await plan(app) == [unusable]


async def test_a_column_for_terms_that_graph_makes_without_a_note_field_is_refused_by_name(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    await apply(app)
    site_id, made = await knowledge(app)
    found = {column.name: column for column in await lists.list_columns(app.graph, site_id, made.id)}
    await app.graph.delete(f"/sites/{site_id}/lists/{made.id}/columns/{found['KMTopic'].id}")

    def text_instead(column: Any, **_: Any) -> dict[str, Any]:
        return {"name": column.name, "displayName": column.title, "text": {}}

    monkeypatch.setattr(columns, "definition", text_instead)
    with pytest.raises(PartlyDone, match="'Topic' of Knowledge but did not make its hidden note field"):
        await apply(app)


async def test_a_column_of_another_kind_is_named_and_not_touched(app: App) -> None:
    site = await sites.get_site(app.graph, app.settings.knowledge_site)
    made = await lists.create_list(
        app.graph,
        site.id,
        title="Knowledge",
        columns=[{"name": "KMDescription", "displayName": "Mine", "number": {}}],
    )
    with pytest.raises(
        PartlyDone, match="KMDescription of Knowledge is there as number, but km365 needs note"
    ):
        await apply(app)
    assert [step.what for step in await plan(app)] == ["usable column"]
    found = {column.name: column for column in await lists.list_columns(app.graph, site.id, made.id)}
    assert found["KMDescription"].kind == "number"


async def test_what_an_office_added_stays(app: App) -> None:
    site = await sites.get_site(app.graph, app.settings.knowledge_site)
    own = [{"name": "Mood", "displayName": "Mood", "text": {}}]
    made = await lists.create_list(app.graph, site.id, title="Knowledge", columns=own)
    await apply(app)
    assert "Mood" in {column.name for column in await lists.list_columns(app.graph, site.id, made.id)}
