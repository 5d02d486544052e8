"""Samples of a row that show all of it."""

from __future__ import annotations

import numpy as np


def evenly_spread(count: int, most: int) -> list[int]:
    """Return sorted positions, at most ``most`` of ``count``, at equal distances from the first to the last."""
    return [int(position) for position in np.unique(np.linspace(0, count - 1, min(count, most)).round())]
