"""Which items are in a volume, in which order, what stays out and why, and what changed since the last."""

from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from km365.core.audience import Audience
from km365.core.compendium import OTHER, Chosen, LeftOut, Why, history, record
from km365.core.knowledge import Kind, Maturity, Reach, words_mark

from .volumes import entry, group, ids, item, volume

TODAY = date(2026, 11, 22)


def day(month: int) -> datetime:
    return datetime(2026, month, 1, tzinfo=UTC)


def why(made):
    return {one.id: one.why for one in made.left_out}


def test_groups_stand_in_order_and_what_belongs_to_none_comes_last():
    made = volume(
        entry("KM-1", topics=()),
        entry("KM-2", topics=("topic/b", "topic/a")),
        entry("KM-3", topics=("topic/b",)),
    )
    assert [(one.key, [piece.number for piece in one.pieces]) for one in made.sections] == [
        ("topic/a", ["1.1"]),
        ("topic/b", ["2.1"]),
        (OTHER, ["3.1"]),
    ]


def test_more_proof_comes_first_and_then_what_is_new():
    made = volume(
        entry("KM-1", kind=Kind.INNOVATION, submitted_at=day(9)),
        entry("KM-2", submitted_at=day(2)),
        entry("KM-3", submitted_at=day(5)),
        entry("KM-4", kind=Kind.GOOD_PRACTICE, submitted_at=day(1)),
    )
    assert ids(made) == ["KM-4", "KM-3", "KM-2", "KM-1"]


def test_what_may_not_be_in_it_is_named_with_the_reason():
    made = volume(
        entry("KM-in", published_to=Reach.PUBLIC, consent=Reach.PUBLIC),
        entry("KM-checked", maturity=Maturity.VALIDATED),
        entry("KM-near", published_to=Reach.PARTNERS, consent=Reach.PUBLIC),
        entry("KM-asked", published_to=Reach.PUBLIC, consent=Reach.PARTNERS),
        entry("KM-old", maturity=Maturity.SUPERSEDED, superseded_by="KM-in"),
        entry("KM-draft", maturity=Maturity.IN_REVIEW),
        reach=Reach.PUBLIC,
    )
    assert ids(made) == ["KM-in"]
    assert why(made) == {
        "KM-checked": Why.NOT_PUBLISHED,
        "KM-near": Why.NOT_SO_FAR,
        "KM-asked": Why.CONSENT,
        "KM-old": Why.SUPERSEDED,
    }
    assert next(one for one in made.left_out if one.id == "KM-old").detail == "KM-in"


def test_what_is_off_the_shelf_is_no_matter_for_the_editor_unless_it_was_chosen():
    shelf = [entry("KM-in"), entry("KM-old", maturity=Maturity.RETIRED)]
    assert not volume(*shelf).matters
    assert volume(*shelf, chosen=(group("topic/water", "KM-in", "KM-old"),)).matters


def test_what_only_an_office_may_read_is_counted_and_not_named():
    made = volume(entry("KM-in"), entry("KM-ours", audience=Audience.OFFICE))
    assert (ids(made), made.kept_back, made.left_out) == (["KM-in"], 1, ())


@given(
    audience=st.sampled_from(Audience),
    maturity=st.sampled_from(Maturity),
    published=st.sampled_from([None, *Reach]),
    consent=st.sampled_from(Reach),
    reach=st.sampled_from(Reach),
    chosen=st.booleans(),
)
def test_nothing_is_in_a_volume_that_its_readers_may_not_read(
    audience, maturity, published, consent, reach, chosen
):
    one = entry("KM-1", audience=audience, maturity=maturity, published_to=published, consent=consent)
    made = volume(one, reach=reach, chosen=(group("topic/water", "KM-1"),) if chosen else None)
    if ids(made):
        assert audience is Audience.EVERYONE and maturity is Maturity.PUBLISHED
        assert consent.covers(reach) and (published or Reach.INTERNAL).covers(reach)
    if audience is not Audience.EVERYONE:
        assert "Title of" not in str(made)


