"""Words as the matcher sees them: seven languages, one rule set, no dictionary.

A word is folded (case, accents, Arabic letter variants) and then cut back to a light stem, so that
`Évaluations`, `evaluation` and `ÉVALUATION` meet. One rule serves all Latin-script languages because terms
of one language turn up in texts of another (`cash transfer` in a French report); heavier stemming costs
precision on a controlled vocabulary. Han characters are words of their own, since Chinese is written
without spaces.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from km365.core import written_in

_MARKS = "\u0300-\u036f\u064b-\u065f\u0670"
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
language_of = written_in.language_of

STOP = "."
"""The token that stands for a break no phrase may cross (a full stop, a comma, a bracket, a line end)."""
END = "\x01"
"""The token that stands for the end of a passage."""

_TOKEN = re.compile(
    rf"[{_HAN}]|[^\W_{_HAN}]+(?:[{_MARKS}]+[^\W_{_HAN}]*)*"
    r"|[.,;:!?()\[\]|\n\r•؟،؛。，、；：！？（）«»\"]"
)
_ASCII_TOKEN = re.compile(r"[A-Za-z0-9]+|[.,;:!?()\[\]|\n\r\"]")
"""The same in half the time, where all is ASCII."""
_TOKEN_OR_END = re.compile(rf"{_TOKEN.pattern}|{END}")
_BREAKS = frozenset('.,;:!?()[]|\n\r•؟،؛。，、；：！？（）«»"')

_ASCII = "".join(
    one if one.isalnum() or one == END else STOP if one in _BREAKS else " " for one in map(chr, range(128))
)
"""Each ASCII character as a word sees it: letters and digits stay, breaks become `STOP`."""

_LITTLE_WORDS_OF = {
    "en": "a an and at by for from in of on or s the to with",
    "fr": "a au aux avec c d dans de des du en et j l la le les m n ou par pour qu s t un une",
    "es": "a al con de del e el en la las los o para por un una y",
    "pt": "a as ao aos com da das de do dos e em na nas nos o os ou para por um uma",
    "ru": "в и во на с со о об по для от из у к",
    "ar": "في من على الى عن مع و او",
}
_LITTLE_WORDS_IN = {language: frozenset(some.split()) for language, some in _LITTLE_WORDS_OF.items()}
_LITTLE_WORDS = frozenset().union(*_LITTLE_WORDS_IN.values())
"""Words a phrase may gain or lose and keep its subject: `quality of education`, `qualité de l'éducation`."""

_SILENT_WORDS_OF = {
    "en": "about after against all also among any are as be because been before being between both but "
    "can could did do does during each either every had has have he her here his how i if into is "
    "it its may me might more most much must my nor not only other our over per shall she should so "
    "some such than that their them then there these they this those through under upon us via was "
    "we were what when where whether which while who whom whose why will within without would you "
    "your",
    "fr": "afin ainsi ait alors aucun aussi autre autres avant avoir car ce cela ces cet cette chaque "
    "chez ci comme comment dont elle elles entre est et etre ete eux fait ils leur leurs lors lui "
    "mais meme moins ne nos notre nous on ont par pas pendant peu plus pourquoi quand que quel "
    "quelle quelles quels qui sa sans se selon ses si soit son sont sous sur ta tel telle telles "
    "tels toute toutes tous tout tres vers vos votre vous",
    "es": "algun ante antes asi aun aunque cada como cual cuales cuando cuya cuyo desde donde durante "
    "ella ellas ellos entre era es esa esas ese eso esos esta estan estas este esto estos fue ha "
    "hacia han hasta hay lo mas mediante muy ni no nos nosotros otra otras otro otros pero porque "
    "que quien quienes se sea sean segun ser si sido sin sino sobre son su sus tal tales tambien "
    "tanto todas todo todos tras",
    "pt": "ainda alguma algum antes apos assim ate cada cuja cujo como depois desde durante ela elas ele "
    "eles entre era essa essas esse esses esta estas este estes foi foram ha isso isto ja lhe mais "
    "mas mediante mesmo muito nao nem nosso nossa num numa outra outras outro outros pela pelas "
    "pelo pelos porque quais qual quando que quem se seja sem ser seu seus sob sobre sua suas tal "
    "tambem tanto todas todo todos",
    "ru": "без был была были было быть в вас весь все всего всех вы где да для до его ее если еще же за "
    "здесь и из или им их к как ко когда который которая которые которых кто ли между мы на над не "
    "него нее нет ни них но ну о об они оно она он от очень по под после потому при про с со так "
    "также такие такой там те тем то того тоже той только том тот у уже чем через что чтобы эта эти "
    "этих это этого этой этом этот",
    "ar": "ان انه انها اي اذا الا التي الذي الذين اللذين او بعد بل بما بين تلك ثم حتى حول خلال ذلك عن عند "
    "غير فان فقط فيما فيها فيه قبل قد كان كانت كل كما كيف لا لان لدى لكن له لها لهم لم لن ما ماذا "
    "مثل مع منها منه منذ هذا هذه هناك هو هي هم وان ولا وما وهو وهي يكون",
}

_NEGATIONS_OF = {
    "en": "not no never without cannot neither nor none nobody nothing",
    "fr": "ne n pas jamais sans aucun aucune ni",
    "es": "no nunca sin ningun ninguna ningunos ningunas ni tampoco",
    "pt": "nao nunca sem nenhum nenhuma nem",
    "ru": "не нет ни без никогда нельзя",
    "ar": "لم لن لا ولم ولن ولا فلم وليس وليست ليس ليست ليسوا غير بدون دون",
    "zh": "不 没 無 无 未 沒",
}
_HELPERS_OF = {
    "en": "am been being doing done got having shall",
    "fr": "ai avait avaient avais avons avez ont etait etaient etais suis sera seront serait a",
    "es": "eran estaba estaban estuvo estuvieron fueron habia habian hubo sera seran somos tenia",
    "pt": "eram estava estavam esteve estiveram havia houve sera serao sao somos tinha tinham",
    "ru": "будет будут буду являлся является являются стал стала стали",
    "ar": "تكن يكن نكن اكن تكون يكونوا كنا كانوا كنت ستكون سيكون وكان وكانت",
}

_ACRONYMS = frozenset({"UN"})
"""Little words in small letters, names in capitals."""

_ARABIC_LETTERS = str.maketrans("أإآٱىةؤئ", "ااااي" + "هوي", "ـ")
_ARABIC_PREFIXES = ("وال", "بال", "كال", "فال", "لل", "ال")
_ARABIC_SUFFIXES = ("ات", "ان", "ون", "ين", "ها", "يه", "ه", "ي")
_ENDINGS_OF_RUSSIAN = (
    "иями ями ами иеи иям ием иях ого его ому ему ыми ими ая яя ое ее ие ые ыи ии ои ую юю ью ея еи ем ам ом "
    "ях ах ою ею ым им их ых ия ию ов ев а я о е и ы у ю ь"
)
_RUSSIAN_ENDINGS = tuple(_ENDINGS_OF_RUSSIAN.split())
"""Longest first, as `fold` leaves them: its й is an и."""
_LATIN_ENDINGS = (
    ("oes", "ao", 6),  # avaliações, avaliação
    ("aux", "al", 6),  # nationaux, national
    ("ais", "al", 6),  # nacionais, nacional
    ("sis", "s", 5),  # crisis, crises
)
_WORD = re.compile(r"[a-z0-9]+")
_ROOT_LETTERS = 8


def clean(text: str) -> str:
    """The text in compatible form: ligatures and Arabic presentation forms undone, soft hyphens gone."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", text).replace("\u00ad", "").replace("\ufffe", "")


