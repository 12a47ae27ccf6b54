"""Typed commands, understood at any moment and in every language, without taking an answer for one."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum
from functools import cached_property, lru_cache

from km365.core.audience import Audience
from km365.core.languages import LANGUAGES, OWN_NAMES


class Command(StrEnum):
    """What people type instead of an answer; the words are in `templates/messages`, table `commands`."""

    START = "start"
    YES = "yes"
    NO = "no"
    SKIP = "skip"
    BACK = "back"
    PAUSE = "pause"
    RESUME = "resume"
    LATER = "later"
    DECLINE = "decline"
    HELP = "help"
    HELP_MORE = "help_more"
    """All that can be said, and not only what most people need."""
    GREETING = "greeting"
    THANKS = "thanks"
    WHAT = "what"
    """What is this all about."""
    WHY = "why"
    """Why is this person asked."""
    WHO = "who"
    DRAFT = "draft"
    SEND = "send"
    START_OVER = "start_over"
    WITHDRAW = "withdraw"
    AGREE = "agree"
    """To what was just read."""
    REFUSE = "refuse"
    """To what was just offered or asked for."""
    RIGHT = "right"
    """The draft is right."""
    DISCARD = "discard"
    """The draft."""
    BUTTON = "button"
    """The words of a button that only mean something when pressed."""


KINDNESS = frozenset({Command.GREETING, Command.THANKS})
"""What is said out of kindness: it is no answer, and is said back."""


@dataclass(frozen=True, kw_only=True)
class Understood:
    """A command, a language or an audience to change to, a numbered part with new words, or a topic's wish.

    With a wish comes, in `text`, the words of one's own that it takes; with `WHO` the sentence that says
    who is to read, rather than asks.
    """

    command: Command | None = None
    topic: str = ""
    wish: str = ""
    language: str = ""
    audience: Audience | None = None
    number: int = 0
    text: str = ""
    empties: bool = False
    """Whether the numbered part is to have no words any more."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The words of every language: `commands[language][command]` and `audiences[language][letter]`.

    `first_person` holds audiences as people say them of themselves: "only my successor and my supervisor".
    """

    commands: Mapping[str, Mapping[str, Sequence[str]]]
    audiences: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    first_person: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    replies: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    """Audiences in words that mean one only right after "who reads this": "everyone"."""
    parts: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    """What is said of a part of a draft (`core/draft_words.py`)."""
    about_readers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Sentences on who is to read; "…" in them stands for words of one's own."""
    topics: Mapping[str, Mapping[str, Mapping[str, Sequence[str]]]] = field(default_factory=dict)
    """By language, topic and wish. "…" in a phrase stands for words of one's own, which the wish takes."""

    @cached_property
    def wishes(self) -> "Mapping[str, _Wishes]":
        """The same made ready, by language."""
        return {tag: _Wishes.of(topics) for tag, topics in self.topics.items()}

    @cached_property
    def called(self) -> Mapping[str, Mapping[str, Understood]]:
        """By language what each phrase, as `plain` has it, means: a command, or else an audience."""
        return {tag: self._called(tag) for tag in {*self.commands, *self.audiences}}

    def _called(self, tag: str) -> Mapping[str, Understood]:
        found: dict[str, Understood] = {}
        for command, phrases in self.commands.get(tag, {}).items():
            for phrase in phrases:
                found.setdefault(plain(phrase), Understood(command=Command(command)))
        ours = self.first_person.get(tag, {})
        for letter, label in self.audiences.get(tag, {}).items():
            for phrase in (label, *ours.get(letter, ())):
                found.setdefault(plain(phrase), Understood(audience=Audience(letter)))
        return found


@dataclass(frozen=True, kw_only=True)
class _Wishes:
    """The phrases of a language's topics, in order: the first that fits is meant.

    `whole` gives the order, topic and wish of a phrase as `plain` has it; `around` those that take words of
    one's own: the order, what stands before these and behind, the phrase, its topic and wish.
    """

    whole: Mapping[str, tuple[int, str, str]]
    around: Sequence[tuple[int, str, str, str, str, str]]
    begin: tuple[str, ...]
    """What stands before the words of one's own, wherever something does."""
    end: tuple[str, ...]
    """What stands behind them in the other phrases."""

    def may_fit(self, said: str) -> bool:
        """Whether a phrase of `around` may: most of what people write is none, and this tells at a glance."""
        return said.startswith(self.begin) or said.endswith(self.end)

    @classmethod
    def of(cls, topics: Mapping[str, Mapping[str, Sequence[str]]]) -> "_Wishes":
        whole: dict[str, tuple[int, str, str]] = {}
        around = []
        every = (
            (topic, wish, one) for topic, of in topics.items() for wish, all_ in of.items() for one in all_
        )
        for order, (topic, wish, phrase) in enumerate(every):
            first, dots, last = _around(phrase)
            if dots:
                around.append((order, first, last, phrase, topic, wish))
            else:
                whole.setdefault(first, (order, topic, wish))
        begin = tuple({first for _, first, *_ in around if first})
        end = tuple({last for _, first, last, *_ in around if not first})
        return cls(whole=whole, around=around, begin=begin, end=end)


