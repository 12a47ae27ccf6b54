"""Groups of verbs that are imported when one of them is called, so that no command waits for the others."""

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """A group whose verbs stand in a table: the verb -> `module:function`, in the order of the help.

    To add a verb, write the command in a module of its own and a line in its noun's table.
    """

    def __init__(self, *args: Any, verbs: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs of the table, then those written beside the group itself."""
        return [*self._verbs, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb, imported now; None where there is no such verb."""
        if cmd_name not in self._verbs:
            return super().get_command(ctx, cmd_name)
        module, _, function = self._verbs[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), function)
        return command
