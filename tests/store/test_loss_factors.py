"""What was said of a leaver: kept in order with who, when and why, forgotten a year after the last word."""

from datetime import datetime, timedelta

from km365.store import loss_factors
from km365.store.database import Connection
from km365.store.loss_factors import Said


def said(at: datetime, value: int | None = 4) -> Said:
    return Said(name="uniqueness", value=value, because="nobody else knows", who="sam", at=at)


def test_what_is_said_later_stands_behind_what_was_said_before(c: Connection, at: datetime) -> None:
    words = [said(at), said(at, None), said(at, 2)]
    for one in words:
        loss_factors.append(c, "ann", one)
    loss_factors.append(c, "bob", said(at, 1))
    assert loss_factors.list_(c, "ann") == words


def test_a_leaver_of_whom_nothing_was_said_for_long_is_forgotten_whole(c: Connection, at: datetime) -> None:
    year = timedelta(days=365)
    for person, days in (("ann", (400, 3)), ("bob", (400, 380))):
        for one in days:
            loss_factors.append(c, person, said(at - timedelta(days=one)))
    assert loss_factors.forget(c, before=at - year) == 2
    assert len(loss_factors.list_(c, "ann")) == 2 and loss_factors.list_(c, "bob") == []
