"""Short names for contents: what differs in content differs in name."""

from __future__ import annotations

import hashlib


def fingerprint(content: bytes | str) -> str:
    """Return 16 hexadecimal digits that tell a content from others.

    Args:
        content: bytes, or a text; characters that no UTF-8 has, as in names of files from elsewhere, count with backslashes.
    """
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    return hashlib.blake2b(data, digest_size=8).hexdigest()
