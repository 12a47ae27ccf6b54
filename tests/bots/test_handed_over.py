"""A filed handover note in the chat: the supervisor's card, the successor's, and what the leaver sees."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from km365_bots import cards
from km365_bots.chat import WAITING
from km365_bots.conversation import compose_now
from km365_bots.parts import open_parts
from km365_bots.topics import NotWanted

from km365.core.languages import LANGUAGES
from km365.graph import drives
from km365.local import faults
from km365.services import filed_notes, handover_readers, wishes
from km365.services.handover_readers import ReadersDesk
from km365.store import conversations

from ..conftest import Provisioned, person_id, sign_in_name
from ..services.filing import Filing
from .chatting import LABELS
from .contributing import BEN, ROLE, Contributing, speaks

Opens = Callable[..., Contributing]


@pytest.fixture
async def filing(provisioned: Provisioned) -> Filing:
    found = Filing(provisioned)
    await found.leaves()
    return found


@pytest.fixture
async def opens(filing: Filing) -> Opens:
    parts = await open_parts(filing.here.app)

    def opened(person: str) -> Contributing:
        return Contributing(filing.here, parts, person=person)

    return opened


async def hears(chat: Contributing, card: str = "") -> None:
    """What the bot sends this person by itself, as it goes out."""
    told = [one for one in await chat.told(chat.person) if card in {"", one.card}]
    chat.replies = [await compose_now(chat.parts, one) for one in told]
    chat.card = chat.replies[-1].card if chat.replies else None


def day(chat: Contributing, number: int) -> str:
    """A day of that March, as the bot writes it."""
    return chat.parts.catalogue.get("en").day(date(2026, 3, number))


async def sees_to_notes(chat: Contributing, days: int = 0) -> None:
    app = chat.here.app
    desk = ReadersDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    at = chat.at + timedelta(days=days)
    await handover_readers.look(desk, at=at)


async def test_the_supervisors_card_says_what_it_is_and_until_when_and_one_press_lets_it_go_on(
    filing: Filing, opens: Opens
) -> None:
    await filing.files()
    sam, sue, ann = opens("sam"), opens("sue"), opens("ann")
    await sees_to_notes(sam)
    await hears(sam)
    sam.heard("Ann Paperboat has written a handover note for the post Chief of Water")
    sam.heard("an acknowledgement and no clearance", "you cannot change the note", day(sam, 9))
    assert sam.card is not None
    drawn = cards.render(sam.card, LABELS, text="twin")
    assert [one["title"] for one in drawn["actions"]] == ["I have read it"]
    await hears(sue)
    assert sue.replies == [], "nobody else is told yet"
    await ann.says("who has read my handover note")
    ann.heard(f"Sam Paperboat, your supervisor, reads it first and has until {day(ann, 9)}")

    card = sam.card
    await sam.presses("read")
    sam.heard("Thank you, that is noted. The note now goes to whoever follows")
    sam.card = card
    await sam.presses("read")
    sam.heard("noted already")
    await sees_to_notes(sam)
    await hears(sue)
    sue.heard(
        "A handover note for you",
        "whoever follows in the post Chief of Water",
        f"has read it, on {day(sue, 2)}",
    )
    assert sue.card is not None
    buttons = [one["title"] for one in cards.render(sue.card, LABELS, text="twin")["actions"]]
    assert buttons == ["I have read it", "Show the pack"]
    await sue.presses("read")
    sue.heard("Whoever wrote it can see that")
    await ann.says("handover status")
    ann.heard("Sam Paperboat, your supervisor, has read it", "It is with Sue Paperboat, who follows you")
    ann.heard(f"Sue Paperboat has read it, on {day(ann, 2)}", "what have I contributed")


async def test_the_same_by_typing_with_a_number_where_there_are_several(filing: Filing, opens: Opens) -> None:
    note = await filing.files()
    sam = opens("sam")
    await sam.says("handover notes")
    sam.heard("Handover notes for you", "1. Post: Chief of Water", note.web_url, "say “I have read it”")
    await sam.says("I have read it!")
    sam.heard("Thank you")
    await drives.upload(filing.here.app.graph, note.file.drive_id, "Second.docx", b"PK")
    second = await drives.get_file(filing.here.app.graph, note.file.drive_id, "Second.docx")
    fields = {
        "KMPerson": person_id("ben"),
        "KMPost": "Planner",
        "KMSupervisor": person_id("sam"),
        "KMFiledOn": "2026-03-02T08:00:00Z",
    }
    await drives.update_fields(filing.here.app.graph, note.file.drive_id, second.id, fields)
    await sam.says("handover notes")
    sam.heard("1. Post: Planner", "2. Post: Chief of Water", "You have read it.", "“1 read”")
    await sam.says("1 read")
    sam.heard("Thank you")
    await sam.says("handover notes")
    await sam.says("read 3")
    sam.not_heard("Thank you")
    await sam.says("handover notes")
    await sam.presses("read", {"which": second.id})
    sam.heard("noted already")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "I have read it"),
        ("fr", "j'ai lu"),
        ("fr", "Je l'ai lu."),
        ("es", "la he leído"),
        ("ar", "قرأتها"),
        ("ru", "Прочитала"),
        ("zh", "我已阅读"),
        ("pt", "já a li"),
    ],
)
async def test_typed_right_below_the_card_it_is_noted(
    filing: Filing, opens: Opens, language: str, said: str
) -> None:
    await filing.files()
    sam = opens("sam")
    await filing.here.app.db.run(speaks, "sam", language)
    await sees_to_notes(sam)
    await hears(sam)
    words = sam.parts.catalogue.get(language)
    await sam.says(said)
    sam.heard(words.say("handed_over.done_acknowledged"))
    assert (await filing.note()).acknowledged_by == person_id("sam")
    await sam.says(said)
    sam.heard(words.say("handed_over.done_already"))


async def test_typed_below_the_card_while_something_else_waits_it_is_noted_too(
    filing: Filing, opens: Opens
) -> None:
    sam = opens("sam")
    await sam.says("what do we know about ferries")
    waits = await filing.here.app.db.run(conversations.get, "chat-sam")
    assert waits is not None and waits.state[WAITING], waits
    await filing.files()
    await sees_to_notes(sam)
    await sam.says("I have read it")
    sam.heard("Thank you, that is noted. The note now goes")


async def test_typed_where_several_notes_wait_it_is_asked_which(filing: Filing, opens: Opens) -> None:
    note = await filing.files()
    sam = opens("sam")
    graph, drive = filing.here.app.graph, note.file.drive_id
    second = await drives.upload(graph, drive, "Second.docx", b"PK")
    fields = {"KMPerson": person_id("ben"), "KMPost": "Planner", "KMSupervisor": person_id("sam")}
    await drives.update_fields(graph, drive, second.id, fields | {"KMFiledOn": "2026-03-02T08:00:00Z"})
    for _ in range(2):
        await sam.says("I have read it")
        sam.heard("1. Post: Planner", "2. Post: Chief of Water", "“1 read”")
    await sam.says("2 read")
    sam.heard("Thank you, that is noted.")
    await sam.says("I have read it")
    sam.heard("Thank you, that is noted.")
    assert {bool(one.acknowledged_at) for one in await filed_notes.list_(graph, filing.desk.settings)} == {
        True
    }


async def test_who_has_no_note_to_read_is_not_taken_to_have_read_one(filing: Filing, opens: Opens) -> None:
    await filing.files()
    sue = opens("sue")
    await sue.says("I have read it")
    sue.not_heard("noted")
    assert (await filing.note()).read_at is None


async def test_who_is_no_reader_is_shown_nothing_and_may_say_nothing(filing: Filing, opens: Opens) -> None:
    note = await filing.files()
    for who in ("sue", "eve", "ben"):
        chat = opens(who)
        await chat.says("handover notes")
        chat.heard("There is no handover note for you to read")
        chat.not_heard("Chief of Water", note.web_url)
        assert (
            await handover_readers.has_read(filing.desk, note.item_id, person_id(who), at=chat.at)
            == "not_theirs"
        )
    assert (await filing.note()).acknowledged_at is None


async def test_a_card_that_has_nothing_to_say_any_more_does_not_go_out(filing: Filing, opens: Opens) -> None:
    note = await filing.files()
    sam = opens("sam")
    await sees_to_notes(sam)
    (message,) = await sam.told("sam")
    await sam.says("handover notes")
    await sam.says("I have read it")
    with pytest.raises(NotWanted):
        await compose_now(sam.parts, message)
    await filing.leaves(KMSuccessor=sign_in_name("eve"))
    await sees_to_notes(sam)
    (to_eve,) = await sam.told("eve")
    await filing.leaves(KMSuccessor=sign_in_name("sue"))
    await sees_to_notes(sam)
    with pytest.raises(NotWanted):
        await compose_now(sam.parts, to_eve)
    await filing.here.app.graph.delete(f"/drives/{note.file.drive_id}/items/{note.item_id}")
    (to_sue,) = await sam.told("sue")
    with pytest.raises(NotWanted):
        await compose_now(sam.parts, to_sue)


async def test_in_arabic(filing: Filing, opens: Opens) -> None:
    await filing.files(KMLanguage="ar")
    sam, ann = opens("sam"), opens("ann")
    for one in ("sam", "ann"):
        await filing.here.app.db.run(speaks, one, "ar")
    await sam.says("مذكرات التسليم")
    sam.heard("مذكرات تسليم المهام الموجهة إليكم", "الوظيفة: \u2068Chief of Water\u2069", "قولوا «قرأتها»")
    await sam.says("قرأتها")
    sam.heard("شكراً لكم، سُجّل ذلك")
    await ann.says("من قرأ مذكرتي")
    ann.heard("قرأها المشرف عليكم \u2068Sam Paperboat\u2069")
    ann.heard("قُدّمت في")


async def test_in_french(filing: Filing, opens: Opens) -> None:
    await filing.files(KMLanguage="fr")
    sam, ann = opens("sam"), opens("ann")
    for one in ("sam", "ann"):
        await filing.here.app.db.run(speaks, one, "fr")
    await sam.says("notes de passation")
    sam.heard("Notes de passation pour vous", "Poste : Chief of Water", "dites « je l'ai lue »")
    await sam.presses("read")
    sam.heard("Merci, c'est noté. La note est maintenant transmise")
    await sees_to_notes(sam)
    await ann.says("où en est ma note de passation")
    ann.heard("Sam Paperboat, votre responsable hiérarchique, l'a lue le 2 mars 2026")
    ann.heard("Sue Paperboat, qui prend votre suite, l'a depuis le 2 mars 2026")


async def test_every_card_reads_in_every_language(filing: Filing, opens: Opens) -> None:
    faults.switch(filing.here.m365.state, "permissions_hidden", on=True)
    await filing.restricts()
    await filing.files()
    sam, sue = opens("sam"), opens("sue")
    for days, chat in ((0, sam), (9, sue)):
        await sees_to_notes(chat, days)
        for message in await chat.told(chat.person):
            for language in LANGUAGES:
                reply = await compose_now(chat.parts, replace(message, language=language))
                assert "{" not in reply.text
                assert "handed_over." not in reply.text
                for word in ("Chief of Water", "Paperboat", "Handover notes"):
                    assert word in reply.text, "who has to let them in is said"


async def test_what_colleagues_told_is_never_said_to_be_the_leavers(filing: Filing, opens: Opens) -> None:
    await filing.files(KMToldBy=filed_notes.COLLEAGUES)
    sam, sue, ann = opens("sam"), opens("sue"), opens("ann")
    told = "Colleagues have told what they know of the post Chief of Water, which Ann Paperboat has left"
    await sees_to_notes(sam)
    await hears(sam)
    sam.heard(told, "an acknowledgement and no clearance", day(sam, 9))
    sam.not_heard("has written")
    await sees_to_notes(sam, 6)
    (reminder,) = [one for one in await sam.told("sam") if one.data.get("reminder")]
    reminded = (await compose_now(sam.parts, reminder)).text
    assert "The note on what colleagues know of the post Chief of Water" in reminded
    await sees_to_notes(sam, 9)
    await hears(sue)
    sue.heard(told, "for whoever follows in it")
    sue.not_heard("has written")
    await sue.presses("read")
    sue.heard("Thank you, that is noted.")
    sue.not_heard("Whoever wrote it")
    await ann.says("handover status")
    ann.heard("none of yours is filed")


async def test_what_colleagues_told_and_told_more_of_reads_in_every_language(
    filing: Filing, opens: Opens
) -> None:
    sam, sue = opens("sam"), opens("sue")
    await filing.files(KMToldBy=filed_notes.COLLEAGUES)
    for days in (0, 6, 9):
        await sees_to_notes(sam, days)
    messages = [one for chat in (sam, sue) for one in await chat.told(chat.person)]
    assert len(messages) == 3, "the supervisor's, the reminder of it, and the successor's"
    keys = ("acknowledge_text", "acknowledge_again", "reminder_text", "received_text", "received_again")
    heard = set()
    for columns in ({}, dict.fromkeys(("KMAcknowledgedOn", "KMReceivedOn"), "2026-03-01T09:00:00Z")):
        if columns:  # told more since
            await filed_notes.write(filing.here.app.graph, await filing.note(), columns)
        for message in messages:
            for language in LANGUAGES:
                reply = await compose_now(sam.parts, replace(message, language=language))
                apart = "\u2068{}\u2069".format if language == "ar" else "{}".format
                names = {"person": apart("Ann Paperboat"), "post": apart("Chief of Water")}
                say = sam.parts.catalogue.get(language).say
                assert not [key for key in keys if say(f"handed_over.{key}", **names) in reply.text]
                found = {key for key in keys if say(f"handed_over.colleagues_{key}", **names) in reply.text}
                assert len(found) == 1 and "{" not in reply.text
                heard |= found
    assert heard == set(keys)


async def test_the_author_may_ask_that_fewer_read_a_note_that_is_filed_and_is_answered(
    filing: Filing, opens: Opens
) -> None:
    ann = opens("ann")
    await filing.leaves(KMState="in interview")
    await ann.contributes("i9", bank="handover", role=ROLE)
    await ann.says("what have I contributed")
    await ann.says("1")
    ann.heard("Filed on", "your supervisor, has not said that they have read it", "“Ask for fewer readers”")
    await ann.says("ask for fewer readers")
    ann.heard("“Change it” lets you narrow an answer yourself")
    await ann.says("yes")
    ann.heard("I pass it on to the focal point")
    await ann.works()
    (asked,) = await ann.told("ben")
    ben = await compose_now(ann.parts, asked)
    assert "would like fewer people to read it" in ben.text
    assert "lesson answer note:i9 --grant" in ben.text
    (wish,) = await wishes.settle(ann.desk, "note:i9", grant=True, reason="", reader=BEN)
    assert wish.state == "done"
    (told,) = await ann.settled()
    assert "fewer people read your handover note now" in (await compose_now(ann.parts, told)).text
    await ann.says("what have I contributed")
    ann.not_heard("was asked to let fewer people")
