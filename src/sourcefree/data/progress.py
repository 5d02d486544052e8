"""How work over many files tells how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

CountProgress: TypeAlias = Callable[[int, int], None]
"""Called with (done, total)."""
