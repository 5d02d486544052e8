"""Models on their way: label-free scores beside the true accuracy at a few moments of every training."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from sourcefree.commands.candidates import Candidate, Judge
from sourcefree.models.classifier import Classifier

MOMENTS = (1 / 3, 2 / 3)  # of a training; its end is measured anyway


@dataclass(frozen=True)
class PointRecorder:
    """Measures the model that a stage trains when it reaches a moment, and keeps the points of a cell in a file.

    Only studies have one: the accuracy needs labels, which the adaptation itself never sees.

    Attributes:
        judge: label-free evidence.
        accuracy: returns the accuracy of a model on the test images.
        path: file of the cell's points.
    """

    judge: Judge
    accuracy: Callable[[Candidate], float]
    path: Path

    def observe(self, stage: str, before: float, after: float, model: Classifier) -> None:
        """Take a point if a moment lies in (before, after]: the shares of the stage done before and after an epoch."""
        if any(before < moment <= after < 1 for moment in MOMENTS):
            self.add(self.judge.candidate("adapted", model), stage=stage, progress=after)

    def add(self, candidate: Candidate, *, stage: str, progress: float) -> None:
        """Store a model's scores, answers on the target images and accuracy; a point of the same moment is replaced."""
        point = {
            "stage": stage,
            "progress": round(progress, 3),
            "accuracy": self.accuracy(candidate),
            "scores": {**candidate.scores, **candidate.target_scores},
            "answers": _rounded(candidate.target.logits),
            "pair_answers": _rounded(candidate.pair_logits),
            "source_answers": _rounded(self.judge.source_logits),
        }
        kept = [old for old in read_points(self.path) if (old["stage"], old["progress"]) != (stage, point["progress"])]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.part")
        temporary.write_text(json.dumps([*kept, point]), encoding="utf-8")
        temporary.replace(self.path)


def _rounded(logits: Tensor) -> list[list[float]]:
    return [[round(p, 4) for p in row] for row in logits.softmax(-1).tolist()]


def read_points(path: Path) -> list[dict[str, Any]]:
    """Return the points of a cell; none where nothing was recorded."""
    if not path.is_file():
        return []
    points: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return points
