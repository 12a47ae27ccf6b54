"""What is done next about a milestone's event in Outlook."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from km365.core.outlook import CallOff, Change, Event, Finish, Kept, Make, State, next_step

REVIEW = Event(
    title="Review", day=date(2027, 3, 31), time_zone="Africa/Nairobi", kind="Evaluation", about="CO-BEL"
)
RENAMED = replace(REVIEW, title="Mid-term review")
MOVED = replace(REVIEW, day=REVIEW.day + timedelta(days=7))
WANTED = st.sampled_from([None, REVIEW, RENAMED, MOVED])


def kept(state: State) -> Kept:
    return Kept(number=1, state=state, event=REVIEW, event_id="A" if state is State.THERE else "")


def test_an_event_follows_its_milestone() -> None:
    there = kept(State.THERE)
    begun = Kept(number=1, state=State.MAKING, event=REVIEW)
    assert next_step(None, REVIEW) == Make(begun)
    assert next_step(begun, MOVED) == Finish(begun)
    assert next_step(there, REVIEW) is None
    assert next_step(there, MOVED) == Change(there, MOVED)
    assert next_step(there, None) == CallOff(there)
    assert next_step(None, None) is None


def test_what_was_deleted_by_hand_comes_back_only_when_the_milestone_moves() -> None:
    deleted = kept(State.DELETED)
    assert next_step(deleted, REVIEW) is None
    assert next_step(deleted, RENAMED) is None
    assert next_step(deleted, None) is None
    assert next_step(deleted, MOVED) == Make(Kept(number=2, state=State.MAKING, event=MOVED))


def test_a_milestone_planned_again_after_all_gets_an_event_of_another_number() -> None:
    assert next_step(kept(State.CALLED_OFF), REVIEW) == Make(Kept(number=2, state=State.MAKING, event=REVIEW))


@given(st.one_of(st.none(), st.sampled_from(State).map(kept)), WANTED)
def test_steps_come_to_an_end_with_what_is_wanted_or_what_somebody_deleted(
    now: Kept | None, wanted: Event | None
) -> None:
    for _ in range(4):
        match next_step(now, wanted):
            case Make(now):
                pass
            case Finish(begun):
                now = replace(begun, state=State.THERE, event_id="B")
            case Change(before, event):
                now = replace(before, event=event)
            case CallOff(before):
                now = replace(before, state=State.CALLED_OFF, event_id="")
            case None:
                break
    assert next_step(now, wanted) is None
    if now is not None and now.state is State.THERE:
        assert now.event == wanted
