"""Read a run folder into typed records; only run.json is required, the rest may be missing or broken."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sourcefree.errors import CheckpointError
from sourcefree.report.history import read_history
from sourcefree.report.records import Candidate, Evaluation, FeatureTable, GalleryItem, RunData

_METRIC_NAMES = ("accuracy", "class_mean_accuracy", "macro_f1", "ece")
_ANALYSIS_ARRAYS = ("features_before", "features_after", "predicted_before", "predicted")


def collect_run(run: Path) -> RunData:
    """Return what the run folder holds; missing or unreadable optional parts are left out and noted.

    Args:
        run: run folder written by ``adapt`` or ``train-source``.

    Raises:
        CheckpointError: the folder is missing, or holds no readable run.json.
    """
    info = _read_run_file(run)
    notes: list[str] = []
    summary = _as_dict(_read_json(run / "summary.json", notes))
    losses, scores = read_history(run / "metrics.jsonl", notes)
    candidates = (_candidate(entry, notes) for entry in _as_list(summary.get("candidates")))
    labels = tuple(str(label) for label in _as_list(summary.get("labels")))
    return RunData(
        folder=run,
        info={key: str(value) for key, value in info.items() if key != "environment" and value is not None},
        environment={key: str(value) for key, value in _as_dict(info.get("environment")).items()},
        config=_read_text(run / "config.yaml", notes),
        labels=labels,
        candidates=tuple(candidate for candidate in candidates if candidate is not None),
        estimate=_numbers(summary.get("estimate")),
        calibrated=_numbers(summary.get("calibrated")),
        preferred=_text_or_none(summary.get("preferred")),
        delivered=_text_or_none(summary.get("delivered")),
        reason=_text_or_none(summary.get("reason")),
        timings=_numbers(summary.get("timings")),
        peak_memory_mb=_number(summary.get("peak_memory_mb")),
        counts={name: int(value) for name, value in _numbers(summary.get("counts")).items()},
        warnings=tuple(str(warning) for warning in _as_list(summary.get("warnings"))),
        losses=losses,
        scores=scores,
        gallery=_gallery(run, notes),
        features=_features(run / "analysis.npz", notes),
        notes=tuple(notes),
    )


def _read_run_file(run: Path) -> dict[str, Any]:
    """Return run.json; it tells that the folder is a run at all."""
    path = run / "run.json"
    hint = "give the folder that `sourcefree adapt --out` or `sourcefree train-source --out` wrote"
    if not path.is_file():
        what = "does not exist"
        if run.exists():
            what = "is no run folder: it holds no run.json" if run.is_dir() else "is a file, expected a run folder"
        raise CheckpointError(f"{run} {what}", hint=hint)
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read as JSON: {error}", hint=hint) from error
    if not isinstance(info, dict):
        raise CheckpointError(f"{path} must hold a JSON object, found {type(info).__name__}", hint=hint)
    return info


def _candidate(entry: Any, notes: list[str]) -> Candidate | None:
    """Return one candidate of summary.json, None for an entry without a name."""
    if not isinstance(entry, dict) or "name" not in entry:
        notes.append("summary.json holds a candidate without a name; it is not shown.")
        return None
    counts = [_number(value) for value in _as_list(entry.get("class_counts"))]
    return Candidate(
        name=str(entry["name"]),
        description=str(entry.get("description") or ""),
        scores=_numbers(entry.get("scores")),
        class_counts=tuple(int(value or 0) for value in counts),
        evaluation=_evaluation(entry.get("evaluation"), notes),
        pairs=_count(entry.get("pairs")),
        scenes=_count(entry.get("scenes")),
        agreeing=tuple(int(_number(value) or 0) for value in _as_list(entry.get("agreeing"))),
    )


def _evaluation(entry: Any, notes: list[str]) -> Evaluation | None:
    """Return the evaluation of one candidate, None where no labels were given."""
    if not isinstance(entry, dict):
        return None
    numbers = _numbers(entry)
    confusion = _square(entry.get("confusion"))
    if confusion is None and entry.get("confusion"):
        notes.append("A confusion matrix in summary.json is not square; it is not shown.")
    count = numbers.get("count", float(confusion.sum()) if confusion is not None else None)
    return Evaluation(
        metrics={name: numbers[name] for name in _METRIC_NAMES if name in numbers},
        confusion=confusion,
        data=str(entry.get("data") or "labelled images"),
        count=None if count is None else int(count),
    )


def _square(rows: Any) -> NDArray[np.int64] | None:
    """Return rows as a (K, K) matrix of counts, None if they are not one."""
    try:
        matrix = np.asarray(rows, dtype=np.int64)
    except (TypeError, ValueError, OverflowError):
        return None
    return matrix if matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] > 0 else None


def _gallery(run: Path, notes: list[str]) -> tuple[GalleryItem, ...]:
    """Return the entries of gallery.json that are objects."""
    entries = _as_list(_read_json(run / "gallery.json", notes))
    return tuple(
        GalleryItem(
            file=str(entry.get("file", "")),
            target=_inside(run, entry.get("target")),
            translated=_inside(run, entry.get("translated")),
            predicted=str(entry.get("predicted", "")),
            confidence=_number(entry.get("confidence")),
            predicted_before=_text_or_none(entry.get("predicted_before")),
            label=_text_or_none(entry.get("label")),
        )
        for entry in entries
        if isinstance(entry, dict)
    )


def _inside(run: Path, name: Any) -> Path | None:
    """Return the file inside the run folder; a name that leads out of the folder is not followed."""
    if not isinstance(name, str) or "\0" in name:
        return None
    path = (run / name).resolve()
    return path if path.is_relative_to(run.resolve()) and path.is_file() else None


def _features(path: Path, notes: list[str]) -> FeatureTable | None:
    """Return the feature table without rows that are not finite, None if missing or inconsistent."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            before, after, was, now = (np.asarray(archive[name]) for name in _ANALYSIS_ARRAYS)
    except Exception as error:  # noqa: BLE001 - a damaged archive raises zip, zlib, key and value errors alike
        notes.append(f"analysis.npz cannot be read ({error}); the feature map is left out.")
        return None
    if before.ndim != 2 or after.ndim != 2 or not len(before) == len(after) == len(was) == len(now):
        notes.append("The arrays of analysis.npz do not fit together; the feature map is left out.")
        return None
    finite = np.isfinite(before).all(axis=1) & np.isfinite(after).all(axis=1)
    if not finite.all():
        notes.append(f"{int((~finite).sum())} images have features that are not finite; the map leaves them out.")
    if not finite.any():
        return None
    return FeatureTable(
        before=before[finite].astype(np.float32),
        after=after[finite].astype(np.float32),
        predicted_before=was[finite].astype(np.int64),
        predicted=now[finite].astype(np.int64),
    )


def _read_json(path: Path, notes: list[str]) -> Any:
    """Return the content of a JSON file; None (with a note if it is broken) when there is none."""
    text = _read_text(path, notes)
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        notes.append(f"{path.name} is not valid JSON ({error}); what it holds is left out.")
        return None


def _read_text(path: Path, notes: list[str]) -> str | None:
    """Return the text of an optional file, None when there is none."""
    if not path.is_file():
        return None
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        notes.append(f"{path.name} cannot be read ({error.strerror}); what it holds is left out.")
        return None


def _as_dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(value: Any) -> float | None:
    """Return a finite number, None for anything else (booleans are no numbers here)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _count(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _numbers(value: Any) -> dict[str, float]:
    """Return the finite numbers of an object by name."""
    found = {str(name): _number(entry) for name, entry in _as_dict(value).items()}
    return {name: number for name, number in found.items() if number is not None}
