"""Reads files in a process of its own, so that a hostile or enormous one takes nothing else with it.

One process reads file after file; when one takes too long or too much memory the process is ended and the
next file gets a new one.
"""

import asyncio
import contextlib
import multiprocessing
import sys
from multiprocessing.connection import Connection
from typing import Self

from km365.core.passages import Kind, Passage
from km365.documents.reading import read
from km365.errors import InputRefused

TIMEOUT_S = 60.0
MEMORY_BYTES = 2 * 1024**3
"""Address space of the reading process, where the system can limit it (not on Windows)."""


class Reader:
    """Reads files, one at a time; use as a context manager, which ends the process."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S, memory_bytes: int = MEMORY_BYTES) -> None:
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._context = multiprocessing.get_context("spawn")
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._turn = asyncio.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    async def read(self, name: str, data: bytes) -> list[Passage]:
        """The passages of the file; see `reading.read`. Raises InputRefused, also for too slow or too big."""
        async with self._turn:
            return await asyncio.to_thread(self._ask, name, data)

    def _ask(self, name: str, data: bytes) -> list[Passage]:
        if self._process is None or not self._process.is_alive():
            self._start()
        assert self._pipe is not None  # noqa: S101 - _start has made it
        try:
            self._pipe.send((name, data))
            if not self._pipe.poll(self._timeout_s):
                self._end()
                raise InputRefused(
                    f"{name} took longer than {self._timeout_s:.0f} s to read; it was left out."
                )
            passages, refused = self._pipe.recv()
        except (EOFError, OSError):
            self._end()
            raise InputRefused(f"{name} could not be read: reading it took too much memory.") from None
        if refused is not None:
            raise InputRefused(refused)
        return [Passage(text=text, kind=Kind(kind), place=place) for text, kind, place in passages]

    def _start(self) -> None:
        self._end()
        self._pipe, theirs = self._context.Pipe()
        self._process = self._context.Process(
            target=_work, args=(theirs, self._memory_bytes), daemon=True, name="km365-reader"
        )
        self._process.start()
        theirs.close()

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._pipe = self._process = None


def _work(pipe: Connection, memory_bytes: int) -> None:
    """The reading process: file in, passages or refusal out, until the pipe closes."""
    _limit_memory(memory_bytes)
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            name, data = pipe.recv()
            try:
                found = [(p.text, p.kind.value, p.place) for p in read(name, data)]
                pipe.send((found, None))
            except InputRefused as refusal:
                pipe.send((None, str(refusal)))
            except MemoryError:
                pipe.send((None, f"{name} could not be read: reading it took too much memory."))
            except Exception as error:  # a reader's own defect must not stop the job
                pipe.send((None, f"{name} could not be read ({type(error).__name__})."))


def _limit_memory(memory_bytes: int) -> None:
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - exists on POSIX only

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
