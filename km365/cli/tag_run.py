"""`km365 tag apply` and `undo`: plans made true, and taken back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from km365.cli.console import Progress, json_option, say, with_app
from km365.errors import ExitCode, PlanRefused

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.tag_plan import Plan
    from km365.services.tag_run import Outcome
    from km365.store.runs import Run


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
    from km365.documents.plan_files import opened
    from km365.services import feedback, suggest, tag_run
    from km365.store import runs
    from km365.store.runs import RunState

    known = await suggest.terms(app.graph, app.settings, app.templates)
    with opened(plan_file, known) as wanted:
        if not wanted.rows:  # a plan from which everything was taken out says something all the same
            await feedback.record_plan(app.db, wanted, run_id="", who=_who(), at=app.clock.now())
        try:
            async with _named(app, f"km365 tag apply {plan_file}") as begun:
                with Progress("Tagging", len(wanted.rows)) as bar:
                    done = await tag_run.apply(
                        app.graph,
                        app.db,
                        app.settings,
                        wanted,
                        who=_who(),
                        now=app.clock.now,
                        begun=begun,
                        advance=bar.advance,
                    )
        except (PlanRefused, asyncio.CancelledError):
            for run in await app.db.run(runs.list_, plan_sha=wanted.sha):
                if run.state is RunState.DONE:  # it may have been killed before its corrections were kept
                    await _keep(app, wanted, run)
            raise
        said = await _keep(app, wanted, done.run)
    code = await _report(app, done, as_json=as_json, undo=True)
    if said:
        say(f"Corrections kept for the next plan: {said}.")
    return code


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
    from km365.store import runs
    from km365.store.runs import RunState

    try:
        async with _named(app, f"km365 tag undo {run_id}") as begun:
            with Progress("Undoing", None) as progress:
                done = await tag_run.undo(
                    app.graph,
                    app.db,
                    app.settings,
                    run_id,
                    who=_who(),
                    now=app.clock.now,
                    begun=begun,
                    advance=progress.advance,
                )
    finally:
        if (await app.db.run(runs.get, run_id)).state is RunState.UNDONE:  # its undo has begun, now or before
            await feedback.record_undo(app.db, run_id, at=app.clock.now())
    return await _report(app, done, as_json=as_json, undo=False)


@asynccontextmanager
async def _named(app: "App", go_on: str) -> AsyncIterator["Callable[[Run], None]"]:
    """Names the run that was begun, where something cuts it off, with what goes on and what takes it back."""
    begun: list[Run] = []
    try:
        yield begun.append
    except BaseException as cut:
        for run in begun:
            if isinstance(cut, asyncio.CancelledError) and await _is_over(app, run):
                say(f"Run {run.id} had come to its end. What came of it: km365 tag show {run.id}")
            else:
                say(f"Run {run.id} was cut off. To go on: {go_on}")
            if not run.undoes:
                say(f"To take it back: km365 tag undo {run.id}")
        raise


async def _is_over(app: "App", run: "Run") -> bool:
    from km365.store import runs
    from km365.store.runs import RunState

    return (await app.db.run(runs.get, run.id)).state is RunState.DONE


async def _keep(app: "App", applied: "Plan", run: "Run") -> int:
    """Keeps what the plan says of its terms, as of the end of its run: twice is once."""
    from km365.services import feedback

    at = run.finished_at or app.clock.now()
    return await feedback.record_plan(app.db, applied, run_id=run.id, who=_who(), at=at)


def _who() -> str:
    """Who runs the command, for the journal: the command line has no sign-in of its own."""
    return "command line"


async def _report(app: "App", done: "Outcome", *, as_json: bool, undo: bool) -> int:
    from km365.cli.tag_history import list_left, print_run
    from km365.store.runs import ChangeState

    written = done.count(ChangeState.DONE)
    if as_json:
        await print_run(app, done)
    list_left(done)
    say(f"Written: {written}. Unchanged: {done.count(ChangeState.SAME)}. Left: {done.left_count}.")
    back = f" To take it back: km365 tag undo {done.run.id}" if undo and written else ""
    say(f"Run {done.run.id}.{back}")
    return ExitCode.PARTLY if done.left_count else ExitCode.DONE
