"""What source training refuses, it refuses before a run folder is made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sourcefree
from sourcefree.config import TrainSettings
from sourcefree.data.image_io import write_image
from sourcefree.engine.runtime import Runtime
from sourcefree.errors import DataError, SourcefreeError
from support.command_line import BACKBONE


def labelled(folder: Path, *, images: int) -> Path:
    for index in range(images):
        for name in ("cat", "dog"):
            write_image(folder / name / f"{index}.png", np.full((8, 8, 3), 9 * index, np.uint8))
    return folder


def train(folder: Path, *, test: Path | None = None, **changes: object) -> None:
    source = {"backbone": BACKBONE, "pretrained": False, "size": 32, **changes}
    settings = TrainSettings.model_validate({"source": source, "device": "cpu", "precision": "fp32"})
    sourcefree.train_source(images=folder / "images", test=test, out=folder / "run", settings=settings)


@pytest.mark.parametrize("with_test", [False, True])
def test_too_few_images_for_several_processes_are_refused_before_there_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_test: bool
) -> None:
    monkeypatch.setattr(Runtime, "processes", property(lambda _: 3))
    labelled(tmp_path / "images", images=2)
    test = labelled(tmp_path / "test", images=1) if with_test else None
    with pytest.raises(DataError, match="expected at least 6 usable images to train on over 3 processes"):
        train(tmp_path, test=test)
    assert not (tmp_path / "run").exists()
    labelled(tmp_path / "images", images=8)
    with pytest.raises(SourcefreeError, match="batch_size: expected at least 6 over 3 processes"):
        train(tmp_path, test=test, optimisation={"batch_size": 4})
    assert not (tmp_path / "run").exists()
