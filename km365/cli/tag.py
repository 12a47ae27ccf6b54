"""`km365 tag <verb>`: each verb is a function in a module of its own, imported when called.

To add a verb, write a click command in `km365/cli/tag_<what>.py`, and a line in `VERBS`.
"""

import click

from km365.cli.groups import LazyGroup

VERBS = {
    "plan": "km365.cli.tag_plan:plan",
    "review": "km365.cli.tag_review:review",
    "convert": "km365.cli.tag_review:convert",
    "apply": "km365.cli.tag_run:apply",
    "show": "km365.cli.tag_history:show",
    "list": "km365.cli.tag_history:list_",
    "history": "km365.cli.tag_history:history",
    "undo": "km365.cli.tag_run:undo",
    "report": "km365.cli.tag_watch:report",
    "watch": "km365.cli.tag_watch:watch",
    "feedback": "km365.cli.tag_feedback:feedback",
    "learn": "km365.cli.tag_learn:learn",
    "predict": "km365.cli.tag_bulk:predict",
    "evaluate": "km365.cli.tag_bulk:evaluate",
}
"""Where each verb is, in the order of the help."""


@click.group(cls=LazyGroup, verbs=VERBS)
def command() -> None:
    """Tag a library: plan, apply, show, undo.

    \b
    Example:
      km365 tag plan --site childrensagency.sharepoint.example:/sites/co-bel
    """
