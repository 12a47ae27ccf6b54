"""`km365 milestone plan` and `cycles`: a whole programme cycle laid out from the day it ends."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path

import click

from km365.cli.console import json_option, print_json, say, settings_in_force, table
from km365.core.languages import LANGUAGES
from km365.errors import ExitCode


@click.command("plan")
@click.option(
    "--cycle", "name", default="country-programme", help="Which; `km365 milestone cycles` lists them."
)
@click.option(
    "--office", "offices", multiple=True, required=True, help="The office, by its code; repeatable."
)
@click.option("--programme", default="", help="What the programme is called; it stands in the titles.")
@click.option("--ends", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The programme's last day.")
@click.option("--years", type=click.IntRange(1, 15), default=None, help="How long it runs, if not as usual.")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", help="The language of the titles.")
@click.option("--past", is_flag=True, help="The milestones whose day has passed as well.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it as .xlsx.")
@json_option
def plan(
    *,
    name: str,
    offices: tuple[str, ...],
    programme: str,
    ends: datetime,
    years: int | None,
    language: str,
    past: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Propose the milestones of a programme, counted from the day it ends, with the reason for each date.

    Nothing is written to SharePoint: with -o the proposal becomes a workbook to be looked over, corrected and
    given to `km365 milestone import`. A day off at the office becomes the last working day before it.

    \b
    Example:
      km365 milestone plan --office CO-BEL --programme "Belmora 2026-2030" --ends 2030-12-31 -o plan.xlsx
    """
    from km365.core.cycles import lay_out
    from km365.documents import calendar_xlsx, cycles
    from km365.documents.calendar_words import CalendarWords
    from km365.services.calendar import hours_of, working_days_of
    from km365.templates import Templates

    if output is not None and output.suffix.lower() != ".xlsx":
        raise click.UsageError("-o names an Excel workbook, with the ending .xlsx.")
    settings = settings_in_force()
    templates = Templates(settings.templates or None)
    zone, working = hours_of(settings).zone, working_days_of(settings)
    found = cycles.cycle(templates, name)
    proposed = [
        one
        for office in dict.fromkeys(offices)
        for one in lay_out(
            found,
            office=office,
            programme=programme,
            ends_on=ends.date(),
            years=years,
            language=language,
            works_on=working.of(office).works_on,
        )
    ]
    today = datetime.now(UTC).astimezone(zone).date()
    shown = [one for one in proposed if past or one.due_on >= today]
    if output is not None:
        calendar_xlsx.write(output, shown, CalendarWords(templates), language=language)
    if as_json:
        print_json([asdict(one) for one in shown])
    else:
        rows = [(one.due_on, one.office, one.kind, one.title, one.source or "-") for one in shown]
        table(rows, headings=("date", "office", "kind", "title", "why then"))
    _say_the_rest(len(proposed) - len(shown), output)


def _say_the_rest(passed: int, output: Path | None) -> None:
    if passed:
        say(f"km365: {passed} milestones whose day has passed are left out; --past shows them.")
    if output is not None:
        say(f"Written to {output}; look it over, then: km365 milestone import {output} --dry-run")


@click.command("cycles")
@json_option
def cycles_(*, as_json: bool) -> int | None:
    """List the cycles that can be laid out, and everything wrong with their templates.

    Exit code 1: something is wrong.

    \b
    Example:
      km365 milestone cycles
    """
    from km365.core.cycles import in_language, lay_out
    from km365.documents import cycles
    from km365.templates import Templates

    templates = Templates(settings_in_force().templates or None)
    wrong = cycles.problems(templates)
    found = [] if wrong else [cycles.cycle(templates, name) for name in cycles.names(templates)]
    any_day = date(2030, 12, 31)
    rows = [
        {
            "cycle": one.key,
            "name": in_language(one.names, "en"),
            "years": one.years,
            "milestones": len(lay_out(one, office="", programme="", ends_on=any_day)),
            "own": templates.is_own(f"{cycles.FOLDER}/{one.key}.toml"),
        }
        for one in found
    ]
    if as_json:
        print_json({"cycles": rows, "problems": wrong})
    else:
        lines = [(*list(row.values())[:4], "yours" if row["own"] else "shipped") for row in rows]
        table(lines, headings=("cycle", "name", "years", "milestones", "template"))
    for problem in wrong:
        say(f"km365: {problem}")
    return ExitCode.FAILED if wrong else None
