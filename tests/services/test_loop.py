"""What the loop counts lies in SharePoint and in our records: over a small provisioned organisation."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from km365.core.audience import Audience
from km365.core.knowledge import to_fields
from km365.core.loop import By, People, Row, Step
from km365.core.moves import Made, Move
from km365.core.schedule import Outcome, Plan
from km365.core.schema import DEPARTURES
from km365.core.used import Use
from km365.graph import lists
from km365.services import loop as loop_service
from km365.services import search_index
from km365.services.capture import knowledge_list
from km365.services.loop import loop
from km365.store import campaigns, moves, reads, used
from km365.store.campaigns import Campaign
from km365.store.database import Connection

from ..conftest import Provisioned
from .lessons import NOW, lesson

LATER = NOW + timedelta(days=4)


async def hold(here: Provisioned, count: int, **fields: Any) -> None:
    """So many lessons of Belmora, the last for its author alone."""
    place = await knowledge_list(here.app.graph, here.app.settings)
    for number in range(count):
        audience = Audience.NAMED if number == count - 1 else Audience.EVERYONE
        item = lesson(id=f"KM-{number}", audience=audience, submitted_at=NOW)
        row = to_fields(item) | {"KMMaturity": "in review"} | fields
        await lists.create_item(here.app.graph, place.site_id, place.list_id, row)


async def belmora(here: Provisioned) -> Row:
    app = here.app
    found = await loop(
        app.graph,
        app.db,
        app.settings,
        app.templates,
        by=By.OFFICE,
        first=date(2026, 3, 1),
        last=date(2026, 3, 31),
        offices=["CO-B*"],
        now=datetime(2026, 6, 1, tzinfo=UTC),
    )
    (row,) = found.rows
    assert row.name == "CO-BEL"
    return row


async def test_lessons_are_followed_by_the_list_and_by_what_was_recorded(provisioned: Provisioned) -> None:
    await hold(provisioned, 6)

    def record(c: Connection) -> None:
        for one in [f"KM-{number}" for number in range(5)]:
            what = {"before": "in review", "after": "validated", "who": "ben", "at": LATER}
            moves.begin(c, [Made(item_id=one, move=Move.VALIDATE, **what)])
            used.say(c, one, Use.USED, person_id="cleo", words="", at=LATER)
        reads.note(c, ["KM-0", "KM-1"], on=NOW.date())
        reads.note(c, ["KM-0"], on=LATER.date())

    await provisioned.app.db.run(record)
    row = await belmora(provisioned)
    assert [row.cells[step] for step in Step] == [6, 5, 0, 5, 5, 0]
    assert row.days == {Step.VALIDATED: 4, Step.READ: 4, Step.USED: 4}, "half of five"
    assert row.shares == {Step.VALIDATED: 5 / 6, Step.PUBLISHED: 0, Step.USED: 1, Step.CHANGED: 0}


async def test_what_the_list_says_counts_where_our_records_are_lost(provisioned: Provisioned) -> None:
    await hold(provisioned, 5, KMMaturity="published", KMPublishedTo="internal", KMEffect="changed", KMUsed=2)
    row = await belmora(provisioned)
    assert [row.cells[step] for step in Step] == [5] * 6
    assert row.days == {}


async def test_people_are_counted_on_the_day_they_were_asked_for_or_left(provisioned: Provisioned) -> None:
    app = provisioned.app
    place = await knowledge_list(app.graph, app.settings)
    target = await lists.get_list(app.graph, place.site_id, DEPARTURES.title)
    for state in (*["note filed"] * 5, "planned", "cancelled"):
        fields = {"Title": "Post", "KMOffice": "CO-BEL", "KMLastDay": "2026-03-20T00:00:00Z"}
        await lists.create_item(app.graph, place.site_id, target.id, fields | {"KMState": state})

    def ask(c: Connection) -> None:
        one = Campaign(
            id="milestone:7",
            kind="milestone",
            title="Mid-term review",
            due_on=date(2026, 3, 14),
            plan=Plan(),
            data={"office": "CO-BEL"},
        )
        campaigns.create(c, one, at=NOW)
        for number in range(9):
            person = f"person {number}"
            campaigns.add_person(c, one.id, person, key=f"invite:{number}", language="en", at=NOW)
            outcome = Outcome.ANSWERED if number < 6 else Outcome.DECLINED
            campaigns.stop(c, person, one.id, outcome=outcome, at=NOW)

    await app.db.run(ask)
    row = await belmora(provisioned)
    assert [str(row.cells[one]) for one in People] == ["6", "<5", "5", "<5"]


async def test_what_the_search_index_has_read_is_counted_and_the_list_is_left_alone(
    provisioned: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = provisioned.app
    await hold(provisioned, 6)
    before = await belmora(provisioned)
    now = datetime(2026, 6, 1, tzinfo=UTC)
    await search_index.look(app.graph, app.db, app.settings, now=lambda: now)
    place = await knowledge_list(app.graph, app.settings)
    rows = [row async for row in lists.list_items(app.graph, place.site_id, place.list_id)]
    await lists.update_fields(
        app.graph, place.site_id, place.list_id, rows[0].id, {"KMMaturity": "validated"}
    )
    await lists.delete_item(app.graph, place.site_id, place.list_id, rows[1].id)
    asked: list[str] = []
    read = lists.list_items

    def counts(graph: Any, site_id: str, list_id: str, **more: Any) -> Any:
        asked.append(list_id)
        return read(graph, site_id, list_id, **more)

    monkeypatch.setattr(lists, "list_items", counts)
    assert (await belmora(provisioned)).cells == before.cells, "as it was read last"
    await search_index.look(app.graph, app.db, app.settings, now=lambda: now)
    after = await belmora(provisioned)
    assert place.list_id not in asked
    assert (before.cells[Step.CAPTURED], after.cells[Step.CAPTURED]) == (6, 5)
    monkeypatch.setattr(loop_service, "_FRESH", timedelta(0))
    assert (await belmora(provisioned)).cells == after.cells
    assert place.list_id in asked, "what is too old to say is read anew"
