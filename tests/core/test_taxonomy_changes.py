"""Term sets that change: made to fit the term store, brought up to date, merged, deprecated, compared."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core import taxonomy_csv
from km365.core.taxonomy import Concept, Link, Mode, Rule, Status, Taxonomy, TermSet
from km365.core.taxonomy_change import deprecated, merged
from km365.core.taxonomy_check import check_set, unusable
from km365.core.taxonomy_diff import Difference, Kind, differences
from km365.core.taxonomy_fit import fit
from km365.core.taxonomy_reading import Says
from km365.core.taxonomy_update import updated
from km365.errors import InputRefused, NotFound


def concept(name: str, label: str | None = None, **more) -> Concept:
    return Concept(id=f"x/{name}", labels={"en": label or name}, **more)


def term_set(*concepts: Concept, **more) -> TermSet:
    return TermSet(**{"key": "x", "names": {"en": "Example"}, "concepts": concepts, **more})


# Made to fit ---------------------------------------------------------------------------------------------


def test_labels_are_made_to_fit_and_the_whole_text_becomes_the_definition():
    long = "word " * 60
    made, told = fit(term_set(concept("a", 'So "called"; <b>'), concept("b", long.strip())))
    assert made.concepts[0].label() == "So 'called', ‹b›"
    assert len(made.concepts[1].label()) == 255 or made.concepts[1].label().endswith("word…")
    assert made.concepts[1].definitions == {"en": long.strip()}
    assert [line.split(":")[0] for line in told] == ["x/a", "x/b"]
    assert unusable(made) == []


def test_control_characters_are_taken_out_and_told():
    names = {"en": "Set\x1b[1m"}
    synonyms = {"en": ("two\nlines", "\x07")}
    made, told = fit(
        term_set(concept("a", "\x1b[31mred\x07", synonyms=synonyms), concept("b", "\x07"), names=names)
    )
    assert made.names == {"en": "Set[1m"}
    assert [(one.label(), one.synonyms) for one in made.concepts] == [("[31mred", {"en": ("two lines",)})]
    assert told == (
        "x/a: the label '\\x1b[31mred\\x07' is written without what the term store refuses.",
        "x/b: nothing is left of its label; it is left out.",
        "x: its name is written without control characters.",
    )
    assert unusable(made) == []


def test_terms_too_deep_are_lifted_and_remember_what_they_stood_under():
    chain = [concept("1"), *(concept(str(n), broader=f"x/{n - 1}") for n in range(2, 11))]
    made, told = fit(term_set(*chain))
    assert [made.by_id[f"x/{n}"].broader for n in (7, 8, 9, 10)] == ["x/6"] * 4
    assert made.by_id["x/10"].also_broader == ("x/9",)
    assert len(told) == 3 and "lifted to level 7" in told[0]


def test_circles_missing_broader_terms_double_ids_and_twins_are_put_right_and_told():
    made, told = fit(
        term_set(
            concept("a", broader="x/b"),
            concept("b", broader="x/a"),
            concept("c", broader="x/gone"),
            concept("d", "Same"),
            concept("e", "same"),
            concept("d", "Again"),
        )
    )
    assert unusable(made) == []
    assert [one.label() for one in made.concepts] == ["a", "b", "c", "Same", "same (2)"]
    assert len(told) == 4


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30),
            st.one_of(st.none(), st.integers(0, 30)),
            st.text('ab";|<\t\x1b', min_size=1, max_size=4).filter(str.strip),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_whatever_comes_in_the_term_store_would_take_what_is_made_of_it(rows):
    concepts = [
        concept(str(n), label, broader=f"x/{above}" if above is not None else None)
        for n, above, label in rows
    ]
    made, _ = fit(term_set(*concepts))
    assert unusable(made) == []
    assert fit(made) == (made, ())


# Brought up to date --------------------------------------------------------------------------------------

PRESENT = term_set(
    concept("wells", "Wells", synonyms={"en": ("our word",)}, mode=Mode.AUTO, owner="wash", term_id="AA"),
    concept("pumps", "Pumps", broader="x/wells"),
    concept("taps", "Taps"),
    column="KMTopic",
    rule=Rule(at_most=2),
)


def test_a_thesaurus_changes_what_it_says_and_nothing_else():
    new = term_set(
        concept(
            "wells", "Water wells", synonyms={"en": ("boreholes",)}, mapped_to=((Link.EXACT, "http://o/1"),)
        ),
        concept("pumps", "Pumps"),
        concept("rope", "Rope pumps", broader="x/pumps"),
        key="other",
    )
    after = updated(PRESENT, new, says=Says.MEANING)
    wells, pumps, taps, rope = after.concepts
    assert (after.key, after.column, after.rule) == ("x", "KMTopic", Rule(at_most=2))
    assert (wells.label(), wells.synonyms) == ("Water wells", {"en": ("our word", "boreholes")})
    assert (wells.mode, wells.owner, wells.term_id) == (Mode.AUTO, "wash", "AA")
    assert (pumps.broader, taps.status, rope.broader) == (None, Status.CURRENT, "x/pumps")
    assert updated(PRESENT, new, says=Says.MEANING, retire=True).by_id["x/taps"].status is Status.DEPRECATED


def test_a_file_of_ours_says_everything():
    new = term_set(concept("wells", "Wells"), mode=Mode.NEVER)
    after = updated(PRESENT, new, says=Says.EVERYTHING)
    assert after.by_id["x/wells"] == replace(concept("wells", "Wells"), term_id="AA")
    assert (after.mode, after.column, len(after.concepts)) == (Mode.NEVER, "", 3)


HEADING = ",".join(f'"{heading}"' for heading in taxonomy_csv.HEADINGS)


def test_a_csv_of_the_term_store_keeps_the_ids_that_its_terms_have_here():
    text = "\n".join(
        [
            HEADING,
            "Water,All of it,1036,TRUE,,,,,,,,",
            ",,,TRUE,Un trou,Puits|aaaaaaaa-0000-4000-8000-000000000001,,,,,,",
            ",,,FALSE,,Puits|aaaaaaaa-0000-4000-8000-000000000001,Pumps,,,,,",
            ",,,TRUE,,Forages,,,,,,",
        ]
    )
    present = replace(
        PRESENT,
        concepts=(
            replace(PRESENT.concepts[0], term_id="AAAAAAAA-0000-4000-8000-000000000001"),
            *PRESENT.concepts[1:],
        ),
    )
    reading = taxonomy_csv.read(text, key="x")
    assert reading.problems == () and reading.says is Says.LABELS
    after = updated(present, reading.term_sets[0], says=reading.says)
    wells, pumps, _, new = after.concepts
    assert (wells.id, wells.labels) == ("x/wells", {"en": "Wells", "fr": "Puits"})
    assert wells.definitions == {"fr": "Un trou"} and wells.synonyms == {"en": ("our word",)}
    assert (pumps.id, pumps.mode, pumps.broader) == ("x/pumps", Mode.NEVER, "x/wells")
    assert (new.id, new.labels) == ("x/forages", {"fr": "Forages"})


def by_rows(present: TermSet | None, *paths: str) -> TermSet:
    """The term set after a CSV with these terms, each as its labels from the top."""
    rows = (f",,,TRUE,,{path.replace('/', ',')}" for path in paths)
    reading = taxonomy_csv.read("\n".join([HEADING, "Sectors,,1033,TRUE,,,", *rows]), key="x")
    assert reading.problems == ()
    return updated(present, reading.term_sets[0], says=reading.says)


def places(made: TermSet) -> dict[str, tuple[str, str | None]]:
    return {one.id: (one.label(), one.broader) for one in made.concepts}


def test_a_term_that_stands_where_it_stood_keeps_its_id_though_an_earlier_row_has_its_label():
    before = by_rows(None, "Health", "Health/Other")
    after = by_rows(before, "Education", "Education/Other", "Health", "Health/Other")
    assert places(after) == places(before) | {
        "x/education": ("Education", None),
        "x/other-2": ("Other", "x/education"),
    }


def test_a_term_that_moved_is_known_by_its_label_and_two_that_may_be_it_are_new():
    before = by_rows(None, "Health", "Health/Other", "Education")
    moved = by_rows(before, "Education", "Education/Other")
    assert places(moved)["x/other"] == ("Other", "x/education")
    unclear = by_rows(before, "Education", "Education/Other", "Nutrition", "Nutrition/Other")
    assert places(unclear)["x/other"] == ("Other", "x/health")
    assert len(unclear.concepts) == 6


@pytest.mark.parametrize("again", [("School", "Schools"), ("Schools", "School")])
def test_labels_that_the_matcher_reads_alike_are_told_apart_as_they_are_written(again: tuple[str, ...]):
    before = by_rows(None, "School", "Schools")
    assert by_rows(before, *again) == before


@pytest.mark.parametrize("lcid", ["9999", pytest.param("1" * 5000, id="endless")])
def test_rows_of_a_csv_that_cannot_be_taken_are_named_with_their_line(lcid: str):
    text = "\r\n".join(
        [
            HEADING.replace(",", ";"),
            f"Water;;{lcid};TRUE;;;;;;;;",
            ";;;TRUE;;Wells;;;;;;",
            ";;;TRUE;;;Nowhere;;;;;",
            ";;;TRUE;;Wells;;;;;;",
            "Food;;;TRUE;;Bread;;;;;;",
            ";;;TRUE;;Pumps;Rope pumps;;;;;",
        ]
    )
    reading = taxonomy_csv.read(text)
    assert [one.id for one in reading.term_sets[0].concepts] == [
        "water/wells",
        "water/pumps",
        "water/rope-pumps",
    ]
    assert [line.split(":")[0] for line in reading.problems] == ["line 2", "line 4", "line 5", "line 6"]
    assert "the headings lack" in taxonomy_csv.read("a,b\n1,2").problems[0]
    assert taxonomy_csv.read("").term_sets == ()


def test_a_stray_quotation_mark_is_said_with_the_lines_it_costs():
    rows = [
        "Water,,1033,TRUE,,Wells",
        ',,,TRUE,"x "y" z,Pumps',
        ",,,TRUE,,Taps",
        ',,,TRUE,"never closed,Wheels',
    ]
    reading = taxonomy_csv.read("\n".join([HEADING, *rows, ",,,TRUE,,Rivers"]))
    assert [one.label() for one in reading.term_sets[0].concepts] == ["Wells", "Taps"]
    assert [re.sub(": .*, as", ": as", line) for line in reading.problems] == [
        "line 3: as by a stray quotation mark; the line is left out.",
        "line 5: as by a stray quotation mark; lines 5 to 6 are left out.",
    ]
    assert not reading.whole


@pytest.mark.parametrize(
    ("word", "mode"),
    [(word, Mode.NEVER) for word in ("FAUX", "ЛОЖЬ", "Falso", "falsch", "خطأ", "假", "0", "NON")]
    + [(word, Mode.SUGGEST) for word in ("", "VRAI", "Verdadero", "ИСТИНА", "WAHR", "真")],
)
def test_a_spreadsheets_words_for_true_and_false_are_known(word: str, mode: Mode):
    reading = taxonomy_csv.read(f"{HEADING}\nWater,,1033,TRUE,,,,,,,,\n,,,{word},,Wells,,,,,,")
    assert (reading.problems, [one.mode for one in reading.term_sets[0].concepts]) == ((), [mode])


def test_another_word_for_available_is_named_with_its_line():
    reading = taxonomy_csv.read(f"{HEADING}\nWater,,1033,TRUE,,,,,,,,\n,,,perhaps,,Wells,,,,,,")
    assert reading.problems == (
        "line 3: 'perhaps' is neither TRUE nor FALSE; the term counts as available for tagging.",
    )
    assert reading.term_sets[0].concepts[0].mode is Mode.SUGGEST


def test_a_csv_of_ours_is_what_the_term_store_imports():
    old = concept("old", "Old", status=Status.DEPRECATED)
    made = term_set(concept("a", 'So "A"', definitions={"en": "First."}), concept("b", broader="x/a"), old)
    lines = taxonomy_csv.to_csv(made).split("\r\n")
    assert lines[0] == HEADING
    assert lines[1].startswith('"Example","","1033","TRUE"')
    assert lines[2] == '"","","","TRUE","First.","So ""A""","","","","","",""'
    assert lines[3].startswith('"","","","TRUE","","So ""A""","b"')
    assert lines[4].startswith('"","","","FALSE","","Old"')
    deep = [concept("1"), *(concept(str(n), broader=f"x/{n - 1}") for n in range(2, 9))]
    with pytest.raises(ValueError, match="x/8 stands 8 levels deep"):
        taxonomy_csv.to_csv(term_set(*deep))


