"""Why something was not done, said in the language of whoever reads of it."""

from typing import Self

from km365.documents.words import Words
from km365.errors import Cause
from km365.templates import Templates

WORDS = "messages/causes"


class Causes:
    """The sentences of causes in all seven languages."""

    def __init__(self, words: Words) -> None:
        self._words = words

    @classmethod
    def read(cls, templates: Templates) -> Self:
        """Those of the templates. Raises TemplateError for wrong words."""
        return cls(Words.read(templates, WORDS))

    def said(self, language: str, cause: Cause | None, otherwise: str) -> str:
        """The cause as a sentence; `otherwise`, the English one noted beside it, where it is none we know.

        Journals of older versions have no causes, and in a plan file somebody may have changed one.
        """
        if cause is None or cause.key not in self._words.keys():  # noqa: SIM118 - a method of Words
            return otherwise
        try:
            return self._words.get(language, cause.key, **cause.values)
        except (KeyError, IndexError):
            return otherwise
