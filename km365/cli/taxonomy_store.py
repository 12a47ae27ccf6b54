"""`km365 taxonomy push|pull`: our term sets and the term store."""

import re
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import Progress, confirm, json_option, print_json, say, with_app
from km365.errors import ExitCode, KM365Error

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.taxonomy import Taxonomy
    from km365.core.term_changes import Line, SetChanges
    from km365.services.term_pull import Pulled
    from km365.services.term_writing import Pushed, PushPlan

SHOWN = 12
"""Lines of one kind that are printed; `--json` has all."""

IN_PUSH = {
    "set": "Term sets to make or rename",
    "new": "Terms to make",
    "adopted": "Made by people under a name the files have; they become ours",
    "reused": "Terms to reuse from another term set",
    "changed": "Terms to change",
    "kept": "Changed by people in the term store; kept as they are",
    "conflict": "Changed on both sides; left for you (--overwrite ID writes ours)",
    "by hand": "For you to do on the term store's page",
}
IN_PULL = {
    "added": "Made by people in the term store",
    "kept": "Changed by people in the term store",
    "conflict": "Changed on both sides",
    "gone": "In the term store, no longer in the files",
    "by hand": "Not as the files have it, and out of Graph's reach",
    "set": "Term sets the files have differently",
    "new": "In the files, not in the term store",
    "adopted": "Made by people under a name the files have too",
    "reused": "To be reused from another term set",
    "changed": "Changed in the files since",
}


@click.command()
@click.argument("facets", nargs=-1, metavar="[FACET]...")
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be done, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before writing.")
@click.option(
    "--overwrite",
    "force",
    multiple=True,
    metavar="ID",
    help="Write this term as the files have it, whatever people changed; several allowed.",
)
@click.option("--anew", is_flag=True, help="Read a large term store whole, also where it was read today.")
@json_option
@with_app
async def push(
    app: "App",
    *,
    facets: tuple[str, ...],
    only_plan: bool,
    yes: bool,
    force: tuple[str, ...],
    anew: bool,
    as_json: bool,
) -> int:
    """Bring the term store to our term sets: new terms, labels, synonyms, definitions in all its languages.

    What differs is shown first. What people changed in the term store is never written over by itself: what
    both sides changed is listed, and the exit code is 3. Nothing is deleted. Safe to repeat; cut off, the
    same command goes on.

    \b
    Example:
      km365 taxonomy push --plan topic
    """
    from km365.graph import sites
    from km365.services import term_push

    site = await sites.get_site(app.graph, app.settings.knowledge_site)
    home = app.settings.home
    with nullcontext() if only_plan else term_push.alone(home):
        with Progress("Reading the term store", None) as progress:
            made = await term_push.plan(
                app.graph,
                site.id,
                _ours(app),
                home=home,
                facets=facets,
                force=force,
                anew=anew,
                advance=progress.advance,
            )
        _planned(made, only_plan=only_plan, as_json=as_json)
        if only_plan or not made.writes:
            return ExitCode.PARTLY if made.left else ExitCode.DONE
        if not made.refused:
            _confirm(made, yes=yes)
        with Progress("Writing", made.writes) as progress:
            done = await term_push.push(
                app.graph,
                app.db,
                site.id,
                made,
                home=home,
                who="command line",
                now=app.clock.now,
                advance=progress.advance,
            )
    return _report(made, done, as_json=as_json)


def _planned(made: "PushPlan", *, only_plan: bool, as_json: bool) -> None:
    if not as_json:
        _show(made.changes, IN_PUSH)
    elif only_plan:
        print_json({"writes": made.writes, "refused": made.refused or None, "lines": _json(made.changes)})
    elif not made.writes:
        print_json({"done": {}, "failed": [], "left": [_line(line) for line in made.left]})
    _notes(made)


def _ours(app: "App") -> "Taxonomy":
    """The term sets in force, with the synonyms accepted since."""
    from km365.services import synonyms, taxonomy

    return synonyms.applied(app.settings.home, taxonomy.shipped(app.templates))


def _show(changes: Iterable["SetChanges"], headings: dict[str, str]) -> None:
    """The lines under a heading each, those that need somebody last in a push and first in a pull."""
    lines = [line for one in changes for line in one.lines]
    for kind, heading in headings.items():
        here = [line for line in lines if line.kind == kind]
        if here:
            click.echo(f"{heading}: {len(here)}")
        for line in here[:SHOWN]:
            click.echo(f"  {line.concept_id} ({line.label}): {line.says}")
        if len(here) > SHOWN:
            click.echo(f"  ... and {len(here) - SHOWN} more; --json has all")


