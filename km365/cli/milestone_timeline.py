"""`km365 milestone timeline` and `export`: the calendar as a picture, and for other calendars."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import say, with_app, write_file
from km365.cli.milestone_filter import choosing, filter_of
from km365.core.languages import LANGUAGES
from km365.errors import KM365Error

if TYPE_CHECKING:
    from km365.app import App


@click.command("timeline")
@choosing
@click.option("--by", type=click.Choice(["office", "programme"]), default="office", help="What a row is.")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", help="The language of the picture.")
@click.option(
    "-o",
    "--output",
    default="timeline.svg",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The picture, .svg.",
)
@with_app
async def timeline(app: "App", /, *, by: str, language: str, output: Path, **chosen: Any) -> None:
    """Draw the calendar: a row for each office or programme, a mark for each milestone.

    The picture is SVG, which browsers, Word and PowerPoint open. A mark says its kind by number and colour
    and its state by shape; whoever points at it reads the rest. Up to 150 milestones have their titles
    beside them.

    \b
    Example:
      km365 milestone timeline --office "CO-*" --language fr -o calendar.svg
    """
    from km365.core.schedule import Milestone, day_at
    from km365.core.timeline import lay_out
    from km365.documents import timeline_svg
    from km365.documents.calendar_words import CalendarWords
    from km365.services import calendar

    if output.suffix.lower() != ".svg":
        raise click.UsageError("-o names a picture with the ending .svg; a browser saves it as another kind.")
    words = CalendarWords(app.templates)
    wanted = filter_of(words, **chosen)
    found = [one for one in await calendar.milestones(app.graph, app.settings) if wanted.takes(one)]

    def row_of(one: Milestone) -> str:
        return one.office if by == "office" else one.programme

    today = day_at(app.clock.now(), calendar.hours_of(app.settings))
    picture = lay_out(found, name_of=row_of, today=today)
    if picture is None:
        raise KM365Error("No milestone with a date matches; `km365 milestone list` shows what there is.")
    write_file(output, timeline_svg.write(picture, words, language=language).encode())
    say(f"{picture.count} milestones in {len(picture.rows)} rows written to {output}")
    if picture.undated:
        say(f"km365: {picture.undated} milestones without a date are not in the picture.")


@click.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@choosing
@click.option("--language", type=click.Choice(LANGUAGES), default="en", help="The language of the details.")
@click.option("--cancelled", is_flag=True, help="Only the cancelled ones, to be taken out of a calendar.")
@with_app
async def export(app: "App", /, *, file: Path, language: str, cancelled: bool, **chosen: Any) -> None:
    """Write the milestones as an iCalendar file, for Outlook and other calendars.

    Each milestone is a whole-day event that keeps its identity: imported or subscribed to again, a moved one
    moves and a cancelled one is marked as such. For calendars that leave cancelled events standing,
    --cancelled writes a file that takes them out.

    \b
    Example:
      km365 milestone export belmora.ics --office CO-BEL --from 2027-01-01
    """
    from km365.core.calendar_ics import Method, write
    from km365.core.schedule import Milestone
    from km365.documents.calendar_words import CalendarWords
    from km365.services import calendar

    words = CalendarWords(app.templates)
    wanted = filter_of(words, **chosen)
    every = [one for one in await calendar.milestones(app.graph, app.settings) if wanted.takes(one)]
    found = [one for one in every if one.due_on and (not cancelled or one.state == "cancelled")]

    def describe(one: Milestone) -> str:
        facts = {"column_kind": words.kind(language, one.kind), "column_office": one.office}
        facts |= {"column_programme": one.programme, "column_state": words.state(language, one.state)}
        return "\n".join(f"{words.say(language, key)}: {fact}" for key, fact in facts.items() if fact)

    text = write(
        sorted(found, key=lambda one: (one.due_on, one.id)),
        name=words.say(language, "timeline"),
        host=app.settings.knowledge_site.partition(":")[0],
        describe=describe,
        category=lambda one: words.kind(language, one.kind),
        now=app.clock.now(),
        method=Method.CANCEL if cancelled else Method.PUBLISH,
    )
    write_file(file, text.encode())
    say(f"{len(found)} milestones written to {file}")
