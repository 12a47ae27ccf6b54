"""Saying in the chat that a lesson was of use, or did not fit: below what was found, and typed."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from km365_bots.speech import Speech
from km365_bots.topics.find import Find
from km365_bots.topics.used import Used
from km365_bots.topics.uses import phrases_of

from km365.core.audience import Audience, Reader
from km365.core.knowledge import Maturity, to_fields
from km365.core.languages import LANGUAGES
from km365.core.preferences import Asked, Preferences
from km365.core.used import Said, Tally, Use
from km365.errors import NotFound
from km365.graph import lists
from km365.services import push, search_index, used
from km365.services.capture import find, knowledge_list
from km365.services.verdicts import VerdictDesk
from km365.store import outbox, preferences
from km365.store import used as store

from ..conftest import Provisioned, person_id
from ..services.lessons import NOW, lesson
from .chatting import CATALOGUE, Chat, Office

COLD = {"id": "KM-cold", "title": "The cold chain broke at the border", "contributors": (person_id("eve"),)}


class Colleagues:
    """People who find a lesson of Eve's and say whether it was of use."""

    def __init__(self, here: Provisioned) -> None:
        self.app = here.app
        self.now = NOW
        app = self.app
        self.desk = VerdictDesk(
            graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings, now=lambda: self.now
        )
        pushing = push.desk_of(app.graph, app.db, app.jobs, app.settings, app.templates, lambda: self.now)
        self.topic = Used(app, self.desk, pushing)
        find_ = Find(app.graph, app.settings, app.templates)
        self.office = Office(db=app.db, topics=[find_, self.topic])

    async def know(self, **changes: Any) -> None:
        item = lesson(**{**COLD, "maturity": Maturity.VALIDATED, **changes})
        place = await knowledge_list(self.app.graph, self.app.settings)
        await lists.create_item(self.app.graph, place.site_id, place.list_id, to_fields(item))
        await search_index.look(self.app.graph, self.app.db, self.app.settings, now=lambda: NOW)

    def chat(self, person: str, language: str = "en") -> Chat:
        self.office.languages[person_id(person)] = language
        return Chat(office=self.office, person=person_id(person))

    async def tally(self, km_id: str = "KM-cold") -> Tally:
        return await self.app.db.run(store.tally_of, km_id)

    async def works(self, km_id: str = "KM-cold") -> bool:
        return await used.bring_up(self.desk, km_id)

    async def thanks(self) -> list[outbox.Sent]:
        return await self.app.db.run(outbox.list_, prefix=used.THANKS)


@pytest.fixture
def colleagues(provisioned: Provisioned) -> Colleagues:
    return Colleagues(provisioned)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_help_quotes_is_understood_in_every_language(language: str) -> None:
    texts = CATALOGUE.get(language).texts
    used_, unfit = re.findall("[“«]\\s?(.*?)\\s?[”»]", str(texts["used.help"]))
    phrases = phrases_of(CATALOGUE)
    assert phrases.spoken(used_) == Said(number=2, use=Use.USED)
    assert phrases.spoken(unfit) == Said(
        number=2, use=Use.DID_NOT_FIT, words=unfit.split(":")[-1].split("：")[-1].strip()
    )


async def test_a_button_below_a_lesson_counts_once_and_asks_why_it_did_not_fit(
    colleagues: Colleagues,
) -> None:
    await colleagues.know()
    ann, sue = colleagues.chat("ann"), colleagues.chat("sue")
    await ann.says("what do we know about the cold chain")
    ann.heard("Was one of use to you? Say “used 1”")
    await ann.presses("used:0:KM-cold")
    ann.heard("You used this.", "Its contributors hear that it was of use, and not to whom")
    await ann.presses("used:0:KM-cold")
    await sue.says("what do we know about the cold chain")
    await sue.presses("unfit:0:KM-cold")
    assert "Why did it not fit?" in json.dumps(sue.card.data, ensure_ascii=False)
    await sue.presses("why:0:KM-cold", {"why": "We have no roads."})
    sue.heard("You said that it did not fit", "without your name")
    assert await colleagues.tally() == Tally(used=1, did_not_fit=1, reasons=("We have no roads.",))


async def test_the_same_is_typed_by_number_in_french_and_arabic(colleagues: Colleagues) -> None:
    await colleagues.know()
    for person, language, asked, said, heard in (
        ("ann", "fr", "que savons-nous sur la chaîne du froid", "1 m'a servi", "sans savoir à qui"),
        ("sue", "ar", "ماذا نعرف عن سلسلة التبريد", "1 لم يناسب: لا طرق لدينا", "من دون اسمكم"),
    ):
        chat = colleagues.chat(person, language)
        await chat.says(asked)
        chat.heard("cold chain")
        await chat.says(said)
        chat.heard(heard)
        await chat.says("used 7")
        assert "7" in chat.replies[-1].text
    assert await colleagues.tally() == Tally(used=1, did_not_fit=1, reasons=("لا طرق لدينا",))