# Out of use ----------------------------------------------------------------------------------------------

PLANTS = term_set(
    Concept(
        id="x/tree",
        labels={"en": "Tree", "fr": "Arbre"},
        synonyms={"en": ("wood", "woods")},
        mapped_to=((Link.BROAD, "y/plant"),),
    ),
    Concept(
        id="x/bush",
        labels={"en": "Bush", "es": "Arbusto"},
        synonyms={"en": ("shrub", "the tree")},
        mapped_to=((Link.EXACT, "y/bush"), (Link.RELATED, "x/tree")),
    ),
    concept("rose", broader="x/bush", mapped_to=((Link.RELATED, "x/bush"),)),
    concept("fig", broader="x/tree"),
)


def test_merging_moves_words_links_and_narrower_terms_and_keeps_the_old_id():
    after = merged(PLANTS, "x/bush", "x/tree")
    tree, bush, rose, fig = after.concepts
    assert tree.labels == {"en": "Tree", "fr": "Arbre", "es": "Arbusto"}
    assert tree.synonyms == {"en": ("wood", "woods", "Bush", "shrub")}
    assert tree.mapped_to == ((Link.BROAD, "y/plant"), (Link.EXACT, "y/bush"))
    assert (bush.status, bush.replaced_by) == (Status.DEPRECATED, "x/tree")
    assert (rose.broader, rose.mapped_to, fig.broader) == ("x/tree", ((Link.RELATED, "x/tree"),), "x/tree")
    assert Taxonomy(term_sets=(after,)).resolve("x/bush") == tree
    assert check_set(after, languages=["en"]) == []


