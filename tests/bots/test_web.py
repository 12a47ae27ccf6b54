"""The workspace's pages and the service's doors."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from km365_bots.web import PANELS, Campaign, Entry, Workspace, application
from lxml import html
from markupsafe import Markup

from km365.core.languages import LANGUAGES
from km365.documents.words import Words
from km365.errors import GraphUnreachable, NotFound, StoreError
from km365.templates import Templates

WORDS = Words.read(Templates(), "messages/workspace")
APP_WORDS = Words.read(Templates(), "messages/teams_app")


async def milestones(language: str) -> Sequence[Entry]:
    return [
        Entry(
            title="Mid-term review <Ardania>",
            detail=language,
            on=date(2026, 11, 27),
            link="https://x.example/1",
        )
    ]


async def nothing(language: str) -> Sequence[Entry]:
    return []


async def unreachable(language: str) -> Sequence[Entry]:
    raise GraphUnreachable("Nothing answers.")


class Campaigns:
    """One campaign."""

    async def all(self, language: str) -> Sequence[Campaign]:
        return [await self.one("milestone:1", language)]

    async def one(self, campaign_id: str, language: str) -> Campaign:
        if campaign_id != "milestone:1":
            raise NotFound("no such campaign")
        return Campaign(
            title="Mid-term review <Ardania>",
            office="CO-ARD",
            on=date(2026, 11, 27),
            state="under way",
            link="/campaigns/milestone%3A1",
            brief=[("Answered", "14 of 22")],
            people=[("Asked", "22")],
            reasons=[("app blocked", "3")],
        )


class Loop:
    """Says which report it was asked for."""

    async def report(self, language: str) -> Markup:
        return Markup(f"<p>offices, {language}</p>")


async def well() -> None:
    return None


async def heard(request: web.Request) -> web.Response:
    return web.json_response(await request.json())


def workspace(**changes: Any) -> Workspace:
    parts = {
        "organisation": "Children's Agency",
        "words": WORDS,
        "app_words": APP_WORDS,
        "panels": {"waiting": nothing, "milestones": milestones, "departures": unreachable},
        "campaigns": Campaigns(),
        "loop": Loop(),
        "checks": {"database": well},
        "open_to_all": True,
    }
    return Workspace(**{**parts, **changes})


@asynccontextmanager
async def served(**changes: Any) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(application(workspace(**changes), heard), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", http


async def page(language: str = "en", path: str = "/", **changes: Any) -> html.HtmlElement:
    async with (
        served(**changes) as (url, http),
        http.get(url + path, params={"language": language}) as answer,
    ):
        assert answer.status == 200
        return html.document_fromstring(await answer.text())


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_first_page_speaks_every_language(language):
    document = await page(language)
    assert document.get("lang") == language
    assert document.get("dir") == ("rtl" if language == "ar" else "ltr")
    assert document.findtext(".//h1") == WORDS.get(language, "title")
    assert [h.text for h in document.findall(".//h2")] == [WORDS.get(language, name) for name in PANELS]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_whoever_looks_at_the_app_in_teams_reads_what_is_kept_without_signing_in(language):
    document = await page(language, "/privacy", open_to_all=False)
    assert document.get("dir") == ("rtl" if language == "ar" else "ltr")
    assert document.findtext(".//h1") == APP_WORDS.get(language, "privacy_title")
    assert document.findtext(".//h2[@id='use']") == APP_WORDS.get(language, "use_title")
    text = document.text_content()
    assert APP_WORDS.get(language, "privacy") in text
    assert APP_WORDS.get(language, "use") in text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_campaigns_are_listed_and_shown_in_every_language(language):
    listed = await page(language, "/campaigns")
    assert listed.findtext(".//h1") == WORDS.get(language, "campaigns")
    (link,) = listed.xpath("//main//h2/a")
    assert (link.get("href"), link.findtext("bdi")) == (
        f"/campaigns/milestone%3A1?language={language}",
        "Mid-term review <Ardania>",
    )
    shown = await page(language, "/campaigns/milestone%3A1")
    assert [h.text for h in shown.findall(".//h2")] == [
        WORDS.get(language, "campaign_people"),
        WORDS.get(language, "campaign_reasons"),
    ]
    assert "3" in shown.xpath("//dl[1]//dd")[-1].text_content()


@pytest.mark.parametrize("path", ["/campaigns", "/campaigns/milestone%3A1", "/loop"])
async def test_where_others_can_come_no_campaign_is_shown_before_they_sign_in(path):
    text = (await page("en", path, open_to_all=False)).text_content()
    assert "Ardania" not in text
    assert WORDS.get("en", "signed_in_only") in text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_loop_is_shown_in_every_language(language):
    shown = await page(language, "/loop")
    assert shown.findtext(".//h1") == WORDS.get(language, "loop")
    assert f"offices, {language}" in shown.text_content()


@pytest.mark.parametrize("by", ["region", "month"])
async def test_the_loop_is_cut_in_one_way_so_that_no_two_tables_can_be_subtracted(by):
    assert "/loop/" not in html.tostring(await page("en", "/loop"), encoding="unicode")
    async with served() as (url, http), http.get(f"{url}/loop/{by}") as answer:
        assert answer.status == 404


async def test_a_campaign_that_is_not_there_is_404_in_words():
    async with served() as (url, http), http.get(f"{url}/campaigns/milestone%3A9?language=fr") as answer:
        assert answer.status == 404
        assert WORDS.get("fr", "campaign_missing") in await answer.text()


async def test_the_language_is_the_browsers_unless_chosen():
    async with (
        served() as (url, http),
        http.get(url, headers={"Accept-Language": "pt-BR,pt;q=0.9"}) as answer,
    ):
        assert html.document_fromstring(await answer.text()).get("lang") == "pt"


async def test_what_people_wrote_is_text_and_dates_are_in_the_readers_words():
    document = await page("fr")
    [entry] = document.xpath("//ul[@class='entries']/li")
    assert entry.findtext(".//a/bdi") == "Mid-term review <Ardania>"
    assert entry.findtext(".//time") == "27 novembre 2026"


async def test_a_panel_that_cannot_be_read_says_so_and_the_others_stay():
    text = (await page()).text_content()
    assert WORDS.get("en", "unreadable") in text
    assert "Mid-term review <Ardania>" in text
    assert WORDS.get("en", "waiting_none") in text


async def test_where_others_can_come_nothing_is_shown_before_they_sign_in():
    text = (await page(open_to_all=False)).text_content()
    assert "Ardania" not in text
    assert WORDS.get("en", "signed_in_only") in text


async def test_every_section_has_a_name_for_screen_readers_and_links_say_their_language():
    document = await page()
    ids = {element.get("id") for element in document.iter() if element.get("id")}
    assert {section.get("aria-labelledby") for section in document.findall(".//section")} <= ids
    assert [a.get("lang") for a in document.findall(".//nav//a")] == list(LANGUAGES)


@pytest.mark.parametrize(
    "path", ["/", "/campaigns", "/privacy", "/workspace.css", "/icon.svg", "/healthz", "/nowhere"]
)
async def test_every_answer_carries_the_strict_headers(path):
    async with served() as (url, http), http.get(url + path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_teams_may_show_the_workspace_in_a_tab_and_nobody_else_may():
    async with served() as (url, http), http.get(url) as answer:
        allowed = answer.headers["Content-Security-Policy"].partition("frame-ancestors ")[2].split()
    assert allowed == [
        "'self'",
        "https://teams.microsoft.com",
        "https://*.teams.microsoft.com",
        "https://*.cloud.microsoft",
    ]


async def test_the_page_needs_no_script_and_no_inline_style():
    document = await page()
    assert document.findall(".//script") == []
    assert document.xpath("//@style") == []


async def test_health_is_ok_when_everything_works():
    async with served() as (url, http), http.get(f"{url}/healthz") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ok", "database": "ok"})


async def test_health_says_what_does_not_work():
    async def damaged() -> None:
        raise StoreError("km365.sqlite is damaged.")

    async with served(checks={"database": damaged}) as (url, http), http.get(f"{url}/healthz") as answer:
        assert answer.status == 503
        assert (await answer.json())["database"] == "km365.sqlite is damaged."


async def test_messages_are_json_or_refused():
    async with served() as (url, http):
        async with http.post(f"{url}/api/messages", json={"a": 1}) as answer:
            assert answer.status == 200
        async with http.post(
            f"{url}/api/messages", data=b"{}", headers={"Content-Type": "text/plain"}
        ) as answer:
            assert answer.status == 415, "a web page elsewhere may send plain text without asking"
        async with http.get(f"{url}/api/messages") as answer:
            assert answer.status == 405


async def test_a_request_too_large_is_413():
    async with served() as (url, http):
        body = b'{"text":"' + b"x" * 600_000 + b'"}'
        async with http.post(
            f"{url}/api/messages", data=body, headers={"Content-Type": "application/json"}
        ) as answer:
            assert answer.status == 413


async def test_a_name_that_only_points_here_gets_nothing():
    async with served() as (url, http):
        async with http.get(url, headers={"Host": "rebound.example"}) as answer:
            assert answer.status == 421
        async with http.get(url, headers={"Host": "localhost:3978"}) as answer:
            assert answer.status == 200
