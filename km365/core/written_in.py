"""Which language a text is written in, told by its script, its commonest words, its letters and its endings.

The seven languages of km365 are told apart from one another and from those that turn up beside them: a text
in German, Swahili or Ukrainian is called that, or nothing, and not English or Russian. All below was written
by hand; nothing is trained, and the same text always gives the same answer.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping

from km365.core.passages import Kind, Passage

_NAME, _TABLE = Kind.NAME, Kind.TABLE  # asked of every passage; through the class it takes longer

_LOOKED_AT = 4000
"""Characters of a text that are looked at."""
_LOOKED_AT_A_PASSAGE, _LOOKED_AT_LATER = 300, 150
_TOO_SHORT, _ENOUGH_WORDS = 40, 1000
"""Characters under which a passage cannot surely tell, and words after which it is not asked: the language of
the document is known by then. Nor are rows of tables."""
_LETTERS_A_WORD = 5
_SURELY = 2.0
"""How far ahead a language must be for a passage not to take the language of its document."""

_COMMON_WORDS = {
    "en": "the of and to in is that for with are was were this by which have has not from on as at be it "
    "its or an their they there these those than then will would can could should may been more most "
    "other such into about how what who why when where did do does we our you your he she his her no "
    "all any each if but so some over between under through during also only out up per whom whose "
    "many much one two same first being every least without within because across towards among "
    "along while both after before",
    "fr": "le la les des et du est une un dans pour par sur qui que au aux ont pas avec cette ces ce de en "
    "à il elle ils elles nous vous votre vos notre nos son sa ses leur leurs plus ou où être été "
    "sont était l d qu n s c j m encore ici d'ici mais comme tout tous toute toutes entre sans sous "
    "vers chez très aussi même fait peut si se ne quel quelle quels quelles quoi dont lors afin "
    "ainsi y a deux moins selon autres je on mon ma mes",
    "es": "¿ ¡ el la los las de del y en es una un para por con que se su sus al lo como más fue no o sin "
    "sobre entre son ha han está están este esta estos estas ese esa pero desde hasta muy también "
    "cuando donde quien qué cómo quién cuál cuáles cuándo dónde sí le les nos usted ustedes hay ser "
    "todo todos toda todas otros otras e ya si cada según durante fueron tiene tienen puede hacia "
    "mediante ahora nadie aquí me mi tu te uno dos era eran ni así menos",
    "pt": "o os a as do da dos das e em é uma um para por com que não ao aos na no nas nos foi são se sua "
    "seu suas seus mais como de ou sem sobre entre ser está estão este esta estes estas esse essa "
    "isso isto mas desde até muito também quando onde quem qual quais à às pelo pela pelos pelas já "
    "foram tem têm você lhe num numa há todo todos toda todas outros outras cada segundo durante "
    "depois seja sim fica disse agora ninguém si meu minha eu me nem ele ela era eram dois duas",
    "de": "der die das und in den von zu mit ist des im für auf dem nicht ein eine einer eines einem als "
    "auch es an werden aus er hat dass sie nach wird bei sind noch wie über zum zur haben nur oder "
    "aber vor bis mehr durch man sein wurde sich unter zwischen diese dieser dieses wir am so kann "
    "wenn ihre ihr ihrer sowie",
    "it": "il lo la i gli le di del della dei delle dello degli e è in un una uno per con che non si da "
    "dal dalla nel nella nei nelle sul sulla sono al alla alle ai come più ha anche questo questa "
    "questi tra fra ma dove chi quando o se essere stato stati loro suo sua l d all dell nell",
    "nl": "de het een en van in is dat op te zijn voor met die aan niet er om ook als bij door naar uit of "
    "over wordt worden tot maar dan nog werd deze dit wat hebben heeft kan wij zij",
    "sv": "och att det i en är som på för med av till den inte ett om har de från var vi kan ska eller vid "
    "så men",
    "da": "og at det i en er som på for med af til den ikke et om har de fra var vi kan skal eller ved så "
    "men der",
    "pl": "i w na z do się nie jest to że o jak dla po przez od są oraz za ale czy który która które tym "
    "ich być",
    "ro": "și de la în a cu pe pentru din că nu este o un care mai ale al sunt prin sau fi au fost lor cele",
    "tr": "ve bir bu için ile da de olarak olan daha gibi en çok kadar sonra ne var değil ise veya her "
    "tarafından",
    "id": "dan yang di untuk dengan dari pada dalam ini itu adalah tidak ke oleh akan atau juga anak telah "
    "bahwa",
    "sw": "na ya wa kwa ni katika za la cha kama vya hii au kuwa watoto wao hiyo pia yao ili lakini",
    "vi": "và của các cho là có trong được với một những không đã này để về từ người trẻ em",
    "so": "iyo in ee waa ka ku oo uu ay la si ah waxaa loo leh aan caruurta",
    "sq": "dhe të në e për me nga që një është i janë si kjo ky ose nuk",
    "uz": "va bu uchun bilan bir ham edi bo deb kerak yoki bolalar",
    "hu": "a az és hogy nem egy is van meg de ez volt csak vagy mint el",
    "cs": "a v se na je že s z do o k i ve pro jsou byl které by jako po ale nebo při",
    "fi": "ja on ei se että oli hän ovat joka mutta myös kun niin tai jos ole",
    "mg": "ny sy dia no amin ho fa izay tsy ary ireo",
    "ht": "yo nan ak pou ki se sa pa te gen fè timoun",
}
_RARER_WORDS = {
    "es": "o e u a",
    "fr": "a y on l d n s c j m",
    "it": "o a l d",
    "pt": "me si y",
    "en": "a no do so",
    "nl": "over of in",
    "ro": "a o de la cu",
    "pl": "i o w z",
    "cs": "a o i k s v z do pro",
    "hu": "a",
    "da": "de",
    "sv": "de",
    "tr": "en de da o",
    "so": "in la",
    "fi": "on",
}
"""Words that are something else in most texts that have them, whatever the lists above say."""
_ENDINGS_OF = {
    "en": "ing ings ness ship ful less ity ities ly ed able ance ence ences tion tions ment ments wth dren "
    "ough ight th sh ck ows ies ous ive ives ate ates ated ary ers",
    "fr": "tion tions ment ments ité ités eur eurs eux euse euses aux ement ements ées ée és iques ique "
    "ance ances ence ences aire aires oire oires elle elles ive ives ants ante antes ois ais ques "
    "que",
    "es": "ción ciones sión siones dad dades miento mientos mente ico icos ica icas ado ados ada adas ido "
    "idos ida idas encia encias ancia ancias anza anzas ables ores ivo ivos iva ivas ales aria arias "
    "ario arios ntes nte era",
    "pt": "nça nças ção ções são sões dade dades mento mentos mente ico icos ica icas ado ados ada adas "
    "ido idos ida idas ência ências ância âncias agem agens ável áveis ores ivo ivos iva ivas ais "
    "eis ário ários ária árias ntes nte",
    "de": "ung ungen keit heit heiten lich liche lichen isch ische ischen schaft chen ismus ieren iert ten "
    "tät",
    "it": "zione zioni mento menti ità mente anza anze ico ici ica iche ato ati ata ate ario ari ivo ivi",
    "nl": "heid heden ijk ijke ing ingen schap eren atie aties",
    "sv": "ningen ning ningar het heten erna arna",
    "pl": "ość ości anie ania enie enia owych owa owy nych cja cji",
    "ro": "ție ții țiilor ului ilor ată ate lor",
    "tr": "ların lerin ları leri lar ler nın nin ması mesi",
    "id": "kan nya asi",
    "hu": "ság ség nak nek ban ben",
    "fi": "nen sta stä ssa ssä lla llä",
}
_LETTERS_OF = {
    "fr": "éèêëàâùûîïôœç",
    "es": "ñáéíóúü",
    "pt": "ãõâêôáéíóúàç",
    "de": "äöüß",
    "it": "àèéìòù",
    "sv": "åäö",
    "da": "åæø",
    "pl": "ąćęłńśźżó",
    "ro": "ăâîșțşţ",
    "tr": "çğıöşü",
    "vi": "ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
    "hu": "áéíóöőúüű",
    "cs": "áčďéěíňóřšťúůýž",
    "fi": "äö",
    "sq": "ëç",
}

_SCRIPTS = {
    "latin": (1, re.compile(r"[A-Za-zªºÀ-ÖØ-öø-ʯḀ-ỿ]+")),
    "ar": (1, re.compile(r"[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\ufb50-\ufdfb\ufe70-\ufefc]+")),
    "ru": (1, re.compile(r"[\u0400-\u052f]+")),
    "zh": (3, re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")),
    "ja": (3, re.compile(r"[\u3041-\u30ff]+")),
    "ko": (3, re.compile(r"[\uac00-\ud7a3\u1100-\u11ff]+")),
    "el": (1, re.compile(r"[\u0370-\u03ff]+")),
    "he": (1, re.compile(r"[\u05d0-\u05ea]+")),
    "hy": (1, re.compile(r"[\u0531-\u058f]+")),
    "ka": (1, re.compile(r"[\u10a0-\u10ff]+")),
    "hi": (1, re.compile(r"[\u0900-\u097f]+")),
    "bn": (1, re.compile(r"[\u0980-\u09ff]+")),
    "ta": (1, re.compile(r"[\u0b80-\u0bff]+")),
    "si": (1, re.compile(r"[\u0d80-\u0dff]+")),
    "th": (1, re.compile(r"[\u0e00-\u0e7f]+")),
    "lo": (1, re.compile(r"[\u0e80-\u0eff]+")),
    "my": (1, re.compile(r"[\u1000-\u109f]+")),
    "am": (1, re.compile(r"[\u1200-\u139f]+")),
    "km": (1, re.compile(r"[\u1780-\u17ff]+")),
}
"""The language a script stands for here, how many Latin letters one of its letters is worth, its letters."""

_OTHERS_IN_THE_SCRIPT: Mapping[str, tuple[tuple[str, str], ...]] = {
    "ru": (("uk", "іїєґ"), ("sr", "ђћџјљњ"), ("kk", "қңғұәі"), ("mk", "ѓќѕ"), ("mn", "өү"), ("tg", "ҳҷӣӯ")),
    "ar": (("ur", "ٹڈڑےں"), ("ps", "ټډړښېۍ"), ("ku", "ڵێۆە"), ("fa", "پچژگکی")),
}
"""Letters that one language of the script has and the one it stands for has not, the more telling first."""
_LEAST_SHARE = 0.015
"""How many of the letters must be of another language's own for it to be that language."""


