"""Which language to speak with whom."""

import pytest

from km365.core.languages import LANGUAGES, OWN_NAMES, best, is_rtl


def test_the_first_language_we_speak_is_taken() -> None:
    assert best([None, "sw-KE", "pt-BR", "fr"]) == "pt"
    assert best(["zh_Hans_CN"]) == "zh"
    assert best([None, ""]) == "en"


@pytest.mark.parametrize("language", LANGUAGES)
def test_arabic_alone_is_written_from_right_to_left(language: str) -> None:
    assert is_rtl(f"{language}-XX") is (language == "ar")
    assert OWN_NAMES[language]
