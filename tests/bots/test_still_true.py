"""A reflection opens with what was learned before: transcripts with cards, and the same by typing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from km365_bots import cards
from km365_bots.topics.later import Later
from km365_bots.topics.still_true import StillTrue

from km365.core.still_true import Verdict, Why
from km365.errors import GraphUnreachable
from km365.services.still_true import About, Lessons, Shown
from km365.services.verdicts import VerdictDesk
from km365.store import still_true as store
from km365.store.database import Database

from .chatting import LABELS, MORNING, STORY, Chat, Office

QUESTION = "Which side of the work is it about?"
TITLES = ("Order parts early", "Send the drivers ahead", "Radio reaches the hills")


def shown(number: int, **changes: Any) -> Shown:
    facts: dict[str, Any] = {
        "item_id": f"KM-{number}",
        "title": TITLES[number - 1],
        "sentence": "Parts wait at the border.",
        "office": "CO-ARD",
        "year": 2024,
        "language": "en",
        "why": Why(own=True, same_kind=True),
        "about": (),
        "web_url": f"https://sharepoint.example/{number}",
    }
    return Shown(**{**facts, **changes})


@dataclass
class Known(Lessons):
    """Lessons that are there at once, or are not."""

    db: Database
    found: Sequence[Shown] = ()
    trouble: Exception | None = None
    slow: bool = False
    asked: list[About] = field(default_factory=list)

    async def opening(self, about: About, person_id: str, *, language: str, now: datetime) -> list[Shown]:
        self.asked.append(about)
        if self.trouble:
            raise self.trouble
        if self.slow:
            await asyncio.Event().wait()
        said = await self.db.run(store.answered, person_id, milestone=about.milestone, since=now)
        left = [one for one in self.found if one.item_id not in said]
        ids = [one.item_id for one in left]
        kept = {"person_id": person_id, "office": "CO-ARD", "milestone": about.milestone}
        await self.db.run(store.show, ids, **kept, at=now)
        return left


@pytest.fixture
def known(office: Office) -> Known:
    found = (
        shown(1),
        shown(2, why=Why(own=False, same_kind=True, tags=("t",)), office="CO-CAS", about=("Handpumps",)),
        shown(
            3, why=Why(own=False, same_kind=False, tags=("t",)), office="CO-BEL", about=("Radio", "Floods")
        ),
    )
    lessons = Known(office.db, found)
    desk: Any = VerdictDesk(
        graph=None,  # type: ignore[arg-type]  # the job that records is tested over HTTP
        db=office.db,
        jobs=office.jobs,
        settings=None,  # type: ignore[arg-type]
        now=lambda: MORNING,
    )
    office.topics = [StillTrue(lessons, desk), Later()]
    return lessons


async def said_of(office: Office) -> dict[str, tuple[Verdict, str]]:
    return {
        item: (one.verdict, one.words)
        for item, answers in (await office.db.run(store.answers)).items()
        for one in answers
    }


@pytest.fixture
async def ann(office: Office, known: Known) -> Chat:
    chat = Chat(office)
    await chat.is_invited()
    return chat


async def test_a_reflection_opens_with_lessons_and_says_why_each_is_shown(ann: Chat, known: Known) -> None:
    await ann.presses("start")
    ann.heard(
        "1. Order parts early\nParts wait at the border.\nCO-ARD, 2024. From the office of this milestone."
    )
    ann.heard(
        "CO-CAS, 2024. The same kind of milestone. Topic in common: Handpumps.", "common: Radio and Floods."
    )
    ann.heard("https://sharepoint.example/2", "Say “1 still true, 2 changed”")
    ann.not_heard(QUESTION)
    assert [one.milestone for one in known.asked] == ["7"]
    drawn = cards.render(ann.card, LABELS, text="twin")
    choices = [one for one in drawn["body"] if one["type"] == "Input.ChoiceSet"]
    assert [one["label"] for one in choices] == [f"Does number {n} still hold?" for n in (1, 2, 3)]
    headings = [one["text"] for one in drawn["body"] if one.get("size") == "Medium"]
    assert headings == [f"{n} · {title}" for n, title in enumerate(TITLES, start=1)]


async def test_continue_alone_says_nothing_and_brings_the_first_question(ann: Chat, office: Office) -> None:
    await ann.presses("start")
    await ann.presses("save")
    ann.heard(QUESTION)
    ann.not_heard("Thank you")
    assert await said_of(office) == {}
    await ann.says(STORY)
    ann.heard("3 of 8")


async def test_choices_on_the_card_are_kept_and_one_sentence_is_asked_where_something_changed(
    ann: Chat, office: Office
) -> None:
    await ann.presses("start")
    await ann.presses("save", {"v1": "still true", "v2": "changed", "v3": "nonsense"})
    ann.heard("Send the drivers ahead: what has changed?")
    ann.not_heard(TITLES[0], QUESTION)
    await ann.presses("words", {"w2": "There are two drivers now."})
    ann.heard("Thank you, that is noted.", QUESTION)
    assert await said_of(office) == {
        "KM-1": (Verdict.STILL_TRUE, ""),
        "KM-2": (Verdict.CHANGED, "There are two drivers now."),
    }
    jobs = [job.key for job in await office.db.run(office.jobs.list_)]
    assert sorted(jobs) == ["record_verdicts:KM-1", "record_verdicts:KM-2"]


async def test_the_same_is_done_by_typing(ann: Chat, office: Office) -> None:
    await ann.says("start")
    await ann.says("1 still true, 2 no longer; 3 we acted on it")
    ann.heard(
        "2. Send the drivers ahead: why does it no longer hold?",
        "3. Radio reaches the hills: what did you do?",
    )
    await ann.says("3: We asked two stations.")
    ann.heard("why does it no longer hold?")
    await ann.says("The road is paved.")
    ann.heard("Thank you, that is noted.", QUESTION)
    assert await said_of(office) == {
        "KM-1": (Verdict.STILL_TRUE, ""),
        "KM-2": (Verdict.NO_LONGER, "The road is paved."),
        "KM-3": (Verdict.ACTED, "We asked two stations."),
    }


async def test_a_story_told_before_the_first_question_is_not_taken_for_its_answer(
    ann: Chat, office: Office
) -> None:
    await ann.says("start")
    await ann.says(STORY)
    ann.heard("I have not kept that", "“Continue”")
    await ann.says("continue")
    ann.heard(QUESTION)
    await ann.says(STORY)
    ann.heard("3 of 8")
    assert await said_of(office) == {}


async def test_later_is_still_later_and_the_lessons_are_there_when_it_is_taken_up(ann: Chat) -> None:
    await ann.presses("later")
    await ann.says("start")
    ann.heard("1. Order parts early")
    await ann.says("all still true")
    ann.heard("Thank you, that is noted.", QUESTION)
    await ann.says("earlier lessons")
    ann.heard("There are no earlier lessons to show.", QUESTION)


@pytest.mark.parametrize("trouble", ["none", "down", "slow"])
async def test_a_reflection_begins_at_once_where_there_is_nothing_to_show(
    ann: Chat, known: Known, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("km365_bots.topics.still_true.PATIENCE_S", 0.01)
    known.found, known.slow = (), trouble == "slow"
    known.trouble = GraphUnreachable("Nothing answers.") if trouble == "down" else None
    await ann.presses("start")
    ann.heard(QUESTION)
    await ann.says(STORY)
    ann.heard("3 of 8")


async def test_what_belongs_to_another_channel_is_not_kept(ann: Chat, office: Office) -> None:
    await ann.says("start")
    await ann.says("1 changed")
    await ann.says("My supervisor touched me and I am afraid of him.")
    ann.heard("the allegation people")
    await ann.says("continue")
    ann.heard(QUESTION)
    assert await said_of(office) == {"KM-1": (Verdict.CHANGED, "")}


async def test_an_interview_of_ones_own_opens_with_its_question(office: Office, known: Known) -> None:
    chat = Chat(office)
    await chat.is_invited("handover")
    await chat.presses("start")
    await chat.presses("agree")
    chat.heard("1 of 12")
    assert known.asked == []


@pytest.mark.parametrize(
    ("language", "start", "answer", "more", "thanks"),
    [
        ("fr", "commencer", "1 toujours vrai, 2 a changé", "qu'est-ce qui a changé ?", "Merci, c'est noté."),
        ("ar", "لنبدأ", "1 ما زال صحيحا، ٢ تغيّر", "ما الذي تغيّر؟", "تم تدوين ذلك"),
        ("zh", "开始", "1仍然成立，2有变化", "有什么变化？", "谢谢，已经记下。"),
    ],
)
async def test_in_other_languages(
    office: Office, known: Known, language: str, start: str, answer: str, more: str, thanks: str
) -> None:
    chat = Chat(office, locale=language)
    await chat.is_invited(language=language)
    await chat.says(start)
    chat.heard(TITLES[0], "CO-CAS, 2024.")
    await chat.says(answer)
    chat.heard(more)
    await chat.says("Two drivers.")
    chat.heard(thanks)
    assert await said_of(office) == {
        "KM-1": (Verdict.STILL_TRUE, ""),
        "KM-2": (Verdict.CHANGED, "Two drivers."),
    }
