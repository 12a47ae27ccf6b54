"""`km365 settings`: what is set, and where it comes from."""

from dataclasses import asdict

import click

from km365.cli.console import json_option, print_json, table
from km365.settings import read


@click.group()
def command() -> None:
    """Show what is set, and where it comes from.

    \b
    Example:
      km365 settings show
    """


@command.command()
@json_option
def show(*, as_json: bool) -> None:
    """Print every setting in force with its origin; secrets are masked.

    \b
    Example:
      km365 settings show --json
    """
    _, sources = read()
    if as_json:
        print_json([asdict(source) for source in sources])
        return
    table(
        [(source.name, source.value or "-", source.origin, source.meaning) for source in sources],
        headings=("setting", "value", "from", "meaning"),
    )
