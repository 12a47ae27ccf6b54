"""`km365 taxonomy request`: staff ask for terms, a focal point decides."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import confirm, json_option, print_json, say, table, with_app
from km365.cli.taxonomy_files import changes_json, show
from km365.core.languages import LANGUAGES
from km365.errors import ExitCode

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.taxonomy import Taxonomy
    from km365.services.requests import Weighed


@click.group()
def request() -> None:
    """Ask for a term, and decide about those that were asked for.

    \b
    Example:
      km365 taxonomy request list
    """


@request.command()
@click.argument("label")
@click.option("--facet", required=True, help="The term set it belongs to, such as topic.")
@click.option("--because", required=True, help="What it is needed for.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="The label's language."
)
@click.option("--broader", metavar="ID", help="The term it would stand under.")
@click.option("--as", "sign_in", metavar="SIGN-IN", help="Who asks, so that they hear what came of it.")
@json_option
@with_app
async def add(
    app: "App",
    *,
    label: str,
    facet: str,
    because: str,
    language: str,
    broader: str | None,
    sign_in: str | None,
    as_json: bool,
) -> None:
    """Ask for a term. What colleagues asked for before in other words of the same sound is one request.

    \b
    Example:
      km365 taxonomy request add "Climate anxiety" --facet topic --because "Three reports this year are on it"
    """
    from km365.core.term_requests import Wish
    from km365.graph import people
    from km365.services import requests

    who = requests.COMMAND_LINE
    if sign_in:
        who = (await people.get_person(app.graph, sign_in)).id
    wish = Wish(label=label, facet=facet, language=language, broader=broader)
    made = await requests.add(app.db, _known(app), wish, because=because, who=who, now=app.clock.now())
    if as_json:
        print_json({"id": made.id, "label": made.wish.label, "facet": made.wish.facet})
    say(f"Asked for: {made.wish.label} in {made.wish.facet} (request {made.id}).")


def _known(app: "App") -> "Taxonomy":
    """The term sets in force with what people made in the term store, as last read here."""
    from km365.services import synonyms, taxonomy

    stored = taxonomy.last_stored(taxonomy.shipped(app.templates), cache=app.settings.home / taxonomy.CACHE)
    return synonyms.applied(app.settings.home, stored)


@request.command("list")
@click.option("--all", "all_", is_flag=True, help="Those that were decided as well.")
@json_option
@with_app
async def list_(app: "App", *, all_: bool, as_json: bool) -> None:
    """List the terms asked for, those with most behind them first.

    People are those who asked; documents are judged ones that use the words; corrections are tags that people
    changed because of them.

    \b
    Example:
      km365 taxonomy request list --json
    """
    from km365.core.term_requests import RequestState
    from km365.services import requests
    from km365.store import term_requests

    found = await requests.list_(app.db, state=None if all_ else RequestState.OPEN)
    if as_json:
        reasons = {
            one.request.id: [
                ask.because for ask in await app.db.run(term_requests.asks, one.request.id) if ask.because
            ]
            for one in found
        }
        print_json([{**_json(one), "because": reasons[one.request.id]} for one in found])
        return
    if not found:
        say("Nobody waits for a term.")
        return
    table(
        [_row(one) for one in found],
        headings=("request", "state", "people", "documents", "corrections", "term set", "term"),
    )


def _row(one: "Weighed") -> tuple[object, ...]:
    made, evidence = one.request, one.evidence
    counts = (evidence.askers, evidence.documents, evidence.feedback)
    label = f"{made.wish.label} ({made.wish.language})"
    return made.id, made.state, *counts, made.wish.facet, f"{label}: {made.reason}" if made.reason else label


def _json(one: "Weighed") -> dict[str, Any]:
    made, evidence = one.request, one.evidence
    return {
        "id": made.id,
        "label": made.wish.label,
        "facet": made.wish.facet,
        "language": made.wish.language,
        "broader": made.wish.broader,
        "state": str(made.state),
        "asked_at": made.asked_at,
        "reason": made.reason,
        "concept_id": made.concept_id,
        "evidence": {
            "askers": evidence.askers,
            "documents": evidence.documents,
            "feedback": evidence.feedback,
        },
    }


@request.command()
@click.argument("request_id", metavar="REQUEST")
@click.option("--broader", metavar="ID", help="The term it is to stand under, where not the one asked for.")
@click.option("--dry-run", is_flag=True, help="Say what would change in the files, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before writing.")
@json_option
@with_app
async def accept(
    app: "App", *, request_id: str, broader: str | None, dry_run: bool, yes: bool, as_json: bool
) -> int:
    """Accept a request: the term goes into your own copy of the term set, and those who asked hear of it.

    Edit the file for its other languages and synonyms; `km365 taxonomy push` takes it to the term store.

    \b
    Example:
      km365 taxonomy request accept r-1a2b3c4d --dry-run
    """
    from km365.services import requests, taxonomy, taxonomy_edit
    from km365.store import term_requests

    made = await app.db.run(term_requests.get, request_id)
    to = Path("taxonomies") if dry_run else taxonomy_edit.folder(app.settings)
    edit = requests.proposed(taxonomy.shipped(app.templates), made, to=to, broader=broader)
    if as_json:
        print_json(changes_json(edit.differences))
    else:
        show(edit.differences, title=str(edit.file))
    if dry_run:
        return ExitCode.DONE
    if not yes:
        confirm("Write this and tell those who asked?")
    done = await requests.accept(app.db, app.jobs, made, edit, who=requests.COMMAND_LINE, now=app.clock.now())
    say(f"Accepted: {done.concept_id}, in {edit.file}. For the term store: km365 taxonomy push")
    return ExitCode.DONE


@request.command()
@click.argument("request_id", metavar="REQUEST")
@click.option("--because", required=True, help="Why not; those who asked will read it.")
@with_app
async def decline(app: "App", *, request_id: str, because: str) -> None:
    """Decline a request. The reason is kept, and those who asked hear it.

    \b
    Example:
      km365 taxonomy request decline r-1a2b3c4d --because "Use topic/mental-health, it is what the plan says"
    """
    from km365.services import requests

    done = await requests.decline(
        app.db,
        app.jobs,
        request_id,
        reason=because,
        who=requests.COMMAND_LINE,
        now=app.clock.now(),
    )
    say(f"Declined: {done.wish.label} (request {done.id}).")
