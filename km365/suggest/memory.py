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


_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -3, -1
_LARGE = 1024 * 1024


def keep_no_large_blocks() -> None:
    """From now on blocks of a megabyte go back as soon as they are freed, a tenth of the peak of learning.

    The C library of Linux otherwise learns to keep those of up to 32 MB. Elsewhere this does nothing.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            for what in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
                mallopt(what, _LARGE)
