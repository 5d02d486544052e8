"""``evaluate``: measure a run's models on labelled images."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from sourcefree.commands.loading import LabelledData, load_labelled
from sourcefree.commands.loading_notes import far_images, far_note
from sourcefree.commands.resuming import place
from sourcefree.config import Device, Precision
from sourcefree.defaults import MAX_UNREADABLE
from sourcefree.engine.inference import infer
from sourcefree.engine.progress import Progress, Silent
from sourcefree.engine.run_folder import RunFolder, read_json, read_summary
from sourcefree.engine.runtime import create_runtime
from sourcefree.errors import CheckpointError
from sourcefree.evaluation import ClassificationMetrics, classification_metrics
from sourcefree.export.model_card import write_model_card
from sourcefree.models.trained import TrainedClassifier, load_trained
from sourcefree.tuned import refuse_tuning


@dataclass(frozen=True)
class EvaluateResult:
    """What labelled images say.

    Attributes:
        metrics: by model; ``delivered`` is the run's answer.
        delivered: name of the model that stands in ``model/``.
        labels: class names.
        report: the rewritten HTML report; None where a model folder without a run was evaluated.
    """

    metrics: Mapping[str, ClassificationMetrics]
    delivered: str
    labels: tuple[str, ...]
    report: Path | None


def evaluate(
    *,
    run: Path | str,
    images: Path | str,
    network: nn.Module | None = None,
    max_unreadable: float = MAX_UNREADABLE,
    device: Device = "auto",
    precision: Precision = "auto",
    progress: Progress | None = None,
) -> EvaluateResult:
    """Return accuracy, class-mean accuracy, macro-F1, calibration error and confusion of every model of a run.

    The metrics are added to the run's summary and its report is written again. Labels are read here and nowhere in the
    adaptation.

    Args:
        run: folder of an ``adapt`` or ``train-source`` run, or of a saved model.
        images: folder of class folders, of the sensor that the run's model is made for.
        network: your own network, where the source model was one.
        max_unreadable: share of unreadable files above which it is an error.
        device: where to compute.
        precision: of the layers' arithmetic.
        progress: receives progress; silent by default.

    Raises:
        CheckpointError: the run cannot be read.
        DataError: the images cannot be used, or their folders are no labels of the model.
        DivergenceError: a model's answers are no finite numbers.
    """
    run, images, progress = Path(run), Path(images), progress or Silent()
    refuse_tuning(run)
    if (run / "run.json").is_file() and not (run / "summary.json").is_file():
        raise CheckpointError(f"{run}: the run is not finished", hint="go on with --resume")
    trained = load_trained(run, network=network)
    data = load_labelled(
        images,
        modality=trained.modality,
        size=trained.size,
        max_unreadable=max_unreadable,
        progress=progress,
        labels=trained.labels,
    )
    for note in data.notes:
        progress.say(note)
    summary = read_summary(run) if (run / "summary.json").is_file() else None
    runtime = create_runtime(device=device, precision=precision, network=trained.model, shape=trained.input_shape)
    answers: dict[str, np.ndarray] = {}
    for name, model in _models(run, summary, trained, network):
        progress.say(f"measuring {name}")
        logits = infer(runtime.place(model), data.images.plain(), runtime=runtime).logits
        answers[name] = logits.softmax(-1).numpy()
    metrics = {name: classification_metrics(probabilities=p, labels=data.class_index) for name, p in answers.items()}
    delivered = str(summary["delivered"]) if summary else next(iter(metrics))
    report = None
    for note in far_note(far_images(data.images), len(data.images), trained.modality):
        progress.say(note)
    if summary is not None and not os.access(run, os.W_OK):
        progress.say(f"{run}: cannot be written to: what was measured is not added to its report")
    elif summary is not None and runtime.is_main:
        report = _add_to_run(RunFolder(run), summary, metrics, images, data)
    return EvaluateResult(metrics, delivered, trained.labels, report)


def _models(
    run: Path, summary: Mapping[str, Any] | None, trained: TrainedClassifier, network: nn.Module | None
) -> Iterator[tuple[str, nn.Module]]:
    """Yield every model of a run under its name, and that of an adapt run's answer as "calibrated"; else the one there is.

    Candidates may have been deleted to save space: the delivered one stands in ``model/``, but for its calibration.
    """
    if summary is None:
        yield "model", trained.model
        return
    temperature = None
    for entry in summary["candidates"]:
        folder = run / "candidates" / entry["name"]
        if folder.is_dir():
            yield entry["name"], load_trained(folder, network=network).model
        elif entry["name"] == summary["delivered"]:
            temperature = entry.get("temperature")
            yield entry["name"], trained.model.calibrated(1 / temperature) if temperature else trained.model
    if temperature or (run / "candidates").is_dir():
        yield "calibrated", trained.model


def _add_to_run(
    folder: RunFolder,
    summary: dict[str, Any],
    metrics: Mapping[str, ClassificationMetrics],
    images: Path,
    data: LabelledData,
) -> Path:
    """Write what was measured to all that tells of the run; return its report."""
    _add_to_summary(folder, summary, metrics, images)
    if (folder.path / "model" / "README.md").is_file():
        write_model_card(folder.path)
    if summary["delivered"] in metrics:
        _add_labels_to_gallery(folder, data)
    from sourcefree.report import write_report  # matplotlib and scikit-learn: not before they are needed

    return write_report(folder.path)


def _add_to_summary(
    folder: RunFolder, summary: dict[str, Any], metrics: Mapping[str, ClassificationMetrics], images: Path
) -> None:
    data, folder_of_data = images.name, place(images)  # folders of one name may be of other images
    for candidate in summary["candidates"]:
        if candidate["name"] in metrics:
            measured = metrics[candidate["name"]].to_dict()
            candidate["evaluation"] = {**measured, "data": data, "folder": folder_of_data}
        elif (candidate.get("evaluation") or {}).get("folder") != folder_of_data:
            candidate["evaluation"] = None  # of a model that was deleted, on other images than the rest
        if candidate["name"] == "source" and "source" in metrics:  # all that is told of it is of the images measured
            candidate["description"] = f"The source model on labelled images: {data}."
            candidate["class_counts"] = metrics["source"].confusion.sum(axis=0).tolist()
    if "calibrated" in metrics:
        summary["calibrated"] = {**metrics["calibrated"].to_dict(), "data": data}
    folder.write_json("summary.json", summary)


def _add_labels_to_gallery(folder: RunFolder, data: LabelledData) -> None:
    """Name the true class of gallery images that are among the labelled ones (the same relative path)."""
    if not (folder.path / "gallery.json").is_file():
        return
    truth = {name: data.labels[label] for name, label in zip(data.images.names, data.class_index, strict=True)}
    gallery = read_json(folder.path / "gallery.json")
    for entry in gallery:
        entry["label"] = truth.get(entry["file"], entry.get("label"))
    folder.write_json("gallery.json", gallery)
