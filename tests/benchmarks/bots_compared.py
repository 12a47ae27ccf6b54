"""A channel, and the bots that bench_bot.py compares: each in a process of its own, which tells its CPU."""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives import serialization
from jwt.algorithms import RSAAlgorithm

APP_ID = "22222222-0000-4000-8000-000000000002"
TENANT = "11111111-0000-4000-8000-000000000001"
ISSUER = "https://issuer.example"
CALLERS = 8


def channel(key: bytes, tell: Connection) -> None:
    """Signing keys and a Bot Connector on one port; counts replies by conversation."""
    from aiohttp import web

    public = json.loads(RSAAlgorithm.to_jwk(serialization.load_pem_private_key(key, None).public_key()))
    sent: dict[str, int] = {}

    async def metadata(request: web.Request) -> web.Response:
        return web.json_response({"jwks_uri": f"{request.url.origin()}/keys"})

    async def keys(_: web.Request) -> web.Response:
        return web.json_response({"keys": [{**public, "kid": "k1", "endorsements": ["msteams"]}]})

    async def post(request: web.Request) -> web.Response:
        await request.read()
        conversation = request.match_info["conversation"]
        sent[conversation] = sent.get(conversation, 0) + 1
        return web.json_response({"id": f"m{sent[conversation]}"}, status=201)

    async def counts(_: web.Request) -> web.Response:
        return web.json_response(sent)

    app = web.Application()
    app.router.add_get("/keys.json", metadata)
    app.router.add_get("/keys", keys)
    app.router.add_get("/sent", counts)
    app.router.add_post("/v3/conversations/{conversation}/activities", post)
    app.router.add_post("/v3/conversations/{conversation}/activities/{activity}", post)
    asyncio.run(serve(app, tell))


async def serve(
    app: Any, tell: Connection, commands: dict[str, Callable[..., Awaitable[Any]]] | None = None
) -> None:
    """Serves until told to stop; answers "cpu" with the CPU seconds so far, "memory" with the MB held."""
    from aiohttp import web

    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    tell.send(runner.addresses[0][1])
    while True:
        try:
            asked, *more = await asyncio.to_thread(tell.recv)
        except EOFError:
            os._exit(0)
        if asked == "cpu":
            tell.send(time.process_time())
        elif asked == "memory":
            tell.send(_resident_mb())
        elif commands:
            tell.send(await commands[asked](*more))


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


# the bots --------------------------------------------------------------------------------------------------


def bare(service_url: str, home: Path, tell: Connection) -> None:
    """No bot at all: reads the activity and posts one reply."""
    import aiohttp
    from aiohttp import web

    async def main() -> None:
        async with aiohttp.ClientSession() as session:

            async def send(conversation: str, text: str) -> None:
                url = f"{service_url}/v3/conversations/{conversation}/activities"
                async with session.post(url, json={"type": "message", "text": text}) as answer:
                    await answer.read()

            async def take(request: web.Request) -> web.Response:
                said = await request.json()
                await send(said["conversation"]["id"], said["text"])
                return web.Response(status=202)

            async def proactive(count: int) -> None:
                for number in range(count):
                    await send(f"chat{number % CALLERS}", "reminder")

            app = web.Application()
            app.router.add_post("/api/messages", take)
            await serve(app, tell, {"send": proactive})

    asyncio.run(main())


