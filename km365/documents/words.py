"""The words of a surface (cards, workspace pages) in every language, from templates an office can edit."""

import string
import tomllib
from collections.abc import Mapping
from typing import Self

from km365.core.languages import LANGUAGES, best
from km365.errors import TemplateError
from km365.templates import Templates


class Words:
    """Words by key in all seven languages, each with the placeholders that English has."""

    def __init__(self, words: Mapping[str, Mapping[str, str]]) -> None:
        self._words = words

    @classmethod
    def read(cls, templates: Templates, name: str) -> Self:
        """The words of `name`, such as `cards/labels`, from `<name>.<language>.toml`.

        Raises TemplateError naming the file and the key that is wrong, missing or unknown.
        """
        read = {language: _read(templates, f"{name}.{language}.toml") for language in LANGUAGES}
        english = read["en"]
        for language, words in read.items():
            file = f"{name}.{language}.toml"
            for key, text in english.items():
                if key not in words:
                    raise TemplateError(f"{file}: {key!r} is missing.")
                if _placeholders(words[key], file) != _placeholders(text, file):
                    raise TemplateError(f"{file}: {key!r} must hold the same placeholders as in English.")
            unknown = sorted(words.keys() - english.keys())
            if unknown:
                raise TemplateError(f"{file}: {unknown[0]!r} is not a word that is used.")
        return cls(read)

    def get(self, language: str, key: str, **values: object) -> str:
        """The word `key` in `language`, filled in."""
        return self._words[best([language])][key].format(**values)

    def keys(self) -> frozenset[str]:
        """Every word there is."""
        return frozenset(self._words["en"])


def _read(templates: Templates, name: str) -> Mapping[str, str]:
    try:
        words = tomllib.loads(templates.text(name))
    except tomllib.TOMLDecodeError as error:
        raise TemplateError(f"{name}: {error}.") from None
    for key, value in words.items():
        if not isinstance(value, str) or not value.strip():
            raise TemplateError(f"{name}: {key!r} must be a text.")
    return words


def _placeholders(text: str, name: str) -> set[str]:
    try:
        return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}
    except ValueError as error:
        raise TemplateError(f"{name}: {text!r}: {error}.") from None
