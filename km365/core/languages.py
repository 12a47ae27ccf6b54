"""The seven languages km365 speaks, and which of them to use with a person."""

from collections.abc import Iterable
from types import MappingProxyType

LANGUAGES = ("en", "fr", "es", "ar", "ru", "zh", "pt")
"""The languages of every message, question bank and term label, by their BCP 47 primary tag."""

OWN_NAMES = MappingProxyType(
    {
        "en": "English",
        "fr": "Français",
        "es": "Español",
        "ar": "العربية",
        "ru": "Русский",
        "zh": "中文",
        "pt": "Português",
    }
)
"""Each language's name in itself, as people look for it in a list."""

_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


def primary(tag: str) -> str:
    """The language part of a tag such as `pt-BR` or `zh_Hans_CN`, in lower case."""
    return tag.replace("_", "-").split("-", 1)[0].strip().lower()


def is_rtl(tag: str) -> bool:
    """Whether the language is written from right to left."""
    return primary(tag) in _RIGHT_TO_LEFT


def best(preferred: Iterable[str | None], *, default: str = "en") -> str:
    """The first of `preferred` that km365 speaks (regions ignored, None passed over), else `default`."""
    for tag in preferred:
        if tag and primary(tag) in LANGUAGES:
            return primary(tag)
    return default
