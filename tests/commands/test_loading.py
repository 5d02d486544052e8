"""What is refused before a run folder is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from sourcefree.commands.loading import check_enough
from sourcefree.errors import ConfigError, DataError


def test_every_process_needs_two_images_in_a_batch() -> None:
    check_enough(4, where=Path("images"), batch_size=4, processes=2)
    with pytest.raises(
        DataError, match="images: expected at least 4 usable images to train on over 2 processes, found 3"
    ):
        check_enough(3, where=Path("images"), batch_size=4, processes=2)
    with pytest.raises(ConfigError, match="batch_size: expected at least 4 over 2 processes, found 3"):
        check_enough(4, where=Path("images"), batch_size=3, processes=2)
