"""Who reads an answer is said by name, as far as it is known."""

import re
from dataclasses import replace

import pytest

from km365.core.around import Around, by_name
from km365.core.languages import LANGUAGES
from km365.core.questions import POST_LEFT
from km365.documents.messages import Catalogue
from km365.templates import Templates

ONLY = {
    "en": "only",
    "fr": "seulement",
    "es": "solo",
    "ar": "فقط",
    "ru": "только",
    "zh": "只有",
    "pt": r"\b(só|apenas)\b",
}
CATALOGUE = Catalogue(Templates())
KNOWN = Around(successor="Ben {Sandlark}", supervisor="Ana Reedmoor", office={"en": "Belmora"}, colleagues=43)
CLOSED = Around(closed=True)


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
        assert by_name(messages, CLOSED).say(key) == messages.say(key)
        if audience in "URX":
            assert by_name(messages, KNOWN).say(key) == messages.say(key)


@pytest.mark.parametrize("words", ["preview", POST_LEFT])
@pytest.mark.parametrize("language", LANGUAGES)
def test_that_only_its_readers_read_a_note_is_said_only_where_the_library_is_closed(
    language: str, words: str
) -> None:
    messages = CATALOGUE.get(language)
    note = "prompt.note_text" if words == "preview" else "post_left.note_text"
    whole = Around(successor="Ben", supervisor="Ana", words=words)
    for around in (whole, replace(whole, successor=""), replace(whole, supervisor=""), Around(words=words)):
        named = {one for one in ("Ben", "Ana") if one in (around.successor, around.supervisor)}
        opened = by_name(messages, around)
        for said in (opened.say("audience.S"), opened.say(note)):
            assert "Handover notes" in said and all(one in said for one in named)
            assert not re.search(ONLY[language], said), said
        closed = by_name(messages, replace(around, closed=True))
        assert "Handover notes" not in closed.say("audience.S")
        assert re.search(ONLY[language], closed.say("audience.S"))


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
