"""Silencing the warnings of image libraries from several threads at once."""

from __future__ import annotations

import threading
import warnings
from types import TracebackType


class QuietWarnings:
    """Ignore Python warnings while at least one thread is inside.

    ``warnings.catch_warnings`` alone saves and restores the filters of the whole process: threads that leave in another
    order than they entered would leave "ignore everything" behind.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._saved = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._saved.__exit__(None, None, None)
