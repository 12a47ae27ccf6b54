"""Cards are valid, small, accessible and safe, in every language."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from km365_bots.cards import LARGEST_BYTES, plain, render, size_bytes

from km365.core.languages import LANGUAGES
from km365.documents.words import Words
from km365.errors import TemplateError
from km365.templates import Templates

from .cards_for_tests import DATA, card

SCHEMA = json.loads(
    (Path(__file__).parents[1] / "data" / "adaptive-card-schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft6Validator(SCHEMA)
LABELS = Words.read(Templates(), "cards/labels")

every_kind = pytest.mark.parametrize("kind", sorted(DATA))
every_language = pytest.mark.parametrize("language", LANGUAGES)


def check(rendered: dict[str, Any]) -> None:
    """The schema knows no `msteams`, which Teams reads beside it."""
    bare = {key: value for key, value in rendered.items() if key != "msteams"}
    wrong = jsonschema.exceptions.best_match(VALIDATOR.iter_errors(bare))
    assert wrong is None, wrong
    assert size_bytes(rendered) <= LARGEST_BYTES


def elements(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Everything on the card in reading order, what is folded away included."""
    for element in part.get("body", part.get("items", [])):
        yield element
        yield from elements(element)


def inputs(rendered: dict[str, Any]) -> list[dict[str, Any]]:
    return [e for e in elements(rendered) if e["type"].startswith("Input.")]


def verbs(rendered: dict[str, Any]) -> list[str]:
    return [a["verb"] for a in rendered.get("actions", []) if a["type"] == "Action.Execute"]


@every_kind
@every_language
def test_every_card_is_valid_in_every_language(kind, language):
    check(render(card(kind, language), LABELS))


@every_kind
@every_language
def test_every_card_says_its_language_and_direction(kind, language):
    rendered = render(card(kind, language), LABELS)
    assert (rendered["lang"], rendered["rtl"]) == (language, language == "ar")
    assert rendered["version"] == "1.5"


@every_kind
def test_every_card_begins_with_a_heading(kind):
    first = render(card(kind), LABELS)["body"][0]
    assert first["style"] == "heading"
    assert first["text"] == DATA[kind]["title"]


@every_kind
def test_every_input_has_a_label_and_says_what_is_missing(kind):
    for element in inputs(render(card(kind, choices=[], questions=[{"value": "a", "label": "A"}]), LABELS)):
        assert element["label"]
        assert element.get("errorMessage") if element.get("isRequired") else True


def test_an_answer_is_required_and_says_so():
    [answer] = inputs(render(card("question"), LABELS))
    assert answer["id"] == "answer"
    assert answer["isRequired"] is True
    assert answer["errorMessage"] == "Write an answer first, or choose Skip."


@every_language
def test_a_question_is_the_label_of_its_field_and_stands_there_once(language):
    for choices in ([], [{"value": "a", "label": "A"}]):
        rendered = render(card("question", language, choices=choices), LABELS)
        [answer] = inputs(rendered)
        assert answer["label"] == DATA["question"]["ask"]
        assert [e.get("text") for e in elements(rendered)].count(DATA["question"]["ask"]) == 0


def test_a_draft_shows_what_is_filled_in_and_what_must_be_and_folds_the_rest():
    fields = [
        {"key": "limits", "label": "Limits", "value": "", "multiline": True},
        {"key": "title", "label": "Title", "value": "", "required": True},
        {"key": "context", "label": "Context", "value": "Two districts.", "multiline": True},
        {"key": "advice", "label": "Advice", "value": "", "multiline": True},
    ]
    rendered = render(card("draft", fields=fields), LABELS)
    check(rendered)
    assert [e["id"] for e in rendered["body"] if e["type"].startswith("Input.")] == ["title", "context"]
    [folded] = [e for e in rendered["body"] if e["type"] == "Container"]
    assert folded["isVisible"] is False
    assert [e["id"] for e in folded["items"]] == ["limits", "advice"]
    [opens] = [e for e in rendered["body"] if e["type"] == "ActionSet"]
    assert [a["targetElements"] for a in opens["actions"]] == [[folded["id"]]]
    left = "".join(c for c in plain(card("draft", fields=fields), LABELS) if c not in "\u2068\u2069")
    assert "Left empty: Limits and Advice. You can send it like this." in left


def test_a_full_draft_has_nothing_to_unfold():
    assert "ActionSet" not in [e["type"] for e in elements(render(card("draft"), LABELS))]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("question", ["answer", "skip", "back", "pause"]),
        ("consent", ["agree", "decline"]),
        ("invitation", ["start", "later", "decline"]),
        ("draft", ["send", "edit", "discard"]),
        ("note", ["approve", "change"]),
        ("notice", []),
    ],
)
def test_each_card_offers_its_buttons(kind, expected):
    assert verbs(render(card(kind), LABELS)) == expected


@every_kind
def test_every_button_brings_back_the_cards_token_in_new_and_old_teams(kind):
    for action in render(card(kind), LABELS).get("actions", []):
        if action["type"] == "Action.Execute":
            assert action["data"] == {
                "interview": "i1",
                "question": "risk",
                "token": "t0ken",
                "verb": action["verb"],
            }
            assert action["fallback"]["type"] == "Action.Submit"
            assert action["fallback"]["data"] == action["data"]


def test_an_invitation_to_go_on_says_continue():
    titles = [action["title"] for action in render(card("invitation", minutes=None), LABELS)["actions"]]
    assert titles[0] == "Continue"


