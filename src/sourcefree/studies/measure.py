"""From a cell of a study to its row of the table."""

from __future__ import annotations

import shutil
import time
from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import Tensor

from sourcefree.commands.adaptation import Adaptation
from sourcefree.commands.candidates import Candidate, Judge
from sourcefree.commands.delivery import decide
from sourcefree.commands.loading import LabelledData, PairData, TargetData, load_labelled, load_pair_data, load_target
from sourcefree.commands.source_models import resolve_source_model
from sourcefree.config import AdaptSettings
from sourcefree.data.datasets import LabelledImages
from sourcefree.data.folders import PairedFiles, find_labelled_images, match_pairs
from sourcefree.data.modality import Modality, load_modality
from sourcefree.data.scenes import scene_numbers, without_classes
from sourcefree.data.store import ImageStore
from sourcefree.engine.inference import infer
from sourcefree.engine.progress import Silent
from sourcefree.engine.run_folder import RunFolder
from sourcefree.engine.runtime import Runtime, create_runtime
from sourcefree.engine.tracking import MetricsFile
from sourcefree.engine.trainer import Trainer
from sourcefree.errors import ConfigError, DivergenceError
from sourcefree.evaluation import ClassificationMetrics, classification_metrics
from sourcefree.models.trained import TrainedClassifier
from sourcefree.studies.cell import Cell, Row
from sourcefree.studies.points import PointRecorder
from sourcefree.studies.splits import choose_pairs, long_tailed, scene_of, shuffle_some
from sourcefree.studies.task_folders import PreparedTask, TaskFolders
from sourcefree.studies.tasks import PairChanges


def run_cell(cell: Cell, *, cache: Path, data: Path, work: Path) -> Row:
    """Return the row of a cell; its task must be prepared. A cell that was stopped goes on from its last epoch.

    A method that diverges is a result: its row has the status "diverged" and no accuracy.

    Args:
        cell: what to measure.
        cache: folder of prepared tasks.
        data: folder that relative paths of tasks begin at.
        work: folder of cells that are not finished, of one study alone: another one that shares the cache may compute the
            same cell, and would remove its checkpoints under this one.
    """
    folder = work / cell.key
    folder.mkdir(parents=True, exist_ok=True)
    base: Row = {"key": cell.key, "task": cell.task_name, "method": cell.method_name, "seed": cell.seed}
    started = time.perf_counter()
    bridges = cache / "bridges" / cell.bridge_key
    restored = _restored(cell.settings, folder, bridges)
    adaptation, test = load_cell(cell, TaskFolders(cell.task, cell.seed, cache, data).prepared(), folder, bridges)
    judge = adaptation.judge()
    recorder = PointRecorder(
        judge,
        lambda candidate: _logits(candidate, test, adaptation.runtime).argmax(-1).numpy() == test.class_index,
        scenes_of_test(cell, test),
        cache / "points" / f"{cell.key}.json",
    )
    try:
        candidates = replace(adaptation, observe=recorder.observe).candidates(judge)
    except DivergenceError as error:
        shutil.rmtree(folder, ignore_errors=True)
        return {**base, "status": "diverged", "note": error.message}
    for candidate in candidates.values():
        recorder.add(candidate, stage=candidate.name, progress=1.0)
    row = _measure(adaptation, judge, candidates, test)
    if restored:
        row["peak_memory_mb"] = None  # of the whole cell it is not known, and a part would depend on the cells before
    shutil.rmtree(folder, ignore_errors=True)
    return {**base, "status": "done", **row, "wall_seconds": time.perf_counter() - started}


def _restored(settings: AdaptSettings, folder: Path, bridges: Path) -> bool:
    """Return whether training goes on from checkpoints: of this cell, or of another one that trained the same bridge."""
    shared = settings.tgmb is not None and not settings.joint and (bridges / "tgmb.pt").is_file()
    return shared or any((folder / "checkpoints").glob("*.pt"))


def load_cell(cell: Cell, prepared: PreparedTask, folder: Path, bridges: Path) -> tuple[Adaptation, LabelledData]:
    """Return the adaptation of a cell, nothing trained yet, and the labelled images that it is measured on.

    Args:
        cell: what to measure.
        prepared: its task's files.
        folder: for checkpoints and metrics of the cell.
        bridges: for checkpoints of the translator, which cells share.

    Raises:
        ConfigError: an oracle would be measured on its own training images.
        DataError: images cannot be used, or too few pairs are left.
    """
    source = resolve_source_model(list(prepared.source_models))
    settings = cell.settings.model_copy(update={"seed": cell.seed})
    runtime = create_runtime(
        device=settings.device, precision=settings.precision, network=source.model, shape=source.input_shape
    )
    target = _target(cell, prepared, source)
    pairs = _pairs(cell, prepared, source, target.modality, settings)
    test = _labelled(prepared.target_test, cell, source, target.modality)
    oracle = settings.oracle is not None
    if oracle and prepared.target_test == prepared.target_train:
        raise ConfigError(
            f"{cell.task_name}: the oracle would be measured on the images it was trained on", hint="give target_test"
        )
    labelled = _labels_of(target, _labelled(prepared.target_train, cell, source, target.modality)) if oracle else None
    trainer = Trainer(runtime, MetricsFile(folder / "metrics.jsonl"), Silent(), cell.seed)
    adaptation = Adaptation(
        source, target, pairs, settings, trainer, runtime, RunFolder(folder), labelled=labelled, bridges=bridges
    )
    return adaptation, test


