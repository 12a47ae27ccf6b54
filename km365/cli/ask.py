"""`km365 ask`: everything that is known on a topic, in the words of those who know it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import json_option, print_json, say, with_app, write_file
from km365.errors import ExitCode

if TYPE_CHECKING:
    from datetime import date

    from km365.app import App
    from km365.core.audience import Reader
    from km365.core.snapshot import Snapshot
    from km365.core.snapshot_kept import Change, Kept
    from km365.documents.snapshot_words import SnapshotWords
    from km365.services.snapshot import Asking

_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@click.argument("words", required=False, default="")
@click.option(
    "--as",
    "sign_in",
    metavar="SIGN-IN",
    help="Whose eyes to look with, as a sign-in name. Without it: what everyone may read, and nobody's name.",
)
@click.option("--office", default="", help="Only of this office, such as CO-BEL.")
@click.option("--from", "since", type=_DAY, metavar="DAY", help="Only from this day on, such as 2024-01-01.")
@click.option("--to", "until", type=_DAY, metavar="DAY", help="Only up to this day.")
@click.option("--language", default="", help="Only what is written in it: en, fr, es, ar, ru, zh, pt ...")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep it as a file: .docx, .html or .json.",
)
@click.option(
    "--check",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Say instead what changed since this file was written.",
)
@json_option
@with_app
async def command(
    app: "App",
    *,
    words: str,
    sign_in: str | None,
    office: str,
    since: datetime | None,
    until: datetime | None,
    language: str,
    output: Path | None,
    check: Path | None,
    as_json: bool,
) -> int:
    """Say everything that is known about something, in sentences that stand word for word in their sources.

    Where offices agree and differ, how far it reaches, what nobody says, and whom to ask; in the language of
    the profile of --as, quotations in their own. No language model takes part. With --check it says which
    sources of a file changed since; the exit code is 3 if any did.

    \b
    Example:
      km365 ask "cold chain" --as zodwa.thimblesea@childrensagency.example
    """
    from km365.cli.lesson import reader_of
    from km365.core.languages import best
    from km365.core.snapshot_kept import Asked, Kept
    from km365.documents import snapshot_files
    from km365.documents.snapshot_words import SnapshotWords
    from km365.graph import people
    from km365.services import search

    if bool(words.strip()) is (check is not None):
        raise click.UsageError('Say what to ask, such as km365 ask "cold chain", or --check FILE.')
    if output and output.suffix.lower() not in snapshot_files.ENDINGS:
        raise click.UsageError(f"-o writes {', '.join(snapshot_files.ENDINGS)}, and not {output.name}.")
    reader = await reader_of(app, sign_in) if sign_in else search.EVERYONE
    if check:
        return await _check(app, snapshot_files.kept_in(check), reader, as_json=as_json)
    asked = Asked(
        words=words.strip(),
        office=office,
        language=language,
        since=since.date() if since else None,
        until=until.date() if until else None,
    )
    asking = _asking(app)
    profile = (await people.get_person(app.graph, reader.person_id)).language if sign_in else ""
    said = SnapshotWords(app.templates, best([profile]))
    snapshot = await asking.snapshot(asked, reader, today=_today(app, reader), language=said.language)
    snapshot = await asking.with_contacts(snapshot, reader, by_name=True)
    kept = Kept.of(asked, snapshot)
    if output:
        ending = output.suffix.lower()
        write_file(output, snapshot_files.write(snapshot, kept, said, app.templates, ending=ending))
    if as_json:
        print_json(snapshot_files.to_json(snapshot, kept, said))
    elif not output:
        _print(snapshot, said)
    whose = f"what {sign_in} may read" if sign_in else "what everyone may read"
    where = f" Written to {output}." if output else ""
    say(f"Quoted: {len(snapshot.sources)} of {snapshot.coverage.read} sources. Searched: {whose}.{where}")
    return ExitCode.DONE


def _asking(app: "App") -> "Asking":
    from km365.services.search import SearchTerms
    from km365.services.snapshot import Asking

    terms = SearchTerms(app.graph, app.settings, app.templates)
    return Asking(graph=app.graph, db=app.db, settings=app.settings, templates=app.templates, terms=terms.now)


def _today(app: "App", reader: "Reader") -> "date":
    from km365.services import calendar

    return calendar.today(app.settings, app.clock.now(), reader.office)


async def _check(app: "App", kept: "Kept", reader: "Reader", *, as_json: bool) -> int:
    """Says what became of the sources of a kept snapshot."""
    from dataclasses import asdict

    from km365.core.snapshot_kept import Standing

    changes = await _asking(app).changes(kept, reader, today=_today(app, reader))
    moved = [one for one in changes if one.standing is not Standing.SAME]
    if as_json:
        print_json(
            {"as_of": kept.as_of, "asked": kept.asked.words, "sources": [asdict(one) for one in changes]}
        )
    else:
        _print_changes(moved)
    say(
        f"{len(moved)} sources changed, went or came since {kept.as_of}; ask again: km365 ask."
        if moved
        else f"Nothing it rests on has changed since {kept.as_of}."
    )
    return ExitCode.PARTLY if moved else ExitCode.DONE


def _print_changes(changes: "Sequence[Change]") -> None:
    for one in changes:
        number = f"[{one.number}] " if one.number else ""
        click.echo(f"{one.standing}: {number}{one.title}")


def _print(snapshot: "Snapshot", said: "SnapshotWords") -> None:
    """The snapshot as plain text."""
    page = said.whole(snapshot)
    click.echo(f"{page['title']}: {page['topic']}")
    for fact in page["facts"]:
        click.echo(f"{fact['label']}: {fact['value']}")
    click.echo(f"{page['intro']}")
    for section in page["sections"]:
        click.echo(f"\n{section['heading']}")
        for one in section["points"]:
            click.echo(f"  {_quoted(one)}")
            for group in one["groups"]:
                click.echo(f"    {group['label']}")
                for other in group["quotes"]:
                    click.echo(f"      {_quoted(other)}")
    click.echo(f"\n{page['coverage']['heading']}")
    for fact in page["coverage"]["facts"]:
        click.echo(f"  {fact['label']}: {fact['value']}")
    for some in page["lists"]:
        click.echo(f"\n{some['heading']}")
        for line in some["lines"]:
            click.echo(f"  {line}")
    if page["sources"]["rows"]:
        click.echo(f"\n{page['sources']['heading']}")
    for row in page["sources"]["rows"]:
        click.echo(f"  {row['number']} {row['title'].text}. {row['note']}. {row['title'].url}")


def _quoted(one: Mapping[str, Any]) -> str:
    return f"{one['opens']}{one['says'].text}{one['closes']}  {one['note']}"
