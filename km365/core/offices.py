"""Offices as readers know them: what one is called, in which country it works, and in which region."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from km365.core.languages import primary


@dataclass(frozen=True, kw_only=True)
class Office:
    """An office by its `code`. `names` and `places` (its country or area) are by language.

    `country` is its two letters in ISO 3166 (`IN-KL` for a part of one), `region` what the organisation calls
    it; each is "" where nobody has said.
    """

    code: str
    names: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    country: str = ""
    region: str = ""

    def name(self, language: str) -> str:
        """What it is called, its code where nobody has said."""
        return in_language(self.names, language) or self.code


def by_code(offices: Mapping[str, Office], code: str) -> Office:
    """The office of this code, in capitals or not; only its code where nobody has described it."""
    return offices.get(code.upper()) or Office(code=code)


def in_language(texts: Mapping[str, str], language: str) -> str:
    """The text in this language, else in English, else in any, else ""."""
    return texts.get(primary(language)) or texts.get("en") or next(iter(texts.values()), "")
