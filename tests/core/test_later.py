"""When "later" is, in a person's own words."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.languages import LANGUAGES
from km365.core.later import LISTS, Words, moment, words_of
from km365.core.schedule import ALWAYS, Hours
from km365.documents.messages import Catalogue
from km365.templates import Templates

NAIROBI = ZoneInfo("Africa/Nairobi")
WEDNESDAY = datetime(2026, 11, 18, 10, 0, tzinfo=NAIROBI)
OFFICE = Hours(zone=NAIROBI, opens=timedelta(hours=8), closes=timedelta(hours=17))


@cache
def words(language: str) -> Words:
    texts = Catalogue(Templates()).get(language).texts
    return words_of({name: list(texts[f"later.{name}"]) for name in LISTS}, language)


SAID = {
    "20 Nov 08:00": {
        "en": ["Friday", "on Friday", "next Friday", "Fri", "the day after tomorrow", "2026-11-20"],
        "fr": ["vendredi", "vendredi prochain", "après-demain"],
        "es": ["el viernes", "el viernes que viene", "pasado mañana"],
        "ar": ["الجمعة", "يوم الجمعة", "بعد غدٍ"],
        "ru": ["в пятницу", "послезавтра"],
        "zh": ["星期五", "周五", "后天"],
        "pt": ["sexta-feira", "na sexta", "depois de amanhã"],
    },
    "19 Nov 15:00": {
        "en": ["tomorrow at 15:00", "tomorrow at 3 pm", "Tomorrow, 3 p.m.", "at 3 in the afternoon tomorrow"],
        "fr": ["demain à 15h", "demain à 15 h 00", "demain à 3 heures de l'après-midi"],
        "es": ["mañana a las 15:00", "mañana a las 3 de la tarde"],
        "ar": ["غدًا الساعة 15:00", "غدا الساعة ٣ مساء"],
        "ru": ["завтра в 15:00", "завтра в 3 часа дня"],
        "zh": ["明天15:00", "明天下午3点", "明天下午三点"],
        "pt": ["amanhã às 15h", "amanhã às 3 da tarde"],
    },
    "23 Nov 08:00": {  # three days on is a Saturday, which is a day off
        "en": ["in three days", "in 3 days", "next week", "on Monday", "monday morning at 8"],
        "fr": ["dans trois jours", "lundi prochain", "la semaine prochaine"],
        "es": ["en tres días", "dentro de 3 días", "el lunes que viene", "la semana que viene"],
        "ar": ["بعد ثلاثة أيام", "بعد 3 أيام", "الأسبوع القادم", "يوم الاثنين"],
        "ru": ["через три дня", "на следующей неделе", "в понедельник"],
        "zh": ["三天后", "3天后", "下周一", "下周"],
        "pt": ["em três dias", "daqui a 3 dias", "na próxima semana", "na segunda"],
    },
    "18 Nov 12:00": {
        "en": ["in 2 hours", "in two hours", "in a couple of hours", "at noon", "today at 12:00"],
        "fr": ["dans 2 heures", "à midi"],
        "es": ["en dos horas", "a mediodía"],
        "ar": ["بعد ساعتين", "خلال ساعتين", "ظهراً"],
        "ru": ["через 2 часа", "через два часа", "в полдень"],
        "zh": ["两小时后", "2个小时后", "中午"],
        "pt": ["daqui a duas horas", "em 2 horas", "ao meio-dia"],
    },
    "03 Dec 08:00": {
        "en": ["on 3 December", "December 3", "3rd of December", "by 3 December 2026", "December 3, 2026"],
        "fr": ["le 3 décembre", "3 décembre 2026"],
        "es": ["el 3 de diciembre", "3 de diciembre de 2026"],
        "ar": ["في 3 ديسمبر", "٣ ديسمبر ٢٠٢٦"],
        "ru": ["3 декабря", "3 декабря 2026 года"],
        "zh": ["12月3日", "2026年12月3日"],
        "pt": ["3 de dezembro", "3 de dezembro de 2026"],
    },
    "25 Nov 10:00": {
        "en": ["in a week", "in 7 days", "in one week"],
        "fr": ["dans une semaine"],
        "es": ["dentro de una semana"],
        "ar": ["بعد أسبوع"],
        "ru": ["через неделю"],
        "zh": ["一周后"],
        "pt": ["daqui a uma semana"],
    },
    "18 Nov 18:00": {
        "en": ["tonight", "this evening"],
        "fr": ["ce soir"],
        "es": ["esta noche"],
        "ar": ["الليلة"],
        "ru": ["сегодня вечером"],
        "zh": ["今晚", "今天晚上"],
        "pt": ["esta noite"],
    },
}


@pytest.mark.parametrize(
    ("meant", "language", "said"),
    [(meant, tag, said) for meant, by in SAID.items() for tag, all_ in by.items() for said in all_],
)
def test_people_say_when_in_their_language(meant: str, language: str, said: str) -> None:
    found = moment(said, words(language), WEDNESDAY, OFFICE)
    assert found is not None
    assert f"{found.astimezone(NAIROBI):%d %b %H:%M}" == meant


def test_every_meaning_is_tried_in_every_language() -> None:
    assert all(set(by) == set(LANGUAGES) for by in SAID.values())


@pytest.mark.parametrize(
    "said",
    [
        "in the year the floods came",
        "may",
        "we met in March",
        "5",
        "three",
        "a",
        "on",
        "week",
        "a week of workshops",
        "than planned",
        "25:00",
        "40 december",
        "30 february",
        "3 December 2020",
        "2027",
        "2026-02-30",
        "in 3 days tomorrow",
        "friday friday",
        "in 2 hours at 9:00",
        "tomorrow at 24",
        "03/12",
        "",
        "a" * 5000,
        "in " * 20,
    ],
)
def test_what_is_no_moment_is_left_as_it_is(said: str) -> None:
    assert moment(said, words("en"), WEDNESDAY, OFFICE) is None


def test_later_today_is_in_a_few_hours() -> None:
    found = moment("today", words("en"), WEDNESDAY, OFFICE)
    assert found == WEDNESDAY + timedelta(hours=3)


def test_a_weekday_named_on_that_day_is_today_only_if_its_time_is_still_to_come() -> None:
    def on(said: str) -> str:
        found = moment(said, words("en"), WEDNESDAY, OFFICE)
        return f"{found:%d %H:%M}" if found else ""

    assert on("wednesday at 15:00") == "18 12:00"
    assert on("wednesday at 9:00") == "25 06:00"
    assert on("wednesday") == "25 05:00"
    assert on("at 9:00") == "19 06:00"


def test_a_time_of_today_that_has_passed_is_told_as_it_was_said() -> None:
    found = moment("today at 9:00", words("en"), WEDNESDAY, OFFICE)
    assert found is not None
    assert found < WEDNESDAY


def test_who_may_be_written_to_at_any_time_is_reminded_in_the_morning() -> None:
    assert moment("tomorrow", words("en"), WEDNESDAY, ALWAYS) == datetime(2026, 11, 19, 9, tzinfo=UTC)


@given(
    st.sampled_from(LANGUAGES), st.text(max_size=80), st.datetimes(datetime(2000, 1, 2), datetime(2090, 1, 1))
)
def test_nothing_that_is_typed_harms(language: str, said: str, now: datetime) -> None:
    found = moment(said, words(language), now.replace(tzinfo=UTC), OFFICE)
    assert found is None or found.tzinfo is not None


@given(st.sampled_from(LANGUAGES), st.data())
def test_any_row_of_its_own_words_is_read_in_bounded_time(language: str, data: st.DataObject) -> None:
    known = words(language)
    said = " ".join(data.draw(st.lists(st.sampled_from(sorted(known)), max_size=12)))
    found = moment(said, known, WEDNESDAY, OFFICE)
    assert found is None or found - WEDNESDAY < timedelta(days=3 * 366)
