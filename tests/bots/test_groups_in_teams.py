"""A group chat and a channel in a small Microsoft 365, over the Bot Connector, with the whole service."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from km365_bots.app import serve

from km365.app import App, open_app
from km365.jobs.port import JobState
from km365.local import apps, faults, teams, teams_groups, users
from km365.local.server import M365
from km365.local.teams_groups import Group
from km365.services import prompts
from km365.services.calendar import hours_of
from km365.settings import Settings
from km365.store import outbox

LANGUAGES = {"ann": "en-GB", "bob": "fr-FR", "cleo": "en-GB", "dina": "ar"}
IDS = {name: f"6f3c1a52-0000-4000-8000-0000000000{number}0" for number, name in enumerate(LANGUAGES, 1)}


@dataclass
class Everybody:
    """Four colleagues, the bot, and the groups they share."""

    m365: M365
    app: App

    def group(self, kind: str = teams_groups.GROUP_CHAT, **more: Any) -> Group:
        members = [IDS[name] for name in LANGUAGES]
        state = self.m365.state
        return teams_groups.get(state, teams_groups.create(state, "Pumps", members, kind=kind, **more))

    def heard(self, chat: str) -> list[dict[str, Any]]:
        """What the bot said in this chat, in order."""
        rows = self.m365.state.all(
            "SELECT activity FROM chat_activity WHERE chat = ? AND sender = 'bot' ORDER BY seq", chat
        )
        return [json.loads(row["activity"]) for row in rows]

    async def hears(self, chat: str, words: str) -> dict[str, Any]:
        """Waits until the bot has said these words in the chat; what it said."""
        found: list[dict[str, Any]] = []

        def said() -> bool:
            found[:] = [one for one in self.heard(chat) if words in json.dumps(one, ensure_ascii=False)]
            return bool(found)

        await until(said)
        return found[-1]

    async def says(self, name: str, text: str, then: str) -> None:
        """Somebody types in their own chat, and hears those words."""
        chat = teams.chat_of(self.m365.state, IDS[name])
        before = len(self.heard(chat["id"]))
        teams.tell_bot(self.m365.state, chat, {"type": "message", "text": text})
        await until(
            lambda: any(
                then in json.dumps(one, ensure_ascii=False) for one in self.heard(chat["id"])[before:]
            )
        )

    async def works(self) -> None:
        """Asks whom it is time to ask, and runs the jobs until none waits."""
        app = self.app
        await prompts.send_due(app.db, app.jobs, hours_of(app.settings), now=app.clock.now())
        stop = asyncio.Event()
        running = asyncio.create_task(app.jobs.run(stop))
        try:
            async with asyncio.timeout(30):
                while [j for j in await app.db.run(app.jobs.list_) if j.state in _UNDER_WAY]:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        finally:
            stop.set()
            await running


_UNDER_WAY = {JobState.WAITING, JobState.RUNNING}


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - what it waits for is another program's doing
            await asyncio.sleep(0.02)


@pytest.fixture
async def everybody(m365: M365, tmp_path: Path) -> AsyncIterator[Everybody]:
    apps.publish(m365.state, Settings().teams_app_id, "km365")
    for name, language in LANGUAGES.items():
        users.create(
            m365.state,
            id=IDS[name],
            upn=f"{name}@childrensagency.example",
            display_name=f"{name.title()} Paperboat",
            language=language,
        )
    settings = Settings(home=tmp_path, graph_url=m365.graph_url, port=0, working_hours="always")
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(open_app(settings))
        line = await stack.enter_async_context(serve(app))
        m365.bot_url = f"{line.rsplit(' ', 1)[1]}/api/messages"
        yield Everybody(m365=m365, app=app)


async def test_a_channel_reflects_in_its_thread_and_is_told_once(everybody: Everybody) -> None:
    state = everybody.m365.state
    channel = everybody.group(teams_groups.CHANNEL)
    thread = teams_groups.say(state, channel, IDS["ann"], "@km365 let's reflect on the pumps")
    begun = await everybody.hears(channel.id, "Let us reflect: the pumps")
    assert teams_groups.thread_of(begun) == thread
    await everybody.works()
    for name, invited, start, consent, yes in (
        ("ann", "Your group looks back on: the pumps", "start", "Nobody reads your answers", "yes"),
        ("bob", "Votre groupe revient sur", "commencer", "Personne ne lit vos réponses", "oui"),
        ("dina", "تراجع مجموعتكم معاً", "ابدأ", "لا يقرأ أحد إجاباتكم", "نعم"),
    ):
        await everybody.hears(teams.chat_id(IDS[name]), invited)
        await everybody.says(name, start, consent)
        await everybody.says(name, yes, "1")
    said = {"ann": "The pumps of Ann", "bob": "Les pompes, pumps", "dina": "pumps المضخات"}
    for name, worked in said.items():
        await everybody.says(name, "1", "2")
        await everybody.says(name, worked, "3")
        await everybody.says(name, "skip", "4")
        await everybody.says(name, "skip", "5")
        await everybody.says(name, "2", worked)
        await everybody.says(name, "send", "")
    await everybody.says("cleo", "no thanks", "")
    await everybody.works()
    post = await everybody.hears(channel.id, "What you said together: the pumps")
    assert teams_groups.thread_of(post) == thread
    told = json.dumps(post, ensure_ascii=False)
    assert "Said by 3 of 3" in told and "pumps" in told
    for name in ("Ann", "Bob", "Cleo", "Dina", "Paperboat"):
        assert name not in told
    await everybody.works()
    assert sum("said together" in json.dumps(one) for one in everybody.heard(channel.id)) == 1


async def test_the_bot_hears_only_what_mentions_it(everybody: Everybody) -> None:
    group = everybody.group()
    teams_groups.say(everybody.m365.state, group, IDS["ann"], "Lunch?")
    teams_groups.say(everybody.m365.state, group, IDS["bob"], "@km365 aide")
    await everybody.hears(group.id, "que si l'on me mentionne")
    await until(lambda: not everybody.m365.state.all("SELECT 1 FROM chat_outgoing"))
    assert len(everybody.heard(group.id)) == 2, "the greeting and the help"


async def test_somebody_else_who_presses_close_is_told_aside(everybody: Everybody) -> None:
    group = everybody.group()
    state = everybody.m365.state
    teams_groups.say(state, group, IDS["ann"], "@km365 let's reflect on the pumps")
    card = await everybody.hears(group.id, "Let us reflect: the pumps")
    before = everybody.heard(group.id)
    data = next(a for a in card["attachments"][0]["content"]["actions"] if a["verb"] == "close")["data"]
    async with httpx.AsyncClient(base_url=everybody.m365.base_url) as http:
        asked = {"activity": card["id"], "verb": "close", "data": data}
        told = (await http.post(f"/teams/{IDS['bob']}/in/{group.id}/execute", json=asked)).json()
        assert told["message"].startswith("Seule la personne qui a lancé")
        assert everybody.heard(group.id) == before, "nobody else sees it"
        for _ in range(2):
            told = (await http.post(f"/teams/{IDS['ann']}/in/{group.id}/execute", json=asked)).json()
            assert told["ok"]
    await everybody.hears(group.id, "This reflection is closed.")
    await everybody.works()
    await everybody.hears(group.id, "Fewer than 3 of you answered")


async def test_a_group_that_removed_the_bot_is_not_posted_to_again_and_again(everybody: Everybody) -> None:
    group = everybody.group()
    state = everybody.m365.state
    teams_groups.say(state, group, IDS["ann"], "@km365 let's reflect on the pumps")
    await everybody.hears(group.id, "Let us reflect")
    teams_groups.say(state, group, IDS["ann"], "@km365 close it now")
    await everybody.hears(group.id, "Close the reflection now?")
    faults.switch(state, "next_sends", on=True, status=502, times=99, retry_after_s=None, delivered=False)
    teams_groups.say(state, group, IDS["ann"], "@km365 close it now")
    await until(lambda: not state.all("SELECT 1 FROM chat_outgoing"))
    await everybody.works()
    rows = await everybody.app.db.run(outbox.list_, prefix="group_summary")
    assert [row.state for row in rows] == ["unknown"], "it may have arrived, so nobody sends it again"


async def test_where_outsiders_read_along_nothing_internal_is_said(everybody: Everybody) -> None:
    users.create(everybody.m365.state, id="guest", upn="g@partner.example", display_name="Guest of a partner")
    group = everybody.group(guests=["guest"])
    teams_groups.say(everybody.m365.state, group, IDS["ann"], "@km365 what do we know about pumps")
    await everybody.hears(group.id, "People from outside the organisation read along")
    teams_groups.say(everybody.m365.state, group, IDS["ann"], "@km365 let's reflect on the pumps")
    await everybody.hears(group.id, "so I asked nobody")
