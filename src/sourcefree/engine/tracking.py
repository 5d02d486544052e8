"""Metrics over training, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from sourcefree.files import write_text


class Tracker(Protocol):
    """Anything that takes numbers of finished epochs."""

    def log_terms(self, *, stage: str, epoch: int, step: int, terms: Mapping[str, float]) -> None:
        """Take the means of the loss terms over an epoch."""

    def log_scores(self, *, stage: str, epoch: int, scores: Mapping[str, float]) -> None:
        """Take label-free scores after an epoch."""

    def rewind(self, *, stage: str, epoch: int) -> None:
        """Forget what was logged of this stage from this epoch on."""


class MetricsFile:
    """Appends to ``metrics.jsonl``; after a kill, lines of epochs that are trained again are dropped first.

    Args:
        path: file to append to.
        active: False in processes that must not write.
    """

    def __init__(self, path: Path, *, active: bool = True) -> None:
        self.path = path
        self.active = active

    def log_terms(self, *, stage: str, epoch: int, step: int, terms: Mapping[str, float]) -> None:
        """Append the means of the loss terms over an epoch."""
        self._append({"stage": stage, "epoch": epoch, "step": step, "terms": dict(terms)})

    def log_scores(self, *, stage: str, epoch: int, scores: Mapping[str, float]) -> None:
        """Append label-free scores after an epoch."""
        self._append({"stage": stage, "epoch": epoch, "scores": dict(scores)})

    def rewind(self, *, stage: str, epoch: int) -> None:
        """Drop the lines of this stage from this epoch on, and a last line that was cut off."""
        if not self.active or not self.path.is_file():
            return
        kept = [
            line
            for line in self.path.read_text(encoding="utf-8").splitlines()
            if (entry := _parse(line)) and not (entry["stage"] == stage and entry["epoch"] >= epoch)
        ]
        write_text(self.path, "".join(f"{line}\n" for line in kept))

    def _append(self, entry: dict[str, object]) -> None:
        if self.active:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")


def _parse(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) else None
