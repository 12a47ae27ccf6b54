"""`km365 tag`: plan, apply, show, undo."""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import Progress, json_option, print_json, say, table, with_app
from km365.errors import ExitCode, KM365Error

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.tag_plan import Plan
    from km365.services.tag_run import Outcome

SHOWN = 12
"""Documents of a plan that are printed; the file holds all."""


@click.group()
def command() -> None:
    """Tag a library: plan, apply, show, undo.

    \b
    Example:
      km365 tag plan --site childrensagency.sharepoint.example:/sites/co-bel
    """


@command.command()
@click.option(
    "--site",
    "addresses",
    multiple=True,
    help="A site as host:/path; several allowed. All offices if left out.",
)
@click.option("--library", default="Documents", show_default=True, help="The library's name.")
@click.option("--folder", default="/", show_default=True, help="Only this folder of it and those below.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("tag-plan.json"),
    show_default=True,
    help="The plan file to write.",
)
@click.option("--overwrite", is_flag=True, help="Replace the plan file if it is there, edits and all.")
@json_option
@with_app
async def plan(
    app: "App",
    *,
    addresses: tuple[str, ...],
    library: str,
    folder: str,
    output: Path,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Read a library and propose terms, each with its reason; nothing is changed.

    The plan is a file to read and edit before `km365 tag apply`.

    \b
    Example:
      km365 tag plan --site childrensagency.sharepoint.example:/sites/co-bel -o plan.json
    """
    from km365.core.tag_plan import to_text
    from km365.services import suggest, tag_plan

    _try(output, overwrite=overwrite)
    words = await suggest.vocabulary(app.graph, app.settings, app.templates)
    sites = addresses or app.settings.office_sites
    libraries = await tag_plan.find_libraries(app.graph, sites, library)
    with Progress("Reading", await tag_plan.count_files(app.graph, libraries, folder=folder)) as progress:
        made = await tag_plan.plan(
            app.graph, words, libraries, folder=folder, at=app.clock.now(), advance=progress.advance
        )
    text = to_text(made)
    _write(output, text)
    if as_json:
        click.echo(text, nl=False)
    else:
        _print_plan(made)
    for one in made.refused:
        say(f"Not read: {one.path}: {one.reason}")
    say(
        f"To add: {made.terms} terms, to {len(made.rows)} of the documents. Nothing to add: "
        f"{len(made.unchanged)}. Not read: {len(made.refused)}."
    )
    if made.rows:
        say(f"Read and edit {output}, then: km365 tag apply {output}")
    return ExitCode.PARTLY if made.refused else ExitCode.DONE


def _try(path: Path, *, overwrite: bool) -> None:
    """Says before an hour of reading, not after, that the plan file cannot be written."""
    if path.exists() and not overwrite:
        raise click.UsageError(f"{path} is there, perhaps with edits; choose another -o, or --overwrite.")
    with _whole_file(path) as beside:
        beside.touch()
        beside.unlink()


def _write(path: Path, text: str) -> None:
    """The whole file or none of it."""
    with _whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)


@contextlib.contextmanager
def _whole_file(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; nothing is left there when that fails."""
    beside = path.with_name(path.name + ".new")
    try:
        yield beside
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise KM365Error(
            f"The plan could not be written to {path} ({error.strerror}); choose another -o."
        ) from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise KM365Error(f"{path} cannot be read ({type(error).__name__}).") from None


def _print_plan(made: "Plan") -> None:
    for row in made.rows[:SHOWN]:
        click.echo(row.path)
        for change in row.changes:
            for one in change.add:
                words = ", ".join(f"“{word}”" for word in one.reason.words)
                places = f" ({'; '.join(one.reason.places)})" if one.reason.places else ""
                click.echo(f"  {change.title}: {one.tag.label}  {one.reason.score:.2f}  {words}{places}")
    if len(made.rows) > SHOWN:
        click.echo(f"... and {len(made.rows) - SHOWN} more documents in the file")


@command.command()
@click.argument("plan_file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
@with_app
async def apply(app: "App", *, plan_file: Path, as_json: bool) -> int:
    """Write a plan; resumes where it stopped, and never writes over somebody else's change.

    \b
    Example:
      km365 tag apply plan.json
    """
    from km365.core.tag_plan import from_text
    from km365.services import suggest, tag_run

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
    return _report(done, as_json=as_json, undo=True)


@command.command()
@click.argument("run_id", metavar="RUN")
@json_option
@with_app
async def undo(app: "App", *, run_id: str, as_json: bool) -> int:
    """Put back what was there before a run, where its value still stands; the rest is listed.

    \b
    Example:
      km365 tag undo tag-0f3c9a1b2d
    """
    from km365.services import tag_run

    with Progress("Undoing", None) as progress:
        done = await tag_run.undo(
            app.graph, app.db, app.settings, run_id, who=_who(), now=app.clock.now, advance=progress.advance
        )
    return _report(done, as_json=as_json, undo=False)


@command.command()
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


@command.command("list")
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
