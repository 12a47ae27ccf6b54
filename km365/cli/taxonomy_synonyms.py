"""`km365 taxonomy synonyms`: what feedback suggests changing, for the focal point to decide."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, say, table, with_app
from km365.errors import ExitCode

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.taxonomy import Taxonomy


@click.group()
def synonyms() -> None:
    """Decide on synonyms and misleading labels that people's corrections suggest.

    \b
    Example:
      km365 taxonomy synonyms list
    """


@synonyms.command("list")
@click.option("--decided", is_flag=True, help="What was decided before instead.")
@json_option
@with_app
async def list_(app: "App", *, decided: bool, as_json: bool) -> None:
    """List what is proposed, the best supported first: how many documents say so, and where.

    A synonym finds its term from the next plan on. A misleading label counts for nothing with its term any
    more. `km365 tag learn` reads the corrected documents first, which finds more.

    \b
    Example:
      km365 taxonomy synonyms list
    """
    from km365.services import feedback, suggest
    from km365.store import feedback as store

    terms = await suggest.terms(app.graph, app.settings, app.templates)
    if decided:
        before = await app.db.run(store.decided)
        if as_json:
            print_json([asdict(one) | {"decision": decision} for one, decision in before])
            return
        rows = [(decision, one.kind, one.text, _label(terms, one.concept_id)) for one, decision in before]
        table(rows, headings=("decision", "kind", "words", "term"))
        return
    found = await app.db.run(feedback.proposals, terms)
    if as_json:
        print_json([asdict(one) | {"id": one.id} for one in found])
        return
    table(
        [
            (
                one.id,
                one.kind,
                one.text,
                _label(terms, one.concept_id),
                one.evidence,
                one.against,
                "; ".join(one.where),
            )
            for one in found
        ],
        headings=("id", "kind", "words", "term", "for", "against", "where"),
    )
    if found:
        say("To decide: km365 taxonomy synonyms accept ID, or reject ID")
    else:
        say("Nothing is proposed. `km365 tag learn` reads the corrected documents, which may find something.")


@synonyms.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@with_app
async def accept(app: "App", *, ids: tuple[str, ...]) -> int:
    """Put proposals to use, from the next plan on.

    \b
    Example:
      km365 taxonomy synonyms accept 3fa1c2d4
    """
    return await _decide(app, ids, accepted=True)


@synonyms.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@with_app
async def reject(app: "App", *, ids: tuple[str, ...]) -> int:
    """Turn proposals down; they are not made again.

    \b
    Example:
      km365 taxonomy synonyms reject 3fa1c2d4
    """
    return await _decide(app, ids, accepted=False)


async def _decide(app: "App", ids: tuple[str, ...], *, accepted: bool) -> int:
    from km365.services import feedback, suggest

    terms = await suggest.terms(app.graph, app.settings, app.templates)
    for one in ids:
        at = app.clock.now()
        if accepted:
            found = await feedback.accept(app.db, app.settings.home, terms, one, who="command line", at=at)
        else:
            found = await feedback.reject(app.db, terms, one, who="command line", at=at)
        done = "Accepted" if accepted else "Rejected"
        say(f"{done}: {found.kind} “{found.text}” of {_label(terms, found.concept_id)}")
    return ExitCode.DONE


def _label(terms: "Taxonomy", concept_id: str) -> str:
    concept = terms.by_id.get(concept_id)
    return concept.label() if concept else concept_id
