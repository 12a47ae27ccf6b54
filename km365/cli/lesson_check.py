"""`km365 lesson check`: what a reader of a lesson would miss, before anybody else reads it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from km365.cli.console import json_option, print_json, say, settings_in_force, with_app
from km365.core.languages import LANGUAGES
from km365.errors import ExitCode, InputRefused

if TYPE_CHECKING:
    from km365.app import App
    from km365.templates import Templates

_LONGEST = 20_000


@click.command("check")
@click.argument("what", metavar="FILE|ID")
@click.option("--as", "sign_in", metavar="SIGN-IN", help="Who you are; needed for an item, by its ID.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), help="The language of the text; else what it seems to be."
)
@json_option
def command(what: str, *, sign_in: str | None, language: str | None, as_json: bool) -> int | None:
    """Say what a reader of a lesson would miss, each with why and an example before and after.

    FILE is a text (UTF-8; - for standard input), ID an item of the Knowledge list or the beginning of one.
    This is advice: the exit code is 0 whatever it finds, and 4 only where the chat would not keep the text.

    \b
    Example:
      km365 lesson check draft.txt --language en
      km365 lesson check KM-8f3a --as zodwa.thimblesea@childrensagency.example
    """
    if is_text(what):
        return _check_file(what, language, as_json=as_json)
    if sign_in is None:
        raise click.UsageError(f"There is no file {what!r}; to check an item by its id, say --as SIGN-IN.")
    return _check_item(what, sign_in=sign_in, language=language, as_json=as_json)


def _check_file(name: str, language: str | None, *, as_json: bool) -> int:
    from km365.core.languages import best
    from km365.core.sorting import sorted_fields
    from km365.core.written_in import language_of
    from km365.documents.questions import Banks
    from km365.templates import Templates

    text = text_in(name)
    templates = Templates(settings_in_force().templates or None)
    spoken = language or best([language_of(text)])
    fields = sorted_fields(text, Banks(templates).get("lesson", spoken))
    return _tell(templates, fields, spoken, as_json=as_json)


def is_text(name: str) -> bool:
    """Whether that is a file, or standard input."""
    return name == "-" or Path(name).is_file()


def text_in(name: str) -> str:
    """The text of the file. Raises InputRefused where it holds none, or too much for one lesson."""
    raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    try:
        text = raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise InputRefused(f"{name}: this is no text in UTF-8; save it as one.") from None
    if not text:
        raise InputRefused(f"{name}: there is no text in it.")
    if len(text) > _LONGEST:
        raise InputRefused(f"{name}: {len(text)} characters are more than one lesson; {_LONGEST} are read.")
    return text


@with_app
async def _check_item(app: "App", item_id: str, *, sign_in: str, language: str | None, as_json: bool) -> int:
    from km365.cli.lesson import reader_of
    from km365.core.knowledge import WRITTEN_FIELDS
    from km365.core.languages import best
    from km365.services import review

    reader = await reader_of(app, sign_in)
    item_id = await review.whole_id(app.graph, app.settings, item_id, reader=reader)
    item = (await review.get_item(app.graph, app.settings, item_id, reader=reader)).item
    fields = {name: str(getattr(item, name)) for name in WRITTEN_FIELDS}
    return _tell(app.templates, fields, language or best([item.language]), as_json=as_json)


def _tell(templates: "Templates", fields: Mapping[str, str], language: str, *, as_json: bool) -> int:
    from km365.core.keepout import keep_out
    from km365.documents.coach import CoachWords
    from km365.documents.messages import catalogue

    kept_out = keep_out("\n".join(fields.values()), catalogue(templates).keep_out)
    words = CoachWords.read(templates)
    found = words.coach.findings(fields, language=language)
    advice = words.advice[language]
    if as_json:
        told = [
            {
                "rule": one.rule,
                "field": one.field,
                "words": fields.get(one.field, "")[one.start : one.end],
                "say": advice[one.rule].say,
                "why": advice[one.rule].why,
                "before": advice[one.rule].before,
                "after": advice[one.rule].after,
            }
            for one in found
        ]
        print_json({"language": language, "findings": told, "kept_out": kept_out})
    for rule in dict.fromkeys(one.rule for one in found if not as_json):
        click.echo(f"{rule}: {advice[rule].say}")
        for one in found:
            if one.rule is rule and one.end:
                click.echo(f'    in {one.field}: "{fields[one.field][one.start : one.end]}"')
        click.echo(f"    why: {advice[rule].why}")
        click.echo(f"    before: {advice[rule].before}\n    after: {advice[rule].after}\n")
    if kept_out:
        say(f"The chat would not keep this text ({kept_out}); docs/security.md says where it belongs.")
        return ExitCode.REFUSED
    if not found:
        say("A reader would miss nothing that the coach knows of.")
    return ExitCode.DONE
