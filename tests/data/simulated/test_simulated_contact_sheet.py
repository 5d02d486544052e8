"""The contact sheet: size, captions' families, clear error for a typo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sourcefree.data.simulated import contact_sheet
from sourcefree.data.simulated.contact_sheet import shown_depth
from sourcefree.errors import ConfigError


def test_sheet_holds_a_row_of_views_for_each_family(tmp_path: Path) -> None:
    path = contact_sheet(out=tmp_path / "a/sheet.png", names=["mug", "tree"], examples=2, columns=1, size=24)
    image = Image.open(path)
    assert image.width == 4 * 24 and image.height > 2 * 24
    assert np.asarray(image).std() > 20


def test_typo_is_answered(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="mugg") as caught:
        contact_sheet(out=tmp_path / "sheet.png", names=["mugg"])
    assert "did you mean 'mug'" in str(caught.value)


def test_shown_depth_is_bright_when_near_and_blue_when_missing() -> None:
    depth = np.array([[0, 500], [1000, 4000]], np.uint16)
    shown = shown_depth(depth)
    assert shown[0, 0, 2] > shown[0, 0, 0]
    assert shown[0, 1, 0] > shown[1, 0, 0] > shown[1, 1, 0]
    assert shown_depth(np.zeros((2, 2), np.uint16)).shape == (2, 2, 3)
