"""`km365 taxonomy check` and `list`: what the term sets hold, and what is wrong with them."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import json_option, print_json, say, settings_in_force, table
from km365.core.languages import LANGUAGES
from km365.errors import ExitCode, TemplateError
from km365.templates import Templates

if TYPE_CHECKING:
    from km365.core.taxonomy import Concept, Taxonomy


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@json_option
def check(files: tuple[Path, ...], *, as_json: bool) -> int:
    """Say everything that is wrong with term sets, with file and concept.

    FILE is a term set of your own, or the name of one in force such as taxonomies/topic.json. Without FILE
    all term sets in force are checked together, the office's own in the templates folder included. Exit code
    1 if anything is wrong.

    \b
    Example:
      km365 taxonomy check taxonomies/topic.json
    """
    from km365.services import taxonomy

    templates = Templates(settings_in_force().templates or None)
    if files:
        found = [line for file in files for line in taxonomy.problems_of(_file(file, templates))]
    else:
        _, found = taxonomy.load(templates)
    if as_json:
        print_json({"problems": found})
    else:
        for line in found:
            click.echo(line)
        say("Nothing is wrong." if not found else f"{len(found)} to put right.")
    return ExitCode.FAILED if found else ExitCode.DONE


def _file(file: Path, templates: Templates) -> Path:
    """The file itself, or the one in force of that name."""
    if not file.exists() and str(file.parent) in {".", "taxonomies"}:
        with contextlib.suppress(TemplateError):
            return templates.path(f"taxonomies/{file.name}")
    return file


@click.command("list")
@click.option("--facet", help="List the terms of this term set, such as topic.")
@click.option("--find", "word", help="List the terms whose label, synonym or id has this, in any language.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="The labels' language."
)
@json_option
def list_(*, facet: str | None, word: str | None, language: str, as_json: bool) -> None:
    """List the term sets in force; with --facet or --find their terms, to write into a tagging plan.

    Terms made or renamed in the term store are those of the last plan or run on this machine.

    \b
    Example:
      km365 taxonomy list --facet topic --find water
    """
    from km365.services import taxonomy

    settings = settings_in_force()
    known = taxonomy.shipped(Templates(settings.templates or None))
    if facet is None and word is None:
        _list_sets(known, language, as_json=as_json)
        return
    if facet is not None and facet not in known.by_key:
        raise click.UsageError(f"There is no term set {facet!r}; there are {', '.join(known.by_key)}.")
    known = taxonomy.last_stored(known, cache=settings.home / taxonomy.CACHE)
    found = {
        key: term_set.concepts if word is None else term_set.matching(word)
        for key, term_set in known.by_key.items()
        if facet in {None, key}
    }
    if as_json:
        print_json([_term(concept, key) for key, concepts in found.items() for concept in concepts])
        return
    rows = [
        (one.id, _label(one, language), ", ".join(_also(one, language, word)))
        for concepts in found.values()
        for one in concepts
    ]
    if rows:
        table(rows, headings=("id", "term", "also called"))
    else:
        say(f"No term has {word!r}.")


def _term(concept: "Concept", facet: str) -> dict[str, Any]:
    return {
        "id": concept.id,
        "facet": facet,
        "labels": dict(concept.labels),
        "synonyms": dict(concept.synonyms),
        "broader": concept.broader,
        "status": str(concept.status),
        "replaced_by": concept.replaced_by,
    }


def _label(concept: "Concept", language: str) -> str:
    from km365.core.taxonomy import Status

    gone = concept.status is Status.DEPRECATED
    return f"{concept.label(language)} (no longer used)" if gone else concept.label(language)


def _also(concept: "Concept", language: str, word: str | None) -> list[str]:
    """The synonyms, and what the word was found in where that is in another language."""
    from km365.core.taxonomy import all_labels

    found = dict.fromkeys(concept.synonyms.get(language, ()))
    if word is not None:
        found |= {text: None for _, text, _ in all_labels(concept) if word.casefold() in text.casefold()}
    return [text for text in found if text != concept.label(language)]


def _list_sets(known: "Taxonomy", language: str, *, as_json: bool) -> None:
    rows = [
        {
            "key": one.key,
            "name": one.name(language),
            "column": one.column or None,
            "concepts": len(one.concepts),
            "suggested": sum(concept.open_for_tagging for concept in one.concepts),
            "languages": sorted({language for concept in one.concepts for language in concept.labels}),
        }
        for one in known.term_sets
    ]
    if as_json:
        print_json(rows)
        return
    table(
        [(r["key"], r["column"], r["concepts"], r["suggested"], r["name"]) for r in rows],
        headings=("term set", "column", "concepts", "suggested", "name"),
    )
    say("The terms of one: km365 taxonomy list --facet KEY")
