"""What is taken back is taken back once, whatever ends the process meanwhile."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from km365.graph.client import Graph
from km365.services import wishes
from km365.services.wishes import CARRY_OUT
from km365.store.database import Database

from .contributing import STORY, Contributing

Act = Callable[[], Awaitable[Any]]


class Killed(BaseException):
    """As a kill -9 would have it."""


@dataclass
class Life:
    """A process that ends before the `left`th thing it does that leaves a trace."""

    left: int

    async def does(self, act: Act) -> Any:
        self.left -= 1
        if self.left == 0:
            raise Killed
        return await act()


@pytest.mark.parametrize("published", [False, True])
async def test_killed_between_any_two_deeds_it_is_taken_back_once_and_nothing_false_is_said(
    ann: Contributing, published: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    await ann.says("yes")
    if published:
        await ann.edits(KMMaturity="published")
    work = ann.here.app.jobs._work[CARRY_OUT][0]  # type: ignore[attr-defined]
    for deeds in range(1, 60):
        killed = False
        with monkeypatch.context() as patched:
            _mortal(patched, Life(left=deeds))
            try:
                await work({"item": "KM-i1", "kind": "withdraw"})
            except* Killed:
                killed = True
        told = [one.data["state"] for one in await ann.settled()]
        gone = "KM-i1" not in await ann.items()
        assert not told or told == (["asked"] if published else ["done"])
        assert gone or "done" not in told, "it is said when it is so, and not before"
        if not killed:
            break
    assert not killed
    assert gone is not published
    assert len(told) == 1
    assert len([one for one in await ann.told("ben") if one.card == "wish_asked"]) == published
    await work({"item": "KM-i1", "kind": "withdraw"})
    assert len(await ann.settled()) == 1


def _mortal(patched: pytest.MonkeyPatch, life: Life) -> None:
    send, run = Graph.send, Database.run

    async def calls(self: Graph, request: Any, **options: Any) -> Any:
        if request.method == "GET":
            return await send(self, request, **options)
        return await life.does(lambda: send(self, request, **options))

    async def commits(self: Database, *words: Any, **options: Any) -> Any:
        return await life.does(lambda: run(self, *words, **options))

    patched.setattr(Graph, "send", calls)
    patched.setattr(Database, "run", commits)


async def test_what_is_stopped_on_the_way_is_taken_up_at_the_next_start(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    await ann.says("yes")
    jobs = ann.here.app.jobs
    await ann.here.app.db.run(jobs.cancel, f"{CARRY_OUT}:withdraw:KM-i1")
    await wishes.open_desk(ann.desk)
    await ann.works()
    assert await ann.items() == {}


async def test_what_is_sent_anew_after_the_wish_is_not_taken_away(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    await ann.says("withdraw 1")
    await ann.says("yes")
    later = (ann.at + timedelta(minutes=1)).isoformat()
    await ann.edits(KMSubmittedAt=later)
    await ann.works()
    assert (await ann.items())["KM-i1"]["KMDescription"] == STORY
