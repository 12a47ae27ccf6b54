"""Groups whose commands are imported when one is called, so that no command waits for the others."""

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """A group whose commands stand in a table: the verb -> `module:function`, in the order of the help.

    To add a verb, write the command in a module of its own and a line in its noun's table. `says` is what the
    group's help prints for its commands without importing any; those not in it are imported for that.
    """

    def __init__(
        self, *args: Any, verbs: Mapping[str, str], says: Mapping[str, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._verbs = verbs
        self._says = says or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs of the table, then those written beside the group itself."""
        return [*self._verbs, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None where there is none of that name."""
        if cmd_name not in self._verbs:
            return super().get_command(ctx, cmd_name)
        module, _, function = self._verbs[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes what the group is told to say of its commands, else what they say themselves."""
        if not self._says:
            super().format_commands(ctx, formatter)
            return
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._says.get(name, "")) for name in self.list_commands(ctx)])
