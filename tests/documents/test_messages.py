"""What the bot says: complete, translated and short enough, in all seven languages."""

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from km365.core.audience import Audience
from km365.core.commands import understand
from km365.core.interviews import ConfirmKind
from km365.core.keepout import KeepOut
from km365.core.languages import LANGUAGES
from km365.core.later import LISTS
from km365.core.messages import Messages
from km365.core.notes import Note
from km365.documents.messages import Catalogue, problems
from km365.errors import TemplateError
from km365.templates import Templates

CATALOGUE = Catalogue(Templates())
ENGLISH = CATALOGUE.get("en")
OTHERS = [language for language in LANGUAGES if language != "en"]
LONGEST = {"prompt.progress": 40, "prompt.consent_title": 60, "prompt.draft_title": 60, "notice.reason": 60}


def sentences(text: Any) -> list[str]:
    """All that is said, without what only puts other things together, such as "{day}, {time}"."""
    said = [text] if isinstance(text, str) else list(text.values() if hasattr(text, "values") else text)
    return [one for one in said if re.search(r"[^\W\d_]", re.sub(r"\{\w*\}", "", one))]


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_left_in_english(language: str) -> None:
    texts = CATALOGUE.get(language).texts
    left = [key for key, text in ENGLISH.texts.items() if set(sentences(text)) & set(sentences(texts[key]))]
    typed = {key for key in left if key.endswith("_words") and not isinstance(texts[key], str)}
    listened_for = {f"later.{name}" for name in LISTS} | typed
    assert set(left) <= listened_for, "a minute is a minute in French, too, and a nuance a nuance"


@pytest.mark.parametrize(
    ("language", "script"), [("ar", "\u0600-\u06ff"), ("ru", "\u0400-\u04ff"), ("zh", "\u4e00-\u9fff")]
)
def test_every_sentence_is_written_in_its_own_script(language: str, script: str) -> None:
    for key, text in CATALOGUE.get(language).texts.items():
        for sentence in sentences(text):
            assert re.search(f"[{script}]", sentence), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_are_short_enough_for_a_card(language: str) -> None:
    texts = CATALOGUE.get(language).texts
    for key, longest in LONGEST.items():
        assert all(len(sentence) <= longest for sentence in sentences(texts[key])), key
    for audience in Audience:
        assert len(str(texts[f"audience.{audience}"])) <= 80


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_words_for_everything_that_can_happen(language: str) -> None:
    keys = CATALOGUE.get(language).texts.keys()
    assert {f"notes.{note}" for note in Note if note is not Note.LATER} <= keys, "which has a card of its own"
    assert {f"audience.{audience}" for audience in Audience} <= keys
    assert {f"confirm.{kind}" for kind in ConfirmKind} <= keys
    assert {f"keep_out.{kind}" for kind in KeepOut} <= keys


@pytest.mark.parametrize(
    ("language", "minutes", "said"),
    [
        ("en", 1, "About 1 minute"),
        ("ru", 3, "Примерно 3 минуты"),
        ("ru", 25, "Примерно 25 минут"),
        ("ar", 2, "نحو دقيقتين"),
        ("ar", 15, "نحو 15 دقيقة"),
        ("zh", 1, "大约 1 分钟"),
    ],
)
def test_minutes_are_counted_as_the_language_counts(language: str, minutes: int, said: str) -> None:
    assert CATALOGUE.get(language).say("prompt.minutes", n=minutes) == said


def test_thanks_vary_and_days_are_written_out() -> None:
    assert len({ENGLISH.say("notes.saved", turn=turn) for turn in range(4)}) == 4
    assert CATALOGUE.get("fr").day(date(2026, 3, 2)) == "2 mars 2026"
    assert CATALOGUE.get("es").weekday(date(2026, 3, 2)) == "lunes, 2 de marzo de 2026"


