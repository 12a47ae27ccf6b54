"""`km365 questions`: try question banks and check them before they reach anybody."""

from pathlib import Path

import click

from km365.cli.console import json_option, print_json, settings_in_force
from km365.cli.groups import LazyGroup
from km365.documents import messages, questions
from km365.errors import ExitCode
from km365.templates import Templates


# The bot asks, so the bot's room has the command; nothing of it is imported here.
@click.group(cls=LazyGroup, verbs={"try": "km365_bots.rehearsal:command"})
def command() -> None:
    """Try question banks, and check them, before they reach anybody.

    \b
    Example:
      km365 questions try evaluation --language fr
      km365 questions check
    """


@command.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
def check(file: Path | None, *, as_json: bool) -> int:
    """Say what is wrong with the question banks and the bot's words, with file, line and key.

    FILE is one bank: a file of it, such as our_review.toml or our_review.fr.toml, or the name of one in use;
    without it all are checked. Exit code 1 if anything is wrong.

    \b
    Example:
      km365 questions check questions/handover.fr.toml
    """
    settings = settings_in_force()
    templates = Templates(settings.templates or None)
    if file is None:
        found = messages.problems(templates)
        for bank_id in questions.Banks(templates).names():
            found += questions.problems(templates, bank_id)
    else:
        found = questions.problems(*questions.find_bank(file, settings.templates or None))
    if as_json:
        print_json({"problems": found})
    else:
        for line in found:
            click.echo(line)
        click.echo("Nothing is wrong." if not found else f"{len(found)} to put right.", err=True)
    return ExitCode.FAILED if found else ExitCode.DONE
