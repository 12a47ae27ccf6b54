"""Reads files in processes of their own, so that a hostile or enormous one takes nothing else with it.

A process reads file after file; when one takes too long or too much memory, or breaks the process, it is
ended and the next file gets a new one. What comes back is JSON, never a pickle: whoever takes over a reading
process can still only send text.
"""

import asyncio
import contextlib
import gc
import json
import multiprocessing
import os
import re
import signal
import sys
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

from km365.core.passages import Kind, Passage
from km365.documents import ocr, reading
from km365.errors import Cause, InputRefused, KM365Error

TIMEOUT_S = 60.0
MEMORY_BYTES = 2 * 1024**3
"""Address space of a reading process, where the system can limit it (Linux)."""
WORKERS = min(2, os.cpu_count() or 1)
_START_S = 120.0
_GROWN_BYTES = 600 * 1024 * 1024
"""A process that ever took as much is replaced after its file: it does not give memory back."""
_GRACE_S = 5.0


@dataclass(frozen=True, kw_only=True)
class _Limits:
    timeout_s: float
    memory_bytes: int
    ocr_command: str

    @property
    def answer_s(self) -> float:
        """How long an answer may take in all."""
        return self.timeout_s + (ocr.TIMEOUT_S if self.ocr_command else 0.0)


class Reader:
    """Reads files, `workers` of them at a time; use as a context manager, which ends the processes.

    Processes start when they are needed: who waits for each file before giving the next one uses one.
    `ocr_command` reads scans (see `ocr.read`), which are refused without it.
    """

    def __init__(
        self,
        *,
        timeout_s: float = TIMEOUT_S,
        memory_bytes: int = MEMORY_BYTES,
        workers: int = WORKERS,
        ocr_command: str = "",
    ) -> None:
        self._limits = _Limits(timeout_s=timeout_s, memory_bytes=memory_bytes, ocr_command=ocr_command)
        self._free = [_Worker() for _ in range(workers)]
        self._all = list(self._free)
        self._turn = asyncio.Semaphore(workers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._all:
            worker.end()

    async def read(self, name: str, data: bytes) -> list[Passage]:
        """The passages of the file; see `reading.read`. Raises InputRefused, also for too slow or too big."""
        reading.refuse_unread(name, len(data))
        async with self._turn:
            worker = self._free.pop()  # the one used last, which is running
            try:
                return await asyncio.to_thread(worker.ask, name, data, self._limits)
            except asyncio.CancelledError:
                worker.kill()
                worker = _Worker()  # the thread still has the other one
                self._all.append(worker)
                raise
            finally:
                self._free.append(worker)


class _Worker:
    """One reading process, started when it is first asked."""

    def __init__(self) -> None:
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def ask(self, name: str, data: bytes, limits: _Limits) -> list[Passage]:
        """The passages of the file. Whatever goes wrong concerns this file only."""
        pipe = self._running(limits)
        try:
            pipe.send_bytes(name.encode("utf-8", errors="replace"))
            pipe.send_bytes(data)
            if not pipe.poll(limits.answer_s):
                self.end()
                raise InputRefused(
                    f"{name} took longer than {limits.timeout_s:.0f} s to read; it was left out.",
                    cause="too_slow",
                )
            answer = json.loads(pipe.recv_bytes())
        except (EOFError, OSError):
            why, cause = self._cause_of_death()
            raise InputRefused(f"{name} could not be read: {why}.", cause=cause) from None
        if answer["last"]:
            self.end()
        if answer["refused"] is not None:
            known = Cause.from_json(answer["cause"]) or Cause(key="")
            raise InputRefused(str(answer["refused"]), cause=known.key, **known.values)
        return [
            Passage(text=text, kind=Kind(kind), place=place, language=language)
            for text, kind, place, language in answer["passages"]
        ]

    def kill(self) -> None:
        """Ends the process and nothing more; for use while another thread waits for its answer."""
        if self._process is not None:
            self._process.kill()

    def end(self) -> None:
        """Ends the process, if there is one, and waits for it."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._pipe = self._process = None

    def _running(self, limits: _Limits) -> Connection:
        if self._pipe is not None and self._process is not None and self._process.is_alive():
            return self._pipe
        self.end()
        context = multiprocessing.get_context("spawn")
        pipe, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, limits), daemon=True, name="km365-reader")
        self._pipe = pipe
        process.start()
        self._process = (
            process  # not before: who ends this worker meanwhile could not end a process half begun
        )
        theirs.close()
        try:
            started = pipe.poll(_START_S) and pipe.recv_bytes() == b"ready"
        except (EOFError, OSError):
            started = False
        if not started:
            self.end()
            raise KM365Error("The process that reads files could not be started; is there memory for it?")
        return pipe

    def _cause_of_death(self) -> tuple[str, str]:
        """Why the process ended, as a sentence and as a cause."""
        process = self._process
        if process is not None:
            process.join(_GRACE_S)
        code = process.exitcode if process is not None else None
        self.end()
        if code is not None and -code in {getattr(signal, "SIGKILL", None), getattr(signal, "SIGABRT", None)}:
            return "reading it took too much memory", "too_much_memory"
        if code is not None and -code == getattr(signal, "SIGALRM", None):
            return "reading it took too long", "too_slow"
        return "it broke the process that read it, so it is damaged or made to do harm", "damaged"


def _work(pipe: Connection, limits: _Limits) -> None:
    """The reading process: file in, passages or refusal out, until the pipe closes."""
    _limit_memory(limits.memory_bytes)
    gc.freeze()  # what is imported stays; looking it through again cost a fifth of the reading
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        pipe.send_bytes(b"ready")
        while True:
            name, data = pipe.recv_bytes().decode("utf-8"), pipe.recv_bytes()
            _limit_time(limits.answer_s + _GRACE_S)
            passages, refused = _read(name, data, limits)
            del data
            answer = {
                "passages": passages,
                "refused": None if refused is None else str(refused),
                "cause": refused.cause.as_json() if refused and refused.cause else None,
                "last": _has_grown(),
            }
            pipe.send_bytes(json.dumps(answer).encode("ascii"))
            _limit_time(0)


def _read(
    name: str, data: bytes, limits: _Limits
) -> tuple[list[tuple[str | None, ...]], InputRefused | None]:
    """The passages as they travel, and why there are none."""
    command = limits.ocr_command
    by_ocr = partial(ocr.read, name, command=command) if command else None
    try:
        found = reading.read(name, data, ocr=by_ocr)
    except InputRefused as refusal:
        return [], refusal
    except MemoryError:
        said = f"{name} could not be read: reading it took too much memory."
        return [], InputRefused(said, cause="too_much_memory")
    except Exception as error:  # a reader's own defect must not stop the job
        return [], InputRefused(f"{name} could not be read ({type(error).__name__}).", cause="damaged")
    return [(one.text, one.kind.value, one.place, one.language) for one in found], None


def _limit_memory(memory_bytes: int) -> None:
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - exists on POSIX only

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold the document


def _limit_time(seconds: float) -> None:
    """Ends this process after `seconds`, also inside C code and when nobody waits for it; 0 calls it off."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _has_grown() -> bool:
    if sys.platform != "linux":
        return False
    # Not getrusage: what it says begins with the most our parent ever took.
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    most = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
    return most is not None and int(most[1]) * 1024 > _GROWN_BYTES
