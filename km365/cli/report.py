"""`km365 report`: numbers about the whole, which name nobody."""

import click

from km365.cli.groups import LazyGroup

VERBS = {"loop": "km365.cli.report_loop:command"}


@click.group(cls=LazyGroup, verbs=VERBS)
def command() -> None:
    """See how far what was captured has come, in numbers that name nobody.

    \b
    Example:
      km365 report loop
    """
