"""How somebody can be reached in private: telephone numbers, addresses outside the organisation, homes.

They belong to people who have not been asked. So they stay out of an answer until its writer says that the
person agreed.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from km365.core.sorting import bare_links
from km365.core.text import fold

LISTS = ("introduces", "phone", "home", "never")
_LETTER = r"[^\W\u3400-\u9fff]"
_NUMBER = re.compile(
    rf"(?<!{_LETTER})(?<![/.@-])(?:\+|00)?[(（]?\d(?:[ \t\xa0().–·-]{{0,2}}\d){{5,16}}(?!{_LETTER})"
)
"""Not within a word or a reference; a Chinese one has no space around its numbers."""
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?P<domain>[\w-]{1,63}(?:\.[\w-]{1,63}){1,6})")
_DATE = re.compile(
    r"\b\d{4}[-.]\d{1,2}[-.]\d{1,2}\b|\b\d{1,2}[-.]\d{1,2}[-.]\d{4}\b|\b20\d\d\s?[-–]\s?20\d\d\b"
)
_THOUSANDS = re.compile(r"\d{1,3}(?:[ .\xa0]\d{3})+")
_END_OF_HOME = re.compile(r"[;؛。；]|[.!?؟](?=\s|$)|$")
_LOOKED_BACK = 24
"""Characters before a number in which its word is looked for."""
_LABELLED = r"(?:{})\s*(?:no\.?|#)?\s*[.:：]?\s*$"
_BLANK = " \t\xa0"
_SEPARATORS = f"{_BLANK},،，;；؛–—-:："
_BEHIND = (",", "،", "，", ";", "；", "؛", ".", "。", ")", "）", "\n")


@dataclass(frozen=True, kw_only=True)
class Detail:
    """Where a private number or address stands in a text.

    `never`: somebody who must not be found may be meant, so it is not handed on whatever anybody says.
    """

    begin: int
    end: int
    never: bool = False


@dataclass(frozen=True, kw_only=True)
class ContactWords:
    """The words of `contacts.toml`, of all languages together."""

    lists: Mapping[str, tuple[str, ...]]

    @property
    def introduces(self) -> Sequence[str]:
        """The clauses that say who introduces."""
        return self.lists["introduces"]

    @cached_property
    def label(self) -> re.Pattern[str]:
        """What announces a telephone number, right before it."""
        return re.compile(_LABELLED.format(_any_of(self.lists["phone"])))

    @cached_property
    def home(self) -> re.Pattern[str]:
        """What begins a home address."""
        return re.compile(_any_of(self.lists["home"]))

    @cached_property
    def never(self) -> re.Pattern[str]:
        """Words about people who must not be found."""
        return re.compile(_any_of(self.lists["never"]))


def _any_of(words: Sequence[str]) -> str:
    parts = (
        re.escape(fold(word.removesuffix("*"))) if _is_han(word) else _bounded(word)
        for word in sorted(words, key=len, reverse=True)
    )
    return "|".join(parts)


def _bounded(word: str) -> str:
    ending = r"\w*" if word.endswith("*") else r"(?!\w)"
    return rf"(?<!\w){re.escape(fold(word.removesuffix('*')))}{ending}"


def _is_han(word: str) -> bool:
    return any("\u3400" <= sign <= "\u9fff" for sign in word)


def private_in(text: str, words: ContactWords, own_domains: Collection[str]) -> list[Detail]:
    """The private numbers and addresses in a text, in its order, none within another.

    Mail addresses of `own_domains` are the organisation's, and so is whatever a web address holds.
    """
    same = _folded(text)
    links = list(bare_links(text))
    found: list[Detail] = []
    lines: dict[int, bool] = {}
    for begin, end in sorted({*_numbers(same, words), *_mails(text, own_domains), *_homes(same, words)}):
        if any(begin < stop and start < end for start, stop in links) or (found and begin < found[-1].end):
            continue
        line = same.rfind("\n", 0, begin) + 1
        if line not in lines:
            lines[line] = words.never.search(same[line:].partition("\n")[0]) is not None
        found.append(Detail(begin=begin, end=end, never=lines[line]))
    return found


def _folded(text: str) -> str:
    """The text in small letters without accents and with digits 0 to 9, every character where it was."""
    return "".join(map(_folded_sign, text))


def _folded_sign(sign: str) -> str:
    digit = unicodedata.decimal(sign, None)
    if digit is not None:
        return str(digit)
    folded = sign if sign.isdigit() else fold(sign)
    return folded if len(folded) == 1 else sign.lower()[:1]


def _numbers(same: str, words: ContactWords) -> Iterator[tuple[int, int]]:
    for found in _NUMBER.finditer(same):
        number = found[0]
        count = sum(map(str.isdigit, number))
        marked = number.startswith(("+", "00"))
        begin = found.start() + (number[0] in "(（" and not any(sign in number for sign in ")）"))
        named = words.label.search(same, max(0, begin - _LOOKED_BACK), begin)
        if named or (marked and count >= 8) or (count >= 9 and _is_dialled(number, count)):
            yield named.start() if named else begin, found.end()


def _is_dialled(number: str, count: int) -> bool:
    """Whether a number without a sign of its own is one to call: not a sum, a day or a reference."""
    if _THOUSANDS.fullmatch(number) or _DATE.search(number) or count > 15:
        return False
    return number.lstrip("(（").startswith("0") or not number.isdigit() or count == 11


def _mails(text: str, own_domains: Collection[str]) -> Iterator[tuple[int, int]]:
    own = tuple(domain.lower() for domain in own_domains if domain)
    for found in _MAIL.finditer(text):
        domain = found["domain"].lower()
        if not any(domain == one or domain.endswith(f".{one}") for one in own):
            yield found.span()


def _homes(same: str, words: ContactWords) -> Iterator[tuple[int, int]]:
    end = -1
    for found in words.home.finditer(same):
        if found.end() > end:  # else it ends where the one before it does
            line_end = same.find("\n", found.end())
            stop = _END_OF_HOME.search(same, found.end(), line_end if line_end >= 0 else len(same))
            end = stop.start() if stop else line_end
        if same[found.end() : end].strip(_SEPARATORS):
            yield found.start(), end


def without(text: str, details: Sequence[Detail]) -> str:
    """The text without these, and without the signs that only led to them; no other word is changed."""
    for one in reversed(details):
        before, behind = text[: one.begin].rstrip(_BLANK), text[one.end :].lstrip(_BLANK)
        if before.endswith(("(", "（")) and behind.startswith((")", "）")):
            before, behind = before[:-1].rstrip(_BLANK), behind[1:].lstrip(_BLANK)
        begins = not before or before.endswith("\n")
        ends = not behind or behind.startswith(_BEHIND)
        if begins:
            behind = behind.lstrip(_SEPARATORS)
        elif ends:
            before = before.rstrip(_SEPARATORS)
        close = begins or ends or behind.startswith((":", "："))
        text = f"{before}{'' if close else ' '}{behind}"
    return "\n".join(line for line in text.splitlines() if line.strip(f"{_SEPARATORS}•*()（）"))


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """What stays out of an answer for now: `kept` is the answer without it, `whole` the one they agree to.

    `asked` are the details to be asked about, `never` those that nobody can agree to.
    """

    kept: str
    whole: str
    asked: tuple[str, ...]
    never: tuple[str, ...]


def leave_out_these(text: str, words: ContactWords, these: Collection[str]) -> str:
    """The text without these of its private details."""
    return without(text, [one for one in private_in(text, words, ()) if text[one.begin : one.end] in these])


def leave_out(
    text: str, words: ContactWords, own_domains: Collection[str], *, agreed: str = ""
) -> LeftOut | None:
    """What is to be left out of the text; None where nothing is.

    What stands in `agreed`, the answers as they are kept, was asked about before.
    """
    details = [
        one
        for one in private_in(text, words, own_domains)
        if one.never or text[one.begin : one.end] not in agreed
    ]
    if not details:
        return None
    never = [one for one in details if one.never]
    return LeftOut(
        kept=without(text, details),
        whole=without(text, never) if never else text,
        asked=tuple(text[one.begin : one.end] for one in details if not one.never),
        never=tuple(text[one.begin : one.end] for one in never),
    )
