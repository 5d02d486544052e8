from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from sourcefree.data.folders import find_labelled_images, match_pairs
from sourcefree.data.image_io import read_image

SCRIPT = Path(__file__).parents[2] / "benchmarks/digits.py"


def test_every_digit_is_seen_by_three_sensors_at_the_same_place(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SCRIPT, tmp_path, "--digits", "4"], check=True)
    assert find_labelled_images(tmp_path / "rgb").labels == ("one", "three", "two", "zero")
    for sensor in ("thermal", "sar"):
        paired = match_pairs(tmp_path / "rgb", tmp_path / sensor)
        assert len(paired.source) == 8
        assert not paired.unpaired_source + paired.unpaired_target
        for colour, other in zip(paired.source, paired.target, strict=True):
            seen, image = read_image(colour.path).astype(float).mean(-1), read_image(other.path).astype(float)[..., 0]
            assert seen.shape == image.shape == (64, 64)
            middles = [np.average(np.arange(64), weights=_gradient(values).sum(0)) for values in (seen, image)]
            assert abs(middles[0] - middles[1]) < 8  # of what stands out, left to right


def _gradient(values: np.ndarray) -> np.ndarray:
    down, across = np.gradient(values)
    strength = np.hypot(down, across)
    return np.where(strength > np.quantile(strength, 0.9), strength, 0)