_LONGEST = 80
_LONGEST_NEAR = 40
_LONGEST_WITH_WORDS = 20_000
_LONGEST_ON_READERS = 13
"""Words as compared, in which "I'd" counts twice; a longer sentence is an answer."""
_AROUND = " \t\r\n:：,،;—-–?？؟!.。\"“”«»„'"
"""What may stand between a phrase and one's own words."""
_NEAR = 0.86
_NEAR_FROM = 5
_SHORT = 7
"""A command shorter than this with a letter more ("latter"), or without its ending ("late"), is more likely a
word of its own; so is one of any length with another ending ("continued")."""
_TO_THE_LETTER = frozenset(
    {
        Command.SEND,
        Command.RIGHT,
        Command.DISCARD,
        Command.WITHDRAW,
        Command.START_OVER,
        Command.DECLINE,
    }
)
"""What cannot be undone by a word is done only where its words are typed as they are."""
_NUMBERED = re.compile(r"\s*(\d{1,2})\s*[:：]\s*(\S.*)", re.DOTALL)
_NUMBER = re.compile(r"\s*(\d{1,2})[.:)]?\s*")
_OPENING = re.compile(r"\W*\w+(\s\w+)?\s*[:：]")


def understand(text: str, vocabulary: Vocabulary, *, language: str) -> Understood | None:
    """The command that `text` is, or None where it is somebody's own words.

    Only short texts can be commands, and only whole ones: "we went back to the village" is an answer. The
    person's language comes first, then the others; a small slip of the finger is forgiven in words of five
    letters and more.
    """
    said = plain(text[:_LONGEST_WITH_WORDS])
    wished = _wish(text, said, vocabulary, language=language)
    if (wished and not wished.text) or not said or len(said) > _LONGEST or len(text) > _LONGEST_WITH_WORDS:
        return wished
    to_language = _LANGUAGES_CALLED.get(said, "")
    if to_language:
        return wished or Understood(language=to_language)
    order = [language, *(tag for tag in LANGUAGES if tag != language)]
    every = [vocabulary.called[tag] for tag in order if tag in vocabulary.called]
    exactly = next((called[said] for called in every if said in called), None)
    if exactly or wished:
        return exactly or wished
    on_readers = Understood(command=Command.WHO, text=text) if _about_readers(said, vocabulary) else None
    return _nearly(said, every) or on_readers


def reply_on_readers(text: str, vocabulary: Vocabulary) -> Audience | None:
    """The audience that `text` names right after somebody asked who reads, in any language."""
    said = plain(text[:_LONGEST])
    for by_letter in vocabulary.replies.values():
        for letter, phrases in by_letter.items():
            if any(said == _phrase(one) for one in phrases):
                return Audience(letter)
    return None


def _about_readers(said: str, vocabulary: Vocabulary) -> bool:
    """Whether a short sentence, as `plain` has it, says who is to read: "my deputy should read this"."""
    if len(said.split()) > _LONGEST_ON_READERS:
        return False
    return any(
        _sentence(one).fullmatch(said) for sentences in vocabulary.about_readers.values() for one in sentences
    )


@lru_cache(maxsize=4096)
def _sentence(phrase: str) -> re.Pattern[str]:
    """The phrase as `plain` has it, with at least one word, or in Chinese one sign, for each "…"."""
    parts = [re.escape(plain(part)) for part in phrase.split("…")]
    space = "" if any("\u3040" <= c <= "\u9fff" for c in phrase) else " "
    return re.compile(f"{space}.+{space}".join(parts).strip())


def _nearly(said: str, every: Iterable[Mapping[str, Understood]]) -> Understood | None:
    """What almost was said, but for what is done only where it is typed as it is."""
    return next(
        (
            meant
            for called in every
            for phrase, meant in called.items()
            if meant.command not in _TO_THE_LETTER and _almost(said, phrase)
        ),
        None,
    )


