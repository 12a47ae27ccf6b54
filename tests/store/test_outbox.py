"""Messages are sent at most once, whatever happens in between."""

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
    assert outbox.due(c, at=later) == [message()]
    assert outbox.claim(c, "invite:7:ann", at=later) == message()


def test_what_a_dead_sender_left_is_unknown_and_not_sent_again(c: Connection, at: datetime) -> None:
    outbox.put(c, message(), at=at)
    outbox.claim(c, "invite:7:ann", at=at)
    assert outbox.recover(c, at=at) == 1
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