def _languages_by_word(of: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """For each word the languages that have it."""
    languages: dict[str, list[str]] = {}
    for language, words in of.items():
        for word in dict.fromkeys(words.split()):
            languages.setdefault(word, []).append(language)
    return {word: tuple(codes) for word, codes in languages.items()}


_WORDS = _languages_by_word(_COMMON_WORDS)
_COMMON = frozenset(_WORDS)
_RARER = {language: frozenset(words.split()) for language, words in _RARER_WORDS.items()}
_ENDINGS = _languages_by_word(_ENDINGS_OF)
_LETTERS = _languages_by_word({language: " ".join(letters) for language, letters in _LETTERS_OF.items()})
_WORD = re.compile(r"[^\W\d_]+|[¿¡]")
_SMALL_LETTERS = bytes(ord(chr(c).lower() if chr(c).isalpha() else " ") for c in range(128)) + bytes(128)
_A_WORD, _ITS_OWN, _A_RARER_WORD, _A_LETTER, _AN_ENDING = 1.0, 0.4, 0.3, 0.5, 0.4
"""How much a common word (and more, if it is no other language's), a rarer one, a letter with an accent and
an ending say for a language that has them."""
_Clues = dict[str, float]


_REMEMBERED_WORDS = 50_000


class _CluesOfWords(dict[str, tuple[tuple[str, float], ...]]):
    """What each word in small letters says for each language, remembered."""

    def __missing__(self, word: str) -> tuple[tuple[str, float], ...]:
        if len(self) >= _REMEMBERED_WORDS:
            self.clear()
        self[word] = clues = tuple(_clues_of_word(word).items())
        return clues


_clues_of = _CluesOfWords()


def _clues_of_word(word: str) -> _Clues:
    found: _Clues = {}
    speaks = _WORDS.get(word, ())
    for language in speaks:
        own = _ITS_OWN if len(speaks) == 1 else 0.0
        weight = _A_RARER_WORD if word in _RARER.get(language, ()) else _A_WORD
        found[language] = found.get(language, 0.0) + weight + own
    if not word.isascii():
        for letter in set(word):
            for language in _LETTERS.get(letter, ()):
                found[language] = found.get(language, 0.0) + _A_LETTER
    if len(word) > 5:
        for size in (6, 5, 4, 3, 2):
            if endings := _ENDINGS.get(word[-size:]):
                for language in endings:
                    found[language] = found.get(language, 0.0) + _AN_ENDING
                break
    return found


def _words(text: str) -> list[str]:
    """The words of a Latin-script text in small letters."""
    if text.isascii():  # as bytes, for that is five times as quick
        return text.encode("ascii").translate(_SMALL_LETTERS).decode("ascii").split()
    return _WORD.findall(text.lower())


def _latin_clues(words: Iterable[str]) -> _Clues:
    """What the words of a Latin-script text say for each language."""
    clues: _Clues = {}
    for found in map(_clues_of.__getitem__, words):
        for language, weight in found:
            clues[language] = clues.get(language, 0.0) + weight
    return clues


def _decide(clues: _Clues, words: int, *, ahead: float = 0.4) -> str | None:
    """The language ahead of all others by `ahead` (long texts: more); None where too little speaks for it."""
    scores = sorted(clues.values())
    if not scores or scores[-1] < 0.12 * words:
        return None
    second = scores[-2] if len(scores) > 1 else 0.0
    return max(clues, key=clues.__getitem__) if scores[-1] - second >= max(ahead, 0.01 * words) else None


def _script(text: str) -> tuple[str | None, int]:
    """The script most of the letters are of, and how many they are."""
    if text.isascii():
        return "latin", 0
    best, most = None, 0
    for name, (worth, letters) in _SCRIPTS.items():
        count = worth * sum(map(len, letters.findall(text)))
        if count > most:
            best, most = name, count
    if best == "zh" and _SCRIPTS["ja"][1].search(text):
        kana = sum(map(len, _SCRIPTS["ja"][1].findall(text)))
        return ("ja", most) if 3 * kana > 0.15 * most else ("zh", most)
    return best, most


def _in_script(script: str, text: str, letters: int) -> str:
    """The language of a text in a script that is not Latin."""
    lowered = text.lower()
    for language, own in _OTHERS_IN_THE_SCRIPT.get(script, ()):
        if sum(map(lowered.count, own)) >= max(2, _LEAST_SHARE * letters):
            return language
    if script == "ru" and lowered.count("ъ") >= max(2, 0.008 * letters) and not re.search("[ыэё]", lowered):
        return "bg"
    return script


def language_of(text: str, *, default: str | None = None) -> str | None:
    """The language `text` is written in, as a primary tag (`fr`); `default` where nothing tells.

    Not only the seven that km365 speaks: German is `de`, Persian `fa`. A language it has no words for is
    `default` rather than a wrong one, and so is a text too short to tell, such as an acronym.
    """
    text = unicodedata.normalize("NFC", text[:_LOOKED_AT])
    script, letters = _script(text)
    if script is None:
        return default
    if script != "latin":
        return _in_script(script, text, letters) if letters >= 2 else default
    words = _words(text)
    return _decide(_latin_clues(words), len(words)) or default


def main_language(passages: Iterable[Passage]) -> str | None:
    """The language most of a document is in: as its passages say, else by its words."""
    told = [one for one in passages if one.kind not in (_NAME, Kind.PROPERTY)]
    weight: dict[str, int] = {}
    for passage in told:
        if passage.language:
            weight[passage.language] = weight.get(passage.language, 0) + len(passage.text)
    if weight:
        return max(weight, key=lambda language: weight[language])
    return language_of(" ".join(one.text for one in told)[:20_000])


def with_languages(passages: Iterable[Passage]) -> list[Passage]:
    """The passages, each with its language: its own where it surely tells, else that of the document."""
    passages = list(passages)
    tally = _Tally()
    own = [tally.ask(passage) for passage in passages]
    document = tally.document()
    return [_in(passage, language, document) for passage, language in zip(passages, own, strict=True)]


class _Tally:
    """What the passages of a document have said so far."""

    def __init__(self) -> None:
        self._latin: _Clues = {}
        self._words = 0
        self._other: dict[str, float] = {}
        """Words in other scripts, by language."""
        self._usual: frozenset[str] = frozenset()
        """The common words of the document's language, once it is known."""

    def ask(self, passage: Passage) -> str | None:
        """The language that the passage surely tells; None where it has that of its document."""
        settled, kind = self._words > _ENOUGH_WORDS, passage.kind
        text = passage.text[: _LOOKED_AT_LATER if settled else _LOOKED_AT_A_PASSAGE]
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
            script, letters = _script(text)
            if script != "latin":
                return self._in_other_script(script, text, letters)
        elif settled and (len(text) < _TOO_SHORT or kind is _TABLE):
            return None
        words = _words(text)
        if kind is _NAME or (settled and self._is_as_usual(words)):
            return None
        clues = _latin_clues(words)
        self._words += len(words)
        for language, weight in clues.items():
            self._latin[language] = self._latin.get(language, 0.0) + weight
        return _decide(clues, len(words), ahead=_SURELY)

    def document(self) -> str | None:
        """The language most of the words are in."""
        most = max(sorted(self._other), key=self._other.__getitem__, default=None)
        if most is not None and self._other[most] > self._words:
            return most
        return _decide(self._latin, self._words)

    def _in_other_script(self, script: str | None, text: str, letters: int) -> str | None:
        if script is None or letters < 2:
            return None
        language = _in_script(script, text, letters)
        self._other[language] = self._other.get(language, 0.0) + letters / _LETTERS_A_WORD
        return language

    def _is_as_usual(self, words: list[str]) -> bool:
        """Whether a passage late in the document says nothing new, found out the quick way."""
        if not self._usual:
            self._usual = frozenset(_COMMON_WORDS.get(self.document() or "", "-").split())
        return _COMMON.isdisjoint(words) or len(self._usual.intersection(words)) >= 3


def _in(passage: Passage, own: str | None, document: str | None) -> Passage:
    """The passage with its language; the name of a file says nothing against its content."""
    language = document or own if passage.kind is _NAME else own or document
    if language == passage.language:
        return passage
    return passage.written_in(language)
