"""What is refused before a run folder is made, and what the user hears of the images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sourcefree.commands.loading import check_enough, load_pair_data, load_target
from sourcefree.data.folders import match_pairs
from sourcefree.data.image_io import write_image
from sourcefree.data.modality import MODALITIES, Modality
from sourcefree.engine.progress import Silent
from sourcefree.errors import ConfigError, DataError


def test_every_process_needs_two_images_in_a_batch() -> None:
    check_enough(4, where=Path("images"), batch_size=4, processes=2)
    with pytest.raises(
        DataError, match="images: expected at least 4 usable images to train on over 2 processes, found 3"
    ):
        check_enough(3, where=Path("images"), batch_size=4, processes=2)
    with pytest.raises(ConfigError, match="batch_size: expected at least 4 over 2 processes, found 3"):
        check_enough(4, where=Path("images"), batch_size=3, processes=2)


def test_what_is_left_out_of_the_pairs_is_told_by_side(tmp_path: Path) -> None:
    sensors = {}
    for side, name, channels in (("source", "rgb", 3), ("target", "nir", 1)):
        for i in range(14):
            write_image(tmp_path / side / f"{i}.png", np.full((8, 8, channels), 9, np.uint8))
        (tmp_path / side / "3.png").write_bytes(b"")
        statistics = {"mean": (0.5,) * channels, "std": (0.3,) * channels}
        sensors[f"{side}_modality"] = Modality(**{**MODALITIES[name].to_dict(), **statistics})
    (tmp_path / "target/4.png").write_bytes(b"")
    (tmp_path / "source/x.gif").touch()
    paired = match_pairs(tmp_path / "source", tmp_path / "target")
    data = load_pair_data(paired, **sensors, size=16, max_unreadable=0.5, held_out=0.1, seed=0, progress=Silent())
    assert data.notes == (
        f"{tmp_path}/source: 1 other file (.gif) ignored: this type is not read. Save them as PNG or TIFF to use them.",
        f"1 file of {tmp_path}/source cannot be used and is left out: 3.png: the file is empty.",
        f"2 files of {tmp_path}/target cannot be used and are left out: the file is empty (2 images, for example 3.png).",
    )
    assert [file for file, _ in data.unreadable] == ["3.png", "3.png", "4.png"]


def test_target_images_that_the_valid_range_flattens_are_told(tmp_path: Path) -> None:
    for i in range(9):
        write_image(tmp_path / f"{i}.tif", np.linspace(1 + i, 200, 64, dtype=np.float32).reshape(8, 8))
    options = {"classes": (), "size": 16, "max_unreadable": 0.05, "held_out": 0.3, "seed": 0, "progress": Silent()}
    (note,) = load_target(tmp_path, modality=MODALITIES["depth"], **options).notes
    assert note.startswith(f"{tmp_path}: 92 % of the values lie outside the valid range of depth, 0 to 20 m")
    for i in range(9):
        write_image(tmp_path / f"{i}.tif", np.linspace(500 + i, 5000, 64, dtype=np.float32).reshape(8, 8))
    with pytest.raises(
        DataError, match=r"none of 9 images can be used as depth: .* millimetres that is read as metres"
    ):
        load_target(tmp_path, modality=MODALITIES["depth"], **options)


def test_target_images_sorted_by_class_are_held_out_as_those_of_one_heap(tmp_path: Path) -> None:
    classes = [f"kind{letter}" for letter in "abcdefghijklmnopqrst"]
    for number in range(200):  # twenty folders of ten
        path = tmp_path / classes[number % 20] / f"{number:03d}.png"
        write_image(path, np.full((8, 8, 3), number, np.uint8))
    options = {"size": 16, "max_unreadable": 0, "held_out": 0.1, "seed": 0, "progress": Silent()}
    data = load_target(tmp_path, modality=MODALITIES["rgb"], classes=classes, **options)
    kept = [data.whole.names[position] for position in data.held_out]
    assert len(kept) == 30
    assert len({name.split("/")[0] for name in kept}) > 10, "runs of neighbours, whatever folder they are in"
