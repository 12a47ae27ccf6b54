"""`km365 doctor`: what works, what is missing, and what to do about it."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, with_app
from km365.errors import ExitCode

if TYPE_CHECKING:
    from km365.app import App


@click.command()
@json_option
@with_app
async def command(app: "App", *, as_json: bool) -> int:
    """Say in words what works and what is missing. Changes nothing.

    \b
    Example:
      km365 doctor
    """
    from km365.services import doctor, taxonomy

    terms = taxonomy.shipped(app.templates)
    looks = doctor.examine(app.graph, app.db, app.jobs, app.settings, terms, now=app.clock.now())
    findings = [finding async for finding in looks]
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            click.echo(f"{'ok     ' if finding.well else 'PROBLEM'}  {finding.about}: {finding.words}")
    return ExitCode.DONE if all(finding.well for finding in findings) else ExitCode.FAILED
