"""The people that an answer names: who they are, where, why, and who introduces, one to a line.

Nothing is guessed. A line that clearly is "name, organisation — why" or the like is taken apart, word for
word; any other stays whole. What the directory knows of colleagues is added by `services/contacts.py`.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

from km365.core.commands import plain

MEET, STUCK, OUTSIDE, PARTNER = "people", "stuck", "outsiders", "partners"
QUESTIONS = (MEET, STUCK, OUTSIDE, PARTNER)
"""The questions that ask for people, in the order in which a successor meets those named."""

BULLET = re.compile(r"\s*(?:[-•*–—·▪◦‣]\s+|[•▪◦‣]\s*|[(（]?\d{1,2}(?:[)）、]\s*|\.\s+)|[①-⑳]\s*)*")
"""What people write before a line of a list; "-5 °C" begins with nothing of it."""
_BLANKS = r"(?<!\s)\s+"
"""From the first of them: tried from each blank of a long run, one line would take seconds."""
_DASH = re.compile(rf"{_BLANKS}[-–—]+\s+|(?:{_BLANKS})?(?:[—⸺]+|--+)\s*")
_COLON = re.compile(rf"(?:{_BLANKS})?(?::(?=\s|$)|：)\s*")
_COMMA = re.compile(rf"(?:{_BLANKS})?[,،，]\s*")
_OPEN, _CLOSE = "(（", ")）"
_BETWEEN_PEOPLE = re.compile(rf"(?:{_BLANKS})?[;；؛]\s*")
_CLAUSES = re.compile(r"[,،，;；؛.。]\s*")
_EDGES = " \t\xa0,،，;；؛:：-–—."
_SMALL = (
    "al el ad as at ar an abu abd bin bint ben ibn umm de del della der den do dos das da di du le la las "
    "los van von ten ter zu zur of the for"
)
_PARTICLES = frozenset(_SMALL.split())
"""Small words that stand within names, of people and of ministries."""
_JOINING = frozenset({"and", "&", "et", "y", "e", "и"})
"""What joins the words of an organisation's name, and two people."""
_OF = frozenset({"of", "the", "for"})
"""Small words that stand within the names of organisations only."""
_LONGEST_NAME = 60
_MOST_WORDS = 6
_SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田"
    "任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文欧司上诸"
)
"""The commonest first characters of Chinese names, nine in ten of them."""
_HAN = re.compile(r"[\u3400-\u9fff·]+(?:\s?(?:先生|女士|博士|教授|主任|处长|司长|局长|部长|医生|经理|老师))?")


@dataclass(frozen=True, kw_only=True)
class Contact:
    """Somebody whom an answer names. `line` is as it was written; where it says more than that it was not
    understood, `name` is empty.

    `introduction` is who introduces, in the person's words. The last three are the directory's, "" for all
    but colleagues.
    """

    line: str
    name: str = ""
    organisation: str = ""
    why: str = ""
    introduction: str = ""
    question: str = ""
    person_id: str = ""
    post: str = ""
    office: str = ""


def read(text: str, introduces: Sequence[str] = (), *, question: str = "") -> list[Contact]:
    """The people of an answer, in its order. `introduces` are phrases such as "… can introduce you"."""
    return [
        replace(one, question=question)
        for raw in text.splitlines()
        if (line := BULLET.sub("", raw, count=1).strip())
        for one in _in_line(line, introduces)
    ]


def _in_line(line: str, introduces: Sequence[str]) -> list[Contact]:
    """One contact, or several that semicolons part, each with more than a name."""
    pieces = [piece for piece in _BETWEEN_PEOPLE.split(line) if piece]
    if len(pieces) > 1:
        several = [_one(piece, introduces) for piece in pieces]
        if all(one.name and (one.organisation or one.why) for one in several):
            return several
    return [_one(line, introduces)]


