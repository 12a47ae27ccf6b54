"""The seven languages km365 speaks, and which of them to use with a person."""

from collections.abc import Iterable
from types import MappingProxyType

LANGUAGES = ("en", "fr", "es", "ar", "ru", "zh", "pt")
"""The languages of every message, question bank and term label, by their BCP 47 primary tag."""

_ISO_639_1_CODES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de "
    "dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id "
    "ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu "
    "lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu "
    "rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr "
    "ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
_ISO_639_1 = frozenset(_ISO_639_1_CODES.split())

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

_DATES = {"en": "en_GB"}
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


def primary(tag: str) -> str:
    """The language part of a tag such as `pt-BR` or `zh_Hans_CN`, in lower case."""
    return tag.replace("_", "-").split("-", 1)[0].strip().lower()


def is_language(tag: str) -> bool:
    """Whether `tag` is a language code of ISO 639-1, in small letters."""
    return tag in _ISO_639_1


def is_rtl(tag: str) -> bool:
    """Whether the language is written from right to left."""
    return primary(tag) in _RIGHT_TO_LEFT


def dates_of(tag: str) -> str:
    """The locale in whose way a language's days are written: in English the day comes before the month."""
    return _DATES.get(tag, tag)


def best(preferred: Iterable[str | None], *, default: str = "en") -> str:
    """The first of `preferred` that km365 speaks (regions ignored, None passed over), else `default`."""
    for tag in preferred:
        if tag and primary(tag) in LANGUAGES:
            return primary(tag)
    return default