def test_skipping_does_not_ask_for_an_answer_first():
    by_verb = {a["verb"]: a for a in render(card("question"), LABELS)["actions"]}
    assert by_verb["answer"]["associatedInputs"] == "auto"
    assert {by_verb[v]["associatedInputs"] for v in ("skip", "back", "pause")} == {"none"}


@every_kind
@every_language
def test_the_text_twin_says_what_the_card_says(kind, language):
    twin = plain(card(kind, language), LABELS)
    for key in ("title", "text", "ask", "hint", "purpose"):
        assert DATA[kind].get(key, "") in twin
    assert render(card(kind, language), LABELS, text=twin)["fallbackText"].startswith(DATA[kind]["title"])


def test_choices_are_shown_and_an_unknown_value_is_not_chosen():
    choices = [{"value": "yes", "label": "Yes"}, {"value": "no", "label": "No"}]
    [chosen] = inputs(render(card("question", choices=choices, value="no"), LABELS))
    assert chosen["value"] == "no"
    [unknown] = inputs(render(card("question", choices=choices, value="perhaps"), LABELS))
    assert "value" not in unknown


def test_peoples_words_are_never_read_as_markdown():
    rendered = render(card("note"), LABELS)
    runs = [run["text"] for e in elements(rendered) if e["type"] == "RichTextBlock" for run in e["inlines"]]
    assert runs == ["The *cold chain* order", "[a](http://x.example)"]
    assert "](" not in json.dumps([e for e in elements(rendered) if e["type"] == "TextBlock"])


def test_a_title_cannot_carry_a_link():
    rendered = render(card("notice", title="[Pay here](https://evil.example)"), LABELS)
    assert "](" not in rendered["body"][0]["text"]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "ftp://x.example", "data:text/html,x"])
def test_only_web_addresses_become_buttons(address):
    assert "actions" not in render(card("notice", link=address), LABELS)


def test_an_earlier_answer_too_long_for_a_card_is_shown_and_never_sent_back_shortened():
    rendered = render(card("question", value="word " * 6_000), LABELS)
    check(rendered)
    [answer] = inputs(rendered)
    assert "value" not in answer
    assert LABELS.get("en", "answer_kept") in plain(card("question", value="word " * 6_000), LABELS)


def test_a_draft_field_too_long_for_a_card_is_shown_and_never_sent_back_shortened():
    fields = [
        {"key": "title", "label": "Title", "value": "Short", "multiline": False},
        {"key": "body", "label": "Body", "value": "слово " * 4_000, "multiline": True},
    ]
    rendered = render(card("draft", fields=fields), LABELS)
    check(rendered)
    assert [e["id"] for e in inputs(rendered)] == ["title"]
    assert "Shortened here. The whole text is kept." in [e.get("text") for e in elements(rendered)]


def test_a_note_of_many_pages_becomes_a_card_that_says_it_is_shortened():
    sections = [{"heading": f"Part {n}", "lines": ["نص " * 300] * 30} for n in range(40)]
    rendered = render(card("note", "ar", sections=sections), LABELS)
    check(rendered)
    assert LABELS.get("ar", "shortened") in [e.get("text") for e in elements(rendered)]
    assert verbs(rendered) == ["approve", "change"]


def test_a_card_nobody_knows_is_refused_by_name():
    with pytest.raises(TemplateError, match="'surprise'"):
        render(card("notice").__class__(name="surprise", data={}, language="en"), LABELS)


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=3_000)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcd"), inner),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    kind=st.sampled_from(sorted(DATA)),
    key=st.sampled_from(sorted({k for d in DATA.values() for k in d})),
    value=ANYTHING,
)
def test_no_data_makes_an_invalid_card(kind, key, value):
    check(render(card(kind, "fr", **{key: value}), LABELS))


def test_a_missing_word_is_named(tmp_path):
    (tmp_path / "cards").mkdir()
    words = Templates().text("cards/labels.fr.toml").replace('skip = "Passer"\n', "")
    (tmp_path / "cards" / "labels.fr.toml").write_text(words, encoding="utf-8")
    with pytest.raises(TemplateError, match=r"labels\.fr\.toml: 'skip' is missing"):
        Words.read(Templates(tmp_path), "cards/labels")


def test_a_lost_placeholder_is_named(tmp_path):
    (tmp_path / "cards").mkdir()
    words = Templates().text("cards/labels.fr.toml").replace("{reference}", "dix")
    (tmp_path / "cards" / "labels.fr.toml").write_text(words, encoding="utf-8")
    with pytest.raises(
        TemplateError, match=r"labels\.fr\.toml: 'went_wrong' must hold the same placeholders"
    ):
        Words.read(Templates(tmp_path), "cards/labels")


@every_language
def test_every_word_is_translated(language):
    same = [key for key in sorted(LABELS.keys()) if LABELS._words[language][key] == LABELS._words["en"][key]]
    assert language == "en" or set(same) <= {"pause", "no"}


def test_words_in_another_direction_than_the_card_keep_their_own() -> None:
    shown = render(card("notice", "ar", text="The lorries came late."), LABELS)
    assert "\N{FIRST STRONG ISOLATE}The lorries came late.\N{POP DIRECTIONAL ISOLATE}" in json.dumps(
        shown, ensure_ascii=False
    )
    shown = render(card("notice", "en", text="The lorries came late."), LABELS)
    assert "\N{FIRST STRONG ISOLATE}" not in json.dumps(shown, ensure_ascii=False)