def changed(folder: Path, old: str, new: str, language: str = "fr") -> Templates:
    (folder / "messages").mkdir()
    text = Templates().text(f"messages/{language}.toml")
    assert old in text
    (folder / "messages" / f"{language}.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    return Templates(folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('progress = "{number} sur {total}"', "", "[prompt] 'progress' is missing."),
        ("{number} sur", "{numero} sur", "'progress' must hold the same placeholders as in English"),
        ('already = "Je l\'ai déjà."', 'already = ""', "[notes] 'already' must be a text that is not empty."),
        ("[hint]", "[hint]\nnothing = 'x'", "'nothing' is not said anywhere"),
        ("{number} sur", "{number sur", "'progress' has a brace without its partner."),
        ('start = ["commencer"', 'begin = ["commencer"', "[commands] 'begin' is not known here"),
        ("many = ", "few = ", "[prompt.minutes] 'few' is not known here"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Catalogue(changed(tmp_path, old, new))
    assert message in str(caught.value)
    assert re.match(r"messages/fr\.toml, line \d+:", str(caught.value))


def test_a_check_tells_all_mistakes_of_all_languages_at_once(tmp_path: Path) -> None:
    assert problems(Templates()) == []
    templates = changed(tmp_path, "{number} sur", "{number sur")
    french = tmp_path / "messages" / "fr.toml"
    text = french.read_text("utf-8").replace("[hint]", "[hint]\nnothing = 'x'").replace("many = ", "few = ")
    french.write_text(text, encoding="utf-8")
    english = Templates().text("messages/en.toml").replace('already = "', 'already = "{', 1)
    (tmp_path / "messages" / "en.toml").write_text(english, encoding="utf-8")
    said = "\n".join(problems(templates))
    assert re.search(r"fr\.toml, line \d+: \[prompt\] 'progress' has a brace", said)
    assert re.search(r"fr\.toml, line \d+: \[hint\] 'nothing' is not said anywhere", said)
    assert re.search(r"fr\.toml, line \d+: \[prompt\.minutes\] 'few' is not known here", said)
    assert said.count("messages/en.toml, line") == 1
    (tmp_path / "messages" / "es.toml").write_text("= 1", encoding="utf-8")
    (tmp_path / "messages" / "ru.toml").write_text("= 2", encoding="utf-8")
    assert [line.split(":")[0] for line in problems(templates)] == ["messages/es.toml", "messages/ru.toml"]


def test_an_office_can_say_it_differently(tmp_path: Path) -> None:
    catalogue = Catalogue(changed(tmp_path, "Je l'ai déjà.", "Merci, déjà reçu."))
    messages: Messages = catalogue.get("fr")
    assert messages.say("notes.already") == "Merci, déjà reçu."


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "“yes”, “later”, or “no”"),
        ("fr", "«\xa0yes\xa0», «\xa0later\xa0» ou «\xa0no\xa0»"),
        ("ar", "«yes» أو «later» أو «no»"),
        ("zh", "“yes”、“later”或“no”"),
    ],
)
def test_what_can_be_said_is_quoted_and_listed_as_the_language_does(language: str, said: str) -> None:
    assert CATALOGUE.get(language).any_of(["yes", "later", "no"]) == said


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_help_quotes_is_understood_for_what_it_says(language: str) -> None:
    texts = CATALOGUE.get(language).texts
    topics = [name.removesuffix(".help") for name in texts if name.endswith(".help") and name != "chat.help"]
    for topic in {*topics} - {"later", "used", "answers"}:
        said = re.findall("[“«]\\s?(.*?)\\s?[”»]", re.sub("…+", "water", str(texts[f"{topic}.help"])))
        meant = [understand(one, CATALOGUE.vocabulary, language=language) for one in said]
        assert meant and {one and one.topic for one in meant} == {topic}, said


def test_arabic_has_signs_of_its_own_and_one_spelling() -> None:
    """Beside what people type: they type as they like."""
    for file in sorted(Path("templates").rglob("*ar.toml")):
        words = tomllib.loads(file.read_text("utf-8"))
        said = {name: part for name, part in words.items() if name not in {"commands", "keep_out_words"}}
        for text in _texts(said):
            assert not re.search('[;,?"“”]', text), (file, text)
            assert "ًا" not in text, (file, text)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in parts for text in _texts(part)]
