"""Keeping Python from looking for garbage where there is none, again and again."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """No cyclic garbage collection inside: 40,000 terms are a million values that all stay (2 s or 0.7 s)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


_SELDOM = 20_000
"""New values after which the collector looks through them; Python's own number is 700."""


@contextlib.contextmanager
def settled() -> Iterator[None]:
    """What is in memory now will stay, so it is not looked through (a fifth of the CPU of tagging).

    What is new is looked through seldom: of what a run makes nearly all goes by itself.
    """
    often = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_SELDOM, *often[1:])
    try:
        yield
    finally:
        gc.set_threshold(*often)
        gc.unfreeze()
