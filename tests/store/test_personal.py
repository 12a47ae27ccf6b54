"""What is erased of a person is everything of theirs in every table, and nothing of anybody else."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Column, Date, Integer, LargeBinary, String, Table, inspect, select

from km365.store import personal
from km365.store import tables as t
from km365.store.database import Connection
from km365.store.impersonal import NOTHING
from km365.store.personal_places import PLACES, Erase, Place, Traces

ANN, BEN = "1f0c9d8e-0000-4000-8000-00000000aaaa", "1f0c9d8e-0000-4000-8000-00000000bbbb"
TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OLD, RECENT = date(2024, 1, 1), date(2026, 1, 1)


def is_text(column: Column[Any]) -> bool:
    return isinstance(column.type, String | JSON | LargeBinary)


def test_every_column_that_may_hold_text_is_known_to_be_of_a_person_or_not() -> None:
    for table in t.metadata.sorted_tables:
        texts = {column.name for column in table.columns if is_text(column)}
        of_people = [place for place in PLACES if place.table is table]
        named = {name for place in of_people for name in (*place.words, *place.ids, *place.others)}
        if table in NOTHING:
            assert not of_people, table.name
            named = set(NOTHING[table][1])
        assert named == texts, f"{table.name}: say in km365/store/personal_places.py whose {named ^ texts} is"


def test_every_place_says_why_it_keeps_what_it_keeps() -> None:
    assert len({place.name for place in PLACES}) == len(PLACES)
    for place in PLACES:
        assert bool(place.why) == (place.erase is Erase.KEEP), place.name
        shown = {place.table.c[name].name for name in place.show}
        assert place.what and place.until and len(shown) == len(place.show), place.name


def special(place: Place, person: str) -> dict[str, object]:
    """What makes a row one of this place, where its person alone does not."""
    departed = {"kind": "departure", "due_on": RECENT}
    return {
        "messages": {"key": f"handover:{person}:1", "state": "sent"},
        "messages about them": {"key": f"note:i-{person[-4:]}:eve", "person_id": "eve", "state": "sent"},
        "wishes": {"state": "done"},
        "open wishes": {"item_id": f"open-{person}", "state": "asked"},
        "verdicts on lessons": {"verdict": "no longer"},
        "lessons shown": {"item_id": "silent", "verdict": None, "words": None},
        "recent invitations": {"campaign_id": "milestone:new", "state": "open"},
        "old invitations": {"campaign_id": "milestone:old", "state": "answered"},
        "recent departures": {"id": f"departure:{person}:2026-01-01", **departed},
        "old departures": {"id": f"departure:{person}:2024-01-01", **departed, "due_on": OLD},
        "departures of others": {"id": f"departure:eve:{person}", **departed, "data": {"successor": person}},
        "subjects for groups": {"id": f"group:{person[-4:]}", "kind": "group"},
        "group reflections begun": {"id": f"group:{person[-4:]}", "names": ["Eve"], "closed_at": NOW},
        "headlines decided": {"campaign_id": "milestone:old", "number": 1 if person == ANN else 2},
        "what plans are made of": {"campaign_id": f"departure:{person}:2026"},
        "jobs": {"state": "done", "args": {"key": f"handover:{person}:1"}},
        "terms asked for": {"request_id": "r"},
        "what goes with others": {"person_id": f"eve-{person[-4:]}"},
        "open in handovers of others": {"person_id": f"eve-{person[-4:]}"},
        "answers": {"interview_id": f"i-{person[-4:]}"},
        "interviews": {"id": f"i-{person[-4:]}", "data": {"text": f"said by {person[-4:]}"}},
        "named as a reader": {
            **{"key": f"eve-{person[-4:]}", "person_id": f"eve-{person[-4:]}"},
            "data": {"named": [person, "sue"], "confirming": {"readers": [person]}},
        },
    }.get(place.name, {})


def value_of(column: Column[Any], place: Place, person: str) -> object:
    same = [one for one in PLACES if one.table is place.table]
    if any(column.name in one.ids for one in same):
        return {"of": [person]} if isinstance(column.type, JSON) else f"{person}"
    if any(column.name in one.words for one in same):
        word = f"said by {person[-4:]}"
        return {"text": word} if isinstance(column.type, JSON) else word
    if isinstance(column.type, JSON):
        return {}
    if isinstance(column.type, Boolean):
        return True
    if isinstance(column.type, Date):
        return RECENT
    if isinstance(column.type, Integer):
        return 1
    if isinstance(column.type, String):
        return "X" if column.name == "audience" else f"{place.name} {person[-4:]}"
    return NOW


def put(c: Connection, place: Place, person: str) -> None:
    serial = {"km_event", "km_job", "km_reply"}
    values = {
        column.name: value_of(column, place, person)
        for column in place.table.columns
        if not (column.name == "id" and place.table.name in serial)
    }
    values |= special(place, person)
    if place.name == "answers":
        values["audience"] = "O"
    c.execute(place.table.insert().values(**values))


@pytest.fixture
def full(c: Connection) -> Connection:
    """A database with a row of Ann's and one of Ben's in every place."""
    for name, due_on in (("milestone:new", RECENT), ("milestone:old", OLD)):
        plain = {"kind": "milestone", "title": "Review", "plan": {}, "data": {}, "rank": 0, "state": "open"}
        c.execute(t.campaign.insert().values(id=name, due_on=due_on, started_at=NOW, changed_at=NOW, **plain))
    looked = {"people": 3, "language": "en", "made_at": NOW}
    c.execute(t.headline_list.insert().values(campaign_id="milestone:old", **looked))
    c.execute(t.term_request.insert().values(**_request()))
    first = {"interviews": 0, "recent departures": 1, "old departures": 1, "subjects for groups": 1}
    for person in (ANN, BEN):
        for place in sorted(personal.places(c), key=lambda one: first.get(one.name, 2)):
            put(c, place, person)
    return c


def _request() -> dict[str, object]:
    texts = {name: name for name in ("facet", "label", "reads", "language", "state", "reason")}
    return {"id": "r", **texts, "asked_at": NOW}


def dump(c: Connection, table: Table) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in c.execute(select(table).order_by(*table.primary_key))]


def everything(c: Connection) -> dict[str, list[dict[str, Any]]]:
    there = set(inspect(c).get_table_names())
    return {table.name: dump(c, table) for table in t.metadata.sorted_tables if table.name in there}


def kept(c: Connection, traces: Traces) -> list[dict[str, Any]]:
    """The rows that the registry keeps, with the reason it gives."""
    return [
        dict(row._mapping)
        for place in personal.places(c)
        if place.erase is Erase.KEEP
        for row in c.execute(select(place.table).where(place.found(traces)))
    ]


def test_after_erasing_no_table_has_a_word_or_the_id_of_the_person_but_what_is_kept_for_a_reason(
    full: Connection,
) -> None:
    here, traces = personal.places(full), personal.traces(full, ANN, today=TODAY)
    assert set(personal.counts(full, traces)) == {place.name for place in here}, "a row in every place"
    before = everything(full)

    done = personal.erase(full, traces, mark="erased:1", at=NOW)

    assert set(done) == {place.name for place in here}
    stays = kept(full, personal.traces(full, ANN, today=TODAY))
    assert len(stays) == sum(place.erase is Erase.KEEP for place in here)
    for name, rows in everything(full).items():
        for row in rows:
            if row not in stays:
                assert ANN not in str(row) and "aaaa" not in _words(name, row), name
        of_ben = [row for row in before[name] if "bbbb" in str(row)]
        assert all(row in rows for row in of_ben), f"{name}: nothing of anybody else is touched"


def _words(name: str, row: dict[str, Any]) -> str:
    """The columns with words; the others hold what the test itself made up of the end of the id."""
    columns = {one for place in PLACES if place.table.name == name for one in place.words}
    return " ".join(str(row[column]) for column in columns)


def test_who_is_named_as_a_reader_is_told_by_whom_and_once_erased_named_no_more(full: Connection) -> None:
    found = personal.held(full, personal.traces(full, ANN, today=TODAY))
    assert found["named as a reader"] == [{"person_id": "eve-aaaa"}], "and nothing else of that handover"
    personal.erase(full, personal.traces(full, ANN, today=TODAY), mark="erased:1", at=NOW)
    data = full.execute(select(t.interview.c.data).where(t.interview.c.person_id == "eve-aaaa")).scalar()
    assert data == {"named": ["erased:1", "sue"], "confirming": {"readers": ["erased:1"]}}


def test_what_is_kept_says_nothing_more_is_sent_and_how_many_were_asked_stays(full: Connection) -> None:
    def invited() -> list[tuple[Any, ...]]:
        order = (t.prompt.c.campaign_id, t.prompt.c.person_id)
        of = select(t.prompt.c.campaign_id, t.prompt.c.person_id, t.prompt.c.state).order_by(*order)
        return [tuple(row) for row in full.execute(of)]

    personal.erase(full, personal.traces(full, ANN, today=TODAY), mark="erased:1", at=NOW)
    assert invited() == [
        ("milestone:new", ANN, "opted out"),
        ("milestone:new", BEN, "open"),
        ("milestone:old", BEN, "answered"),
        ("milestone:old", "erased:1", "answered"),
    ]


def test_erasing_again_finds_only_what_is_kept(full: Connection) -> None:
    personal.erase(full, personal.traces(full, ANN, today=TODAY), mark="erased:1", at=NOW)
    again = personal.counts(full, personal.traces(full, ANN, today=TODAY))
    assert set(again) == {place.name for place in personal.places(full) if place.erase is Erase.KEEP}
    before = everything(full)
    personal.erase(full, personal.traces(full, ANN, today=TODAY), mark="erased:2", at=NOW)
    assert everything(full) == before


def test_an_export_has_every_word_of_the_person_and_none_of_others(full: Connection) -> None:
    found = personal.held(full, personal.traces(full, ANN, today=TODAY))
    here = personal.places(full)
    assert set(found) == {place.name for place in here}
    for place in here:
        shown = place.show or [column.name for column in place.table.columns]
        for name in set(place.words) & set(shown):
            assert "said by aaaa" in str(found[place.name][0][name]), place.name
    assert BEN not in str(found) and "bbbb" not in str(found) and "Eve" not in str(found)
