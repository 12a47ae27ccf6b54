"""The Bot Connector, the queue to the bot, and what the chat page asks the server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from km365_bots import forwards

from km365.local import faults, teams, tokens, users
from km365.local.server import M365, start_server

CARD = {"contentType": teams.CARD, "content": {"type": "AdaptiveCard", "version": "1.5", "body": []}}
SENDS = "/v3/conversations/{chat}/activities"


def somebody(m365: M365, name: str = "Amina Tannouri", language: str = "fr-FR") -> str:
    key = name.split()[0].lower()
    return users.create(
        m365.state,
        id=m365.state.stable_id("person", name),
        upn=f"{key}@childrensagency.example",
        display_name=name,
        language=language,
        office="CO-ARD",
    )


@pytest.fixture
def person(m365: M365) -> str:
    return somebody(m365)


@pytest.fixture
def chat(m365: M365, person: str) -> str:
    """The id of the person's chat with the installed bot."""
    return teams.installed(m365.state, person)


@pytest.fixture
async def http(m365: M365) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=m365.base_url) as client:
        yield client


def path(chat: str, end: str = "activities") -> str:
    return f"/v3/conversations/{chat}/{end}"


async def until(holds: Callable[[], Any]) -> None:
    """Wait until it holds; the test's own time limit is the only one."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - what it waits for is another program's doing
            await asyncio.sleep(0.02)


class Bot:
    """Takes activities and answers each with what `answers` has for it, else 200."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.answers: list[web.Response] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.heard.append(await request.json())
        return self.answers.pop(0) if self.answers else web.Response()

    def said(self, kind: str) -> list[dict[str, Any]]:
        return [a for a in self.heard if a["type"] == kind]


@pytest.fixture
async def bot(m365: M365) -> AsyncIterator[Bot]:
    one = Bot()
    app = web.Application()
    app.router.add_post("/api/messages", one.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.url = m365.bot_url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/messages"
    yield one
    await runner.cleanup()


async def changes(http: httpx.AsyncClient, person: str, **query: Any) -> dict[str, Any]:
    answer = await http.get(f"/teams/{person}/changes", params=query)
    assert answer.status_code == 200, answer.text
    whole: dict[str, Any] = answer.json()
    return whole


# what a bot may call --------------------------------------------------------------------------------------


async def test_a_bot_sends_updates_and_deletes_a_message(
    http: httpx.AsyncClient, person: str, chat: str
) -> None:
    sent = await http.post(path(chat), json={"type": "message", "text": "first"})
    assert sent.status_code == 201
    there = path(chat, f"activities/{sent.json()['id']}")
    assert (await http.put(there, json={"type": "message", "text": "second"})).status_code == 200
    [message] = (await changes(http, person))["messages"]
    assert (message["text"], message["edited"]) == ("second", True)
    assert (await http.delete(there)).status_code == 200
    assert (await http.delete(there)).status_code == 200
    [message] = (await changes(http, person))["messages"]
    assert (message["text"], message["deleted"]) == ("", True)
    assert (await http.put(there, json={"type": "message", "text": "third"})).status_code == 404


async def test_messages_keep_their_order_and_have_ids_of_their_own(
    http: httpx.AsyncClient, person: str, chat: str
) -> None:
    ids = [
        (await http.post(path(chat), json={"type": "message", "text": str(n)})).json()["id"] for n in range(9)
    ]
    assert len(set(ids)) == 9
    assert [m["text"] for m in (await changes(http, person))["messages"]] == [str(n) for n in range(9)]


async def test_a_conversation_needs_the_tenant_and_the_persons_own_account(
    m365: M365, http: httpx.AsyncClient, person: str, chat: str
) -> None:
    account = teams.chat_of(m365.state, person)["account"]
    asked: dict[str, Any] = {"bot": {"id": teams.BOT_ACCOUNT}, "members": [{"id": account}]}
    refused = await http.post("/v3/conversations", json=asked)
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, "Could not parse tenant id")
    for tenant in ({"tenantId": teams.TENANT_ID}, {"channelData": {"tenant": {"id": teams.TENANT_ID}}}):
        made = await http.post("/v3/conversations", json=asked | tenant)
        assert (made.status_code, made.json()["id"]) == (201, chat)
    stranger = asked | {"members": [{"id": "29:nobody"}], "tenantId": teams.TENANT_ID}
    assert (await http.post("/v3/conversations", json=stranger)).status_code == 400
    group = asked | {"isGroup": True, "tenantId": teams.TENANT_ID}
    assert (await http.post("/v3/conversations", json=group)).status_code == 501


