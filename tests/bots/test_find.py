"""Asking what is known, in the chat: by typing, by cards, in several languages, and only what one may see."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from km365_bots.topics.find import Find
from km365_bots.topics.find_shown import about_of, read_about
from km365_bots.topics.find_words import phrases
from km365_bots.topics.tell import Tell

from km365.core.audience import Audience
from km365.core.knowledge import Kind, Maturity, to_fields
from km365.core.languages import LANGUAGES
from km365.core.search_question import Concepts, Filters, Query
from km365.graph import lists
from km365.services import search_index
from km365.services.capture import knowledge_list
from km365.services.search import EVERYONE
from km365.services.tell import Linked
from km365.store import reads
from km365.store.tables import read
from km365.suggest.vocabulary import Vocabulary

from ..conftest import Provisioned, person_id
from ..services.lessons import lesson
from .chatting import CATALOGUE, Chat, Office, interview

COLD = "The cold chain broke at the border."


@dataclass
class Staff:
    """People of two offices who ask what is known."""

    here: Provisioned
    office: Office

    async def knows(self, *items: dict[str, Any]) -> None:
        """Checked lessons of CO-BEL, ready to be found."""
        app = self.here.app
        place = await knowledge_list(app.graph, app.settings)
        for number, changes in enumerate(items):
            item = lesson(**{"id": f"KM-{number}", "maturity": Maturity.VALIDATED, **changes})
            await lists.create_item(app.graph, place.site_id, place.list_id, to_fields(item))
        at = datetime(2026, 3, 2, tzinfo=UTC)
        await search_index.look(app.graph, app.db, app.settings, now=lambda: at)

    def chat(self, person: str, language: str = "en") -> Chat:
        self.office.languages[person_id(person)] = language
        return Chat(office=self.office, person=person_id(person))


@pytest.fixture
def staff(provisioned: Provisioned) -> Staff:
    app = provisioned.app
    office = Office(db=app.db)
    office.topics = [Find(app.graph, app.settings, app.templates)]
    return Staff(here=provisioned, office=office)


async def test_what_nobody_has_confirmed_in_time_says_so(staff: Staff) -> None:
    await staff.knows({"description": COLD, "review_by": date(2026, 1, 5)})
    for language, said in (("en", "Unconfirmed since January 2026"), ("ar", "غير مؤكد منذ يناير 2026")):
        chat = staff.chat("ben", language)
        await chat.says({"en": "search: cold chain", "ar": "ماذا نعرف عن cold chain؟"}[language])
        chat.heard(said)


async def test_a_lesson_that_was_shown_counts_as_read_from_that_day_and_names_nobody(staff: Staff) -> None:
    await staff.knows({"description": COLD})
    eve = staff.chat("eve")
    await eve.says("What do we know about the cold chain?")
    await eve.says("search for cold chain")
    assert await staff.office.db.run(reads.first_days) == {"KM-0": date(2026, 3, 2)}
    assert "person_id" not in read.c


async def test_who_asks_is_told_what_is_known_and_only_what_they_may_see(staff: Staff) -> None:
    await staff.knows(
        {"description": f"It was a long season. {COLD}"},
        {"title": "Cold boxes of Belmora", "description": COLD, "audience": Audience.OFFICE},
    )
    ben, eve = staff.chat("ben"), staff.chat("eve")
    await eve.says("What do we know about the cold chain?")
    eve.heard(
        "What is known about “the cold chain”",
        "1 thing found.",
        "I searched what everyone and your office may read. Documents are among it only where",
        "1. Ask drivers first",
        f"“{COLD}”",
        "Lesson learned · CO-BEL · ",
        "/Lists/Knowledge/",
        "For something else, say “search for …”.",
    )
    eve.not_heard("Belmora", "Say “more”", "To narrow the answer")
    await ben.says("search for cold chain")
    ben.heard("2 things found.", "Cold boxes of Belmora")


async def test_an_answer_is_held_to_something_by_typing(staff: Staff) -> None:
    await staff.knows(
        {"title": "English fridges"},
        {"title": "Fridges en français", "language": "fr", "office": "CO-ARD"},
        {"title": "Practised fridges", "kind": Kind.GOOD_PRACTICE},
    )
    chat = staff.chat("ben")
    await chat.says("any lessons on fridges")
    chat.heard("3 things found.", "Only: Lessons, good practices and innovations.")
    await chat.says("only from CO-BEL")
    chat.heard("2 things found.", "Only: CO-BEL,")
    await chat.says("good practices only")
    chat.heard("1 thing found.", "Practised fridges")
    await chat.says("everything")
    chat.heard("3 things found.")
    await chat.says("in French")
    chat.heard("1 thing found.", "Fridges en français")
    await chat.says("what do we know about fridges in Belmora")
    chat.heard("2 things found.", "about “fridges”", "Only: CO-BEL.")
    await chat.says("only in Russian")
    chat.heard("With this filter I found nothing; without it there are 3.", "Say “everything”")
    await chat.presses("all")
    chat.heard("3 things found.")


async def test_the_same_is_done_by_cards_alone(staff: Staff) -> None:
    await staff.knows(
        *({"title": f"Fridge {n}", "office": f"CO-{'BEL' if n < 2 else 'ARD'}"} for n in range(7))
    )
    chat = staff.chat("ben")
    await chat.says("search")
    chat.heard("What are you looking for?")
    await chat.presses("search", {"words": "fridge"})
    chat.heard("7 things found.", "Here are numbers 1 to 5.", "Say “more” for the next ones.")
    first = chat.card
    await chat.presses("more")
    chat.heard("7 things found.", "Here are numbers 6 to 7, the last ones.")
    await chat.presses("filter", {"office": "co-bel", "kind": "any", "language": "any"}, card=first)
    chat.heard("2 things found.")
    await chat.presses("new")
    chat.heard("What are you looking for?")
    await chat.says("fridges")
    chat.heard("7 things found.")
    await chat.says("more")
    chat.heard("Here are numbers 6 to 7, the last ones.", "6. Fridge")
    await chat.says("more")
    chat.heard("That was all.")
    await chat.says("more")
    chat.heard("That was all.")
    await chat.says("only from CO-BEL")
    chat.heard("2 things found.")


LAST = {
    "en": ("Here is number 6, the last one.", "More"),
    "fr": ("Voici le résultat 6, le dernier.", "Plus de résultats"),
    "es": ("Se muestra el resultado 6, el último.", "Más resultados"),
    "ar": ("هذه النتيجة رقم 6، وهي الأخيرة.", "المزيد"),
    "ru": ("Показан 6-й результат, последний.", "Ещё"),
    "zh": ("现在显示第 6 条，也是最后一条。", "更多"),
    "pt": ("É mostrado o resultado 6, o último.", "Mais resultados"),
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_last_page_says_so_and_offers_no_more(staff: Staff, language: str) -> None:
    await staff.knows(*({"title": f"Fridge {n}"} for n in range(6)))
    chat = staff.chat("ben", language)
    texts = CATALOGUE.get(language).texts
    await chat.says("search for fridge")
    last, more = LAST[language]
    chat.heard(str(texts["find.hint_more"]))
    assert more in [button["label"] for button in chat.card.data["buttons"]]
    await chat.presses("more")
    chat.heard(last, "6. Fridge", str(texts["find.hint_new"]))
    not_again = ("hint_more", "hint_filter", "only_yours")
    chat.not_heard("1. Fridge", *(str(texts[f"find.{key}"]) for key in not_again))
    buttons = [one["verb"] for one in chat.card.data["buttons"] if "entry" not in one]
    assert buttons == ["new"]
    assert not chat.card.data["fields"]


async def test_a_card_cannot_ask_for_what_no_filter_is(staff: Staff) -> None:
    await staff.knows({"title": "Fridge"})
    chat = staff.chat("ben")
    await chat.says("any lessons on fridges")
    odd = {"office": '"' * 40, "kind": "\x01" * 60, "language": "fr"}
    await chat.presses("filter", odd)
    chat.heard("With this filter I found nothing", "Only: Français.")


def test_filters_too_long_for_a_card_are_left_behind() -> None:
    long = Filters(office='"' * 40, kind="\x01" * 60, language="fr")
    assert read_about(about_of(Query(words="fridges " * 40, filters=long), 5)) == (Query(words=""), 5)


async def test_who_finds_nothing_is_led_on(staff: Staff) -> None:
    await staff.knows({"description": "The refrigerators for vaccines broke."})
    chat = staff.chat("ben")
    await chat.says("search for vacines")
    chat.heard("I found nothing about “vacines”", "There is something about", "Say “search for …”")
    near = chat.card.data["fields"][0]["choices"][0]["value"]
    await chat.presses("search", {"near": near, "words": ""})
    chat.heard("1 thing found.")


async def test_before_anything_is_published_it_says_so(staff: Staff) -> None:
    chat = staff.chat("ben")
    await chat.says("what do we know about fridges")
    chat.heard("There is nothing to search yet.")


async def test_a_french_question_is_answered_from_english_lessons(staff: Staff) -> None:
    await staff.knows({"description": COLD}, {"title": "Les camions", "language": "fr", "office": "CO-ARD"})
    chat = staff.chat("ben", "fr")
    await chat.says("Que savons-nous sur la chaîne du froid ?")
    chat.heard(
        "Ce que l'on sait sur « la chaîne du froid »", "1 résultat trouvé.", f"“{COLD}”", "Leçon apprise"
    )
    await chat.says("seulement en français")
    chat.heard("Avec ce filtre, je n'ai rien trouvé ; sans lui, il y a 1 résultat.")
    await chat.says("rechercher camions")
    chat.heard("Les camions")


async def test_an_arabic_question_is_answered_from_right_to_left(staff: Staff) -> None:
    await staff.knows({"description": COLD})
    chat = staff.chat("ben", "ar")
    await chat.says("ماذا نعرف عن سلسلة التبريد؟")
    chat.heard("ما هو معروف عن «سلسلة التبريد»", "وُجدت نتيجة واحدة.", f"“{COLD}”", "درس مستفاد")
    assert chat.card.language == "ar"
    await chat.says("بالفرنسية")
    chat.heard("لم أجد شيئاً مع هذا التحديد")
    await chat.says("الكل")
    chat.heard("وُجدت نتيجة واحدة.")


async def _answers(staff: Staff, chat: Chat) -> list[str]:
    return [one.text for one in (await interview(staff.office, chat.person)).answers if one.text]


async def test_advice_that_begins_like_a_search_stays_an_answer(staff: Staff) -> None:
    await staff.knows({"description": COLD})
    chat = staff.chat("ben")
    await chat.is_invited()
    await chat.says("start")
    advice = "Search for partners before the rains, and order the cold boxes in January."
    await chat.says(advice)
    assert await _answers(staff, chat) == [advice]
    await chat.says("search: cold chain")
    chat.heard("1 thing found.")
    await chat.says("what do we know about the cold chain")
    chat.heard("1 thing found.")
    more = "We asked the drivers of two districts, who knew when the road closes."
    await chat.says(more)
    assert await _answers(staff, chat) == [advice, more]


async def test_a_question_that_nobody_asked_for_is_looked_up(staff: Staff) -> None:
    await staff.knows({"description": COLD})
    chat = staff.chat("ben")
    await chat.says("How does the cold chain hold at the border?")
    chat.heard("1 thing found.")
    await chat.says("The cold chain holds at the border.")
    chat.heard("I did not keep that")


async def test_words_that_belong_elsewhere_are_looked_up_and_not_kept(staff: Staff) -> None:
    await staff.knows({"description": COLD})
    chat = staff.chat("ben")
    await chat.says("search for my supervisor harasses me")
    chat.heard("I found nothing")
    await chat.says("only lessons")
    chat.heard("I did not keep that")
    await chat.says("search for how to kill myself")
    chat.not_heard("found")


async def test_while_sharepoint_is_away_nothing_is_shown(staff: Staff) -> None:
    await staff.knows({"description": COLD})
    chat = staff.chat("ben")
    await chat.says("what do we know about the cold chain")
    await staff.here.m365.close()
    await chat.says("more")
    await chat.says("what do we know about the cold chain")
    chat.heard("I cannot ask SharePoint just now")
    chat.not_heard(COLD)


async def test_a_card_of_long_words_still_works(staff: Staff) -> None:
    await staff.knows(*({"title": f"Fridge {n}"} for n in range(7)))
    chat = staff.chat("ben")
    await chat.says(f"search for fridge {'and again ' * 25}")
    chat.heard("7 things found.")
    await chat.presses("more")
    chat.heard("Here are numbers 6 to 7, the last ones.")


@pytest.mark.parametrize("language", LANGUAGES)
def test_filters_are_understood_in_every_language(language: str, vocabulary: Vocabulary) -> None:
    spoken = phrases(CATALOGUE, Concepts(vocabulary.taxonomy), {"co-bel": ("co-bel", "Belmora")})
    texts = CATALOGUE.get(language).texts

    def said(pattern: str, name: str) -> str:
        return texts[f"find.{pattern}"][0].replace("{name}", name)

    french = said("in_language", texts["find.named_fr"][0])
    lessons = said("only", texts["find.named_lesson"][0])
    belmora = said("from_office", "Belmora")
    assert spoken.narrowing(french) == Filters(language="fr")
    assert spoken.narrowing(lessons) == Filters(kind="lesson learned")
    assert spoken.narrowing(belmora) == Filters(office="co-bel")
    assert spoken.read(f"vaccines {french}") == Query(words="vaccines", filters=Filters(language="fr"))
    assert spoken.narrowing(f"vaccines {french}") is None
    hint = str(texts["find.hint_filter"])
    for example in (french, said("from_office", "CO-BEL")):
        assert example in hint or spoken.narrowing(example)


async def test_a_channel_is_told_only_what_everyone_may_read(staff: Staff) -> None:
    await staff.knows({"title": "For Belmora", "audience": Audience.OFFICE}, {"title": "For all"})
    (find,) = staff.office.topics
    assert isinstance(find, Find)
    heard: list[str] = []

    class Listening(Find):
        async def typed(self, chat: Any, wish: str, meant: Any) -> Any:
            told = await find.answer(chat, await find.query(chat, meant.text), reader=EVERYONE)
            heard.extend(reply.text for reply in told.replies)
            return told

    staff.office.topics = [Listening(staff.here.app.graph, staff.here.app.settings, staff.here.app.templates)]
    await staff.chat("ben").says("what do we know about fridges")
    assert "For all" in heard[0] and "Belmora" not in heard[0]


async def test_the_open_question_stands_again_after_a_search(staff: Staff) -> None:
    await staff.knows(*({"title": f"Fridge {n}"} for n in range(7)))
    chat = staff.chat("ben")
    await chat.is_invited()
    await chat.says("start")
    (asked,) = [reply.card for reply in chat.replies if reply.card and reply.card.name == "question"]
    await chat.says("search: fridges")
    chat.heard("Fridge 0")
    assert [reply.card.data["ask"] for reply in chat.replies[1:] if reply.card] == [asked.data["ask"]]
    await chat.presses("more", card=next(r.card for r in chat.replies if r.card))
    assert len(chat.replies) == 1
    await chat.says("1")
    chat.heard("2 of 8")


async def test_a_lesson_that_begins_like_a_search_is_told(staff: Staff) -> None:
    async def look_up(text: str, person: str) -> list[Linked]:
        return []

    chat = staff.chat("ben")
    chat.office.topics = [Tell(look_up), *chat.office.topics]
    await chat.says("I want to share a lesson")
    await chat.says(
        "Look for local drivers before you order. The lorries came after the rains and we waited."
    )
    chat.heard("I put your words")
    await chat.says("I want to share a lesson")
    await chat.says("search: fridges")
    chat.heard("There is nothing to search yet.")


async def test_beside_an_open_question_only_what_cannot_be_an_answer_is_said_to_the_search(
    staff: Staff,
) -> None:
    await staff.knows(*({"title": f"Fridge {n}"} for n in range(7)))
    chat = staff.chat("ben")
    await chat.is_invited()
    for text in ["start", "1", "search: fridges"]:
        await chat.says(text)
    chat.heard("Fridge 0", "What you write now answers the question below", "“search: more”")
    await chat.says("search: more")
    chat.heard("Fridge 6")
    await chat.says("only lessons")
    chat.heard("Only: Lessons learned.")
    before = await _answers(staff, chat)
    for said in ["In Belmora.", "Lessons learned", "Everywhere.", "More"]:
        await chat.says("search: fridges")
        await chat.says(said)
        chat.heard("of 8")
    told = "\n\n".join((await _answers(staff, chat))[len(before) :])
    assert told == "In Belmora.\n\nLessons learned\n\nEverywhere.\n\nMore"


@pytest.mark.parametrize("language", ["ar", "fr", "zh"])
async def test_beside_an_open_question_the_search_goes_on_in_other_languages(
    staff: Staff, language: str
) -> None:
    await staff.knows(*({"title": f"Fridge {n}"} for n in range(7)))
    chat = staff.chat("ben", language)
    await chat.is_invited(language=language)
    for text in ["start", "1", "search: fridges"]:
        await chat.says(text)
    hint = CATALOGUE.get(language).say("find.hint_beside", n=None, turn=0)
    chat.heard(hint)
    more, everything, only = re.findall(r"[“«]\s?(.+?)\s?[”»]", hint)[:3]
    for said, heard in [(more, "Fridge 6"), (everything, "Fridge 0"), (only, "Fridge 0")]:
        await chat.says(said)
        chat.heard(heard)
    assert (await _answers(staff, chat))[1:] == []