def test_a_term_is_never_merged_into_nonsense():
    for old, into, error in (
        ("x/tree", "x/tree", InputRefused),
        ("x/tree", "x/fig", InputRefused),
        ("x/gone", "x/fig", NotFound),
        ("x/fig", "x/gone", NotFound),
    ):
        with pytest.raises(error, match="x/"):
            merged(PLANTS, old, into)
    with pytest.raises(InputRefused, match="out of use itself"):
        merged(merged(PLANTS, "x/bush", "x/tree"), "x/fig", "x/bush")


def test_a_deprecated_term_names_what_replaces_it_today():
    known = Taxonomy(term_sets=(merged(PLANTS, "x/bush", "x/tree"),))
    after = deprecated(known.term_sets[0], "x/fig", "x/bush", known)
    assert after.by_id["x/fig"].replaced_by == "x/tree"
    assert deprecated(known.term_sets[0], "x/fig", None, known).by_id["x/fig"].status is Status.DEPRECATED
    for term, instead in (("x/tree", None), ("x/fig", "x/fig"), ("x/tree", "x/bush")):
        with pytest.raises(InputRefused):
            deprecated(known.term_sets[0], term, instead, known)


# Compared ------------------------------------------------------------------------------------------------


def test_every_kind_of_difference_is_told():
    after = term_set(
        replace(
            PLANTS.concepts[0], labels={"en": "Trees", "fr": "Arbre"}, synonyms={"en": ("wood", "timber")}
        ),
        replace(PLANTS.concepts[2], broader="x/tree", mode=Mode.NEVER, mapped_to=()),
        replace(PLANTS.concepts[3], status=Status.DEPRECATED, owner="forestry"),
        concept("oak", aliases=("x/bush",)),
    )
    other = term_set(concept("1"), key="y")
    found = differences(Taxonomy(term_sets=(PLANTS,)), Taxonomy(term_sets=(after, other)))
    assert [(one.kind, one.id, one.was, one.now) for one in found] == [
        (Kind.RENAMED, "x/tree", "Tree", "Trees"),
        (Kind.SYNONYMS, "x/tree", "woods", "timber"),
        (Kind.MOVED, "x/rose", "x/bush", "x/tree"),
        (Kind.MODE, "x/rose", "suggest", "never"),
        (Kind.LINKS, "x/rose", "related x/bush", ""),
        (Kind.STATUS, "x/fig", "current", "deprecated"),
        (Kind.TEXT, "x/fig", "", "forestry"),
        (Kind.ADDED, "x/oak", "", ""),
        (Kind.REMOVED, "x/bush", "", "x/oak"),
        (Kind.SET_ADDED, "y", "", "1 terms"),
    ]
    back = differences(Taxonomy(term_sets=(other,)), Taxonomy(term_sets=()))
    assert back == [Difference(kind=Kind.SET_REMOVED, facet="y", id="y", label="Example", was="1 terms")]
    assert differences(Taxonomy(term_sets=(PLANTS,)), Taxonomy(term_sets=(PLANTS,))) == []


