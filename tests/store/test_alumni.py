"""Rows of lines that leavers keep open, and of what is asked over them."""

from datetime import UTC, date, datetime, timedelta

from km365.store import alumni, personal
from km365.store.alumni import Line, Question
from km365.store.database import Database

NOON = datetime(2027, 3, 2, 12, tzinfo=UTC)
TODAY = NOON.date()
LINE = Line(
    note_id="n1", person_id="ann", until_on=date(2027, 6, 30), address="ann@home.example", opened_at=NOON
)
QUESTION = Question(id="q1", note_id="n1", person_id="ann", asker_id="sue", words="Where?", asked_at=NOON)


def test_a_line_is_open_until_its_day_and_gone_after_it_with_the_address(db: Database) -> None:
    with db.begin() as c:
        alumni.open_line(c, LINE)
        assert alumni.of_note(c, "n1", today=LINE.until_on) == LINE
        assert alumni.of_note(c, "n1", today=LINE.until_on + timedelta(days=1)) is None
        assert alumni.of_person(c, "ann", today=TODAY) == [LINE]
        alumni.ask(c, QUESTION)
        old = NOON - timedelta(days=30)
        assert alumni.forget(c, today=LINE.until_on, before=old) == 0
        assert alumni.forget(c, today=LINE.until_on + timedelta(days=1), before=old) == 2
        assert alumni.get(c, "q1") is None


def test_closing_forgets_what_waits_and_keeps_for_its_time_what_was_answered(db: Database) -> None:
    with db.begin() as c:
        alumni.open_line(c, LINE)
        assert alumni.ask(c, QUESTION) and not alumni.ask(c, QUESTION)
        alumni.ask(c, Question(**{**QUESTION.__dict__, "id": "q2"}))
        assert alumni.answer(c, "q1", "In the drawer.", at=NOON)
        assert not alumni.answer(c, "q1", "Elsewhere.", at=NOON)
        assert [one.id for one in alumni.waiting(c, "ann")] == ["q2"]
        assert alumni.close(c, "ann") == ["n1"] and alumni.close(c, "ann") == []
        found = alumni.get(c, "q1")
        assert found is not None and found.answer == "In the drawer."
        assert alumni.get(c, "q2") is None
        assert alumni.forget(c, today=TODAY, before=NOON + timedelta(seconds=1)) == 1


def test_both_who_asked_and_who_was_asked_are_given_it_and_can_have_it_erased(db: Database) -> None:
    with db.begin() as c:
        alumni.open_line(c, LINE)
        alumni.ask(c, QUESTION)
        assert "questions over alumni lines" in personal.held(c, personal.traces(c, "sue", today=TODAY))
        held = personal.held(c, personal.traces(c, "ann", today=TODAY))
        assert held["alumni lines"][0]["address"] == "ann@home.example"
        personal.erase(c, personal.traces(c, "ann", today=TODAY), mark="erased:1", at=NOON)
        assert alumni.of_note(c, "n1", today=TODAY) is None and alumni.get(c, "q1") is None
