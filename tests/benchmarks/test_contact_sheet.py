from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

SCRIPT = Path(__file__).parents[2] / "benchmarks/contact_sheet.py"


def test_the_picture_of_the_documents_can_be_made_again(tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    options = ["--families", "mug", "tree", "--examples", "2", "--size", "24"]
    subprocess.run([sys.executable, SCRIPT, out, *options], check=True)
    sheet = np.asarray(Image.open(out))
    assert sheet.shape[1] == 2 * 4 * 24 + 4  # two families side by side, each twice in colour and depth
    for view in range(8):
        left = view * 24 + 4 * (view > 3)
        assert sheet[13:37, left : left + 24].std() > 5
