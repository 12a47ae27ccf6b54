"""A click group whose commands are imported when they are called, so that the others cost nothing."""

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """The commands of a table: `lazy` says for each name where it is, as `module:function`.

    `says` is what the group's help prints for them without importing any; those that are not in it are
    imported for their first line.
    """

    def __init__(
        self, *args: Any, lazy: Mapping[str, str], says: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(*args, **more)
        self.lazy = lazy
        self.says = says or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the table's order."""
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now; None where the table has none."""
        if cmd_name not in self.lazy:
            return None
        module, _, function = self.lazy[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the names and what they do."""
        width = formatter.width - 6 - max(map(len, self.lazy), default=0)
        rows = [(name, self.says.get(name) or self._short_help(ctx, name, width)) for name in self.lazy]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _short_help(self, ctx: click.Context, name: str, width: int) -> str:
        command = self.get_command(ctx, name)
        return command.get_short_help_str(width) if command else ""