def _wish(text: str, said: str, vocabulary: Vocabulary, *, language: str) -> Understood | None:
    """The topic that `text` speaks to: by a whole phrase, or by one with words of one's own in it.

    `said` is its beginning as commands are compared.
    """
    for tag in (language, *(tag for tag in LANGUAGES if tag != language)):
        wishes = vocabulary.wishes.get(tag)
        if wishes is None:
            continue
        whole = wishes.whole.get(said)
        for order, first, last, phrase, topic, wish in wishes.around if wishes.may_fit(said) else ():
            if whole is not None and whole[0] < order:
                break
            if said.startswith(first) and said.endswith(last) and (own := _own_words(text, said, phrase)):
                return Understood(topic=topic, wish=wish, text=own)
        if whole is not None:
            return Understood(topic=whole[1], wish=whole[2])
    return None


def _own_words(text: str, said: str, phrase: str) -> str | None:
    """What stands for the dots of the phrase; None where the text is not it."""
    first, _, last = _around(phrase)
    if len(said) <= len(first) + len(last):
        return None
    near = 4 * len(phrase) + 40  # signs that the comparison leaves out may stand between
    begin = next((at for at in range(near) if plain(text[:at]) == first), near) if first else 0
    end = next((at for at in range(near) if plain(text[len(text) - at :]) == last), near) if last else 0
    if near in {begin, end} or _inside_a_word(text, begin):
        return None
    while unicodedata.category(text[begin : begin + 1] or " ") == "Mn":  # belongs to the letter before it
        begin += 1
    return text[begin : len(text) - end].strip(_AROUND) or None


@lru_cache(maxsize=4096)
def _around(phrase: str) -> tuple[str, bool, str]:
    """What stands before the dots and after them, and whether there are any."""
    before, dots, after = phrase.partition("…")
    return plain(before), bool(dots), plain(after)


def _inside_a_word(text: str, at: int) -> bool:
    """Whether a word of an alphabet goes on at this place, as "find" does in "findings"."""
    around = text[at - 1 : at + 1] if at else ""
    return len(around) == 2 and around.isalpha() and not any("\u3040" <= c <= "\u9fff" for c in around)


def numbered(text: str) -> Understood | None:
    """A part of a draft named by its number, alone ("3") or with new words ("3: ..."); else None."""
    with_words = _NUMBERED.fullmatch(text)
    if with_words:
        return Understood(number=int(with_words[1]), text=with_words[2])
    alone = _NUMBER.fullmatch(text)
    return Understood(number=int(alone[1])) if alone else None


def opens_with_colon(text: str) -> bool:
    """Whether one word or two stand before a colon, as in "search: local drivers"."""
    return _OPENING.match(text) is not None


def plain(text: str) -> str:
    """The text as commands are compared: small letters, no accents, no punctuation, single spaces."""
    kept = map(_compared, unicodedata.normalize("NFKD", text.casefold()))
    words = " ".join("".join(kept).split())
    return words.strip("?؟ ") or words


@lru_cache(maxsize=4096)
def _compared(c: str) -> str:
    """What stands for this character where commands are compared: nothing for accents, space for signs."""
    category = unicodedata.category(c)
    if category in {"Mn", "Cf"} or c == "ـ":
        return ""
    return _ARABIC.get(c, c) if category[0] in "LN" or c in "?؟" else " "


_phrase = lru_cache(maxsize=4096)(plain)
"""Our own words, which are compared with everything that is typed."""

_ARABIC = {"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه"}


_LANGUAGES_CALLED = {plain(name): tag for tag, name in OWN_NAMES.items()} | {
    "english": "en",
    "french": "fr",
    "spanish": "es",
    "arabic": "ar",
    "russian": "ru",
    "chinese": "zh",
    "portuguese": "pt",
}
"""What each is called in itself, and in English."""


def _almost(said: str, phrase: str) -> bool:
    if not _NEAR_FROM <= len(phrase) <= _LONGEST_NEAR or abs(len(said) - len(phrase)) > 2:
        return False
    if said.startswith(phrase) or said[:-1] == phrase[:-1]:
        return False
    if len(phrase) < _SHORT and (phrase.startswith(said) or len(said) > len(phrase)):
        return False
    return SequenceMatcher(None, said, phrase, autojunk=False).ratio() >= _NEAR
