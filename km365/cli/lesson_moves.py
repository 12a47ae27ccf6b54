"""`km365 lesson return|validate|publish|supersede|retire|effect`: moves in the life of items."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from km365.cli.console import json_option, print_json, say, with_app
from km365.cli.lesson import as_option, reader_of
from km365.errors import ExitCode, KM365Error

if TYPE_CHECKING:
    from datetime import datetime

    from km365.app import App
    from km365.core.moves import Move
    from km365.services.life import Outcome

F = TypeVar("F", bound=Callable[..., Any])
REACHES = ("internal", "partners", "public")


def shared(function: F) -> F:
    """What every move has: the items, who makes it, whether it is only tried, and JSON."""
    for option in (
        json_option,
        click.option("--dry-run", is_flag=True, help="Say what would come of it, and change nothing."),
        as_option,
        click.argument("item_ids", metavar="ID...", nargs=-1, required=True),
    ):
        function = option(function)
    return function


reason_option = click.option("--reason", default="", help="Why; the contributors read it.")


@click.command("review")
@click.option("--accept", "decision", flag_value="validate", help="It is sound: validated.")
@click.option("--return", "decision", flag_value="return", help="Back to the contributor, with a reason.")
@click.option("--retire", "decision", flag_value="retire", help="Not kept, with a reason.")
@reason_option
@shared
@with_app
async def review_item(
    app: "App",
    *,
    item_ids: Sequence[str],
    decision: str | None,
    reason: str,
    sign_in: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Decide on items that are in review: `validate`, `return` and `retire` in one command.

    An ID may be the beginning of one, KM- and at least four characters, where no other begins so.

    \b
    Example:
      km365 lesson review KM-8f3a --accept --as zodwa.thimblesea@childrensagency.example
    """
    from km365.core.moves import Move

    if decision is None:
        raise click.UsageError("Say --accept, --return or --retire.")
    return await make_moves(app, item_ids, Move(decision), sign_in, dry_run, as_json, words=reason)


