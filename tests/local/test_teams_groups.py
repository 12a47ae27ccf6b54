"""Group chats and channels: members, mentions, threads, and what the page of each member shows."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from km365.local import teams, teams_groups, users
from km365.local.server import M365
from km365.local.teams_groups import Group

NAMES = ("Ann", "Bob", "Cleo")
WORDS = {"type": "message", "text": "Hello all"}


@pytest.fixture
def people(m365: M365) -> list[str]:
    for name in NAMES:
        users.create(m365.state, id=name.lower(), upn=f"{name}@x.example", display_name=name, language="en")
    return [name.lower() for name in NAMES]


@pytest.fixture
def group(m365: M365, people: list[str]) -> Group:
    return teams_groups.get(m365.state, teams_groups.create(m365.state, "Pumps", people))


@pytest.fixture
def channel(m365: M365, people: list[str]) -> Group:
    made = teams_groups.create(m365.state, "Water", people, kind=teams_groups.CHANNEL)
    return teams_groups.get(m365.state, made)


@pytest.fixture
async def http(m365: M365) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=m365.base_url) as client:
        yield client


async def seen(http: httpx.AsyncClient, person: str, group: Group) -> list[dict[str, Any]]:
    answer = await http.get(f"/teams/{person}/in/{group.id}/changes")
    assert answer.status_code == 200, answer.text
    messages: list[dict[str, Any]] = answer.json()["messages"]
    return messages


async def test_the_members_of_a_group_are_told_page_by_page(
    http: httpx.AsyncClient, m365: M365, channel: Group
) -> None:
    first = (await http.get(f"/v3/conversations/{channel.team}/pagedmembers?pageSize=2")).json()
    assert [one["name"] for one in first["members"]] == ["Ann", "Bob"]
    rest = f"/v3/conversations/{channel.team}/pagedmembers?continuationToken={first['continuationToken']}"
    last = (await http.get(rest)).json()
    assert ([one["name"] for one in last["members"]], "continuationToken" in last) == (["Cleo"], False)
    assert last["members"][0]["id"] == teams.account("cleo")
    assert (await http.get(f"/v3/conversations/{channel.id}/members/bob")).json()["name"] == "Bob"
    assert (await http.get(f"/v3/conversations/{channel.id}/members/nobody")).status_code == 404
    assert (await http.get(f"/v3/conversations/{channel.id}/pagedmembers?pageSize=x")).status_code == 400


async def test_the_bot_is_told_what_mentions_it_and_nothing_else(m365: M365, group: Group) -> None:
    teams_groups.say(m365.state, group, "ann", "Who knows about pumps?")
    teams_groups.say(m365.state, group, "bob", "@km365 help")
    rows = m365.state.all("SELECT activity FROM chat_outgoing ORDER BY seq")
    heard = [json.loads(row["activity"]) for row in rows]
    assert [one["type"] for one in heard] == ["installationUpdate", "message"]
    mention = heard[1]["entities"][-1]
    assert (heard[1]["text"], mention["type"]) == ("<at>km365</at> help", "mention")
    assert mention["mentioned"]["id"] == heard[1]["recipient"]["id"]
    assert heard[1]["from"]["aadObjectId"] == "bob"
    assert heard[1]["conversation"]["conversationType"] == "groupChat"


async def test_a_channel_keeps_replies_in_their_thread(
    http: httpx.AsyncClient, m365: M365, channel: Group
) -> None:
    root = teams_groups.say(m365.state, channel, "ann", "Which pumps broke?")
    teams_groups.say(m365.state, channel, "bob", "Two of nine", thread=root)
    where = f"/v3/conversations/{channel.conversation_id(root)}/activities"
    sent = (await http.post(where, json=WORDS)).json()["id"]
    await http.put(f"{where}/{sent}", json={**WORDS, "text": "Hello again"})
    first, second, third = await seen(http, "cleo", channel)
    assert (first["thread"], first.get("answers")) == (root, None)
    assert (second["thread"], second["answers"], second["author"]) == (root, "Which pumps broke?", "Bob")
    assert (third["thread"], third["text"], third["from"]) == (root, "Hello again", "bot")


async def test_each_member_sees_who_wrote_what(http: httpx.AsyncClient, m365: M365, group: Group) -> None:
    sent = await http.post(f"/teams/ann/in/{group.id}/messages", json={"text": "@km365 help"})
    assert sent.status_code == 200
    assert [(one["from"], one["text"]) for one in await seen(http, "ann", group)] == [("me", "@km365 help")]
    (bobs,) = await seen(http, "bob", group)
    assert (bobs["from"], bobs["author"]) == ("other", "Ann")


async def test_who_is_no_member_sees_nothing(http: httpx.AsyncClient, m365: M365, group: Group) -> None:
    users.create(m365.state, id="eve", upn="eve@x.example", display_name="Eve", language="en")
    assert (await http.get(f"/teams/eve/in/{group.id}/changes")).status_code == 404
    said = await http.post(f"/teams/eve/in/{group.id}/messages", json={"text": "hello"})
    assert said.status_code == 404
    assert (await http.get(f"/teams/eve/in/{group.id}")).status_code == 303


async def test_what_the_bot_posts_is_unread_until_a_member_has_seen_it(
    http: httpx.AsyncClient, m365: M365, group: Group
) -> None:
    await http.post(f"/v3/conversations/{group.id}/activities", json=WORDS)
    assert [teams_groups.unread(m365.state, group, one) for one in ("ann", "bob")] == [1, 1]
    (message,) = await seen(http, "ann", group)
    await http.post(f"/teams/ann/in/{group.id}/read", json={"seq": message["seq"]})
    assert [teams_groups.unread(m365.state, group, one) for one in ("ann", "bob")] == [0, 1]
    page = (await http.get("/teams/bob")).text
    assert "Pumps" in page and f"/in/{group.id.replace(':', '%3A').replace('@', '%40')}" in page
