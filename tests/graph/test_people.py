"""The directory: people, managers, leave dates."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from km365.errors import Forbidden, GraphNotFound
from km365.graph import people, presence
from km365.graph.client import Graph
from km365.local import presence as local_presence
from km365.local import users
from km365.local.server import M365
from tests.graph.conftest import Paced, Stub, refused

ADA = "aaaaaaaa-0000-4000-8000-000000000001"
BEN = "aaaaaaaa-0000-4000-8000-000000000002"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(autouse=True)
def staff(m365: M365) -> None:
    domain = "childrensagency.example"
    users.create(m365.state, id=ADA, upn=f"ada@{domain}", display_name="Ada", office="CO-ARD", language="fr")
    users.create(
        m365.state,
        id=BEN,
        upn=f"ben@{domain}",
        display_name="Ben O'Neil",
        manager=ADA,
        leaves_at="2026-12-05T00:00:00Z",
    )


async def test_a_person_is_found_by_id_and_by_sign_in_name(graph: Graph) -> None:
    ada = await people.get_person(graph, ADA.upper())
    assert (ada.id, ada.name, ada.office, ada.language) == (ADA, "Ada", "CO-ARD", "fr")
    assert ada.account_enabled and ada.manager_id is None
    ben = await people.get_person(graph, "ben@childrensagency.example", leave_date=True)
    assert ben.manager_id == ADA and ben.leaves_at == datetime(2026, 12, 5, tzinfo=UTC)
    with pytest.raises(
        GraphNotFound, match=r"Nobody signs in as 'nobody@childrensagency.example'; the directory"
    ):
        await people.get_person(graph, "nobody@childrensagency.example")


async def test_the_manager_of_somebody_without_one_is_none(graph: Graph) -> None:
    manager = await people.get_manager(graph, BEN)
    assert manager is not None and manager.id == ADA
    assert await people.get_manager(graph, ADA) is None


async def test_the_groups_of_a_person_are_listed_by_id_and_name(graph: Graph, m365: M365) -> None:
    users.join_group(m365.state, "Knowledge reviewers", ADA)
    (group,) = [one async for one in people.list_groups(graph, "ada@childrensagency.example")]
    assert group.name == "Knowledge reviewers" and group.id
    assert [one async for one in people.list_groups(graph, BEN)] == []


async def test_directory_roles_are_no_groups(client: Paced, stub: Stub) -> None:
    role = {"@odata.type": "#microsoft.graph.directoryRole", "id": "1", "displayName": "Knowledge reviewers"}
    stub.then(200, {"value": [role]})
    assert [one async for one in people.list_groups(client.graph, ADA)] == []


async def test_a_missing_permission_for_groups_is_named(client: Paced, stub: Stub) -> None:
    stub.always(lambda _: refused(403, "Authorization_RequestDenied"))
    with pytest.raises(Forbidden, match=r"GroupMember\.ReadBasic\.All"):
        async for _ in people.list_groups(client.graph, ADA):
            pass


async def test_people_are_listed_and_filtered(graph: Graph) -> None:
    assert {one.id async for one in people.list_people(graph, top=1)} == {ADA, BEN}
    assert [one.id async for one in people.list_people(graph, filter="officeLocation eq 'CO-ARD'")] == [ADA]


async def test_leavers_are_those_with_a_date_before(graph: Graph) -> None:
    soon = [one async for one in people.list_leavers(graph, before=NOW + timedelta(days=30))]
    assert [(one.id, one.leaves_at) for one in soon] == [(BEN, datetime(2026, 12, 5, tzinfo=UTC))]
    assert [one async for one in people.list_leavers(graph, before=NOW + timedelta(days=5))] == []
    late = people.list_leavers(graph, before=NOW + timedelta(days=30), after=NOW + timedelta(days=20))
    assert [one async for one in late] == []


async def test_a_missing_permission_for_leave_dates_is_named(client: Paced, stub: Stub) -> None:
    stub.always(lambda _: refused(403, "Authorization_RequestDenied"))
    with pytest.raises(Forbidden, match=r"User-LifeCycleInfo\.Read\.All"):
        async for _ in people.list_leavers(client.graph, before=NOW):
            pass


async def test_a_delta_of_people_tells_who_changed_and_who_is_gone(graph: Graph, m365: M365) -> None:
    first = [page async for page in people.delta(graph)]
    assert {raw["id"] for page in first for raw in page.values} >= {ADA, BEN}
    users.delete(m365.state, BEN)
    changed = [raw async for page in people.delta(graph, first[-1].delta_link) for raw in page.values]
    assert [(raw["id"], "@removed" in raw) for raw in changed] == [(BEN, True)]
    latest = [page async for page in people.delta(graph, "latest")]
    assert [page.values for page in latest] == [[]] and latest[-1].delta_link


async def test_who_is_out_of_office_is_asked_in_portions(graph: Graph, m365: M365) -> None:
    local_presence.set_away(m365.state, BEN, away=True, message="Away")
    nobody = [str(uuid.UUID(int=number)) for number in range(700)]
    assert await presence.out_of_office(graph, [ADA, *nobody, BEN]) == {BEN}
    assert await presence.out_of_office(graph, []) == frozenset()
    local_presence.set_away(m365.state, BEN, away=False)
    assert await presence.out_of_office(graph, [BEN]) == frozenset()


async def test_a_missing_permission_for_leave_is_named(client: Paced, stub: Stub) -> None:
    stub.always(lambda _: refused(403, "Forbidden"))
    with pytest.raises(Forbidden, match=r"who is on leave. The app needs Presence\.Read\.All"):
        await presence.out_of_office(client.graph, [ADA])
