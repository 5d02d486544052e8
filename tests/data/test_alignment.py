from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from sourcefree.data.alignment import alignment_warnings, measure_alignment
from sourcefree.data.folders import match_pairs
from sourcefree.data.image_io import read_image, write_image


def write_pairs(root: Path, kind: str, count: int = 24) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    scenes = [gaussian_filter(rng.random((64, 64)), 4) for _ in range(count)]
    scenes = [(scene - scene.min()) / np.ptp(scene) for scene in scenes]
    for number, scene in enumerate(scenes):
        other = {
            "inverted": 1 - scene,
            "shuffled": 1 - scenes[(number + 1) % count],
            "same": scene * 0.9 + 0.05,
        }[kind]
        write_image(root / "rgb" / f"{number}.png", np.repeat((255 * scene).astype(np.uint8)[..., None], 3, 2))
        write_image(root / "nir" / f"{number}.png", (60000 * other).astype(np.uint16))
    return root / "rgb", root / "nir"


@pytest.mark.parametrize(("kind", "lines_up"), [("inverted", True), ("shuffled", False)])
def test_edges_tell_pairs_that_line_up(tmp_path: Path, kind: str, lines_up: bool) -> None:
    found = measure_alignment(match_pairs(*write_pairs(tmp_path, kind)))
    assert found is not None
    assert found.lines_up is lines_up
    assert not found.identical
    assert any("line up" in text for text in alignment_warnings(found)) is not lines_up


def test_pixels_without_a_value_do_not_hide_that_pairs_line_up(tmp_path: Path) -> None:
    rgb, nir = write_pairs(tmp_path, "inverted")
    for file in sorted(nir.iterdir()):
        values = read_image(file).astype(np.float32)
        values[8:16, 8:16] = -3.4028235e38
        write_image(nir / f"{file.stem}.tiff", values)
        file.unlink()
    found = measure_alignment(match_pairs(rgb, nir))
    assert found is not None
    assert found.lines_up


def test_sensors_that_look_the_same_are_noticed(tmp_path: Path) -> None:
    found = measure_alignment(match_pairs(*write_pairs(tmp_path, "same")))
    assert found is not None
    assert found.identical
    assert any("look the same" in text for text in alignment_warnings(found))


def test_too_few_pairs_say_nothing(tmp_path: Path) -> None:
    assert measure_alignment(match_pairs(*write_pairs(tmp_path, "inverted", count=5))) is None
    assert alignment_warnings(None) == []
