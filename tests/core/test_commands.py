"""Commands are understood in every language, and people's own words are left alone."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.audience import Audience
from km365.core.commands import Command, Understood, numbered, plain, reply_on_readers, understand
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


@pytest.mark.parametrize("text", ["Late.", "Paused", "Backs"])
def test_a_short_word_that_only_begins_like_a_command_is_an_answer(text: str) -> None:
    assert understand(text, VOCABULARY, language="en") is None


@pytest.mark.parametrize(
    ("text", "command"),
    [("contineu", Command.RESUME), ("Skip this question.", Command.SKIP), ("пропустит", Command.SKIP)],
)
def test_a_slip_of_the_finger_is_forgiven(text: str, command: Command) -> None:
    assert understand(text, VOCABULARY, language="en") == Understood(command=command)


@pytest.mark.parametrize(
    "text",
    [
        *("latter", "the latter", "continued", "helped", "started", "spend it", "sent it", "lend it"),
        *("it is tight", "discards", "withdrew", "start oven", "stop basking", "discard at"),
    ],
)
def test_words_that_only_look_like_a_command_are_ones_own(text: str) -> None:
    assert understand(text, VOCABULARY, language="en") is None


def test_a_very_long_text_is_no_command() -> None:
    assert understand("!" * 400_000 + "yes", VOCABULARY, language="en") is None


@pytest.mark.parametrize(("language", "name"), OWN_NAMES.items())
def test_a_language_is_chosen_by_its_own_name(language: str, name: str) -> None:
    assert understand(name, VOCABULARY, language="en") == Understood(language=language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("audience", Audience)
def test_an_audience_is_chosen_by_its_label(language: str, audience: Audience) -> None:
    label = VOCABULARY.audiences[language][audience]
    assert understand(label, VOCABULARY, language=language) == Understood(audience=audience)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_audience_is_chosen_as_one_says_it_of_oneself(language: str) -> None:
    ours = VOCABULARY.first_person[language]
    assert set(ours) == {str(audience) for audience in Audience}
    for letter, phrases in ours.items():
        for phrase in phrases:
            found = understand(phrase, VOCABULARY, language=language)
            assert found == Understood(audience=Audience(letter)), phrase


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Only my successor and my supervisor.", "en"),
        ("only my sucessor and my supervisor", "en"),
        ("Seulement la personne qui me succède et mon responsable", "fr"),
        ("Sólo quien me suceda y mi supervisor", "es"),
        ("مَن يخلفني ورئيسي المباشر فقط", "ar"),
        ("Только мой преемник и мой руководитель", "ru"),
        ("只有我的继任者和我的上级。", "zh"),
        ("Só a pessoa que me sucede e a minha chefia", "pt"),
    ],
)
def test_your_and_my_name_the_same_readers(text: str, language: str) -> None:
    assert understand(text, VOCABULARY, language=language) == Understood(audience=Audience.SUCCESSOR)


@pytest.mark.parametrize(
    "text",
    [
        "I'd rather my deputy reads this than my boss",
        "Can my boss read this?",
        "Don't show this to my supervisor.",
        "je préfère que seul mon successeur lise ça",
        "أفضل أن يقرأ هذا زميلي فقط",
        "لا أريد أن يقرأ مديري هذا",
        "prefiero que lo lea solo mi sucesora",
        "Я хочу, чтобы это читала только Анна",
        "只想让我的上级看",
        "prefiro que só a Ana leia isto",
    ],
)
def test_a_sentence_on_who_is_to_read_speaks_of_readers(text: str) -> None:
    assert understand(text, VOCABULARY, language="en") == Understood(command=Command.WHO, text=text)


@pytest.mark.parametrize(
    "text",
    [
        "We read this report every week with the partners",
        "Nobody in the ministry reads it",
        "reads this",
        "In the first year it was the driver who found out that nobody at the border post ever reads this",
        "everyone",
        "nobody",
        "لا أحد",
        "On lit ce rapport chaque lundi",
    ],
)
def test_words_on_reading_and_on_everyone_may_be_an_answer(text: str) -> None:
    assert understand(text, VOCABULARY, language="en") is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_word_names_the_readers_only_in_reply(language: str) -> None:
    assert set(VOCABULARY.replies[language]) == {str(audience) for audience in Audience}
    for letter, phrases in VOCABULARY.replies[language].items():
        for phrase in phrases:
            assert reply_on_readers(f" {phrase}. ", VOCABULARY) is Audience(letter), phrase
            assert understand(phrase, VOCABULARY, language=language) is None, phrase


BUTTONS = {
    "start": Command.START,
    "later": Command.LATER,
    "agree": Command.AGREE,
    "decline": Command.REFUSE,
    "send": Command.SEND,
    "approve": Command.RIGHT,
    "discard": Command.DISCARD,
    "send_answer": Command.BUTTON,
    "edit": Command.BUTTON,
    "change": Command.BUTTON,
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("label", BUTTONS)
def test_the_words_of_every_button_are_understood_when_typed(language: str, label: str) -> None:
    words = tomllib.loads(Templates().text(f"cards/labels.{language}.toml"))[label]
    found = understand(words, VOCABULARY, language=language)
    assert found == Understood(command=BUTTONS[label])


@given(st.text(max_size=300))
def test_any_text_can_be_looked_at(text: str) -> None:
    understand(text, VOCABULARY, language="en")
    numbered(text)


def test_parts_of_a_draft_are_named_by_number() -> None:
    assert numbered("2: New words: better") == Understood(number=2, text="New words: better")
    assert numbered("3.") == Understood(number=3)
    assert numbered("3 villages") is None


@pytest.mark.parametrize("said", ["لنراجع معاً الفيضانات", "لنراجع معا الفيضانات"])
def test_ones_own_words_begin_with_a_letter(said: str) -> None:
    found = understand(said, VOCABULARY, language="ar")
    assert found and found.text == "الفيضانات"
