"""What every call does: token, addresses, refusals, paging."""

import asyncio
import logging
import subprocess
import sys

import pytest

from km365 import __version__
from km365.errors import (
    Forbidden,
    GraphChangedMeanwhile,
    GraphError,
    GraphNotFound,
    GraphUnreachable,
    InputRefused,
    Locked,
    ResyncNeeded,
    Throttled,
)
from km365.graph.client import USER_AGENT, Graph, proxy_of
from km365.graph.pacing import Limits
from tests.graph.conftest import Paced, StaticCredential, Stub, answer, refused

SITE = "/sites/h,1,2"


async def test_a_plain_call_carries_the_token_and_the_decorated_user_agent(client: Paced, stub: Stub) -> None:
    stub.then(body={"id": "7"})
    assert await client.graph.get(SITE, params={"$select": "id,name"}) == {"id": "7"}
    [seen] = stub.seen
    assert seen.path == "/v1.0/sites/h,1,2?$select=id,name"
    assert seen.headers["Authorization"] == "Bearer a-token"
    assert seen.headers["User-Agent"] == USER_AGENT == f"NONISV|Agency|km365/{__version__}"


async def test_spaces_and_quotes_in_a_filter_arrive_as_they_were(client: Paced, stub: Stub) -> None:
    stub.then(body={"value": []})
    await client.graph.get("/users", params={"$filter": "displayName eq 'O''Hara & Søn+1'", "$top": None})
    assert "+" not in stub.seen[0].path and "%20eq%20" in stub.seen[0].path
    assert "%2B1" in stub.seen[0].path and "%26" in stub.seen[0].path and "$top" not in stub.seen[0].path


async def test_strings_that_look_like_dates_or_ids_stay_strings(client: Paced, stub: Stub) -> None:
    fields = {"Title": "2026-01-31", "TermGuid": "9b1f3c1e-0000-4000-8000-0123456789ab"}
    stub.then(body={"fields": fields})
    assert (await client.graph.get(SITE))["fields"] == fields


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalidRequest", GraphError),
        (401, "InvalidAuthenticationToken", Forbidden),
        (403, "accessDenied", Forbidden),
        (404, "itemNotFound", GraphNotFound),
        (409, "nameAlreadyExists", GraphError),
        (409, "resourceModified", GraphChangedMeanwhile),
        (412, "notSupported", GraphChangedMeanwhile),
        (423, "resourceLocked", Locked),
        (500, "generalException", GraphError),
        (501, "notImplemented", GraphError),
        (507, "insufficientStorage", GraphError),
    ],
)
async def test_a_refusal_keeps_status_code_and_request_id(
    client: Paced, stub: Stub, status: int, code: str, kind: type[GraphError]
) -> None:
    stub.always(lambda _: refused(status, code))
    with pytest.raises(GraphError) as caught:
        await client.graph.patch(f"{SITE}/lists/1/items/2/fields", {"Title": "x"})
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.code) == (status, code)
    assert caught.value.request_id == "11111111-2222-3333-4444-555555555555"
    assert len(stub.seen) == 1


async def test_the_request_id_header_wins_over_the_body(client: Paced, stub: Stub) -> None:
    stub.then(404, {"error": {"code": "itemNotFound"}}, request_id="from-the-header")
    with pytest.raises(GraphNotFound) as caught:
        await client.graph.get(SITE)
    assert caught.value.request_id == "from-the-header"


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("GET", "/sites/a/lists/b/items", "Sites.Selected with read"),
        ("PATCH", "/sites/a/lists/b/items/1/fields", "Sites.Selected with write"),
        ("POST", "/sites/a/lists", "Sites.Manage.All"),
        ("POST", "/sites/a/lists/b/columns", "Sites.Manage.All"),
        ("POST", "/sites/a/permissions", "Sites.FullControl.All"),
        ("GET", "/sites/a/termStore/groups", "TermStore.Read.All"),
        ("POST", "/sites/a/termStore/sets", "TermStore.ReadWrite.All"),
        ("GET", "/users/x", "User.Read.All"),
        ("GET", "/users?$select=id,employeeLeaveDateTime", "User-LifeCycleInfo.Read.All"),
        ("POST", "/users/x/teamwork/installedApps", "TeamsAppInstallation.ReadWriteSelfForUser.All"),
        ("GET", "/appCatalogs/teamsApps", "AppCatalog.Read.All"),
        ("PUT", "/drives/a/root:/x.docx:/content", "Sites.Selected with write"),
    ],
)
async def test_forbidden_names_the_permission_that_is_missing(
    client: Paced, stub: Stub, method: str, path: str, permission: str
) -> None:
    stub.then(403, {"error": {"code": "accessDenied", "message": "Access denied"}})
    with pytest.raises(Forbidden, match=permission.replace(".", r"\.")) as caught:
        await client.graph.request(method, path)
    assert "km365 doctor" in str(caught.value)


