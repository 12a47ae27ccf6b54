"""The Teams service as it is started, against a small Microsoft 365."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest
from km365_bots.app import serve, sign_in_of

from km365.app import App, open_app
from km365.errors import NotAvailable
from km365.jobs.port import JobState
from km365.local import apps, faults, teams, users
from km365.local.server import M365
from km365.services import reach
from km365.services.prompts import SEND_MESSAGE as JOB
from km365.settings import Settings
from km365.store import conversations, outbox
from km365.store.outbox import Delivery, Message

PERSON = "6f3c1a52-0000-4000-8000-00000000000a"


@dataclass
class Service:
    m365: M365
    app: App
    url: str
    http: aiohttp.ClientSession

    def heard(self, person: str = PERSON) -> list[dict]:
        """What the bot said to the person, in order."""
        rows = self.m365.state.all(
            "SELECT activity FROM chat_activity JOIN chat ON chat.id = chat "
            "WHERE person = ? AND sender = 'bot' ORDER BY seq",
            person,
        )
        return [json.loads(row["activity"]) for row in rows]

    async def until(self, true: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(20):
            while not await true():  # noqa: ASYNC110 - what is waited for is in another program's tables
                await asyncio.sleep(0.02)

    async def works(self) -> None:
        """Runs the jobs until none waits."""
        stop = asyncio.Event()
        running = asyncio.create_task(self.app.jobs.run(stop))

        async def idle() -> bool:
            found = await self.app.db.run(self.app.jobs.list_)
            return all(job.state in {JobState.DONE, JobState.FAILED} for job in found)

        await self.until(idle)
        stop.set()
        await running

    async def has_heard(self, count: int) -> None:
        async def enough() -> bool:
            return len(self.heard()) >= count

        await self.until(enough)

    def say(self, text: str) -> None:
        chat = teams.chat_of(self.m365.state, PERSON)
        teams.tell_bot(self.m365.state, chat, {"type": "message", "text": text})


def settings_for(m365: M365, home: Path, **changes: object) -> Settings:
    return Settings(**{"home": home, "graph_url": m365.graph_url, "port": 0, **changes})


@pytest.fixture
async def service(m365: M365, tmp_path: Path) -> AsyncIterator[Service]:
    apps.publish(m365.state, Settings().teams_app_id, "km365")
    users.create(m365.state, id=PERSON, upn="nadia@childrensagency.example", display_name="Nadia Example")
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(open_app(settings_for(m365, tmp_path)))
        line = await stack.enter_async_context(serve(app))
        url = line.rsplit(" ", 1)[1]
        m365.bot_url = f"{url}/api/messages"
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield Service(m365=m365, app=app, url=url, http=http)


async def test_it_says_where_it_is(service: Service):
    assert service.url.startswith("http://127.0.0.1:")
    async with service.http.get(f"{service.url}/healthz") as answer:
        assert (answer.status, (await answer.json())["status"]) == (200, "ok")


async def test_who_installs_the_app_is_greeted_and_can_be_reached_from_then_on(service: Service):
    teams.installed(service.m365.state, PERSON)
    await service.has_heard(1)
    address = await service.app.db.run(conversations.address_of, PERSON)
    assert address.service_url == service.m365.base_url
    assert address.tenant_id == teams.TENANT_ID


async def test_a_typed_message_is_answered(service: Service):
    teams.installed(service.m365.state, PERSON)
    await service.has_heard(1)
    before = len(service.heard())
    service.say("help")
    await service.has_heard(before + 1)


def news(key: str, language: str = "fr") -> Message:
    data = {"title": "Ask the nurses first", "decision": "validated", "reason": "", "url": ""}
    return Message(
        key=key, person_id=PERSON, card="lesson_decided", data=data, language=language, reason="news"
    )


async def test_a_message_to_somebody_the_bot_never_met_installs_it_and_arrives_once(service: Service):
    now = service.app.clock.now()
    await service.app.db.run(outbox.put, news("decided:1"), at=now)
    for _ in range(2):
        await service.app.db.run(service.app.jobs.enqueue, JOB, key="decided:1", args={"key": "decided:1"})
        await service.works()
    cards = [said["attachments"][0]["content"] for said in service.heard() if "attachments" in said]
    assert [card["lang"] for card in cards].count("fr") == 1
    assert cards[-1]["lang"] == "fr", "the greeting comes first"
    assert teams.is_installed(service.m365.state, PERSON)
    row = await service.app.db.run(outbox.get, "decided:1")
    assert (row.state, row.note) == (Delivery.SENT, None)


async def test_a_message_is_in_the_language_its_reader_chose(service: Service):
    teams.installed(service.m365.state, PERSON)
    await service.has_heard(1)
    service.say("español")
    await service.has_heard(2)
    await service.app.db.run(outbox.put, news("decided:3", language="ru"), at=service.app.clock.now())
    await service.app.db.run(service.app.jobs.enqueue, JOB, key="decided:3", args={"key": "decided:3"})
    await service.works()
    assert service.heard()[-1]["attachments"][0]["content"]["lang"] == "es"


async def test_a_message_is_in_the_language_of_its_readers_profile(service: Service):
    somebody = "6f3c1a52-0000-4000-8000-00000000000b"
    users.create(
        service.m365.state,
        id=somebody,
        upn="amal@childrensagency.example",
        display_name="Amal Example",
        language="ar-EG",
    )
    to_amal = replace(news("decided:4", language="ru"), person_id=somebody)
    await service.app.db.run(outbox.put, to_amal, at=service.app.clock.now())
    await service.app.db.run(service.app.jobs.enqueue, JOB, key="decided:4", args={"key": "decided:4"})
    await service.works()
    assert service.heard(somebody)[-1]["attachments"][0]["content"]["lang"] == "ar"


async def test_what_waited_for_somebody_is_sent_once_they_install_the_app(service: Service):
    at = service.app.clock.now()
    await service.app.db.run(outbox.put, news("decided:2"), at=at)
    teams.installed(service.m365.state, PERSON)
    await service.has_heard(1)
    await service.works()
    assert (await service.app.db.run(outbox.get, "decided:2")).state is Delivery.SENT


async def test_who_removed_the_app_is_unreachable_until_they_install_it_again(service: Service):
    teams.installed(service.m365.state, PERSON)
    await service.has_heard(1)

    async def gone() -> bool:
        return bool((await service.app.db.run(conversations.address_of, PERSON)).unreachable_reason)

    async def back() -> bool:
        return not await gone()

    teams.removed(service.m365.state, PERSON)
    await service.until(gone)
    teams.installed(service.m365.state, PERSON)
    await service.until(back)


async def everybody(service: Service) -> list[tuple[str, bool, str]]:
    found = await reach.people(service.app.graph, service.app.db, everybody=True)
    return [(one.name, one.reached, one.words.partition(": ")[2]) for one in found]


async def test_the_administrator_sees_who_removed_blocked_and_has_it_again(service: Service):
    teams.installed(service.m365.state, PERSON)
    await service.has_heard(1)
    assert await everybody(service) == [("Nadia Example", True, "")]

    async def unreachable() -> bool:
        return (await service.app.db.run(conversations.count_addresses)) == (0, 1)

    async def reached() -> bool:
        return (await service.app.db.run(conversations.count_addresses)) == (1, 0)

    teams.removed(service.m365.state, PERSON)
    await service.until(unreachable)
    assert await everybody(service) == [("Nadia Example", False, "The person removed the app.")]
    teams.installed(service.m365.state, PERSON)
    await service.until(reached)
    await service.has_heard(2)  # its greeting again
    faults.switch(service.m365.state, "next_sends", on=True, status=403, times=1)
    service.say("help")
    await service.until(unreachable)
    assert await everybody(service) == [
        ("Nadia Example", False, "The person has blocked or removed the bot (403).")
    ]
    service.say("help")
    await service.until(reached)


async def test_a_person_who_is_renamed_is_the_same_person_under_the_new_name(service: Service):
    teams.installed(service.m365.state, PERSON)
    await service.has_heard(1)
    await service.app.graph.patch(f"/users/{PERSON}", {"displayName": "Nadia Newname"})
    before = len(service.heard())
    service.say("help")
    await service.has_heard(before + 1)
    assert await everybody(service) == [("Nadia Newname", True, "")]
    assert await service.app.db.run(conversations.count_addresses) == (1, 0)


async def test_the_workspace_shows_what_it_can_and_says_what_it_cannot_read(service: Service):
    async with service.http.get(service.url) as answer:
        text = await answer.text()
    assert answer.status == 200
    assert "Nothing was tagged yet." in text
    assert "This cannot be read just now." in text, "the lists are not provisioned here"


async def test_a_port_in_use_is_one_clear_line(m365: M365, tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with open_app(settings_for(m365, tmp_path, port=port)) as app:
            with pytest.raises(NotAvailable, match=rf"^Port {port} is in use .* KM365_PORT"):
                async with serve(app):
                    pass


def test_without_sign_in_it_does_not_listen_to_others():
    with pytest.raises(NotAvailable, match="bot_app_id"):
        sign_in_of(Settings(host="0.0.0.0"))


def test_with_sign_in_only_the_organisations_own_people_are_answered():
    sign_in = sign_in_of(Settings(host="0.0.0.0", bot_app_id="app", tenant_id="T-ENANT"))
    assert (sign_in.required, sign_in.tenants) == (True, frozenset({"t-enant"}))
