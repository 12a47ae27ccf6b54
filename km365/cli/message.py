"""`km365 message`: messages of the bot that need somebody, and sending one again."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, say, table, with_app

if TYPE_CHECKING:
    from km365.app import App


@click.group()
def command() -> None:
    """See the bot's messages that did not arrive for certain, and send one again.

    \b
    Example:
      km365 message list
    """


@command.command("list")
@json_option
@with_app
async def list_(app: "App", *, as_json: bool) -> None:
    """List the messages that are unknown, unreachable, failed or held up, and what to do about each.

    Unknown means that km365 or Teams stopped in the middle: it may have arrived, so it is never sent again
    by itself. The latest come first, at most 200. Never what a message said.

    \b
    Example:
      km365 message list
    """
    from km365.services import messages

    found = await messages.troubled(app.db)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    if not found:
        say("No message needs anybody: none is unknown, unreachable, failed or held up.")
        return
    rows = [(one.key, one.about, f"{one.became} {one.advice}") for one in found]
    table(rows, headings=("key", "what", "what became of it, and what to do"))


@command.command("resend")
@click.argument("key", metavar="KEY")
@with_app
async def resend(app: "App", *, key: str) -> None:
    """Send the message KEY again, once. It may then arrive twice: ask the person first.

    Only for one that is unknown, unreachable or failed; exit code 4 for any other, and where the person has
    answered or declined. The running bot service sends it.

    \b
    Example:
      km365 message resend invite:1:6f3c1a52-0000-4000-8000-00000000000a
    """
    from km365.services import calendar, messages

    hours = calendar.hours_of(app.settings)
    await messages.resend(app.db, app.jobs, hours, key, now=app.clock.now())
    click.echo("It waits to be sent again; `km365 message list` names it if it does not arrive.")
