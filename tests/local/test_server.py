"""The server itself: what every request meets, and what `/_local/` controls."""

import httpx
import pytest

from km365.errors import SettingsError, StoreError
from km365.local import sites
from km365.local.server import start_server

pytestmark = pytest.mark.local_only


@pytest.fixture
async def control(m365):
    """A client of `/_local/`."""
    async with httpx.AsyncClient(base_url=m365.base_url) as client:
        yield client


async def journal(control):
    return (await control.get("/_local/journal")).json()["entries"]


@pytest.mark.parametrize(
    ("verb", "path", "named"),
    [
        ("GET", "/planner/tasks", "/planner/tasks"),
        ("PUT", "/sites/root", "PUT"),
        ("GET", "/sites/root?$expand=drive", "$expand"),
        ("GET", "/sites?$filter=round(x) eq 1", "round"),
    ],
)
async def test_what_it_does_not_know_it_refuses_by_name(graph, verb, path, named):
    refused = await graph.request(verb, path)
    assert refused.status_code == 501
    assert refused.json()["error"]["code"] == "notImplemented"
    assert named in refused.json()["error"]["message"]


async def test_every_answer_carries_a_request_id_and_the_client_s_own(graph):
    for path in ("/sites/root", "/nowhere"):
        answer = await graph.get(path, headers={"client-request-id": "mine"})
        assert answer.headers["client-request-id"] == "mine"
        if answer.status_code >= 400:
            assert answer.json()["error"]["innerError"]["request-id"] == answer.headers["request-id"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"'])
async def test_a_body_that_is_no_json_object_is_a_bad_request(graph, site, body):
    refused = await graph.post(f"/sites/{site}/lists", content=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BadRequest")


async def test_any_bearer_is_welcome_but_none_is_not(m365, control):
    assert (await control.get("/v1.0/sites/root")).status_code == 401
    welcome = await control.get("/v1.0/sites/root", headers={"Authorization": "Bearer whatever"})
    assert welcome.status_code == 200


async def test_strict_tokens_take_only_the_server_s_own_until_they_expire(m365, control):
    await control.put("/_local/strict-tokens", json={"on": True})
    strange = await control.get("/v1.0/sites/root", headers={"Authorization": "Bearer whatever"})
    assert (strange.status_code, strange.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
    form = {
        "grant_type": "client_credentials",
        "client_id": "km365",
        "client_secret": "x",
        "scope": "x/.default",
    }
    token = (await control.post("/tenant/oauth2/v2.0/token", data=form)).json()["access_token"]
    own = {"Authorization": f"Bearer {token}"}
    assert (await control.get("/v1.0/sites/root", headers=own)).status_code == 200
    await control.post("/_local/clock", json={"advance_s": 4000})
    assert (await control.get("/v1.0/sites/root", headers=own)).status_code == 401


async def test_a_browser_gets_the_controls_as_a_page_and_a_program_as_json(control):
    page = await control.get("/_local/", headers={"Accept": "text/html,*/*;q=0.8", "Accept-Language": "fr"})
    assert page.headers["Content-Type"].startswith("text/html")
    assert "Avancer d&#39;un jour" in page.text
    assert "POST /_local/reset" in (await control.get("/_local/")).json()["controls"]


async def test_every_control_says_what_it_does(control):
    page = (await control.get("/_local/", headers={"Accept": "text/html"})).text
    assert "<span></span>" not in page


@pytest.mark.parametrize("path", ["/_local/page/clock", "/_local/page/faults/open_file"])
async def test_another_page_of_this_machine_cannot_use_the_controls_forms(m365, control, path):
    before = m365.state.now()
    answer = await control.post(path, data={"days": "7", "on": "1"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert (m365.state.now() - before).days == 0


@pytest.mark.parametrize("days", ["", "-1", "9999999999", "x"])
async def test_the_page_moves_the_clock_by_its_own_steps_only(control, days):
    assert (await control.post("/_local/page/clock", data={"days": days})).status_code == 400


async def test_the_token_endpoint_refuses_other_grants(control):
    refused = await control.post(
        "/tenant/oauth2/v2.0/token", data={"grant_type": "password", "client_id": "x"}
    )
    assert refused.status_code == 400


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "http://127.0.0.1:1"}],
)
async def test_a_web_page_elsewhere_cannot_reach_it_through_a_browser(control, headers):
    assert (await control.post("/_local/reset", headers=headers)).status_code == 403


async def test_it_listens_on_this_machine_only():
    with pytest.raises(SettingsError):
        await start_server(host="0.0.0.0")


async def test_a_port_in_use_is_the_caller_s_to_explain(m365):
    with pytest.raises(OSError, match=r"in use|10048"):
        await start_server(port=int(m365.base_url.rsplit(":", 1)[-1]))


async def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "m365.sqlite").write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(StoreError, match=r"m365\.sqlite"):
        await start_server(path=tmp_path / "m365.sqlite")


async def test_a_file_of_another_version_is_refused_in_words(tmp_path):
    path = tmp_path / "m365.sqlite"
    async with await start_server(path=path) as m365:
        m365.state.one("ALTER TABLE journal ADD COLUMN colour TEXT")
    with pytest.raises(StoreError, match="another version of km365: journal"):
        await start_server(path=path)


async def test_on_a_full_disk_nothing_is_lost_and_it_goes_on_afterwards(tmp_path, caplog):
    headers = {"Authorization": "Bearer x"}
    async with await start_server(path=tmp_path / "m365.sqlite") as m365:
        site = sites.create(m365.state, "/sites/knowledge", "Knowledge")
        async with httpx.AsyncClient(base_url=m365.graph_url, headers=headers) as client:
            address = f"/sites/{site}/lists"
            await client.post(address, json={"displayName": "Before"})
            pages = m365.state.one("PRAGMA page_count")[0]
            m365.state.one(f"PRAGMA max_page_count = {pages}")
            full = await client.post(address, json={"displayName": "x", "description": "x" * 100_000})
            assert (full.status_code, full.json()["error"]["code"]) == (507, "quotaLimitReached")
            assert "m365.sqlite" in caplog.text
            big = {"name": "x" * 100_000}
            control = await client.put(f"{m365.base_url}/_local/faults/open_file", json=big)
            assert (control.status_code, control.json()["error"]["code"]) == (507, "quotaLimitReached")
            m365.state.one("PRAGMA max_page_count = 1000000")
            assert (await client.post(address, json={"displayName": "After"})).status_code == 201
            kept = (await client.get(address)).json()["value"]
    assert [n["displayName"] for n in kept] == ["After", "Before", "Documents"]


async def test_everything_survives_a_restart(tmp_path):
    path = tmp_path / "m365.sqlite"
    headers = {"Authorization": "Bearer x"}
    async with await start_server(path=path) as first, httpx.AsyncClient(headers=headers) as client:
        site = sites.create(first.state, "/sites/knowledge", "Knowledge")
        made = await client.post(f"{first.graph_url}/sites/{site}/lists", json={"displayName": "Lessons"})
        address = f"/sites/{site}/lists/{made.json()['id']}/items"
        await client.post(first.graph_url + address, json={"fields": {"Title": "A"}})
        await client.post(f"{first.base_url}/_local/clock", json={"set": "2030-01-01T00:00:00Z"})
        link = (await client.get(f"{first.graph_url}{address}/delta")).json()["@odata.deltaLink"]
        await client.put(f"{first.base_url}/_local/faults/open_file", json={"name": "*.docx"})
    async with await start_server(path=path) as second, httpx.AsyncClient(headers=headers) as client:
        [kept] = (await client.get(f"{second.graph_url}{address}?$expand=fields")).json()["value"]
        assert kept["fields"]["Title"] == "A"
        token = link.partition("?")[2]
        assert (await client.get(f"{second.graph_url}{address}/delta?{token}")).json()["value"] == []
        assert (
            (await client.get(f"{second.base_url}/_local/clock")).json()["now"].startswith("2030-01-01T00:")
        )
        faults = (await client.get(f"{second.base_url}/_local/faults")).json()
        assert next(f for f in faults if f["name"] == "open_file")["settings"]["name"] == "*.docx"


async def test_a_reset_forgets_everything(graph, control, m365, site, quirks):
    await quirks("empty_pages")
    await control.post("/_local/clock", json={"advance_s": 1_000_000})
    await graph.post(f"/sites/{site}/lists", json={"displayName": "Lessons"})
    assert (await control.post("/_local/reset")).status_code == 200
    assert (await graph.get(f"/sites/{site}")).status_code == 404
    assert (await graph.get("/sites/root")).status_code == 200
    assert (await control.get("/_local/clock")).json()["offset_s"] == 0
    assert not next(f for f in (await control.get("/_local/faults")).json() if f["name"] == "empty_pages")[
        "on"
    ]
    assert await journal(control) == []


async def test_the_clock_moves_what_graph_writes(graph, control, site):
    await control.post("/_local/clock", json={"set": "2031-05-06T07:08:09Z"})
    made = await graph.post(f"/sites/{site}/lists", json={"displayName": "Later"})
    assert made.json()["createdDateTime"].startswith("2031-05-06T07:08:")
    for nonsense in ({}, {"set": "soon"}, {"set": 7}, {"advance_s": "1e999"}):
        assert (await control.post("/_local/clock", json=nonsense)).status_code == 400


async def test_the_journal_says_who_wrote_but_never_what(graph, control, site):
    token = (await control.post("/_local/token", json={"app": "km365", "user": "u-1"})).json()["access_token"]
    body = {"displayName": "A secret matter"}
    as_person = {"Authorization": f"Bearer {token}"}
    await graph.post(f"/sites/{site}/lists", json=body, headers=as_person)
    await graph.get(f"/sites/{site}/lists")
    [entry] = await journal(control)
    assert (entry["app"], entry["person"], entry["verb"], entry["status"]) == ("km365", "u-1", "POST", 201)
    assert entry["path"] == f"/sites/{site}/lists"
    assert "secret" not in str(entry)


async def test_faults_are_asked_for_by_name(control):
    assert (await control.put("/_local/faults/earthquake", json={})).status_code == 404
    assert (await control.put("/_local/faults/open_file", json={"colour": "red"})).status_code == 400
    assert (await control.put("/_local/faults/open_file", content=b"[")).status_code == 400
    assert (await control.delete("/_local/faults")).status_code == 200


async def test_the_next_matching_requests_fail_as_asked(graph, site, quirks):
    await quirks("next_requests", verb="GET", path="/sites/*/lists", status=503, retry_after_s=7, times=2)
    assert (await graph.get(f"/sites/{site}")).status_code == 200
    for _ in range(2):
        failed = await graph.get(f"/sites/{site}/lists")
        assert (failed.status_code, failed.headers["Retry-After"]) == (503, "7")
    assert (await graph.get(f"/sites/{site}/lists")).status_code == 200


async def test_an_unknown_seed_is_refused(control):
    assert (await control.post("/_local/seed", json={"name": "nowhere"})).status_code == 404


async def test_the_controls_and_the_evidence_are_listed(control):
    overview = (await control.get("/_local/")).json()
    assert "POST /_local/reset" in overview["controls"]
    assert {"verb": "GET", "path": "/sites/root", "evidence": "documented: site-get"} in overview["routes"]


async def test_an_unknown_page_is_501_too(control):
    assert (await control.get("/nothing/here")).status_code == 501
