"""`km365 taxonomy`: the term sets that documents are tagged with."""

from pathlib import Path

import click

from km365.cli.console import json_option, print_json, say, settings_in_force, table
from km365.errors import ExitCode
from km365.templates import Templates


@click.group()
def command() -> None:
    """Check and list the terms documents are tagged with.

    \b
    Example:
      km365 taxonomy check
    """


@command.command()
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@json_option
def check(files: tuple[Path, ...], *, as_json: bool) -> int:
    """Say what is wrong with term sets, with file and concept.

    Without FILE all term sets in force are checked together, the office's own in the templates folder
    included. Exit code 1 if anything is wrong.

    \b
    Example:
      km365 taxonomy check taxonomies/topic.json
    """
    from km365.services import taxonomy

    if files:
        found = [line for file in files for line in taxonomy.problems_of(file)]
    else:
        _, found = taxonomy.load(Templates(settings_in_force().templates or None))
    if as_json:
        print_json({"problems": found})
    else:
        for line in found:
            click.echo(line)
        say("Nothing is wrong." if not found else f"{len(found)} to put right.")
    return ExitCode.FAILED if found else ExitCode.DONE


@command.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """The term sets in force: what they are called, which column they fill, how many concepts they have.

    \b
    Example:
      km365 taxonomy list --json
    """
    from km365.services import taxonomy

    known = taxonomy.shipped(Templates(settings_in_force().templates or None))
    rows = [
        {
            "key": one.key,
            "name": one.name(),
            "column": one.column or None,
            "concepts": len(one.concepts),
            "suggested": sum(concept.open_for_tagging for concept in one.concepts),
            "languages": sorted({language for concept in one.concepts for language in concept.labels}),
        }
        for one in known.term_sets
    ]
    if as_json:
        print_json(rows)
        return
    table(
        [(r["key"], r["column"], r["concepts"], r["suggested"], r["name"]) for r in rows],
        headings=("term set", "column", "concepts", "suggested", "name"),
    )
