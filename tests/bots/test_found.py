"""Lessons found in a leaver's answers: below the note, by card and by typing, and each is filed once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from km365_bots.conversation import compose
from km365_bots.topics.found import FoundInAnswers

from km365.core.audience import Audience
from km365.core.interviews import InterviewState
from km365.documents.coach import CoachWords
from km365.services import found_lessons
from km365.services import interview as service
from km365.services.found_lessons import FoundLessons
from km365.store import interviews, still_true
from km365.store.database import Connection
from km365.store.interviews import StoredInterview

from ..conftest import person_id
from ..core.test_found_lessons import ARABIC, CASH, FERRY, handover
from .chatting import MORNING, TEMPLATES, invite
from .contributing import Contributing, speaks
from .test_near import Known, shown

S = {"en": ("start", "yes", "continue", "skip"), "ar": ("ابدأ", "نعم", "متابعة", "تخطي")}


async def hands_over(leaver: Contributing, **answers: str) -> None:
    """The whole interview in the chat, up to the draft of the note."""
    start, yes, go_on, skip = S[leaver.language]
    due_on = (MORNING + timedelta(weeks=8)).date()
    message = await invite(
        leaver.here.app.db,
        person_id(leaver.person),
        bank="handover",
        language=leaver.language,
        due_on=due_on,
    )
    leaver.card = compose(leaver.parts, message).card
    await leaver.says(start)
    await leaver.says(yes)
    for _ in range(120):
        names = [reply.card.name for reply in leaver.replies if reply.card]
        if "note" in names:
            return
        asked = leaver.card.question if leaver.card and "question" in names else ""
        if asked in answers:
            assert FoundInAnswers.name not in "".join(names), "nothing is proposed before the last question"
            await leaver.says(answers[asked])
        elif asked:
            await leaver.says(skip)
        else:
            await leaver.says(go_on)
    raise AssertionError("There is no draft.")


async def at_the_draft(leaver: Contributing, **answers: str) -> None:
    """The draft of the note, with the answers of a whole interview."""
    said = handover({name: (Audience.OFFICE, text) for name, text in answers.items()})
    mine = replace(said, person_id=person_id(leaver.person), consented_at=MORNING)

    def put(c: Connection) -> None:
        service.keep(c, replace(mine, version=service.create(c, mine, at=MORNING).version))

    await leaver.here.app.db.run(put)
    await leaver.says("show my draft")


async def own_lessons(leaver: Contributing) -> list[StoredInterview]:
    mine = person_id(leaver.person)
    return await leaver.here.app.db.run(lambda c: interviews.list_(c, person_id=mine, bank_id="lesson"))


async def test_a_leaver_is_proposed_lessons_below_the_note_and_each_becomes_one_item(
    ann: Contributing,
) -> None:
    await hands_over(ann, role="The job became mostly procurement.", failed=CASH, unusual=FERRY)
    assert [reply.card.name for reply in ann.replies if reply.card] == ["note", "menu"]
    ann.heard("A lesson for colleagues?", "Ask the agents before you sign", "colleagues in your office")
    assert await own_lessons(ann) == [] and await ann.items() == {}, "nothing is made before a yes"

    await ann.says("propose it", activity="twice")
    ann.heard("“Ask the agents before you sign” is on its way", "Next time I would call him in February")
    ann.heard("Your answer itself is read by: Sam Paperboat, your supervisor", "may open the library")
    await ann.says("propose it", activity="twice")
    assert len(await own_lessons(ann)) == 1, "what Teams repeats is no answer to the next lesson"

    await ann.presses("propose")
    ann.heard("Shall more people read this?", "colleagues in your office")
    assert len(await own_lessons(ann)) == 1, "more readers take a second yes"
    await ann.says("yes")
    ann.heard("is on its way", "Your handover note")
    await ann.works()
    items = list((await ann.items()).values())
    assert {one["Title"] for one in items} == {
        "Ask the agents before you sign",
        "Next time I would call him in February",
    }
    for one in items:
        assert (one["KMAudience"], one["KMContributors"]) == (Audience.OFFICE, person_id("ann"))
        assert not one.get("KMMilestone"), "nothing leads back to the handover"

    await ann.says("withdraw")
    await ann.says("yes")
    assert len(await ann.items()) == 2, "what was proposed stays when the note is taken back"
    await ann.says("my contributions")
    ann.heard("Ask the agents before you sign")


async def test_it_is_changed_first_and_the_note_waits(ann: Contributing) -> None:
    await at_the_draft(ann, failed=CASH)
    await ann.presses("change")
    ann.heard("Here is its draft", "In 2024 we paid teachers")
    await ann.says("1: Cash runs out in villages")
    ann.heard("Cash runs out in villages")
    await ann.says("send")
    ann.heard("Your handover note")
    await ann.works()
    (item,) = (await ann.items()).values()
    assert item["Title"] == "Cash runs out in villages"


async def test_the_same_in_arabic_with_not_this_one(ann: Contributing) -> None:
    ann.language = "ar"
    await ann.here.app.db.run(speaks, "ann", "ar")
    await hands_over(ann, failed=ARABIC)
    ann.heard("درس للزملاء؟", "نصيحتي")
    await ann.says("ليس هذا")
    ann.heard("لن يُصنع منه شيء")
    ann.not_heard("درس للزملاء؟")
    await ann.says("دروس في إجاباتي")
    ann.heard("ليس لدي الآن درس")
    await ann.says("إرسال")
    await ann.works()
    assert (await own_lessons(ann), await ann.items()) == ([], {})


async def test_a_lesson_like_it_is_confirmed_instead(
    ann: Contributing, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Known([shown(1), shown(2)])
    (topic,) = [one for one in ann.parts.topics if isinstance(one, FoundInAnswers)]
    monkeypatch.setattr(topic, "_alike", known)
    await at_the_draft(ann, failed=CASH)
    ann.heard("Colleagues have learned something similar", "1. Order before the rains", "Say “1 confirms”")
    await ann.says("2 confirms")
    ann.heard("Noted: you confirm “Ask the drivers”")
    said = await ann.here.app.db.run(still_true.answers, ["KM-1", "KM-2"])
    assert {item: [one.verdict for one in all_] for item, all_ in said.items() if all_} == {
        "KM-2": ["still true"]
    }
    assert await own_lessons(ann) == []


async def test_killed_at_any_moment_and_said_again_there_is_one_draft_and_one_job(
    ann: Contributing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await at_the_draft(ann, failed=CASH)
    lessons = FoundLessons(
        ann.here.app.db, ann.here.app.jobs, ann.parts.banks, CoachWords.read(TEMPLATES).coach
    )
    (handover,) = await ann.here.app.db.run(lambda c: interviews.open_for(c, person_id("ann")))

    class Killed(BaseException):
        pass

    def dies(*_: Any, **__: Any) -> None:
        raise Killed

    said = {"send": True, "activity": "a", "now": ann.at, "new_id": lambda: "found1"}
    for deed in ("create", "keep", "note_change", "enqueue"):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            patched.setattr(found_lessons.service, deed, dies)
            await lessons.propose(handover.id, "failed", **said)
        assert await own_lessons(ann) == [], f"killed before {deed}, nothing is half there"
    assert await lessons.propose(handover.id, "failed", **said) == "found1"
    assert await lessons.propose(handover.id, "failed", **{**said, "new_id": lambda: "found2"}) == "found1"
    (made,) = await own_lessons(ann)
    assert (made.state, made.is_open) == (InterviewState.SENDING, False)
    await ann.works()
    await ann.works()
    assert list(await ann.items()) == ["KM-found1"]


async def test_the_note_goes_without_an_answer_and_lessons_may_be_proposed_later(ann: Contributing) -> None:
    await at_the_draft(ann, role="The job became mostly procurement.", failed=CASH)
    await ann.says("send")
    ann.heard("I pass it on now")
    await ann.says("lessons in my answers")
    ann.heard("Ask the agents before you sign")
    await ann.presses("leave")
    ann.heard("nothing is made of it")
