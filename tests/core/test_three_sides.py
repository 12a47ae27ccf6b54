"""Our files, the term store, and what both had last: who decides each value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.term_store import KEY, Labels, Languages, StoredTerm, normal
from km365.core.three_sides import Kind, folded, merged, merged_synonyms, merged_text

TEXTS = st.sampled_from(["water", "Water", "sanitation", "wells & pumps", "eau"])
MAYBE = st.none() | TEXTS
SYNONYMS = st.lists(TEXTS, max_size=3, unique_by=folded).map(tuple)


def words(default: str, synonyms: tuple[str, ...]) -> Labels:
    """The term store takes no label twice."""
    return Labels(default=default, synonyms=tuple(one for one in synonyms if folded(one) != folded(default)))


LABELS = st.dictionaries(st.sampled_from(["en-US", "fr-FR", "ar-SA"]), st.builds(words, TEXTS, SYNONYMS))


def term(labels: dict[str, Labels], descriptions: dict[str, str]) -> StoredTerm:
    labels = {"en-US": Labels(default="water"), **labels}
    return StoredTerm(id="t", labels=labels, descriptions=descriptions, properties={KEY: "x/1", "own": "1"})


TERMS = st.builds(term, LABELS, st.dictionaries(st.sampled_from(["en-US", "fr-FR"]), TEXTS))


@pytest.mark.parametrize(
    ("ours", "live", "agreed", "value", "verdict"),
    [
        ("a", "a", None, "a", None),
        ("b", "a", "a", "b", Kind.CHANGED),
        ("a", "b", "a", "b", Kind.KEPT),
        ("b", "c", "a", "c", Kind.CONFLICT),
        ("b", "c", None, "c", Kind.CONFLICT),
        ("a", None, None, "a", Kind.CHANGED),
        ("a", None, "a", None, Kind.KEPT),
        ("b", None, "a", None, Kind.CONFLICT),
        (None, "a", "a", None, Kind.CHANGED),
        (None, "a", None, "a", None),
        (None, "b", "a", "b", Kind.CONFLICT),
        ("wells & pumps", "wells \uff06 pumps", None, "wells \uff06 pumps", None),
    ],
)
def test_who_decides(
    ours: str | None, live: str | None, agreed: str | None, value: str | None, verdict: Kind | None
):
    side = merged_text(ours, live, agreed)
    assert (side.value, side.verdict) == (value, verdict)


@given(MAYBE, MAYBE, MAYBE)
def test_what_people_changed_is_never_lost_without_force(
    ours: str | None, live: str | None, agreed: str | None
):
    side = merged_text(ours, live, agreed)
    people_changed_it = live is not None and (agreed is None or normal(live) != normal(agreed))
    if people_changed_it:
        assert side.value == live


@given(SYNONYMS, SYNONYMS, SYNONYMS)
def test_synonyms_of_either_side_stay_and_what_either_dropped_goes(
    ours: tuple[str, ...], live: tuple[str, ...], agreed: tuple[str, ...]
):
    kept, _ = merged_synonyms(ours, live, agreed, label="another")
    after, mine, theirs, before = ({folded(one) for one in side} for side in (kept, ours, live, agreed))
    assert len(after) == len(kept)
    assert (mine | theirs) - before <= after
    assert not after & ((before - mine) | (before - theirs))


@given(TERMS, TERMS, st.none() | TERMS, st.booleans())
def test_merging_again_what_was_written_changes_nothing(
    ours: StoredTerm, live: StoredTerm, agreed: StoredTerm | None, force: bool
):
    once = merged(ours, live, agreed, default="en-US", force=force)
    again = merged(ours, once.term, once.agreed, default="en-US")
    assert again.term == once.term
    assert again.agreed == once.agreed
    assert Kind.CHANGED not in again.says


@given(TERMS, TERMS)
def test_with_force_the_term_store_says_what_the_files_say(ours: StoredTerm, live: StoredTerm):
    after = merged(ours, live, None, default="en-US", force=True).term
    assert {tag: normal(one.default) for tag, one in ours.labels.items()} == {
        tag: normal(after.labels[tag].default) for tag in ours.labels
    }
    assert after.labels.keys() >= live.labels.keys()


@given(TERMS)
def test_what_is_equal_stays_as_it_is(one: StoredTerm):
    same = merged(one, one, None, default="en-US")
    assert same.term == one and same.says == {}


def test_labels_go_out_in_the_languages_the_store_works_in_and_its_default_one_always_has_one():
    spoken = Languages(default="pt-BR", tags=("pt-BR", "fr-FR"))
    found = spoken.spoken({"en": ("Water", "water ", "Wells"), "fr": ("Eau",), "ar": ("ماء",)})
    assert found == {"pt-BR": Labels(default="Water", synonyms=("Wells",)), "fr-FR": Labels(default="Eau")}