async def test_a_bot_that_was_removed_cannot_write_until_it_is_back(
    m365: M365, http: httpx.AsyncClient, person: str, chat: str
) -> None:
    teams.removed(m365.state, person)
    for answer in (
        await http.post(path(chat), json={"type": "message", "text": "hello?"}),
        await http.post(path(chat, "activities/1"), json={"type": "message", "text": "hello?"}),
        await http.get(path(chat, "members")),
    ):
        assert answer.status_code == 403
    assert teams.installed(m365.state, person) == chat
    assert (await http.post(path(chat), json={"type": "message", "text": "hello"})).status_code == 201


async def test_an_unknown_conversation_is_404_and_a_strange_activity_is_named(
    http: httpx.AsyncClient, chat: str
) -> None:
    assert (await http.post(path("19:nobody"), json={"type": "message", "text": "x"})).status_code == 404
    handoff = await http.post(path(chat), json={"type": "handoff"})
    assert (handoff.status_code, "'handoff'" in handoff.json()["error"]["message"]) == (501, True)
    for bad in (
        {"type": "message"},
        {"text": 7},
        {"attachments": "x"},
        {"attachments": [{"contentType": 1}]},
    ):
        assert (await http.post(path(chat), json=bad)).status_code == 400
    for garbage in (b"{", b"[]", b"\xff"):
        assert (await http.post(path(chat), content=garbage)).status_code == 400


@pytest.mark.graph_documented("msteams-docs bots/how-to/includes/agent-message-size-limit")
async def test_a_message_is_measured_in_utf_16(http: httpx.AsyncClient, chat: str) -> None:
    answers = [
        (await http.post(path(chat), json={"type": "message", "text": "x" * n})).status_code
        for n in (51_000, 52_000)
    ]
    assert answers == [201, 413]


@pytest.mark.graph_documented("msteams-docs bots/how-to/rate-limit")
async def test_the_eighth_message_within_a_second_is_told_when_to_come_back(
    m365: M365, http: httpx.AsyncClient, chat: str
) -> None:
    faults.switch(m365.state, "bot_limits", on=True, second=3)
    answers = [await http.post(path(chat), json={"type": "message", "text": "x"}) for _ in range(60)]
    refused = [a for a in answers if a.status_code == 429]
    assert refused
    assert all(int(a.headers["Retry-After"]) >= 1 for a in refused)


@pytest.mark.local_only
async def test_a_send_can_be_made_to_fail_after_it_was_delivered(
    m365: M365, http: httpx.AsyncClient, person: str, chat: str
) -> None:
    faults.switch(m365.state, "next_sends", on=True, status=502, retry_after_s=None, delivered=True)
    lost = await http.post(path(chat), json={"type": "message", "text": "did it arrive?"})
    assert (lost.status_code, "Retry-After" in lost.headers) == (502, False)
    assert (await http.post(path(chat), json={"type": "message", "text": "again"})).status_code == 201
    assert [m["text"] for m in (await changes(http, person))["messages"]] == ["did it arrive?", "again"]


async def test_members_are_told_with_their_directory_id(
    http: httpx.AsyncClient, person: str, chat: str
) -> None:
    [member] = (await http.get(path(chat, "members"))).json()
    assert (member["aadObjectId"], member["tenantId"]) == (person, teams.TENANT_ID)
    assert (await http.get(path(chat, "pagedmembers"))).json()["members"] == [member]
    assert (await http.get(path(chat, f"members/{member['id']}"))).json() == member
    assert (await http.get(path(chat, "members/29:nobody"))).status_code == 404


async def test_with_strict_tokens_a_bot_must_show_one_of_the_servers_own(
    m365: M365, http: httpx.AsyncClient, chat: str
) -> None:
    m365.state.remember("strict_tokens", True)
    message = {"type": "message", "text": "x"}
    for headers in ({}, {"Authorization": "Bearer made-up"}, {"Authorization": "Basic eDp5"}):
        assert (await http.post(path(chat), json=message, headers=headers)).status_code == 401
    own = {"Authorization": f"Bearer {tokens.issue(m365.state, 'km365')}"}
    assert (await http.post(path(chat), json=message, headers=own)).status_code == 201


