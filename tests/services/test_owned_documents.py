"""What somebody put into their office's library, over HTTP against the local server."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from km365.core.handover_choice import Why
from km365.core.owned_documents import Documented, OwnedDocument
from km365.core.schema import DEPARTURES
from km365.documents.questions import Banks
from km365.graph import drives, lists, sites
from km365.graph.client import Graph
from km365.graph.drives import Drive
from km365.local import file_permissions, files
from km365.services import handover_facts, handover_plan, owned_documents
from km365.services.handover_facts import Facts, Lookup
from km365.settings import Settings

from ..conftest import BELMORA, Provisioned, person_id, sign_in_name

RULES = (Documented(questions=("work",), words=("work plan",), months=6),)


@pytest.fixture
async def library(provisioned: Provisioned) -> Drive:
    site = await sites.get_site(provisioned.app.graph, BELMORA)
    return await drives.get_drive(provisioned.app.graph, site.id, "Documents")


async def put(provisioned: Provisioned, library: Drive, path: str, *, made_by: str, changed_by: str) -> str:
    """A file that these two made and changed last; its drive item id."""
    stored = await drives.upload(provisioned.app.graph, library.id, path, b"x")
    by = [json.dumps({"user": {"id": person_id(one)}}) for one in (made_by, changed_by)]
    with provisioned.m365.state.tx() as c:
        c.execute(
            "UPDATE item SET created_by = ?, modified_by = ? WHERE guid = ?", (*by, files.guid_of(stored.id))
        )
    return stored.id


async def test_it_is_what_they_made_or_changed_last_where_search_looks(
    provisioned: Provisioned, library: Drive
) -> None:
    app = provisioned.app
    await put(provisioned, library, "2027/Work plan.docx", made_by="ann", changed_by="ben")
    await put(provisioned, library, "Budget.xlsx", made_by="ben", changed_by="ann")
    await put(provisioned, library, "Minutes.docx", made_by="ben", changed_by="ben")
    await put(provisioned, library, "HR/Work plan of a colleague.docx", made_by="ann", changed_by="ann")
    owned = await owned_documents.by_person(app.graph, app.settings, "CO-BEL")
    assert {one.path for one in owned[person_id("ann")]} == {"2027/Work plan.docx", "Budget.xlsx"}
    assert len(owned[person_id("ben")]) == 3
    assert await owned_documents.by_person(app.graph, app.settings, "CO-XYZ") == {}


async def test_reading_ends_at_a_bound(
    provisioned: Provisioned, library: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = provisioned.app
    for name in ("a.docx", "b.docx"):
        await put(provisioned, library, name, made_by="ann", changed_by="ann")
    monkeypatch.setattr(owned_documents, "MOST", 1)
    owned = await owned_documents.by_person(app.graph, app.settings, "CO-BEL")
    assert len(owned[person_id("ann")]) == 1


async def test_a_question_counts_as_documented_only_where_the_successor_can_read_it(
    provisioned: Provisioned, library: Drive
) -> None:
    app, today = provisioned.app, datetime.now(UTC).date()

    async def found() -> dict[str, OwnedDocument]:
        owned = await owned_documents.by_person(app.graph, app.settings, "CO-BEL")
        ann = owned[person_id("ann")]
        return await owned_documents.documented(app.graph, app.settings, RULES, ann, today=today)

    item = await put(provisioned, library, "Work plan.docx", made_by="ann", changed_by="ann")
    assert (await found())["work"].title == "Work plan.docx"
    file_permissions.set_own(provisioned.m365.state, library.id, item, {"Owners": "owner"})
    assert await found() == {}


async def test_a_library_is_read_once_for_all_leavers_of_its_office_and_for_each_of_them_once_a_day(
    provisioned: Provisioned, library: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, now = provisioned.app, datetime.now(UTC)
    await put(provisioned, library, "Work plan.docx", made_by="ann", changed_by="ben")
    read, reads = owned_documents.by_person, []

    async def counted(graph: Graph, settings: Settings, office: str) -> Mapping[str, list[OwnedDocument]]:
        reads.append(office)
        return await read(graph, settings, office)

    async def look_up(
        *, days: int = 0, known: Mapping[str, Facts] = MappingProxyType({})
    ) -> dict[str, Facts]:
        bank, today = Banks(app.templates).get("handover", "en"), now.date() + timedelta(days=days)
        look = await Lookup.open(app.graph, app.settings, bank, RULES, today=today)
        return {
            one: await look.facts(person_id(one), "CO-BEL", leaves_on=today, known=known.get(one))
            for one in ("ann", "ben")
        }

    monkeypatch.setattr(owned_documents, "by_person", counted)
    found = await look_up()
    assert [one.told["work"].why for one in found.values()] == [Why.OWNED, Why.OWNED]
    assert reads == ["CO-BEL"]
    for one, facts in found.items():
        await app.db.run(handover_facts.keep, one, facts, at=now)
    known = {one: await app.db.run(handover_facts.read, one) for one in found}
    assert await look_up(known=known) == found
    assert reads == ["CO-BEL"]
    await look_up(days=1, known=known)
    assert reads == ["CO-BEL", "CO-BEL"]


async def test_what_a_document_of_theirs_says_is_not_asked_and_the_plan_names_it(
    provisioned: Provisioned, library: Drive
) -> None:
    app, now = provisioned.app, datetime.now(UTC)
    site = await sites.get_site(app.graph, app.settings.knowledge_site)
    target = (await lists.get_list(app.graph, site.id, DEPARTURES.title)).id
    leaves = {"KMLastDay": f"{(now + timedelta(days=60)).date()}T00:00:00Z", "KMOffice": "CO-BEL"}
    entry = {"Title": "Chief", "KMPerson": sign_in_name("ann"), "KMState": "planned"}
    await lists.create_item(app.graph, site.id, target, entry | leaves)
    await put(provisioned, library, "Plan de travail.docx", made_by="ann", changed_by="ann")
    shown = await handover_plan.show(
        app.graph, app.db, app.settings, app.templates, sign_in_name("ann"), now=now
    )
    why = shown.plan.not_asked["heavy_times"]
    assert str(why).startswith("documented in Plan de travail.docx (http")
    assert "work" not in shown.plan.not_asked
