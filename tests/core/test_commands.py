"""Commands are understood in every language, and people's own words are left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.audience import Audience
from km365.core.commands import Command, Understood, numbered, plain, understand
from km365.core.languages import LANGUAGES, OWN_NAMES
from km365.documents.messages import Catalogue
from km365.templates import Templates

VOCABULARY = Catalogue(Templates()).vocabulary
SPOKEN = [
    (language, command, phrase)
    for language, commands in VOCABULARY.commands.items()
    for command, phrases in commands.items()
    for phrase in phrases
]


@pytest.mark.parametrize(("language", "command", "phrase"), SPOKEN)
def test_every_phrase_is_understood_in_its_language(language: str, command: str, phrase: str) -> None:
    found = understand(f" {phrase.upper()}! ", VOCABULARY, language=language)
    assert found == Understood(command=Command(command))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrase_means_two_things_in_one_language(language: str) -> None:
    phrases = [w for said in VOCABULARY.commands[language].values() for w in {plain(p) for p in said}]
    assert len(phrases) == len(set(phrases))


@pytest.mark.parametrize(
    "text",
    [
        "We went back to the village",
        "Skip-generation households were left out",
        "Nothing to send to the donor yet",
        "Pause between distributions helped",
        "Aucun retour des partenaires",
        "Мы вернулись назад к старому плану",
        "我们后来返回了村里",
        "عدنا إلى القرية من جديد بعد الفيضان",
        "Ardania",
        "",
        "...",
    ],
)
def test_an_answer_that_holds_a_command_stays_an_answer(text: str) -> None:
    assert understand(text, VOCABULARY, language="en") is None


@pytest.mark.parametrize(
    ("text", "command"),
    [("contineu", Command.RESUME), ("Skip this question.", Command.SKIP), ("пропустит", Command.SKIP)],
)
def test_a_slip_of_the_finger_is_forgiven(text: str, command: Command) -> None:
    assert understand(text, VOCABULARY, language="en") == Understood(command=command)


@pytest.mark.parametrize(("language", "name"), OWN_NAMES.items())
def test_a_language_is_chosen_by_its_own_name(language: str, name: str) -> None:
    assert understand(name, VOCABULARY, language="en") == Understood(language=language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("audience", Audience)
def test_an_audience_is_chosen_by_its_label(language: str, audience: Audience) -> None:
    label = VOCABULARY.audiences[language][audience]
    assert understand(label, VOCABULARY, language=language) == Understood(audience=audience)


@given(st.text(max_size=300))
def test_any_text_can_be_looked_at(text: str) -> None:
    understand(text, VOCABULARY, language="en")
    numbered(text)


def test_parts_of_a_draft_are_named_by_number() -> None:
    assert numbered("2: New words: better") == Understood(number=2, text="New words: better")
    assert numbered("3.") == Understood(number=3)
    assert numbered("3 villages") is None
