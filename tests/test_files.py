"""Files are written whole or not at all, whatever is in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sourcefree.files import write_text


def test_a_name_that_is_no_utf8_is_written_with_backslashes(tmp_path: Path) -> None:
    write_text(tmp_path / "table.csv", os.fsdecode(b"caf\xe9.png,cat"))
    assert (tmp_path / "table.csv").read_text() == r"caf\udce9.png,cat"


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "table.csv").mkdir()
    with pytest.raises(OSError, match="table"):
        write_text(tmp_path / "table.csv", "text")
    assert [part.name for part in tmp_path.iterdir()] == ["table.csv"]
