"""The words of a report on a tagging run."""

import pytest

from km365.core.languages import LANGUAGES
from km365.core.run_report import NOT_READ
from km365.documents.words import Words
from km365.services.tag_run import WRITTEN
from km365.store.runs import ChangeState
from km365.templates import Templates


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_end_of_a_document_that_is_left_has_its_words(language: str) -> None:
    words = Words.read(Templates(), "messages/report")
    ends = {*(set(ChangeState) - WRITTEN), NOT_READ}
    assert len({words.get(language, f"outcome_{state}") for state in ends}) == len(ends)
