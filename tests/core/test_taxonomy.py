"""What may be wrong with a term set, and how it is written down."""

import json
from dataclasses import replace

import pytest

from km365.core.taxonomy import Concept, Link, Mode, Rule, Status, Taxonomy, TermSet
from km365.core.taxonomy_check import Problem, check, check_set
from km365.core.taxonomy_file import from_json, read, to_file, to_json, without_store_ids
from km365.errors import InputRefused, TemplateError


def concept(name: str, label: str | None = None, **more) -> Concept:
    return Concept(id=f"x/{name}", labels={"en": label or name}, **more)


def term_set(*concepts: Concept, key: str = "x") -> TermSet:
    return TermSet(key=key, names={"en": "Example"}, column="KMExample", concepts=concepts)


def fatal(*concepts: Concept) -> list[str]:
    return [str(p) for p in check_set(term_set(*concepts), languages=["en"]) if p.fatal]


def test_broader_terms_in_a_circle_are_told_once_with_their_path():
    found = fatal(
        concept("soil", broader="x/water"),
        concept("water", broader="x/air"),
        concept("air", broader="x/water"),
        concept("fire"),
    )
    assert found == ["x/water: the broader terms go round in a circle: x/water > x/air > x/water"]


def test_a_term_broader_than_itself_is_a_circle():
    assert fatal(concept("egg", broader="x/egg")) == [
        "x/egg: the broader terms go round in a circle: x/egg > x/egg"
    ]


def test_an_eighth_level_is_refused_by_name():
    chain = [concept("1"), *(concept(str(n), broader=f"x/{n - 1}") for n in range(2, 9))]
    assert fatal(*chain[:7]) == []
    assert fatal(*chain) == ["x/8: it stands 8 levels deep; the term store takes 7"]


def test_a_broader_term_that_does_not_exist_is_named():
    assert "'x/nowhere' is not in the term set 'x'" in fatal(concept("leaf", broader="x/nowhere"))[0]


def test_an_id_that_stands_twice_is_named():
    assert fatal(concept("a", "one"), concept("a", "two")) == ["x/a: this id stands twice in the term set"]


def test_siblings_with_one_label_are_refused_and_cousins_are_not():
    assert len(fatal(concept("a", "Health"), concept("b", "health"))) == 1
    assert fatal(concept("a", "Health"), concept("b", "Care"), concept("c", "Health", broader="x/b")) == []


@pytest.mark.parametrize("label", ["a; b", 'so "called"', "a|b", "a<b", "a\x1b[31m", "a\x85b", "x" * 256])
def test_a_label_the_term_store_would_refuse_is_told(label: str):
    assert len(fatal(concept("odd", label))) == 1


def test_missing_languages_and_labels_that_match_nothing_are_told_but_do_no_harm():
    found = check_set(
        term_set(concept("e-learning", "e-learning"), concept("of", "of the")), languages=["en", "fr"]
    )
    assert [str(p) for p in found if "matches no text" in p.what or "no label" in p.what] == [
        "x/e-learning: no label in fr",
        "x/e-learning: the en label 'e-learning' matches no text: little is left of it without little words",
        "x/of: no label in fr",
        "x/of: the en label 'of the' matches no text: little is left of it without little words",
    ]
    assert not any(p.fatal for p in found)


def test_a_text_that_a_spreadsheet_would_work_out_is_told_but_does_no_harm():
    found = check_set(term_set(concept("a", "=1+1", definitions={"en": "@x"}), concept("b", "1+1 classes")))
    assert [(one.what, one.fatal) for one in found if one.kind == "formula"] == [
        ("the en label '=1+1' is a formula to a spreadsheet", False),
        ("the en definition '@x' is a formula to a spreadsheet", False),
    ]


def test_a_name_of_little_words_may_stand_where_a_synonym_is_found():
    name = "Côte d'Ivoire"
    assert len(check_set(term_set(concept("ci", name)), languages=["en"])) == 1
    known = concept("ci", name, synonyms={"en": ("Ivory Coast",)})
    assert check_set(term_set(known), languages=["en"]) == []


def test_two_concepts_that_read_the_same_are_told():
    found = check_set(
        term_set(concept("a", "Cash transfers"), concept("b", "the cash transfer")), languages=["en"]
    )
    assert found == [Problem(where="x/b", what="the en label 'the cash transfer' also belongs to 'x/a'")]


