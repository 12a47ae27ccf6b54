"""`km365 taxonomy import`, `export` and `diff`: vocabularies in files."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import json_option, print_json, say, settings_in_force
from km365.core.languages import is_language, primary
from km365.errors import ExitCode, InputRefused
from km365.templates import Templates

if TYPE_CHECKING:
    from km365.core.taxonomy import Taxonomy, TermSet
    from km365.core.taxonomy_diff import Difference
    from km365.core.taxonomy_reading import Says
    from km365.services.taxonomy_edit import Edit

SHOWN = 20
"""Lines of one kind that are printed; --json prints all."""
FORMATS = ("turtle", "ntriples", "rdfxml", "jsonld", "csv", "json", "vocabulary")

yes_option = click.option("--yes", is_flag=True, help="Do not ask before writing.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Only say what would change.")


def _kept_language(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if is_language(found := primary(value)):
        return found
    raise click.BadParameter(f"{value!r} is no language code of two letters, such as fr.")


language_option = click.option(
    "--language",
    default="en",
    show_default=True,
    callback=_kept_language,
    help="The language of labels that name none (of a CSV file).",
)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--as", "key", help="The key of the term set it becomes or brings up to date, such as agrovoc.")
@click.option(
    "--office", default="", help="The code of the office whose own terms these are, such as co-bel."
)
@click.option("--extends", default="", help="With --office: the global term set its terms stand in.")
@click.option("--parent", help="With --office: the global parent of terms that name none.")
@click.option("--retire", is_flag=True, help="Deprecate the terms that the file no longer has.")
@language_option
@dry_run_option
@yes_option
@json_option
def import_(file: Path, *, dry_run: bool, yes: bool, as_json: bool, **options: Any) -> int:
    """Take the terms of a file into the taxonomy, after showing what would change.

    FILE is SKOS (.ttl .nt .jsonld .rdf), the term store's .csv, or .json, each also as .gz. Ids stay as they
    are. What cannot be taken is named, the rest is taken (exit code 3). The term set is written to your
    templates folder; terms the file lacks stay in it.

    \b
    Example:
      km365 taxonomy import taxonomy.ttl --dry-run
    """
    from km365.services import taxonomy, taxonomy_edit

    settings = settings_in_force()
    known = taxonomy_edit.with_term_ids(
        taxonomy.shipped(Templates(settings.templates or None)), cache=settings.home / taxonomy.CACHE
    )
    if options["office"]:
        options["office"] = options["office"].lower()
    elif options["extends"] or options["parent"]:
        raise click.UsageError("--extends and --parent are for the terms of an --office.")
    to = taxonomy_edit.folder(settings) if not dry_run or settings.templates else Path("taxonomies")
    found = taxonomy_edit.importing(file, known, to=to, **options)
    if as_json:
        print_json(
            {
                "would_change": {edit.after.key: changes_json(edit.differences) for edit in found.edits},
                "not_taken": found.problems,
                "changed_to_fit": found.changed,
                "not_kept": found.left_out,
            }
        )
    else:
        there = {one.id for edit in found.edits for one in edit.after.concepts}
        in_part = [line for line in found.problems if _is_of(there, line)]
        _shown("Not taken", [line for line in found.problems if line not in in_part])
        _shown("Not taken, but the term is there", in_part)
        _shown("Changed to fit the term store", found.changed)
        _shown("Not kept", [f"{name} ({count} times)" for name, count in found.left_out.items()])
    write(found.edits, dry_run=dry_run, yes=yes, quiet=as_json)
    return ExitCode.PARTLY if found.problems or found.changed else ExitCode.DONE


def _is_of(ids: set[str], problem: str) -> bool:
    """Whether the problem names one of these terms or a field of it, as `ID: ...` or `ID.labels.fr: ...`."""
    subject = problem.partition(": ")[0]
    parts = subject.split(".")
    return any(".".join(parts[:count]) in ids for count in range(len(parts), 0, -1))


def _shown(title: str, lines: Sequence[str]) -> None:
    for line in lines[:SHOWN]:
        say(f"{title}: {line}")
    if len(lines) > SHOWN:
        say(f"{title}: {len(lines) - SHOWN} more (--json lists all).")


def write(edits: "Sequence[Edit]", *, dry_run: bool, yes: bool, quiet: bool = False) -> list["Edit"]:
    """Shows what would change, asks, and writes; returns what was written."""
    from km365.services import taxonomy_edit

    real = [edit for edit in edits if edit.differences]
    if not quiet:
        for edit in real:
            show(edit.differences, title=str(edit.file))
    if not real:
        say("Nothing would change.")
    if dry_run or not real:
        return []
    count = sum(len(edit.differences) for edit in real)
    if not yes and not click.confirm(f"Write {count} changes to {len(real)} file(s)?", err=True):
        say("Nothing was written.")
        return []
    for edit in real:
        taxonomy_edit.save(edit)
        say(f"Written: {edit.file}")
    say("For the term store: km365 taxonomy push")
    return real


def show(found: "Sequence[Difference]", *, title: str = "") -> None:
    """The differences by kind on stdout, a few of each, and how many there are."""
    if title:
        click.echo(f"{title}:")
    kinds: dict[str, list[Difference]] = {}
    for one in found:
        kinds.setdefault(one.kind, []).append(one)
    for kind, some in kinds.items():
        click.echo(f"  {len(some)} {kind}")
        for one in some[:SHOWN]:
            click.echo(f"    {one.id}  {one.label}{_words(one)}")
        if len(some) > SHOWN:
            click.echo(f"    ... and {len(some) - SHOWN} more")


def _words(one: "Difference") -> str:
    language = f" [{one.language}]" if one.language else ""
    if one.kind == "synonyms":
        parts = [f"+ {one.now}"] if one.now else []
        parts += [f"- {one.was}"] if one.was else []
        return f"{language}: {'; '.join(parts)}"
    if one.was or one.now:
        return f"{language}: {one.was or '(none)'} > {one.now or '(none)'}"
    return ""


def changes_json(found: "Sequence[Difference]") -> list[dict[str, Any]]:
    """The differences as JSON, without the fields that say nothing."""
    return [{name: value for name, value in asdict(one).items() if value} for one in found]


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--facet", "facets", multiple=True, help="Only this term set; several allowed. All if left out."
)
@click.option("--office", default="", help="With the own terms of this office among them.")
@click.option(
    "--format", "kind", type=click.Choice(FORMATS), help="The format, where the ending does not tell."
)
@click.option("--language", default="en", show_default=True, help="The language of a CSV file.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
def export(
    file: Path, *, facets: tuple[str, ...], office: str, kind: str | None, language: str, overwrite: bool
) -> None:
    """Write term sets to a file for another system: SKOS, the term store's CSV, or JSON.

    The ending tells the format: .ttl .nt .jsonld .rdf .csv .json, each also with .gz behind it. A CSV or JSON
    file holds one term set. --format vocabulary is plain JSON as subject-indexing tools take it.

    \b
    Example:
      km365 taxonomy export taxonomy.ttl
    """
    from km365.services import taxonomy, taxonomy_export

    settings = settings_in_force()
    known = taxonomy.shipped(Templates(settings.templates or None))
    known = taxonomy.last_stored(known, cache=settings.home / taxonomy.CACHE)
    chosen = chosen_sets(known, facets, office)
    refuse_to_overwrite(file, overwrite=overwrite)
    taxonomy_export.export(chosen, file, kind=kind, language=language)
    count = sum(len(one.concepts) for one in chosen)
    say(f"{count} terms of {len(chosen)} term sets written to {file}.")


def refuse_to_overwrite(file: Path, *, overwrite: bool) -> None:
    """Raises InputRefused where the file is there already and may not be replaced."""
    if file.exists() and not overwrite:
        raise InputRefused(f"{file} is there already; choose another, or --overwrite.")


def chosen_sets(known: "Taxonomy", facets: Sequence[str], office: str) -> list["TermSet"]:
    """The term sets of these keys, all without any; with an office's own terms where one is named."""
    if office and office.lower() not in known.offices:
        there = ", ".join(known.offices) or "none"
        raise click.UsageError(f"There are no terms of the office {office!r}; offices with terms: {there}.")
    known = known.for_office(office) if office else known
    by_key = {**{one.key: one for one in known.layers}, **known.by_key}
    for facet in facets:
        if facet not in by_key:
            raise click.UsageError(f"There is no term set {facet!r}; there are {', '.join(by_key)}.")
    return [by_key[facet] for facet in facets] if facets else list(known.term_sets)


