"""Whether a lesson was of use to those who found it: what they say in one tap, or as "2 did not fit: …"."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from km365.core.commands import plain


class Use(StrEnum):
    """What somebody says of a lesson they found."""

    USED = "used"
    DID_NOT_FIT = "did not fit"


@dataclass(frozen=True, kw_only=True)
class Tally:
    """For how many colleagues it was of use, for how many not, and why not, without who."""

    used: int = 0
    did_not_fit: int = 0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Said:
    """What was said of the entry with this number on a card. `words` say why it did not fit."""

    number: int
    use: Use
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Phrases:
    """What people type, in any language: the phrases of each use, and words that begin a reason."""

    uses: Mapping[Use, Collection[str]]
    because: Collection[str]

    def spoken(self, text: str) -> Said | None:
        """What "used 2", "2 did not fit: only for dry areas" says; None where it is anything else."""
        head, words = self._parted(text)
        numbers = _NUMBER.findall(head)
        if len(numbers) != 1:
            return None
        said = plain(_NUMBER.sub(" ", head))
        use = next((one for one, phrases in self.uses.items() if said in set(map(plain, phrases))), None)
        if use is None or (words and use is Use.USED):
            return None
        return Said(number=int(numbers[0]), use=use, words=words)

    def _parted(self, text: str) -> tuple[str, str]:
        """What is said of it, and why: what stands behind a colon, or behind "because"."""
        found = (re.search(_behind(one), text, re.IGNORECASE) for one in (":", "：", *self.because))
        first = min((one for one in found if one), key=lambda one: one.start(), default=None)
        return (text[: first.start()], text[first.end() :].strip()) if first else (text, "")


_NUMBER = re.compile(r"(?<!\d)\d{1,2}(?!\d)")


def _behind(begins: str) -> str:
    """A colon, or a whole word; Chinese has no spaces around words."""
    whole = begins[0].isalpha() and not "\u3040" <= begins[0] <= "\u9fff"
    return rf"(?<!\w){re.escape(begins)}(?!\w)" if whole else re.escape(begins)


def tally(said: Iterable[tuple[Use, str]]) -> Tally:
    """What colleagues said of a lesson, put together."""
    known = list(said)
    return Tally(
        used=sum(use is Use.USED for use, _ in known),
        did_not_fit=sum(use is Use.DID_NOT_FIT for use, _ in known),
        reasons=tuple(words for use, words in known if use is Use.DID_NOT_FIT and words),
    )