def test_links_are_followed_across_term_sets():
    one = term_set(concept("a", mapped_to=((Link.BROAD, "y/b"), (Link.CLOSE, "y/gone"))))
    other = TermSet(key="y", names={}, concepts=(Concept(id="y/b", labels={"en": "b"}),))
    found = check(Taxonomy(term_sets=(one, other)), languages=["en"])
    assert [str(p) for p in found if "mapped" in p.what] == [
        "x/a: it is mapped to 'y/gone', which does not exist"
    ]


def test_a_column_is_served_by_its_term_set_and_those_that_speak_for_it():
    filled = TermSet(key="y", names={}, column="Topic", concepts=(concept("y"),))
    link = ((Link.EXACT, "x/y"),)
    speaks = TermSet(key="old", names={}, concepts=(concept("old", mapped_to=link),))
    replaced = TermSet(key="gone", names={}, concepts=(concept("gone", replaced_by="x/y"),))
    idle = TermSet(key="idle", names={}, concepts=(concept("idle"),))
    served = Taxonomy(term_sets=(speaks, idle, filled, replaced)).serving(["Topic"])
    assert [one.key for one in served.term_sets] == ["old", "y", "gone"]


def test_a_replacement_belongs_to_a_deprecated_concept_only():
    found = check_set(term_set(concept("old", replaced_by="x/new"), concept("new")), languages=["en"])
    assert [p.what for p in found] == ["it names a replacement but is not deprecated"]


def test_a_term_is_found_by_id_label_or_synonym_in_any_language():
    known = term_set(
        concept("wash", "Water and sanitation", synonyms={"fr": ("l'eau et l'assainissement",)}),
        concept("air"),
    )
    for text in ("x/wash", "WATER and Sanitation", " eau et assainissement "):
        assert [c.id for c in known.find(text)] == ["x/wash"]
    assert known.find("earth") == ()


def test_a_concept_is_found_by_its_term_id_in_lower_case():
    known = Taxonomy(term_sets=(term_set(concept("a", term_id="0A0B"), concept("b")),))
    assert known.by_term_id["0a0b"].id == "x/a"
    assert known.by_id["x/b"].term_id is None


def test_a_term_set_survives_writing_and_reading():
    made = TermSet(
        key="x",
        names={"en": "Example", "ar": "مثال"},
        concepts=(
            concept("a", synonyms={"en": ("alpha", "first")}, mapped_to=((Link.EXACT, "y/a"),)),
            concept("b", broader="x/a", mode=Mode.NEVER, owner="nutrition", notes={"en": "Not for c."}),
            concept("c", status=Status.DEPRECATED, replaced_by="x/a", definitions={"fr": "Ce que c'est."}),
            concept("d", aliases=("x/old", "x/older"), also_broader=("x/a",), global_parent="y/d"),
        ),
        owner="programme",
        definitions={"en": "Made up."},
        office="co-bel",
        extends="y",
    )
    assert from_json(to_json(made), source="x.json") == made


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"rule": Rule(at_most=0)}, "rule.at_most"),
        ({"rule": Rule(threshold=float("nan"))}, "rule.threshold"),
        ({"names": {"fil": "Tubig"}}, "unknown key 'fil'"),
        ({"names": {"en": "Half \ud83d"}}, "surrogates"),
        ({"office": "CO-BEL"}, "it would not read back as it was"),
    ],
    ids=["terms", "score", "language", "half", "office"],
)
def test_nothing_is_written_that_could_not_be_read_back(change: dict, complaint: str):
    made = replace(term_set(concept("a", term_id="aa")), set_id="bb")
    assert from_json(to_file(made, source="x.json").decode(), source="x.json") == without_store_ids(made)
    with pytest.raises(
        InputRefused, match=f"nothing was written.*{complaint}|{complaint}.*nothing was written"
    ):
        to_file(replace(made, **change), source="x.json")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"colour": "red"}, "x.json, the file: unknown key 'colour'"),
        ({"concepts": []}, "x.json, concepts: must be a list with at least one concept."),
        ({"rule": {"threshold": 2}}, "x.json, rule.threshold: must be a number from 0 to 1."),
        ({"rule": {"at_most": 5.0}}, "x.json, rule.at_most: must be a whole number from 1 to 1000."),
        ({"rule": {"at_most": 10**17}}, "x.json, rule.at_most: must be a whole number from 1 to 1000."),
        ({"mode": "often"}, "x.json, mode: 'often' is not one of never, suggest, auto."),
        ({"concepts": [{"id": "x/a", "labels": {"xx": "A"}}]}, "x.json, x/a.labels: unknown key 'xx'"),
        ({"concepts": [{"id": "x/a", "labels": {"en": " "}}]}, "must give one label per language"),
        ({"concepts": [{"labels": {"en": "A"}}]}, "x.json, concepts[0].id: must be text"),
        (
            {"concepts": [{"id": "x/a", "labels": {"en": "A"}, "synonyms": {"en": "B"}}]},
            "must be a list of texts",
        ),
        (
            {"concepts": [{"id": "x/a", "labels": {"en": "A"}, "mapped_to": [{"id": "y"}]}]},
            "mapped_to[0].link",
        ),
    ],
)
def test_a_malformed_file_is_refused_with_file_and_key(change: dict, complaint: str):
    good = {"key": "x", "names": {"en": "X"}, "concepts": [{"id": "x/a", "labels": {"en": "A"}}]}
    with pytest.raises(TemplateError) as told:
        from_json(json.dumps(good | change), source="x.json")
    assert complaint in str(told.value)


