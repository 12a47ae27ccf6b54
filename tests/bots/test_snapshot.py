"""Everything known on a topic, in the chat: quotations alone, for who may read them, in their language."""

import pytest
from km365_bots.chat import Reader
from km365_bots.topics.find import Find
from km365_bots.topics.snapshot import Snapshots

from km365.core.audience import Audience
from km365.services.search import SearchTerms

from ..conftest import Provisioned, person_id
from .chatting import Office, interview
from .grouping import Group
from .test_find import Staff

COLD = "The cold chain broke at the border in the second week."
LESSONS = (
    {"description": COLD, "advice": "Keep ice packs for the cold chain at the border post."},
    {
        "title": "At the border",
        "office": "CO-ARD",
        "description": "In the second week the cold chain broke at the border.",
    },
    {
        "title": "Cold boxes of Belmora",
        "description": "The cold chain cost us nine boxes.",
        "audience": Audience.OFFICE,
    },
    {"title": "Secret", "description": "The cold chain was sold by a driver.", "audience": Audience.NAMED},
)


@pytest.fixture
def office(provisioned: Provisioned) -> Office:
    app = provisioned.app
    office = Office(db=app.db)
    find = Find(app.graph, app.settings, app.templates)
    office.topics = [find, Snapshots(app, SearchTerms(app.graph, app.settings, app.templates), find)]
    return office


@pytest.fixture
async def staff(provisioned: Provisioned, office: Office) -> Staff:
    staff = Staff(here=provisioned, office=office)
    await staff.knows(*LESSONS)
    return staff


async def test_who_asks_is_shown_agreement_reach_gaps_and_whom_to_ask(staff: Staff) -> None:
    ben, eve = staff.chat("ben"), staff.chat("eve")
    await ben.says("Everything we know about the cold chain")
    ben.heard(
        "What we know about “the cold chain”",
        "Lessons on the topic: 3 of 3",
        "Who may read this: For colleagues of the office CO-BEL",
        "Where offices agree",
        f"“{COLD}” CO-BEL · ",
        "Also said:",
        "“In the second week the cold chain broke at the border.”",
        "CO-ARD · ",
        "What colleagues advise",
        "nine boxes",
        "What we do not know",
        "No lesson says why it happened.",
        "Whom to ask",
        "CO-BEL: knowledge focal point",
        'km365 ask "the cold chain" --as ben@childrensagency.example -o snapshot.docx',
    )
    ben.not_heard("sold by a driver", "Secret", "Paperboat")
    await eve.says("snapshot: cold chain from CO-BEL")
    eve.heard(COLD, "Office: CO-BEL", "Lessons on the topic: 1 of 2")
    eve.not_heard("nine boxes", "In the second week the", "sold by a driver")
    await eve.says("a snapshot")
    eve.heard("About what?")
    await eve.says("everything we know about volcanoes")
    eve.heard("I found nothing on this that you may read.")


@pytest.mark.parametrize(
    ("language", "question", "heard"),
    [
        (
            "fr",
            "tout ce que nous savons sur la cold chain",
            ("Sur quoi les bureaux s’accordent", f"«\N{NO-BREAK SPACE}{COLD}"),
        ),
        ("ar", "كل ما نعرفه عن cold chain", ("ما تتفق عليه المكاتب", COLD, "من يمكن سؤاله")),
        ("zh", "关于cold chain我们知道的一切", ("各办事处的共识", COLD)),
    ],
)
async def test_it_is_asked_and_answered_in_ones_own_language(
    staff: Staff, language: str, question: str, heard: tuple[str, ...]
) -> None:
    chat = staff.chat("ben", language)
    await chat.says(question)
    chat.heard(*heard)


async def test_a_group_is_shown_what_everyone_may_read_and_nobodys_name(staff: Staff, office: Office) -> None:
    readers = [Reader(person_id=person_id(one), name=one) for one in ("ann", "ben")]
    group = Group(office=office, readers=readers)
    await group.says(person_id("ben"), "everything we know about the cold chain")
    group.heard(COLD, "For everyone in the organisation")
    assert "nine boxes" not in group.replies[0].text and "Paperboat" not in group.replies[0].text
    await group.says(person_id("ben"), "help")
    group.heard("“everything we know about …”")


async def test_in_the_middle_of_an_interview_such_words_are_an_answer_unless_a_colon_follows(
    staff: Staff,
) -> None:
    chat = staff.chat("ben")
    await chat.is_invited()
    await chat.says("start")
    answer = "Everything we know about the cold chain we learned from drivers"
    await chat.says(answer)
    answers = (await interview(staff.office, chat.person)).answers
    assert [one.text for one in answers if one.text] == [answer]
    await chat.says("snapshot: cold chain")
    chat.heard("What we know about “cold chain”")
