"""``adapt``: from a source classifier to a classifier for another sensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sourcefree.commands.adaptation import Adaptation, check_method
from sourcefree.commands.candidates import Candidate, Judge
from sourcefree.commands.delivery import collapse_warning, decide
from sourcefree.commands.handover import trained_candidate, write_run
from sourcefree.commands.loading import check_enough, load_pair_data, load_target
from sourcefree.commands.records import report_ended_run
from sourcefree.commands.resuming import image_facts, pair_facts, recorded, source_facts, tell_resumed
from sourcefree.commands.source_models import SourceModel, resolve_source_model
from sourcefree.config import AdaptSettings
from sourcefree.data.folders import match_pairs
from sourcefree.data.modality import Modality, load_modality
from sourcefree.engine.isolation import training_of_our_own
from sourcefree.engine.progress import Progress, Silent
from sourcefree.engine.run_folder import RunFolder, open_run
from sourcefree.engine.runtime import Runtime, create_runtime
from sourcefree.engine.tracking import MetricsFile
from sourcefree.engine.trainer import Trainer
from sourcefree.errors import DivergenceError
from sourcefree.files import check_apart, check_output
from sourcefree.methods.presets import method_settings
from sourcefree.models.trained import TrainedClassifier
from sourcefree.selection.estimate import AccuracyEstimate


@dataclass(frozen=True)
class AdaptResult:
    """What an adaptation gave.

    Attributes:
        run: the run folder.
        model: the delivered classifier for raw target images; also in ``run/model``.
        delivered: which candidate it is.
        scores: label-free scores by candidate.
        estimate: of the delivered model's accuracy, without labels; None where there is nothing to estimate it by.
        warnings: plain sentences.
        report: the HTML report.
    """

    run: Path
    model: TrainedClassifier
    delivered: str
    scores: Mapping[str, Mapping[str, float]]
    estimate: AccuracyEstimate | None
    warnings: tuple[str, ...]
    report: Path


@training_of_our_own()
def adapt(
    *,
    source_model: SourceModel | Sequence[SourceModel],
    target: Path | str,
    pairs_source: Path | str,
    pairs_target: Path | str,
    modality: Modality | Path | str,
    out: Path | str,
    settings: AdaptSettings | None = None,
    source_weights: Path | str | None = None,
    source_labels: Path | str | None = None,
    size: int | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> AdaptResult:
    """Turn a source classifier into a classifier for another sensor, without source data and without target labels.

    Args:
        source_model: a classifier, the folder of a ``train-source`` run, or ``timm:NAME`` / ``torchvision:NAME``; several
            classifiers or folders for adaptation from several sources.
        target: folder of unlabelled images of the target sensor; class folders are ignored.
        pairs_source: folder of task-irrelevant images of the source sensor.
        pairs_target: the same scenes seen by the target sensor, under the same relative names.
        modality: the target sensor: a name, a YAML file, or a description.
        out: run folder to write; must not hold another run.
        settings: method and its settings; default: the method ``multilevel``.
        source_weights: checkpoint, for a named architecture.
        source_labels: file with its label names.
        size: input size in pixels; default: the source model's.
        resume: go on with an unfinished run in ``out``.
        progress: receives progress; silent by default.

    Raises:
        ConfigError: settings or output folder do not fit.
        DataError: images or pairs cannot be used.
        CheckpointError: the source model cannot be read.
        DivergenceError: training is not finite, or the adapted model predicts one class only.
    """
    settings, progress, out = settings or method_settings("multilevel"), progress or Silent(), Path(out)
    check_output(out, resume=resume)
    check_apart(out, [Path(folder) for folder in (target, pairs_source, pairs_target)])
    sensor = modality if isinstance(modality, Modality) else load_modality(modality)
    source = resolve_source_model(source_model, weights=source_weights, labels=source_labels, size=size)
    check_method(settings, source)
    runtime = create_runtime(
        device=settings.device, precision=settings.precision, network=source.model, shape=source.input_shape
    )
    runtime.wait()
    pairs = (Path(pairs_source), Path(pairs_target))
    adaptation = _load(source, Path(target), pairs, sensor, settings, out, runtime, progress)
    inputs = {
        "source_model": source_model,
        "source_weights": source_weights,
        "source_labels": source_labels,
        "target": target,
        "pairs_source": pairs_source,
        "pairs_target": pairs_target,
        "modality": sensor,
        "size": source.size,
    }
    config = {"inputs": recorded(inputs), "settings": settings.model_dump(), "data": _data_facts(adaptation)}
    folder = open_run(out, config=config, resume=resume, active=runtime.is_main)
    environment = runtime.describe()
    complete = resume and tell_resumed(out, environment, progress)
    info = {"command": "adapt", "method": settings.method, "modality": sensor.name, "environment": environment}
    try:
        with folder.recording(info):
            judge = adaptation.judge()
            return _finish(adaptation, folder, judge, adaptation.candidates(judge), written=complete)
    finally:
        report_ended_run(folder)


def _load(
    source: TrainedClassifier,
    target: Path,
    pairs: tuple[Path, Path],
    sensor: Modality,
    settings: AdaptSettings,
    out: Path,
    runtime: Runtime,
    progress: Progress,
) -> Adaptation:
    shared: dict[str, Any] = {
        "size": source.size,
        "max_unreadable": settings.max_unreadable,
        "seed": settings.seed,
        "progress": progress,
    }
    paired = match_pairs(*pairs)  # listed before the long reading starts
    target_data = load_target(target, modality=sensor, classes=source.labels, held_out=settings.unseen_target, **shared)
    for stage in settings.stages:
        batch_size = getattr(settings, stage).optimisation.batch_size
        check_enough(len(target_data.train), where=target, batch_size=batch_size, processes=runtime.processes)
    pair_data = load_pair_data(
        paired,
        source_modality=source.modality,
        target_modality=target_data.modality,
        held_out=settings.held_out_pairs,
        **shared,
    )
    tracker = MetricsFile(out / "metrics.jsonl", active=runtime.is_main)
    trainer = Trainer(runtime, tracker, progress, settings.seed)
    folder = RunFolder(out, runtime.is_main)
    adaptation = Adaptation(source, target_data, pair_data, settings, trainer, runtime, folder)
    for note in _notes(adaptation):
        progress.say(note)
    return adaptation


def _notes(adaptation: Adaptation) -> list[str]:
    """Return what there is to say before anything is trained."""
    frequencies = _frequency_note(adaptation.settings, adaptation.source.labels)
    return [*adaptation.target.notes, *adaptation.pairs.notes, *frequencies]


def _frequency_note(settings: AdaptSettings, labels: Sequence[str]) -> list[str]:
    """Return a sentence for the user where two classes are held to be equally frequent, which no evidence can tell."""
    method = settings.multilevel
    if len(labels) != 2 or method is None or not method.information * method.diversity:
        return []
    return [
        f"It is supposed that {labels[0]} and {labels[1]} are about equally frequent among the target images. Where they are "
        "not, the rare one may be answered too often, and no evidence without labels shows it: compare with "
        "--set multilevel.diversity=0."
    ]


def _data_facts(adaptation: Adaptation) -> dict[str, Any]:
    source, sensor = adaptation.source, adaptation.target.modality
    return {
        "source_model": source_facts(source),
        "target": image_facts(adaptation.target.whole, modality=sensor),
        "pairs": pair_facts(adaptation.pairs.whole, source=source.modality, target=sensor),
    }


def _finish(
    adaptation: Adaptation, folder: RunFolder, judge: Judge, candidates: dict[str, Candidate], *, written: bool
) -> AdaptResult:
    """Decide and save everything, unless it is there; then, and only then, complain of a collapse."""
    delivery = decide(candidates, judge, adaptation.settings, adaptation.source.labels)
    collapse = collapse_warning(candidates[delivery.preferred], adaptation.source.labels)
    warnings = (*_notes(adaptation), *adaptation.diverged, *delivery.warnings, *([collapse] if collapse else []))
    if not written:  # else what has been measured with labels since would be lost
        write_run(adaptation, folder, judge, candidates, delivery, warnings)
    if collapse and not adaptation.settings.allow_collapse and not written:  # else it has been accepted
        raise DivergenceError(
            f"{folder.path}: {collapse}",
            hint=f"the run is saved, with {delivery.delivered} in its model folder; see report.html; try a lower learning "
            "rate or less self-training in another folder (docs/methods.md), or accept it with --resume --allow-collapse",
        )
    return AdaptResult(
        run=folder.path,
        model=trained_candidate(adaptation, candidates[delivery.delivered], calibrated=True),
        delivered=delivery.delivered,
        scores={name: candidate.scores for name, candidate in candidates.items()},
        estimate=delivery.estimate,
        warnings=warnings,
        report=folder.path / "report.html",
    )
