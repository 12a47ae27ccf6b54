"""What people were shown and what they said of it: one row a lesson, person and milestone."""

from datetime import datetime, timedelta

from km365.core.still_true import Verdict
from km365.store import still_true as store
from km365.store.database import Connection

DAY = timedelta(days=1)


def show(c: Connection, at: datetime, *items: str, person: str = "ann", milestone: str = "12") -> None:
    store.show(c, items, person_id=person, office="CO-BEL", milestone=milestone, at=at)


def test_only_what_was_shown_can_be_spoken_of_and_saying_it_twice_changes_nothing(
    c: Connection, at: datetime
) -> None:
    show(c, at, "KM-1", "KM-2")

    def says(item: str, verdict: Verdict, person: str = "ann") -> bool:
        return store.say(c, item, verdict, person_id=person, milestone="12", at=at)

    assert says("KM-2", Verdict.CHANGED)
    assert not says("KM-2", Verdict.CHANGED)
    assert not says("KM-9", Verdict.CHANGED)
    assert not says("KM-1", Verdict.CHANGED, person="bob")
    assert [(one.item_id, one.verdict) for one in store.shown(c, "ann", "12")] == [
        ("KM-1", None),
        ("KM-2", Verdict.CHANGED),
    ]


def test_what_is_shown_again_takes_the_place_of_what_was_not_answered_and_answers_stay(
    c: Connection, at: datetime
) -> None:
    show(c, at, "KM-1", "KM-2")
    store.say(c, "KM-1", Verdict.STILL_TRUE, person_id="ann", milestone="12", at=at)
    show(c, at, "KM-3")
    assert [one.item_id for one in store.shown(c, "ann", "12")] == ["KM-3"]
    assert list(store.answers(c)) == ["KM-1"]


def test_who_answered_is_not_asked_again_at_that_milestone_nor_soon_at_another(
    c: Connection, at: datetime
) -> None:
    show(c, at, "KM-1", "KM-2")
    store.say(c, "KM-1", Verdict.STILL_TRUE, person_id="ann", milestone="12", at=at)
    assert store.answered(c, "ann", milestone="12", since=at + DAY) == {"KM-1"}
    assert store.answered(c, "ann", milestone="13", since=at - DAY) == {"KM-1"}
    assert store.answered(c, "ann", milestone="13", since=at + DAY) == frozenset()
    assert store.answered(c, "bob", milestone="12", since=at - DAY) == frozenset()


def test_a_doubt_is_open_until_it_is_settled_and_again_when_more_is_said(c: Connection, at: datetime) -> None:
    show(c, at, "KM-1")
    store.say(c, "KM-1", Verdict.NO_LONGER, person_id="ann", milestone="12", at=at)
    assert store.doubted(c) == {"KM-1"}
    assert store.settle(c, "KM-1", at=at) == 1
    assert store.settle(c, "KM-1", at=at) == 0
    assert store.doubted(c) == frozenset()
    assert store.add_words(c, "KM-1", "The road is open.", person_id="ann", milestone="12")
    assert not store.add_words(c, "KM-1", "The road is open.", person_id="ann", milestone="12")
    (said,) = store.answers(c, ["KM-1"])["KM-1"]
    assert (said.words, said.settled, said.office) == ("The road is open.", False, "CO-BEL")


def test_words_and_what_was_never_answered_are_forgotten_in_time(c: Connection, at: datetime) -> None:
    show(c, at, "KM-1", "KM-2")
    store.say(c, "KM-1", Verdict.CHANGED, person_id="ann", milestone="12", at=at)
    store.add_words(c, "KM-1", "The road is open.", person_id="ann", milestone="12")
    assert store.forget(c, before=at) == 0
    assert store.forget(c, before=at + DAY) == 2
    (said,) = store.answers(c)["KM-1"]
    assert (said.verdict, said.words) == (Verdict.CHANGED, "")


def test_what_somebody_was_asked_to_confirm_is_known_by_its_round_and_waits_until_it_is_answered(
    c: Connection, at: datetime
) -> None:
    show(c, at, "KM-1")
    show(c, at, "KM-1", "KM-2", milestone="review:1")
    show(c, at + DAY, "KM-3", milestone="review:2")
    show(c, at + DAY, "KM-1", milestone="review:2", person="bob")
    since = store.shown_since(c, ["KM-1", "KM-2", "KM-9"], beginning="review:")
    assert since == {"KM-1": at + DAY, "KM-2": at}
    assert store.unsaid(c, "ann", beginning="review:") == "review:2"
    store.say(c, "KM-3", Verdict.STILL_TRUE, person_id="ann", milestone="review:2", at=at)
    assert store.unsaid(c, "ann", beginning="review:") == "review:1"
    assert store.unsaid(c, "eve", beginning="review:") is None


def test_what_an_item_confirms_is_said_once_and_taken_back_with_the_link(c: Connection, at: datetime) -> None:
    def confirms(item: str, who: str) -> bool:
        return store.confirm(c, item, person_id=who, office="CO-BEL", milestone="KM-9", at=at)

    assert [confirms("KM-1", "ann"), confirms("KM-1", "ann"), confirms("KM-2", "ann")] == [True, False, True]
    assert store.take_back(c, "KM-9", but={"KM-1": "ann", "KM-2": "ben"}) == ["KM-2"]
    assert list(store.answers(c)) == ["KM-1"]
    assert store.take_back(c, "KM-9", but={}) == ["KM-1"]
