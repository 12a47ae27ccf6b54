"""`km365 compendium`: a volume of what was learned, and the file in which its editor decides."""

import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from km365.cli.console import json_option, print_json, say, table, with_app, write_file
from km365.core.languages import LANGUAGES
from km365.errors import ExitCode, KM365Error

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.compendium import Compendium
    from km365.documents.compendium_file import Plan
    from km365.services.compendium import CompendiumDesk

F = TypeVar("F", bound=Callable[..., Any])
REACHES = ("internal", "partners", "public")


def _choosing(function: F) -> F:
    """The options that say what is to be in a volume."""
    for option in (
        click.option(
            "--since",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="The file of an earlier volume: says what is new and what was superseded since.",
        ),
        click.option("--language", type=click.Choice(LANGUAGES), help="The volume's; items keep theirs."),
        click.option("--to", "reach", type=click.Choice(REACHES), help="For whom; internal by default."),
        click.option(
            "--only", multiple=True, metavar="FACET=VALUE", help="Such as topic=immunization; repeatable."
        ),
        click.option("--by", help="The facet that groups it: goal-area (by default), office, topic, ..."),
        click.option("--year", type=click.IntRange(1900, 9999), help="Only what was sent in this year."),
    ):
        function = option(function)
    return function


@click.group()
def command() -> None:
    """Make a compendium of published items: plan it, let an editor decide, build it.

    \b
    Example:
      km365 compendium build --by goal-area -o compendium.docx
    """


@command.command()
@_choosing
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The editor's file, .toml.",
)
@json_option
@with_app
async def plan(app: "App", /, *, output: Path, as_json: bool, **chosen: Any) -> int | None:
    """Write the file in which an editor decides: order, headings, titles, what is left out and why.

    It holds what may be in the volume now, in the usual order. `km365 compendium build --volume` builds what
    it says. Exit code 3: it is written, and items that were asked for may not be in the volume; they are
    listed.

    \b
    Example:
      km365 compendium plan --by goal-area -o volume.toml
    """
    from km365.services import compendium

    if output.suffix.lower() != ".toml":
        raise click.UsageError("-o names the editor's file, with the ending .toml.")
    _refuse_to_replace(output)
    text, volume = await compendium.plan(_desk(app), _plan(chosen, output), name=output.name)
    write_file(output, text.encode())
    return _report(
        volume, output, as_json=as_json, title="", then=f"km365 compendium build --volume {output}"
    )


@command.command()
@_choosing
@click.option(
    "--volume",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The editor's file; --language, --to and --since go before what it says.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The volume, .docx or .html.",
)
@json_option
@with_app
async def build(
    app: "App", /, *, volume: Path | None, output: Path, as_json: bool, **chosen: Any
) -> int | None:
    """Build the volume, as a Word file or as one page.

    In it are published items that everyone in the organisation may read, as far as they are published and
    their contributors allow; never others, whoever asks. Exit code 3: it is built, and items that were asked
    for are not in it; they are listed with the reason.

    \b
    Example:
      km365 compendium build --by goal-area -o compendium.docx
    """
    from km365.core.schedule import day_at
    from km365.documents import compendium_file
    from km365.services import calendar, compendium

    ending = output.suffix.lower()
    if ending not in compendium.FORMATS:
        raise click.UsageError("-o names a Word file (.docx) or a page (.html).")
    asked = _over(compendium_file.read(volume), chosen) if volume else _plan(chosen, output)
    since = chosen["since"] or (volume.parent / asked.since if volume and asked.since else None)
    today = day_at(app.clock.now(), calendar.hours_of(app.settings))
    built = await compendium.build(_desk(app), asked, ending=ending, since=since, today=today)
    write_file(output, built.data)
    return _report(built.volume, output, as_json=as_json, title=built.title)


def _refuse_to_replace(path: Path) -> None:
    if path.exists():
        raise KM365Error(f"{path} is there already and may hold an editor's work; name another file.")


def _desk(app: "App") -> "CompendiumDesk":
    from km365.services.compendium import CompendiumDesk

    return CompendiumDesk(graph=app.graph, db=app.db, settings=app.settings, templates=app.templates)


def _plan(chosen: dict[str, Any], beside: Path) -> "Plan":
    """What is asked for; an earlier volume as it is found from the file `beside`."""
    from km365.core.knowledge import Reach
    from km365.documents.compendium_file import Plan

    return Plan(
        by=chosen["by"] or "goal-area",
        year=chosen["year"],
        only=tuple(chosen["only"]),
        reach=Reach(chosen["reach"] or Reach.INTERNAL),
        language=chosen["language"] or "en",
        since=os.path.relpath(chosen["since"], beside.parent) if chosen["since"] else "",
    )


def _over(asked: "Plan", chosen: dict[str, Any]) -> "Plan":
    """What the editor's file says, for other readers or in another language where that is asked for."""
    from km365.core.knowledge import Reach

    if chosen["year"] or chosen["by"] or chosen["only"]:
        raise click.UsageError("--volume says what is in it; leave --year, --by and --only out.")
    return replace(
        asked,
        reach=Reach(chosen["reach"]) if chosen["reach"] else asked.reach,
        language=chosen["language"] or asked.language,
    )


_SAYS = {
    "not checked": "it is not checked yet, or was returned",
    "not published": "validated, not published: km365 lesson publish",
    "published less far": "published for fewer readers: km365 lesson publish --to",
    "contributors allow less": "its contributors have not allowed that: ask them",
    "superseded": "superseded by {detail}",
    "retired": "retired",
    "left out by the editor": "the editor: {detail}",
    "not in the file": "not in the editor's file: paste it in, with leave_out if it is not wanted",
    "not there": "it was taken back, or not everyone may read it",
}


def _report(volume: "Compendium", output: Path, *, as_json: bool, title: str, then: str = "") -> int | None:
    """Says what was written and what is not in it; the exit code."""
    count = len(list(volume.pieces))
    if as_json:
        print_json(
            {
                "file": str(output),
                "title": title,
                "items": [{"number": one.number, "id": one.item.id} for one in volume.pieces],
                "left_out": [asdict(one) for one in volume.left_out],
                "kept_to_offices": volume.kept_back,
            }
        )
    else:
        rows = [
            (one.id, _SAYS[one.why].format(detail=one.detail), one.title)
            for one in sorted(volume.left_out, key=lambda one: list(_SAYS).index(one.why))
        ]
        if rows:
            table(rows, headings=("left out", "because", "title"))
        if volume.kept_back:
            say(f"Left out as only their office may read them: {volume.kept_back}.")
        groups = len(volume.sections)
        say(f"{_many(count, 'item')} in {_many(groups, 'group')} written to {output}.")
        if output.suffix.lower() == ".docx":
            say("In Word, Ctrl+A and F9 fill in the page numbers of the contents.")
        if then:
            say(f"When it is as you want it: {then} -o compendium.docx")
    return ExitCode.PARTLY if volume.matters else None


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