# the way to the bot ---------------------------------------------------------------------------------------


async def test_installing_twice_tells_the_bot_once(m365: M365, bot: Bot, person: str) -> None:
    assert teams.installed(m365.state, person) == teams.installed(m365.state, person)
    await until(lambda: bot.said("conversationUpdate"))
    [update] = bot.said("installationUpdate")
    assert update["action"] == "add"
    assert update["from"]["aadObjectId"] == person
    assert update["channelData"]["tenant"]["id"] == update["conversation"]["tenantId"] == teams.TENANT_ID
    assert update["serviceUrl"] == m365.base_url + "/"


async def test_what_a_person_says_reaches_the_bot_with_their_language(
    http: httpx.AsyncClient, bot: Bot, person: str, chat: str
) -> None:
    assert (await http.post(f"/teams/{person}/messages", json={"text": "Bonjour"})).status_code == 200
    await until(lambda: bot.said("message"))
    [message] = bot.said("message")
    assert (message["text"], message["locale"], message["conversation"]["id"]) == ("Bonjour", "fr-FR", chat)


async def test_what_a_person_forwards_is_marked_as_teams_marks_it(
    http: httpx.AsyncClient, bot: Bot, person: str, chat: str
) -> None:
    said = {"text": "5 < 7", "forwarded": True}
    assert (await http.post(f"/teams/{person}/messages", json=said)).status_code == 200
    await until(lambda: bot.said("message"))
    [message] = bot.said("message")
    [beside] = message["attachments"]
    assert beside["contentType"] == "text/html"
    assert "schema.skype.com/Forward" in beside["content"] and "5 &lt; 7" in beside["content"]


async def test_a_link_with_a_title_is_told_as_teams_tells_it_and_shown_as_typed(
    http: httpx.AsyncClient, bot: Bot, person: str, chat: str
) -> None:
    typed = "Look: [R&D <report>](https://sharepoint.example/a?b=1&c=2)\nIt is short."
    assert (await http.post(f"/teams/{person}/messages", json={"text": typed})).status_code == 200
    await until(lambda: bot.said("message"))
    [message] = bot.said("message")
    assert message["text"] == "Look: R&D <report>\nIt is short."
    found = forwards.beside(message)
    assert (found.links, found.forwarded) == (("https://sharepoint.example/a?b=1&c=2",), None)
    assert [one["text"] for one in (await changes(http, person))["messages"]] == [typed]


async def test_a_message_waits_for_a_bot_that_is_away_and_keeps_its_place(
    m365: M365, http: httpx.AsyncClient, bot: Bot, person: str, chat: str
) -> None:
    await until(lambda: len(bot.heard) == 2)
    m365.bot_url = "http://127.0.0.1:9/api/messages"
    for text in ("one", "two"):
        await http.post(f"/teams/{person}/messages", json={"text": text})
    await until(lambda: m365.state.one("SELECT 1 FROM chat_outgoing WHERE attempts > 0"))
    assert [m["state"] for m in (await changes(http, person))["messages"]] == ["waiting", "waiting"]
    m365.bot_url = bot.url
    await until(lambda: len(bot.said("message")) == 2)
    assert [a["text"] for a in bot.said("message")] == ["one", "two"]
    await until(lambda: not m365.state.one("SELECT 1 FROM chat_outgoing"))
    assert [m["state"] for m in (await changes(http, person))["messages"]] == ["sent", "sent"]


async def test_a_repeated_activity_keeps_its_id(
    http: httpx.AsyncClient, bot: Bot, person: str, chat: str
) -> None:
    await until(lambda: len(bot.heard) == 2)
    bot.answers = [web.Response(status=503), web.Response(status=500)]
    await http.post(f"/teams/{person}/messages", json={"text": "hello"})
    await until(lambda: len(bot.said("message")) == 3)
    assert len({a["id"] for a in bot.said("message")}) == 1


async def test_what_the_bot_refuses_is_shown_and_holds_nothing_up(
    http: httpx.AsyncClient, bot: Bot, person: str, chat: str
) -> None:
    await until(lambda: len(bot.heard) == 2)
    bot.answers = [web.Response(status=401)]
    for text in ("one", "two"):
        await http.post(f"/teams/{person}/messages", json={"text": text})
    await until(lambda: len(bot.said("message")) == 2)
    one, two = (await changes(http, person))["messages"]
    assert (one["state"], one["problem"], two["state"]) == ("refused", "401", "sent")
    await http.post(f"/teams/{person}/retry", json={"seq": one["seq"]})
    await until(lambda: len(bot.said("message")) == 3)


