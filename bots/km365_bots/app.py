"""The Teams service: bot and workspace on one port, started and stopped with everything else."""

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from aiohttp import web

from km365.app import App
from km365.core.chat import Reply
from km365.core.languages import best
from km365.documents.messages import Catalogue
from km365.documents.words import Words
from km365.errors import NotAvailable
from km365.graph.apps import install_bot
from km365.services import teams_app
from km365.services.calendar import hours_of
from km365.services.group_reflection import GROUP, SUMMARY
from km365.services.memory import settled
from km365.settings import LOOPBACK, Settings
from km365.store import conversations, preferences
from km365.store.outbox import Message
from km365_bots import conversation, group_speech, mailing
from km365_bots.campaign_pages import CampaignPages
from km365_bots.chat import Parts
from km365_bots.connector import Connector, bot_token, open_connector
from km365_bots.delivery import Post
from km365_bots.desk import Desk
from km365_bots.host import Host, SignIn
from km365_bots.loop_page import LoopPage
from km365_bots.pacing import pace_of
from km365_bots.panels import panels
from km365_bots.parts import open_parts
from km365_bots.roster import members_of
from km365_bots.shared_pace import open_account
from km365_bots.topics.text import without_card
from km365_bots.turn import Lines, Turns
from km365_bots.web import Workspace, application


@asynccontextmanager
async def serve(app: App, *, doors: bool = True) -> AsyncIterator[str]:
    """Runs the bot and the workspace until the block ends. Yields a line that says where.

    Without `doors` it only does what the bot does by itself, and another process hears what people say.
    Raises NotAvailable when the port is taken or nobody would have to sign in from elsewhere, TemplateError
    when a message, a question bank or a card's words are wrong.
    """
    sign_in = sign_in_of(app.settings)
    async with _running(app, sign_in) as (parts, turns, connector):
        if not doors:
            yield "bot: what waits is sent, and what people sent in is handed on"
            return
        host = Host(sign_in=sign_in, turns=turns, connector=connector)
        pages = _pages(app, sign_in, host, parts.catalogue)
        async with _listening(pages, app.settings) as address:
            with settled():
                yield f"workspace and bot on {address}"


def _pages(app: App, sign_in: SignIn, host: Host, catalogue: Catalogue) -> web.Application:
    words = Words.read(app.templates, "messages/workspace")
    workspace = Workspace(
        organisation=app.settings.organisation,
        words=words,
        app_words=Words.read(app.templates, teams_app.WORDS),
        panels=panels(app, words),
        campaigns=CampaignPages(app, words, catalogue),
        loop=LoopPage(app),
        checks={"database": lambda: _database_answers(app)},
        open_to_all=not sign_in.required,
    )
    return application(workspace, host.messages)


@asynccontextmanager
async def _running(app: App, sign_in: SignIn) -> AsyncIterator[tuple[Parts, Turns, Connector]]:
    """The bot's parts, with the jobs of each registered."""
    labels = Words.read(app.templates, "cards/labels")
    parts = await open_parts(app)
    async with (
        bot_token(app.settings) as token,
        open_account(app.db) as account,
        open_connector(
            token, pace_of(app.settings), account=account, through_proxy=sign_in.required
        ) as connector,
        _open_desk(app, parts := replace(parts, members=members_of(connector)), connector) as desk,
    ):
        turns = Turns(connector=connector, desk=desk, labels=labels, clock=app.clock.now)
        mails = await mailing.begin(post_of(app, parts, connector, labels, turns.lines))
        await turns.begin(app.jobs)
        try:
            yield parts, turns, connector
        finally:
            mails.stop()
            await turns.close()


@asynccontextmanager
async def _open_desk(app: App, parts: Parts, connector: Connector) -> AsyncIterator[Desk]:
    respond, hours = partial(conversation.respond, parts), hours_of(app.settings)
    desk = Desk(app.db, app.jobs, respond, governor=connector.governor, hours=hours)
    async with desk.open():
        yield desk


def sign_in_of(settings: Settings) -> SignIn:
    """Whom the bot believes. Raises NotAvailable where nobody would sign in and others could come."""
    if not settings.bot_app_id and settings.host not in LOOPBACK:
        raise NotAvailable(
            f"The bot does not listen on {settings.host} while nobody signs in: set bot_app_id, or host to "
            "127.0.0.1."
        )
    tenants = frozenset({settings.tenant_id.lower()} if settings.tenant_id else ())
    return SignIn(app_id=settings.bot_app_id, tenants=tenants)


def post_of(app: App, parts: Parts, connector: Connector, labels: Words, lines: Lines) -> Post:
    """What sending messages needs."""

    async def language(message: Message) -> str:
        if message.card == SUMMARY:
            return best([message.language])
        chosen = await app.db.run(preferences.get, message.person_id)
        return best([chosen.language, await parts.profile_language(message.person_id), message.language])

    async def compose(message: Message) -> Reply:
        if message.person_id.startswith(GROUP):
            return await group_speech.to_group(parts, message, app.clock.now())
        reply = await conversation.compose_now(parts, message)
        chosen = await app.db.run(preferences.get, message.person_id)
        return without_card(reply) if chosen.text_only else reply

    async def install(person_id: str) -> str:
        if person_id.startswith(GROUP):  # a group's chat that is gone is not brought back
            return ""
        return await install_bot(app.graph, person_id, app.settings.teams_app_id)

    return Post(
        db=app.db,
        jobs=app.jobs,
        connector=connector,
        labels=labels,
        language=language,
        compose=compose,
        install=install,
        lines=lines,
        now=app.clock.now,
        service_url=app.settings.teams,
        tenant_id=app.settings.tenant_id,
        hours=hours_of(app.settings),
    )


async def _database_answers(app: App) -> None:
    """Raises StoreError when our database cannot be read."""
    await app.db.run(conversations.was_seen, "healthz")


@asynccontextmanager
async def _listening(pages: web.Application, settings: Settings) -> AsyncIterator[str]:
    """Serves the pages; the block runs while it listens. Raises NotAvailable when the port is taken."""
    runner = web.AppRunner(pages, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
        except OSError as error:
            raise _not_listening(settings, error) from None
        port = runner.addresses[0][1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def _not_listening(settings: Settings, error: OSError) -> NotAvailable:
    if error.errno == errno.EADDRINUSE:
        return NotAvailable(
            f"Port {settings.port} is in use by another program; choose another with --port, KM365_PORT or "
            "`port` in km365.toml."
        )
    return NotAvailable(
        f"The bot cannot listen on {settings.host}, port {settings.port} ({error.strerror}); check `host` "
        "and `port` in km365.toml."
    )