def fold(word: str) -> str:
    """The word without case, accents and letter variants; what a person would call the same spelling."""
    if word.isascii():
        return word.lower()
    letters = unicodedata.normalize("NFKD", word.casefold()).casefold()
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return bare.translate(_ARABIC_LETTERS).replace("ł", "l").replace("ø", "o")


def stem(word: str) -> str:
    """The light stem of a folded word: plurals and the commonest endings go, meanings stay apart."""
    if word.isascii():
        return _latin(word) if len(word) > 3 else word
    first = word[0]
    if "а" <= first <= "я":
        return _russian(word)
    if "ء" <= first <= "ي":
        return _arabic(word)
    return word


def _latin(word: str) -> str:
    if not _WORD.fullmatch(word) or word.isdigit():
        return word
    for ending, instead, shortest in _LATIN_ENDINGS:
        if len(word) >= shortest and word.endswith(ending):
            return word[: -len(ending)] + instead
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if word.endswith("ie") and len(word) > 4:
        return word[:-1]  # policie(s), policy
    if word.endswith("e") and len(word) > 3:
        word = word[:-1]  # services, service; evaluaciones, evaluación
    return word[:-1] + "i" if word.endswith("y") and len(word) > 4 else word


def _russian(word: str) -> str:
    for ending in _RUSSIAN_ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _arabic(word: str) -> str:
    """Light stemming after Larkey, Ballesteros and Connell (2002), "light10", with one suffix only."""
    if len(word) > 4 and word.startswith("و") and not word.startswith("وال"):
        word = word[1:]
    for prefix in _ARABIC_PREFIXES:
        if word.startswith(prefix) and len(word) - len(prefix) >= 3:
            word = word[len(prefix) :]
            break
    for suffix in _ARABIC_SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)]
    return word


