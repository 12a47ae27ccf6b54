"""Messages are sent at most once, whatever happens in between."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from km365.store import outbox
from km365.store.database import Connection
from km365.store.outbox import Delivery, Message


def message(key: str = "invite:7:ann") -> Message:
    return Message(
        key=key,
        person_id="ann",
        card="invitation",
        data={"milestone": "7"},
        language="ar",
        reason="milestone",
    )


def state_of(c: Connection, key: str = "invite:7:ann") -> Delivery:
    found = outbox.get(c, key)
    assert found is not None
    return found.state


def test_a_key_is_used_once(c: Connection, at: datetime) -> None:
    assert outbox.put(c, message(), at=at)
    assert not outbox.put(c, message(), at=at)
    assert [one.message for one in outbox.list_(c)] == [message()]


def test_a_key_stays_used_after_cancelling(c: Connection, at: datetime) -> None:
    outbox.put(c, message(), at=at)
    assert outbox.cancel(c, "invite:7", note="called off", at=at) == 1
    assert not outbox.put(c, message(), at=at)
    assert outbox.due(c, at=at) == []


def test_one_sender_gets_it(c: Connection, at: datetime) -> None:
    outbox.put(c, message(), at=at)
    assert outbox.claim(c, "invite:7:ann", at=at) == message()
    assert outbox.claim(c, "invite:7:ann", at=at) is None
    outbox.sent(c, "invite:7:ann", activity_id="1", at=at)
    assert outbox.claim(c, "invite:7:ann", at=at) is None
    assert state_of(c) is Delivery.SENT


def test_a_message_put_back_is_due_when_it_said(c: Connection, at: datetime) -> None:
    outbox.put(c, message(), at=at)
    outbox.claim(c, "invite:7:ann", at=at)
    later = at + timedelta(minutes=5)
    outbox.put_back(c, "invite:7:ann", at=at, due_at=later, note="slow down")
    assert outbox.due(c, at=at) == []
    assert [row.message for row in outbox.due(c, at=later)] == [message()]
    assert outbox.claim(c, "invite:7:ann", at=later) == message()


def test_pages_go_on_after_the_last_and_take_one_persons_messages(c: Connection, at: datetime) -> None:
    for number in range(7):
        ben = replace(message(f"note:{number}"), person_id="ben")
        outbox.put(c, ben, at=at, due_at=at - timedelta(hours=number % 2))
        outbox.put(c, message(f"invite:{number}"), at=at)
    found, last = [], None
    while page := outbox.due(c, at=at, after=last, limit=3):
        found += [row.message.key for row in page]
        last = page[-1]
    assert sorted(found) == sorted(row.message.key for row in outbox.list_(c))
    assert found[:3] == ["note:1", "note:3", "note:5"]
    assert len(outbox.due(c, at=at, person_id="ben", limit=7)) == 7


def test_a_message_held_counts_no_attempt_and_is_released_for_its_person(c: Connection, at: datetime) -> None:
    for key in ("held", "later", "tried"):
        outbox.put(c, message(key), at=at, due_at=at + timedelta(days=1) if key == "later" else at)
    hour = at + timedelta(hours=1)
    outbox.hold(c, "held", at=at, due_at=hour, note="not in the store")
    outbox.claim(c, "tried", at=at)
    outbox.put_back(c, "tried", at=at, due_at=hour, note="slow down")
    assert outbox.due(c, at=at) == []
    assert outbox.release(c, "ben", at=at) == 0
    assert outbox.release(c, "ann", at=at) == 1
    (held,) = outbox.due(c, at=at)
    assert (held.message.key, held.attempts) == ("held", 0)


@pytest.mark.parametrize("verb", ["unknown", "unreachable", "failed"])
def test_a_message_is_sent_again_only_after_it_ended_in_trouble(
    c: Connection, at: datetime, verb: str
) -> None:
    outbox.put(c, message(), at=at)
    assert not outbox.send_again(c, "invite:7:ann", at=at)
    outbox.claim(c, "invite:7:ann", at=at)
    assert not outbox.send_again(c, "invite:7:ann", at=at)
    getattr(outbox, verb)(c, "invite:7:ann", note="the app is blocked", at=at)
    assert outbox.send_again(c, "invite:7:ann", at=at)
    assert outbox.claim(c, "invite:7:ann", at=at) == message()
    outbox.sent(c, "invite:7:ann", activity_id="1", at=at)
    assert not outbox.send_again(c, "invite:7:ann", at=at)


def test_what_ended_long_ago_keeps_its_outcome_and_loses_its_values(c: Connection, at: datetime) -> None:
    for key in ("old", "new", "waiting"):
        outbox.put(c, message(key), at=at)
    for key, ended in (("old", at), ("new", at + timedelta(days=2))):
        outbox.claim(c, key, at=ended)
        outbox.sent(c, key, activity_id="1", at=ended)
    for count in (1, 0):
        assert outbox.forget_data(c, ended_before=at + timedelta(days=1)) == count
    assert {row.message.key: row.message.data != {} for row in outbox.list_(c)} == {
        "old": False,
        "new": True,
        "waiting": True,
    }
    assert state_of(c, "old") is Delivery.SENT


def test_what_a_dead_sender_left_is_unknown_and_not_sent_again(c: Connection, at: datetime) -> None:
    outbox.put(c, message(), at=at)
    outbox.claim(c, "invite:7:ann", at=at)
    assert outbox.recover(c, at=at, begun_before=at) == 1
    assert state_of(c) is Delivery.UNKNOWN
    assert outbox.claim(c, "invite:7:ann", at=at) is None


@pytest.mark.parametrize("verb", ["unknown", "unreachable", "failed"])
def test_the_outcome_keeps_its_reason(c: Connection, at: datetime, verb: str) -> None:
    outbox.put(c, message(), at=at)
    outbox.claim(c, "invite:7:ann", at=at)
    getattr(outbox, verb)(c, "invite:7:ann", note="the app is blocked", at=at)
    (found,) = outbox.list_(c, state=Delivery(verb))
    assert found.note == "the app is blocked"
    assert found.attempts == 1


def test_cancelling_takes_what_is_below_the_key_and_nothing_beside_it(c: Connection, at: datetime) -> None:
    for key in ("invite:7:ann", "invite:7:ann:1", "invite:7:anna", "invite:70:ann", "invite:7_:ann"):
        outbox.put(c, message(key), at=at)
    assert outbox.cancel(c, "invite:7:ann", note="answered", at=at) == 2
    assert {one.message.key for one in outbox.list_(c, state=Delivery.WAITING)} == {
        "invite:7:anna",
        "invite:70:ann",
        "invite:7_:ann",
    }


def test_a_message_on_its_way_is_not_cancelled(c: Connection, at: datetime) -> None:
    outbox.put(c, message(), at=at)
    outbox.claim(c, "invite:7:ann", at=at)
    assert outbox.cancel(c, "invite:7:ann", note="answered", at=at) == 0
    assert state_of(c) is Delivery.SENDING


def test_what_is_lent_is_nobody_elses_until_the_time_is_over(c: Connection, at: datetime) -> None:
    soon = at + timedelta(seconds=15)
    for key in ("a", "b", "c"):
        outbox.put(c, message(key), at=at)
    assert outbox.lend(c, at=at, until=soon, limit=2) == ["a", "b"]
    assert outbox.lend(c, at=at, until=soon, limit=2) == ["c"]
    assert outbox.lend(c, at=at, until=soon, limit=2) == []
    assert outbox.lend(c, at=soon, until=soon + timedelta(seconds=15), limit=9) == ["a", "b", "c"]


def test_what_is_given_back_is_due_again_unless_it_was_put_off_or_claimed(
    c: Connection, at: datetime
) -> None:
    soon = at + timedelta(seconds=15)
    for key in ("a", "b", "c"):
        outbox.put(c, message(key), at=at)
    outbox.lend(c, at=at, until=soon, limit=3)
    outbox.claim(c, "b", at=at)
    outbox.hold(c, "c", at=at, due_at=at + timedelta(days=5), note="put off")
    outbox.give_back(c, ["a", "b", "c"], at=at, until=soon)
    assert [one.message.key for one in outbox.due(c, at=at)] == ["a"]
    assert state_of(c, "b") is Delivery.SENDING
