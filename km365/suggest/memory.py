"""What was freed goes back to the system."""

import ctypes
import gc
import sys


def give_back() -> None:
    """After reading or building something large: 50 to 100 MB that nobody uses any more.

    The C library of Linux keeps freed memory for later; elsewhere this does nothing more than collect.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:  # musl has none
            trim(0)
