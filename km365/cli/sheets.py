"""What the imports of sheets say, whatever their rows mean."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from km365.cli.console import print_json, say
from km365.errors import ExitCode

if TYPE_CHECKING:
    from km365.core.schema import ListSpec
    from km365.services.sheet_import import Done


def titles(names: Iterable[str], spec: "ListSpec") -> str:
    """The columns of the list as people see them."""
    known = {column.name: column.title for column in spec.columns}
    return ", ".join(known.get(name, name) for name in names)


def ended(done: "Done", *, as_json: object = None) -> int | None:
    """Says how many rows were written, or `as_json`, and which were not; the exit code."""
    if as_json is None:
        click.echo(f"{done.written} written")
    else:
        print_json(as_json)
    for problem in done.problems:
        say(f"km365: {problem}")
    return ExitCode.PARTLY if done.problems else None
