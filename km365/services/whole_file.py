"""Files that others see whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """The path to write to instead; in the end that file takes the place of `path` in one step.

    After an error `path` is as it was and nothing is left beside it. A link keeps pointing to where it did;
    a pipe or a device such as /dev/null is no file to replace, and written to itself. OSError is the caller's
    to name.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    path = path.resolve()
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        yield beside
        beside.replace(path)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
