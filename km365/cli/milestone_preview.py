"""`km365 milestone preview`: whom milestones would ask, and why not the others, before anything is sent."""

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from km365.cli.console import json_option, print_json, say, table, with_app
from km365.errors import ExitCode

if TYPE_CHECKING:
    from km365.app import App
    from km365.services.milestone_preview import Preview


@click.command("preview")
@click.argument("milestone_id", metavar="[ID]", required=False)
@click.option("--all-due", is_flag=True, help="All milestones that ask now, instead of one.")
@click.option(
    "--office", "offices", multiple=True, help="With --all-due: its code, or CO-* for several; repeatable."
)
@json_option
@with_app
async def preview(
    app: "App", *, milestone_id: str | None, all_due: bool, offices: tuple[str, ...], as_json: bool
) -> int | None:
    """Show whom a milestone would ask, when and in which language, and why not each of the others.

    The others are those of the office, and whoever the rule would mean. Moments are on the clock of the
    person. Nothing is sent and nothing is written; what people do until then changes it.

    Exit code 3: something is to be corrected, or not known.

    \b
    Example:
      km365 milestone preview 1
    """
    from km365.core.calendar_filter import Filter
    from km365.services import milestone_preview

    if all_due == (milestone_id is not None):
        raise click.UsageError("Name one milestone by its id, or give --all-due.")
    if offices and not all_due:
        raise click.UsageError("--office goes with --all-due.")
    found = await milestone_preview.preview(
        app.graph,
        app.db,
        app.settings,
        milestone_id=milestone_id,
        wanted=Filter(offices=offices),
        now=app.clock.now(),
    )
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        for one in found:
            _print(one)
        if not found:
            click.echo("No milestone asks anybody now.")
    for problem in dict.fromkeys(problem for one in found for problem in one.problems):
        say(f"km365: {problem}")
    return ExitCode.PARTLY if any(one.problems for one in found) else None


def _print(found: "Preview") -> None:
    one = found.milestone
    facts = (one.kind, one.office, one.programme, one.due_on, one.state)
    click.echo(f"{one.title}\n{', '.join(str(fact) for fact in facts if fact)}\n")
    if found.sections:
        drawn, of = sum(part.drawn for part in found.sections), sum(part.of for part in found.sections)
        parts = ", ".join(f"{part.name or 'no section'} {part.drawn} of {part.of}" for part in found.sections)
        click.echo(f"{drawn} of {of} drawn: {parts}\n")
    click.echo(f"{len(found.asked)} would be asked")
    if found.asked:
        rows = [
            (
                f"{person.at.astimezone(ZoneInfo(person.zone)):%a %Y-%m-%d %H:%M}",
                person.zone,
                person.language,
                person.name,
                person.put_off or "-",
            )
            for person in found.asked
        ]
        table(rows, headings=("when", "time zone", "language", "name", "not before, because"))
    why = Counter(other.why for other in found.others)
    counts = f" ({'; '.join(f'{reason}: {count}' for reason, count in why.items())})" if why else ""
    click.echo(f"\n{len(found.others)} would not{counts}")
    if found.others:
        rows_not = [(other.why, other.detail or "-", other.name) for other in found.others]
        table(rows_not, headings=("why", "more", "name"))
    click.echo()
