"""Field documents get their topic by the words that offices write in their own language."""

from functools import cache

import pytest

from km365.core.tagging import from_text
from km365.services.taxonomy import shipped
from km365.suggest.vocabulary import Vocabulary
from km365.templates import Templates

SAID = {
    ("fr", "nutrition"): "La cantine scolaire de Maniba sert un repas chaud à 340 élèves.",
    ("fr", "armed-conflict"): "Depuis janvier, 87 jeunes ont quitté les groupes armés de la province.",
    ("fr", "malaria"): "Chaque ménage du district a reçu deux MILDA.",
    ("es", "nutrition"): "El comedor escolar de la vereda reparte almuerzos a 210 estudiantes.",
    ("es", "armed-conflict"): "Los grupos armados se llevan a muchachos a la salida del colegio.",
    ("es", "birth-registration"): "Las brigadas entregaron 1.200 actas de nacimiento en la sierra.",
    ("ar", "nutrition"): "تقدم المدرسة وجبات مدرسية لثلاثمئة تلميذ كل يوم.",
    ("ar", "armed-conflict"): "خرج 45 طفلاً من صفوف الجماعات المسلحة.",
    ("ar", "cash-transfers"): "صرفت المعونات النقدية للأسر في ثلاث مديريات.",
    ("ru", "nutrition"): "Школьное питание в марте прерывалось на две недели.",
    ("ru", "armed-conflict"): "32 ребенка ушли из вооруженных групп и вернулись домой.",
    ("ru", "birth-registration"): "Выездные бригады выдали 600 семьям документы о рождении.",
    ("zh", "nutrition"): "学校食堂每天为三百名学生提供午餐。",
    ("zh", "armed-conflict"): "三十名男孩今年离开了武装团体。",
    ("zh", "wasting"): "工作队在村里测量了六千名孩子的上臂围。",
    ("pt", "nutrition"): "A merenda escolar chega a 300 alunos da vila.",
    ("pt", "armed-conflict"): "Quarenta rapazes voltaram este ano dos grupos armados.",
    ("pt", "sanitation"): "Em três aldeias acabou o fecalismo a céu aberto.",
}
"""By language and topic: a sentence whose only words for the topic are those of the field."""
NOT_SAID = (
    "Les écoles sur la côte ont reçu des bancs.",
    "Les garçons et filles à l'école ont reçu des bancs.",
    "Los niños y las niñas en la escuela cantan una canción.",
    "Las niñas y adolescentes recibieron mantas.",
    "中国会议的与会者讨论如何提高校园绿化，并恢复学习小组。",
)
"""Sentences that come close to the words of a topic and mean none."""


@cache
def words() -> Vocabulary:
    return Vocabulary(shipped(Templates()))


def topics(text: str) -> list[str]:
    return [one.concept_id for one in words().suggest(from_text(text), facets=["topic"])]


@pytest.mark.parametrize(("language", "topic"), SAID)
def test_what_the_field_calls_a_topic_brings_the_topic(language: str, topic: str):
    assert f"topic/{topic}" in topics(SAID[language, topic])


@pytest.mark.parametrize("text", NOT_SAID)
def test_words_that_only_look_alike_bring_nothing(text: str):
    assert topics(text) == []
