"""Seeds of random streams that do not depend on one another."""

from __future__ import annotations

import zlib


def stream_seed(*parts: int | str) -> int:
    """Return a 32-bit seed that differs for every combination of the parts and is the same in every process."""
    return zlib.crc32("/".join(str(part) for part in parts).encode())
