"""A successor's pack in the chat, questions answered from it, and the line to whoever left."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from km365_bots.topics import NotWanted
from km365_bots.topics.alumni import AlumniLine
from km365_bots.topics.successor import Successor

from km365.core.preferences import Preferences
from km365.core.search_question import Concepts
from km365.graph.governor import Governor
from km365.services import alumni, filed_notes, successor_pack
from km365.services.alumni import AlumniDesk
from km365.services.search import SearchTerms
from km365.store import conversations, outbox, preferences
from km365.store.outbox import Message

from ..conftest import Provisioned, person_id
from ..services.leaving import Leaving, interview
from ..services.leaving import concepts as concepts
from ..services.shelf import InProcess
from .chatting import BANKS, MORNING, Chat, Office

ANSWERS = {
    "watch": "The chlorine stock at Tamber depot: below forty drums three towns go without water.",
    "people": "Halima Quillstone, head of the laboratory, sees a contamination first.",
    "more": "The spare key of the depot is with the guard's sister.",
}
ARABIC = {"watch": "مخزون الكلور في مستودع تمبر: إذا نزل عن أربعين برميلاً بقيت ثلاث مدن بلا مياه."}


class Terms(SearchTerms):
    """Those of the tests, which are not read anew."""

    def __init__(self, concepts: Concepts) -> None:
        self._concepts = concepts

    async def now(self) -> Concepts:
        return self._concepts


class Staff(Leaving):
    """The people of a handover and their chats."""

    office: Office

    def chat(self, person: str, language: str = "en") -> Chat:
        self.office.languages[person_id(person)] = language
        return Chat(office=self.office, person=person_id(person))

    async def told(self, person: str, card: str) -> Sequence[Message]:
        """What goes to this person by itself."""
        rows = await self.here.app.db.run(outbox.list_, person_id=person_id(person))
        return [one.message for one in rows if one.message.card == card]

    @property
    def line(self) -> AlumniDesk:
        app = self.here.app
        return AlumniDesk(
            graph=app.graph, db=app.db, jobs=self.office.jobs, settings=app.settings, now=lambda: MORNING
        )


@pytest.fixture
async def staff(provisioned: Provisioned, concepts: Concepts, monkeypatch: pytest.MonkeyPatch) -> Staff:
    async def admit(*_: object, **__: object) -> float:
        return 0.0

    monkeypatch.setattr(Governor, "admit", admit)
    monkeypatch.setattr(successor_pack, "FileReader", InProcess)
    staff = Staff(here=provisioned, concepts=concepts)
    app = provisioned.app
    staff.office = Office(db=app.db)
    line = AlumniLine(staff.line)
    staff.office.topics = [Successor(app, BANKS, Terms(concepts), None, line), line]
    await staff.departs()
    return staff


async def waiting(staff: Staff, chat: Chat) -> str:
    """What a chat keeps of what was said in it."""
    found = await staff.here.app.db.run(conversations.get, f"chat-{chat.person}")
    return str(found.state) if found else ""


async def test_the_successor_sees_the_pack_and_asks_it_and_nothing_of_the_question_is_kept(
    staff: Staff,
) -> None:
    await staff.hands_over("en", ANSWERS)
    sue = staff.chat("sue")
    await sue.says("my pack")
    sue.heard(
        "What you take over: Chief of Water",
        "From the note of Ann Paperboat, ",
        "People to meet in the first two weeks",
        "First week: Halima Quillstone “head of the laboratory, sees a contamination first",
        "km365 handover pack",
        "Your questions are not kept.",
    )
    await sue.says("How much chlorine must the depot have in stock?")
    sue.heard(
        "What the pack says",
        "What needs an eye on it",
        "“The chlorine stock at Tamber depot: below forty drums",
        "Handover note · ",
    )
    assert "drums" not in await waiting(staff, sue) and "must" not in await waiting(staff, sue)
    await sue.presses("ask", {"words": "Who holds the spare key?"})
    sue.heard("with the guard's sister")
    await sue.says("ask the note which vaccines expire")
    sue.heard("I found nothing in the pack on “which vaccines expire”")
    sue.not_heard("Shall I pass")


async def test_nobody_else_is_shown_the_pack_and_the_supervisor_is(staff: Staff) -> None:
    await staff.hands_over("en", ANSWERS)
    for person, heard in (("eve", "There is no handover note for you."), ("sam", "What you take over")):
        chat = staff.chat(person)
        await chat.says("my pack")
        chat.heard(heard)
        await chat.says("ask the note how much chlorine is in stock at the depot")
        chat.heard("no handover note" if person == "eve" else "forty drums")


async def test_all_of_it_in_arabic(staff: Staff) -> None:
    await staff.hands_over("ar", ARABIC)
    sue = staff.chat("sue", "ar")
    await sue.says("حزمتي")
    sue.heard("ما تتسلّمونه", "الأيام التسعون المقبلة", "ولا يُحتفظ بأسئلتكم")
    await sue.says("كم يجب أن يكون مخزون الكلور في المستودع؟")
    sue.heard("ما تقوله الحزمة", "إذا نزل عن أربعين برميلاً")
    ann = staff.chat("ann", "ar")
    await ann.says("خطي")
    ann.heard("هل يمكن لمن يخلفكم")
    await ann.says("حتى 30 يونيو")
    ann.heard("شكراً لكم. يمكن لمن يخلفكم أن يسألكم في Teams")
    await sue.says("في أي فندق ينزل الضيوف؟")
    sue.heard("لا تذكر الحزمة ذلك", "هل أنقل سؤالكم؟", "في أي فندق ينزل الضيوف؟")
    await sue.says("نعم")
    sue.heard("أُرسل إلى Ann Paperboat")
    ann.office.languages[person_id("ann")] = "ar"
    await ann.says("أسئلة لي")
    ann.heard("في أي فندق ينزل الضيوف؟")
    await ann.says("في فندق النهر القديم.")
    ann.heard("يُرسل هذا إلى Sue Paperboat", "«في فندق النهر القديم.»")
    await ann.says("نعم")
    ann.heard("أُرسل إلى Sue Paperboat. شكراً لكم.")


async def test_a_question_goes_as_its_asker_saw_it_and_the_answer_as_its_author_did(staff: Staff) -> None:
    note = await staff.hands_over("en", ANSWERS)
    ann, sue = staff.chat("ann"), staff.chat("sue")
    await alumni.invite(staff.here.app.db, staff.office.jobs, interview("en", ANSWERS), at=MORNING)
    await ann.hears_of((await staff.told("ann", alumni.OPENING))[0])
    ann.heard("May your successor still ask you something?", "Nothing is expected of you")
    await ann.presses("open", {"months": "3", "address": ""})
    ann.heard("Your successor may ask you in Teams until ")
    await sue.says("my pack")
    await sue.says("Which hotel do visitors like?")
    await sue.says("Who holds the spare key of the depot?")
    sue.heard("with the guard's sister")
    await sue.presses("other", {"words": "Who else holds the spare key?"})
    sue.heard("Ann Paperboat may be asked until ", "Who else holds the spare key?")
    await sue.says("pass on which hotel do visitors like?")
    sue.heard("Ann Paperboat may be asked until ", "which hotel do visitors like")
    await sue.says("Which hotel do visitors like?")
    sue.heard("Ann Paperboat may be asked until ", "exactly these words")
    await sue.presses("send", {"words": "Which hotel do visitors of the donor like?"})
    sue.heard("Sent to Ann Paperboat.")
    (question,) = await staff.told("ann", alumni.QUESTION)
    assert "hotel" not in str(question.data), "a message holds ids alone"
    await ann.hears_of(question)
    ann.heard(
        "Sue Paperboat, who has your post now, asks you something", "“Which hotel do visitors of the donor"
    )
    await ann.presses("answer", {"words": "The Old River."})
    ann.heard("This goes to Sue Paperboat", "“The Old River.”")
    assert await staff.told("sue", alumni.ANSWER) == []
    await ann.says("yes")
    (answer,) = await staff.told("sue", alumni.ANSWER)
    await sue.hears_of(answer)
    sue.heard("Ann Paperboat has answered you", "“The Old River.”", "Ann Paperboat · 2 March 2026")
    where = Preferences(zone="Pacific/Honolulu")
    await staff.here.app.db.run(preferences.put, sue.person, where, at=MORNING)
    await sue.hears_of(answer)
    sue.heard("Ann Paperboat · 1 March 2026")
    assert note.item_id not in str(answer.data)


async def test_a_closed_line_lets_nothing_through_and_forgets_the_address(staff: Staff) -> None:
    await staff.hands_over("en", ANSWERS)
    ann, sue = staff.chat("ann"), staff.chat("sue")
    await ann.says("my line")
    await ann.says("until 30 June ann.p@home.example")
    ann.heard("shown the address ann.p@home.example, nobody else")
    for person, sees in (("sue", True), ("sam", False)):
        chat = staff.chat(person)
        await chat.says("ask the note which vaccines expire")
        (chat.heard if sees else chat.not_heard)("ann.p@home.example")
    await ann.says("my line")
    await ann.says("until 30 June")
    await sue.says("ask the note which vaccines expire")
    await sue.says("yes")
    sue.heard("Sent to Ann Paperboat.")
    (question,) = await staff.told("ann", alumni.QUESTION)
    await ann.says("close my line")
    ann.heard("Your line is closed.")
    with pytest.raises(NotWanted):
        await ann.hears_of(question)
    await sue.says("ask the note which vaccines expire")
    sue.not_heard("Shall I pass", "ann.p@home.example")
    await ann.says("close my line")
    ann.heard("nobody is passed on to you")


async def test_whoever_left_without_a_word_is_not_told_of_the_note_that_colleagues_wrote(
    staff: Staff,
) -> None:
    note = await staff.hands_over("en", ANSWERS)
    await filed_notes.write(staff.here.app.graph, note, {"KMToldBy": filed_notes.COLLEAGUES})
    ann = staff.chat("ann")
    await ann.says("my line")
    ann.heard("No handover note of yours is filed")
    assert await alumni.mine(staff.line, ann.person) == []


async def test_a_line_is_for_twelve_months_at_most_ends_on_its_day_and_with_the_account(staff: Staff) -> None:
    note = await staff.hands_over("en", ANSWERS)
    ann, sue = staff.chat("ann"), staff.chat("sue")
    await ann.says("my line")
    for said in ("until 30 June 2031", "until yesterday", "whenever"):
        await ann.says(said)
        ann.heard("twelve months from now at most")
    await ann.says("until 30 June")
    desk = staff.line
    assert await alumni.line_to(desk, note, sue.person)
    assert await alumni.line_to(desk, note, person_id("sam")) is None
    await staff.here.app.graph.patch(f"/users/{ann.person}", {"accountEnabled": False})
    assert await alumni.line_to(desk, note, sue.person) is None
    later = AlumniDesk(
        graph=desk.graph,
        db=desk.db,
        jobs=desk.jobs,
        settings=desk.settings,
        now=lambda: MORNING + timedelta(days=200),
    )
    assert await alumni.mine(later, ann.person) == []


async def test_no_more_questions_a_week_than_other_messages_and_what_belongs_elsewhere_goes_nowhere(
    staff: Staff,
) -> None:
    await staff.hands_over("en", ANSWERS)
    ann, sue = staff.chat("ann"), staff.chat("sue")
    await ann.says("my line")
    await ann.says("until 30 June")
    for number, heard in enumerate(("Sent to Ann", "not too much comes at once", "not too much")):
        await sue.says(f"ask the note which vaccines number {number} expire")
        await sue.says("yes")
        sue.heard(heard)
    await sue.says("ask the note which vaccines expire")
    await sue.presses("send", {"words": "The password is Hunter2!2026"})
    sue.not_heard("Sent to")
    assert len(await staff.told("ann", alumni.QUESTION)) == 3
