"""What is sent in the chat arrives in SharePoint once, whatever happens on the way; nothing false is said."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from km365_bots.chat import Parts
from km365_bots.parts import open_parts

from km365.core.audience import Audience
from km365.core.interviews import Interview, InterviewState
from km365.core.notes import Note
from km365.core.said import Said, Verb
from km365.core.turns import Turn
from km365.graph import drives, lists, sites
from km365.graph.client import Graph
from km365.jobs.port import JobState
from km365.local import faults
from km365.services import capture, handover_readers
from km365.services import interview as service
from km365.services.interview import HAND_ON, Subject
from km365.store import interviews as store
from km365.store import outbox
from km365.store.database import Connection, Database
from km365.store.outbox import Message

from ..conftest import Provisioned, person_id

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
STORY = "Three pumps stood still for a month, because the parts waited at the border."
ROLE = "The job became mostly procurement, with a letter to the districts every April."


class Killed(BaseException):
    """As a kill -9 would have it: nothing after it runs, and nobody catches it."""


@dataclass
class Life:
    """The product's own process, which ends before the `left`th thing it does that leaves a trace."""

    left: int

    async def does(self, act: Callable[[], Awaitable[Any]]) -> Any:
        """Dies before the deed, which is after the one before it."""
        self.left -= 1
        if self.left == 0:
            raise Killed
        return await act()


@dataclass
class Chat:
    """Ann's interview, and what became of it."""

    here: Provisioned
    parts: Parts

    async def sends(self, bank: str, **answers: str) -> Turn:
        """Says all this, and sends it."""
        app = self.here.app
        subject = Subject(
            key=f"{bank}:ann",
            bank=bank,
            title="Pumps",
            subject="1",
            office="CO-BEL",
            due_on=date(2026, 3, 27),
        )
        await service.start(
            app.db,
            self.parts.banks,
            app.jobs,
            person_id=person_id("ann"),
            subject=subject,
            language="en",
            said=Said(verb=Verb.START),
            now=NOW,
            new_id=lambda: "i1",
        )
        if bank == "handover":
            await self.says(Verb.AGREE)
        for question, text in answers.items():
            await self.says(Verb.ANSWER, text, question=question)
        await self.says(Verb.DRAFT)
        return await self.says(Verb.SEND)

    async def says(self, verb: Verb, text: str = "", *, question: str = "") -> Turn:
        said = Said(verb=verb, text=text, question=question)
        app = self.here.app
        interview = await self.interview()
        return await service.take(app.db, self.parts.banks, app.jobs, interview, said, now=NOW)

    async def works(self) -> None:
        """Hands on what waits, until it is there or fails."""
        stop, app = asyncio.Event(), self.here.app
        running = asyncio.create_task(app.jobs.run(stop))

        def idle(c: Connection) -> bool:
            mine = [job for job in app.jobs.list_(c) if job.name == HAND_ON]
            return all(job.state in {JobState.DONE, JobState.CANCELLED} or job.error for job in mine)

        async with asyncio.timeout(30):
            while not await app.db.run(idle):  # noqa: ASYNC110 - the job's own table is what is waited for
                await asyncio.sleep(0.02)
        stop.set()
        await running

    async def interview(self) -> Interview:
        return await self.here.app.db.run(service.load, "i1")

    async def told(self) -> list[Message]:
        return [one.message for one in await self.here.app.db.run(outbox.list_)]

    async def items(self) -> list[dict[str, Any]]:
        graph = self.here.app.graph
        place = await capture.knowledge_list(graph, self.here.app.settings)
        return [row.fields async for row in lists.list_items(graph, place.site_id, place.list_id)]

    async def files(self) -> list[str]:
        graph = self.here.app.graph
        site = await sites.get_site(graph, self.here.app.settings.knowledge_site)
        library = await drives.get_drive(graph, site.id, "Handover notes")
        return [one.web_url async for one in drives.list_files(graph, library.id)]


@pytest.fixture
async def chat(provisioned: Provisioned) -> Chat:
    return Chat(provisioned, await open_parts(provisioned.app))


async def test_a_reflection_is_there_before_it_is_said_to_be(chat: Chat) -> None:
    turn = await chat.sends("midterm_review", story=STORY, headline="Send parts early")
    assert turn.notes == (Note.SENDING,)
    assert (await chat.items(), await chat.told()) == ([], [])
    await chat.works()
    (item,) = await chat.items()
    assert (item["Title"], item["KMDescription"]) == ("Send parts early", STORY)
    (message,) = await chat.told()
    assert (message.card, message.person_id) == ("handed_on", person_id("ann"))
    done = await chat.interview()
    assert (done.state, done.link) == (InterviewState.FINISHED, message.data["url"])


