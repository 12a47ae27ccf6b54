"""`km365 lesson sla`: how long lessons waited for those who check them."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, say, table, with_app
from km365.cli.lesson import as_option, reader_of

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.sla import Span

_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command("sla")
@as_option
@click.option("--office", default="", help="Only this office; without it, all you see.")
@click.option("--from", "begin", type=_DAY, help="Only what was sent from this day on.")
@click.option("--to", "end", type=_DAY, help="Only what was sent until this day.")
@json_option
@with_app
async def command(
    app: "App", *, sign_in: str, office: str, begin: datetime | None, end: datetime | None, as_json: bool
) -> None:
    """Say in how many working days lessons came to a first decision, and were published, by office.

    Days are the working days of each office, counted from the day the lesson was sent. A figure that fewer
    than five lessons stand behind is not shown. A focal point sees their own office, a reviewer all.

    \b
    Example:
      km365 lesson sla --from 2026-01-01 --as zodwa.thimblesea@childrensagency.example
    """
    from km365.core.sla import LEAST
    from km365.services import deciding
    from km365.services.life import LifeDesk

    reader = await reader_of(app, sign_in)
    desk = LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    found = await deciding.figures(
        desk,
        reader,
        office=office,
        begin=begin.date() if begin else None,
        end=end.date() if end else None,
    )
    settings = app.settings
    if as_json:
        within = {"decision": settings.decision_days, "publication": settings.publication_days}
        print_json({"working_days_allowed": within, "offices": [asdict(one) for one in found]})
        return
    if not found:
        say(f"Fewer than {LEAST} lessons were sent; there are no figures.")
        return
    headings = ("office", "sent", "decided", "median", "90 %", "published", "median", "90 %")
    rows = [
        (one.office or "all", str(one.sent), *_shown(one.decided), *_shown(one.published)) for one in found
    ]
    table(rows, headings=headings)
    say(
        f"Working days of the office from being sent: a first decision is due within "
        f"{settings.decision_days}, publication within {settings.publication_days}. A dash stands for fewer "
        f"than {LEAST}."
    )


def _shown(span: "Span") -> tuple[str, str, str]:
    if span.count is None:
        return "-", "-", "-"
    return str(span.count), f"{span.median:g}", str(span.ninetieth)
