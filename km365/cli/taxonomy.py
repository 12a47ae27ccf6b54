"""`km365 taxonomy`: the term sets that documents are tagged with. Each verb is imported when called."""

import click

from km365.cli.groups import LazyGroup

VERBS = {
    "list": "km365.cli.taxonomy_read:list_",
    "check": "km365.cli.taxonomy_read:check",
    "export": "km365.cli.taxonomy_files:export",
    "import": "km365.cli.taxonomy_files:import_",
    "diff": "km365.cli.taxonomy_files:diff",
    "merge": "km365.cli.taxonomy_change:merge",
    "deprecate": "km365.cli.taxonomy_change:deprecate",
    "retag": "km365.cli.taxonomy_change:retag",
    "push": "km365.cli.taxonomy_store:push",
    "pull": "km365.cli.taxonomy_store:pull",
    "request": "km365.cli.taxonomy_requests:request",
    "synonyms": "km365.cli.taxonomy_synonyms:synonyms",
}


@click.group(cls=LazyGroup, verbs=VERBS)
def command() -> None:
    """Keep the terms documents are tagged with: list, check, import, change, publish.

    \b
    Example:
      km365 taxonomy list --facet topic
    """