def test_everything_wrong_in_a_file_is_told_at_once_and_the_rest_is_read():
    file = {
        "key": "x",
        "names": {"en": "X"},
        "rule": {"threshold": 2, "required": "no"},
        "concepts": [
            {"id": "x/a", "labels": {"en": "A"}, "broader": "x/b"},
            {"id": "x/b", "labels": {"en": "B", "xx": "B"}, "broader": "x/a", "colour": "red"},
            {"labels": {}},
            7,
        ],
    }
    found = read(json.dumps(file).replace('"colour"', '"id": "x/b", "colour"'), source="x.json")
    assert found.term_set
    assert [concept.broader for concept in found.term_set.concepts] == ["x/b", "x/a", None, None]
    assert [line.partition(", ")[2].partition(";")[0] for line in found.wrong] == [
        "x/b: the key 'id' stands twice in one object.",
        "rule.required: must be true or false.",
        "rule.threshold: must be a number from 0 to 1.",
        "concepts[1]: unknown key 'colour'",
        "x/b.labels: unknown key 'xx'",
        "concepts[2].id: must be text and may not be empty.",
        "concepts[2].labels: must give one label per language.",
        "concepts[3]: must be an object.",
    ]
    assert found.doubtful == {
        "": {"rule"},
        "x/b": {"labels"},
        "concepts[2]": {"id", "labels"},
        "concepts[3]": {"id"},
    }


def test_a_number_of_thousands_of_digits_is_told_by_its_key():
    text = f'{{"key": "x", "names": {{"en": "X"}}, "rule": {{"at_most": {"9" * 5000}}}, "concepts": []}}'
    found = read(text, source="x.json")
    assert "x.json, rule.at_most: must be a whole number from 1 to 1000." in found.wrong


def test_half_a_character_is_refused_with_its_line_and_a_whole_one_is_read():
    file = '{"key": "x", "names": {"en": "X"}, "concepts": [\n{"id": "x/a", "labels": {"en": "LABEL"}}]}'
    for half in (r"\ud83d", r"\uDE00", r"\ude00\ud83d", r"\\\ud83d", r"\\ud83d\ude00"):
        with pytest.raises(TemplateError, match=r"x\.json, line 2: \\u\w{4} is half a character"):
            from_json(file.replace("LABEL", half), source="x.json")
    whole = from_json(file.replace("LABEL", r"\ud83d\ude00 \\ud83d"), source="x.json")
    assert whole.concepts[0].label() == r"😀 \ud83d"


def test_a_file_saved_by_a_windows_editor_is_read():
    made = term_set(concept("a"))
    assert from_json("\ufeff" + to_json(made), source="x.json") == made


def test_a_file_that_is_not_json_is_refused_with_its_line():
    with pytest.raises(TemplateError, match=r"x\.json, line 2: not JSON"):
        from_json('{"key":\n oops}', source="x.json")