def test_the_editors_order_counts_and_what_the_file_does_not_name_is_said():
    shelf = [entry("KM-1"), entry("KM-2"), entry("KM-3"), entry("KM-4")]
    mine = group("mine", "KM-3", Chosen(id="KM-2", leave_out="Said twice"), "KM-1", "KM-gone")
    made = volume(*shelf, chosen=(mine,))
    assert [(piece.number, piece.item.id) for piece in made.pieces] == [("1.1", "KM-3"), ("1.2", "KM-1")]
    assert made.left_out == (
        LeftOut(id="KM-2", title="Title of KM-2", why=Why.EDITOR, detail="Said twice", matters=False),
        LeftOut(id="KM-gone", title="", why=Why.NOT_THERE),
        LeftOut(id="KM-4", title="Title of KM-4", why=Why.NOT_IN_FILE),
    )


def test_what_was_narrowed_since_the_file_was_written_is_as_if_it_were_gone():
    made = volume(entry("KM-1", audience=Audience.OFFICE), chosen=(group("x", "KM-1"),))
    assert made.left_out == (LeftOut(id="KM-1", title="", why=Why.NOT_THERE),)


def test_only_what_is_asked_for_is_in_it():
    only = {"office": frozenset({"CO-ARD"}), "year": frozenset({"2026"})}
    made = volume(entry("KM-1"), entry("KM-2", office="CO-ARD"), only=only)
    assert (ids(made), made.left_out) == (["KM-2"], ())


def test_an_index_names_each_item_under_each_of_its_values():
    made = volume(entry("KM-1", topics=("topic/a", "topic/b")), entry("KM-2", topics=("topic/b",)))
    found = {value: [piece.item.id for piece in pieces] for value, pieces in made.index("topic").items()}
    assert found == {"topic/a": ["KM-1"], "topic/b": ["KM-1", "KM-2"]}


def test_a_volume_says_what_became_of_the_one_before():
    before = [entry(f"KM-{n}") for n in range(6)]
    earlier = record(volume(*before), title="First", built_on=TODAY, reach=Reach.INTERNAL)
    now = [
        entry("KM-0"),
        entry("KM-1", advice="Ask the drivers."),
        entry("KM-2", maturity=Maturity.SUPERSEDED, superseded_by="KM-9"),
        entry("KM-3", maturity=Maturity.RETIRED),
        entry("KM-4", audience=Audience.OFFICE),
        entry("KM-9"),
    ]
    told = history(volume(*now), now, earlier, Reach.INTERNAL)
    assert [piece.item.id for piece in told.new] == ["KM-9"]
    assert [piece.item.id for piece in told.changed] == ["KM-1"]
    assert [(one.item.id, one.by.item.id) for one in told.superseded] == [("KM-2", "KM-9")]
    assert [one.id for one in told.retired] == ["KM-3"]
    assert (told.same, told.gone) == (1, 2)  # the fifth is its office's now, the sixth was taken back


def test_a_retired_item_is_not_named_to_readers_it_was_never_for():
    now = [entry("KM-1"), entry("KM-2", maturity=Maturity.RETIRED, consent=Reach.PARTNERS)]
    earlier = record(volume(entry("KM-2")), title="First", built_on=TODAY, reach=Reach.INTERNAL)
    told = history(volume(*now), now, earlier, Reach.PARTNERS)
    assert (told.retired, told.gone) == ((), 1)


def test_the_mark_of_the_words_changes_with_the_words_alone():
    one = item("KM-1", context="In the  hills.")
    same = replace(
        one, context="In the hills.", maturity=Maturity.RETIRED, office="CO-ARD", title=f" {one.title}"
    )
    assert words_mark(same) == words_mark(one)
    assert len({words_mark(replace(one, **{name: "x"})) for name in ("title", "context", "advice")}) == 3
