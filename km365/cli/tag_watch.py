"""`km365 tag watch` and `km365 tag report`."""

import asyncio
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import json_option, print_json, say, table, with_app
from km365.cli.tag_plan import to_sheet, try_output
from km365.errors import ExitCode, KM365Error

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.tag_plan import Library
    from km365.services.tag_watch import Look

_FAILED_SHOWN = 20


@click.command()
@click.option(
    "--site",
    "addresses",
    multiple=True,
    help="A site as host:/path; several allowed. All offices if left out; --queue shows all.",
)
@click.option("--library", default="Documents", show_default=True, help="The library's name.")
@click.option("--once", is_flag=True, help="Look once, then end.")
@click.option("--everything", is_flag=True, help="Also what is there already, not only what comes.")
@click.option(
    "--auto-above",
    type=click.FloatRange(0, 1),
    help="The score from which terms of mode auto are applied at once; a watch keeps it.  [default: 0.8]",
)
@click.option("--every", "every_s", default=60, show_default=True, help="Seconds between two looks.")
@click.option("--on", "turn", flag_value="on", help="Have the service watch from now on, and end.")
@click.option("--off", "turn", flag_value="off", help="Have nobody watch any more, and end.")
@click.option("--queue", "show_queue", is_flag=True, help="Show what waits for you, and end.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --queue: write what waits as a plan, to review and apply; with the ending .xlsx for Excel.",
)
@click.option("--overwrite", is_flag=True, help="With -o: replace the file if it is there, edits and all.")
@json_option
@with_app
async def watch(
    app: "App",
    *,
    addresses: tuple[str, ...],
    library: str,
    once: bool,
    everything: bool,
    auto_above: float | None,
    every_s: int,
    turn: str | None,
    show_queue: bool,
    output: Path | None,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Keep the new and changed documents of libraries tagged; Ctrl-C ends it, and nothing is lost.

    Terms whose mode is auto are written at once, as a run that `km365 tag undo` takes back. Everything else
    waits for you: `--queue`. With `--on` the running service does the watching. Without `--site` it is about
    the libraries of all offices.

    \b
    Example:
      km365 tag watch --site childrensagency.sharepoint.example:/sites/co-bel --once
    """
    if output is not None and not show_queue:
        raise click.UsageError("-o goes with --queue.")
    if show_queue:
        if output is not None:
            try_output(output, overwrite=overwrite)
        return await _show_queue(app, output, as_json=as_json)
    from km365.services import tag_plan, tag_watch
    from km365.store import watches

    libraries = await tag_plan.find_libraries(
        app.graph, addresses or app.settings.office_sites, library, settings=app.settings
    )
    if turn == "off":
        return await _turn_off(app, libraries)
    for one in libraries:
        known = await app.db.run(watches.find, one.drive_id)
        await tag_watch.begin(
            app.graph,
            app.db,
            one,
            auto_above=auto_above,
            is_on=turn == "on" or (known is not None and known.is_on),
            everything=everything,
            at=app.clock.now(),
        )
    if turn == "on":
        say(f"Watched by the service from now on: {len(libraries)} libraries. It looks every few minutes.")
        return ExitCode.DONE
    if not once:
        for one in libraries:
            say(f"Watching {one.name} of {one.site}; a document is read two minutes after it was last saved.")
        say(f"Looking every {every_s} seconds. Ctrl-C ends it, and nothing is lost.")
    return await _keep_looking(app, libraries, every_s=0 if once else every_s, as_json=as_json)


async def _keep_looking(app: "App", libraries: "list[Library]", *, every_s: int, as_json: bool) -> int:
    """Looks at each library, once for `every_s` 0, else until Ctrl-C; trouble in one leaves the others."""
    from km365.services import tag_watch
    from km365.services.tag_words import Words

    words = Words(app.graph, app.settings, app.templates)
    settle = tag_watch.SETTLE if every_s else timedelta()
    while True:
        partly = False
        troubles: list[KM365Error] = []
        for one in libraries:
            try:
                found = await tag_watch.look(
                    app.graph,
                    app.db,
                    app.settings,
                    await words.now(),
                    one.drive_id,
                    now=app.clock.now,
                    settle=settle,
                )
            except KM365Error as error:
                troubles.append(error)
                say(f"{one.name} of {one.site}: {error}{' Trying again.' if every_s else ''}")
            else:
                _print_look(found, as_json=as_json, always=not every_s)
                partly = partly or bool(found.failed or found.retried)
        if not every_s:
            if troubles and len(troubles) == len(libraries):
                return troubles[0].exit_code
            return ExitCode.PARTLY if partly or troubles else ExitCode.DONE
        await asyncio.sleep(every_s)
        await app.clock.refresh()


def _print_look(found: "Look", *, as_json: bool, always: bool) -> None:
    if not (always or found.read or found.failed):
        return
    if as_json:
        print_json(asdict(found))
    for path, reason in found.failed:
        say(f"Not tagged: {path}: {reason}")
    say(
        f"{found.library}: read {found.read}, tagged {found.tagged}, waiting for you {found.queued}, "
        f"to be tried again {found.retried}."
    )
    for run_id in found.runs:
        say(f"Run {run_id}. To take it back: km365 tag undo {run_id}")
    if found.queued:
        say("To see what waits: km365 tag watch --queue -o queue.json")


async def _turn_off(app: "App", libraries: "list[Library]") -> int:
    from km365.services import tag_listen
    from km365.store import watches

    count = 0
    for one in libraries:
        known = await app.db.run(watches.find, one.drive_id)
        if known is not None and known.is_on:
            await tag_listen.unsubscribe(app.graph, app.db, known)
            await app.db.run(watches.change, one.drive_id, is_on=False)
            count += 1
    say(f"Not watched any more: {count}. What waits for you stays: km365 tag watch --queue")
    return ExitCode.DONE


async def _show_queue(app: "App", output: Path | None, *, as_json: bool) -> int:
    from km365.core.tag_plan_file import to_text
    from km365.documents.plan_files import save
    from km365.services import suggest, tag_watch
    from km365.store import watches
    from km365.store.watches import FileState

    terms = await suggest.terms(app.graph, app.settings, app.templates)
    plan = await app.db.run(tag_watch.queue, terms, at=app.clock.now())
    if output is not None and plan.rows:
        save(plan, output, plan.rows, to_sheet(app, terms, "en", output))
    if as_json:
        click.echo(to_text(plan), nl=False)
        return ExitCode.DONE
    rows = [
        (f"{one.reason.score or 0:.2f}", change.title, one.tag.label, row.path)
        for row in plan.rows
        for change in row.changes
        for one in change.add
    ]
    table(rows, headings=("score", "column", "term", "document"))
    for one in await app.db.run(watches.list_):
        looked = f"{one.looked_at:%Y-%m-%d %H:%M} UTC" if one.looked_at else "never"
        by = "the service" if one.is_on else "nobody"
        trouble = f" Trouble: {one.problem}" if one.problem else ""
        say(f"{one.library} of {one.site}: watched by {by}, last look {looked}.{trouble}")
        if one.not_told:
            say(f"Graph does not tell of changes there: {one.not_told}")
    failed = await app.db.run(watches.files, state=FileState.FAILED, limit=_FAILED_SHOWN + 1)
    for file in failed[:_FAILED_SHOWN]:
        say(f"Not tagged: {file.path}: {file.note}")
    if len(failed) > _FAILED_SHOWN:
        say("... and more")
    if not plan.rows:
        say(
            "Nothing waits for you." if output is None else f"Nothing waits for you; no {output} was written."
        )
    elif output is None:
        say("To decide: km365 tag watch --queue -o queue.json, then km365 tag review queue.json")
    else:
        say(f"{len(plan.rows)} documents. Go through them: km365 tag review {output}")
    return ExitCode.DONE


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file: .html or .xlsx.  [default: RUN.html]",
)
@click.option("--language", default="en", show_default=True, help="en, fr, es, ar, ru, zh or pt.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@json_option
@with_app
async def report(
    app: "App", *, run_id: str, output: Path | None, language: str, overwrite: bool, as_json: bool
) -> int:
    """Report on a run: what changed, what did not and why, how many documents had terms before and after.

    \b
    Example:
      km365 tag report tag-0f3c9a1b2d -o report.html --language fr
    """
    from km365.core.languages import LANGUAGES
    from km365.documents import report_html, report_xlsx
    from km365.services import suggest, tag_report

    path = output or Path(f"{run_id}.html")
    if language not in LANGUAGES:
        raise click.UsageError(f"--language is one of {', '.join(LANGUAGES)}.")
    if path.suffix.lower() not in {".html", ".xlsx"}:
        raise click.UsageError("-o ends in .html or .xlsx.")
    if path.exists() and not overwrite:
        raise click.UsageError(f"{path} is there; choose another -o, or --overwrite.")
    terms = await suggest.terms(app.graph, app.settings, app.templates)
    made = await tag_report.report(
        app.graph, app.db, app.settings, terms, run_id, language=language, at=app.clock.now()
    )
    if path.suffix.lower() == ".html":
        _write(path, report_html.page(made, app.templates))
    else:
        _write(path, report_xlsx.workbook(made, app.templates))
    if as_json:
        print_json(asdict(made))
    else:
        click.echo(
            f"Changed: {len(made.changed)}. Not changed: {len(made.left)}. Left open: {len(made.open)}."
        )
    for one in made.coverage.by_office if made.coverage else ():
        before, after = f"{one.share_before:.0%}", f"{one.share_after:.0%}"
        say(f"{one.name}: {before} of documents had a term before it, {after} after it")
    if made.note:
        say(f"Coverage is not in it: {made.note}")
    say(f"Written to {path}")
    return ExitCode.PARTLY if made.note else ExitCode.DONE


def _write(path: Path, content: Any) -> None:
    """The whole file or none of it."""
    from km365.services.whole_file import whole_file

    try:
        with whole_file(path) as beside:
            beside.write_bytes(content if isinstance(content, bytes) else content.encode())
    except OSError as error:
        raise KM365Error(f"{path} cannot be written ({error.strerror}); choose another -o.") from None
