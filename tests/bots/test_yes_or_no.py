"""A choice of yes or no is made by the yes and no of any language, whatever language asks."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from km365_bots.meaning import said_to

from km365.core.commands import understand
from km365.core.interviews import PromptKind
from km365.core.languages import LANGUAGES
from km365.core.questions import POST_LEFT
from km365.core.said import Verb

from .chatting import BANKS, CATALOGUE

SAID = {
    "en": ("yes", "no"),
    "fr": ("oui", "Non."),
    "es": ("sí", "no"),
    "ar": ("نعم", "لا"),
    "ru": ("да", "Нет"),
    "zh": ("是", "否"),
    "pt": ("sim", "não"),
}


@pytest.mark.parametrize("asking", LANGUAGES)
@pytest.mark.parametrize(("language", "at"), [(tag, at) for tag in SAID for at in (0, 1)])
def test_the_yes_of_ones_language_chooses_yes(asking: str, language: str, at: int) -> None:
    text = SAID[language][at]
    question = BANKS.get(POST_LEFT, asking).question("named")
    assert question is not None
    chat = SimpleNamespace(event=SimpleNamespace(text=text), activity_key="a")
    turn = SimpleNamespace(
        prompt=SimpleNamespace(kind=PromptKind.QUESTION, question=question),
        interview=SimpleNamespace(revisiting=""),
    )
    meant = understand(text, CATALOGUE.vocabulary, language=asking)
    said = said_to(cast("Any", chat), cast("Any", turn), meant)
    assert said is not None and said.verb is Verb.ANSWER
    choice = question.choice(said.text)
    assert choice is not None and choice.value == ("yes", "no")[at]
