"""What every command shares: settings, an opened App, JSON on stdout, words and progress on stderr."""

import asyncio
import functools
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self

import click

from km365.cli import running
from km365.errors import InputRefused, KM365Error
from km365.settings import Settings

if TYPE_CHECKING:
    from km365.app import App

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout instead of words.")


NARROW = 16
"""A last column is not cut to fewer characters than this."""
_LINE = 78
"""A line that is rewritten has so many characters, so that nothing of a longer one is left behind it."""
_PACE_OF, _PACE_S = 5, 3.0
"""A pace is that of so many things at least, and of so many seconds: the first few say little of the rest."""

P = ParamSpec("P")


def with_app(
    function: Callable[Concatenate["App", P], Awaitable[int | None]],
) -> Callable[P, int | None]:
    """A command that is given the opened App; the one place where an event loop is started for a command.

    The function returns an exit code, or None for done.
    """

    @functools.wraps(function)
    def command(*args: P.args, **kwargs: P.kwargs) -> int | None:
        from km365.app import open_app

        async def run() -> int | None:
            async with open_app(settings_in_force()) as app:
                return await function(app, *args, **kwargs)

        return asyncio.run(run())

    return command


@contextmanager
def question() -> Iterator[None]:
    """Within it the first Ctrl-C ends a question that waits for its answer, as click.Abort.

    The handler of `asyncio.run` only cancels the task, which does not hear of that while it reads an answer.
    """
    if threading.current_thread() is not threading.main_thread():  # nobody else may set a handler
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def confirm(asked: str) -> None:
    """Goes on where the person says yes; else raises click.Abort."""
    with question():
        click.confirm(asked, abort=True, err=True)


def settings_in_force() -> Settings:
    """The settings of the environment and `km365.toml`, with the ports of the `km365 up` of this home."""
    return running.in_force()[0]


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write("\n")


def say(text: str) -> None:
    """One line for the person at the terminal, on stderr."""
    click.echo(text, err=True)


def write_file(path: Path, data: bytes) -> None:
    """The file, new or in the place of the old one. Raises KM365Error, naming it, where that cannot be."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise KM365Error(f"{path} cannot be written ({error.strerror}).") from None


def write_privately(path: Path, data: bytes) -> None:
    """A new file that nobody else may read. Raises InputRefused where one is there already."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputRefused(f"{path} is there already and was left alone; name a new file.") from None
    except OSError as error:
        raise KM365Error(f"{path} cannot be written ({error.strerror}).") from None
    with os.fdopen(number, "wb") as file:
        file.write(data)


def table(rows: Sequence[Sequence[object]], *, headings: Sequence[str]) -> None:
    """Rows in columns on stdout, headings first.

    The last column may be as long as it likes; a terminal shows as much of it as fits in one line.
    """
    texts = [list(headings), *[["" if cell is None else str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[i]) for row in texts) for i in range(len(headings) - 1)]
    room = _terminal_width() - sum(width + 2 for width in widths)
    for row in texts:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        last = row[-1] if len(row[-1]) <= room or room < NARROW else f"{row[-1][: room - 1]}…"
        click.echo("  ".join([*cells, last]).rstrip())


def _terminal_width() -> int:
    """How many characters a line of stdout holds; without end where it is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Says on a terminal what goes on before there is anything to count; the line goes once it is over."""
    live = sys.stderr.isatty()
    if live:
        click.echo(f"\r{what:<{_LINE}}", err=True, nl=False)
    try:
        yield
    finally:
        if live:
            click.echo(f"\r{'':<{_LINE}}\r", err=True, nl=False)


class Progress:
    """Progress and an estimate on stderr: one rewritten line on a terminal, a line now and then elsewhere.

    As a context manager it leaves its last line standing however the work ends; work that was refused before
    it began says nothing.
    """

    def __init__(self, what: str, total: int | None = None) -> None:
        self._what, self.total = what, total
        self._shown = time.monotonic()
        self._done = 0
        self._first: tuple[float, int] | None = None
        self._live = sys.stderr.isatty()
        self._shown_last = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or self._done or self._shown_last:
            self.finish()

    def begin(self) -> None:
        """Show on a terminal how many there are before the first is done, where that takes its time."""
        if self._live:
            self._show()

    def advance(self, count: int = 1) -> None:
        """`count` more are done."""
        self._done += count
        now = time.monotonic()
        self._first = self._first or (now, self._done)
        if now - self._shown >= (0.1 if self._live else 5.0):
            self._shown = now
            self._show()

    def finish(self) -> None:
        """Leave the last line standing; where there was nothing to do, there is none."""
        self._show()
        if self._live and self._shown_last:
            click.echo("", err=True)

    def _show(self) -> None:
        if self.total == 0:
            return
        of = f" of {self.total}" if self.total is not None else ""
        line = f"{self._what}: {self._done}{of}{self._estimate()}"
        if line == self._shown_last:
            return
        self._shown_last = line
        click.echo(f"\r{line:<{_LINE}}" if self._live else line, err=True, nl=not self._live)

    def _estimate(self) -> str:
        """From the pace since the first came: starting up took time that says nothing of what is left."""
        if not self.total or self._first is None or self._done >= self.total:
            return ""
        took_s, came = time.monotonic() - self._first[0], self._done - self._first[1]
        if took_s < _PACE_S or came < _PACE_OF:
            return ""
        left_s = took_s / came * (self.total - self._done)
        return f", about {left_s:.0f} s left" if left_s < 90 else f", about {left_s / 60:.0f} min left"
