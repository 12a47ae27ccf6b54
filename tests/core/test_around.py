"""Who reads an answer is said by name, as far as it is known."""

import pytest

from km365.core.around import Around, by_name
from km365.core.languages import LANGUAGES
from km365.documents.messages import Catalogue
from km365.templates import Templates

CATALOGUE = Catalogue(Templates())
KNOWN = Around(successor="Ben {Sandlark}", supervisor="Ana Reedmoor", office={"en": "Belmora"}, colleagues=43)


@pytest.mark.parametrize("language", LANGUAGES)
def test_successor_supervisor_and_office_are_named_in_every_language(language: str) -> None:
    said = by_name(CATALOGUE.get(language), KNOWN)
    for name in ("Ben {Sandlark}", "Ana Reedmoor"):
        assert name in said.say("audience.S")
    assert "Belmora" in said.say("audience.O")
    assert "40" in said.say("audience.O")


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_is_not_known_is_said_in_general_words(language: str) -> None:
    messages = CATALOGUE.get(language)
    for audience in "UOSRX":
        key = f"audience.{audience}"
        assert by_name(messages, Around()).say(key) == messages.say(key)
        if audience in "URX":
            assert by_name(messages, KNOWN).say(key) == messages.say(key)


def test_a_few_colleagues_are_told_as_they_are_and_one_alone_not() -> None:
    english = CATALOGUE.get("en")
    few = by_name(english, Around(office={"en": "Belmora"}, colleagues=7))
    assert few.say("audience.O") == "everyone in Belmora (about 7 people)"
    alone = by_name(english, Around(office={"en": "Belmora"}, colleagues=1))
    assert alone.say("audience.O") == english.say("audience.O")


def test_where_one_of_the_two_is_not_known_it_says_so() -> None:
    english = CATALOGUE.get("en")
    assert "once that is known" in by_name(english, Around(supervisor="Ana Reedmoor")).say("audience.S")
    assert "supervisor" not in by_name(english, Around(successor="Ben Sandlark")).say("audience.S")