async def test_what_waits_survives_a_restart(tmp_path: Path) -> None:
    async with await start_server(path=tmp_path / "m365.db") as first:
        person = somebody(first)
        teams.installed(first.state, person)
        async with httpx.AsyncClient(base_url=first.base_url) as http:
            await http.post(f"/teams/{person}/messages", json={"text": "still here?"})
    async with await start_server(path=tmp_path / "m365.db") as second:
        heard = []

        async def take(request: web.Request) -> web.Response:
            heard.append(await request.json())
            return web.Response()

        app = web.Application()
        app.router.add_post("/", take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        second.bot_url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        await until(lambda: len(heard) == 3)
        await runner.cleanup()
        assert [a["type"] for a in heard] == ["installationUpdate", "conversationUpdate", "message"]
        assert heard[-1]["serviceUrl"] == second.base_url + "/"


# cards ----------------------------------------------------------------------------------------------------


async def put_card(http: httpx.AsyncClient, chat: str) -> str:
    sent = await http.post(path(chat), json={"type": "message", "attachments": [CARD]})
    return str(sent.json()["id"])


async def test_submit_reaches_the_bot_as_a_value_without_text(
    http: httpx.AsyncClient, bot: Bot, person: str, chat: str
) -> None:
    card = await put_card(http, chat)
    await http.post(f"/teams/{person}/submit", json={"activity": card, "data": {"answer": "yes"}})
    await until(lambda: bot.said("message"))
    [message] = bot.said("message")
    assert (message["value"], message["replyToId"], "text" in message) == ({"answer": "yes"}, card, False)
    assert len((await changes(http, person))["messages"]) == 1


async def test_execute_puts_the_answered_card_in_the_place_of_the_old(
    http: httpx.AsyncClient, bot: Bot, person: str, chat: str
) -> None:
    await until(lambda: len(bot.heard) == 2)
    card = await put_card(http, chat)
    thanks = {"type": "AdaptiveCard", "version": "1.5", "fallbackText": "Thank you"}
    bot.answers = [web.json_response({"statusCode": 200, "type": teams.CARD, "value": thanks})]
    order = {"activity": card, "verb": "answer", "data": {"text": "42"}}
    assert (await http.post(f"/teams/{person}/execute", json=order)).json()["ok"] is True
    [invoke] = bot.said("invoke")
    assert invoke["name"] == "adaptiveCard/action"
    assert invoke["value"]["action"] == {"type": "Action.Execute", "verb": "answer", "data": {"text": "42"}}
    [message] = (await changes(http, person))["messages"]
    assert (message["attachments"][0]["content"], message["edited"]) == (thanks, False)


async def test_execute_says_what_the_bot_said_and_when_it_is_away(
    m365: M365, http: httpx.AsyncClient, bot: Bot, person: str, chat: str
) -> None:
    await until(lambda: len(bot.heard) == 2)
    card = await put_card(http, chat)
    order = {"activity": card, "verb": "answer", "data": {}}
    kind = "application/vnd.microsoft.activity.message"
    bot.answers = [web.json_response({"statusCode": 200, "type": kind, "value": "Noted"})]
    assert (await http.post(f"/teams/{person}/execute", json=order)).json() == {
        "ok": True,
        "message": "Noted",
    }
    failed = {"statusCode": 400, "type": "application/vnd.microsoft.error", "value": {"message": "Too long"}}
    bot.answers = [web.json_response(failed)]
    answer = (await http.post(f"/teams/{person}/execute", json=order)).json()
    assert (answer["ok"], answer["message"]) == (False, "Too long")
    m365.bot_url = "http://127.0.0.1:9/"
    assert (await http.post(f"/teams/{person}/execute", json=order)).json()["reason"] == "away"


async def test_a_card_can_only_be_used_by_the_person_it_was_sent_to(
    m365: M365, http: httpx.AsyncClient, chat: str, person: str
) -> None:
    other = somebody(m365, "Kofi Starbridge")
    teams.installed(m365.state, other)
    card = await put_card(http, chat)
    text = (await http.post(path(chat), json={"type": "message", "text": "no card"})).json()["id"]
    for who, activity in ((other, card), (person, "1"), (person, text)):
        answer = await http.post(f"/teams/{who}/submit", json={"activity": activity, "data": {}})
        assert answer.status_code == 404
    assert (
        await http.post(f"/teams/{person}/submit", json={"activity": card, "data": []})
    ).status_code == 400


# the page's own questions ---------------------------------------------------------------------------------


async def test_only_what_is_new_is_told_and_a_reset_starts_over(
    m365: M365, http: httpx.AsyncClient, person: str, chat: str
) -> None:
    await http.post(path(chat), json={"type": "message", "text": "one"})
    first = await changes(http, person)
    assert first["start_over"]
    await http.post(path(chat), json={"type": "message", "text": "two"})
    second = await changes(http, person, after=first["revision"])
    assert ([m["text"] for m in second["messages"]], second["start_over"]) == (["two"], False)
    m365.state.reset()
    teams.installed(m365.state, somebody(m365))
    third = await changes(http, person, after=second["revision"])
    assert (third["messages"], third["start_over"]) == ([], True)


async def test_long_chats_come_in_windows(http: httpx.AsyncClient, person: str, chat: str) -> None:
    for n in range(53):
        await http.post(path(chat), json={"type": "message", "text": str(n)})
    last = await changes(http, person)
    assert (len(last["messages"]), last["messages"][0]["text"], last["earlier"]) == (50, "3", True)
    first = await changes(http, person, before=last["messages"][0]["seq"])
    assert ([m["text"] for m in first["messages"]], first["earlier"]) == (["0", "1", "2"], False)


async def test_a_prompt_is_a_notice_and_an_answer_is_not(
    m365: M365, http: httpx.AsyncClient, bot: Bot, person: str, chat: str
) -> None:
    await http.post(path(chat), json={"type": "message", "text": "Two minutes for your review?"})
    await http.post(f"/teams/{person}/messages", json={"text": "hello"})
    await until(lambda: bot.said("message"))
    asked = bot.said("message")[0]["id"]
    await http.post(path(chat, f"activities/{asked}"), json={"type": "message", "text": "Hello to you"})
    now = await changes(http, person)
    assert [n["text"] for n in now["notices"]] == ["Two minutes for your review?"]
    assert now["unread"] == 2
    other = somebody(m365, "Kofi Starbridge")
    seen_by_other = await changes(http, other)
    assert seen_by_other["others"] == [{"id": person, "name": "Amina Tannouri", "unread": 2}]
    await http.post(f"/teams/{person}/read", json={"seq": now["messages"][-1]["seq"]})
    assert (await changes(http, person))["unread"] == 0
    alert = {"type": "message", "text": "Due", "channelData": {"notification": {"alert": True}}}
    await http.post(path(chat, f"activities/{asked}"), json=alert)
    assert [n["unread"] for n in (await changes(http, person))["notices"]] == [True, False]


async def test_another_site_cannot_act_for_a_person(http: httpx.AsyncClient, person: str, chat: str) -> None:
    where, text = f"/teams/{person}/messages", {"text": "forged"}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "rebound.example"},
    ):
        assert (await http.post(where, json=text, headers=headers)).status_code == 403
        assert (await http.get(f"/teams/{person}/changes", headers=headers)).status_code == 403
    assert (await http.post(where, data=text)).status_code == 415
    assert (await changes(http, person))["messages"] == []


async def test_bad_requests_of_a_page_are_refused_in_one_line(
    http: httpx.AsyncClient, person: str, chat: str
) -> None:
    where = f"/teams/{person}/messages"
    for body, status in (({"text": " "}, 400), ({"text": 7}, 400), ({}, 400), ({"text": "x" * 30_000}, 413)):
        assert (await http.post(where, json=body)).status_code == status
    json_type = {"Content-Type": "application/json"}
    for content in (b"{", b"[]"):
        assert (await http.post(where, content=content, headers=json_type)).status_code == 400
    assert (await http.get(f"/teams/{person}/changes", params={"before": "x"})).status_code == 400
    assert (await http.get("/teams/nobody/changes")).status_code == 404
    assert (await http.get("/teams/nobody")).status_code == 303


async def test_pages_carry_a_strict_policy(http: httpx.AsyncClient, person: str) -> None:
    for where in ("/", "/teams", f"/teams/{person}", "/sharepoint"):
        answer = await http.get(where)
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "style-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert " style=" not in answer.text
        assert " onclick=" not in answer.text
