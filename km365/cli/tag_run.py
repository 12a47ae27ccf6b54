"""`km365 tag apply`, `undo`, `show` and `list`: plans made true, and taken back."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import Progress, json_option, print_json, say, table, with_app
from km365.errors import ExitCode, KM365Error

if TYPE_CHECKING:
    from km365.app import App
    from km365.services.tag_run import Outcome


@click.command()
@click.argument("plan_file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
@with_app
async def apply(app: "App", *, plan_file: Path, as_json: bool) -> int:
    """Write a plan; resumes where it stopped, and never writes over somebody else's change.

    \b
    Example:
      km365 tag apply plan.json
    """
    from km365.core.tag_plan_file import from_text
    from km365.services import feedback, suggest, tag_run

    known = await suggest.terms(app.graph, app.settings, app.templates)
    wanted = from_text(_read(plan_file), known, source=plan_file.name)
    with Progress("Tagging", len(wanted.rows)) as progress:
        done = await tag_run.apply(
            app.graph,
            app.db,
            app.settings,
            wanted,
            who=_who(),
            now=app.clock.now,
            advance=progress.advance,
        )
    await feedback.record_plan(app.db, wanted, run_id=done.run.id, who=_who(), at=app.clock.now())
    return _report(done, as_json=as_json, undo=True)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise KM365Error(f"{path} cannot be read ({type(error).__name__}).") from None


@click.command()
@click.argument("run_id", metavar="RUN")
@json_option
@with_app
async def undo(app: "App", *, run_id: str, as_json: bool) -> int:
    """Put back what was there before a run, where its value still stands; the rest is listed.

    \b
    Example:
      km365 tag undo tag-0f3c9a1b2d
    """
    from km365.services import feedback, tag_run

    with Progress("Undoing", None) as progress:
        done = await tag_run.undo(
            app.graph, app.db, app.settings, run_id, who=_who(), now=app.clock.now, advance=progress.advance
        )
    await feedback.record_undo(app.db, run_id, who=_who(), at=app.clock.now())
    return _report(done, as_json=as_json, undo=False)


@click.command()
@click.argument("run_id", metavar="RUN")
@json_option
@with_app
async def show(app: "App", *, run_id: str, as_json: bool) -> None:
    """Show what a run did to each document.

    \b
    Example:
      km365 tag show tag-0f3c9a1b2d
    """
    from km365.core.schema import TAG_COLUMNS
    from km365.services import tag_run

    found = await app.db.run(tag_run.outcome, run_id)
    if as_json:
        print_json(_json(found))
        return
    titles = {column.name: column.title for column in TAG_COLUMNS}
    rows = []
    for change in found.changes:
        for column, tags in change.new.items():
            before = ", ".join(label for _, label in change.old[column]) or "-"
            after = ", ".join(label for _, label in tags) or "-"
            rows.append((change.state, titles.get(column, column), f"{before} -> {after}", change.name))
    table(rows, headings=("state", "column", "before -> after", "document"))
    _list_left(found)


@click.command("list")
@json_option
@with_app
async def list_(app: "App", *, as_json: bool) -> None:
    """List the runs, the newest first.

    \b
    Example:
      km365 tag list
    """
    from km365.store import runs

    found = await app.db.run(runs.list_)
    if as_json:
        print_json([asdict(run) for run in found])
        return
    table(
        [(run.id, run.kind, run.state, f"{run.started_at:%Y-%m-%d %H:%M}") for run in found],
        headings=("run", "kind", "state", "started (UTC)"),
    )


def _who() -> str:
    """Who runs the command, for the journal: the command line has no sign-in of its own."""
    return "command line"


def _report(done: "Outcome", *, as_json: bool, undo: bool) -> int:
    from km365.store.runs import ChangeState

    written = done.count(ChangeState.DONE)
    if as_json:
        print_json(_json(done))
    _list_left(done)
    say(f"Written: {written}. Unchanged: {done.count(ChangeState.SAME)}. Left: {len(done.left)}.")
    if undo and written:
        say(f"Run {done.run.id}. To take it back: km365 tag undo {done.run.id}")
    return ExitCode.PARTLY if done.left else ExitCode.DONE


def _list_left(done: "Outcome") -> None:
    for change in done.left:
        say(f"{change.state}: {change.name}: {change.reason or 'not reached yet; the same command goes on.'}")


def _json(done: "Outcome") -> dict[str, Any]:
    return {"run": asdict(done.run), "changes": [asdict(change) for change in done.changes]}