def _one(line: str, introduces: Sequence[str]) -> Contact:
    """The line taken apart, or whole."""
    name, organisation, why, is_marked = _parts(line)
    if not _is_name(name) or not (is_marked or is_whole_name(name)):
        return Contact(line=line)
    if _are_names(name, organisation):
        return Contact(line=line)
    why, introduction = _introduction(why, introduces)
    return Contact(line=line, name=name, organisation=organisation, why=why, introduction=introduction)


def _parts(line: str) -> tuple[str, str, str, bool]:
    """Name, organisation and why; and whether an organisation marks the first as a name."""
    opened, comma, mark = _first(line, _OPEN), _COMMA.search(line), _first_of(line, _DASH, _COLON)
    ends = {opened, comma.start() if comma else -1, mark.start() if mark else -1} - {-1}
    first = min(ends, default=-1)
    if comma is not None and first == comma.start():
        return _behind_comma(line[:first].strip(_EDGES), line[comma.end() :])
    if mark is not None and first == mark.start():
        return line[:first].strip(_EDGES), "", line[mark.end() :].strip(_EDGES), False
    if first < 0:
        return line.strip(_EDGES), "", "", False
    closed = min((at for sign in _CLOSE if (at := line.find(sign, opened)) > 0), default=len(line))
    inside, rest = line[opened + 1 : closed].strip(), line[closed + 1 :].strip(_EDGES)
    return line[:opened].strip(_EDGES), inside, rest, bool(inside)


def _behind_comma(name: str, rest: str) -> tuple[str, str, str, bool]:
    mark = _first_of(rest, _DASH, _COLON)
    if mark is not None:
        return name, rest[: mark.start()].strip(_EDGES), rest[mark.end() :].strip(_EDGES), True
    if _is_organisation(rest):
        return name, rest.strip(_EDGES), "", True
    return name, "", rest.strip(_EDGES), False


def _first(line: str, signs: str) -> int:
    return min((at for sign in signs if (at := line.find(sign)) >= 0), default=-1)


def _first_of(line: str, *patterns: re.Pattern[str]) -> re.Match[str] | None:
    """The first of these signs outside brackets."""
    found = [one for pattern in patterns for one in islice(_outside(line, pattern), 1)]
    return min(found, key=lambda one: one.start(), default=None)


