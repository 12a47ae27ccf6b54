"""What the loop counts of the list, as it was read last, and when moves were made."""

from datetime import UTC, date, datetime, timedelta

from km365.core.knowledge import Effect, Maturity
from km365.core.loop import COUNTED, Captured
from km365.core.moves import Made, Move
from km365.store import loop_items, moves
from km365.store.database import Connection

ONE = Captured(
    id="KM-1",
    office="CO-BEL",
    maturity=Maturity.PUBLISHED,
    effect=Effect.NOTED,
    was_published=True,
    was_used=False,
    captured_on=date(2026, 3, 2),
)
AT = datetime(2026, 3, 4, 10, tzinfo=UTC)


def test_what_was_read_again_takes_the_place_of_what_was_known(c: Connection) -> None:
    loop_items.put(c, "list", {"1": ONE, "2": ONE, "3": None})
    loop_items.put(c, "list", {"2": None, "1": ONE})
    loop_items.put(c, "other", {"1": ONE})
    assert loop_items.list_(c, "list") == [ONE]
    loop_items.remove(c, "list", ["1"])
    assert loop_items.list_(c, "list") == []


def test_the_first_day_of_a_move_counts_and_of_validations_the_last_one_needed(c: Connection) -> None:
    what = {"item_id": "KM-1", "before": "in review", "who": "ben"}
    half = Made(move=Move.VALIDATE, after="in review", at=AT, **what)
    whole = Made(move=Move.VALIDATE, after="validated", at=AT + timedelta(days=1), **what)
    again = Made(move=Move.PUBLISH, after="published", at=AT + timedelta(days=3), **what)
    first = Made(move=Move.PUBLISH, after="published", at=AT + timedelta(days=2), **what)
    undone = Made(move=Move.CHANGE, after="changed", at=AT, done=False, **what)
    moves.begin(c, [half, whole, again, first, undone])
    assert moves.first_at(c, COUNTED) == {
        "KM-1": {Move.VALIDATE: AT + timedelta(days=1), Move.PUBLISH: AT + timedelta(days=2)}
    }
