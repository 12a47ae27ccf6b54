"""Reads pictures of pages with a program of the administrator's choice; none comes with km365."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from km365.errors import InputRefused

TIMEOUT_S = 300.0
_MOST_TEXT_BYTES = 50 * 1024 * 1024


def read(name: str, data: bytes, *, command: str, timeout_s: float = TIMEOUT_S) -> list[str]:
    """The text of the PDF page by page, as `command` reads it.

    `{input}` in the command stands for the PDF's path, `{output}` for the text file that it writes; the text
    is what it prints where there is no `{output}`. Pages are parted by form feeds, as OCRmyPDF and Tesseract
    do. The command gets a folder of its own, which is deleted. Raises InputRefused, naming the file, where
    the command is not there, fails, or takes longer than `timeout_s`; then everything it started is ended.
    """
    with tempfile.TemporaryDirectory(prefix="km365-ocr-") as folder:
        source, target = Path(folder, "scan.pdf"), Path(folder, "scan.txt")
        source.write_bytes(data)
        arguments = [
            one.replace("{input}", str(source)).replace("{output}", str(target))
            for one in shlex.split(command)
        ]
        printed = _run(name, arguments, folder, timeout_s)
        text = (
            target.read_bytes()[:_MOST_TEXT_BYTES] if "{output}" in command and target.exists() else printed
        )
    return text.decode("utf-8", errors="replace").split("\f")


def _run(name: str, arguments: list[str], folder: str, timeout_s: float) -> bytes:
    """What the program prints, up to a limit; it is a group of processes, so that its helpers end with it."""
    printed = Path(folder, "printed")
    try:
        with printed.open("wb") as out:
            program = subprocess.Popen(  # noqa: S603 - the administrator's own command, without a shell
                arguments,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
    except OSError as error:
        raise InputRefused(
            f"{name} is a scan, and ocr_command could not be started ({error.strerror}).",
            cause="scan",
        ) from None
    try:
        code = program.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise InputRefused(
            f"{name} is a scan, and reading it took ocr_command longer than {timeout_s:.0f} s.",
            cause="scan",
        ) from None
    finally:
        _end(program)
    if code != 0:
        raise InputRefused(
            f"{name} is a scan, and ocr_command could not read it (exit code {code}).", cause="scan"
        )
    with printed.open("rb") as read_back:
        return read_back.read(_MOST_TEXT_BYTES)


def _end(program: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        program.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(program.pid, signal.SIGKILL)
    program.wait()
