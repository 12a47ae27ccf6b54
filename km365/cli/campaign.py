"""`km365 campaign`: how those who are asked stand, and a word that they are to be left in peace."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from km365.cli.console import confirm, json_option, print_json, say, table, with_app

if TYPE_CHECKING:
    from km365.app import App
    from km365.services.campaigns import Changed, Overview

_WHO = "km365 campaign"
_TOLD = {
    "unreachable": "are about to hear that many cannot be reached",
    "unreachable told": "have heard that many cannot be reached",
    "over": "are about to hear how it went",
    "over told": "have heard how it went",
}
_dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")


@click.group()
def command() -> None:
    """See how campaigns stand, and pause, resume or cancel one.

    A campaign is what one milestone or one departure asks of people: invitation, reminders, end. Nobody is
    named here; `km365 milestone show` and `km365 handover list` do.

    \b
    Example:
      km365 campaign list
    """


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that ended long ago as well.")
@json_option
@with_app
async def list_(app: "App", *, everything: bool, as_json: bool) -> None:
    """List the campaigns that ask somebody and those of the last 30 days, the earliest date first.

    "Sent" and "seen" count people: Teams does not tell a bot who reads, so seen are those who answered,
    declined or asked for later.

    \b
    Example:
      km365 campaign list --json
    """
    from km365.core.standing import Stand
    from km365.services import calendar, campaigns

    hours = calendar.hours_of(app.settings)
    found = await app.db.run(campaigns.overview, hours, now=app.clock.now(), everything=everything)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    if not found:
        say("Nobody is asked anything; `km365 milestone list` shows what is coming.")
        return
    rows = [
        (
            one.due_on,
            one.short,
            one.office,
            one.state,
            *(one.standing.asked, one.standing.sent, one.standing.of(Stand.ANSWERED)),
            one.standing.of(Stand.UNREACHABLE),
            f"{one.title}: {_next(one)}",
        )
        for one in found
    ]
    table(
        rows,
        headings=(
            "date",
            "id",
            "office",
            "state",
            "asked",
            "sent",
            "answered",
            "unreachable",
            "what is next",
        ),
    )


@command.command("show")
@click.argument("campaign_id", metavar="ID")
@json_option
@with_app
async def show(app: "App", *, campaign_id: str, as_json: bool) -> None:
    """Show one campaign: how many stand where, why some cannot be reached, what happens next and when.

    ID is the milestone's, or the beginning of what `km365 campaign list` shows where no other begins so.

    \b
    Example:
      km365 campaign show 1
    """
    from km365.services import calendar, campaigns

    hours = calendar.hours_of(app.settings)
    one = await app.db.run(campaigns.show, campaign_id, hours)
    if as_json:
        print_json(asdict(one))
        return
    facts = (one.kind, one.office, one.due_on, one.state)
    click.echo(f"{one.title}\n{', '.join(str(fact) for fact in facts if fact)}\n")
    stands = one.standing
    rows = [("asked", stands.asked), ("sent", stands.sent), ("seen, as far as is known", stands.seen)]
    rows += [(f"- {place}", number) for place, number in sorted(stands.places.items(), key=lambda at: -at[1])]
    rows += [(f"  unreachable: {reason}", number) for reason, number in stands.reasons.items()]
    table(rows, headings=("people", ""))
    if stands.messages:
        until = f", the first until {_moment(stands.waits_until, one.zone)}" if stands.waits_until else ""
        click.echo(f"\n{stands.messages} messages wait to be sent{until}.")
    click.echo(f"\nNext: {_next(one)}")
    if one.told:
        click.echo(f"The focal points {_TOLD[one.told.value]}.")


@command.command("pause")
@click.argument("campaign_id", metavar="ID")
@_dry_run
@json_option
@with_app
async def pause(app: "App", *, campaign_id: str, dry_run: bool, as_json: bool) -> None:
    """Write to nobody in the campaign ID until it is resumed.

    What waits to be sent is taken back. Answers are taken as before, and a milestone that is closed or
    cancelled meanwhile ends it. Exit code 4 where it does not ask anybody.

    \b
    Example:
      km365 campaign pause 1 --dry-run
    """
    from km365.services import campaigns

    done = await _done(app, partial(campaigns.pause, given=campaign_id), dry_run=dry_run)
    _report(
        done,
        f"Until `km365 campaign resume` {done.people} people are written to no more; "
        f"{done.messages} messages that waited are taken back.",
        dry_run=dry_run,
        as_json=as_json,
    )


@command.command("resume")
@click.argument("campaign_id", metavar="ID")
@_dry_run
@json_option
@with_app
async def resume(app: "App", *, campaign_id: str, dry_run: bool, as_json: bool) -> None:
    """Let the campaign ID, which is paused, go on where it was.

    Every next step comes as much later as the pause was long, within people's hours, so nothing comes at
    once. Exit code 4 where it is not paused.

    \b
    Example:
      km365 campaign resume 1 --dry-run
    """
    from km365.services import calendar, campaigns

    hours = calendar.hours_of(app.settings)
    done = await _done(app, partial(campaigns.resume, given=campaign_id, hours=hours), dry_run=dry_run)
    _report(done, f"{done.people} people are asked and reminded again.", dry_run=dry_run, as_json=as_json)


@command.command("cancel")
@click.argument("campaign_id", metavar="ID")
@_dry_run
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@with_app
async def cancel(app: "App", *, campaign_id: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Write to nobody in the campaign ID any more, for good.

    What waits is called off at once, and the calendar does not begin it anew. What people have begun to
    answer goes on. Exit code 4 where it is over.

    \b
    Example:
      km365 campaign cancel 1 --dry-run
    """
    from km365.services import campaigns

    work = partial(campaigns.cancel, given=campaign_id)
    if not (dry_run or yes):
        planned = await _done(app, work, dry_run=True)
        question = f"Stop asking {planned.people} people about {planned.title!r} for good?"
        confirm(question)
    done = await _done(app, work, dry_run=dry_run)
    _report(
        done,
        f"{done.people} people are asked no more; {done.messages} messages that waited are called off.",
        dry_run=dry_run,
        as_json=as_json,
    )


async def _done(app: "App", work: "Callable[..., Changed]", *, dry_run: bool) -> "Changed":
    return await app.db.run(work, who=_WHO, now=app.clock.now(), dry_run=dry_run)


def _report(done: "Changed", words: str, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json(asdict(done) | {"dry_run": dry_run})
    else:
        click.echo(f"Nothing was changed. Without --dry-run: {words}" if dry_run else words)


def _next(one: "Overview") -> str:
    """What happens next and when, in one line."""
    if one.state == "paused":
        return "paused, nothing is sent"
    if one.next is None:
        return "nothing is sent any more"
    parts = (
        (one.next.invitations, "invitation", "invitations"),
        (one.next.reminders, "reminder", "reminders"),
        (one.next.ends, "person is waited for no longer", "people are waited for no longer"),
    )
    coming = [f"{number} {word if number == 1 else words}" for number, word, words in parts if number]
    when = f"{', '.join(coming)} on {_moment(one.next.at, one.zone)}; " if coming else ""
    return f"{when}closes on {one.next.closes_on}"


def _moment(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%A %Y-%m-%d %H:%M}"
