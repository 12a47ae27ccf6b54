"""What is typed to a numbered list: "1 done https://…", "2 by: 1 June", in any language."""

import re
from collections.abc import Collection, Sequence

from km365.core.languages import LANGUAGES
from km365_bots.chat import Chat

AROUND = " :：,،，.。—–-"
"""What may stand between a verb and the words behind it."""
_NUMBER = re.compile(r"\s*(\d{1,2})\b[\s.:)]*")


def said_of(chat: Chat, topic: str, verbs: Sequence[str]) -> tuple[int, str, str]:
    """A number (0 for none), which of the topic's verbs is said about it, and the words behind it."""
    text = chat.event.text.strip()
    number = _NUMBER.match(text)
    rest = text[number.end() :] if number else text
    for verb in verbs:
        for phrase in phrases(chat, topic, verb):
            start, behind = rest[: len(phrase)], rest[len(phrase) :]
            if start.casefold() == phrase.casefold() and not behind[:1].isalnum():
                return int(number[1]) if number else 0, verb, behind.strip(AROUND)
    return 0, "", ""


def phrases(chat: Chat, topic: str, name: str) -> Collection[str]:
    """How that is said in any language, the longest first."""
    texts = [chat.parts.catalogue.get(tag).texts[f"{topic}.{name}_words"] for tag in LANGUAGES]
    return sorted({str(one) for words in texts for one in words}, key=len, reverse=True)