def test_what_differs_in_a_term_set_itself_is_told():
    after = replace(
        PLANTS,
        names={"en": "Plants", "fr": "Plantes"},
        rule=Rule(at_most=5, required=True, threshold=0.9),
        mode=Mode.AUTO,
        column="KMTopic",
        office="co-bel",
        extends="topic",
        definitions={"en": "What grows."},
        owner="forestry",
    )
    known, then = Taxonomy(term_sets=(PLANTS,)), Taxonomy(term_sets=(after,))
    found = differences(known, then)
    assert {(one.facet, one.id, one.label) for one in found} == {("x", "x", "Plants")}
    assert [(one.kind, one.language, one.was, one.now) for one in found] == [
        (Kind.SET_NAME, "en", "Example", "Plants"),
        (Kind.SET_NAME, "fr", "", "Plantes"),
        (Kind.SET_RULE, "", "required false, threshold 0.5", "required true, threshold 0.9"),
        (Kind.SET_MODE, "", "suggest", "auto"),
        (Kind.SET_COLUMN, "", "", "KMTopic"),
        (Kind.SET_OFFICE, "", "", "co-bel, extends topic"),
        (Kind.SET_TEXT, "en", "", "What grows."),
        (Kind.SET_TEXT, "", "", "forestry"),
    ]
    assert differences(known, then, of_sets=False) == []
