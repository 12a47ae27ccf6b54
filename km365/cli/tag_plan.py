"""`km365 tag plan`."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from km365.cli.console import Progress, json_option, say, with_app
from km365.errors import ExitCode, KM365Error

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.tag_plan import Plan

SHOWN = 12
"""Documents of a plan that are printed; the file holds all."""


@click.command()
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
    from km365.core.tag_plan_file import to_text
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


def _print_plan(made: "Plan") -> None:
    for row in list(made.rows)[:SHOWN]:
        click.echo(row.path)
        for change in row.changes:
            for one in change.add:
                words = ", ".join(f"“{word}”" for word in one.reason.words)
                places = f" ({'; '.join(one.reason.places)})" if one.reason.places else ""
                click.echo(f"  {change.title}: {one.tag.label}  {one.reason.score:.2f}  {words}{places}")
    if len(made.rows) > SHOWN:
        click.echo(f"... and {len(made.rows) - SHOWN} more documents in the file")
