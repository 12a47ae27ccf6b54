"""`km365 tag plan`."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import Progress, json_option, say, waiting, with_app
from km365.core.languages import LANGUAGES
from km365.errors import ExitCode, KM365Error

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.tag_plan import Reason, Refused, Row
    from km365.services.tag_plan import Asked, Passed
    from km365.services.tag_planning import Tally
    from km365.services.tag_scope import Scope

MODES = ("add", "fill", "replace")


def _facets(ctx: click.Context, parameter: click.Parameter, value: str | None) -> frozenset[str] | None:
    from km365.core.tag_plan import FACETS

    if value is None:
        return None
    wanted = frozenset(part.strip() for part in value.split(",") if part.strip())
    if strange := sorted(wanted - set(FACETS.values())):
        raise click.BadParameter(f"there is no facet {strange[0]!r}; there are {', '.join(FACETS.values())}.")
    return wanted


def _modes(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> Mapping[str, str]:
    from km365.core.tag_plan import FACETS

    found = {"": "add"}
    for value in values:
        facet, _, mode = value.rpartition("=")
        if mode not in MODES or (facet and facet not in FACETS.values()):
            raise click.BadParameter(
                f"{value!r} is neither one of {', '.join(MODES)} nor a facet with one, as in topic=fill."
            )
        found[facet] = mode
    return found


@click.command()
@click.option(
    "--site",
    "addresses",
    multiple=True,
    help="A site as host:/path; several allowed. All offices if left out.",
)
@click.option(
    "--library", default="Documents", show_default=True, help="The library's name; * for all of a site."
)
@click.option("--list", "list_name", default="", help="A list instead, such as Knowledge, read by its texts.")
@click.option("--folder", default="/", show_default=True, help="Only this folder of it and those below.")
@click.option(
    "--search", default="", help="Only what Microsoft Search finds for these words; not with --since-last."
)
@click.option(
    "--since-last",
    is_flag=True,
    help="Only what is new, changed or corrected since the last plan with this; not with --search.",
)
@click.option(
    "--modified-since",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Only documents changed on or after this day, as 2026-01-31.",
)
@click.option("--name", default="", help="Only documents whose name fits this pattern, such as '*report*'.")
@click.option("--type", "types", default="", help="Only files with these endings, such as docx,pdf.")
@click.option("--untagged", is_flag=True, help="Only documents without a term in the facets asked for.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Only documents in this language.")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    help="Only so many, from everywhere, for a first look; always the same ones.",
)
@click.option("--facets", callback=_facets, help="Only these, such as topic,goal-area. All if left out.")
@click.option(
    "--mode",
    "modes",
    multiple=True,
    callback=_modes,
    help="add keeps what is there (the default), fill fills empty columns only, replace makes the column "
    "what is suggested; for one facet: document-type=replace.",
)
@click.option(
    "--at-least", type=click.FloatRange(0, 1), default=0.0, help="Only suggestions with this score or more."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("tag-plan.json"),
    show_default=True,
    help="The plan file to write; with the ending .xlsx for Excel.",
)
@click.option("--overwrite", is_flag=True, help="Replace the plan file if it is there, edits and all.")
@click.option(
    "--labels",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="The Excel file's language.",
)
@json_option
@with_app
async def plan(app: "App", /, *, output: Path, overwrite: bool, as_json: bool, **options: Any) -> int:
    """Read documents and propose terms, each with its reason; nothing is changed.

    The plan is a file to read and edit, in any text editor or in Excel, before `km365 tag apply`. Ctrl-C
    stops the reading and keeps the plan so far.

    \b
    Example:
      km365 tag plan --site childrensagency.sharepoint.example:/sites/co-bel -o plan.xlsx
    """
    from km365.documents.plan_files import is_sheet
    from km365.services.tag_plan import Passed

    if as_json and is_sheet(output):
        raise click.UsageError("--json prints the plan as JSON; give it an -o with the ending .json.")
    _refuse_odd(options)
    try_output(output, overwrite=overwrite)
    progress, is_read = Progress("Reading"), False

    def heard(one: "Row | Refused | Passed") -> None:
        nonlocal is_read
        is_read = is_read or not isinstance(one, Passed)
        progress.advance()

    try:
        tally = await _read(app, options, output, progress, heard)
    except asyncio.CancelledError:
        if is_read:
            raise
        say("Nothing was read yet; no plan was written.")
        return ExitCode.FAILED
    return _report(
        tally, output, total=progress.total or 0, is_sample=options["sample"] is not None, as_json=as_json
    )


async def _read(
    app: "App",
    options: Mapping[str, Any],
    output: Path,
    progress: Progress,
    heard: "Callable[[Row | Refused | Passed], None]",
) -> "Tally":
    """Looks for the documents and reads them into the plan file; sets how many `progress` has to expect."""
    from km365.core.tag_plan_file import Head
    from km365.documents.plan_files import Writer
    from km365.services import feedback, suggest, tag_libraries, tag_plan, tag_planning, term_copy
    from km365.services.tag_scope import Round

    with waiting("Reading the taxonomy …"):
        words = await suggest.open_suggester(app.graph, app.settings, app.templates)
    age = term_copy.age_of(app.settings.home / term_copy.CACHE)
    if age and age >= timedelta(minutes=1):
        say(f"The terms are {term_copy.in_words(age)}; `km365 taxonomy pull` reads them anew.")
    with waiting("Looking for documents …"):
        asked = _asked(options)
        scope = await _scope(app, options)
        corrections = await app.db.run(feedback.corrections)
        since = None
        if options["since_last"]:
            version = words.version
            terms = tag_plan.mark_of(words.taxonomy, asked, scope, version=version, corrections=corrections)
            since = tag_planning.since_last(app.db, terms, corrections, at=app.clock.now())
        shelves = await tag_libraries.open_shelves(app.graph, scope.libraries, facets=asked.facets)
        round_ = Round(app.graph, shelves, scope, since=since)
        progress.total = await round_.count(region=app.settings.search_region)
    head = Head(made_at=app.clock.now(), libraries=tuple(one.library for one in shelves), mode=asked.mode)
    writer = Writer(output, head, to_sheet(app, words.taxonomy, options["labels"], output))
    with progress:
        progress.begin()
        return await tag_planning.write(
            app.graph,
            words,
            round_,
            asked,
            writer,
            at=app.clock.now(),
            put_there=tag_planning.journal(app.db),
            corrections=corrections,
            ocr_command=app.settings.ocr_command,
            heard=heard,
        )


def _asked(options: Mapping[str, Any]) -> "Asked":
    from km365.core.tag_plan import Mode
    from km365.services.tag_plan import Asked

    modes = {facet: Mode(mode) for facet, mode in options["modes"].items()}
    return Asked(
        facets=options["facets"],
        mode=modes.pop(""),
        modes=modes,
        at_least=options["at_least"],
    )


def _refuse_odd(options: Mapping[str, Any]) -> None:
    if options["list_name"] and (options["search"] or options["folder"].strip("/") or options["types"]):
        raise click.UsageError("--list goes with neither --folder, --search nor --type: it holds no files.")
    if options["search"] and options["since_last"]:
        raise click.UsageError(
            "--search goes not with --since-last: Microsoft Search finds what is new only some time later, "
            "and the next plan would pass it over. Plan with one of them."
        )


async def _scope(app: "App", options: Mapping[str, Any]) -> "Scope":
    from km365.services.tag_libraries import find_libraries
    from km365.services.tag_scope import Scope

    home = (app.settings.knowledge_site,) if options["list_name"] else app.settings.office_sites
    libraries = await find_libraries(
        app.graph,
        options["addresses"] or home,
        options["library"],
        list_name=options["list_name"],
        settings=app.settings,
    )
    day: datetime | None = options["modified_since"]
    types = (part.strip().lower().lstrip(".") for part in options["types"].split(","))
    return Scope(
        libraries=tuple(libraries),
        folder=options["folder"],
        search=options["search"],
        modified_since=day.replace(tzinfo=UTC) if day else None,
        name=options["name"],
        types=frozenset(one for one in types if one),
        untagged=options["untagged"],
        language=options["language"] or "",
        sample=options["sample"],
    )


def to_sheet(app: "App", taxonomy: Any, language: str, output: Path) -> Any:
    """What writes the plan for Excel; None where it is to be JSON."""
    from km365.documents.plan_files import is_sheet

    if not is_sheet(output):
        return None
    from km365.documents import plan_xlsx

    return plan_xlsx.writer(app.templates, taxonomy, language=language)


def refuse_ending(path: Path) -> None:
    """A plan is JSON or for Excel: under another name it would be opened as what it is not."""
    if path.suffix.lower() not in {".json", ".xlsx"}:
        raise click.UsageError(f"{path}: a plan file ends in .json, or in .xlsx for Excel.")


def try_output(path: Path, *, overwrite: bool) -> None:
    """Says before an hour of reading, not after, that the plan file cannot be written."""
    refuse_ending(path)
    beside = path.with_name(path.name + ".new")
    try:
        if path.exists() and not overwrite:
            raise click.UsageError(f"{path} is there, perhaps with edits; choose another -o, or --overwrite.")
        beside.touch()
        beside.unlink()
    except OSError as error:
        raise KM365Error(
            f"The plan could not be written to {path} ({error.strerror}); choose another -o."
        ) from None


def _report(tally: "Tally", output: Path, *, total: int, is_sample: bool, as_json: bool) -> int:
    if as_json:
        _print_json(output)
    else:
        _print_rows(tally)
    for one in tally.not_read:
        say(f"Not read: {one.path}: {one.reason}")
    if tally.refused > len(tally.not_read):
        say(f"... and {tally.refused - len(tally.not_read)} more that could not be read, in the file")
    say(
        f"To add: {tally.terms} terms, to {tally.documents} of the documents. Nothing to add: "
        f"{tally.unchanged}. Not read: {tally.refused}."
    )
    if tally.removals:
        say(f"To take out: {tally.removals} terms, {tally.people_lose_count} of them given by people.")
    for why, count in tally.passed.items():
        say(f"Passed over: {count} {why}.")
    if tally.partial:
        read = tally.documents + tally.unchanged + tally.refused + tally.passed.total()
        say(f"Not the whole plan: {read} of {total} documents were read. {tally.partial.rstrip('.')}.")
    if not total:
        say("There is nothing to look at, or nothing has changed since the last plan.")
    if is_sample:
        say("A sample; leave out --sample for all documents.")
    if tally.documents:
        say(f"Read and edit {output}, then: km365 tag apply {output}")
    return ExitCode.PARTLY if tally.refused or tally.partial else ExitCode.DONE


def _print_json(output: Path) -> None:
    with output.open(encoding="utf-8") as text:
        for piece in iter(lambda: text.read(1 << 20), ""):
            click.echo(piece, nl=False)


def _print_rows(tally: "Tally") -> None:
    """The beginning of the plan; first of all what people gave and would lose."""
    for path, title, label in tally.people_lose:
        click.echo(f"Given by people, would be taken out: {title}: {label}  ({path})")
    if tally.people_lose_count > len(tally.people_lose):
        click.echo(f"... and {tally.people_lose_count - len(tally.people_lose)} more given by people")
    for row in tally.rows:
        click.echo(row.path)
        for change in filter(None, row.columns):
            for out in change.remove:
                click.echo(f"  {change.title}: take out {out.tag.label}")
            for one in change.add:
                click.echo(f"  {change.title}: {one.tag.label}  {because(one.reason)}")
    if tally.documents > len(tally.rows):
        click.echo(f"... and {tally.documents - len(tally.rows)} more documents in the file")


def because(reason: "Reason") -> str:
    """Why a term is proposed, in a line: its score, the words found and where, or what else said so."""
    if reason.score is None:
        return "added by hand"
    words = ", ".join(f"“{word}”" for word in reason.words)
    places = f" ({'; '.join(reason.places)})" if reason.places else ""
    part = {
        "examples": "as in documents tagged before",
        "meaning": "by the meaning of the text",
        "corrected": "as people said before",
    }.get(reason.part, "")
    return "  ".join(one for one in (f"{reason.score:.2f}", f"{words}{places}".strip(), part) if one)
