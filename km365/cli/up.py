"""`km365 up`: everything in one process until Ctrl-C; a Microsoft 365 too where no tenant is set."""

import asyncio
import contextlib
import errno
import os
import signal
import socket
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from km365.cli import running
from km365.cli.console import Progress, say
from km365.errors import NotAvailable
from km365.settings import Settings, read

if TYPE_CHECKING:
    from km365.app import App
    from km365.local.server import M365

    Serve = Callable[..., AbstractAsyncContextManager[str]]


@click.command()
@click.option("--port", type=int, help="The port of the workspace and the bot (3978).")
@click.option("--m365-port", type=int, help="The port of the small Microsoft 365 (8365).")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="The folder of all data.")
@click.option("--no-browser", is_flag=True, help="Do not open the chat page.")
def command(*, port: int | None, m365_port: int | None, home: Path | None, no_browser: bool) -> None:
    """Start everything on this machine and open the chat page; Ctrl-C stops it.

    A small Microsoft 365, the bot, the automations and the workspace, with a demonstration organisation.
    The next start goes on with the same data. Other commands with the same home find its ports.
    With `mode = "tenant"` in the settings: the bot, the automations and the workspace alone, for that tenant.

    \b
    Example:
      km365 up --home ./demo --no-browser
    """
    settings = read(overrides={"port": port, "m365_port": m365_port, "home": home})[0]
    with _home(settings.home), contextlib.suppress(KeyboardInterrupt):
        _try_database(settings)
        settings = replace(settings, port=_free_port(settings))
        asyncio.run(_run(settings, browser=not no_browser) if settings.mode == "local" else _serve(settings))


async def _run(settings: Settings, *, browser: bool) -> None:
    """With a small Microsoft 365."""
    async with AsyncExitStack() as held:
        stop = until_stopped()
        m365 = await held.enter_async_context(_m365(settings))
        m365_port = urlsplit(m365.base_url).port or 0
        held.enter_context(running.left(settings.home, port=settings.port, m365_port=m365_port))
        app = await held.enter_async_context(_organisation(settings, m365))
        for line in [await held.enter_async_context(serve(app)) for serve in services()]:
            say(line)
        say(f"SharePoint, as the browser shows it, on {m365.base_url}/sharepoint")
        say(f"The chat page is {m365.base_url}/teams  (Ctrl-C stops; data in {settings.home})")
        if browser:
            await asyncio.to_thread(webbrowser.open, f"{m365.base_url}/teams")
        await stop.wait()
        say("Stopping ...")


async def _serve(settings: Settings) -> None:
    """For the tenant of the settings; what it lacks is said by `km365 doctor`, and waits."""
    from km365.app import open_app

    async with AsyncExitStack() as held:
        stop = until_stopped()
        app = await held.enter_async_context(open_app(settings))
        for line in [await held.enter_async_context(serve(app)) for serve in services()]:
            say(line)
        say(f"Serving the tenant {settings.tenant_id}  (Ctrl-C stops; data in {settings.home})")
        await stop.wait()
        say("Stopping ...")


def until_stopped() -> asyncio.Event:
    """Set by Ctrl-C or by the system asking us to end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(name, stop.set)
        except NotImplementedError:  # Windows: Ctrl-C arrives as KeyboardInterrupt, which ends the loop
            signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop.set))
    return stop


@asynccontextmanager
async def _m365(settings: Settings) -> AsyncIterator["M365"]:
    """The small Microsoft 365 on its port, with the demonstration organisation in it."""
    from km365.local import control
    from km365.local.server import start_server

    try:
        server = await start_server(
            path=settings.home / "m365.sqlite",
            port=settings.m365_port,
            bot_url=f"http://127.0.0.1:{settings.port}/api/messages",
        )
    except OSError as error:
        raise _no_port(settings.m365_port, error, option="--m365-port") from None
    async with server:
        async for line in control.seed(server, "tenant"):
            say(f"Organisation: {line}")
        yield server


@contextmanager
def _home(home: Path) -> Iterator[None]:
    """The folder of all data, this process's alone while it runs: two servers on one file would mix it up."""
    from km365.store import locks

    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)  # it holds what colleagues said in confidence
    except OSError as error:
        raise NotAvailable(
            f"The folder {home} cannot be made ({error.strerror}); choose one with --home."
        ) from None
    held = locks.lock(home / locks.FOLDER / "up.lock")
    if held is None:
        raise NotAvailable(
            f"km365 is running already with the data in {home}; stop it, or choose another with --home."
        )
    with contextlib.closing(held):
        yield


def _try_database(settings: Settings) -> None:
    """A damaged database is said before the organisation is made, not after."""
    from km365.store.database import Database

    Database.open(settings.database).close()


def _free_port(settings: Settings) -> int:
    """The port of the bot, a free one for 0. Says before anything is made, not after, that it is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.create_server((settings.host, settings.port), family=family) as taken:
            return int(taken.getsockname()[1])
    except OSError as error:
        raise _no_port(settings.port, error, option="--port") from None


def _no_port(port: int, error: OSError, *, option: str) -> NotAvailable:
    """In one line: `error.strerror` would say the address and the port again."""
    if error.errno == errno.EADDRINUSE:
        return NotAvailable(f"Port {port} is in use; is km365 running already? Choose another with {option}.")
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return NotAvailable(f"Port {port} cannot be used ({reason}); choose another with {option}.")


@asynccontextmanager
async def _organisation(settings: Settings, m365: "M365") -> AsyncIterator["App"]:
    """The opened parts, once lists, columns and terms are in place and the calendar is filled in."""
    from km365.app import open_app
    from km365.local import control

    settings = replace(settings, m365_port=urlsplit(m365.base_url).port or 0)
    await _lay_out(settings)
    async with open_app(settings) as app:
        async for line in control.seed(m365, "calendar"):
            say(f"Calendar: {line}")
        yield app


async def _lay_out(settings: Settings) -> None:
    """Puts lists, columns and terms in place.

    A tenant's budget would be spent for half a minute then. This server counts units only where it is told
    to, so nobody's first question or tagging job waits for that.
    """
    from km365.app import open_app
    from km365.services import provision, taxonomy
    from km365.store import ru_account
    from km365.store.database import Database

    async with open_app(settings) as app:
        wanted = taxonomy.shipped(app.templates)
        missing = await provision.plan(app.graph, app.settings, wanted)
        if not missing:
            return
        with Progress("Lists, columns and terms", len(missing)) as progress:
            await provision.apply(app.graph, app.settings, wanted, done=lambda _: progress.advance())
    with contextlib.closing(Database.open(settings.database)) as db, db.begin() as c:
        ru_account.clear(c)


def services() -> list["Serve"]:
    """What is installed as `km365.apps`: functions that take the App and run a service while entered.

    With `doors=False` they run its jobs and listen nowhere.
    """
    return [entry.load() for entry in sorted(entry_points(group="km365.apps"), key=lambda e: e.name)]
