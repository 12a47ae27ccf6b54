"""`km365 taxonomy merge`, `deprecate` and `retag`: terms that go out of use."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from km365.cli.console import Progress, json_option, print_json, say, settings_in_force, with_app
from km365.cli.taxonomy_files import (
    changes_json,
    dry_run_option,
    refuse_to_overwrite,
    write,
    yes_option,
)
from km365.errors import ExitCode, NotFound
from km365.templates import Templates

if TYPE_CHECKING:
    from km365.app import App
    from km365.services.taxonomy_edit import Edit


@click.command()
@click.argument("old", metavar="ID")
@click.argument("into", metavar="INTO")
@dry_run_option
@yes_option
@json_option
def merge(old: str, into: str, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Merge one term into another of its term set: its words, links and narrower terms go there.

    The old id goes on meaning the other term. Afterwards `km365 taxonomy push` takes the words to the term
    store, and `km365 taxonomy retag` makes the plan for documents that carry the old term.

    \b
    Example:
      km365 taxonomy merge topic/cold-chain topic/immunization --dry-run
    """
    from km365.services import taxonomy, taxonomy_edit

    settings = settings_in_force()
    known = taxonomy.shipped(Templates(settings.templates or None))
    to = taxonomy_edit.folder(settings) if not dry_run or settings.templates else Path("taxonomies")
    _change(taxonomy_edit.merging(known, old, into, to=to), old, dry_run=dry_run, yes=yes, as_json=as_json)


@click.command()
@click.argument("concept_id", metavar="ID")
@click.option("--replaced-by", metavar="ID", help="What to use instead, of any term set.")
@dry_run_option
@yes_option
@json_option
def deprecate(concept_id: str, *, replaced_by: str | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Take a term out of use. It is suggested no more; documents that carry it are still understood.

    \b
    Example:
      km365 taxonomy deprecate topic/cold-chain --replaced-by topic/immunization --dry-run
    """
    from km365.services import taxonomy, taxonomy_edit

    settings = settings_in_force()
    known = taxonomy.shipped(Templates(settings.templates or None))
    to = taxonomy_edit.folder(settings) if not dry_run or settings.templates else Path("taxonomies")
    edit = taxonomy_edit.deprecating(known, concept_id, replaced_by, to=to)
    _change(edit, concept_id, dry_run=dry_run, yes=yes, as_json=as_json)


def _change(edit: "Edit", concept_id: str, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    if as_json:
        print_json(changes_json(edit.differences))
    if write([edit], dry_run=dry_run, yes=yes, quiet=as_json):
        say(f"For the documents that carry it: km365 taxonomy retag {concept_id} -o retag.json")


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--site", "addresses", multiple=True, help="A site as host:/path. All offices if left out.")
@click.option("--library", default="*", show_default=True, help="The library's name; * for all of a site.")
@click.option("--list", "list_name", default="", help="A list instead, such as Knowledge, with the lessons.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("retag.json"),
    show_default=True,
    help="The plan file to write.",
)
@click.option("--overwrite", is_flag=True, help="Replace the plan file if it is there, edits and all.")
@json_option
@with_app
async def retag(
    app: "App",
    *,
    ids: tuple[str, ...],
    addresses: tuple[str, ...],
    library: str,
    list_name: str,
    output: Path,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Plan the documents that carry terms out of use: those out, what replaces them in. Nothing is changed.

    ID names terms that were merged or deprecated with a replacement; all such terms if left out. The plan is
    a file like that of `km365 tag plan`: read it, edit it, then `km365 tag apply` it.

    \b
    Example:
      km365 taxonomy retag -o retag.json
    """
    from km365.core.tag_plan_file import to_text
    from km365.graph import sites
    from km365.services import retagging, taxonomy
    from km365.services.tag_libraries import find_libraries
    from km365.services.taxonomy_export import write as write_file

    refuse_to_overwrite(output, overwrite=overwrite)
    settings = app.settings
    known = taxonomy.shipped(app.templates)
    site = await sites.get_site(app.graph, settings.knowledge_site)
    stored = await taxonomy.stored(app.graph, site.id, known, cache=settings.home / taxonomy.CACHE)
    stored = stored.everywhere()
    if strange := [one for one in ids if one not in retagging.out_of_use(stored)]:
        known.resolve(strange[0])
        raise NotFound(
            f"{strange[0]} has no replacement in its term set, or one of both is not in the term store."
        )
    home = (settings.knowledge_site,) if list_name else settings.office_sites
    libraries = await find_libraries(app.graph, addresses or home, library, list_name=list_name)
    with Progress("Reading columns") as progress:
        plan = await retagging.plan(
            app.graph, stored, libraries, at=app.clock.now(), ids=ids, advance=progress.advance
        )
    write_file(output, to_text(plan).encode())
    if as_json:
        refused = [{"path": one.path, "reason": one.reason} for one in plan.refused]
        print_json(
            {"plan": str(output), "documents": len(plan.rows), "terms": plan.terms, "not_planned": refused}
        )
    else:
        for row in list(plan.rows)[:12]:
            changes = "; ".join(
                f"{', '.join(one.tag.label for one in column.remove)} > "
                f"{', '.join(one.tag.label for one in column.add) or '(there already)'}"
                for column in row.changes
            )
            click.echo(f"{row.path}  {changes}")
    for one in plan.refused:
        say(f"Not planned: {one.path}: {one.reason}")
    say(f"{len(plan.rows)} documents carry terms out of use. To put it right: km365 tag apply {output}")
    return ExitCode.PARTLY if plan.refused else ExitCode.DONE
