"""Read metrics.jsonl into one series for each loss term and each label-free score of a stage."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from sourcefree.report.records import Series

_Points = dict[tuple[str, str], dict[float, float]]  # (stage, name) -> epoch -> value


def read_history(path: Path, notes: list[str]) -> tuple[tuple[Series, ...], tuple[Series, ...]]:
    """Return (loss series, score series) in the order of their first appearance; empty when there is no file.

    A run that was killed while writing leaves half a line: such lines are skipped and counted in ``notes``. A
    resumed run may write an epoch again: the last value counts.

    Args:
        path: metrics.jsonl of a run.
        notes: plain sentences on what could not be read; appended to.
    """
    losses: _Points = {}
    scores: _Points = {}
    if not path.is_file():
        return (), ()
    skipped = 0
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            epoch = float(entry["epoch"])
        except (ValueError, KeyError, TypeError, AttributeError):
            skipped += 1
            continue
        _add(losses, entry, "terms", epoch)
        _add(scores, entry, "scores", epoch)
    if skipped:
        notes.append(f"metrics.jsonl: {skipped} unreadable {'line was' if skipped == 1 else 'lines were'} skipped.")
    return _series(losses), _series(scores)


def _add(points: _Points, entry: dict[str, Any], kind: str, epoch: float) -> None:
    """Add the values of one line to the points of their series."""
    values = entry.get(kind)
    if not isinstance(values, dict):
        return
    for name, value in values.items():
        number = float(value) if isinstance(value, (int, float)) else math.nan
        key = (str(entry.get("stage", "")), str(name))
        points.setdefault(key, {})[epoch] = number if math.isfinite(number) else math.nan


def _series(points: _Points) -> tuple[Series, ...]:
    """Return the series, epochs in order."""
    return tuple(
        Series(stage=stage, name=name, x=tuple(sorted(line)), y=tuple(line[epoch] for epoch in sorted(line)))
        for (stage, name), line in points.items()
    )
