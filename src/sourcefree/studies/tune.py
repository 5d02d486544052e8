"""``tune``: settings chosen over runs, without source data and without a target label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sourcefree.commands.adaptation import check_method, refuse_labels
from sourcefree.commands.resuming import file_facts, recorded, source_facts
from sourcefree.commands.source_models import SourceModel, resolve_source_model
from sourcefree.config import AdaptSettings
from sourcefree.data.folders import find_images, match_pairs
from sourcefree.data.modality import Modality, load_modality
from sourcefree.engine.progress import Progress, Silent
from sourcefree.engine.run_folder import RunFolder, check_same
from sourcefree.errors import ConfigError
from sourcefree.files import check_place
from sourcefree.methods.presets import method_settings
from sourcefree.selection.objective import DECISIVE, find_objective
from sourcefree.selection.space import Dimension, Space, Value, fit_space, parse_space, ready_space, setting
from sourcefree.studies.executors import LocalExecutor
from sourcefree.studies.search import Search
from sourcefree.studies.tuning import TuneResult, Tuning

NOTE = (
    "No target label took part. The held-out pairs took part in the choice, so the agreement that they show for the best "
    "trial is optimistic; where you have a few labels, run sourcefree evaluate."
)


def tune(
    *,
    source_model: SourceModel | Sequence[SourceModel],
    target: Path | str,
    pairs_source: Path | str,
    pairs_target: Path | str,
    modality: Modality | Path | str,
    out: Path | str,
    settings: AdaptSettings | None = None,
    space: Mapping[str, Dimension | str | Sequence[Value]] | None = None,
    trials: int = 20,
    jobs: int = 1,
    score: str = DECISIVE,
    source_weights: Path | None = None,
    source_labels: Path | None = None,
    size: int | None = None,
    progress: Progress | None = None,
) -> TuneResult:
    """Return the best of several adaptations with different settings, judged by label-free scores.

    Trial 0 is the method as it is, so nothing is returned that the evidence calls worse. The same call in the same folder
    goes on where it was stopped, or adds trials. Trials run in processes of their own: in a script, call this below
    ``if __name__ == "__main__":``, and a classifier from Python must be picklable.

    Args:
        source_model: see :func:`sourcefree.adapt`, as for all arguments that are not explained here.
        target: folder of unlabelled target images.
        pairs_source: folder of task-irrelevant images of the source sensor.
        pairs_target: the same scenes seen by the target sensor.
        modality: the target sensor.
        out: folder to write; an earlier tuning of the same data, settings and space in it is gone on with.
        settings: the method and what trial 0 sets; ``settings.seed`` fixes the search too. Default: ``multilevel``.
        space: values to search by dotted name: ``"1e-4..1e-2:log"``, ``"0..2"``, or a list of values; default: the
            ready-made space of the method.
        trials: how many there are in the end.
        jobs: trials at a time.
        score: what is highest for the best trial: one of :data:`sourcefree.selection.objective.SIGNS`.
        source_weights: checkpoint, for a named architecture.
        source_labels: file with its label names.
        size: input size in pixels.
        progress: receives progress; silent by default.

    Raises:
        ConfigError: settings, space, score or folder do not fit, or optuna is not installed.
        DataError: images or pairs cannot be used.
        CheckpointError: the source model cannot be read.
        DivergenceError: every trial diverged.
        SourcefreeError: the trial of the defaults could not be run.
    """
    settings, progress, out = settings or method_settings("multilevel"), progress or Silent(), Path(out)
    objective = find_objective(score)
    searched = _searched(settings, space, trials=trials, jobs=jobs)
    inputs: dict[str, Any] = {
        "source_model": source_model,
        "source_weights": source_weights,
        "source_labels": source_labels,
        "target": target,
        "pairs_source": pairs_source,
        "pairs_target": pairs_target,
        "modality": modality if isinstance(modality, Modality) else load_modality(modality),
        "size": size,
    }
    check_place(out)
    facts = _check_inputs(inputs, settings)
    folder = _open(out, {**_config(inputs, settings, searched, score), "data": facts})
    defaults = {name: setting(settings, name) for name in searched}
    search = Search(out / "journal.log", searched, defaults, seed=settings.seed)
    tuning = Tuning(folder, settings, inputs, searched, objective, search, LocalExecutor(jobs), progress)
    with folder.recording({"command": "tune", "method": settings.method}):
        tuning.run(trials)
        return tuning.result()


def _searched(settings: AdaptSettings, space: Any, *, trials: int, jobs: int) -> dict[str, Dimension]:
    """Return the space after everything that can be refused before anything is read."""
    for name, value in (("trials", trials), ("jobs", jobs)):
        if value < 1:
            raise ConfigError(f"{name}: expected at least 1, found {value}")
    refuse_labels(settings)
    if not settings.stages:
        raise ConfigError(f"the method {settings.method!r} trains nothing: it has no settings to tune")
    given = ready_space(settings.method) if space is None else parse_space(space, origin="space")
    return fit_space(given, settings)


def _check_inputs(inputs: Mapping[str, Any], settings: AdaptSettings) -> dict[str, Any]:
    """Refuse what every trial would refuse, before a folder is made; return what tells these inputs from others.

    Trials of one tuning are compared with one another: all must start from one source model and see the same files.
    """
    source = resolve_source_model(
        inputs["source_model"],
        weights=inputs["source_weights"],
        labels=inputs["source_labels"],
        size=inputs["size"],
    )
    check_method(settings, source)
    target = find_images(Path(inputs["target"]))
    pairs = match_pairs(Path(inputs["pairs_source"]), Path(inputs["pairs_target"]))
    return {"source_model": source_facts(source), "target": file_facts(target), "pairs": file_facts(pairs.target)}


def _config(inputs: Mapping[str, Any], settings: AdaptSettings, space: Space, score: str) -> dict[str, Any]:
    return {
        "inputs": recorded(inputs),
        "settings": settings.model_dump(),
        "space": {name: str(dimension) for name, dimension in space.items()},
        "score": score,
    }


def _open(out: Path, config: Mapping[str, Any]) -> RunFolder:
    """Return the folder of a new tuning, or of the same one begun earlier."""
    file, folder = out / "tune.yaml", RunFolder(out)
    if file.is_file():
        check_same(
            file,
            config,
            what="tune",
            hint="give the same data, settings, space and score, or choose another --out",
            free=("settings.device", "settings.max_unreadable"),  # neither says what a trial is worth
        )
        return folder
    if out.is_dir() and any(out.iterdir()):
        raise ConfigError(f"{out}: the folder is not empty and holds no tuning", hint="choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    folder.write_yaml("tune.yaml", config)
    return folder
