"""People and documents a leaver names: read back at once, and nobody's private number handed on unasked."""

from datetime import date

import pytest
from km365_bots.topics.named import Named

from km365.core.interviews import PromptKind
from km365.graph import drives, sites
from km365.services import interview as service

from ..conftest import BELMORA, Provisioned, person_id
from .chatting import BANKS, Chat, Office

PHONE = "+44 7911 123456"


@pytest.fixture
def ann(office: Office, provisioned: Provisioned) -> Chat:
    """Ann's chat, over a small Microsoft 365."""
    office.topics = (Named(provisioned.app),)
    return Chat(office=office, person=person_id("ann"))


async def asked(
    chat: Chat, question: str, *, language: str = "en", yes: str = "yes", skip: str = "skip"
) -> None:
    """The chat has come to this question of a short handover."""
    chat.office.languages[chat.person] = language
    await chat.is_invited("handover", language, due_on=date(2026, 3, 6))
    await chat.presses("start")
    await chat.says(yes)
    while True:
        turn = await service.current(chat.office.db, BANKS, chat.person)
        assert turn is not None
        if turn.prompt.kind is PromptKind.PAUSED:
            await chat.says("continue")
        elif turn.prompt.question is not None and turn.prompt.question.id == question:
            return
        else:
            await chat.says(skip)


async def answer(chat: Chat, question: str) -> str:
    turn = await service.current(chat.office.db, BANKS, chat.person)
    assert turn is not None
    found = turn.interview.answer(question)
    return found.text if found else ""


async def test_people_are_read_back_with_the_colleagues_among_them(ann: Chat) -> None:
    await asked(ann, "people")
    await ann.says("Ben Paperboat — tags\n- Maria Lopez, UNDP — funds us\nthe harbour master, whoever it is")
    ann.heard("You named 2 people: Ben Paperboat, Maria Lopez.", "One is in our directory: Ben Paperboat.")
    ann.heard("One line I keep as you wrote it.", "say “back”", "6 of 12")
    await ann.says("people i named")
    ann.heard("1. Ben Paperboat (Focal point, CO-BEL)", "2. Maria Lopez, UNDP\nfunds us")
    ann.heard("3. the harbour master, whoever it is")


async def test_a_private_number_is_kept_only_once_they_agreed(ann: Chat) -> None:
    await asked(ann, "people")
    await ann.says(f"Maria Lopez, UNDP — funds us, {PHONE}, ben@childrensagency.example")
    ann.heard(f"I have left out {PHONE}", "Only if that person has agreed", "Say “yes” or “no”")
    ann.not_heard("6 of 12")
    assert await answer(ann, "people") == "Maria Lopez, UNDP — funds us, ben@childrensagency.example"
    await ann.says("she told me so in March")
    ann.heard("not kept")
    await ann.says("yes")
    ann.heard("part of your answer again", "You named one person: Maria Lopez.", "6 of 12")
    assert PHONE in await answer(ann, "people")


async def test_a_yes_holds_for_the_whole_interview_but_not_near_a_survivor(ann: Chat) -> None:
    await asked(ann, "people")
    await ann.says(f"Maria Lopez, UNDP — funds us, {PHONE}")
    await ann.says("yes")
    await ann.says("continue")
    line = f"Maria Lopez, UNDP — knows whom to ask, {PHONE}"
    await ann.says(f"{line}, ben@home.example")
    ann.heard("I have left out ben@home.example,")
    await ann.says("no")
    await ann.says("draft")
    await ann.presses("edit", {"people": f"Maria Lopez, survivor, {PHONE}"})
    ann.heard("could be found by it")
    turn = await service.current(ann.office.db, BANKS, ann.person)
    assert turn is not None and turn.interview.edits["people"] == "Maria Lopez, survivor"
    assert line in {one.text for one in turn.interview.answers}


@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize("which", ["1", "2", "1,2"])
async def test_each_of_several_is_ticked(ann: Chat, which: str, *, typed: bool) -> None:
    await asked(ann, "people")
    line, mail = "Maria Lopez, UNDP — funds us", "ben@home.example"
    await ann.says(f"{line}, {PHONE}\nBen Teal, UNDP — pays, {mail}")
    ann.heard(f"or the numbers of those who agreed: 1. {PHONE}, 2. {mail}.")
    if typed:
        await ann.says(which)
    else:
        await ann.presses("agreed", {"which": which})
    ann.heard("part of your answer again", "You named 2 people: Maria Lopez, Ben Teal.")
    kept = await answer(ann, "people")
    assert ("1" in which, "2" in which) == (PHONE in kept, mail in kept)
    assert line in kept


async def test_where_nobody_is_ticked_all_stays_out(ann: Chat) -> None:
    await asked(ann, "people")
    await ann.says(f"Maria Lopez — {PHONE}, ben@home.example")
    await ann.presses("agreed", {"which": ""})
    ann.heard("It stays out of your answer.")
    assert await answer(ann, "people") == "Maria Lopez"


@pytest.mark.parametrize("no", ["no", "skip"])
async def test_without_a_yes_it_stays_out(ann: Chat, no: str) -> None:
    await asked(ann, "people")
    await ann.says(f"Maria Lopez, UNDP — funds us, {PHONE}")
    await ann.says(no)
    ann.heard("It stays out of your answer.", "6 of 12")
    assert await answer(ann, "people") == "Maria Lopez, UNDP — funds us"


async def test_what_is_not_kept_is_not_asked_about(ann: Chat) -> None:
    await asked(ann, "people")
    await ann.says("skip")
    ann.heard("A break")
    await ann.says(f"Maria Lopez — {PHONE}")
    ann.heard("no question is waiting")
    ann.not_heard("left out")


