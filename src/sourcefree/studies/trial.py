"""One trial of a tuning: an adaptation in a folder of its own, and what is kept of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sourcefree.commands.adapt import adapt
from sourcefree.config import AdaptSettings
from sourcefree.engine.run_folder import RunFolder, read_json
from sourcefree.errors import CheckpointError, DivergenceError

RECORD = "trial.json"
# What is kept of every trial, some hundred kilobytes; models, checkpoints and pictures are kept of the best one only.
_KEPT = {RECORD, "config.yaml", "run.json", "summary.json", "metrics.jsonl", "report.html"}


@dataclass(frozen=True)
class TrialRecord:
    """What a trial's adaptation gave.

    Attributes:
        status: "diverged" where training was not finite or the model answers one class only.
        scores: label-free scores of the model that the method is about; none where there is no model.
        delivered: which candidate the run's guard delivers.
        seconds: time it took; of a run that was stopped, its last part.
        note: why it diverged.
        warnings: plain sentences of the run.
        refused: whether the run's guard delivers another model than the one that the method is about.
    """

    status: Literal["done", "diverged"]
    scores: Mapping[str, float]
    delivered: str
    seconds: float
    note: str = ""
    warnings: list[str] = field(default_factory=list)
    refused: bool = False


def run_trial(*, folder: Path, settings: AdaptSettings, inputs: Mapping[str, Any]) -> TrialRecord:
    """Return what adapting with these settings gives, going on from checkpoints in the folder; done once, ever.

    Args:
        folder: run folder of the trial.
        settings: to try.
        inputs: arguments of :func:`adapt` that say what is adapted to what.

    Raises:
        SourcefreeError: the adaptation cannot be done at all; divergence is no such case.
    """
    if (folder / RECORD).is_file():
        return read_record(folder)
    resume = (folder / "config.yaml").is_file()
    if not resume:
        shutil.rmtree(folder, ignore_errors=True)  # stopped before it began
    started, note = time.perf_counter(), ""
    try:
        adapt(**inputs, out=folder, settings=settings, resume=resume)
    except DivergenceError as error:
        note = error.message
    status: Literal["done", "diverged"] = "diverged" if note else "done"
    record = _record(folder / "summary.json", status, time.perf_counter() - started, note)
    RunFolder(folder).write_json(RECORD, vars(record))
    return record


def read_record(folder: Path) -> TrialRecord:
    """Return what a finished trial gave.

    Raises:
        CheckpointError: its record is missing or of another form.
    """
    content = read_json(folder / RECORD)
    try:
        return TrialRecord(**content)
    except TypeError as error:
        raise CheckpointError(f"{folder / RECORD}: not the record of a trial ({error})") from error


def publish(folder: Path, best: Path) -> None:
    """Make a trial's run the one in ``best``: complete but for its checkpoints; a stop on the way loses nothing."""
    part = best.with_name(f".{best.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(folder, part, ignore=shutil.ignore_patterns("checkpoints", RECORD))
    shutil.rmtree(best, ignore_errors=True)
    part.replace(best)


def is_whole(folder: Path) -> bool:
    """Return whether a finished trial's folder still holds its model."""
    return (folder / "model").is_dir()


def strip(folder: Path) -> None:
    """Remove everything from a finished trial's folder that is not part of its record."""
    if is_whole(folder):
        # At once, so that a folder that is half stripped never passes for a whole one.
        (folder / "model").rename(folder / ".model.old")
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name not in _KEPT:
            entry.unlink()


def _record(summary: Path, status: Literal["done", "diverged"], seconds: float, note: str) -> TrialRecord:
    """Return what the run's summary says of it; nothing but the reason where training broke off before there was one."""
    if not summary.is_file():
        return TrialRecord(status, {}, "", seconds, note)
    content = read_json(summary)
    preferred, delivered = content["preferred"], content["delivered"]
    ours = next(entry for entry in content["candidates"] if entry["name"] == preferred)
    scores = {**ours["scores"], **ours["target_scores"]}
    return TrialRecord(status, scores, delivered, seconds, note, content["warnings"], refused=delivered != preferred)
