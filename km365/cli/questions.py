"""`km365 questions`: check question banks before they reach anybody."""

from pathlib import Path

import click

from km365.cli.console import json_option, print_json, settings_in_force
from km365.documents import messages, questions
from km365.errors import ExitCode, TemplateError
from km365.templates import Templates


@click.group()
def command() -> None:
    """Check question banks before they reach anybody.

    \b
    Example:
      km365 questions check
    """


@command.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
def check(file: Path | None, *, as_json: bool) -> int:
    """Say what is wrong with the question banks and the bot's words, with file, line and key.

    FILE is one bank in your templates folder, such as questions/handover.toml or questions/handover.fr.toml;
    without it all are checked. Exit code 1 if anything is wrong.

    \b
    Example:
      km365 questions check questions/handover.fr.toml
    """
    templates = Templates(settings_in_force().templates or None)
    if file is None:
        found = messages.problems(templates)
        for bank_id in questions.Banks(templates).names():
            found += questions.problems(templates, bank_id)
    else:
        folder, bank_id = _bank(file)
        found = questions.problems(Templates(folder) if folder else templates, bank_id)
    if as_json:
        print_json({"problems": found})
    else:
        for line in found:
            click.echo(line)
        click.echo("Nothing is wrong." if not found else f"{len(found)} to put right.", err=True)
    return ExitCode.FAILED if found else ExitCode.DONE


def _bank(file: Path) -> tuple[Path | None, str]:
    """The templates folder a file lies in (None for one named only) and the bank it belongs to."""
    bank_id = file.name.split(".", 1)[0]
    if not file.exists():
        if file.parent.name in {"", "questions"}:
            return None, bank_id
        raise TemplateError(f"There is no file {file}.")
    if file.resolve().parent.name != "questions":
        raise TemplateError(f"{file} does not lie in a folder named questions, where km365 looks for banks.")
    return file.resolve().parent.parent, bank_id
