"""The vectors of knowledge items follow the search index: made of what is found, gone with it."""

from dataclasses import replace
from datetime import date

from km365.core.search_entries import DOCUMENT, Entry, Indexed
from km365.store import search, search_meaning
from km365.store.database import Connection
from km365.store.search import Source

LESSON = Entry(
    container="list",
    item_id="1",
    shelf="",
    kind="lesson learned",
    office="CO-BEL",
    language="en",
    title="Ask drivers first",
    web_url="https://sharepoint.example/1",
    day=date(2026, 3, 2),
    mark="1",
)


def keeps(c: Connection, *entries: Entry) -> None:
    search.put_source(c, Source(container="list", site="s", office="", name="Knowledge", shelf=""))
    search.put(c, [Indexed.of(one, ["It rained."]) for one in entries])


def reads(c: Connection) -> list[str]:
    """Makes the vectors that are missing, and tells of what."""
    new = search_meaning.unread(c, most=10)
    search_meaning.put(c, {one: one.title.encode() for one in new})
    return [one.title for one in new]


def of(c: Connection, *shelves: str) -> bytes:
    return b"".join(one.vector for one in search_meaning.after(c, 0) if one.shelf in shelves)


def test_an_item_is_read_once_and_again_when_it_changes_and_a_document_never(c: Connection) -> None:
    keeps(c, LESSON, replace(LESSON, item_id="2", kind=DOCUMENT, title="Report"))
    assert (reads(c), reads(c)) == (["Ask drivers first"], [])
    keeps(c, replace(LESSON, mark="2", title="Ask them all"))
    assert (reads(c), of(c, "")) == (["Ask them all"], b"Ask them all")


def test_a_vector_lies_on_the_shelf_of_its_item(c: Connection) -> None:
    keeps(c, LESSON, replace(LESSON, item_id="2", shelf="co-bel", title="For the office"))
    reads(c)
    assert of(c, "", "co-ard") == b"Ask drivers first"
    assert of(c, "co-bel") == b"For the office"


def test_what_is_not_found_any_more_or_by_others_is_forgotten(c: Connection) -> None:
    keeps(c, LESSON, replace(LESSON, item_id="2", title="Two"), replace(LESSON, item_id="3", title="Three"))
    reads(c)
    search.withdraw(c, "list", ["1"])
    search.remove(c, "list", ["2"])
    keeps(c, replace(LESSON, item_id="3", title="Three", shelf="co-bel"))
    search_meaning.forget(c)
    assert of(c, "", "co-bel") == b""
    assert reads(c) == ["Three"]


def test_a_vector_that_comes_late_is_not_kept(c: Connection) -> None:
    keeps(c, LESSON)
    (late,) = search_meaning.unread(c, most=1)
    search.remove(c, "list", ["1"])
    search_meaning.put(c, {late: b"0"})
    assert of(c, "") == b""


def test_vectors_are_read_in_portions(c: Connection) -> None:
    keeps(c, *(replace(LESSON, item_id=str(number), title=f"T{number}") for number in range(5)))
    reads(c)
    first = search_meaning.after(c, 0, most=3)
    rest = search_meaning.after(c, first[-1].entry_id, most=3)
    assert [one.vector for one in (*first, *rest)] == [f"T{number}".encode() for number in range(5)]