async def test_the_buttons_say_the_same_and_only_while_it_is_asked(ann: Chat) -> None:
    await asked(ann, "people")
    await ann.says(f"Maria Lopez — {PHONE}")
    card = ann.card
    await ann.presses("agreed", card=card)
    assert await answer(ann, "people") == f"Maria Lopez — {PHONE}"
    await ann.presses("left_out", card=card)
    ann.heard("not asked any more")
    assert await answer(ann, "people") == f"Maria Lopez — {PHONE}"


async def test_an_answer_that_was_nothing_but_a_number_is_asked_about_too(ann: Chat) -> None:
    await asked(ann, "people")
    await ann.says(PHONE)
    await ann.says("yes")
    assert await answer(ann, "people") == PHONE
    ann.heard("6 of 12")


async def test_near_a_survivor_no_number_is_handed_on_whatever_is_said(ann: Chat) -> None:
    await asked(ann, "people")
    await ann.says(f"Maria Lopez, survivor, {PHONE}")
    ann.heard("could be found by it", "You named one person: Maria Lopez.", "6 of 12")
    assert await answer(ann, "people") == "Maria Lopez, survivor"


async def test_an_activity_that_is_repeated_asks_again_and_changes_nothing(ann: Chat) -> None:
    await asked(ann, "people")
    for _ in range(2):
        await ann.says(f"Maria Lopez — {PHONE}", activity="a1")
        ann.heard(f"I have left out {PHONE}")
    await ann.says("yes")
    assert await answer(ann, "people") == f"Maria Lopez — {PHONE}"


async def test_an_agreed_number_is_not_asked_about_again_in_the_draft(ann: Chat) -> None:
    await asked(ann, "people")
    await ann.says(f"Maria Lopez — {PHONE}")
    await ann.says("yes")
    await ann.says("draft")
    await ann.presses("edit", {"people": f"Maria Lopez, UNDP — {PHONE}"})
    ann.not_heard("left out")
    await ann.presses("send", {"people": f"Maria Lopez, UNDP — {PHONE}, home 0790 111 2233"})
    ann.heard("I have left out 0790 111 2233", "May the successor")
    await ann.says("no")
    turn = await service.current(ann.office.db, BANKS, ann.person)
    assert turn is not None and turn.interview.edits["people"] == f"Maria Lopez, UNDP — {PHONE}, home"


async def test_documents_are_read_back_with_what_is_not_there(ann: Chat, provisioned: Provisioned) -> None:
    graph = provisioned.app.graph
    site = await sites.get_site(graph, BELMORA)
    library = await drives.get_drive(graph, site.id, "Documents")
    plan = await drives.upload(graph, library.id, "Work plan.docx", b"x")
    await asked(ann, "documents")
    own = "https://childrensagency-my.sharepoint.example/personal/ann/Documents/a.docx"
    await ann.says(
        f"{plan.web_url}\nThe budget: {plan.web_url}x\nMy notes: {own}\nOnline: https://who.example/a.pdf\n"
        "Trick: https://childrensagency.sharepoint.example@evil.example/a"
    )
    ann.heard(
        "You named 5 documents.", "One I could not find: The budget.", "My notes: It lies only in your own"
    )
    ann.heard("Online: It is not on our SharePoint", "Trick: It may lead elsewhere than it seems")
    await ann.says("documents i named")
    ann.heard("1. Work plan.docx", plan.web_url, "Nothing is there any more.")
    [menu] = [card for card in ann.cards if card.name == "menu"]
    links = [entry.get("link") for entry in menu.data["entries"]]
    assert links == [plan.web_url, "", own, "https://who.example/a.pdf", ""]


async def test_in_arabic_people_are_read_back_and_a_number_waits_for_a_yes(ann: Chat) -> None:
    await asked(ann, "people", language="ar", yes="نعم", skip="تخطي")
    await ann.says(
        "سارة النور، وزارة الصحة — تعرف سلسلة التبريد، هاتف ٠٧٩١١١٢٢٣٣\nأحمد علي (الميناء): يفتح الأبواب"
    )
    ann.heard("لم أحفظ", "هاتف ٠٧٩١١١٢٢٣٣", "فقط إن وافق ذلك الشخص", "قولوا «نعم» أو «لا»")
    assert "٠٧٩١١١٢٢٣٣" not in await answer(ann, "people")
    await ann.says("نعم")
    ann.heard("عاد إلى إجابتكم")
    assert "هاتف ٠٧٩١١١٢٢٣٣" in await answer(ann, "people")
    await ann.says("رجوع")
    await ann.says("سارة النور، وزارة الصحة — تعرف سلسلة التبريد؛ أحمد علي (الميناء): يفتح الأبواب")
    ann.heard("ذكرتم شخصين: \u2068سارة النور\u2069, \u2068أحمد علي\u2069", "قولوا «رجوع»")


async def test_in_french_what_is_not_agreed_stays_out(ann: Chat) -> None:
    await asked(ann, "people", language="fr", yes="oui", skip="passer")
    await ann.says("Aïcha N'Diaye (ministère de la Santé) : la chaîne du froid, tél. 06 12 34 56 78")
    ann.heard("J’ai laissé de côté tél. 06 12 34 56 78")
    await ann.says("non")
    ann.heard("Cela reste hors de votre réponse.")
    assert await answer(ann, "people") == "Aïcha N'Diaye (ministère de la Santé) : la chaîne du froid"
