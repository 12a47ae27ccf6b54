"""The command line: `km365 <noun> <verb>`. Each noun is a module here, imported when called.

To add a noun, write `km365/cli/<noun>.py` with a click group named `command`, and a line in `NOUNS`.
"""

import sys
from collections.abc import Sequence

import click

from km365 import __version__
from km365.cli.groups import LazyGroup
from km365.errors import ExitCode, KM365Error

NOUNS: dict[str, str] = {
    "up": "Start everything on this machine and open the chat page.",
    "ask": "Say everything that is known on a topic, quoted word for word.",
    "departure": "See who leaves and what happens next; take in an HR file.",
    "doctor": "Say in words what works and what is missing.",
    "bot": "Make the Teams app package, and see whom the bot reaches.",
    "campaign": "See how campaigns stand, and pause, resume or cancel one.",
    "compendium": "Make a compendium of what was learned, as its editor wants it.",
    "flow": "List the automations, run one now, or pause one.",
    "handover": "See handover interviews and file their notes.",
    "headline": "See the headline messages of a milestone that is over, and choose among them.",
    "lesson": "List, read and review what colleagues have contributed.",
    "message": "See the bot's messages that did not arrive for certain, and send one again.",
    "milestone": "Keep the programme calendar: import, plan, list, draw.",
    "provision": "Create the lists, columns and term sets in SharePoint.",
    "questions": "Try question banks, and check them, before they reach anybody.",
    "report": "See how far what was captured has come, in numbers that name nobody.",
    "search": "Find what is known, and keep the search index.",
    "settings": "Show what is set, and where it comes from.",
    "tag": "Tag a library: plan, apply, show, undo.",
    "taxonomy": "Keep the terms documents are tagged with: list, check, import, change.",
    "worker": "Run jobs beside other processes, on a PostgreSQL database.",
}
"""What `km365 --help` lists, without importing any of it."""


@click.group(
    cls=LazyGroup,
    verbs={noun: f"km365.cli.{noun}:command" for noun in NOUNS},
    says=NOUNS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="km365")
def root() -> None:
    """Keep what the organisation learns: ask, tag, check, publish, hand over.

    \b
    Example:
      km365 up
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with the exit code of DESIGN: 0, 1, 2, 3 or 4."""
    try:
        code = root.main(args=arguments, prog_name="km365", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped. What was done is kept; the same command goes on from there.", err=True)
        code = ExitCode.FAILED
    except KM365Error as error:
        click.echo(f"km365: {error}", err=True)
        code = error.exit_code
    sys.exit(code if isinstance(code, int) else ExitCode.DONE)
