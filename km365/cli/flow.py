"""`km365 flow`: what runs by itself, and running it now."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, say, table, with_app
from km365.errors import ExitCode

if TYPE_CHECKING:
    from km365.app import App
    from km365.services.prompts import Report

FLOWS = {
    "scan": ("at start-up and every day", "finds milestones and departures that are due, and invites people"),
    "prompts": ("every minute", "sends the invitations and reminders whose time has come"),
    "watch": ("every minute", "tags what is new in watched libraries, and queues the rest for a person"),
    "search": ("every five minutes", "brings the search index up to date with SharePoint"),
    "tidy": ("every day", "copies the database, and deletes finished jobs and other old traces"),
}


@click.group()
def command() -> None:
    """List the automations, or run one now.

    \b
    Example:
      km365 flow list
    """


@command.command("list")
@json_option
@with_app
async def list_(app: "App", *, as_json: bool) -> None:
    """List the automations, when they run and when they last did.

    \b
    Example:
      km365 flow list
    """
    from km365.store import cursors

    last = {name: await app.db.run(cursors.get, f"flow:{name}") for name in FLOWS}
    if as_json:
        print_json(
            [
                {"name": name, "when": when, "what": what, "last_run": last[name]}
                for name, (when, what) in FLOWS.items()
            ]
        )
        return
    rows = [(name, last[name] or "-", when, what) for name, (when, what) in FLOWS.items()]
    table(rows, headings=("name", "last run", "when", "what"))


@command.command("run")
@click.argument("name", type=click.Choice(list(FLOWS)))
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change and send nothing.")
@json_option
@with_app
async def run(app: "App", *, name: str, dry_run: bool, as_json: bool) -> int | None:
    """Run one automation now. Running it again asks nobody twice.

    Messages are sent by the running bot service. Exit code 3: done, except for what is listed.

    \b
    Example:
      km365 flow run scan --dry-run
    """
    from km365.services import calendar, housekeeping, prompts
    from km365.store import watches

    now = app.clock.now()
    if name == "scan":
        report = await prompts.scan(app.graph, app.db, app.jobs, app.settings, now=now, dry_run=dry_run)
        _print_scan(report, dry_run=dry_run, as_json=as_json)
        return ExitCode.PARTLY if report.warnings else None
    if dry_run:
        raise click.UsageError(f"--dry-run is for scan; {name} has nothing to decide.")
    if name == "prompts":
        hours, per_week = calendar.hours_of(app.settings), app.settings.prompts_per_week
        count = await prompts.send_due(app.db, app.jobs, hours, per_week=per_week, now=now)
        done, words = {"messages": count}, f"{count} messages to be sent"
    elif name == "watch":
        count = await app.db.run(watches.look_now, at=now)
        done, words = {"libraries": count}, f"{count} libraries, which the running service looks at now"
    elif name == "search":
        from km365.services import search_index

        look = await search_index.look(app.graph, app.db, app.settings, now=app.clock.now)
        done = asdict(look)
        words = f"{look.items} knowledge items and {look.documents} documents read, {look.removed} taken out"
    else:
        tidied = await housekeeping.tidy(app.db, app.jobs, now=now)
        done, words = asdict(tidied), f"Copied to {tidied.copy}; {tidied.deleted} rows deleted."
    if as_json:
        print_json({"name": name} | done)
    else:
        click.echo(words)
    return None


def _print_scan(report: "Report", *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
        return
    rows = [
        (one.due_on, one.new, one.asked, one.subject.partition(":")[0], one.title) for one in report.opened
    ]
    table(rows, headings=("date", "new", "in all", "what", "title"))
    for subject in report.ended:
        click.echo(f"ended: {subject}")
    click.echo("Nothing was changed or sent." if dry_run else f"{report.messages} messages to be sent")
    for warning in report.warnings:
        say(f"km365: {warning}")
