"""`km365 milestone`: the programme calendar, and where the people it asks stand."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import json_option, print_json, say, table, with_app
from km365.cli.groups import LazyGroup
from km365.cli.milestone_filter import choosing, filter_of
from km365.errors import ExitCode

if TYPE_CHECKING:
    from km365.app import App


VERBS = {
    "import": "km365.cli.milestone_import:import_",
    "preview": "km365.cli.milestone_preview:preview",
    "plan": "km365.cli.milestone_plan:plan",
    "cycles": "km365.cli.milestone_plan:cycles_",
    "timeline": "km365.cli.milestone_timeline:timeline",
    "export": "km365.cli.milestone_timeline:export",
}


@click.group(cls=LazyGroup, verbs=VERBS)
def command() -> None:
    """Keep the programme calendar, and see whom its milestones ask.

    \b
    Example:
      km365 milestone list
    """


@command.command("list")
@choosing
@json_option
@with_app
async def list_(app: "App", /, *, as_json: bool, **chosen: Any) -> int | None:
    """List the milestones, the earliest first, with how many were asked and how many answered.

    Options that choose narrow one another; the same option several times widens it.

    Exit code 3: some have no date, so that nobody is asked.

    \b
    Example:
      km365 milestone list --office CO-BEL --kind MTR --from 2027-01-01 --state planned
    """
    from km365.documents.calendar_words import CalendarWords
    from km365.services import milestones

    wanted = filter_of(CalendarWords(app.templates), **chosen)
    found = await milestones.overview(app.graph, app.db, app.settings, wanted)
    undated = [one for one in found if one.milestone.due_on is None and not one.milestone.is_over]
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        rows = [
            (
                one.milestone.due_on or "no date",
                one.milestone.id,
                one.milestone.office,
                one.milestone.kind,
                one.milestone.state,
                one.asked,
                one.answered,
                one.milestone.title,
            )
            for one in found
        ]
        table(rows, headings=("date", "id", "office", "kind", "state", "asked", "answered", "title"))
    for one in undated:
        say(
            f"km365: the milestone {one.milestone.title!r} has no date, so nobody is asked; "
            "set it in the Milestones list."
        )
    return ExitCode.PARTLY if undated else None


@command.command("show")
@click.argument("milestone_id", metavar="ID")
@json_option
@with_app
async def show(app: "App", *, milestone_id: str, as_json: bool) -> int | None:
    """Show one milestone, whom it asks and where each person stands. Never what was said.

    Where they stand may say what put it off: on leave, or asked something else too recently. The last column
    says what became of the last message to the person: sent, waiting and until when,
    unknown (it may have arrived), unreachable or failed, and why. What to do about it is said below.

    \b
    Example:
      km365 milestone show 1
    """
    from km365.services import milestones

    detail = await milestones.show(app.graph, app.db, app.settings, milestone_id)
    if as_json:
        print_json(asdict(detail))
    else:
        one = detail.milestone
        facts = (one.kind, one.office, one.programme, one.due_on or "no date", one.state)
        click.echo(f"{one.title}\n{', '.join(str(fact) for fact in facts if fact)}\n")
        rows = [
            (
                line.language,
                f"{line.outcome}, {line.why}" if line.why else line.outcome,
                line.sent,
                f"{line.next_at:%Y-%m-%d %H:%M}" if line.next_at else "-",
                line.name,
                line.became or "-",
            )
            for line in detail.people
        ]
        table(rows, headings=("language", "where", "messages", "next", "name", "last message"))
        for line in detail.people:
            if line.advice:
                click.echo(f"\n{line.name} ({line.sign_in}): {line.became}\n  {line.advice}")
    for problem in detail.problems:
        say(f"km365: {problem}")
    return ExitCode.PARTLY if detail.problems else None
