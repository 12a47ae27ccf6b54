"""`km365 lesson used`: saying that a lesson was of use, or did not fit."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, say, with_app
from km365.cli.lesson import as_option, reader_of

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.used import Tally


@click.command()
@click.argument("item_id")
@click.option("--did-not-fit", is_flag=True, help="It did not fit; say why with --reason.")
@click.option("--reason", default="", help="Why it did not fit; its contributors read it without your name.")
@as_option
@json_option
@with_app
async def command(
    app: "App", *, item_id: str, did_not_fit: bool, reason: str, sign_in: str, as_json: bool
) -> None:
    """Say that a lesson was of use to you, or that it did not fit.

    Said twice it counts once, and your latest word counts. Its contributors hear that it was of use, not to
    whom. ITEM_ID may be the beginning of the id, KM- and at least four characters.

    \b
    Example:
      km365 lesson used KM-8f3a --as zodwa.thimblesea@childrensagency.example
    """
    from km365.core.used import Use
    from km365.services import review, used
    from km365.services.verdicts import VerdictDesk

    if reason and not did_not_fit:
        raise click.UsageError("--reason says why it did not fit; add --did-not-fit.")
    _refuse_what_belongs_elsewhere(app, reason)
    desk = VerdictDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings, now=app.clock.now)
    reader = await reader_of(app, sign_in)
    item_id = await review.whole_id(app.graph, app.settings, item_id, reader=reader)
    use = Use.DID_NOT_FIT if did_not_fit else Use.USED
    item = await used.say(desk, item_id, use, reader=reader, words=reason.strip(), at=app.clock.now())
    tally = await used.tally_of(app.graph, app.db, app.settings, item, reader)
    if as_json:
        print_json({"id": item_id, "said": use} | asdict(tally))
        return
    say(f"{item_id}: kept that it {'did not fit' if did_not_fit else 'was of use'}.")
    click.echo(in_words(tally))


def in_words(tally: "Tally") -> str:
    """For how many it was of use, and a line for each reason why it did not fit that one may read."""
    not_fit = f"; it did not fit for {tally.did_not_fit}" if tally.did_not_fit else ""
    used = f"Used by {tally.used} colleague{'' if tally.used == 1 else 's'}{not_fit}."
    return "\n".join([used, *(f"It did not fit: {one}" for one in tally.reasons)])


def _refuse_what_belongs_elsewhere(app: "App", words: str) -> None:
    from km365.core.keepout import keep_out
    from km365.documents.messages import catalogue

    if words and keep_out(words, catalogue(app.templates).keep_out):
        raise click.UsageError(
            "--reason speaks of something that has a channel of its own (a complaint, health, a password); "
            "nothing was kept."
        )
