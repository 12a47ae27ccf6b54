"""Below a draft stand lessons like it: transcripts with cards, the same by typing, and what is filed then."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from km365_bots import cards
from km365_bots.topics.near import Near
from km365_bots.topics.tell import Tell

from km365.core.drafting import links_of
from km365.core.interviews import InterviewState
from km365.core.knowledge import KnowledgeItem, Link, Maturity, Relation, from_fields, to_fields
from km365.core.moves import Move
from km365.errors import GraphUnreachable
from km365.graph import lists
from km365.services import capture, life
from km365.services.near import Near as Lessons
from km365.services.near import Shown
from km365.services.tell import Linked
from km365.store import still_true

from ..conftest import person_id
from ..services.lessons import lesson
from .chatting import LABELS, STORY, Chat, Office, interview
from .contributing import Contributing

TITLES = ("Order before the rains", "Ask the drivers", "Lorries came too early")
WITHOUT = "A draft is shown without similar lessons: "
CONFIRMS, NUANCES, CONTRADICTS = Relation.CONFIRMS, Relation.NUANCES, Relation.CONTRADICTS


def shown(number: int, **changes: Any) -> Shown:
    facts: dict[str, Any] = {
        "item_id": f"KM-{number}",
        "title": TITLES[number - 1],
        "sentence": "The road closes in February.",
        "office": "CO-CAS",
        "year": 2024,
        "language": "en",
        "web_url": f"https://sharepoint.example/{number}",
        "likeness": 0.6,
        "checked": True,
        "about": (),
        "words": (),
    }
    return Shown(**{**facts, **changes})


@dataclass
class Known(Lessons):
    """Lessons that are like any draft, or cannot be had."""

    found: Sequence[Shown] = ()
    trouble: Exception | None = None
    asked: list[str] = field(default_factory=list)

    async def like(self, item: KnowledgeItem, person_id: str, *, language: str) -> list[Shown]:
        self.asked.append(item.description)
        if self.trouble:
            raise self.trouble
        return list(self.found)


async def no_documents(text: str, person_id: str) -> list[Linked]:
    return []


@pytest.fixture
def known(office: Office) -> Known:
    found = (
        shown(1, about=("Supply chain", "Roads")),
        shown(2, words=("drivers", "road"), office="CO-ARD", checked=False),
        shown(3),
    )
    lessons = Known(found)
    office.topics = [Tell(no_documents), Near(lessons)]
    return lessons


async def drafts(chat: Chat, language: str = "en") -> None:
    """Answers the first questions, passes over the rest, and reads the draft."""
    await chat.is_invited(language=language)
    await chat.presses("start")
    await chat.says("1")
    await chat.says(STORY)
    for _ in range(12):
        if any(reply.card and reply.card.name == "draft" for reply in chat.replies):
            return
        await chat.presses("skip")
    raise AssertionError("There is no draft.")


async def said_of(office: Office) -> dict[str, tuple[Relation, str]]:
    return {one.to: (one.relation, one.words) for one in links_of(await interview(office))}


async def test_below_a_draft_stand_lessons_like_it_and_why(chat: Chat, known: Known) -> None:
    await drafts(chat)
    assert [reply.card.name for reply in chat.replies if reply.card][-2:] == ["draft", "menu"]
    chat.heard("1. Order before the rains\nThe road closes in February.\nCO-CAS, 2024. Topic in common:")
    chat.heard("Words in common: drivers and road. From your office, not yet checked.", "Close in meaning.")
    chat.heard("https://sharepoint.example/3", "Say “1 confirms, 2 contradicts”")
    assert known.asked == [STORY]
    drawn = cards.render(chat.card, LABELS, text="twin")
    choices = [one for one in drawn["body"] if one["type"] == "Input.ChoiceSet"]
    assert [one["label"] for one in choices] == [f"What does yours say of number {n}?" for n in (1, 2, 3)]


async def test_what_the_draft_says_of_them_is_chosen_on_the_card(
    chat: Chat, office: Office, known: Known
) -> None:
    await drafts(chat)
    await chat.presses("save", {"v1": "confirms", "v3": "contradicts", "v9": "confirms", "v2": "nonsense"})
    chat.heard("Lorries came too early: what is different in your context?", "only with this sentence")
    chat.not_heard(TITLES[0])
    assert await said_of(office) == {"KM-1": (CONFIRMS, "")}
    await chat.presses("words", {"contradicts_3": "Here the river is open all year."})
    chat.heard(
        "confirms “Order before the rains”", "contradicts “Lorries came too early”", "The link goes with"
    )
    assert chat.card.name == "draft"
    assert await said_of(office) == {
        "KM-1": (CONFIRMS, ""),
        "KM-3": (CONTRADICTS, "Here the river is open all year."),
    }
    await chat.presses("send")
    assert (await interview(office)).state is InterviewState.FINISHED
    assert len(known.asked) == 1


async def test_the_same_is_done_by_typing(chat: Chat, office: Office, known: Known) -> None:
    await drafts(chat)
    await chat.says("1 confirms; 2 adds a nuance, 3 contradicts")
    chat.heard("2. Ask the drivers: what does yours add?", "3. Lorries came too early: what is different")
    await chat.says("3: The river is open.")
    chat.heard("Ask the drivers: what does yours add?")
    await chat.says("continue")
    chat.heard("adds a nuance to “Ask the drivers”", "The link goes with")
    assert await said_of(office) == {
        "KM-1": (CONFIRMS, ""),
        "KM-2": (NUANCES, ""),
        "KM-3": (CONTRADICTS, "The river is open."),
    }


async def test_a_contradiction_without_what_is_different_is_no_link(
    chat: Chat, office: Office, known: Known
) -> None:
    await drafts(chat)
    await chat.says("3 confirms")
    await chat.says("3 contradicts")
    await chat.says("continue")
    chat.heard("Your lesson stands by itself.")
    assert await said_of(office) == {}
    await chat.says("3 contradicts")
    await chat.presses("words", {"contradicts_3": " ", "contradicts_9": "Not shown."})
    assert await said_of(office) == {}


async def test_it_may_stand_by_itself_also_after_all(chat: Chat, office: Office, known: Known) -> None:
    await drafts(chat)
    await chat.says("all confirms")
    assert set(await said_of(office)) == {"KM-1", "KM-2", "KM-3"}
    await chat.says("mine stands by itself")
    chat.heard("Your lesson stands by itself.")
    assert await said_of(office) == {}
    await chat.says("similar lessons")
    await chat.presses("alone")
    chat.heard("Your lesson stands by itself.")


async def test_nothing_of_it_is_needed_to_change_or_send_the_draft(
    chat: Chat, office: Office, known: Known
) -> None:
    await drafts(chat)
    await chat.says("1: Order early")
    assert (await interview(office)).edits == {"title": "Order early"}
    chat.not_heard(TITLES[1])
    await chat.says("2 confirms")
    assert await said_of(office) == {"KM-2": (CONFIRMS, "")}
    await chat.says("send")
    assert (await interview(office)).state is InterviewState.FINISHED
    await chat.says("similar lessons")
    chat.heard("When the draft of a lesson lies before you")


async def test_more_of_the_story_is_still_offered_to_be_added(chat: Chat, known: Known) -> None:
    await drafts(chat)
    await chat.says("I forgot: the drivers' union had warned us in November.")
    chat.heard("Shall I add this to your draft?")


async def test_a_repeated_activity_shows_them_again_and_changes_nothing(
    chat: Chat, office: Office, known: Known
) -> None:
    await drafts(chat)
    await chat.says("1 confirms", activity="twice")
    before = await interview(office)
    await chat.says("1 confirms", activity="twice")
    assert await interview(office) == before
    chat.heard("confirms “Order before the rains”")


async def test_a_card_of_another_draft_says_so(chat: Chat, office: Office, known: Known) -> None:
    await drafts(chat)
    card = chat.card
    await chat.says("send")
    await chat.presses("save", {"v1": "confirms"}, card=card)
    chat.heard("belonged to a draft that no longer lies before you")


async def test_what_belongs_to_another_channel_is_not_kept(chat: Chat, office: Office, known: Known) -> None:
    await drafts(chat)
    await chat.says("3 contradicts")
    await chat.says("My supervisor touched me and I am afraid of him.")
    chat.heard("the allegation people")
    assert await said_of(office) == {}


@pytest.mark.parametrize("trouble", [None, GraphUnreachable("Nothing answers.")])
async def test_without_similar_lessons_the_draft_stands_alone(
    chat: Chat, known: Known, trouble: Exception | None
) -> None:
    known.found, known.trouble = (), trouble
    await drafts(chat)
    assert chat.card.name == "draft"
    await chat.says("similar lessons")
    chat.heard("I know of no lesson like this one")


@pytest.mark.parametrize("trouble", [GraphUnreachable("Nothing answers."), TimeoutError()])
async def test_lessons_that_could_not_be_had_stand_below_the_draft_when_it_is_shown_again(
    chat: Chat, known: Known, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    known.trouble = trouble
    await drafts(chat)
    assert chat.card.name == "draft" and len(caplog.messages[-1]) > len(WITHOUT)
    known.trouble = None
    await chat.says("show my draft")
    chat.heard(TITLES[0])


@pytest.mark.parametrize(
    ("language", "answer", "ask", "sentence", "done"),
    [
        ("fr", "1 confirme, 2 contredit", "qu'est-ce qui diffère", "Ici il pleut.", "confirme « Order"),
        ("ar", "1 يؤكده، ٢ يخالفه", "ما المختلف في سياقكم؟", "النهر هنا مفتوح.", "يؤكد «"),
    ],
)
async def test_in_other_languages(
    office: Office, known: Known, language: str, answer: str, ask: str, sentence: str, done: str
) -> None:
    chat = Chat(office, locale=language)
    await drafts(chat, language)
    chat.heard(TITLES[0])
    await chat.says(answer)
    chat.heard(ask)
    await chat.says(sentence)
    chat.heard(done)
    assert await said_of(office) == {"KM-1": (CONFIRMS, ""), "KM-2": (CONTRADICTS, sentence)}


async def test_the_link_is_filed_with_the_lesson_and_counts_once_it_is_checked(ann: Contributing) -> None:
    app = ann.here.app
    place = await capture.knowledge_list(app.graph, app.settings)
    by_eve = {"office": "CO-ARD", "contributors": (person_id("eve"),), "maturity": Maturity.VALIDATED}
    other = lesson(id="KM-eve", **by_eve)
    await lists.create_item(app.graph, place.site_id, place.list_id, to_fields(other))
    near = next(topic for topic in ann.parts.topics if isinstance(topic, Near))
    near._lessons = known = Known([shown(1, item_id="KM-eve")])
    await ann.contributes(send=False)
    for _ in range(12):
        if not known.asked:
            await ann.says("skip")
    await ann.says("1 confirms")
    await ann.says("send")
    await ann.works()
    assert await app.db.run(still_true.answers, ["KM-eve"]) == {}
    assert len(await ann.items()) == 2
    filed = from_fields((await ann.items())["KM-i1"])
    assert filed.links == (Link(relation=CONFIRMS, to="KM-eve"),)
    await ann.decides(Move.VALIDATE)
    (waits,) = [one for one in await app.db.run(app.jobs.list_) if one.name == life.CONFIRMATIONS]
    await app.jobs._work[waits.name][0](waits.args)  # type: ignore[attr-defined]
    (answer,) = (await app.db.run(still_true.answers, ["KM-eve"]))["KM-eve"]
    assert (answer.office, answer.words) == (filed.office, "")