async def test_neither_what_belongs_elsewhere_nor_what_one_may_not_read_nor_ones_own_is_kept(
    colleagues: Colleagues,
) -> None:
    await colleagues.know(audience=Audience.OFFICE, office="CO-ARD")
    eve = colleagues.chat("eve")
    await eve.says("what do we know about the cold chain")
    await eve.says("1 did not fit: my supervisor is harassing me")
    eve.heard("people")
    await eve.says("what do we know about the cold chain")
    assert not [one for one in eve.card.data["buttons"] if "entry" in one]
    await eve.presses("unfit:0:KM-cold")
    eve.heard("your own")
    assert await colleagues.tally() == Tally()
    reader = Reader(person_id=person_id("ann"), office="CO-BEL")
    with pytest.raises(NotFound):
        await used.say(colleagues.desk, "KM-cold", Use.USED, reader=reader, at=NOW)


async def test_the_record_says_how_many_and_its_contributor_is_thanked_once_a_week(
    colleagues: Colleagues,
) -> None:
    await colleagues.know()
    await _say(colleagues, "ann")
    assert await colleagues.works()
    assert not await colleagues.works()
    place = await knowledge_list(colleagues.app.graph, colleagues.app.settings)
    assert (await find(colleagues.app.graph, place, "KM-cold")).fields["KMUsed"] == 1
    (first,) = await colleagues.thanks()
    assert (first.message.person_id, first.due_at) == (person_id("eve"), NOW)
    assert (
        "The cold chain broke at the border\N{POP DIRECTIONAL ISOLATE}”: 1 colleague used it."
        in await _told(colleagues, first)
    )
    await _sent(colleagues, first)
    colleagues.now = NOW + timedelta(days=1)
    for person in ("ben", "sue"):
        await _say(colleagues, person)
        await colleagues.works()
    second, _ = await colleagues.thanks()
    assert second.due_at == NOW + used.BETWEEN
    assert "2 colleagues used it." in await _told(colleagues, second)
    await _sent(colleagues, second)
    wanted = Preferences(asked=Asked.NONE)
    await colleagues.app.db.run(preferences.put, person_id("eve"), wanted, at=NOW)
    colleagues.now += timedelta(days=9)
    await _say(colleagues, "eve's successor")
    await colleagues.works()
    assert len(await colleagues.thanks()) == 2


async def test_a_message_of_thanks_reads_the_lessons_of_its_reader_alone(
    colleagues: Colleagues, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {"KM-roads": "eve", "KM-boats": "sue"}
    await colleagues.know()
    for km_id, author in others.items():
        await colleagues.know(id=km_id, title=km_id, contributors=(person_id(author),))
    for km_id in ("KM-cold", *others):
        await _say(colleagues, "ann", km_id)
        await used.bring_up(colleagues.desk, km_id)
    (to_eve,) = [one for one in await colleagues.thanks() if one.message.person_id == person_id("eve")]
    queries = list[str]()
    list_items = lists.list_items

    def seen(*args: Any, **more: Any) -> Any:
        queries.append(more["filter"])
        return list_items(*args, **more)

    monkeypatch.setattr(lists, "list_items", seen)
    text = await _told(colleagues, to_eve)
    assert "broke at the border" in text and "KM-roads" in text and "KM-boats" not in text
    assert "KM-roads" in queries[0] and "KM-boats" not in "".join(queries)


async def _say(colleagues: Colleagues, person: str, km_id: str = "KM-cold") -> None:
    reader = Reader(person_id=person_id(person), office="CO-BEL")
    await used.say(colleagues.desk, km_id, Use.USED, reader=reader, at=colleagues.now)


async def _told(colleagues: Colleagues, row: outbox.Sent) -> str:
    parts = colleagues.office.parts()
    speech = Speech(messages=parts.catalogue.get("en"), secret=parts.secret, person_id=person_id("eve"))
    reply = await colleagues.topic.as_sent(speech, row.message)
    assert reply is not None
    return reply.text


async def _sent(colleagues: Colleagues, row: outbox.Sent) -> None:
    await colleagues.app.db.run(outbox.claim, row.message.key, at=NOW)
    await colleagues.app.db.run(outbox.sent, row.message.key, activity_id="1", at=NOW)
