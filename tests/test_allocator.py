"""Memory that is freed stays with the process."""

from __future__ import annotations

import subprocess
import sys

_BLOCKS = """
import ctypes, resource, sys
from sourcefree.allocator import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()
c = ctypes.CDLL(None)
c.malloc.restype, c.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
c.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
for round in range(9):
    if round == 1:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [c.malloc(2**26) for _ in range(2)]
    for block in blocks:
        c.memset(block, 1, 2**26)
        c.free(block)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(mode: str) -> int:
    run = subprocess.run([sys.executable, "-c", _BLOCKS, mode], check=True, capture_output=True, text=True)
    return int(run.stdout)


def test_blocks_that_are_asked_for_again_cost_no_new_pages() -> None:
    assert page_faults("keep") < 50 < 1000 < page_faults("return")
