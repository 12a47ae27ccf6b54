"""What the pages say, in seven languages."""

import json
import re
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from km365.local import teams_chat, values, webpages

LANGUAGES = ("en", "fr", "es", "ar", "ru", "zh", "pt")
ENGLISH = webpages.words("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_things(language: str) -> None:
    words = webpages.words(language)
    assert words.keys() == ENGLISH.keys()
    for key, text in words.items():
        assert text.strip(), key
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", ENGLISH[key])), key


def test_every_word_is_used_and_every_used_word_is_there() -> None:
    templates = [p.read_text("utf-8") for p in (webpages.HERE / "html").glob("*.html")]
    scripts = [p.read_text("utf-8") for p in (webpages.HERE / "static").glob("*.js")]
    used = set(re.findall(r"words(?:\.|\[\")([a-z_]+)", "\n".join(templates + scripts)))
    used |= {f"audience_{letter}" for letter in "uosr"}  # by `pages`, for the letter that is stored
    assert used == ENGLISH.keys()


def test_no_page_asks_for_anything_elsewhere() -> None:
    for path in (*(webpages.HERE / "html").glob("*.html"), *(webpages.HERE / "static").glob("*.*")):
        text = Path(path).read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//|url\(|@import|https?://[a-z]", text), path.name


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("de, pt-BR;q=0.5, es;q=0.7", "es"),
        ("zh-Hans-CN", "zh"),
        ("de", "en"),
        ("", "en"),
        ("ar;q=x,;;;,*", "en"),
    ],
)
def test_the_browser_is_answered_in_its_best_language(asked: str, answered: str) -> None:
    request = make_mocked_request("GET", "/", headers={"Accept-Language": asked})
    assert webpages.browser_language(request) == answered


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ada Lanternworth", "AL"),
        ("Dina Al-Nakhil (دينا النخيل)", "DA"),
        ("Plato", "P"),
        ("(x)", "("),
        ("", ""),
    ],
)
def test_initials_are_two_letters_at_most(name: str, letters: str) -> None:
    assert teams_chat.initials(name) == letters


@pytest.mark.parametrize(
    ("raw", "kind", "text"),
    [
        (None, "empty", ""),
        ([], "empty", ""),
        ("2027-03-01T00:00:00Z", "time", "2027-03-01T00:00:00Z"),
        ({"Label": "Health", "TermGuid": "g", "WssId": 1}, "terms", "Health"),
        ([{"Label": "A", "TermGuid": "g"}, {"Label": "B", "TermGuid": "h"}], "terms", "A, B"),
        ("https://example.org/x", "link", "https://example.org/x"),
        ("javascript:alert(1)", "text", "javascript:alert(1)"),
        (["a", "b"], "text", "a, b"),
        (True, "text", "✓"),
        (3, "text", "3"),
        ({"LookupId": 1, "LookupValue": "Ada"}, "text", "Ada"),
        ({"strange": 1}, "text", json.dumps({"strange": 1})),
    ],
)
def test_a_value_is_shown_as_what_it_is(raw: object, kind: str, text: str) -> None:
    shown = values.value(raw)
    assert (shown.kind, str(shown)) == (kind, text)
