"""Conversations and interviews: what people say is kept once, with its audience."""

import sqlite3
from datetime import datetime, timedelta
from traceback import format_exception

import pytest

from km365.errors import ChangedMeanwhile, NotFound, StoreError
from km365.store import conversations, interviews, search
from km365.store.database import Connection, Database
from km365.store.interviews import StoredAnswer, StoredInterview


def start(c: Connection, at: datetime, *, number: int = 1, key: str = "milestone:7:ann") -> StoredInterview:
    return interviews.create(
        c,
        interview_id=f"i{number}",
        key=key,
        person_id="ann",
        bank_id="midterm_review",
        subject="milestone:7",
        language="en",
        state="asking",
        data={"question": "risk"},
        at=at,
    )


def said(question: str, value: str | None, audience: str, at: datetime) -> StoredAnswer:
    return StoredAnswer(question_id=question, audience=audience, value=value, answered_at=at)


def keep(c: Connection, at: datetime, *answers: StoredAnswer, version: int = 1) -> int:
    return interviews.save(
        c,
        "i1",
        state="asking",
        is_open=True,
        data={"question": "next"},
        answers=answers,
        version=version,
        at=at,
    )


def test_starting_twice_is_one_interview(c: Connection, at: datetime) -> None:
    assert start(c, at, number=1).id == "i1"
    assert start(c, at, number=2).id == "i1"
    assert [one.id for one in interviews.open_for(c, "ann")] == ["i1"]


def test_every_answer_is_kept_in_order_with_its_audience(c: Connection, at: datetime) -> None:
    start(c, at)
    answers = [said("b", "Ça marche", "O", at), said("a", "second", "S", at)]
    assert keep(c, at, *answers) == 2
    assert interviews.answers(c, "i1") == answers
    assert interviews.get(c, "i1").data == {"question": "next"}


def test_an_answer_taken_back_is_gone(c: Connection, at: datetime) -> None:
    start(c, at)
    keep(c, at, said("a", "first", "U", at), said("b", "second", "U", at))
    keep(c, at, said("b", "second", "U", at), version=2)
    assert [one.question_id for one in interviews.answers(c, "i1")] == ["b"]


def test_a_turn_that_comes_second_writes_nothing(c: Connection, at: datetime) -> None:
    start(c, at)
    keep(c, at, said("a", "first", "U", at))
    with pytest.raises(ChangedMeanwhile):
        keep(c, at, said("a", "late", "U", at))
    assert interviews.answers(c, "i1") == [said("a", "first", "U", at)]


def test_an_unrecorded_answer_cannot_hold_text(db: Database, at: datetime) -> None:
    with db.begin() as c:
        start(c, at)
        keep(c, at, said("a", None, "X", at))
    with (
        pytest.raises((sqlite3.IntegrityError, StoreError), match="unrecorded_has_no_text") as caught,
        db.begin() as c,
    ):
        keep(c, at, said("a", "a " + "name", "X", at), version=2)
    assert "a name" not in "".join(format_exception(caught.value))


def test_a_missing_interview_says_what_to_do(c: Connection) -> None:
    with pytest.raises(NotFound, match="start it again"):
        interviews.get(c, "nowhere")


def test_a_finished_interview_is_no_longer_open(c: Connection, at: datetime) -> None:
    start(c, at)
    interviews.save(c, "i1", state="done", is_open=False, data={}, answers=[], version=1, at=at)
    assert interviews.open_for(c, "ann") == []
    assert [one.state for one in interviews.list_(c, subject="milestone:7")] == ["done"]


def test_answers_expire_and_the_record_stays(c: Connection, at: datetime) -> None:
    start(c, at)
    keep(c, at, said("a", "first", "U", at))
    assert interviews.erase_answers(c, untouched_since=at) == 0
    assert interviews.erase_answers(c, untouched_since=at + timedelta(seconds=1)) == 1
    assert interviews.answers(c, "i1") == []
    assert interviews.get(c, "i1").version == 2


def test_a_chat_is_saved_by_the_turn_that_read_it(c: Connection, at: datetime) -> None:
    assert conversations.get(c, "chat") is None
    assert conversations.save(c, "chat", {"n": 1}, 0, at=at) == 1
    with pytest.raises(ChangedMeanwhile):
        conversations.save(c, "chat", {"n": "late"}, 0, at=at)
    assert conversations.save(c, "chat", {"n": 2}, 1, at=at) == 2
    found = conversations.get(c, "chat")
    assert found is not None
    assert (found.state, found.version) == ({"n": 2}, 2)


def test_hearing_from_someone_makes_them_reachable_again(c: Connection, at: datetime) -> None:
    def heard(locale: str | None) -> None:
        conversations.remember_address(
            c,
            "ann",
            conversation_id="chat",
            service_url="http://127.0.0.1:1",
            tenant_id="t",
            locale=locale,
            at=at,
        )

    assert conversations.address_of(c, "ann") is None
    heard("fr")
    conversations.mark_unreachable(c, "ann", "blocked", at)
    found = conversations.address_of(c, "ann")
    assert found is not None
    assert found.unreachable_reason == "blocked"
    heard(None)
    found = conversations.address_of(c, "ann")
    assert found is not None
    assert (found.unreachable_reason, found.locale) == (None, "fr")


def test_an_activity_delivered_twice_is_new_once(c: Connection, at: datetime) -> None:
    assert conversations.first_time(c, "activity", at)
    assert not conversations.first_time(c, "activity", at)
    assert conversations.forget_activities(c, before=at + timedelta(days=1)) == 1


def test_that_words_may_be_lost_is_noted_beside_what_a_chat_remembers(c: Connection, at: datetime) -> None:
    conversations.note_unheard(c, "new", at=at)
    conversations.save(c, "known", {"welcomed": True}, 0, at=at)
    for later in (at, at + timedelta(hours=1)):
        conversations.note_unheard(c, "known", at=later)
    new, known = (conversations.get(c, name) for name in ("new", "known"))
    assert new is not None and known is not None
    assert new.state == {"unheard": {"at": at.isoformat()}}
    assert known.state == {"welcomed": True, "unheard": {"at": at.isoformat()}}


def test_an_index_is_read_for_the_first_time_until_each_library_was_seen(c: Connection, at: datetime) -> None:
    assert not search.is_first_reading(c)
    search.put_source(c, search.Source(container="c", site="s", office="CO", name="Documents", shelf="CO"))
    assert search.is_first_reading(c)
    search.change_source(c, "c", looked_at=at)
    assert not search.is_first_reading(c)