async def test_a_handover_goes_to_its_readers_and_its_lesson_to_the_list(chat: Chat) -> None:
    await chat.sends("handover", role=ROLE, proud=STORY)
    await chat.works()
    assert [await chat.files()] == [[(await chat.interview()).link]]
    (item,) = await chat.items()
    assert (item["KMDescription"], item["KMAudience"]) == (STORY, Audience.EVERYONE)
    assert [message.card for message in await chat.told()] == ["handed_on", "alumni_opening"]
    jobs = await chat.here.app.db.run(chat.here.app.jobs.list_)
    assert handover_readers.JOB in {one.name for one in jobs}, "its readers are seen to"


async def test_what_is_stopped_on_the_way_is_taken_up_again_at_the_next_start(chat: Chat) -> None:
    await chat.sends("midterm_review", story=STORY)
    await chat.here.app.db.run(chat.here.app.jobs.cancel, f"{HAND_ON}:i1")
    await open_parts(chat.here.app)
    await chat.works()
    assert len(await chat.items()) == 1


async def test_a_refusal_is_told_in_plain_words_and_does_not_end_it(chat: Chat) -> None:
    await chat.sends("midterm_review", story=STORY)
    faults.switch(chat.here.m365.state, "next_requests", on=True, verb="POST", path="*/items", status=403)
    await chat.works()
    (message,) = await chat.told()
    assert (message.card, message.data["why"]) == ("not_handed_on", "to_mend")
    assert (await chat.interview()).state is InterviewState.SENDING
    assert (await chat.says(Verb.WITHDRAW)).notes == (Note.ON_ITS_WAY,), "some of it may be there"


async def test_what_cannot_even_be_begun_can_be_withdrawn(chat: Chat) -> None:
    await chat.sends("midterm_review", story=STORY)
    faults.switch(chat.here.m365.state, "next_requests", on=True, verb="GET", path="*", status=403, times=100)
    await chat.works()
    assert (await chat.says(Verb.WITHDRAW)).notes == ()
    assert (await chat.says(Verb.YES)).notes == (Note.WITHDRAWN,)
    assert await chat.here.app.db.run(store.answers, "i1") == []


@pytest.mark.parametrize("bank", ["midterm_review", "handover"])
async def test_killed_between_any_two_deeds_it_arrives_once_and_nothing_false_is_said(
    chat: Chat, bank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"story": STORY} if bank == "midterm_review" else {"role": ROLE, "proud": STORY}
    await chat.sends(bank, **said)
    work = chat.here.app.jobs._work[HAND_ON][0]  # type: ignore[attr-defined]
    for deeds in range(1, 200):
        life = Life(left=deeds)
        with monkeypatch.context() as patched:
            _mortal(patched, life)
            killed = False
            try:
                await work({"interview": "i1"})
            except* Killed:  # calls made together come back in a group
                killed = True
        done = (await chat.interview()).state is InterviewState.FINISHED
        cards = {message.card for message in await chat.told()}
        assert ("handed_on" in cards) is done, "it is said when it is there, and not before"
        if done:
            assert len(await chat.items()) == 1
        if not killed:
            break
    assert not killed
    assert len(await chat.items()) == 1
    assert len(await chat.files()) == (bank == "handover")
    asked = ["alumni_opening"] if bank == "handover" else []
    assert [message.card for message in await chat.told()] == ["handed_on", *asked]


def _mortal(patched: pytest.MonkeyPatch, life: Life) -> None:
    """Everything written to Graph and every transaction of ours may be the last."""
    send, run = Graph.send, Database.run

    async def calls(self: Graph, request: Any, **options: Any) -> Any:
        if request.method == "GET":
            return await send(self, request, **options)
        return await life.does(lambda: send(self, request, **options))

    async def commits(self: Database, *words: Any, **options: Any) -> Any:
        return await life.does(lambda: run(self, *words, **options))

    patched.setattr(Graph, "send", calls)
    patched.setattr(Database, "run", commits)


async def test_graph_is_not_asked_at_every_word_of_somebody_it_does_not_know(
    provisioned: Provisioned,
) -> None:
    parts, state = await open_parts(provisioned.app), provisioned.m365.state
    faults.switch(state, "next_requests", on=True, verb="GET", path="/users/*", status=404, times=9)
    for _ in range(3):
        assert await parts.profile_language("nobody-of-ours") is None
    left = faults.setting(state, "next_requests")
    assert left
    assert left["times"] == 8
