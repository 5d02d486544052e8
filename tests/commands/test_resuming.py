"""A run is gone on with only where it would end at the weights of an unbroken one, and where it cannot the user is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import sourcefree
from sourcefree.commands.resuming import is_complete, other_arithmetic
from sourcefree.config import TrainSettings
from sourcefree.data.image_io import write_image
from sourcefree.data.modality import MODALITIES
from sourcefree.errors import ConfigError
from support.command_line import BACKBONE


def test_a_source_model_is_not_trained_on_with_other_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = tmp_path / "images"
    for name in ("cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"):
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(images / name, np.full((8, 8, 3), len(name), np.uint8))

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    # Of statistics that are given nothing is measured.
    sensor = MODALITIES["rgb"].model_copy(update={"mean": (0.5,) * 3, "std": (0.2,) * 3})

    def train(images: Path = images, *, resume: bool) -> None:
        source = {"backbone": BACKBONE, "pretrained": False, "size": 32}
        settings = TrainSettings.model_validate({"source": source, "device": "cpu", "precision": "fp32"})
        sourcefree.train_source(images=images, out=tmp_path / "run", modality=sensor, settings=settings, resume=resume)

    monkeypatch.setattr("sourcefree.engine.trainer.Trainer.fit", stop)
    with pytest.raises(KeyboardInterrupt):
        train(resume=False)
    monkeypatch.chdir(images)
    with pytest.raises(KeyboardInterrupt):
        train(Path(), resume=True)
    write_image(images / "dog/1.png", np.full((8, 8, 3), 200, np.uint8))  # another image of the same name
    with pytest.raises(ConfigError, match=r"data\.image_mean: was"):
        train(resume=True)
    write_image(images / "dog/1.png", np.full((8, 8, 3), len("dog/1.png"), np.uint8))
    with pytest.raises(KeyboardInterrupt):
        train(resume=True)
    (images / "dog/1.png").rename(images / "dog/2.png")
    with pytest.raises(ConfigError, match=r"data\.names are not those of then"):
        train(resume=True)


def test_other_arithmetic_is_told(tmp_path: Path) -> None:
    here = {"device": "cpu", "precision": "fp32", "processes": 1, "torch": "2.9", "threads": 2}
    assert other_arithmetic(tmp_path, here) is None
    (tmp_path / "run.json").write_text(json.dumps({"environment": here}))
    assert other_arithmetic(tmp_path, here) is None
    for changes, part in (
        ({"precision": "bf16", "processes": 2}, "(precision fp32 then and bf16 now, processes 1 then and 2 now)"),
        ({"threads": 4}, "(threads 2 then and 4 now)"),  # sums of another order: other weights on a CPU
    ):
        note = other_arithmetic(tmp_path, {**here, **changes})
        assert note
        assert part in note


def test_only_a_run_that_came_to_its_end_is_complete(tmp_path: Path) -> None:
    assert not is_complete(tmp_path)
    for status in ("running", "interrupted", "failed", "complete"):
        (tmp_path / "run.json").write_text(json.dumps({"status": status}))
        assert is_complete(tmp_path) == (status == "complete")