@click.command("return")
@click.option("--question", "questions", multiple=True, help="What you ask the contributor; repeatable.")
@reason_option
@shared
@with_app
async def return_(
    app: "App",
    *,
    item_ids: Sequence[str],
    questions: Sequence[str],
    reason: str,
    sign_in: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Give items back with questions; they reach the contributor in chat, and the answer comes back to you.

    \b
    Example:
      km365 lesson return KM-8f3a --question "Where?" --as zodwa.thimblesea@childrensagency.example
    """
    from km365.core.moves import Move

    words = "\n".join(text for text in (reason.strip(), *map(str.strip, questions)) if text)
    return await make_moves(app, item_ids, Move.RETURN, sign_in, dry_run, as_json, words=words)


@click.command()
@reason_option
@shared
@with_app
async def validate(
    app: "App", *, item_ids: Sequence[str], reason: str, sign_in: str, dry_run: bool, as_json: bool
) -> int:
    """Find items sound. Where the setting `validations_needed` wants several people, each says so.

    \b
    Example:
      km365 lesson validate KM-8f3a KM-77b0 --as zodwa.thimblesea@childrensagency.example
    """
    from km365.core.moves import Move

    return await make_moves(app, item_ids, Move.VALIDATE, sign_in, dry_run, as_json, words=reason)


@click.command()
@click.option(
    "--to", "reach", type=click.Choice(REACHES), default="internal", show_default=True, help="Who reads it."
)
@reason_option
@shared
@with_app
async def publish(
    app: "App",
    *,
    item_ids: Sequence[str],
    reach: str,
    reason: str,
    sign_in: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Publish validated items, to no more people than their contributors allowed.

    Partners and the public need a reviewer, an item for everyone, and the contributors' yes in the column
    "Contributors allow" of the Knowledge list.

    \b
    Example:
      km365 lesson publish KM-8f3a --to partners --as zodwa.thimblesea@childrensagency.example
    """
    from km365.core.knowledge import Reach
    from km365.core.moves import Move

    how = {"words": reason, "reach": Reach(reach)}
    return await make_moves(app, item_ids, Move.PUBLISH, sign_in, dry_run, as_json, **how)


@click.command()
@click.option("--by", "successor", required=True, metavar="ID", help="The checked item that takes its place.")
@reason_option
@shared
@with_app
async def supersede(
    app: "App",
    *,
    item_ids: Sequence[str],
    successor: str,
    reason: str,
    sign_in: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Put a newer item in the place of others, which leave the shelf and name it.

    \b
    Example:
      km365 lesson supersede KM-8f3a KM-77b0 --by KM-9c12 --as zodwa.thimblesea@childrensagency.example
    """
    from km365.core.moves import Move

    how = {"words": reason, "successor": successor}
    return await make_moves(app, item_ids, Move.SUPERSEDE, sign_in, dry_run, as_json, **how)


@click.command()
@reason_option
@shared
@with_app
async def retire(
    app: "App", *, item_ids: Sequence[str], reason: str, sign_in: str, dry_run: bool, as_json: bool
) -> int:
    """Take items off the shelf, or do not put them there, with a reason.

    \b
    Example:
      km365 lesson retire KM-8f3a --reason "The fund is closed." --as zodwa.thimblesea@childrensagency.example
    """
    from km365.core.moves import Move

    return await make_moves(app, item_ids, Move.RETIRE, sign_in, dry_run, as_json, words=reason)


@click.command()
@click.option("--agreed", "move", flag_value="agree", help="Something is to be done; --reason says what.")
@click.option("--changed", "move", flag_value="change", help="It is done; say where one sees it with --link.")
@click.option("--confirmed", "move", flag_value="confirm", help="It held in another office (a reviewer).")
@click.option("--owner", metavar="SIGN-IN", help="Who does what was agreed; they are told.")
@click.option("--due", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="By which day, as 2027-05-01.")
@click.option("--link", default="", help="Where one sees it.")
@reason_option
@shared
@with_app
async def effect(
    app: "App",
    *,
    item_ids: Sequence[str],
    move: str | None,
    owner: str | None,
    due: "datetime | None",
    link: str,
    reason: str,
    sign_in: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Say what came of items: an action agreed, a change, the same seen in another office.

    An action is agreed with its --owner, the day it is --due and, as --reason, what is to be done. The owner
    gets a card in Teams, and is reminded on the day and a week later. Agreed again, it is another action.

    \b
    Example:
      km365 lesson effect KM-8f3a --changed --link https://x.org --as zodwa.thimblesea@childrensagency.example
    """
    from km365.core.moves import Move

    if move is None:
        raise click.UsageError("Say --agreed, --changed or --confirmed.")
    how: dict[str, Any] = {"words": reason, "link": link, "due": due.date() if due else None}
    if owner:
        how["owner"] = await reader_of(app, owner, option="--owner")
    return await make_moves(app, item_ids, Move(move), sign_in, dry_run, as_json, **how)


async def make_moves(
    app: "App",
    item_ids: Sequence[str],
    move: "Move",
    sign_in: str,
    dry_run: bool,
    as_json: bool,
    **how: Any,
) -> int:
    """Makes the move with each item in turn; one that is refused does not stop the others.

    Of a single item what goes wrong is raised.
    """
    from km365.services import life, review

    reader = await reader_of(app, sign_in)
    desk = life.LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    if how.get("successor"):
        how["successor"] = await review.whole_id(app.graph, app.settings, how["successor"], reader=reader)
    wanted = life.Wanted(move=move, reader=reader, **how)
    ids = list(dict.fromkeys(item_ids))
    told: list[dict[str, object]] = []
    failed: list[KM365Error] = []
    for given in ids:
        try:
            item_id = await review.whole_id(app.graph, app.settings, given, reader=reader)
            outcome = await life.make(desk, item_id, wanted, at=app.clock.now(), dry_run=dry_run)
        except KM365Error as error:
            if len(ids) == 1:
                raise
            failed.append(error)
            told.append({"id": given, "move": move, "refused": str(error)})
            say(f"{given}: {error}")
        else:
            told.append(_told(outcome, move))
            say(_sentence(outcome, move, dry_run=dry_run))
    if as_json:
        print_json(told)
    if not failed:
        return ExitCode.DONE
    say(f"{len(ids) - len(failed)} of {len(ids)} done; the others are named above.")
    return ExitCode.PARTLY if len(failed) < len(ids) else failed[0].exit_code


def _told(outcome: "Outcome", move: "Move") -> dict[str, object]:
    kept = outcome.kept
    return {
        "id": kept.item.id,
        "move": move,
        "before": outcome.before,
        "after": outcome.after,
        "validations_missing": outcome.missing,
        "url": kept.web_url,
    }


def _sentence(outcome: "Outcome", move: "Move", *, dry_run: bool) -> str:
    item_id, url = outcome.kept.item.id, outcome.kept.web_url
    if move == "ask":
        would = "would be" if dry_run else "are"
        return f"{item_id}: its contributors {would} asked in chat; you hear what they say. {url}"
    if outcome.missing:
        would = "would stay" if dry_run else "stays"
        return f"{item_id} {would} in review: {outcome.missing} more must find it sound. {url}"
    if dry_run:
        return f"{item_id} would be {outcome.after} (is {outcome.before}). {url}"
    told = {
        "action agreed": " Its owner is told.",
        "changed": " Its contributors are told.",
        "confirmed elsewhere": "",
    }
    return f"{item_id} is now {outcome.after}.{told.get(outcome.after, ' Its contributors are told.')} {url}"
