"""One writer at a time: a file that says who writes to a folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sourcefree.errors import ConfigError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for as long as the context lasts; a lock that a process of this machine left when it died is taken over.

    Raises:
        ConfigError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / ".lock"
    if not _take(lock):
        host, pid = _holder(lock)
        if host != socket.gethostname() or _lives(pid):
            raise ConfigError(
                f"{folder}: another process writes to it (number {pid or 'unknown'} on {host or 'an unknown machine'})",
                hint=f"wait for its end, or choose another --out; if there is no such process any more, remove {lock}",
            )
        lock.unlink(missing_ok=True)
        if not _take(lock):
            raise ConfigError(f"{folder}: another process has just begun to write to it", hint="wait for its end")
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _take(lock: Path) -> bool:
    try:
        with lock.open("x", encoding="utf-8") as file:
            file.write(f"{socket.gethostname()} {os.getpid()}")
    except FileExistsError:
        return False
    return True


def _holder(lock: Path) -> tuple[str, int]:
    """Return machine and number of the process that holds the lock; nothing known where it is only now written."""
    with suppress(OSError, ValueError):
        host, pid = lock.read_text(encoding="utf-8").split()
        return host, int(pid)
    return "", 0


def _lives(pid: int) -> bool:
    if os.name == "nt":  # where asking would stop it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True
