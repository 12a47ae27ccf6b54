"""The calendar for other calendars: what we write, a parser of others reads back."""

from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.calendar_ics import Method, fold, sequence, text, write
from km365.core.schedule import Milestone

NOW = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
DAY = date(2027, 3, 31)


def milestone(**more) -> Milestone:
    values = {
        "id": "7",
        "title": "Review",
        "kind": "evaluation",
        "office": "CO-BEL",
        "due_on": DAY,
        "etag": '"{A-1},3"',
    }
    return Milestone(**(values | more))


def written(*them: Milestone, method: Method = Method.PUBLISH, about: str = "About") -> str:
    return write(
        them,
        name="Calendar",
        host="agency.example",
        describe=lambda _: about,
        category=lambda one: one.kind,
        now=NOW,
        method=method,
    )


def events(file: str) -> list[icalendar.Event]:
    return list(icalendar.Calendar.from_ical(file).walk("VEVENT"))


def test_a_milestone_is_a_whole_day_event() -> None:
    changed = datetime(2027, 2, 1, 12, tzinfo=UTC)
    (event,) = events(written(milestone(modified_at=changed)))
    assert event.decoded("dtstart") == DAY and event.decoded("dtend") == DAY + timedelta(days=1)
    assert (event["uid"], event["sequence"], event["status"]) == (
        "km365-milestone-7@agency.example",
        2,
        "CONFIRMED",
    )
    assert event.decoded("dtstamp") == NOW and event.decoded("last-modified") == changed
    assert (event["summary"], event["location"], event["transp"]) == ("Review", "CO-BEL", "TRANSPARENT")


def test_a_moved_or_cancelled_one_is_the_same_event_with_a_later_sequence() -> None:
    (before,) = events(written(milestone()))
    moved = milestone(due_on=DAY + timedelta(days=9), etag='"{A-1},4"', state="cancelled")
    (after,) = events(written(moved))
    assert after["uid"] == before["uid"] and after["sequence"] > before["sequence"]
    assert after["status"] == "CANCELLED"


def test_a_file_that_cancels_holds_the_cancelled_ones_only() -> None:
    file = written(milestone(), milestone(id="8", state="cancelled"), method=Method.CANCEL)
    assert "METHOD:CANCEL\r\n" in file
    assert [event["uid"] for event in events(file)] == ["km365-milestone-8@agency.example"]


def test_one_without_a_date_is_left_out() -> None:
    assert events(written(milestone(due_on=None))) == []


@pytest.mark.parametrize(
    ("etag", "number"), [('"{A},1"', 0), ('"a-b,12"', 11), ("W/x", 0), ("", 0), ('"a,0"', 0)]
)
def test_the_sequence_is_the_version_of_the_item(etag: str, number: int) -> None:
    assert sequence(etag) == number


def expected(value: str) -> str:
    """What becomes of a text: line breaks of one kind, no control characters."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(" " if (one < " " and one not in "\t\n") or one == "\x7f" else one for one in lines)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(TEXTS, TEXTS, TEXTS)
def test_every_text_is_read_back_as_it_was(title: str, about: str, office: str) -> None:
    file = written(milestone(title=title, office=office), about=about)
    assert all(len(line.encode()) <= 75 for line in file.split("\r\n"))
    assert "\n" not in file.replace("\r\n", "") and "\r" not in file.replace("\r\n", "")
    (event,) = events(file)
    assert str(event["summary"]) == expected(title)
    assert str(event["description"]) == expected(about)
    assert str(event.get("location", "")) == expected(office)


@given(TEXTS)
def test_folding_loses_nothing(value: str) -> None:
    line = text(value)
    first, *others = fold(line)
    assert first + "".join(piece[1:] for piece in others) == line
    assert all(piece.startswith(" ") and len(piece.encode()) <= 75 for piece in others)