def scenes_of_test(cell: Cell, test: LabelledData) -> Sequence[Hashable]:
    """Return the scene that each test image shows: as the task groups its images, or told by their names."""
    names = test.images.names
    if cell.task.folders is not None and cell.task.folders.group:
        return [scene_of(name, cell.task.folders.group) for name in names]
    return scene_numbers(without_classes(names, test.labels))


def _target(cell: Cell, prepared: PreparedTask, source: TrainedClassifier) -> TargetData:
    chosen = None
    if cell.task.imbalance > 1:
        found = find_labelled_images(prepared.target_train)
        chosen = long_tailed(found.class_index, ratio=cell.task.imbalance, seed=cell.seed)
    return load_target(
        prepared.target_train,
        modality=load_modality(prepared.modality),
        classes=source.labels,
        size=source.size,
        max_unreadable=cell.settings.max_unreadable,
        held_out=cell.settings.unseen_target,
        seed=cell.seed,
        progress=Silent(),
        chosen=chosen,
    )


def _pairs(
    cell: Cell, prepared: PreparedTask, source: TrainedClassifier, modality: Modality, settings: AdaptSettings
) -> PairData:
    changes = cell.task.pairs
    paired = match_pairs(prepared.pairs_source, prepared.pairs_target)
    chosen = choose_pairs(paired.source, count=changes.count, kinds=changes.kinds, seed=cell.seed)
    order = shuffle_some(len(chosen), share=changes.shuffled, seed=cell.seed)
    sources = [paired.source[position] for position in chosen]
    targets = [paired.target[chosen[position]] for position in order]
    return load_pair_data(
        PairedFiles(sources, targets, [], []),
        source_modality=source.modality,
        target_modality=modality,
        size=source.size,
        max_unreadable=cell.settings.max_unreadable,
        held_out=settings.held_out_pairs,
        seed=cell.seed,
        progress=Silent(),
        change_target=lambda store: misalign(store, changes),
    )


def misalign(store: ImageStore, changes: PairChanges) -> None:
    """Shift and mirror decoded images in place; what enters at the border repeats the border."""
    if changes.mirrored:
        store.values[:] = store.values[..., ::-1].copy()
    by = round(changes.shift * store.values.shape[-1])
    if by:
        store.values[..., by:] = store.values[..., :-by].copy()
        store.values[..., :by] = store.values[..., by : by + 1]


def _labelled(folder: Path, cell: Cell, source: TrainedClassifier, modality: Modality) -> LabelledData:
    return load_labelled(
        folder,
        modality=modality,
        size=source.size,
        max_unreadable=cell.settings.max_unreadable,
        progress=Silent(),
        labels=source.labels,
    )


def _labels_of(target: TargetData, found: LabelledData) -> LabelledImages:
    """Return the very images that the other methods adapt to, with their labels: a long-tailed task leaves some out."""
    adapted_to = set(target.train.names)
    return found.images.subset([place for place, name in enumerate(found.images.names) if name in adapted_to])


def _measure(adaptation: Adaptation, judge: Judge, candidates: dict[str, Candidate], test: LabelledData) -> Row:
    settings, trainer = adaptation.settings, adaptation.trainer
    delivery = decide(candidates, judge, settings, adaptation.source.labels)
    logits = {name: _logits(candidate, test, adaptation.runtime) for name, candidate in candidates.items()}
    metrics = {name: _metrics(answers, test) for name, answers in logits.items()}
    ours, translated = metrics[delivery.preferred], metrics.get("translated")
    model = candidates[delivery.preferred]
    calibrated = _metrics(logits[delivery.preferred] / model.temperature, test)
    return {
        "accuracy": ours.accuracy,
        "class_mean_accuracy": ours.class_mean_accuracy,
        "macro_f1": ours.macro_f1,
        "ece": ours.ece,
        "calibrated_ece": calibrated.ece,
        "translated_accuracy": translated.accuracy if translated else None,
        "source_only_accuracy": metrics["source-only"].accuracy,
        "adabn_accuracy": metrics["adabn"].accuracy,
        "delivered": delivery.delivered,
        "delivered_accuracy": metrics[delivery.delivered].accuracy,
        **model.scores,
        **model.target_scores,
        "seconds": sum(trainer.seconds.values()),
        "peak_memory_mb": adaptation.runtime.peak_memory_mb(),
        "parameters": sum(p.numel() for p in model.model.parameters()),
        "images": sum(trainer.images.values()),
        "uses_labels": settings.oracle is not None,
        "target_images": len(adaptation.target.whole),
        "pairs": len(adaptation.pairs.train) + len(adaptation.pairs.held_out),
        "test_images": len(test.images),
    }


def _metrics(logits: Tensor, test: LabelledData) -> ClassificationMetrics:
    return classification_metrics(probabilities=np.asarray(logits.softmax(-1)), labels=test.class_index)


def _logits(candidate: Candidate, test: LabelledData, runtime: Runtime) -> Tensor:
    return infer(candidate.model, test.images.plain(), runtime=runtime).logits
