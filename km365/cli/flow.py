"""`km365 flow`: what runs by itself, running it now, and pausing it."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import json_option, print_json, say, table, with_app
from km365.errors import ExitCode, InputRefused

if TYPE_CHECKING:
    from km365.app import App
    from km365.services.calendar_scan import Report
    from km365.services.push import PushDesk

FLOWS = {
    "scan": ("at start-up and every day", "finds milestones and departures that are due, and invites people"),
    "prompts": ("every minute", "sends the invitations and reminders whose time has come"),
    "watch": ("every minute", "tags what is new in watched libraries, and queues the rest for a person"),
    "search": ("every five minutes", "brings the search index up to date with SharePoint"),
    "push": ("every minute", "sends lessons that fit to those who write a document that was tagged"),
    "lessons": (
        "every day",
        "asks whether lessons still hold, reminds of actions, tells who decides what waits",
    ),
    "outlook": ("after each scan", "keeps an event for each milestone in the calendar of calendar_mailbox"),
    "handover": (
        "after each scan",
        "lets filed handover notes go on from the supervisor to the successor, follows what is open",
    ),
    "tidy": ("every day", "copies the database, and deletes finished jobs and other old traces"),
}


_WHO = "km365 flow"
_names = click.argument("name", type=click.Choice(list(FLOWS)))


@click.group()
def command() -> None:
    """List the automations, run one now, or pause one.

    \b
    Example:
      km365 flow list
    """


@command.command("list")
@json_option
@with_app
async def list_(app: "App", *, as_json: bool) -> None:
    """List the automations, when they run, when they last did, and which are paused.

    \b
    Example:
      km365 flow list
    """
    from km365.services import flows
    from km365.store import cursors

    last = {name: await app.db.run(cursors.get, f"flow:{name}") for name in FLOWS}
    paused = {name: await app.db.run(flows.paused_since, name) for name in FLOWS}
    if as_json:
        print_json(
            [
                {"name": name, "when": when, "what": what, "last_run": last[name], "paused": paused[name]}
                for name, (when, what) in FLOWS.items()
            ]
        )
        return
    rows = [
        (name, last[name] or "-", f"paused since {paused[name]}" if paused[name] else when, what)
        for name, (when, what) in FLOWS.items()
    ]
    table(rows, headings=("name", "last run", "when", "what"))


@command.command("run")
@_names
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change and send nothing.")
@json_option
@with_app
async def run(app: "App", *, name: str, dry_run: bool, as_json: bool) -> int | None:
    """Run one automation now. Running it again asks nobody twice.

    Messages are sent by the running bot service. Exit code 3: done, except for what is listed; 4: it is
    paused. Only search has no dry run: what changed in SharePoint is known by reading it.

    \b
    Example:
      km365 flow run scan --dry-run
    """
    from km365.services import calendar_scan, flows

    now = app.clock.now()
    if dry_run and name == "search":
        raise click.UsageError("search has no dry run: what changed in SharePoint is known by reading it.")
    since = await app.db.run(flows.paused_since, name)
    if since and not dry_run:
        raise InputRefused(f"{name} is paused since {since}; `km365 flow resume {name}` lets it go on.")
    if name == "scan":
        report = await calendar_scan.scan(app.graph, app.db, app.jobs, app.settings, now=now, dry_run=dry_run)
        _print_scan(report, dry_run=dry_run, as_json=as_json)
        return ExitCode.PARTLY if report.warnings else None
    done, words = await (_would if dry_run else _do)(app, name, now)
    if as_json:
        print_json({"name": name, "dry_run": dry_run} | done)
    else:
        click.echo(f"Nothing was changed or sent. Without --dry-run: {words}" if dry_run else words)
    return ExitCode.PARTLY if done.get("problems") else None


async def _do(app: "App", name: str, now: datetime) -> tuple[dict[str, Any], str]:
    """Runs it: what was done, and the same in words."""
    from km365.services import calendar, housekeeping, prompts
    from km365.store import watches

    if name == "prompts":
        hours, per_week = calendar.hours_of(app.settings), app.settings.prompts_per_week
        count = await prompts.send_due(app.db, app.jobs, hours, graph=app.graph, per_week=per_week, now=now)
        return {"messages": count}, _messages(count)
    if name == "watch":
        count = await app.db.run(watches.look_now, at=now)
        return {"libraries": count}, _libraries(count)
    if name == "search":
        from km365.services import push, search_index

        noticed = await push.types(_push_desk(app))
        look = await search_index.look(app.graph, app.db, app.settings, now=app.clock.now, noticed=noticed)
        read = f"{look.items} knowledge items and {look.documents} documents read"
        return asdict(look), f"{read}, {look.removed} taken out"
    if name in _REHEARSED:
        return await _REHEARSED[name](app, now, dry_run=False)
    if name == "lessons":
        return await _lessons(app, now, dry_run=False)
    tidied = await housekeeping.tidy(app.db, app.jobs, now=now)
    return asdict(tidied), f"Copied to {tidied.copy}; {tidied.deleted} rows deleted."


async def _would(app: "App", name: str, now: datetime) -> tuple[dict[str, Any], str]:
    """What it would do now."""
    from km365.services import calendar, housekeeping, prompts
    from km365.store import watches

    if name == "prompts":
        hours, per_week = calendar.hours_of(app.settings), app.settings.prompts_per_week
        count = await prompts.would_send(app.db, app.jobs, hours, graph=app.graph, per_week=per_week, now=now)
        return {"messages": count}, _messages(count)
    if name == "watch":
        count = sum(one.is_on for one in await app.db.run(watches.list_))
        return {"libraries": count}, _libraries(count)
    if name in _REHEARSED:
        return await _REHEARSED[name](app, now, dry_run=True)
    if name == "lessons":
        return await _lessons(app, now, dry_run=True)
    count = await housekeeping.would_delete(app.db, app.jobs, now=now)
    return {"deleted": count}, f"a copy of the database; {count} rows deleted."


def _push_desk(app: "App") -> "PushDesk":
    from km365.services import push

    return push.desk_of(app.graph, app.db, app.jobs, app.settings, app.templates, app.clock.now)


async def _push(app: "App", _: datetime, *, dry_run: bool) -> tuple[dict[str, Any], str]:
    """How many messages were put; for a dry run whom, for which document, and which lessons, with reasons."""
    from km365.services import push

    desk = _push_desk(app)
    if not dry_run:
        count = await push.send_due(desk)
        return {"messages": count}, _messages(count)
    labels = (await desk.terms.now()).taxonomy.by_term_id
    found: list[dict[str, Any]] = [
        {
            "to": one.person.upn,
            "document": one.title,
            "lessons": [
                {
                    "id": lesson.item.id,
                    "title": lesson.item.title,
                    "office": lesson.item.office,
                    "topics": [labels[tag].label("en") for tag in lesson.tags if tag in labels],
                }
                for lesson in one.lessons
            ],
        }
        for one in await push.would_send(desk)
    ]
    lines = [_messages(len(found))]
    for one in found:
        lines.append(f"to {one['to']} for “{one['document']}”:")
        for lesson in one["lessons"]:
            about = f"{lesson['id']} {lesson['title']} ({lesson['office']})"
            lines.append(f"  {about}, the same topics: {', '.join(lesson['topics'])}")
    return {"messages": found}, "\n".join(lines)


async def _outlook(app: "App", now: datetime, *, dry_run: bool) -> tuple[dict[str, Any], str]:
    from km365.services import outlook

    report = await outlook.keep(app.graph, app.db, app.settings, now=now, dry_run=dry_run)
    words = f"{report.made} events made, {report.changed} changed, {report.called_off} taken out"
    if report.deleted:
        words += f"; {report.deleted} were deleted in Outlook and are left so until their milestone moves"
    return asdict(report), "\n".join([words, *report.problems])


async def _handover(app: "App", now: datetime, *, dry_run: bool) -> tuple[dict[str, Any], str]:
    from km365.services import calendar, gaps_followed, handover_readers
    from km365.services.gaps import GapDesk

    desk = handover_readers.ReadersDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    moved = await handover_readers.look(desk, at=now, dry_run=dry_run)
    hours = calendar.hours_of(app.settings)
    following = GapDesk.of(app.graph, app.db, app.jobs, app.settings, app.templates)
    told = await gaps_followed.look(following, hours, at=now, dry_run=dry_run)
    done = asdict(moved) | {"messages": moved.messages + told}
    return done, "\n".join([_messages(moved.messages + told), *moved.problems])


async def _lessons(app: "App", now: datetime, *, dry_run: bool) -> tuple[dict[str, Any], str]:
    from km365.services import calendar, deciding, lesson_care, life

    desk = life.LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    hours = calendar.hours_of(app.settings)
    done = await lesson_care.look(desk, app.templates, hours, at=now, dry_run=dry_run)
    told = await deciding.tell(desk, at=now, dry_run=dry_run)
    words = f"{done.asked} asked whether lessons still hold, {done.reminded} reminded of an action"
    words = f"{words}, {done.back} told that one has no owner, {done.proposed} told that lessons agree"
    words = f"{words}, {told} told of lessons to decide on"
    words = f"{words}, {done.taken_out} changed with their sources"
    return asdict(done) | {"deciders": told}, words


_REHEARSED = {"push": _push, "outlook": _outlook, "handover": _handover}
"""What says itself what it would do."""


def _messages(count: int) -> str:
    return f"{count} messages to be sent"


def _libraries(count: int) -> str:
    return f"{count} libraries, which the running service looks at now"


@command.command("pause")
@_names
@click.option("--dry-run", is_flag=True, help="Say whether it would be paused, and change nothing.")
@json_option
@with_app
async def pause(app: "App", *, name: str, dry_run: bool, as_json: bool) -> None:
    """Let no process begin anything for this automation until it is resumed.

    What is under way ends. Pausing prompts puts nothing more into the outbox; what waits there is sent.
    Pausing scan also leaves changes in the calendar unread. Exit code 4 where it is paused already.

    \b
    Example:
      km365 flow pause tidy --dry-run
    """
    from km365.services import flows

    await app.db.run(flows.pause, name, who=_WHO, now=app.clock.now(), dry_run=dry_run)
    _say(name, f"{name} is paused until `km365 flow resume {name}`.", dry_run=dry_run, as_json=as_json)


@command.command("resume")
@_names
@click.option("--dry-run", is_flag=True, help="Say whether it would go on, and change nothing.")
@json_option
@with_app
async def resume(app: "App", *, name: str, dry_run: bool, as_json: bool) -> None:
    """Let this automation go on, with what is due now. Exit code 4 where it is not paused.

    \b
    Example:
      km365 flow resume tidy
    """
    from km365.services import flows

    await app.db.run(flows.resume, app.jobs, name, who=_WHO, now=app.clock.now(), dry_run=dry_run)
    words = f"{name} goes on within a minute, where a service runs."
    _say(name, words, dry_run=dry_run, as_json=as_json)


def _say(name: str, words: str, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({"name": name, "dry_run": dry_run})
    else:
        click.echo(f"Nothing was changed. Without --dry-run: {words}" if dry_run else words)


def _print_scan(report: "Report", *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
        return
    rows = [
        (one.due_on, one.new, one.out, one.asked, one.subject.partition(":")[0], one.title)
        for one in report.opened
    ]
    table(rows, headings=("date", "new", "out", "in all", "what", "title"))
    for subject in report.ended:
        click.echo(f"ended: {subject}")
    click.echo("Nothing was changed or sent." if dry_run else f"{report.messages} messages to be sent")
    for warning in report.warnings:
        say(f"km365: {warning}")
