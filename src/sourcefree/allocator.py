"""How the C library hands out memory in processes of our own."""

from __future__ import annotations

import ctypes

# Parameters of mallopt(3).
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_LARGEST = 2**31 - 1
_PAD = 2**28  # bytes


def keep_freed_memory() -> bool:
    """Make this process keep the memory that it frees, for its next use; return whether the C library can do so.

    Every layer of a training on a CPU asks for blocks of tens of megabytes and frees them again. glibc gives such blocks
    back to the system each time, which must clear and map every page anew (``benchmarks/allocator.py`` compares speed and
    memory). On other C libraries nothing is changed.

    It holds for the whole process, so that only processes of our own call it, the command line and the workers of studies:
    how a program that imports the package uses memory is its own affair.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc, not even POSIX
        return False
    wanted = {_TRIM_THRESHOLD: _LARGEST, _MMAP_MAX: 0, _TOP_PAD: _PAD}
    return all([mallopt(parameter, value) == 1 for parameter, value in wanted.items()])
