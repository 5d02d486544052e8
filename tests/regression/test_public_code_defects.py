"""Each defect that was seen in the public code of SOCKET, and that it is not in ours.

Defects that other tests pin down already are named where they are: independent crops and flips
(tests/data/test_datasets.py), a critic that is never stepped and batch-norm lists shared among sources
(tests/methods/test_students.py), 16-bit levels (tests/data/test_datasets.py and test_image_io.py).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import sourcefree
from sourcefree.config import Optimisation, TrainSettings
from sourcefree.data.folders import match_pairs
from sourcefree.data.image_io import read_image, write_image
from sourcefree.engine.inference import infer
from sourcefree.engine.progress import Silent
from sourcefree.engine.runtime import create_runtime
from sourcefree.engine.sampling import epoch_batches
from sourcefree.methods.presets import method_settings
from sourcefree.overrides import override, parse_assignments
from sourcefree.studies.cell import Cell
from sourcefree.studies.measure import run_cell
from sourcefree.studies.prepare import prepare
from sourcefree.studies.study import ready_tasks
from sourcefree.studies.task_folders import TaskFolders
from support.command_line import BACKBONE


def test_pairs_are_drawn_without_repeats_until_all_were_seen() -> None:
    """There: the loader of the pairs is built anew at every step, so each step starts over with a fresh draw."""
    plan = epoch_batches(size=40, batch_size=8, steps=5, epoch=0, seed=0, stream="pairs")
    assert sorted(np.concatenate(plan)) == list(range(40))


def test_partners_are_matched_by_name_whatever_order_the_folder_lists_them_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There: both folders are listed unsorted and matched by position."""
    for name in "abcdef":
        write_image(tmp_path / "rgb" / f"{name}.png", np.full((4, 4, 3), ord(name), np.uint8))
        write_image(tmp_path / "nir" / f"{name}.png", np.full((4, 4), ord(name), np.uint8))
    import os

    real = os.walk

    def backwards(top: Path, **options: object):  # type: ignore[no-untyped-def]
        for root, folders, names in real(top, **options):  # type: ignore[call-overload]
            yield root, folders, sorted(names, reverse=str(root).endswith("nir"))

    monkeypatch.setattr(os, "walk", backwards)
    paired = match_pairs(tmp_path / "rgb", tmp_path / "nir")
    for source, target in zip(paired.source, paired.target, strict=True):
        assert read_image(source.path)[0, 0, 0] == read_image(target.path)[0, 0, 0]


def test_source_images_are_normalised_as_in_source_training(tmp_path: Path) -> None:
    """There: source training and adaptation use different means and deviations."""
    rng = np.random.default_rng(0)
    for label in ("cat", "dog"):
        for i in range(12):
            picture = rng.integers(0, 120, (24, 24, 3)).astype(np.uint8)
            write_image(tmp_path / "rgb" / label / f"{i}.png", picture)
            write_image(tmp_path / "nir" / label / f"{i}.png", picture[..., :1])
    settings = override(
        TrainSettings(),
        {"source.backbone": BACKBONE, "source.pretrained": False, "source.size": 24, "source.optimisation.epochs": 1},
    )
    trained = sourcefree.train_source(images=tmp_path / "rgb", out=tmp_path / "source", settings=settings)
    mean = np.asarray(trained.model.modality.mean)
    assert mean == pytest.approx([0.233] * 3, abs=0.02)  # measured on these images, not ImageNet's
    from sourcefree.commands.loading import load_pair_data

    pairs = load_pair_data(
        match_pairs(tmp_path / "rgb", tmp_path / "nir"),
        source_modality=trained.model.modality,
        target_modality=sourcefree.load_modality("nir").model_copy(update={"mean": (0.5,), "std": (0.2,)}),
        size=24,
        max_unreadable=0.0,
        held_out=0.1,
        seed=0,
        progress=Silent(),
    )
    shown = pairs.train[list(range(len(pairs.train)))].source
    assert shown.mean().abs() < 0.05
    assert shown.std() == pytest.approx(1.0, abs=0.05)


def test_pseudo_labels_come_from_images_without_augmentation(tmp_path: Path) -> None:
    """There: pseudo-labels are computed on randomly cropped and mirrored images."""
    task = ready_tasks()["depth-tiny"]
    folders = TaskFolders(task, 0, tmp_path, tmp_path)
    prepare(folders)
    from sourcefree.studies.measure import load_cell

    settings = override(method_settings("shot"), {"shot.optimisation.epochs": 1, "shot.optimisation.batch_size": 20})
    cell = Cell("t", "shot", task, 0, settings)
    adaptation, _ = load_cell(cell, folders.prepared(), tmp_path / "cell", tmp_path / "bridges")
    judge, images = adaptation.judge(), adaptation.target.images
    assert images.augment
    assert not judge.target.augment
    model, runtime = (
        adaptation.source_only(),
        create_runtime(device="cpu", precision="fp32", network=torch.nn.Identity()),
    )
    first = judge.infer_target(model).features
    images.set_epoch(7)
    assert torch.equal(judge.infer_target(model).features, first)
    assert not torch.equal(infer(model, images, runtime=runtime).features, first)
    assert run_cell(cell, cache=tmp_path, data=tmp_path, work=tmp_path / "cells")["status"] == "done"


@pytest.mark.parametrize(("text", "found"), [("false", False), ("true", True), ("0", False)])
def test_a_switch_can_be_switched_off(text: str, found: bool) -> None:
    """There: options of type=bool, where any text at all, "False" too, means on."""
    changed = override(method_settings("tgmb-tgkt"), parse_assignments([f"tgmb.inter_gap={text}"]))
    assert changed.tgmb is not None
    assert changed.tgmb.inter_gap is found


def test_the_published_optimiser_of_socket_is_the_default() -> None:
    default = Optimisation()
    assert (default.optimizer, default.learning_rate, default.backbone_scale) == ("sgd", 0.01, 0.1)
    assert (default.momentum, default.weight_decay, default.epochs) == (0.9, 0.001, 15)
