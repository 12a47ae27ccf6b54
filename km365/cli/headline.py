"""`km365 headline`: the headline messages of a milestone that is over, and choosing among them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, say, table, with_app
from km365.cli.lesson import as_option, reader_of

if TYPE_CHECKING:
    from km365.app import App
    from km365.services.headline_answers import HeadlineDesk
    from km365.services.headlines import Shown
    from km365.store.headlines import State

dry_run_option = click.option("--dry-run", is_flag=True, help="Say what it would do, and do nothing.")


@click.group()
def command() -> None:
    """See the headline messages of a milestone that is over, and choose those that become lessons.

    \b
    Example:
      km365 headline list --as zodwa.thimblesea@childrensagency.example
    """


@command.command("list")
@click.argument("milestone", required=False)
@as_option
@json_option
@with_app
async def list_(app: "App", *, milestone: str | None, sign_in: str, as_json: bool) -> None:
    """List the milestones with headline messages; of one MILESTONE (its id), the candidates in their order.

    \b
    Example:
      km365 headline list --as zodwa.thimblesea@childrensagency.example
    """
    from km365.services import headlines
    from km365.store.headlines import State

    reader = await reader_of(app, sign_in)
    if milestone:
        seen = await headlines.sheet(_desk(app), f"milestone:{milestone}", reader)
        if as_json:
            print_json([_json(one) for one in seen.candidates])
            return
        rows = [
            (one.number, one.state, _support(one), one.perspective or "-", one.theme or "-", one.title)
            for one in seen.candidates
        ]
        table(rows, headings=("number", "state", "who says so", "side of the work", "theme", "message"))
        return
    found = await headlines.overview(_desk(app), reader)
    if as_json:
        print_json(
            [
                {
                    "milestone": one.campaign.id.removeprefix("milestone:"),
                    "office": one.office,
                    "title": one.campaign.title,
                    "people": one.people,
                    "summary_url": one.summary_url,
                }
                | {state.value: one.states.get(state, 0) for state in State}
                for one in found
            ]
        )
        return
    table(
        [
            (
                one.campaign.id.removeprefix("milestone:"),
                one.office,
                one.people,
                sum(one.states.values()),
                one.states.get(State.CHOSEN, 0),
                one.campaign.title,
            )
            for one in found
        ],
        headings=("milestone", "office", "people", "candidates", "chosen", "title"),
    )


@command.command()
@click.argument("milestone")
@as_option
@json_option
@with_app
async def show(app: "App", *, milestone: str, sign_in: str, as_json: bool) -> None:
    """Show the candidates of a MILESTONE (its id) with quotations, dissent and why each stands where it does.

    While people are still asked it shows what there would be by now.

    \b
    Example:
      km365 headline show 7 --as zodwa.thimblesea@childrensagency.example
    """
    from km365.services import headlines

    reader = await reader_of(app, sign_in)
    seen = await headlines.sheet(_desk(app), f"milestone:{milestone}", reader)
    if as_json:
        print_json(
            {
                "milestone": milestone,
                "title": seen.campaign.title,
                "office": seen.office,
                "over": seen.kept,
                "people": seen.people,
                "groups": [asdict(one) for one in seen.groups],
                "headlines": [_json(one) for one in seen.candidates],
                "hidden": seen.hidden,
                "summary_url": seen.summary_url,
            }
        )
        return
    if not seen.people:
        say(
            "Fewer than three people have sent something, so there are no headline messages; "
            "what they sent is in the list: km365 lesson list."
        )
        return
    click.echo(f"{seen.campaign.title} ({seen.office}): {seen.people} people sent something.")
    for group in seen.groups:
        about = ", ".join(part for part in (group.perspective or "no side of the work", group.theme) if part)
        click.echo(f"  {about}: {group.people or 'fewer than three people'}")
    for one in seen.candidates:
        _print(one)
    if seen.hidden:
        say(f"{seen.hidden} more are not shown: taken back since, or read by their office alone.")
    if not seen.kept:
        say("The milestone is not over yet; this can still change.")
    if seen.summary_url:
        say(f"Summary: {seen.summary_url}")


@command.command()
@click.argument("milestone")
@click.argument("numbers", nargs=-1, required=True, type=int)
@click.option("--edit", "edits", multiple=True, metavar='"N: WORDS"', help="Number N, in your own words.")
@dry_run_option
@as_option
@with_app
async def choose(
    app: "App",
    *,
    milestone: str,
    numbers: tuple[int, ...],
    edits: tuple[str, ...],
    dry_run: bool,
    sign_in: str,
) -> None:
    """Choose messages of a MILESTONE: each becomes a lesson for review, and all stand in a Word summary.

    \b
    Example:
      km365 headline choose 7 1 3 --edit "3: Ask them" --dry-run --as zodwa.thimblesea@childrensagency.example
    """
    from km365.store.headlines import State

    await _decide(
        app, milestone, numbers, State.CHOSEN, sign_in=sign_in, dry_run=dry_run, edits=_edits(edits)
    )


@command.command()
@click.argument("milestone")
@click.argument("numbers", nargs=-1, required=True, type=int)
@dry_run_option
@as_option
@with_app
async def drop(app: "App", *, milestone: str, numbers: tuple[int, ...], dry_run: bool, sign_in: str) -> None:
    """Drop messages of a MILESTONE; the lesson of one that was chosen is taken out of the list again.

    \b
    Example:
      km365 headline drop 7 2 --dry-run --as zodwa.thimblesea@childrensagency.example
    """
    from km365.store.headlines import State

    await _decide(app, milestone, numbers, State.DROPPED, sign_in=sign_in, dry_run=dry_run)


@command.command()
@click.argument("milestone")
@click.argument("numbers", nargs=-1, required=True, type=int)
@dry_run_option
@as_option
@with_app
async def undo(app: "App", *, milestone: str, numbers: tuple[int, ...], dry_run: bool, sign_in: str) -> None:
    """Undo what was decided about messages of a MILESTONE, until somebody has decided on their lessons.

    \b
    Example:
      km365 headline undo 7 1 --dry-run --as zodwa.thimblesea@childrensagency.example
    """
    from km365.store.headlines import State

    await _decide(app, milestone, numbers, State.OPEN, sign_in=sign_in, dry_run=dry_run)


async def _decide(
    app: "App",
    milestone: str,
    numbers: Sequence[int],
    state: "State",
    *,
    sign_in: str,
    dry_run: bool,
    edits: dict[int, str] | None = None,
) -> None:
    from km365.errors import PlanRefused
    from km365.services import headline_choice as choice

    desk, campaign_id = _desk(app), f"milestone:{milestone}"
    reader = await reader_of(app, sign_in)
    outcomes = await choice.decide(
        desk, campaign_id, numbers, state, reader=reader, edits=edits, dry_run=dry_run
    )
    for one in outcomes:
        lesson = f" {one.item_id}" if one.became in {choice.Became.LESSON, choice.Became.TAKEN_OUT} else ""
        click.echo(f"{one.number}  {one.became}{lesson}: {one.title}")
    if dry_run:
        say("Nothing was changed.")
        return
    try:
        url = await choice.carry_out(desk, campaign_id)
    except PlanRefused:
        say("km365 is writing the lessons and the summary just now.")
        return
    say(f"Summary: {url}" if url else "There is no summary: none of office_sites is this office's own.")


def _edits(given: Sequence[str]) -> dict[int, str]:
    found = {}
    for one in given:
        number, colon, words = one.partition(":")
        if not (colon and number.strip().isdecimal() and words.strip()):
            raise click.UsageError(
                f'--edit is a number and your words, such as "3: Ask the drivers"; not {one!r}.'
            )
        found[int(number)] = words.strip()
    return found


def _desk(app: "App") -> "HeadlineDesk":
    from km365.documents.questions import Banks
    from km365.services.headline_answers import HeadlineDesk

    return HeadlineDesk(
        graph=app.graph,
        db=app.db,
        jobs=app.jobs,
        settings=app.settings,
        banks=Banks(app.templates),
        templates=app.templates,
        now=app.clock.now,
    )


_WHY = {
    "many": "more people say so than below",
    "disputed": "others say otherwise",
    "side": "the first about this side of the work",
    "theme": "the first on this theme",
    "words": "speaks of what others speak of",
    "room": "there was room for it",
}


def _support(one: "Shown") -> str:
    return str(one.people) if one.people is not None else "fewer than 3"


def _print(one: "Shown") -> None:
    decided = "" if one.state == "open" else f" [{one.state}{f', {one.item_id}' if one.item_id else ''}]"
    about = ", ".join(part for part in (one.perspective, one.theme) if part)
    click.echo(f"\n{one.number}. {one.title}{decided}")
    click.echo(f"   {about or 'no side of the work'}; who says so: {_support(one)}")
    click.echo(f"   here because: {'; '.join(_WHY[why] for why in one.why)}")
    if one.words:
        click.echo(f"   the quotation: “{one.says.text}”")
    for quote in one.quotes:
        click.echo(f"   “{quote.text}”")
    for quote in one.others:
        click.echo(f"   others say: “{quote.text}”")
    if one.sources:
        click.echo(f"   from: {', '.join(one.sources)}")


def _json(one: "Shown") -> dict[str, object]:
    return {
        "number": one.number,
        "state": one.state,
        "message": one.title,
        "quotation": one.says.text,
        "quotations": [quote.text for quote in one.quotes],
        "others": [quote.text for quote in one.others],
        "perspective": one.perspective,
        "theme": one.theme,
        "people": one.people,
        "against": one.against,
        "audience": one.audience,
        "why": list(one.why),
        "sources": list(one.sources),
        "lesson": one.item_id,
    }
