"""Files are written whole or not at all, whatever is in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sourcefree.errors import ConfigError
from sourcefree.files import check_apart, whole_file, write_text


def test_a_name_that_is_no_utf8_is_written_with_backslashes(tmp_path: Path) -> None:
    write_text(tmp_path / "table.csv", os.fsdecode(b"caf\xe9.png,cat"))
    assert (tmp_path / "table.csv").read_text() == r"caf\udce9.png,cat"


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "table.csv").mkdir()
    with pytest.raises(OSError, match="table"):
        write_text(tmp_path / "table.csv", "text")
    assert [part.name for part in tmp_path.iterdir()] == ["table.csv"]


def test_a_writer_that_fails_leaves_the_file_before_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "weights.bin"
    file.write_text("before")
    with pytest.raises(RuntimeError), whole_file(file) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert {part.name: part.read_text() for part in tmp_path.iterdir()} == {"weights.bin": "before"}


def test_two_may_write_one_file_at_once(tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    with whole_file(file) as slow:
        slow.write_text("slow")
        with whole_file(file) as fast:
            fast.write_text("fast")
        assert file.read_text() == "fast"
    assert {part.name: part.read_text() for part in tmp_path.iterdir()} == {"record.json": "slow"}


def test_a_run_is_not_written_among_the_images_it_reads(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / "link").symlink_to(target)
    for out in (target / "run", tmp_path / "link/run", target):
        with pytest.raises(ConfigError, match="would be read as images of that folder"):
            check_apart(out, [tmp_path / "other", target])
    check_apart(tmp_path / "target-run", [target])
    check_apart(tmp_path, [target])
