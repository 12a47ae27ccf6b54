"""The bot's words from `templates/messages/<language>.toml`, checked against English on load."""

import string
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from babel import Locale

from km365.core import draft_words
from km365.core.audience import Audience
from km365.core.commands import Command, Vocabulary
from km365.core.keepout import WORD_LISTS
from km365.core.languages import LANGUAGES
from km365.core.messages import Messages, Text
from km365.core.phrases import Words
from km365.documents.toml import Table, read
from km365.errors import TemplateError
from km365.templates import Templates

_LONGEST = 1_000
_TOPICS = "messages/chat/"
_WORD_TABLES = (
    "commands",
    "draft_words",
    "keep_out_words",
    "audience_words",
    "audience_replies",
    "audience_sentences",
)
_BUTTONS = {
    "start": Command.START,
    "resume": Command.RESUME,
    "later": Command.LATER,
    "skip": Command.SKIP,
    "back": Command.BACK,
    "pause": Command.PAUSE,
    "draft": Command.DRAFT,
    "start_over": Command.START_OVER,
    "agree": Command.AGREE,
    "decline": Command.REFUSE,
    "send": Command.SEND,
    "approve": Command.RIGHT,
    "discard": Command.DISCARD,
    "send_answer": Command.BUTTON,
    "edit": Command.BUTTON,
    "change": Command.BUTTON,
    "fill_in": Command.BUTTON,
}
"""What the buttons of the cards mean when their words are typed."""


class Catalogue:
    """Every language's messages, commands and words to look out for."""

    def __init__(self, templates: Templates, *, noting: list[str] | None = None) -> None:
        """Reads all seven. Raises TemplateError with file, line and key for the first thing that is wrong.

        With `noting` it takes what it can use, and all that is wrong is added to that list.
        """
        files = {tag: read(templates, f"messages/{tag}.toml", noting=noting) for tag in LANGUAGES}
        english = _texts(files["en"], "en")
        texts = {"en": dict(english)} | {
            tag: dict(_texts(file, tag, like=english)) for tag, file in files.items() if tag != "en"
        }
        topics: dict[str, dict[str, Mapping[str, tuple[str, ...]]]] = {tag: {} for tag in LANGUAGES}
        for topic in topic_names(templates):
            for tag, (said, wishes) in _topic(templates, topic, noting=noting).items():
                texts[tag].update(said)
                topics[tag][topic] = wishes
        self._messages = {
            tag: Messages(language=tag, texts=MappingProxyType(text)) for tag, text in texts.items()
        }
        commands = {tag: _word_lists(file, "commands", tuple(Command)) for tag, file in files.items()}
        for tag, phrases in commands.items():
            _add_buttons(phrases, read(templates, f"cards/labels.{tag}.toml"))
        self.vocabulary = Vocabulary(
            commands=commands,
            audiences={tag: _by_name(text, "audience.") for tag, text in texts.items()},
            first_person={
                tag: _word_lists(file, "audience_words", tuple(Audience)) for tag, file in files.items()
            },
            replies={
                tag: _word_lists(file, "audience_replies", tuple(Audience)) for tag, file in files.items()
            },
            parts={tag: _word_lists(file, "draft_words", draft_words.WORDS) for tag, file in files.items()},
            about_readers={
                tag: _word_lists(file, "audience_sentences", ("about",))["about"]
                for tag, file in files.items()
            },
            topics=topics,
        )
        self.keep_out = Words(
            {tag: _word_lists(file, "keep_out_words", WORD_LISTS) for tag, file in files.items()}
        )

    def get(self, language: str) -> Messages:
        """The messages of one of the seven languages."""
        return self._messages[language]


@lru_cache(maxsize=8)
def catalogue(templates: Templates) -> Catalogue:
    """The words of these templates, read once: they are some 200 files. Raises TemplateError."""
    return Catalogue(templates)


def topic_names(templates: Templates) -> list[str]:
    """The topics that have words: `messages/chat/<topic>.en.toml`."""
    return [
        name.removeprefix(_TOPICS).removesuffix(".en.toml") for name in templates.names(f"{_TOPICS}*.en.toml")
    ]