def _notes(made: "PushPlan") -> None:
    from km365.services.term_copy import in_words

    if made.silent:
        say(
            f"The term store does not work in {', '.join(made.silent)}: those labels wait. An administrator "
            "adds working languages on the term store's page."
        )
    if made.refused:
        age = in_words(made.copy.age())
        say(f"The term store refuses this app ({made.refused}) Compared with the copy, {age}.")
    if not made.writes:
        say("Nothing is to be written.")


def _confirm(made: "PushPlan", *, yes: bool) -> None:
    say(f"To write: {made.writes}, about {made.units:,} resource units. Nothing is deleted.")
    if not yes:
        confirm("Write this to the term store?")


def _report(made: "PushPlan", done: "Pushed", *, as_json: bool) -> int:
    if as_json:
        failed = [{"id": one.concept_id, "why": one.why} for one in done.failed]
        left = [_line(line) for line in made.left]
        print_json({"done": done.counts(), "failed": failed, "left": left})
    for one in done.failed[:SHOWN]:
        say(f"Not written: {one.concept_id}: {one.why}")
    if len(done.failed) > SHOWN:
        say(f"... and {len(done.failed) - SHOWN} more; --json has all")
    say(
        f"Term sets: {done.sets}. Terms made: {done.terms}, reused: {done.reused}, changed: {done.changed}. "
        f"Not written: {len(done.failed)}. Left for you: {len(made.left)}."
    )
    return ExitCode.PARTLY if done.failed or made.left else ExitCode.DONE


def _line(line: "Line") -> dict[str, str]:
    return {"kind": str(line.kind), "id": line.concept_id, "label": line.label, "says": line.says}


def _json(changes: Iterable["SetChanges"]) -> list[dict[str, str]]:
    return [{"facet": one.key, **_line(line)} for one in changes for line in one.lines]


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder to write the term sets to, as the term store has them.",
)
@json_option
@with_app
async def pull(app: "App", *, output: Path | None, as_json: bool) -> int:
    """Read the whole term store, keep a copy of it, and say how it differs from the files.

    Every command works from that copy where the term store refuses the app. With -o the term sets are written
    as files too, with the terms and labels that people gave them: put the ones you want in force in your
    templates folder, under taxonomies/.

    \b
    Example:
      km365 taxonomy pull -o from-term-store
    """
    from km365.graph import sites
    from km365.services import term_copy, term_pull

    site = await sites.get_site(app.graph, app.settings.knowledge_site)
    home = app.settings.home
    with Progress("Reading the term store", None) as progress:
        pulled = await term_pull.pull(app.graph, site.id, _ours(app), home=home, advance=progress.advance)
    files = _write(pulled, output) if output else []
    if as_json:
        print_json(_pulled(pulled, files))
    else:
        _show(pulled.changes, IN_PULL)
    age = term_copy.in_words(pulled.copy.age())
    if pulled.refused:
        say(f"The term store refuses this app ({pulled.refused}) Compared with the copy, {age}.")
        return ExitCode.REFUSED
    say(f"{len(pulled.copy.sets)} term sets with {pulled.copy.terms} terms are in {home / term_copy.CACHE}.")
    if files:
        say(f"Written to {output}: {', '.join(file.name for file in files)}")
    return ExitCode.DONE


def _pulled(pulled: "Pulled", files: list[Path]) -> dict[str, Any]:
    return {
        "read_at": pulled.copy.read_at.isoformat(),
        "refused": pulled.refused or None,
        "sets": len(pulled.copy.sets),
        "terms": pulled.copy.terms,
        "lines": _json(pulled.changes),
        "files": [str(file) for file in files],
    }


def _write(pulled: "Pulled", folder: Path) -> list[Path]:
    """A file for each term set that the term store has, as `taxonomies/` holds them; none is written over."""
    from km365.core.taxonomy_file import to_json

    written = []
    for one in (*pulled.taxonomy.term_sets, *pulled.taxonomy.layers):
        if one.set_id is None:
            continue
        place = folder / "offices" / _file_name(one.office) if one.office else folder
        file = place / f"{_file_name(one.key)}.json"
        try:
            place.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as out:
                out.write(to_json(one))
        except FileExistsError:
            raise KM365Error(f"{file} is there already; choose another -o.") from None
        except OSError as error:
            raise KM365Error(f"{file} cannot be written ({error.strerror}); choose another -o.") from None
        written.append(file)
    return written


def _file_name(key: str) -> str:
    return re.sub(r"[^\w]+", "_", key) or "_"
