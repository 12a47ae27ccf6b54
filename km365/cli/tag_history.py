"""`km365 tag show`, `list` and `history`: what runs did, and what was done to one document."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import json_option, print_json, say, table, with_app
from km365.errors import ExitCode

if TYPE_CHECKING:
    from km365.app import App
    from km365.services.tag_history import History, Touch
    from km365.services.tag_run import Outcome
    from km365.store.runs import Change, ChangeState

_Line = tuple[str, str, str]
"""A column of a change: its state, its title, and what was done or planned."""


@click.command()
@click.argument("run_id", metavar="RUN")
@json_option
@with_app
async def show(app: "App", *, run_id: str, as_json: bool) -> None:
    """Show what a run did to each document, with the comments of its plan and the reasons of what is left.

    \b
    Example:
      km365 tag show tag-0f3c9a1b2d
    """
    from km365.services import tag_run

    found = await app.db.run(tag_run.outcome, run_id)
    if as_json:
        await print_run(app, found)
        return
    rows = []
    said: list[Change] = []
    async for change in tag_run.journal(app.db, run_id):
        rows += [(*line, change.name) for line in _lines(change)]
        said += [change] if change.comment else []
    table(rows, headings=("state", "column", "before -> after", "document"))
    for change in said:
        click.echo(f"{change.name}: {' / '.join(str(change.comment).splitlines())}")
    list_left(found)


def _lines(change: "Change", standing: "Callable[[str, ChangeState], str] | None" = None) -> list[_Line]:
    """Each column of the change: its state, before and after where it was written, else what was planned.

    `standing` says the state of a column otherwise.
    """
    from km365.services.tag_history import state_of
    from km365.services.tag_moves import TITLES
    from km365.store.runs import ChangeState

    found = []
    for column, tags in change.new.items():
        before = ", ".join(label for _, label in change.old[column]) or "-"
        after = ", ".join(label for _, label in tags) or "-"
        state = state_of(change, column)
        said = f"{before} -> {after}"
        if state is ChangeState.SAME:
            said = f"{after} (there already)"
        elif state is not ChangeState.DONE:
            said = f"planned: {said}"
        found.append((standing(column, state) if standing else state, TITLES.get(column, column), said))
    return found


@click.command("list")
@json_option
@with_app
async def list_(app: "App", *, as_json: bool) -> None:
    """List the runs, the newest first: documents written, unchanged as they held the terms, and left.

    \b
    Example:
      km365 tag list
    """
    from km365.store import runs
    from km365.store.runs import ChangeState

    listed = []
    for run in await app.db.run(runs.list_):
        counts = await app.db.run(runs.counts, run.id)
        written, same = counts.get(ChangeState.DONE, 0), counts.get(ChangeState.SAME, 0)
        listed.append((run, written, same, sum(counts.values()) - written - same))
    if as_json:
        print_json(
            [asdict(run) | {"written": w, "unchanged": same, "left": left} for run, w, same, left in listed]
        )
        return
    rows = [
        (run.id, run.kind, run.state, *counts, f"{run.started_at:%Y-%m-%d %H:%M}", run.who)
        for run, *counts in listed
    ]
    table(rows, headings=("run", "kind", "state", "written", "unchanged", "left", "started (UTC)", "by"))


@click.command()
@click.argument("item")
@json_option
@with_app
async def history(app: "App", *, item: str, as_json: bool) -> int:
    """Show every run that touched a document, and what of it still stands.

    ITEM is the document's address, its path in the library, its name or a part of it, or its id.

    \b
    Example:
      km365 tag history "Supply note on the vaccine cold chain in the lowlands.pdf"
    """
    from km365.services import tag_history

    found = await tag_history.history(app.graph, app.db, item)
    if as_json:
        print_json(_history_json(found))
    else:
        _print_history(found)
    if found.unread:
        say(f"What it holds now could not be read: {found.unread}")
    return ExitCode.PARTLY if found.unread else ExitCode.DONE


def _print_history(found: "History") -> None:
    click.echo(found.path)
    rows = [
        (
            f"{touch.run.started_at:%Y-%m-%d %H:%M}",
            touch.run.id,
            touch.run.who,
            *line,
        )
        for touch in found.touches
        for line in _lines(touch.change, partial(_standing, found, touch))
    ]
    table(rows, headings=("started (UTC)", "run", "by", "state", "column", "before -> after"))
    for touch in found.touches:
        for said in (touch.change.reason, touch.change.comment):
            if said:
                click.echo(f"{touch.run.id}: {' / '.join(said.splitlines())}")
    if found.columns:
        click.echo(f"Now (changed {found.changed_at or 'at an unknown time'}):")
    for column in found.columns:
        labels = ", ".join(tag.label for tag in column.now) or "-"
        click.echo(f"  {column.title}: {labels}  ({column.standing})")


def _standing(found: "History", touch: "Touch", column: str, state: "ChangeState") -> str:
    """The state of the column, and whether its run was undone there since."""
    from km365.store.runs import ChangeState

    if touch.undone and found.undid(touch, column):
        return f"{state}, undone since"
    return f"{state}, not undone" if touch.undone and state is ChangeState.DONE else state


def _history_json(found: "History") -> dict[str, Any]:
    return {
        **{key: value for key, value in asdict(found).items() if key != "touches"},
        "touches": [
            {"run": asdict(one.run), "change": _change_json(one.change), "undone": one.undone}
            for one in found.touches
        ],
    }


def _change_json(change: "Change") -> dict[str, Any]:
    return {**change._asdict(), "cause": change.cause and asdict(change.cause)}


async def print_run(app: "App", found: "Outcome") -> None:
    """The run and every change of its journal, as JSON."""
    from km365.services import tag_run

    changes = [_change_json(change) async for change in tag_run.journal(app.db, found.run.id)]
    print_json({"run": asdict(found.run), "counts": found.counts, "changes": changes})


def list_left(found: "Outcome") -> None:
    """The documents that are not as the run wants them, a line each, on stderr."""
    from km365.store.runs import ChangeState, RunState

    goes_on = "" if found.run.state is RunState.UNDONE else "; the same command goes on"
    for change in found.left:
        say(f"{change.state}: {change.name}: {change.reason or f'not known{goes_on}.'}")
    not_begun = found.count(ChangeState.PENDING)
    if not_begun:
        say(f"Not reached: {not_begun}{goes_on}.")
    more = found.left_count - not_begun - len(found.left)
    if more > 0:
        say(f"... and {more} more; km365 tag show {found.run.id}")
