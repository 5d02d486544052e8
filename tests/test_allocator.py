"""Memory that is freed stays with the process."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys

import pytest

from sourcefree.allocator import keep_freed_memory

GLIBC = platform.libc_ver()[0] == "glibc"
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


@pytest.mark.skipif(not GLIBC, reason="other C libraries hand out memory as they like")
def test_blocks_that_are_asked_for_again_cost_no_new_pages() -> None:
    assert page_faults("keep") < 50 < 1000 < page_faults("return")


def test_it_says_whether_the_c_library_can_do_so() -> None:
    code = "from sourcefree.allocator import keep_freed_memory; print(keep_freed_memory())"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == str(GLIBC)


@pytest.mark.parametrize("error", [AttributeError("undefined symbol: mallopt"), OSError("no such file"), TypeError()])
def test_on_another_c_library_nothing_is_changed_and_nothing_fails(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Library:
        def __init__(self, _name: None) -> None:
            if not isinstance(error, AttributeError):
                raise error  # not POSIX

        def __getattr__(self, _name: str) -> None:
            raise error

    monkeypatch.setattr(ctypes, "CDLL", Library)
    assert keep_freed_memory() is False
