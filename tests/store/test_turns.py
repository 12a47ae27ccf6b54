"""One turn at a time in a conversation, whichever process it is in."""

from datetime import datetime, timedelta

from km365.store import turns
from km365.store.database import Connection

A_MOMENT = timedelta(milliseconds=1)


def test_a_conversation_belongs_to_one_process_until_it_ends_the_turn(c: Connection, at: datetime) -> None:
    assert turns.take(c, "chat", "one", at=at)
    assert not turns.take(c, "chat", "two", at=at)
    assert turns.take(c, "another chat", "two", at=at)
    assert turns.under_way(c, "chat", at=at)
    turns.end(c, "chat", "one")
    assert not turns.under_way(c, "chat", at=at)
    assert turns.take(c, "chat", "two", at=at)


def test_a_turn_of_a_process_that_died_runs_out(c: Connection, at: datetime) -> None:
    turns.take(c, "chat", "dead", at=at)
    assert not turns.take(c, "chat", "two", at=at + turns.LEASE - A_MOMENT)
    assert turns.take(c, "chat", "two", at=at + turns.LEASE)
    turns.end(c, "chat", "dead")
    assert turns.under_way(c, "chat", at=at + turns.LEASE), "whoever comes back late ends nobody else's turn"


def test_a_long_turn_is_prolonged_and_no_other(c: Connection, at: datetime) -> None:
    for chat in ("long", "left behind"):
        turns.take(c, chat, "one", at=at)
    turns.take(c, "of another", "two", at=at)
    later = at + turns.LEASE - A_MOMENT
    turns.prolong(c, ["long", "of another"], "one", at=later)
    after = at + turns.LEASE
    assert turns.under_way(c, "long", at=after)
    assert not turns.under_way(c, "left behind", at=after)
    assert not turns.under_way(c, "of another", at=after)


def test_turns_that_nobody_took_up_are_forgotten(c: Connection, at: datetime) -> None:
    turns.take(c, "chat", "dead", at=at)
    assert turns.forget(c, before=at) == 0
    assert turns.forget(c, before=at + timedelta(days=7)) == 1