@pytest.mark.parametrize("nested", [True, False])
async def test_both_bodies_of_423_mean_locked(client: Paced, stub: Stub, nested: bool) -> None:
    error = (
        {"code": "notAllowed", "innerError": {"code": "resourceLocked"}}
        if nested
        else {"code": "resourceLocked", "message": "The resource you are attempting to access is locked"}
    )
    stub.then(423, {"error": error})
    with pytest.raises(Locked, match="open or checked out"):
        await client.graph.patch(f"{SITE}/lists/1/items/2/fields", {})


async def test_messages_and_logs_hold_no_names_values_or_tokens(
    client: Paced, stub: Stub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = "User 'Jane Doe' (jane.doe@agency.example) may not set field 'KMKind' to \"a secret thing\"."
    stub.then(400, {"error": {"code": "invalidRequest", "message": said}})
    with pytest.raises(GraphError) as caught:
        await client.graph.patch("/drives/1/root:/Handover Jane Doe.docx:", {"KMKind": "a secret thing"})
    shown = str(caught.value) + caplog.text
    assert "'KMKind'" in shown
    assert not [word for word in ("Jane", "jane.doe", "secret", "a-token") if word in shown]


async def test_an_answer_that_is_no_json_is_an_error_and_not_an_empty_list(client: Paced, stub: Stub) -> None:
    stub.then(200, b"<html>Sign in to the proxy</html>")
    with pytest.raises(GraphError, match="not a JSON object"):
        await client.graph.get(SITE)


async def test_nobody_answering_is_told_at_once(unused_tcp_port: int) -> None:
    graph = Graph(
        base_url=f"http://127.0.0.1:{unused_tcp_port}/v1.0",
        credential=StaticCredential(),
        limits=Limits.for_licences(1),
    )
    with pytest.raises(GraphUnreachable, match="km365 up"):
        await graph.get("/sites/root")
    await graph.aclose()


async def test_paging_follows_empty_pages_and_keeps_the_links_as_they_are(client: Paced, stub: Stub) -> None:
    odd = f"{stub.url}/v1.0/x?$skiptoken=a%2Bb%3D%3D;MSZ0b2tlbj0%7E~'(1)"
    delta = f"{stub.url}/v1.0/x/delta?token=1%3B2;%25'x"
    stub.then(body={"value": [{"id": "1"}], "@odata.nextLink": odd})
    stub.then(body={"value": [], "@odata.nextLink": f"{odd}2"})
    stub.then(body={"value": [{"id": "2"}], "@odata.deltaLink": delta})
    pages = [
        page async for page in client.graph.pages("/x", params={"$top": 1}, headers={"Prefer": "something"})
    ]
    assert [[one["id"] for one in page.values] for page in pages] == [["1"], [], ["2"]]
    assert pages[-1].delta_link == delta
    assert [f"{stub.url}{one.path}" for one in stub.seen[1:]] == [odd, f"{odd}2"]
    assert [one.headers.get("Prefer") for one in stub.seen] == ["something"] * 3


async def test_pages_that_go_round_in_circles_stop(client: Paced, stub: Stub) -> None:
    stub.always(lambda _: answer(body={"value": [], "@odata.nextLink": f"{stub.url}/v1.0/x?again"}))
    with pytest.raises(GraphError, match="already read"):
        async for _ in client.graph.pages("/x"):
            pass


@pytest.mark.parametrize(
    "link", ["https://graph.microsoft.com/v1.0/x", "http://127.0.0.1:1/v1.0/x", "https://127.0.0.1/v1.0/x"]
)
async def test_the_token_does_not_follow_a_link_away_from_graph(client: Paced, stub: Stub, link: str) -> None:
    stub.then(body={"value": [], "@odata.nextLink": link})
    with pytest.raises(InputRefused, match="leads away"):
        async for _ in client.graph.pages("/x"):
            pass
    assert len(stub.seen) == 1


@pytest.mark.parametrize(
    ("code", "keep_ours"),
    [("resyncChangesApplyDifferences", False), ("resyncChangesUploadDifferences", True)],
)
async def test_410_says_where_to_start_again_and_whose_changes_count(
    client: Paced, stub: Stub, code: str, keep_ours: bool
) -> None:
    stub.then(410, {"error": {"code": code}}, Location=f"{stub.url}/v1.0/x/delta?token=")
    with pytest.raises(ResyncNeeded) as caught:
        async for _ in client.graph.pages("/x/delta?token=old"):
            pass
    assert caught.value.url == f"{stub.url}/v1.0/x/delta?token="
    assert caught.value.keep_ours is keep_ours


async def test_a_revoked_token_is_replaced_once(client: Paced, stub: Stub) -> None:
    challenge = 'Bearer realm="", error="insufficient_claims", claims="eyJhIjoxfQ=="'
    stub.then(401, {"error": {"code": "InvalidAuthenticationToken"}}, WWW_Authenticate=challenge)
    stub.then(body={"id": "7"})
    assert await client.graph.get(SITE) == {"id": "7"}
    stub.always(lambda _: refused(401, "InvalidAuthenticationToken", headers={"WWW-Authenticate": challenge}))
    with pytest.raises(Forbidden, match="sign-in"):
        await client.graph.get(SITE)
    assert len(stub.seen) == 4


def test_a_text_that_was_cut_within_a_character_is_still_read() -> None:
    from km365.graph.wire import parse

    assert parse(b'{"name": "Rapport \\ud83d"}') == {"name": "Rapport \ufffd"}


async def test_ids_cannot_add_segments_or_climb(client: Paced) -> None:
    from km365.graph.wire import file_path, segment

    assert segment("a/../b?x#y") == "a%2F..%2Fb%3Fx%23y"
    assert file_path("/Année 2026/10% & co.docx") == "Ann%C3%A9e%202026/10%25%20%26%20co.docx"
    for bad in ("", ".", ".."):
        with pytest.raises(InputRefused):
            segment(bad)


async def test_throttled_past_our_patience_says_how_long(client: Paced, stub: Stub) -> None:
    stub.always(lambda _: refused(429, "activityLimitReached", headers={"Retry-After": "120"}))
    with pytest.raises(Throttled) as caught:
        await client.graph.get(SITE)
    assert caught.value.retry_after_s == 120
    assert len(stub.seen) == 1


async def test_calls_at_once_share_one_sign_in(stub: Stub) -> None:
    class Counting(StaticCredential):
        asked = 0

        async def get_token(self, *scopes: str, **kwargs: object):
            self.asked += 1
            await asyncio.sleep(0)
            return await super().get_token(*scopes, **kwargs)

    credential = Counting()
    graph = Graph(base_url=f"{stub.url}/v1.0", credential=credential, limits=Limits.for_licences(1))
    stub.always(lambda _: answer(body={}))
    await asyncio.gather(*(graph.get("/sites/root") for _ in range(20)))
    await graph.aclose()
    assert credential.asked == 1


def test_plain_calls_import_neither_the_sdk_nor_azure() -> None:
    """The 4 to 10 seconds of the first typed call are not paid by a command that makes none."""
    code = (
        "import sys, asyncio\n"
        "from km365.graph import apps, batch, client, drives, lists, metadata, people, sites\n"
        "from km365.graph import subscriptions, terms\n"
        "from km365.graph.auth import LocalCredential\n"
        "from km365.graph.pacing import Limits\n"
        "async def go():\n"
        "    url = 'http://127.0.0.1:9/v1.0'\n"
        "    g = client.Graph(base_url=url, credential=LocalCredential(url), limits=Limits.for_licences(1))\n"
        "    try: await g.get('/sites/root')\n"
        "    except Exception as e: print(type(e).__name__)\n"
        "    await g.aclose()\n"
        "asyncio.run(go())\n"
        "heavy = ('msgraph', 'msgraph_core', 'kiota_http', 'kiota_abstractions', 'azure', 'aiohttp')\n"
        "print([m for m in heavy if m in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n")[:2] == ["GraphUnreachable", "[]"]


async def test_a_proxy_is_used_for_graph_and_never_around_the_governor(
    client: Paced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert proxy_of("https://graph.microsoft.com/v1.0") == "http://proxy.example:3128"
    assert proxy_of("http://127.0.0.1:8365/v1.0") is None
    monkeypatch.setenv("NO_PROXY", "graph.microsoft.com")
    assert proxy_of("https://graph.microsoft.com/v1.0") is None
    graph = Graph(
        base_url="https://graph.microsoft.us/v1.0",
        credential=StaticCredential(),
        limits=Limits.for_licences(1),
    )
    assert not graph.http._mounts, "httpx would send what is mounted past our transport"
    await graph.aclose()
