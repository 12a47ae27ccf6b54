"""The vectors of labels on disk: a folder for each state of a vocabulary, of which the last few are kept."""

import shutil
from pathlib import Path

from km365.suggest.meaning import FOLDER_ENDING

KEPT = 6
"""So many folders are kept in one place; each may hold hundreds of megabytes."""


def folder_of(cache: Path, key: str) -> Path:
    """The folder for the vocabulary of this key, in use from now on; those not used lately are deleted.

    Where `cache` cannot be written it is only named.
    """
    used = cache / f"{key}{FOLDER_ENDING}"
    try:
        used.mkdir(parents=True, exist_ok=True)
        used.touch()
        known = sorted(cache.glob(f"*{FOLDER_ENDING}"), key=lambda one: one.stat().st_mtime, reverse=True)
    except OSError:  # or another process is tidying up
        return used
    for old in known[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return used
