"""Libraries watched by the service: Graph tells us, strangers do not, and the clock has us look anyway."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from km365_flows import watching
from km365_flows.notifications import listening
from km365_flows.watching import JOB, Watching

from km365.app import App
from km365.core.passages import Passage
from km365.core.tagging import Allowed, Suggestion
from km365.core.taxonomy import Mode, Taxonomy
from km365.graph import drives, metadata, subscriptions
from km365.services import suggest, tag_listen, tag_plan, tag_watch
from km365.store import cursors, watches
from km365.store.watches import Watch

from ..conftest import BELMORA, Provisioned

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Finds:
    """Suggests the first topic for everything."""

    taxonomy: Taxonomy

    def suggest(
        self,
        passages: Sequence[Passage],
        *,
        facets: Iterable[str] | None = None,
        office: str | None = None,
        allowed: Allowed | None = None,
    ) -> list[Suggestion]:
        concept = self.taxonomy.by_key["topic"].concepts[0]
        return [Suggestion(concept_id=concept.id, facet="topic", score=0.9, words=("x",), places=(), count=1)]


@dataclass
class Service:
    """The listening service and a library that it watches."""

    here: Provisioned
    url: str
    drive_id: str
    watching: Watching

    @property
    def app(self) -> App:
        return self.here.app

    async def watch(self) -> Watch:
        return await self.app.db.run(watches.get, self.drive_id)

    async def subscribe(self) -> Watch:
        now = self.app.clock.now()
        return await tag_listen.subscribe(
            self.app.graph, self.app.db, await self.watch(), url=self.url, at=now
        )

    async def later(self, **more: float) -> None:
        self.here.m365.state.set_clock(self.app.clock.now() + timedelta(**more))
        await self.app.clock.refresh()

    async def not_soon(self) -> datetime:
        """Sets the next look far away, to be seen to come near."""
        far = self.app.clock.now() + timedelta(days=1)
        await self.app.db.run(watches.change, self.drive_id, look_at=far)
        return far

    async def told(self, value: Any, **more: Any) -> int:
        async with httpx.AsyncClient() as http:
            return (await http.post(self.url, json=value, **more)).status_code

    async def notice(self, **more: Any) -> dict[str, Any]:
        watch = await self.watch()
        return {"subscriptionId": watch.subscription_id, "clientState": watch.client_state} | more

    async def upload(self, name: str) -> str:
        return (await drives.upload(self.app.graph, self.drive_id, name, b"Some words.")).id


@pytest.fixture
async def service(
    provisioned: Provisioned, vocabulary: Any, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    app = provisioned.app
    provisioned.m365.state.set_clock(MONDAY)
    await app.clock.refresh()
    topic = vocabulary.taxonomy.by_key["topic"]
    concepts = (replace(topic.concepts[0], mode=Mode.AUTO), *topic.concepts[1:])
    words = Finds(Taxonomy(term_sets=(replace(topic, concepts=concepts),)))

    async def read(*_: Any) -> Finds:
        return words

    monkeypatch.setattr(suggest, "vocabulary", read)
    (library,) = await tag_plan.find_libraries(app.graph, [BELMORA], "Documents")
    await tag_watch.begin(app.graph, app.db, library, is_on=True, everything=False, at=app.clock.now())
    async with listening(app) as url:
        assert url is not None
        made = Service(here=provisioned, url=url, drive_id=library.drive_id, watching=Watching(app, url=url))
        await made.watching.look({"drive": library.drive_id})
        yield made


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not await true():  # noqa: ASYNC110 - what is waited for comes over HTTP
            await asyncio.sleep(0.02)


async def test_graph_tells_of_a_new_document_and_it_is_tagged(service: Service) -> None:
    far = await service.not_soon()
    item = await service.upload("new.txt")

    async def near() -> bool:
        return (await service.watch()).look_at < far

    await until(near)
    await service.watching.look({"drive": service.drive_id})  # hears of it, and waits for it to settle
    await service.later(minutes=10)
    await service.watching.look({"drive": service.drive_id})
    fields = (await drives.get_fields(service.app.graph, service.drive_id, item)).fields
    assert len(metadata.decode(fields.get("KMTopic"))) == 1
    assert await service.app.db.run(cursors.get, watching.LAST_LOOK)


async def test_strangers_bring_nothing_about(service: Service) -> None:
    far = await service.not_soon()
    ours = await service.notice()
    assert await service.told({"value": [ours | {"clientState": "guess"}]}) == 202
    assert await service.told({"value": [ours | {"subscriptionId": "another"}, 7, {"x": 1}, {}]}) == 202
    assert await service.told({"value": [ours | {"clientState": None}]}) == 202
    for nonsense in ({"value": "x"}, [], "text", 5, None, {"value": {"a": 1}}):
        assert await service.told(nonsense) == 400
    async with httpx.AsyncClient() as http:
        assert (await http.post(service.url, content=b"\xff\xfe{")).status_code == 400
        assert (await http.post(service.url, content=b"[" * 200_000)).status_code == 400
        assert (await http.post(service.url, content=b"x" * 300_000)).status_code == 413
        assert (await http.get(service.url)).status_code == 405
    assert (await service.watch()).look_at == far


async def test_a_notice_that_no_database_takes_does_not_lose_the_others(service: Service) -> None:
    far = await service.not_soon()
    ours = await service.notice()
    odd = [
        ours | {key: text} for key in ("subscriptionId", "clientState") for text in ("\ud800", "\x00", "ü")
    ]
    async with httpx.AsyncClient() as http:
        answer = await http.post(service.url, content=json.dumps({"value": [*odd, ours]}))
    assert answer.status_code == 202
    assert (await service.watch()).look_at < far


async def test_a_true_notice_has_us_look_in_seconds(service: Service) -> None:
    await service.not_soon()
    assert await service.told({"value": [await service.notice()]}) == 202
    assert (await service.watch()).look_at == pytest.approx(
        service.app.clock.now() + tag_listen.DEBOUNCE, abs=timedelta(seconds=30)
    )


async def test_the_handshake_gives_back_the_token_as_plain_text(service: Service) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.post(service.url, params={"validationToken": "<script>a & b</script>"})
        assert (answer.status_code, answer.text) == (200, "<script>a & b</script>")
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        long = await http.post(service.url, params={"validationToken": "x" * 5_000})
        assert long.status_code == 400


async def test_a_subscription_is_renewed_before_its_end(service: Service, monkeypatch) -> None:
    first = await service.watch()
    assert await service.subscribe() == first
    monkeypatch.setattr(tag_listen, "RENEW_BEFORE", timedelta(days=30))  # for now its end is near
    await service.later(minutes=5)
    renewed = await service.subscribe()
    assert renewed.subscription_id == first.subscription_id
    assert first.subscribed_until and renewed.subscribed_until
    assert renewed.subscribed_until > first.subscribed_until


async def test_a_subscription_that_graph_dropped_is_made_anew(service: Service) -> None:
    first = await service.watch()
    await service.told({"value": [await service.notice(lifecycleEvent="subscriptionRemoved")]})
    assert (await service.subscribe()).subscription_id != first.subscription_id
    second = await service.watch()
    await subscriptions.delete(service.app.graph, str(second.subscription_id))
    await service.told({"value": [await service.notice(lifecycleEvent="reauthorizationRequired")]})
    assert (await service.subscribe()).subscription_id != second.subscription_id


async def test_a_refusal_to_tell_us_is_kept_until_graph_tells(service: Service) -> None:
    await service.told({"value": [await service.notice(lifecycleEvent="subscriptionRemoved")]})
    refused = {"verb": "POST", "path": "/subscriptions", "status": 403, "times": 1}
    async with httpx.AsyncClient(base_url=service.here.m365.base_url) as http:
        await http.put("/_local/faults/next_requests", json=refused)
    await service.watching.look({"drive": service.drive_id})
    assert "Graph refused" in str((await service.watch()).not_told)
    await service.watching.look({"drive": service.drive_id})
    assert (await service.watch()).not_told is None


async def test_the_clock_looks_more_often_where_graph_does_not_tell(service: Service) -> None:
    now, planned = service.app.clock.now(), (await service.watch()).look_at
    when = await service.app.db.run(tag_listen.next_look, service.drive_id, planned=planned, at=now)
    assert when == now + tag_listen.BACKSTOP
    await tag_listen.unsubscribe(service.app.graph, service.app.db, await service.watch())
    assert await subscriptions.list_(service.app.graph) == []
    when = await service.app.db.run(tag_listen.next_look, service.drive_id, planned=when, at=now)
    assert when == now + tag_listen.WITHOUT


async def test_a_notice_that_comes_during_a_look_is_not_lost(service: Service) -> None:
    now = service.app.clock.now()
    planned, soon = (await service.watch()).look_at, now + timedelta(seconds=30)
    await service.app.db.run(watches.look_soon, service.drive_id, at=soon)
    later = now + timedelta(seconds=40)
    when = await service.app.db.run(tag_listen.next_look, service.drive_id, planned=planned, at=later)
    assert when == soon


async def test_each_library_that_is_due_waits_in_one_job(service: Service) -> None:
    await service.app.db.run(watches.look_now, at=service.app.clock.now())
    for _ in range(3):
        await service.watching.every_minute()
    jobs = await service.app.db.run(service.app.jobs.list_)
    assert [one.name for one in jobs] == [JOB]


async def test_trouble_is_noted_and_the_library_looked_at_later(service: Service) -> None:
    await service.app.db.run(watches.change, service.drive_id, site=f"{BELMORA}-gone")
    await service.upload("new.txt")
    await service.watching.look({"drive": service.drive_id})
    found = await service.watch()
    assert "does not find a site" in str(found.problem)
    assert found.look_at > service.app.clock.now()


async def test_a_library_nobody_wants_watched_is_left_alone(service: Service) -> None:
    await service.app.db.run(watches.change, service.drive_id, is_on=False)
    before = await service.watch()
    await service.upload("new.txt")
    await service.watching.look({"drive": service.drive_id})
    assert await service.watch() == before


async def test_a_library_watched_again_is_due_at_once_and_graph_tells_of_it_anew(service: Service) -> None:
    app = service.app
    await service.not_soon()
    await tag_listen.unsubscribe(app.graph, app.db, await service.watch())
    await app.db.run(watches.change, service.drive_id, is_on=False)
    (library,) = await tag_plan.find_libraries(app.graph, [BELMORA], "Documents")
    await service.later(minutes=3)
    for _ in range(2):  # saying it twice puts nothing off
        await tag_watch.begin(app.graph, app.db, library, is_on=True, everything=False, at=app.clock.now())
    assert await app.db.run(watches.list_, due_at=app.clock.now()) == [await service.watch()]
    await service.watching.look({"drive": service.drive_id})
    (made,) = await subscriptions.list_(app.graph)
    assert made.id == (await service.watch()).subscription_id


async def test_the_service_says_that_it_is_well(service: Service) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.get(service.url.replace("/notifications", "/healthz"))
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
