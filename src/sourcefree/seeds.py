"""Seeds of random streams that do not depend on one another."""

from __future__ import annotations

import zlib


def stream_seed(*parts: int | str) -> int:
    """Return a 32-bit seed for the parts, the same in every process.

    The seed is that of the parts as text with slashes between them, so ``("a/b",)`` and ``("a", "b")`` share one, and so do 1
    and ``"1"``: name streams without slashes, a path as the last part at most. Of tens of thousands of streams, two may meet
    by chance.
    """
    return zlib.crc32("/".join(str(part) for part in parts).encode())
