"""A filed note: read first by the supervisor, who clears nothing, then the successor's; each told once."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from km365.core.preferences import Asked, Preferences
from km365.errors import NotFound
from km365.graph import drives, people
from km365.graph.client import Graph
from km365.graph.people import Person
from km365.local import faults, users
from km365.services import filed_notes, handover_list, handover_readers
from km365.services.handover_list import Standing
from km365.services.handover_readers import Heard
from km365.store import outbox, preferences
from km365.store.outbox import Delivery

from ..conftest import Provisioned, person_id, sign_in_name
from .filing import LAST_DAY, MONDAY, Filing

SUPERVISOR, SUCCESSOR = ("sam", "supervisor"), ("sue", "successor")
READ = frozenset({"read"})


@pytest.fixture
async def filing(provisioned: Provisioned) -> Filing:
    found = Filing(provisioned)
    await found.leaves()
    return found


async def test_the_supervisor_is_told_first_and_once_they_have_read_it_the_successor_is(
    filing: Filing,
) -> None:
    await filing.files()
    await filing.looks()
    await filing.looks()
    assert await filing.told() == [SUPERVISOR]
    assert await filing.has_read("sam", 1) is Heard.ACKNOWLEDGED
    assert await filing.has_read("sam", 1) is Heard.ALREADY
    note = await filing.note()
    assert (note.acknowledged_by, note.received_at) == (person_id("sam"), None)
    await filing.looks(1)
    assert await filing.told() == [SUCCESSOR]
    assert (await filing.note()).received_at == MONDAY + timedelta(days=1)
    for day in range(2, 60, 7):
        await filing.looks(day)
    assert await filing.told() == []
    assert await filing.has_read("sue", 2) is Heard.READ
    assert (await filing.note()).read_at == MONDAY + timedelta(days=2)


async def test_without_a_word_it_goes_on_by_itself_after_five_working_days_and_one_reminder(
    filing: Filing,
) -> None:
    await filing.files()
    said = {}
    for day in range(10):
        await filing.looks(day)
        said[day] = await filing.told()
    assert {day: told for day, told in said.items() if told} == {
        0: [SUPERVISOR],
        3: [("sam", "reminder")],
        7: [SUCCESSOR],
    }
    assert (await filing.note()).acknowledged_at is None
    assert await filing.has_read("sam", 10) is Heard.ACKNOWLEDGED, "acknowledged later it still counts"


async def test_after_a_stop_of_the_service_what_is_due_by_then_is_done_once(filing: Filing) -> None:
    await filing.files()
    assert (await filing.looks(20, dry_run=True)).messages == 2
    assert await filing.told() == []
    await filing.looks(20)
    assert await filing.told() == [SUPERVISOR, SUCCESSOR]


async def test_the_last_day_comes_before_five_working_days_and_without_a_supervisor_it_goes_on_at_once(
    filing: Filing,
) -> None:
    await filing.leaves(KMLastDay="2026-03-03T00:00:00Z")
    await filing.files()
    await filing.looks()
    assert await filing.told() == [SUPERVISOR]
    await filing.looks(1)
    assert await filing.told() == [SUCCESSOR]


async def test_nobody_above_or_nobody_at_work_holds_it_up(filing: Filing) -> None:
    await filing.files(supervisor="")
    await filing.looks()
    assert await filing.told() == [SUCCESSOR]


async def test_who_supervised_the_post_and_follows_in_it_gets_it_as_the_successor(filing: Filing) -> None:
    await filing.leaves(KMSuccessor=sign_in_name("sam"))
    await filing.files(successor="sam")
    await filing.looks()
    assert await filing.told() == [("sam", "successor")]


async def test_a_successor_named_months_later_receives_it_then(filing: Filing) -> None:
    await filing.leaves(KMSuccessor="")
    await filing.files(successor="")
    await filing.looks()
    await filing.looks(10)
    assert await filing.told() == [SUPERVISOR]
    await filing.leaves(KMSuccessor=sign_in_name("eve"))
    await filing.looks(150)
    assert await filing.told() == [("eve", "successor")]
    note = await filing.note()
    assert filed_notes.readable_by(note, person_id("eve"))


async def test_another_successor_receives_it_and_the_first_is_no_reader_any_more(filing: Filing) -> None:
    await filing.restricts()
    await filing.files(supervisor="")
    await filing.looks()
    await filing.has_read("sue", 1)
    assert (await filing.lets_in())["sue"] == READ
    await filing.leaves(KMSuccessor=sign_in_name("eve"))
    await filing.looks(2)
    assert await filing.told() == [("eve", "successor"), SUCCESSOR]
    note = await filing.note()
    assert (note.successor_id, note.read_at) == (person_id("eve"), None)
    assert not filed_notes.readable_by(note, person_id("sue"))
    assert set(await filing.lets_in()) == {"siteGroup 3", "eve"}
    assert await filing.has_read("sue", 3) is Heard.NOT_THEIRS
    waits = await filing.messages(Delivery.WAITING)
    assert [one.person_id for one in waits] == [person_id("eve")], "what waited for the first is not sent"
    await filing.leaves(KMSuccessor=sign_in_name("sue"))
    await filing.looks(4)
    assert await filing.told() == [SUCCESSOR], "what they did not get before they get now"


async def test_another_supervisor_of_the_list_reads_it_and_a_manager_of_the_next_post_does_not(
    filing: Filing,
) -> None:
    await filing.files()
    await filing.looks()
    moved = {"office": "CO-ARD", "manager": person_id("eve")}
    upn = sign_in_name("ann")
    users.create(filing.here.m365.state, id=person_id("ann"), upn=upn, display_name="Ann", **moved)
    await filing.looks(1)
    assert await filing.told() == [SUPERVISOR]
    assert (await filing.note()).supervisor_id == person_id("sam")
    await filing.leaves(KMSupervisor=sign_in_name("ben"))
    await filing.looks(2)
    assert await filing.told() == [("ben", "supervisor")]
    assert await filing.has_read("sam", 2) is Heard.NOT_THEIRS
    assert await filing.has_read("ben", 2) is Heard.ACKNOWLEDGED


@pytest.mark.parametrize("how", ["cancelled", "taken out"])
async def test_when_the_departure_is_called_off_nobody_new_receives_the_note(
    filing: Filing, how: str
) -> None:
    await filing.files()
    await filing.looks()
    if how == "cancelled":
        await filing.leaves(KMState="cancelled")
    else:
        await filing.stays()
    assert await filing.told() == [SUPERVISOR]
    for day in (1, 3, 7, 10):
        await filing.looks(day)
    assert await filing.told() == []
    assert await filing.messages(Delivery.WAITING) == [], "what had not left yet is not sent"
    assert await filing.has_read("sam", 10) is Heard.ACKNOWLEDGED
    await filing.looks(11)
    assert (await filing.told(), (await filing.note()).received_at) == ([], None)
    if how == "cancelled":
        await filing.leaves(KMState="note filed")
        await filing.looks(12)
        assert await filing.told() == [SUCCESSOR], "on again, it goes on where it was"


async def test_a_note_filed_anew_is_read_anew(filing: Filing) -> None:
    await filing.files()
    await filing.looks()
    await filing.has_read("sam", 1)
    await filing.looks(1)
    await filing.told()
    again = MONDAY + timedelta(days=4)
    note = await filing.note()
    fields = {"KMFiledOn": again.isoformat()}
    await drives.update_fields(filing.here.app.graph, note.file.drive_id, note.item_id, fields)
    await filing.looks(4)
    assert await filing.told() == [SUPERVISOR, SUCCESSOR]
    note = await filing.note()
    assert not handover_readers.is_acknowledged(note)
    assert note.received_at == MONDAY + timedelta(days=1), "it stays the successor's"


async def test_a_reminder_is_for_who_takes_any_and_is_not_on_leave(filing: Filing) -> None:
    await filing.files()
    await filing.looks()
    await filing.told()
    wanted = Preferences(asked=Asked.NONE)
    await filing.here.app.db.run(preferences.put, person_id("sam"), wanted, at=MONDAY)
    await filing.looks(3)
    assert await filing.told() == []


class Killed(BaseException):
    """The process is gone."""


async def test_killed_before_any_write_it_goes_on_and_nobody_is_told_twice(
    filing: Filing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filing.restricts()
    await filing.files()
    await filing.looks()
    await filing.has_read("sam", 1)
    await filing.told()
    app, left = filing.here.app, 0

    def dies_before(what: Any, counts: Callable[..., bool]) -> Any:
        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= counts(*args, **kwargs)
            if left < 0:
                raise Killed
            return what(*args, **kwargs)

        return counted

    kills, alive = 0, False
    while not alive and kills < 50:
        left, alive = kills, True
        with monkeypatch.context() as patched:
            patched.setattr(type(app.db), "run", dies_before(type(app.db).run, lambda *_, **__: True))
            sends = dies_before(type(app.graph).send, lambda _, request, **__: request.method != "GET")
            patched.setattr(type(app.graph), "send", sends)
            try:
                await filing.looks(1)
            except* Killed:  # calls made together come back in a group
                alive = False
        kills += not alive
    assert kills >= 3
    assert await filing.told() == [SUCCESSOR]
    assert (await filing.lets_in())["sue"] == READ
    assert (await filing.note()).received_at == MONDAY + timedelta(days=1)


async def test_readers_are_let_in_to_the_one_file_once_the_library_is_restricted(filing: Filing) -> None:
    await filing.files()
    await filing.looks()
    open_to_all = await filing.lets_in()
    assert "sam" not in open_to_all, "while all may open it nobody is let in, lest that stays"
    await filing.restricts()
    note = await filing.note()
    assert set(await filing.lets_in()) == {"siteGroup 3"}
    await filing.has_read("sam", 1)
    await filing.looks(1)
    assert await filing.lets_in() == {"siteGroup 3": frozenset({"owner"}), "sam": READ, "sue": READ}
    assert note.person_id == person_id("ann")


async def test_readers_of_notes_filed_before_are_let_in_once_the_library_is_restricted(
    filing: Filing,
) -> None:
    await filing.files()
    await filing.has_read("sam")
    await filing.looks()
    assert await filing.told() == [SUCCESSOR]
    await filing.restricts()

    async def locked_out() -> int | None:
        shown = await handover_list.show(filing.desk, sign_in_name("ann"), now=MONDAY)
        return shown.locked_out

    assert await locked_out() == 2
    await filing.looks(1, dry_run=True)
    assert await locked_out() == 2, "a rehearsal lets nobody in"
    await filing.looks(1)
    assert await locked_out() == 0
    assert await filing.lets_in() == {"siteGroup 3": frozenset({"owner"}), "sam": READ, "sue": READ}
    assert await filing.told() == [], "they have their card"


async def test_nobody_is_let_in_while_the_departure_is_called_off(
    filing: Filing,
) -> None:
    await filing.files()
    await filing.looks()
    await filing.restricts()
    await filing.leaves(KMState="cancelled")
    await filing.looks(1)
    assert "sam" not in await filing.lets_in()
    await filing.leaves(KMState="note filed")
    await filing.looks(2)
    assert (await filing.lets_in())["sam"] == READ


async def test_readers_who_could_not_be_let_in_are_tried_again_at_the_next_look(filing: Filing) -> None:
    await filing.files()
    await filing.looks()
    await filing.restricts()
    refused = {"verb": "POST", "path": "*/invite", "status": 403, "times": 1}
    faults.switch(filing.here.m365.state, "next_requests", on=True, **refused)
    await filing.looks(1)
    assert "sam" not in await filing.lets_in()
    await filing.looks(1)
    assert (await filing.lets_in())["sam"] == READ


async def test_where_sharepoint_lets_km365_let_nobody_in_the_card_says_who_must(filing: Filing) -> None:
    await filing.restricts()
    faults.switch(filing.here.m365.state, "permissions_hidden", on=True)
    await filing.files(supervisor="")
    await filing.looks()
    (told,) = await filing.messages()
    assert told.data["opens"] is False
    assert set(told.data) == {"note", "goes_on", "opens"}, "nobody's name lies in the outbox"


async def test_two_looks_at_once_tell_once(filing: Filing) -> None:
    await filing.restricts()
    await filing.files(supervisor="")
    await asyncio.gather(*(filing.looks() for _ in range(3)))
    await filing.looks()
    assert await filing.told() == [SUCCESSOR]
    assert len(await filing.here.app.db.run(outbox.list_)) == 1


async def test_an_old_note_whose_readers_were_told_is_left_alone(filing: Filing) -> None:
    await filing.files(KMFiledOn=None)
    assert (await filing.looks(10)).messages == 0
    assert (await filing.note()).last_on == LAST_DAY


@pytest.mark.parametrize("successor", ["sue", "eve"])
async def test_a_note_that_is_open_in_word_holds_up_no_other(filing: Filing, successor: str) -> None:
    await filing.files(supervisor="")
    graph = filing.here.app.graph
    library = await filed_notes.library(graph, filing.here.app.settings)
    other = await drives.upload(graph, library.id, "CO-ARD Driver.docx", b"PK")
    columns = {"KMPerson": person_id("ben"), "KMSuccessor": person_id("sam"), "KMOffice": "CO-ARD"}
    filed = {"KMFiledOn": (MONDAY + timedelta(days=1)).isoformat()}
    await drives.update_fields(graph, library.id, other.id, columns | filed)
    await filing.leaves(KMSuccessor=sign_in_name(successor))
    faults.switch(filing.here.m365.state, "open_file", on=True, name="CO-BEL*")
    (problem,) = (await filing.looks(2)).problems
    assert "checked out by somebody" in problem
    assert await filing.told() == [("sam", "successor")]
    faults.switch(filing.here.m365.state, "open_file", on=False)
    assert (await filing.looks(3)).problems == ()
    assert await filing.told() == [(successor, "successor")]


async def test_the_list_says_how_far_each_note_is_and_what_comes_next_and_names_nobody(
    filing: Filing,
) -> None:
    async def row(days: int) -> Standing:
        (found,) = await handover_list.overview(filing.desk, now=MONDAY + timedelta(days=days))
        return found

    assert (await row(0)).state == "note filed"
    await filing.files()
    await filing.looks()
    stands = await row(0)
    assert (stands.state, stands.filed_on, stands.received_on) == ("filed", MONDAY.date(), None)
    assert stands.next == "the supervisor reads it; goes on by itself on 2026-03-09"
    await filing.has_read("sam", 1)
    assert (await row(1)).state == "acknowledged"
    await filing.looks(1)
    assert ((await row(1)).state, (await row(1)).next) == ("received", "the successor reads it")
    assert (await row(90)).state == "received", "what its successor has not read stays in the list"
    await filing.has_read("sue", 2)
    assert (await row(2)).next == "nothing: the successor has read it"
    assert await handover_list.overview(filing.desk, now=MONDAY + timedelta(days=90)) == []
    assert "paperboat" not in str(asdict(stands)).lower()


async def test_the_directory_is_asked_once_for_the_readers_of_all_that_are_shown_and_of_no_others(
    filing: Filing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filing.files()
    graph = filing.here.app.graph
    library = await filed_notes.library(graph, filing.here.app.settings)
    other = await drives.upload(graph, library.id, "CO-ARD Driver.docx", b"PK")
    columns = {"KMPerson": person_id("ben"), "KMSuccessor": person_id("eve"), "KMOffice": "CO-ARD"}
    filed = {"KMFiledOn": MONDAY.isoformat()}
    await drives.update_fields(graph, library.id, other.id, columns | filed)
    asked, get_people = list[set[str]](), people.get_people

    async def counted(graph: Graph, ids: Iterable[str]) -> list[Person]:
        asked.append(set(ids))
        return await get_people(graph, asked[-1])

    monkeypatch.setattr(people, "get_people", counted)
    assert len(await handover_list.overview(filing.desk, now=MONDAY)) == 2
    await handover_list.show(filing.desk, sign_in_name("ann"), now=MONDAY)
    readers = {person_id("sam"), person_id("sue")}
    assert asked == [readers | {person_id("eve")}, readers]


async def test_one_handover_is_shown_with_its_people_and_who_cannot_open_the_file(filing: Filing) -> None:
    await filing.restricts()
    await filing.leaves(KMSuccessor="")
    await filing.files(successor="")
    shown = await handover_list.show(filing.desk, sign_in_name("ann"), now=MONDAY)
    assert (shown.person, shown.supervisor, shown.successor) == ("Ann Paperboat", "Sam Paperboat", "")
    assert shown.locked_out == 1
    await filing.looks()
    by_number = await handover_list.show(filing.desk, filing.row, now=MONDAY + timedelta(days=10))
    assert by_number.locked_out == 0
    assert by_number.standing.next == "waits for a successor: name one in the Departures list"
    with pytest.raises(NotFound, match="km365 handover list"):
        await handover_list.show(filing.desk, sign_in_name("eve"), now=MONDAY)
