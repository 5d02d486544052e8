"""``train-source``: train the source classifier on labelled images of the source sensor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sourcefree.commands.loading import LabelledData, check_enough, load_labelled
from sourcefree.commands.loading_notes import enlarged_note
from sourcefree.commands.records import report_ended_run
from sourcefree.commands.resuming import image_facts, place, tell_resumed
from sourcefree.config import TrainSettings, check_settings
from sourcefree.data.datasets import LabelledImages
from sourcefree.data.held_out import split_stratified
from sourcefree.data.modality import Modality, load_modality
from sourcefree.engine.checkpoint import CheckpointFile
from sourcefree.engine.inference import infer
from sourcefree.engine.isolation import training_of_our_own
from sourcefree.engine.progress import Progress, Silent
from sourcefree.engine.run_folder import RunFolder, open_run
from sourcefree.engine.runtime import Runtime, create_runtime
from sourcefree.engine.tracking import MetricsFile
from sourcefree.engine.trainer import Streams, Trainer
from sourcefree.errors import ConfigError, DataError
from sourcefree.evaluation import ClassificationMetrics, classification_metrics
from sourcefree.files import check_apart, check_output
from sourcefree.methods.source_training import SourceTraining
from sourcefree.models.architecture import Architecture
from sourcefree.models.classifier import Classifier, find_stages, freeze
from sourcefree.models.pretrained import WHEELS, check_backbone, input_statistics
from sourcefree.models.trained import TrainedClassifier
from sourcefree.seeds import stream_seed


@dataclass(frozen=True)
class TrainResult:
    """What source training gave.

    Attributes:
        run: the run folder.
        model: the classifier; also in ``run/model``.
        metrics: on the held-out or test images.
        report: the HTML report.
    """

    run: Path
    model: TrainedClassifier
    metrics: ClassificationMetrics
    report: Path


@dataclass(frozen=True)
class _Data:
    train: LabelledImages
    test: LabelledImages
    test_labels: np.ndarray
    labels: tuple[str, ...]
    modality: Modality
    tested_on: str
    unreadable: list[tuple[str, str]]


@training_of_our_own()
def train_source(
    *,
    images: Path | str,
    out: Path | str,
    test: Path | str | None = None,
    modality: Modality | Path | str = "rgb",
    settings: TrainSettings | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> TrainResult:
    """Train a classifier on labelled source images and measure it on images held out from training.

    Args:
        images: folder of class folders.
        out: run folder to write; must not hold another run.
        test: folder of class folders to test on; default: a part of ``images`` is held out.
        modality: the source sensor: a name, a YAML file, or a description.
        settings: backbone, training and run.
        resume: go on with an unfinished run in ``out``.
        progress: receives progress; silent by default.

    Raises:
        ConfigError: settings or output folder do not fit.
        DataError: the images cannot be used, or there are fewer than two classes.
        CheckpointError: pretrained weights cannot be had.
        DivergenceError: training, or what the trained model answers, is not finite.
    """
    settings, progress, out = settings or TrainSettings(), progress or Silent(), Path(out)
    check_settings(settings, TrainSettings, make="sourcefree.TrainSettings(source={'backbone': 'resnet18'})")
    check_output(out, resume=resume)
    if test is not None and Path(test).resolve() == Path(images).resolve():
        raise ConfigError(
            f"test: {test} is the folder of the training images, whose accuracy says nothing of others",
            hint="give another folder, or none: then a part of the images is held out",
        )
    check_apart(out, [Path(folder) for folder in (images, test) if folder is not None])
    check_backbone(settings.source.backbone)
    sensor = modality if isinstance(modality, Modality) else load_modality(modality)
    data = _load(Path(images), Path(test) if test else None, _normalised(sensor, settings), settings, progress)
    if settings.source.pretrained and settings.source.backbone not in WHEELS:
        progress.say(
            f"asking the hub for the weights of {settings.source.backbone}: without a network, a minute in vain"
        )
    classifier = _untrained(data, settings)
    runtime = create_runtime(
        device=settings.device, precision=settings.precision, network=classifier.model, shape=classifier.input_shape
    )
    batch_size = settings.source.optimisation.batch_size
    check_enough(len(data.train), where=Path(images), batch_size=batch_size, processes=runtime.processes)
    runtime.wait()
    inputs = {"images": place(images), "test": place(test), "modality": sensor.to_dict()}
    facts = image_facts(data.train, data.test, modality=data.modality)
    config = {"inputs": inputs, "settings": settings.model_dump(), "data": facts}
    folder = open_run(out, config=config, resume=resume, active=runtime.is_main)
    environment = runtime.describe()
    complete = resume and tell_resumed(out, environment, progress)
    info = {
        "command": "train-source",
        "method": "source training",
        "modality": sensor.name,
        "environment": environment,
    }
    try:
        with folder.recording(info):
            return _run(classifier, data, settings, folder, runtime, progress, written=complete)
    finally:
        report_ended_run(folder)


def _run(
    classifier: TrainedClassifier,
    data: _Data,
    settings: TrainSettings,
    folder: RunFolder,
    runtime: Runtime,
    progress: Progress,
    *,
    written: bool,
) -> TrainResult:
    tracker = MetricsFile(folder.path / "metrics.jsonl", active=runtime.is_main)
    trainer = Trainer(runtime, tracker, progress, settings.seed)
    source = settings.source
    optimisation = source.optimisation
    if not source.pretrained:  # nothing there to preserve: the backbone learns at the full rate
        optimisation = optimisation.model_copy(update={"backbone_scale": 1.0})
    trainer.fit(
        SourceTraining(classifier.model, label_smoothing=source.label_smoothing),
        stage="source",
        streams=Streams(labelled=data.train),
        settings=optimisation,
        checkpoint=CheckpointFile(folder.path / "checkpoints" / "source.pt"),
    )
    freeze(classifier.model)
    logits = infer(classifier.model, data.test, runtime=runtime).logits
    metrics = classification_metrics(probabilities=logits.softmax(-1).numpy(), labels=data.test_labels)
    if not written:  # else what has been measured since would be lost
        if folder.active:
            classifier.save(folder.path / "model")
        folder.write_json("summary.json", _summary(data, logits, metrics, trainer, runtime))
    return TrainResult(folder.path, classifier, metrics, folder.path / "report.html")


def _load(images: Path, test: Path | None, sensor: Modality, settings: TrainSettings, progress: Progress) -> _Data:
    found = load_labelled(
        images,
        modality=sensor,
        size=settings.source.size,
        max_unreadable=settings.max_unreadable,
        progress=progress,
        seed=settings.seed,
    )
    for note in (*found.notes, *enlarged_note(images, pixels=found.pixels, size=settings.source.size)):
        progress.say(note)
    if len(found.labels) < 2:
        raise DataError(
            f"{images}: expected at least two class folders, found {len(found.labels)}",
            hint="put the images of each class in a folder of its own",
        )
    batch_size = settings.source.optimisation.batch_size  # checked before more is read, and again for all processes
    if test is None:
        train, kept = split_stratified(found.class_index, share=settings.source.held_out, seed=settings.seed)
        if not kept:
            raise DataError(f"{images}: no class has two images, so none can be held out", hint="give --test FOLDER")
        check_enough(len(train), where=images, batch_size=batch_size)
        parts = found.images.subset(train), found.images.subset(kept).plain(), found.class_index[kept]
        return _data(found, *parts, tested_on=f"{len(kept)} images held out of {images.name}")
    check_enough(len(found.images), where=images, batch_size=batch_size)
    other = load_labelled(
        test,
        modality=found.modality,
        size=settings.source.size,
        max_unreadable=settings.max_unreadable,
        progress=progress,
        labels=found.labels,
    )
    for note in other.notes:
        progress.say(note)
    return _data(found, found.images, other.images.plain(), other.class_index, tested_on=test.name)


def _data(
    found: LabelledData, train: LabelledImages, test: LabelledImages, labels: np.ndarray, *, tested_on: str
) -> _Data:
    return _Data(train, test, labels, found.labels, found.modality, tested_on, found.unreadable)


def _normalised(sensor: Modality, settings: TrainSettings) -> Modality:
    """Return the sensor with the statistics that pretrained weights expect; else they are measured on the images."""
    if sensor.measured or not settings.source.pretrained or sensor.bands != 3:
        return sensor
    mean, std = input_statistics(settings.source.backbone)
    return Modality(**{**sensor.to_dict(), "mean": mean, "std": std})


def _untrained(data: _Data, settings: TrainSettings) -> TrainedClassifier:
    torch.manual_seed(stream_seed(settings.seed, "source model"))
    source = settings.source
    architecture = Architecture("bottleneck", source.backbone, len(data.labels), bottleneck=source.bottleneck)
    network, head = architecture.build(pretrained=source.pretrained)
    stages = find_stages(network, size=source.size)
    model = Classifier(network, head=head, in_channels=data.modality.bands, stages=stages)
    return TrainedClassifier(model, architecture, data.labels, data.modality, source.size)


def _summary(
    data: _Data, logits: torch.Tensor, metrics: ClassificationMetrics, trainer: Trainer, runtime: Runtime
) -> dict[str, object]:
    counts = torch.bincount(logits.argmax(-1), minlength=len(data.labels))
    candidate = {
        "name": "source",
        "description": "The source model on held-out images of its own sensor.",
        "scores": {},
        "class_counts": counts.tolist(),
        "evaluation": {**metrics.to_dict(), "data": data.tested_on},
    }
    return {
        "labels": list(data.labels),
        "candidates": [candidate],
        "delivered": "source",
        "timings": dict(trainer.seconds),
        "peak_memory_mb": runtime.peak_memory_mb(),
        "counts": {"source": len(data.train), "held_out": len(data.test), "unreadable": len(data.unreadable)},
        "warnings": [f"{file} cannot be read and is left out ({reason})." for file, reason in data.unreadable],
    }
