"""`km365 settings`: what is set, and where it comes from."""

import textwrap
from dataclasses import asdict

import click

from km365.cli.console import json_option, print_json, table
from km365.cli.running import in_force

WIDTH = 60
"""How wide a value may be before it goes on in the next line."""


@click.group()
def command() -> None:
    """Show what is set, and where it comes from.

    \b
    Example:
      km365 settings show
    """


@command.command()
@click.option("--explain", is_flag=True, help="Say below each setting what it means.")
@json_option
def show(*, explain: bool, as_json: bool) -> None:
    """Print every setting in force with its origin; secrets are masked.

    \b
    Example:
      km365 settings show --explain
    """
    _, sources = in_force()
    if as_json:
        print_json([asdict(source) for source in sources])
        return
    rows: list[tuple[str, str, str]] = []
    for source in sources:
        first, *more = _lines(source.value) or ["-"]
        rows += [(source.name, first, source.origin), *(("", line, "") for line in more)]
        if explain:
            rows += [("", f"  {line}", "") for line in _lines(source.meaning)]
    table(rows, headings=("setting", "value", "from"))


def _lines(text: str) -> list[str]:
    """The text in lines that are broken at spaces only, so that an address can be copied whole."""
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
