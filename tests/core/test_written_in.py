"""Which language a text is in, on sentences of our own templates.

They guard against getting worse and are no proof: whoever wrote the lists of words knew texts like these.
docs/reading.md has figures on texts of others.
"""

import re
import tomllib
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from km365.core.passages import Kind, Passage
from km365.core.written_in import language_of, with_languages

TEMPLATES = Path(__file__).parents[2] / "templates"

RIGHT = {"en": 0.92, "fr": 0.92, "es": 0.85, "pt": 0.91, "ar": 0.99, "ru": 1.0, "zh": 0.98}
"""The share of sentences of four words and more whose language is told, at least; the others are not told."""
MOST_WRONG = 0.02

OTHERS = {
    "de": "Die Ergebnisse der Überprüfung wurden mit dem Bezirk geteilt.",
    "it": "I risultati della revisione sono stati condivisi con il distretto.",
    "nl": "De resultaten van de evaluatie zijn met het district gedeeld.",
    "sv": "Resultaten av översynen har delats med distriktet och det är bra.",
    "pl": "Wyniki przeglądu zostały przekazane do powiatu i są dostępne.",
    "ro": "Rezultatele evaluării au fost transmise districtului și sunt în lucru.",
    "tr": "Gözden geçirmenin sonuçları ilçe ile paylaşıldı ve bu çok önemli.",
    "id": "Hasil tinjauan ini telah dibagikan dengan pemerintah daerah dan tidak ada yang hilang.",
    "sw": "Matokeo ya tathmini haya ni ya watoto wa shule na walimu wao katika wilaya.",
    "vi": "Kết quả của cuộc đánh giá đã được chia sẻ với các huyện.",
    "uk": "Результати огляду були передані району, і це дуже важливо для дітей.",
    "sr": "Резултати прегледа су подељени са округом, али још није све завршено за њих.",
    "bg": "Резултатите от прегледа бяха споделени с областта и това е много важно; пътят беше дълъг.",
    "fa": "نتایج بررسی با منطقه به اشتراک گذاشته شد و کودکان از آن بهره گرفتند",
    "ur": "جائزے کے نتائج ضلع کے ساتھ شیئر کیے گئے ہیں اور یہ بہت اہم ہے",
    "ja": "審査の結果は地区と共有されました。",
    "ko": "검토 결과는 지역과 공유되었습니다.",
    "hi": "समीक्षा के परिणाम जिले के साथ साझा किए गए",
    "el": "Τα αποτελέσματα της αξιολόγησης κοινοποιήθηκαν",
    "am": "የግምገማው ውጤቶች ለወረዳው ተጋርተዋል",
    "km": "លទ្ធផលនៃការពិនិត្យឡើងវិញ",
}


def sentences() -> dict[str, list[str]]:
    """The sentences of the question banks and messages, by language; what people may type is none."""
    found: dict[str, list[str]] = {}

    def strings(value: object) -> list[str]:
        if isinstance(value, str):
            return [value]
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
        return [one for part in inner for one in strings(part)]

    for path in [*TEMPLATES.glob("questions/*.*.toml"), *TEMPLATES.glob("messages/*.toml")]:
        language = path.stem.split(".")[-1]
        for text in strings(tomllib.loads(path.read_text(encoding="utf-8"))):
            words = re.sub(r"\{[^}]*\}", "", text).strip()
            several = words.count(" ") >= 3 or (language == "zh" and len(words) > 8)
            if several and not re.search("[|…]", words):
                found.setdefault(language, []).append(words)
    return found


@pytest.mark.parametrize("language", sorted(RIGHT))
def test_a_sentence_is_told_its_language_or_nothing_but_hardly_ever_a_wrong_one(language: str):
    told = Counter(language_of(sentence) for sentence in sentences()[language])
    assert told[language] / told.total() >= RIGHT[language]
    assert (told.total() - told[language] - told[None]) / told.total() <= MOST_WRONG


@pytest.mark.parametrize(("language", "text"), OTHERS.items())
def test_a_language_km365_does_not_speak_is_not_taken_for_one_that_it_does(language: str, text: str):
    assert language_of(text) == language


@pytest.mark.parametrize("text", ["", "2024 — 17 %", "WASH", "x" * 5000, "Mbwa lolo tiri kan", "α"])
def test_what_tells_nothing_has_no_language(text: str):
    assert language_of(text) is None
    assert language_of(text, default="fr") == "fr"


def test_a_text_written_with_separate_accents_is_the_same_text():
    spanish = "Proporción de escuelas que ofrecen servicios básicos a la población con más necesidades"
    assert language_of(unicodedata.normalize("NFD", spanish)) == "es"


def test_a_long_document_keeps_telling_where_its_language_changes():
    english = Passage(
        text="The lessons of the review were shared with the districts and used in the plan. " * 9
    )
    french = Passage(text="Les leçons de la revue ont été partagées avec les districts et dans le plan.")
    row = Passage(text="Nombre d'écoles | 12", kind=Kind.TABLE)
    told = with_languages([*[english] * 30, french, row, Passage(text="Learning", kind=Kind.HEADING)])
    assert [one.language for one in told] == [*["en"] * 30, "fr", told[31].language, "en"]


def test_a_document_in_a_language_nobody_knows_says_nothing():
    assert [one.language for one in with_languages([Passage(text="Mbwa lolo tiri kan")])] == [None]