def stock(service_url: str, home: Path, tell: Connection) -> None:
    """botbuilder as its samples have it: CloudAdapter, conversation state, an echo."""
    from aiohttp import web
    from botbuilder.core import ActivityHandler, ConversationState, MemoryStorage, TurnContext
    from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationBotFrameworkAuthentication
    from botbuilder.schema import ConversationReference
    from botframework.connector.auth import AuthenticationConstants, ServiceClientCredentialsFactory
    from msrest.authentication import BasicTokenAuthentication

    class Ours(ServiceClientCredentialsFactory):  # type: ignore[misc]  # botbuilder has no types
        async def is_valid_app_id(self, app_id: str) -> bool:
            return app_id == APP_ID

        async def is_authentication_disabled(self) -> bool:
            return False

        async def create_credentials(self, *_: Any, **__: Any) -> Any:
            return BasicTokenAuthentication({"access_token": "kept"})

    state = ConversationState(MemoryStorage())
    counter = state.create_property("count")

    class Echo(ActivityHandler):  # type: ignore[misc]  # botbuilder has no types
        async def on_turn(self, context: TurnContext) -> None:
            await super().on_turn(context)
            await state.save_changes(context)

        async def on_message_activity(self, context: TurnContext) -> None:
            await counter.set(context, (await counter.get(context, lambda: 0)) + 1)
            await context.send_activity(context.activity.text)

    config = SimpleNamespace(
        VALIDATE_AUTHORITY=True,
        TO_CHANNEL_FROM_BOT_OAUTH_SCOPE=AuthenticationConstants.TO_CHANNEL_FROM_BOT_OAUTH_SCOPE,
        TO_BOT_FROM_CHANNEL_TOKEN_ISSUER=ISSUER,
        TO_BOT_FROM_CHANNEL_OPENID_METADATA_URL=f"{service_url}/keys.json",
        TO_BOT_FROM_EMULATOR_OPENID_METADATA_URL=f"{service_url}/keys.json",
    )
    adapter = CloudAdapter(ConfigurationBotFrameworkAuthentication(config, credentials_factory=Ours()))
    bot = Echo()

    async def take(request: web.Request) -> web.Response:
        return await adapter.process(request, bot)

    async def proactive(count: int) -> None:
        async def say(context: TurnContext) -> None:
            await context.send_activity("reminder")

        for number in range(count):
            reference = ConversationReference().deserialize(
                {
                    "serviceUrl": f"{service_url}/",
                    "channelId": "msteams",
                    "conversation": {"id": f"chat{number % CALLERS}"},
                    "bot": {"id": "28:bot"},
                    "user": {"id": "29:p"},
                }
            )
            await adapter.continue_conversation(reference, say, APP_ID)

    app = web.Application()
    app.router.add_post("/api/messages", take)
    asyncio.run(serve(app, tell, {"send": proactive}))


def ours(service_url: str, home: Path, tell: Connection, *, echo: bool = False) -> None:
    """km365's bot on a database of its own, with a conversation or a mere echo."""
    from aiohttp import web
    from km365_bots import conversation
    from km365_bots.chat import Parts
    from km365_bots.connector import open_connector
    from km365_bots.desk import Desk
    from km365_bots.host import Host, SignIn
    from km365_bots.pacing import Pace
    from km365_bots.turn import Turns

    from km365.core.chat import Event, Reply
    from km365.core.keepout import KeepOut
    from km365.documents.messages import Catalogue
    from km365.documents.questions import Banks
    from km365.documents.words import Words
    from km365.jobs import open_jobs
    from km365.services.memory import settled
    from km365.store.database import Database
    from km365.templates import Templates

    templates = Templates()
    db = Database.open(home / "km365.sqlite")
    jobs = open_jobs(db)
    names = iter(range(10**9))

    async def no_profile(_: str) -> None:
        return None

    async def token() -> str:
        return "kept"

    parts = Parts(
        db=db,
        jobs=jobs,
        banks=Banks(templates),
        catalogue=Catalogue(templates),
        secret=b"s" * 32,
        channels=dict.fromkeys(KeepOut, "them"),
        profile_language=no_profile,
        new_id=lambda: f"i{next(names)}",
    )

    async def respond(event: Event) -> list[Reply]:
        return [Reply(text=event.text)] if echo else await conversation.respond(parts, event)

    async def main() -> None:
        pace = Pace(per_conversation=((10_000, 1.0),), per_tenant=(10_000, 1.0))
        sign_in = SignIn(
            app_id=APP_ID, tenants=frozenset({TENANT}), issuer=ISSUER, keys_url=f"{service_url}/keys.json"
        )
        desk = Desk(db, jobs, respond)
        async with open_connector(token, pace) as connector, desk.open():
            turns = Turns(
                connector=connector,
                desk=desk,
                labels=Words.read(templates, "cards/labels"),
                clock=lambda: datetime.now(UTC),
            )
            host = Host(sign_in=sign_in, turns=turns, connector=connector)

            async def proactive(count: int) -> None:
                for number in range(count):
                    said = {"type": "message", "text": "reminder"}
                    await connector.send(service_url, f"chat{number % CALLERS}", said, tenant_id=TENANT)

            app = web.Application()
            app.router.add_post("/api/messages", host.messages)
            with settled():
                await serve(app, tell, {"send": proactive})

    asyncio.run(main())


def ours_echo(service_url: str, home: Path, tell: Connection) -> None:
    """km365's host and desk around an echo: what botbuilder's echo bot does, saved in a database."""
    ours(service_url, home, tell, echo=True)