@click.command()
@click.argument("before")
@click.argument("after")
@click.option("--as", "key", help="Compare files of any vocabulary as this term set.")
@json_option
def diff(before: str, after: str, *, key: str | None, as_json: bool) -> None:
    """Say what differs between two states of the taxonomy: terms added, removed, renamed, moved, and more.

    BEFORE and AFTER are files, or one of the words shipped (what came with km365), files (the term sets in
    force) and store (the term store as it was last read on this machine). Against a file only the term sets
    that are in it are compared. A term set's rule, mode, column, name and owner are compared too, except with
    a file that cannot say them, such as a thesaurus.

    \b
    Example:
      km365 taxonomy diff shipped files
    """
    from km365.core.taxonomy_diff import differences

    (one, one_says), (other, other_says) = _state(before, key), _state(after, key)
    if Path(before).exists() or Path(after).exists():
        keys = set(_keys(other if Path(after).exists() else one))
        one, other = _only(one, keys), _only(other, keys)
    found = differences(one, other, of_sets=one_says is other_says)
    if as_json:
        print_json(changes_json(found))
    elif found:
        show(found)
    else:
        say("There is no difference.")


def _state(name: str, key: str | None) -> tuple["Taxonomy", "Says"]:
    """The state of that name, and how much it says."""
    from km365.core.taxonomy import Taxonomy
    from km365.core.taxonomy_reading import Says
    from km365.services import taxonomy
    from km365.services.taxonomy_files import read_file

    settings = settings_in_force()
    if name == "shipped":
        return taxonomy.shipped(Templates()), Says.EVERYTHING
    if name in {"files", "store"}:
        known = taxonomy.shipped(Templates(settings.templates or None))
        if name == "files":
            return known, Says.EVERYTHING
        copy = settings.home / taxonomy.CACHE
        if not copy.exists():
            raise InputRefused(
                "The term store was never read on this machine; `km365 taxonomy pull` reads it."
            )
        return taxonomy.last_stored(known, cache=copy), Says.EVERYTHING
    reading = read_file(Path(name), key=key)
    for line in reading.problems[:SHOWN]:
        say(f"{name}: {line}")
    if not reading.term_sets:
        raise InputRefused(f"{name}: no term set could be read.")
    return Taxonomy(term_sets=reading.term_sets), reading.says


def _keys(known: "Taxonomy") -> list[str]:
    return [one.key for one in (*known.term_sets, *known.layers)]


def _only(known: "Taxonomy", keys: set[str]) -> "Taxonomy":
    from km365.core.taxonomy import Taxonomy

    return Taxonomy(term_sets=tuple(one for one in (*known.term_sets, *known.layers) if one.key in keys))
