"""Read metrics.jsonl into one series for each loss term and each label-free score of a stage."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from sourcefree.report.records import Series

_Points = dict[tuple[str, str], list[tuple[float, float, float]]]  # (stage, name) -> [(epoch, step, value)]


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
            place = (float(entry["epoch"]), float(entry.get("step") or 0.0))
        except (ValueError, KeyError, TypeError, AttributeError):
            skipped += 1
            continue
        _add(losses, entry, "terms", place)
        _add(scores, entry, "scores", place)
    if skipped:
        notes.append(f"metrics.jsonl: {skipped} unreadable {'line was' if skipped == 1 else 'lines were'} skipped.")
    return _series(losses), _series(scores)


def _add(points: _Points, entry: dict[str, Any], kind: str, place: tuple[float, float]) -> None:
    """Append the values of one line to the points of their series."""
    values = entry.get(kind)
    if not isinstance(values, dict):
        return
    for name, value in values.items():
        number = float(value) if isinstance(value, (int, float)) else math.nan
        key = (str(entry.get("stage", "")), str(name))
        points.setdefault(key, []).append((*place, number if math.isfinite(number) else math.nan))


def _series(points: _Points) -> tuple[Series, ...]:
    """Return the series, over epochs where each epoch has one value, else over steps."""
    result = []
    for (stage, name), rows in points.items():
        last = {(epoch, step): value for epoch, step, value in rows}
        over_steps = len({step for _, step in last}) == len(last) > len({epoch for epoch, _ in last})
        line = {(step if over_steps else epoch): value for (epoch, step), value in sorted(last.items())}
        x_label = "step" if over_steps else "epoch"
        result.append(Series(stage=stage, name=name, x=tuple(line), y=tuple(line.values()), x_label=x_label))
    return tuple(result)
