"""One writer at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sourcefree.errors import ConfigError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for as long as the context lasts.

    The operating system lets go of it when the process ends, however it ends. The empty file ``.lock`` stays: who removes it
    could let in two at once.

    Args:
        folder: made where it is missing.

    Raises:
        ConfigError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ConfigError(
            f"{folder}: another process writes to it", hint="wait for its end, or choose another --out"
        ) from error
    except NotImplementedError:  # a file system without locks
        pass
    try:
        yield
    finally:
        lock.release()
