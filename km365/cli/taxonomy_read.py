"""`km365 taxonomy check` and `list`: what the term sets hold, and what is wrong with them."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import json_option, print_json, say, settings_in_force, table
from km365.core.languages import LANGUAGES
from km365.errors import ExitCode, TemplateError
from km365.templates import Templates

if TYPE_CHECKING:
    from km365.core.taxonomy import Concept, Taxonomy, TermSet
    from km365.services.taxonomy_check import Finding

    Found = Sequence[tuple[TermSet, Sequence[Concept]]]

SHOWN = 20
"""Findings of one kind in one file that are printed; --json prints all."""


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@json_option
def check(files: tuple[Path, ...], *, as_json: bool) -> int:
    """Say everything that is wrong with term sets, with file, line and term.

    FILE is a vocabulary of your own in any format that `import` takes, or the name of a term set in force
    such as taxonomies/topic.json. Without FILE all term sets in force are checked together, your own in the
    templates folder and those of the offices included. Exit code 1 if anything is wrong.

    \b
    Example:
      km365 taxonomy check taxonomies/topic.json
    """
    from km365.services import taxonomy_check

    templates = Templates(settings_in_force().templates or None)
    if files:
        found = [one for file in files for one in taxonomy_check.of_file(_file(file, templates), templates)]
    else:
        found = taxonomy_check.of_all(templates)
    if as_json:
        print_json({"problems": [str(one) for one in found], "findings": [_finding(one) for one in found]})
    else:
        for line in _few_of_each(found):
            click.echo(line)
        say("Nothing is wrong." if not found else f"{len(found)} to put right.")
    return ExitCode.FAILED if found else ExitCode.DONE


def _file(file: Path, templates: Templates) -> Path:
    """The file itself, or the one in force of that name."""
    if not file.exists():
        name = file.as_posix() if file.as_posix().startswith("taxonomies/") else f"taxonomies/{file.name}"
        with contextlib.suppress(TemplateError):
            return templates.path(name)
    return file


def _finding(one: "Finding") -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if value}


def _few_of_each(found: "Sequence[Finding]") -> Iterator[str]:
    counts: dict[tuple[str, str], int] = {}
    for one in found:
        kind = (one.file, one.kind)
        counts[kind] = counts.get(kind, 0) + 1
        if not one.kind or counts[kind] <= SHOWN:
            yield str(one)
    for (file, sort), count in counts.items():
        if sort and count > SHOWN:
            yield f"{file}: {count - SHOWN} more of the kind {sort!r} (--json lists all)."


@click.command("list")
@click.option("--facet", help="List the terms of this term set, such as topic.")
@click.option("--find", "word", help="List the terms whose label, synonym or id has this, in any language.")
@click.option("--office", default="", help="With the own terms of this office among them, such as co-bel.")
@click.option("--tree", is_flag=True, help="Narrower terms under their broader ones, step by step.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="The labels' language."
)
@json_option
def list_(
    *, facet: str | None, word: str | None, office: str, tree: bool, language: str, as_json: bool
) -> None:
    """List the term sets in force; with --facet, --find or --tree their terms, to write into a tagging plan.

    Terms made or renamed in the term store are those of the last plan or run on this machine. With --office
    alone it lists that office's own terms and the global one each is counted under.

    \b
    Example:
      km365 taxonomy list --facet topic --find water
    """
    from km365.services import taxonomy

    settings = settings_in_force()
    known = taxonomy.shipped(Templates(settings.templates or None))
    if office and office.lower() not in known.offices:
        there = ", ".join(known.offices) or "none"
        raise click.UsageError(f"There are no terms of the office {office!r}; offices with terms: {there}.")
    if facet is None and word is None and not tree and not office:
        _list_sets(known, language, as_json=as_json)
        return
    known = taxonomy.last_stored(known, cache=settings.home / taxonomy.CACHE)
    sets = _sets(known, facet, office, own_only=facet is None and word is None and not tree)
    found = [(one, one.concepts if word is None else one.matching(word)) for one in sets.values()]
    if as_json:
        print_json([_term(one, term_set.key, known) for term_set, some in found for one in some])
    elif tree:
        _print_trees(found, language)
    elif any(some for _, some in found):
        _print_terms(found, known, language, word)
    else:
        say(f"No term has {word!r}." if word is not None else "There are no terms.")


def _sets(known: "Taxonomy", facet: str | None, office: str, *, own_only: bool) -> Mapping[str, "TermSet"]:
    if own_only:
        return {layer.key: layer for layer in known.layers if layer.office == office.lower()}
    whole = known.for_office(office) if office else known
    by_key = {**{layer.key: layer for layer in known.layers}, **whole.by_key}
    if facet is None:
        return whole.by_key
    if facet not in by_key:
        raise click.UsageError(f"There is no term set {facet!r}; there are {', '.join(by_key)}.")
    return {facet: by_key[facet]}


def _print_terms(found: "Found", known: "Taxonomy", language: str, word: str | None) -> None:
    concepts = [one for _, some in found for one in some]
    local = any(one.global_parent for one in concepts)
    rows = []
    for one in concepts:
        counted = [known.roll_up(one.id) if one.global_parent else ""] if local else []
        rows.append((one.id, _label(one, language), *counted, ", ".join(_also(one, language, word))))
    table(rows, headings=("id", "term", *(["counted under"] if local else []), "also called"))


def _print_trees(found: "Found", language: str) -> None:
    """Each term set as a tree; with a search, the terms found and what is above them."""
    for term_set, concepts in found:
        shown = {concept.id for concept in concepts}
        for concept in concepts:
            at = concept.broader
            while at in term_set.by_id and at not in shown:
                shown.add(str(at))
                at = term_set.by_id[str(at)].broader
        if shown:
            click.echo(f"{term_set.name(language)} ({term_set.key})")
            for depth, concept in term_set.tree():
                if concept.id in shown:
                    click.echo(f"{'  ' * (depth + 1)}{_label(concept, language)}  {concept.id}")


def _term(concept: "Concept", facet: str, known: "Taxonomy") -> dict[str, Any]:
    return {
        "id": concept.id,
        "facet": facet,
        "labels": dict(concept.labels),
        "synonyms": dict(concept.synonyms),
        "definitions": dict(concept.definitions),
        "broader": concept.broader,
        "mapped_to": [{"link": str(link), "id": other} for link, other in concept.mapped_to],
        "status": str(concept.status),
        "replaced_by": concept.replaced_by,
        "aliases": list(concept.aliases),
        "mode": str(concept.mode),
        "owner": concept.owner or None,
        "counted_under": known.roll_up(concept.id) if concept.global_parent else None,
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
            "office": one.office or None,
            "extends": one.extends or None,
            "owner": one.owner or None,
        }
        for one in (*known.term_sets, *known.layers)
    ]
    if as_json:
        print_json(rows)
        return
    table(
        [(r["key"], r["office"] or r["column"], r["concepts"], r["suggested"], r["name"]) for r in rows],
        headings=("term set", "column or office", "concepts", "suggested", "name"),
    )
    say("The terms of one: km365 taxonomy list --facet KEY")
