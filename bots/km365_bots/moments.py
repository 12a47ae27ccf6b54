"""Moments and days in people's own words, in whichever of the seven languages they think."""

from datetime import datetime

from km365.core.languages import LANGUAGES
from km365.core.later import LISTS, Words, moment, words_of
from km365_bots.chat import Chat
from km365_bots.putting_off import TOPIC


class Moments:
    """Reads "in three days" or "on Friday"; one for a process, because it keeps the words."""

    def __init__(self) -> None:
        self._words: dict[str, Words] = {}

    def read(self, chat: Chat, said: str) -> datetime | None:
        """The moment that is meant, by the words of the chat's language first; None where none is."""
        for language in dict.fromkeys((chat.language, *LANGUAGES)):
            if language not in self._words:
                texts = chat.parts.catalogue.get(language).texts
                lists = {name: [str(word) for word in texts[f"{TOPIC}.{name}"]] for name in LISTS}
                self._words[language] = words_of(lists, language)
            if found := moment(said, self._words[language], chat.event.at, chat.hours):
                return found
        return None
