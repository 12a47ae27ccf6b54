"""`km365 tag feedback`: say what was wrong or missing, see what was said, and have it forgotten."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from km365.cli.console import confirm, json_option, print_json, say, table, with_app
from km365.errors import ExitCode, NotFound

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.feedback import Feedback
    from km365.core.taxonomy import Taxonomy


@click.group()
def feedback() -> None:
    """Say which terms were wrong or missing, and see what was said.

    What you change in a plan is kept without this when you apply it.

    \b
    Example:
      km365 tag feedback list
    """


_where = (
    click.option("--site", "addresses", multiple=True, help="A site as host:/path. All offices if left out."),
    click.option("--library", default="Documents", show_default=True, help="The library's name."),
)


@feedback.command()
@click.argument("document")
@click.option("--wrong", multiple=True, metavar="TERM", help="A term that does not belong there.")
@click.option("--missing", multiple=True, metavar="TERM", help="A term that should have been proposed.")
@click.option("--right", multiple=True, metavar="TERM", help="A term that does belong there.")
@click.option("--words", multiple=True, help="Words of the document that mean the missing term.")
@click.option("--facet", default="", help="The facet of the terms, where a label stands in several.")
@_where[0]
@_where[1]
@with_app
async def add(
    app: "App",
    *,
    document: str,
    wrong: tuple[str, ...],
    missing: tuple[str, ...],
    right: tuple[str, ...],
    words: tuple[str, ...],
    facet: str,
    addresses: tuple[str, ...],
    library: str,
) -> int:
    """Say of a document which terms are wrong, missing or right; the last word on each counts.

    DOCUMENT is its web address, or its path in the library; an item of a list is named by its address. TERM
    is a label in any language, or an id. Nothing is written to the document; the next plan for it takes it
    into account.

    \b
    Example:
      km365 tag feedback add "Planning/Budget tracking for the annual work plan.xlsx" --wrong Immunization
    """
    from km365.core.feedback import Verdict
    from km365.services import feedback_words, suggest
    from km365.services.feedback_words import Said
    from km365.store import feedback as store

    if words and len(missing) != 1:
        raise click.UsageError("--words goes with one --missing: they are the words that mean that term.")
    said = [
        *(Said(verdict=Verdict.WRONG, term=one) for one in wrong),
        *(Said(verdict=Verdict.MISSING, term=one, words=words) for one in missing),
        *(Said(verdict=Verdict.RIGHT, term=one) for one in right),
    ]
    if not said:
        raise click.UsageError("Give at least one --wrong, --missing or --right.")
    sites = addresses or _sites(app, document)
    about = await feedback_words.find_document(app.graph, document, sites, library)
    terms = await suggest.terms(app.graph, app.settings, app.templates)
    at = app.clock.now()
    items = feedback_words.understood(said, terms, about, facet=facet, who="command line", at=at)
    changed = await app.db.run(store.add, items)
    say(f"Kept: {changed} of {len(items)} for {about.path}. The next plan for it takes this into account.")
    return ExitCode.DONE


@feedback.command("list")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="The newest so many."
)
@json_option
@with_app
async def list_(app: "App", *, limit: int, as_json: bool) -> None:
    """List what was said of terms, the newest first, and the comments.

    \b
    Example:
      km365 tag feedback list --limit 20
    """
    from km365.store import feedback as store

    found = await app.db.run(store.list_, limit=limit)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    labels = await _labels(app)
    rows = [
        (f"{one.at:%Y-%m-%d %H:%M}", _verdict(one), labels(one.concept_id), one.source, one.path)
        for one in found
    ]
    table(rows, headings=("said (UTC)", "verdict", "term", "from", "document"))
    for one in found:
        if one.comment:
            said = " / ".join(one.comment.splitlines())
            click.echo(f"{one.path}: {labels(one.concept_id)}: {said}")


def _verdict(one: "Feedback") -> str:
    from km365.core.feedback import Source

    # What an undo weakened was right, whatever an earlier km365 has kept of it.
    return "right, undone since" if one.source is Source.UNDO else one.verdict


@feedback.command()
@json_option
@with_app
async def report(app: "App", *, as_json: bool) -> None:
    """Show which terms were corrected most, and what could be learnt from it.

    \b
    Example:
      km365 tag feedback report
    """
    from km365.core.feedback import most_corrected
    from km365.services import feedback as service
    from km365.services import suggest
    from km365.store import feedback as store

    terms = await suggest.terms(app.graph, app.settings, app.templates)
    totals = await app.db.run(store.totals)
    corrected = most_corrected(await app.db.run(store.list_))
    open_ = await app.db.run(service.proposals, terms)
    if as_json:
        print_json(
            {
                "totals": totals,
                "most_corrected": [asdict(one) for one in corrected],
                "proposals": len(open_),
            }
        )
        return
    labels = await _labels(app, terms)
    rows = [(one.wrong, one.missing, one.right, labels(one.concept_id)) for one in corrected]
    table(rows, headings=("wrong", "missing", "right", "term"))
    said = ", ".join(f"{verdict} {number}" for verdict, number in sorted(totals.items())) or "nothing yet"
    say(f"Said so far: {said}. Proposals for you: {len(open_)}; km365 taxonomy synonyms list shows them.")


@feedback.command()
@click.argument("document", required=False)
@click.option("--words", is_flag=True, help="The counted words of all documents; what was said stays.")
@click.option("--all", "everything", is_flag=True, help="Everything that was said, and all counted words.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_where[0]
@_where[1]
@with_app
async def forget(
    app: "App",
    *,
    document: str | None,
    words: bool,
    everything: bool,
    yes: bool,
    addresses: tuple[str, ...],
    library: str,
) -> int:
    """Delete what is kept of one document, or the counted words of all, or everything.

    DOCUMENT is its web address, its path in the library, or its id; it need not be in SharePoint any more.
    Copies of the database keep it for two weeks more. Accepted synonyms stay; what was learnt goes until
    `km365 tag learn` makes it anew from what is left.

    \b
    Example:
      km365 tag feedback forget --words --yes
    """
    from km365.services import feedback as service
    from km365.services import feedback_words, learnt

    if (document is not None) + words + everything != 1:
        raise click.UsageError("Give one of: a document, --words, --all.")
    if not yes:
        confirm("This cannot be taken back. Delete it?")
    if document is not None:
        sites = addresses or _sites(app, document)
        keys = await feedback_words.find_kept(app.graph, app.db, document, sites, library)
        count = sum([await app.db.run(service.purge, document=key) for key in keys])
    else:
        count = await app.db.run(service.purge, everything=everything)
    learnt.forget(app.settings.home)
    say(f"Deleted: {count}.")
    return ExitCode.DONE


def _sites(app: "App", document: str) -> tuple[str, ...]:
    """Those of all offices; an address may be of the knowledge site as well."""
    offices = tuple(app.settings.office_sites)
    return (*offices, app.settings.knowledge_site) if "://" in document else offices


class _Labels:
    """The label of each concept, by an old id too; the id where nobody knows it any more."""

    def __init__(self, terms: "Taxonomy") -> None:
        self._terms = terms

    def __call__(self, concept_id: str) -> str:
        try:
            return self._terms.resolve(concept_id).label()
        except NotFound:
            return concept_id


async def _labels(app: "App", terms: "Taxonomy | None" = None) -> _Labels:
    from km365.services import suggest

    return _Labels(terms or await suggest.terms(app.graph, app.settings, app.templates))
