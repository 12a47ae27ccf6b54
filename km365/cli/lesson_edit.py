"""`km365 lesson edit|ask-consent`: other words for an item, and how far its contributors allow it to go."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, say, with_app
from km365.cli.lesson import as_option, reader_of
from km365.cli.lesson_moves import make_moves, reason_option, shared

if TYPE_CHECKING:
    from km365.app import App


@click.command("edit")
@click.argument("item_id", metavar="ID")
@click.option(
    "--set", "words", multiple=True, required=True, metavar='FIELD="WORDS"', help="New words; repeatable."
)
@reason_option
@as_option
@click.option("--dry-run", is_flag=True, help="Say what would come of it, and change nothing.")
@json_option
@with_app
async def edit(
    app: "App",
    *,
    item_id: str,
    words: Sequence[str],
    reason: str,
    sign_in: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Word the fields of an item differently; its contributors' own words stay beside, and they are told.

    They may say that it is not what they meant: then it has their words again and is back in review. Words
    that were edited have to be allowed for partners and the public anew.

    \b
    Example:
      km365 lesson edit KM-8f3a --set advice="Ask by May" --as zodwa.thimblesea@childrensagency.example
    """
    from km365.services import lesson_edit, review
    from km365.services.life import LifeDesk

    wording = {}
    for one in words:
        name, is_set, text = one.partition("=")
        if not is_set:
            raise click.UsageError(f'--set is written FIELD="WORDS", not {one!r}.')
        wording[name.strip()] = text
    reader = await reader_of(app, sign_in)
    desk = LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    whole_id = await review.whole_id(app.graph, app.settings, item_id, reader=reader)
    outcome = await lesson_edit.edit(
        desk,
        app.templates,
        whole_id,
        wording,
        reader=reader,
        why=reason,
        at=app.clock.now(),
        dry_run=dry_run,
    )
    if as_json:
        print_json({"id": whole_id, "before": outcome.before, "after": outcome.after, "fields": [*wording]})
    else:
        would = "would have other words" if dry_run else "has other words; its contributors are told"
        say(f"{whole_id} {would}, and is {outcome.after}. {outcome.kept.web_url}")


@click.command("ask-consent")
@click.option(
    "--to", "reach", type=click.Choice(("partners", "public")), required=True, help="Who would read it."
)
@reason_option
@shared
@with_app
async def ask_consent(
    app: "App",
    *,
    item_ids: Sequence[str],
    reach: str,
    reason: str,
    sign_in: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Ask the contributors of items, in chat, whether these may be published for partners or the public.

    They see exactly what would be read, and may take a yes back at any time. Once all have said yes the
    column "Contributors allow" says so, and you are told.

    \b
    Example:
      km365 lesson ask-consent KM-8f3a --to partners --as zodwa.thimblesea@childrensagency.example
    """
    from km365.core.knowledge import Reach
    from km365.core.moves import Move

    how = {"words": reason, "reach": Reach(reach)}
    return await make_moves(app, item_ids, Move.ASK, sign_in, dry_run, as_json, **how)
