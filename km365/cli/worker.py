"""`km365 worker`: the jobs of the automations and the bot, in a process of their own."""

import asyncio
import contextlib
from contextlib import AsyncExitStack

import click

from km365.cli.console import say, settings_in_force
from km365.cli.up import services, until_stopped
from km365.errors import NotAvailable


@click.command()
def command() -> None:
    """Run jobs beside other processes until Ctrl-C: read, tag, invite, remind, send. It listens nowhere.

    For several machines with one PostgreSQL database; start it as often as needed. Ctrl-C lets what runs come
    to its end, within a minute, and gives back the rest. Exit code 4 with a database that is a file: one
    process owns it, and `km365 up` runs its jobs.

    \b
    Example:
      km365 worker
    """
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run())


async def _run() -> None:
    from km365.app import open_app

    settings = settings_in_force()
    async with AsyncExitStack() as held:
        app = await held.enter_async_context(open_app(settings))
        if app.db.engine.dialect.name != "postgresql":
            raise NotAvailable(
                f"`km365 worker` needs a PostgreSQL database, and {app.db.where} is a file, of which one "
                "process at a time runs the jobs: `km365 up` does. Set database_url to share the work."
            )
        stop = until_stopped()
        for serve in services():
            say(await held.enter_async_context(serve(app, doors=False)))
        say("Working  (Ctrl-C stops)")
        await stop.wait()
        say("Stopping: what runs comes to its end ...")
