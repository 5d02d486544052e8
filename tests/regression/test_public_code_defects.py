"""Each defect that was seen in the public code of SOCKET, and that it is not in ours.

Defects that other tests pin down already are named where they are: independent crops and flips
(tests/data/test_datasets.py), a critic that is never stepped and batch-norm lists shared among sources
(tests/methods/test_students.py), 16-bit levels (tests/data/test_datasets.py and test_image_io.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import sourcefree
from sourcefree.commands.adaptation import Adaptation
from sourcefree.config import Optimisation, TrainSettings
from sourcefree.data.folders import match_pairs
from sourcefree.data.image_io import read_image, write_image
from sourcefree.engine.checkpoint import CheckpointFile
from sourcefree.engine.inference import infer
from sourcefree.engine.progress import Silent
from sourcefree.engine.runtime import create_runtime
from sourcefree.engine.tracking import MetricsFile
from sourcefree.engine.trainer import Streams, Trainer
from sourcefree.methods.base import EpochView, Method, ParameterGroup
from sourcefree.methods.presets import method_settings
from sourcefree.methods.self_labels import SelfLabels
from sourcefree.models.classifier import Classifier
from sourcefree.overrides import override, parse_assignments
from sourcefree.studies.cell import Cell
from sourcefree.studies.measure import load_cell
from sourcefree.studies.prepare import prepare
from sourcefree.studies.study import ready_tasks
from sourcefree.studies.task_folders import PreparedTask, TaskFolders
from sourcefree.types import ImageBatch, StepBatch, StepOutput
from support.command_line import BACKBONE


@pytest.fixture(scope="module")
def tiny_task(tmp_path_factory: pytest.TempPathFactory) -> TaskFolders:
    """A task of a few simulated images with its source model."""
    cache = tmp_path_factory.mktemp("cache")
    folders = TaskFolders(ready_tasks()["depth-tiny"], 0, cache, cache)
    prepare(folders)
    return folders


class Nothing(Method):
    """Trains one number on nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.number = nn.Parameter(torch.ones(1))

    def parameter_groups(self) -> Iterable[ParameterGroup]:
        return [ParameterGroup([self.number])]

    def forward(self, batch: StepBatch) -> StepOutput:
        return self.total({}, anchor=self.number)


class Recorded:
    """A data set that notes which of its items are asked for."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.drawn: list[int] = []

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, indices: np.ndarray) -> ImageBatch:
        self.drawn += indices.tolist()
        return ImageBatch(torch.zeros(len(indices), 1), torch.from_numpy(indices))

    def set_epoch(self, epoch: int) -> None:
        pass


def test_pairs_are_drawn_without_repeats_until_all_were_seen(tmp_path: Path) -> None:
    """There: the loader of the pairs is built anew at every step, so each step starts over with a fresh draw."""
    runtime = create_runtime(device="cpu", precision="fp32", network=nn.Identity())
    target, pairs = Recorded(40), Recorded(26)  # pairs: of no whole number of batches, and through them in mid-epoch
    Trainer(runtime, MetricsFile(tmp_path / "metrics.jsonl"), Silent(), seed=0).fit(
        Nothing(),
        stage="nothing",
        streams=Streams(target=target, pairs=pairs),
        settings=Optimisation(epochs=3, batch_size=8),
        checkpoint=CheckpointFile(tmp_path / "nothing.pt"),
    )
    for data in (target, pairs):
        assert len(data.drawn) == 120
        passes = [data.drawn[start : start + len(data)] for start in range(0, 120 - len(data) + 1, len(data))]
        assert all(sorted(each) == list(range(len(data))) for each in passes)
        assert passes[0] != passes[1]


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


class LoadedError(Exception):
    """Ends an adaptation where everything is loaded and nothing trained."""


def adaptation_of_adapt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Adaptation:
    """Return what the command ``adapt`` loads."""
    loaded: list[Adaptation] = []

    def stop(adaptation: Adaptation) -> None:
        loaded.append(adaptation)
        raise LoadedError

    monkeypatch.setattr(Adaptation, "judge", stop)
    with pytest.raises(LoadedError):
        sourcefree.adapt(
            source_model=folder / "source",
            target=folder / "nir",
            pairs_source=folder / "rgb",
            pairs_target=folder / "nir",
            modality="nir",
            out=folder / "run",
            settings=method_settings("source-only"),
        )
    return loaded[0]


def adaptation_of_a_study(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Adaptation:
    """Return what a cell of ``compare`` loads."""
    prepared = PreparedTask(
        target_train=folder / "nir",
        target_test=folder / "nir",
        pairs_source=folder / "rgb",
        pairs_target=folder / "nir",
        modality="nir",
        source_models=(folder / "source",),
    )
    cell = Cell("t", "source-only", ready_tasks()["depth-tiny"], 0, method_settings("source-only"))
    return load_cell(cell, prepared, folder, folder)[0]


@pytest.mark.parametrize("load", [adaptation_of_adapt, adaptation_of_a_study])
def test_source_images_are_normalised_as_in_source_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: Callable[[Path, pytest.MonkeyPatch], Adaptation]
) -> None:
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
    adaptation = load(tmp_path, monkeypatch)
    for pairs in (adaptation.pairs.train, adaptation.pairs.held_out):
        shown = pairs[list(range(len(pairs)))].source
        assert shown.mean().abs() < 0.1  # ImageNet's statistics would give -1 and 0.6
        assert shown.std() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("method", ["shot", "tgmb-tgkt-joint"])  # each trains through its own part of the code
def test_pseudo_labels_come_from_images_without_augmentation(
    tiny_task: TaskFolders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """There: pseudo-labels are computed on randomly cropped and mirrored images."""
    settings = method_settings(method)
    changes = {f"{stage}.optimisation.{name}": 1 for stage in settings.stages for name in ("epochs", "min_steps")}
    settings = override(settings, {**changes, "device": "cpu", "precision": "fp32"})
    cell = Cell("t", method, tiny_task.task, 0, settings)
    adaptation, _ = load_cell(cell, tiny_task.prepared(), tmp_path, tmp_path)
    images, runtime = adaptation.target.train, adaptation.runtime
    labelled_by: list[Tensor] = []
    refresh = SelfLabels.refresh

    def look(labels: SelfLabels, view: EpochView, model: Classifier) -> None:
        labelled_by.append(view.infer_target(model).features)
        assert torch.equal(labelled_by[-1], infer(model, images.plain(), runtime=runtime).features)
        assert not torch.equal(labelled_by[-1], infer(model, images, runtime=runtime).features)
        refresh(labels, view, model)

    monkeypatch.setattr(SelfLabels, "refresh", look)
    adaptation.candidates(adaptation.judge())
    assert images.augment  # as training shows them
    assert labelled_by


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
