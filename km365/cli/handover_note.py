"""`km365 handover note`: the note of one person as a Word file, for those who may read it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, say, with_app, write_privately

if TYPE_CHECKING:
    from km365.app import App


@click.command("note")
@click.argument("person", metavar="PERSON")
@click.option(
    "--as",
    "sign_in",
    metavar="SIGN-IN",
    required=True,
    help="Who you are: the person who leaves, their supervisor, or their successor.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The new file, .docx; without this it is named as in the library, in this folder.",
)
@json_option
@with_app
async def command(app: "App", *, person: str, sign_in: str, output: Path | None, as_json: bool) -> None:
    """Write the handover note of one person to a Word file that only you can read.

    PERSON is a sign-in name or object id. Whoever leaves gets the note as it would be if they sent it now;
    once it is filed they, the supervisor, and the successor when it is theirs, get the note as it is filed.
    Everybody else is refused, whether there is a note or not.

    \b
    Example:
      km365 handover note ruth.cloudharrow@childrensagency.example \\
        --as ruth.cloudharrow@childrensagency.example -o note.docx
    """
    from km365.graph import people
    from km365.services import note_file, personal_data

    if output and output.suffix.lower() != ".docx":
        raise click.UsageError(f"-o writes a .docx, and not {output.name}.")
    who = await personal_data.whose(app.graph, person)
    reader = await people.get_person(app.graph, sign_in)
    found = await note_file.file_of(
        app.graph,
        app.db,
        app.settings,
        app.templates,
        person_id=who.id,
        reader_id=reader.id,
        now=app.clock.now(),
    )
    file = output or Path(found.name)
    write_privately(file, found.data)
    state = "as it is filed" if found.filed else "as it would be if it were sent now"
    say(f"{file}: the note {state}; for {sign_in}, and nobody else.")
    if found.annexes:
        say(f"More than five pages; moved to annexes: {', '.join(found.annexes)}.")
    if as_json:
        print_json(
            {"file": str(file), "filed": found.filed, "url": found.url, "annexes": list(found.annexes)}
        )
