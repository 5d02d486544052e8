"""How work over many files tells how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

CountProgress: TypeAlias = Callable[[int, int], None]
"""Called with (done, total)."""


def counted_on(progress: CountProgress | None, *, before: int, total: int) -> CountProgress | None:
    """Return the progress of one of several parts of a work.

    Args:
        progress: of the whole; None where nobody watches.
        before: files in the parts before.
        total: files in all parts.
    """
    return None if progress is None else lambda done, _: progress(before + done, total)
