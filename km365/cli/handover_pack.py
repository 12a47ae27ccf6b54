"""`km365 handover pack` and `line`: what a successor takes over, and whether who left may be asked."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, say, with_app, write_privately

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.successor_pack import Pack
    from km365.documents.successor_pack import PackWords


@click.command("pack")
@click.argument("person", metavar="PERSON")
@click.option(
    "--as",
    "sign_in",
    metavar="SIGN-IN",
    required=True,
    help="Whose eyes to look with: the successor's or the supervisor's sign-in name.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to a new Word file, .docx.",
)
@json_option
@with_app
async def pack(app: "App", *, person: str, sign_in: str, output: Path | None, as_json: bool) -> None:
    """Show what a successor takes over: the note, what to read, whom to meet, what comes, what is open.

    PERSON is the sign-in name or object id of who has handed over. It is refused for anybody who may not read
    the handover note. It is in the language that --as chose in the chat, else of their profile, quotations in
    their own. The file holds the note as well: give it to the successor or the supervisor alone.

    \b
    Example:
      km365 handover pack ruth.cloudharrow@childrensagency.example \\
        --as oumar.boisplume@childrensagency.example
    """
    from km365.core.languages import best
    from km365.documents import successor_pack as files
    from km365.graph import people
    from km365.services import personal_data
    from km365.services import successor_pack as packs
    from km365.store import preferences

    if output and output.suffix.lower() != ".docx":
        raise click.UsageError(f"-o writes a .docx, and not {output.name}.")
    who = await personal_data.whose(app.graph, person)
    reader = await people.get_person(app.graph, sign_in)
    chosen = await app.db.run(preferences.get, reader.id)
    words = files.PackWords(app.templates, best([chosen.language, reader.language]))
    desk = packs.desk_of(
        app.graph, app.db, app.jobs, app.settings, app.templates, app.clock.now, meaning=None
    )
    note = await packs.note_of(desk, who.id, reader.id)
    made = await packs.make(desk, note, reader.reader, language=words.language)
    if output:
        write_privately(output, files.write(made, words, app.templates))
        say(f"Written to {output}: for {sign_in}, and nobody else.")
    if as_json:
        print_json(files.to_json(made, words))
    elif not output:
        _print(made, words)


def _print(made: "Pack", words: "PackWords") -> None:
    """The pack as plain text."""
    click.echo(words.text("title"))
    for label, value in words.facts(made):
        click.echo(words.text("line", label=label, value=value))
    click.echo(made.web_url)
    for section in words.sections(made):
        click.echo(f"\n{section.heading}")
        if not section.entries:
            click.echo(f"  {section.nothing}")
        for one in section.entries:
            quote = words.quoted(one.quote) if one.quote else ""
            click.echo(f"  {' — '.join(part for part in (one.title, one.note) if part)}")
            for line in (quote, one.url):
                if line:
                    click.echo(f"    {line}")


@click.command("line")
@click.argument("person", metavar="PERSON")
@click.option("--close", "closes", is_flag=True, help="Close it, when the person asks for that.")
@json_option
@with_app
async def line(app: "App", *, person: str, closes: bool, as_json: bool) -> None:
    """Say whether somebody who has left may still be asked by their successor, and close that for them.

    They open and close it themselves in the chat ("my line"), and it closes on the day they chose. Where they
    can sign in no more, whoever they write to closes it here: what waits is not sent, and the address they
    gave is deleted. The address is shown to nobody but the successor.

    \b
    Example:
      km365 handover line ruth.cloudharrow@childrensagency.example
    """
    from km365.services import alumni, personal_data

    who = await personal_data.whose(app.graph, person)
    desk = alumni.AlumniDesk(
        graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings, now=app.clock.now
    )
    closed = await alumni.close(desk, who.id, by="command line") if closes else False
    open_ = await alumni.mine(desk, who.id)
    if as_json:
        lines = [{"until": one.until_on, "by": "address" if one.address else "Teams"} for one in open_]
        print_json({"open": lines, "closed": closed})
        return
    if closed:
        click.echo("Closed; nothing more is passed on.")
    for one in open_:
        how = "at a private address" if one.address else "in Teams"
        click.echo(f"Open until {one.until_on}, {how}.")
    if not open_ and not closed:
        click.echo("No line is open.")
