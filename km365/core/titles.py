"""A title made of a person's own words, where they gave none: the advice itself, or what happened.

"My advice is to ask the drivers" is headed "Ask the drivers": words that only announce advice are left out,
in all seven languages, whichever the answer is in. Where what follows them cannot stand alone ("my advice is
not to ...", "mi consejo es que ..."), the title is what happened.
"""

import re

LENGTH = 120
"""Characters of a title made from a sentence; people read titles in lists."""

_ENDS = (". ", "! ", "? ", "。", "！", "？", "؟ ")

_ANNOUNCED = (
    # English
    r"(?:my|our|the)(?: \w+)? (?:advice|recommendation|suggestion|tip)(?: (?:to|for) [^:,.]{1,40}?)??"
    r"(?:(?: is| was| would be)(?: that| to|:)?|:|,) ",
    r"(?:the|my|our) lesson(?: learned| learnt)?(?: for \w+)?(?:(?: is| was)(?: that|:)?|:) ",
    r"(?:lesson|advice|tip|recommendation|suggestion)s?: ",
    r"(?:i|we)(?: would|'d|’d)?(?: also| strongly)? (?:advise|recommend|suggest)"
    r"(?: (?:you|others|colleagues|everyone|offices|other offices))?(?: that| to|:)? ",
    r"(?:you|others|colleagues|offices) should ",
    # French
    r"(?:mon|notre)(?: \w+)? conseil(?: (?:à|aux?) [^:,.]{1,40}?)??"
    r"(?:(?: est| serait)(?: de | d['’](?=\w)| (?=que )|\s*: )|\s*: )",
    r"(?:je|nous)(?: vous)? (?:recommande|recommanderais|recommandons|conseille|conseillerais|conseillons"
    r"|suggère|suggérons)(?: (?:à|aux?) [^:,.]{1,40}?)??(?: de | d['’](?=\w)| (?=que )|\s*: )",
    r"(?:conseil|recommandation|leçon)s?\s*: |il (?:faut|faudrait) (?!que )",
    # Spanish
    r"(?:mi|nuestro)(?: \w+)? consejo(?: (?:a|para) [^:,.]{1,40}?)??(?:(?: es| sería):?|:) ",
    r"(?:les? )?(?:recomiendo|recomendamos|recomendaría|aconsejo|aconsejamos|sugiero|sugerimos):? ",
    r"(?:consejo|recomendación|recomendaciones|lección)s?: |(?:hay|habría) que ",
    # Portuguese
    r"(?:o )?(?:meu|nosso)(?: \w+)? conselho(?: (?:a|para) [^:,.]{1,40}?)??(?:(?: é| seria)(?: de|:)?|:) ",
    r"(?:recomendo|recomendamos|recomendaria|aconselho|aconselhamos|sugiro|sugerimos)(?: a\b|:)? ",
    r"(?:conselho|recomendação|recomendações|lição)s?: ",
    # Russian
    r"(?:(?:мой|наш|главный) )?совет(?: \w+)?(?:\s*:| [—–-]) |(?:рекомендаци[яи]|урок|вывод)(?:\s*:| [—–-]) ",
    r"(?:(?:я|мы)(?: бы)? )?(?:советую|советуем|рекомендую|рекомендуем|посоветовал[аи]?)(?: бы)?"
    r"(?: (?:вам|всем|коллегам|другим))?(?:\s*:| [—–-])? ",
    # Arabic
    r"و?(?:نصيحتي|نصيحتنا|توصيتي|توصيتنا)(?: للزملاء| لكم)?(?: هي(?: أن)?| أن|\s*:| (?=ألا)) *",
    r"و?(?:أنصح|ننصح|أوصي|نوصي|أقترح|نقترح)(?:كم)?(?: الزملاء)?(?: بأن | أن | ب(?=\w)|\s*: | (?=ألا))",
    r"(?:نصيحة|توصية|الدرس|درس)\s*: ",
    # Chinese
    r"(?:我们?的?)?(?:主要)?(?:建议|忠告)(?![书稿案])(?:大家|同事们?|各办事处)?(?:是)?[：:，,]?|(?:经验|教训)(?:是|[：:])",
)
_ANNOUNCING = re.compile("|".join(_ANNOUNCED), re.IGNORECASE)
_LEANS = re.compile(r"(?:not|que|ألا|чтобы)\b", re.IGNORECASE)
"""What stands first in a clause that leans on what announced it."""
_LEAST = 8
"""Characters of what stands alone; four where each is a word or half of one."""


def title_of(advice: str, story: str) -> str:
    """The title that these answers make; "" where they say nothing."""
    said = _first(advice)
    announced = _ANNOUNCING.match(said)
    if announced is None:
        return title_from(advice or story)
    rest = said[announced.end() :].strip()
    least = _LEAST // 2 if rest[:1] >= "\u3040" else _LEAST
    if _LEANS.match(rest) or len(rest) < least:
        return title_from(story or advice)
    return _cut(f"{rest[0].upper()}{rest[1:]}")


def title_from(text: str) -> str:
    """The first sentence of a text, cut between words where it is longer than a title."""
    return _cut(_first(text))


def _first(text: str) -> str:
    line = " ".join(text.split())
    ends = [line.find(end) for end in _ENDS if line.find(end) > 0]
    return line[: min(ends)] if ends else line


def _cut(line: str) -> str:
    if len(line) <= LENGTH:
        return line.rstrip(" .")
    return f"{line[:LENGTH].rsplit(' ', 1)[0].rstrip(' ,;:')} …"
