"""The forms: shipped in seven languages, and checked on load with file, line and table."""

import tomllib
from pathlib import Path

import pytest

from km365.core.knowledge import WRITTEN_FIELDS, Kind
from km365.core.languages import LANGUAGES
from km365.core.taxonomy import Taxonomy
from km365.documents.forms import Forms
from km365.documents.questions import problems
from km365.errors import TemplateError
from km365.services import taxonomy
from km365.templates import Templates

SHIPPED = Forms(Templates())


def own(folder: Path, name: str, before: str, after: str) -> Templates:
    """The shipped templates with one file changed."""
    text = Templates().text(name)
    assert before in text
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return Templates(folder)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_shipped_forms_have_words_in_every_language(language: str) -> None:
    forms = SHIPPED.get(language)
    assert forms.keys() == set(Kind)
    assert all(form.labels.keys() == set(WRITTEN_FIELDS) for form in forms.values())
    english = SHIPPED.get("en")
    if language != "en":
        assert forms[Kind.INNOVATION].labels["results"] != english[Kind.INNOVATION].labels["results"]
    for kind in (Kind.INNOVATION, Kind.GOOD_PRACTICE):
        assert forms[kind].labels["results"] != forms[Kind.LESSON].labels["results"]


def test_an_innovation_needs_results_and_a_good_practice_evidence_too() -> None:
    forms = SHIPPED.get("en")
    assert forms[Kind.LESSON].needs == ("title", "description")
    assert forms[Kind.INNOVATION].needs == ("title", "description", "results")
    assert forms[Kind.GOOD_PRACTICE].needs == ("title", "description", "results", "evidence")


def test_the_facets_with_a_rule_name_concepts_there_are() -> None:
    known: Taxonomy = taxonomy.shipped(Templates())
    rules = SHIPPED.facets()
    assert set(rules) <= set(known.by_key)
    assert {concept for rule in rules.values() for concept in rule.concepts} <= known.by_id.keys()


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (
            'needs = ["title", "description", "results"]',
            'needs = ["title", "results"]',
            "[innovation] no item",
        ),
        (
            'needs = ["title", "description"]',
            'needs = ["title", "description", "results"]',
            "among the fields",
        ),
        ('"limits", "evidence"]', '"limits", "prove"]', "'prove' is no field"),
        ("[facets.child-labour]", "[facets.child-labor]", "'child-labor' is not known here"),
        ('perspectives = ["partnership"]', 'perspectives = ["partners"]', "'partners' is no perspective"),
        ("[innovation]", "[inovation]", "'inovation' is not known here"),
    ],
)
def test_what_is_wrong_is_told_with_its_file_and_line(
    tmp_path: Path, before: str, after: str, says: str
) -> None:
    forms = Forms(own(tmp_path, "forms.toml", before, after))
    with pytest.raises(TemplateError, match=r"forms\.toml, line \d+") as raised:
        forms.get("en")
        forms.facets()
    assert says in str(raised.value)


def test_a_bank_asks_of_a_kind_what_its_form_has_and_all_it_needs(tmp_path: Path) -> None:
    structure = tomllib.loads(Templates().text("questions/lesson.toml"))
    assert [one for one in structure["question"] if one["becomes"] == ["knowledge.kind"]]
    assert problems(Templates(), "lesson") == []
    asks = own(tmp_path / "a", "questions/lesson.toml", 'skip_if = { chose = ["kind", "innovation"] }\n', "")
    (told,) = problems(asks, "lesson")
    assert "the form of innovation has no 'cause'" in told
    kind = '"kind", "good practice"] }\n\n[[question]]\nid = "advice"'
    no_results = own(
        tmp_path / "b", "questions/lesson.toml", kind, kind.replace("good practice", "innovation")
    )
    assert (
        "no question asks for 'results', which the form of good practice needs"
        in problems(no_results, "lesson")[0]
    )
