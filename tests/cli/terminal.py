"""A command at a terminal of its own, where Ctrl-C is a key and progress is shown as it comes."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from .conftest import UNPACED

CTRL_C = "\x03"
_AT_A_TERMINAL = """
import os, pty, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
"""
"""Programs begun in the background inherit that Ctrl-C is ignored; those that a terminal begins do not."""
_WITHIN_S = 60
_SEEN_S = 0.5


@dataclass(frozen=True)
class Terminal:
    """What is typed there and what it shows, stdout and stderr as they come."""

    _process: asyncio.subprocess.Process

    async def type(self, keys: str) -> None:
        """Presses these keys, not sooner than a person would.

        Between showing a question and waiting for its answer Python does not hear Ctrl-C until the next key.
        """
        await asyncio.sleep(_SEEN_S)
        assert self._process.stdin is not None
        self._process.stdin.write(keys.encode())

    async def shows(self, text: str) -> str:
        """What it showed up to the end of `text`."""
        assert self._process.stdout is not None
        async with asyncio.timeout(_WITHIN_S):
            return (await self._process.stdout.readuntil(text.encode())).decode()

    async def rest(self) -> str:
        """What it shows until the command ends."""
        assert self._process.stdout is not None
        async with asyncio.timeout(_WITHIN_S):
            return (await self._process.stdout.read()).decode()

    async def code(self) -> int:
        """The exit code."""
        async with asyncio.timeout(_WITHIN_S):
            return await self._process.wait()


@asynccontextmanager
async def at_a_terminal(*words: str) -> AsyncIterator[Terminal]:
    """`km365` with these words, in this folder and environment; it is ended on leaving. Not on Windows."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _AT_A_TERMINAL, sys.executable, "-c", UNPACED, *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Terminal(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
