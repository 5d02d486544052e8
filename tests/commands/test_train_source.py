"""What source training refuses, before a run folder is made, and what it tells and keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sourcefree
from sourcefree.commands.evaluate import _add_to_summary
from sourcefree.commands.loading import load_labelled
from sourcefree.config import TrainSettings
from sourcefree.data.image_io import write_image
from sourcefree.data.modality import MODALITIES
from sourcefree.engine.progress import Silent
from sourcefree.engine.run_folder import RunFolder
from sourcefree.engine.runtime import Runtime
from sourcefree.errors import ConfigError, DataError, SourcefreeError
from sourcefree.evaluation import classification_metrics
from support.command_line import BACKBONE


def labelled(folder: Path, *, images: int) -> Path:
    for index in range(images):
        for name in ("cat", "dog"):
            write_image(folder / name / f"{index}.png", np.full((8, 8, 3), 9 * index, np.uint8))
    return folder


def train(folder: Path, *, test: Path | None = None, resume: bool = False, **changes: object) -> None:
    source = {"backbone": BACKBONE, "pretrained": False, "size": 32, **changes}
    settings = TrainSettings.model_validate({"source": source, "device": "cpu", "precision": "fp32"})
    sourcefree.train_source(images=folder / "images", test=test, out=folder / "run", settings=settings, resume=resume)


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


def test_what_was_measured_of_a_complete_run_outlives_resume(tmp_path: Path) -> None:
    labelled(tmp_path / "images", images=8)
    labelled(tmp_path / "other", images=3)
    train(tmp_path, optimisation={"epochs": 1})
    sourcefree.evaluate(run=tmp_path / "run", images=tmp_path / "other")
    before = (tmp_path / "run/summary.json").read_bytes()
    assert b'"data": "other"' in before
    train(tmp_path, resume=True, optimisation={"epochs": 1})
    assert (tmp_path / "run/summary.json").read_bytes() == before


def test_the_training_images_are_no_test(tmp_path: Path) -> None:
    images = labelled(tmp_path / "images", images=8)
    (tmp_path / "link").symlink_to(images)
    with pytest.raises(ConfigError, match="is the folder of the training images"):
        train(tmp_path, test=tmp_path / "link")
    assert not (tmp_path / "run").exists()


def test_a_class_folder_without_an_image_is_told(tmp_path: Path) -> None:
    images = labelled(tmp_path / "images", images=2)
    (images / "bird").mkdir()
    options = {"modality": MODALITIES["rgb"], "size": 32, "max_unreadable": 0.0, "progress": Silent()}
    data = load_labelled(images, **options)
    assert data.labels == ("cat", "dog")
    assert data.notes == (f"{images}: no image in bird, so no class of that name.",)


def test_an_accuracy_on_other_images_of_the_same_folder_name_stands_beside_none(tmp_path: Path) -> None:
    """Of a candidate that was deleted since, nothing can be measured on the new ones."""
    labels = np.asarray([0, 1])
    right = classification_metrics(probabilities=np.eye(2), labels=labels)
    summary: dict[str, Any] = {"candidates": [{"name": "adapted"}, {"name": "adabn"}]}
    for place, measured in (("a", ("adapted", "adabn")), ("b", ("adapted",))):
        _add_to_summary(RunFolder(tmp_path), summary, dict.fromkeys(measured, right), tmp_path / place / "test")
        adapted, adabn = (candidate["evaluation"] for candidate in summary["candidates"])
        assert adapted["data"] == "test"
        assert (adabn is None) == (place == "b")