def _topic(
    templates: Templates, topic: str, *, noting: list[str] | None
) -> Mapping[str, tuple[Mapping[str, Text], Mapping[str, tuple[str, ...]]]]:
    """A topic's texts and commands by language."""
    files = {tag: read(templates, f"{_TOPICS}{topic}.{tag}.toml", noting=noting) for tag in LANGUAGES}
    wishes = tuple(files["en"].table("commands").keys())
    found: dict[str, tuple[Mapping[str, Text], Mapping[str, tuple[str, ...]]]] = {}
    english: dict[str, Text] = {}
    for tag in ("en", *(tag for tag in LANGUAGES if tag != "en")):
        files[tag].only("commands", "texts")
        said: dict[str, Text] = {}
        table = files[tag].table("texts")
        _take(table, topic, tag, said, None if tag == "en" else english)
        for key in english.keys() - said.keys():
            table.refuse(f"{key.partition('.')[2]!r} is missing.")
        english = english or said
        found[tag] = said, _word_lists(files[tag], "commands", wishes)
    return found


def _texts(file: Table, tag: str, *, like: Mapping[str, Text] | None = None) -> Mapping[str, Text]:
    """Every text by `table.name`; compared with the English ones in `like`."""
    found: dict[str, Text] = {}
    for name in file.keys():  # noqa: SIM118 - a Table is no mapping
        if name not in _WORD_TABLES:
            _take(file.table(name), name, tag, found, like)
    for key in like or ():
        if key not in found:
            table, _, name = key.partition(".")
            file.table(table).refuse(f"{name!r} is missing.")
    return MappingProxyType(found)


def _take(
    table: Table, prefix: str, tag: str, found: dict[str, Text], like: Mapping[str, Text] | None
) -> None:
    for name in table.keys():  # noqa: SIM118 - a Table is no mapping
        key = f"{prefix}.{name}"
        model = None if like is None else like.get(key)
        if like is not None and model is None:
            table.refuse(f"{name!r} is not said anywhere; English does not have it.", key=name)
            continue
        text = _text(table, name, tag)
        wanted = None if model is None else _placeholders(_all_of(model)[-1])
        for one in _all_of(text):
            here = _placeholders(one)
            if here is None:
                table.refuse(f"{name!r} has a brace without its partner.", key=name)
            elif wanted is not None and not (here == wanted or (isinstance(text, Mapping) and here < wanted)):
                names = ", ".join(f"{{{field}}}" for field in sorted(wanted)) or "none"
                table.refuse(f"{name!r} must hold the same placeholders as in English: {names}.", key=name)
        found[key] = text


def _text(table: Table, name: str, tag: str) -> Text:
    """One text, several, or one per plural form of this language."""
    if table.is_list(name):
        several = table.texts(name, required=True)
        if not several:
            table.refuse(f"{name!r} must hold at least one text.", key=name)
        return several or ("",)
    if not table.is_table(name):
        return table.text(name, longest=_LONGEST)
    forms = table.table(name)
    forms.only(*Locale.parse(tag).plural_form.tags, "other")
    forms.text("other", longest=_LONGEST)
    found = {form: forms.text(form, longest=_LONGEST) for form in forms.keys()}  # noqa: SIM118
    return found or {"other": ""}


def _add_buttons(phrases: dict[str, tuple[str, ...]], labels: Table) -> None:
    """Adds the words on the buttons to the commands they stand for."""
    for label in _BUTTONS.keys() & set(labels.keys()):
        command = str(_BUTTONS[label])
        phrases[command] = (*phrases[command], labels.text(label))


def _word_lists(file: Table, name: str, keys: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    table = file.table(name)
    table.only(*keys)
    return {str(key): table.texts(str(key), required=True) for key in keys}


def _by_name(texts: Mapping[str, Text], prefix: str) -> Mapping[str, str]:
    return {
        key.removeprefix(prefix): text
        for key, text in texts.items()
        if key.startswith(prefix) and isinstance(text, str)
    }


def _all_of(text: Text) -> tuple[str, ...]:
    if isinstance(text, str):
        return (text,)
    return tuple(text.values()) if isinstance(text, Mapping) else text


def _placeholders(text: str) -> set[str] | None:
    """The names in braces; None where a brace has no partner."""
    try:
        return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}
    except ValueError:
        return None


def problems(templates: Templates) -> list[str]:
    """All that is wrong with the messages, one line each; empty if nothing is.

    A file that cannot be read at all is told alone, because the others are compared with English.
    """
    found: list[str] = []
    for tag in LANGUAGES:
        try:
            for name in (
                f"messages/{tag}.toml",
                *(f"{_TOPICS}{topic}.{tag}.toml" for topic in topic_names(templates)),
            ):
                read(templates, name)
        except TemplateError as error:
            found.append(str(error))
    if not found:
        Catalogue(templates, noting=found)
    return found