def _outside(line: str, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    at = depth = 0
    for one in pattern.finditer(line):
        passed, at = line[at : one.start()], one.start()
        depth += sum(map(passed.count, _OPEN)) - sum(map(passed.count, _CLOSE))
        if depth <= 0:
            yield one


def _is_name(text: str) -> bool:
    """Whether the words could be a name: all but small ones with capitals; few, where there are none."""
    words = text.split()
    if not 0 < len(words) <= _MOST_WORDS or len(text) > _LONGEST_NAME:
        return False
    if any(unicodedata.category(sign)[0] not in "LM" and sign not in " .'’-·&ʼ" for sign in text):
        return False
    if _is_han(text):
        return bool(_HAN.fullmatch(text)) and len(text) <= 12 and (text[0] in _SURNAMES or "·" in text)
    if not any(sign.isupper() or sign.islower() for sign in text):
        return len(words) <= _MOST_WITHOUT_CAPITALS and _IN_NO_NAME.isdisjoint(words)
    return words[0][0].isupper() and all(_is_part_of_name(word) for word in words)


_MOST_WITHOUT_CAPITALS = 4
_SENTENCE_WORDS = """
حين حينما عند عندما إذا اذا إذ لو لما كلما بينما لأن لكن ثم أن إن في من إلى الى عن مع منذ حتى قبل بعد دون خلال
كل بعض هذا هذه ذلك تلك الذي التي هو هي لا لم لن ليس قد كان كانت يجب هناك
"""
"""Arabic words that stand in sentences and in no name, which has no capitals there; "على" may be Ali."""
_IN_NO_NAME = frozenset(_SENTENCE_WORDS.split())


def _is_part_of_name(word: str) -> bool:
    return word[0].isupper() or word.lower() in _PARTICLES or any(map(str.isupper, word[1:]))


def is_whole_name(name: str) -> bool:
    """Whether it is more than one word, which alone may be a heading or the beginning of a sentence."""
    return len(name.split()) > 1 or _is_han(name)


def _is_han(text: str) -> bool:
    return any("\u3400" <= sign <= "\u9fff" for sign in text)


def _is_organisation(text: str) -> bool:
    """Whether what follows a comma up to the end reads as where somebody works, not as a reason."""
    words = text.split()
    if not words or len(words) > 8 or any(map(text.__contains__, ".!?؟。")):
        return False
    if _is_han(text):
        return len(text) <= 16
    if not any(sign.isupper() or sign.islower() for sign in text):
        return len(words) <= 4
    return all(word.lower() in _JOINING or _is_part_of_name(word) for word in words)


def _are_names(name: str, organisation: str) -> bool:
    """Whether commas part the names of several people rather than one and where they work."""
    parts = [name, *_COMMA.split(organisation)]
    return len(parts) > 2 and all(
        _is_name(part) and len(part.split()) in {2, 3} and not set(part.lower().split()) & _OF
        for part in parts
    )


def _introduction(why: str, introduces: Sequence[str]) -> tuple[str, str]:
    """The reason without the clause that says who introduces, and that clause."""
    phrases = [(_saying(phrase), _is_han(phrase)) for phrase in introduces]
    begin = 0
    for end in (*_CLAUSES.finditer(why), None):
        clause = why[begin : end.start() if end else len(why)]
        said = plain(clause)
        joined = said.replace(" ", "")
        if any(phrase.fullmatch(joined if is_han else said) for phrase, is_han in phrases):
            left = f"{why[:begin].rstrip()} {why[end.end() :] if end else ''}".strip()
            return left.strip(_EDGES) if not left.endswith(".") else left, clause.strip()
        begin = end.end() if end else len(why)
    return why, ""


@lru_cache(maxsize=1024)
def _saying(phrase: str) -> re.Pattern[str]:
    """A clause that is the phrase, with one to five words, or a dozen characters, for its dots."""
    between = [plain(part) for part in phrase.split("…")]
    if _is_han(phrase):
        return re.compile(r".{1,12}".join(re.escape(part.replace(" ", "")) for part in between))
    pattern = r"\S+(?: \S+){0,4}".join(
        f"{' ' if n else ''}{re.escape(part)}{' ' if n < len(between) - 1 else ''}" if part else ""
        for n, part in enumerate(between)
    )
    return re.compile(pattern)


def to_meet(contacts: Iterable[Contact]) -> list[Contact]:
    """Those named, in the order in which a successor meets them; one who is named twice comes once, with all
    the reasons. Lines that were not understood are not among them."""
    found: dict[tuple[str, str], Contact] = {}
    ranked = sorted(
        contacts, key=lambda one: QUESTIONS.index(one.question) if one.question in QUESTIONS else 9
    )
    for one in ranked:
        if not one.name:
            continue
        key = next((key for key in found if _is_same(found[key], one)), (one.name, one.organisation))
        found[key] = _together(found[key], one) if key in found else one
    return list(found.values())


def _is_same(one: Contact, other: Contact) -> bool:
    if one.person_id and other.person_id:
        return one.person_id == other.person_id
    places = {plain(contact.organisation) for contact in (one, other)} - {""}
    return plain(one.name) == plain(other.name) and len(places) <= 1


def _together(one: Contact, other: Contact) -> Contact:
    def both(first: str, second: str) -> str:
        return first if not second or second == first else f"{first}; {second}" if first else second

    return replace(
        one,
        line=both(one.line, other.line),
        organisation=one.organisation or other.organisation,
        why=both(one.why, other.why),
        introduction=both(one.introduction, other.introduction),
    )