def root(stemmed: str) -> str:
    """What a word has in common with its relatives (`vaccinat`ion, `vaccinat`ed), from its stem.

    For weighing words one by one, where a wrong relative costs little; phrases are compared by stems.
    """
    return stemmed[:_ROOT_LETTERS]


def is_little(written: str) -> bool:
    """Whether a phrase may gain or lose this word and keep its subject."""
    return fold(written) in _LITTLE_WORDS and written not in _ACRONYMS


_SILENT_WORDS = frozenset(fold(word) for some in _SILENT_WORDS_OF.values() for word in some.split())
"""Words that say nothing of a subject; they are part of a phrase all the same."""


def is_silent(folded: str) -> bool:
    """Whether the word, alone, says nothing of a subject in any of the languages."""
    return folded in _SILENT_WORDS


_NEGATIONS = frozenset(fold(word) for some in _NEGATIONS_OF.values() for word in some.split())
_HELPERS = frozenset(fold(word) for some in _HELPERS_OF.values() for word in some.split())
_CONTRACTED = re.compile(r"(?<=\w)n['\u2019]t\b", re.IGNORECASE)


def is_negation(folded: str) -> bool:
    """Whether the word says the opposite of the one it stands before, in any of the languages."""
    return folded in _NEGATIONS


def is_helper(folded: str) -> bool:
    """Whether the word only helps another verb. Apart from `is_silent`, by which labels are matched."""
    return folded in _HELPERS


def spelt_out(text: str) -> str:
    """English negations as words of their own: `weren't` is `were not`."""
    return _CONTRACTED.sub(" not", text)


def is_break(written: str) -> bool:
    """Whether the token is a break between phrases."""
    return written in _BREAKS


class Stems(dict[str, str]):
    """The stem of each written word, remembered; little words are "", breaks are `STOP`.

    Kept for one run of the matcher: a vocabulary of words is small, so the dictionary stays small too.
    """

    def __missing__(self, word: str) -> str:
        if word in _BREAKS:
            found = STOP
        else:
            folded = fold(word)
            found = "" if folded in _LITTLE_WORDS and word not in _ACRONYMS else stem(folded)
        self[word] = found
        return found


def words(text: str) -> list[str]:
    """The words and breaks of `text` in order, as written."""
    return (_ASCII_TOKEN if text.isascii() else _TOKEN).findall(text)


def many_words(texts: Sequence[str]) -> list[str]:
    """The words of all `texts` in order, every break as `STOP`, and `END` after each text.

    One pass over joined text costs a quarter of one over each: where all is ASCII no pattern is needed.
    """
    found: list[str] = []
    for plain, run in groupby(texts, key=str.isascii):
        joined = f" {END} ".join([*(text.replace(END, " ") for text in run), ""])
        if plain:
            found += joined.translate(_ASCII).replace(STOP, f" {STOP} ").split()
        else:
            found += _TOKEN_OR_END.findall(joined)
    return found


def tokens(text: str) -> Iterator[re.Match[str]]:
    """The words and breaks of `text` and where they stand."""
    return (_ASCII_TOKEN if text.isascii() else _TOKEN).finditer(text)


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each of `words(text)` stands."""
    return (found.span() for found in tokens(text))


def key(text: str, stems: Stems | None = None) -> tuple[str, ...]:
    """The stems of a label in order, without little words and breaks; labels with one key read the same."""
    stems = Stems() if stems is None else stems
    return tuple(s for s in (stems[w] for w in words(clean(text))) if s and s != STOP)


def phrases(text: str, language: str, stems: Mapping[str, str]) -> list[tuple[str, ...]]:
    """The label `text` as stems to look for, with and without the commas inside it.

    Nothing where leaving out little words would change the meaning: `e` says nothing in Portuguese but makes
    `e-learning` of learning, and `no` is little there but not in Spanish. Nor for a single letter or Han
    character.
    """
    written = words(clean(text))
    own = _LITTLE_WORDS_IN.get(language, frozenset())
    if any(not stems[word] and fold(word) not in own for word in written):
        return []
    full = [stem for stem in map(stems.__getitem__, written) if stem]
    while full and full[-1] == STOP:
        full.pop()
    while full and full[0] == STOP:
        full.pop(0)
    bare = tuple(stem for stem in full if stem != STOP)
    if not bare or (len(bare) == 1 and len(bare[0]) == 1):
        return []
    return list(dict.fromkeys([bare, tuple(full)]))
