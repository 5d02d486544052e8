"""Models on their way: label-free scores beside the true accuracy at a few moments of every training."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sourcefree.commands.candidates import Candidate, Judge
from sourcefree.files import write_text
from sourcefree.models.classifier import Classifier
from sourcefree.selection.objective import DECISIVE
from sourcefree.selection.scores import ensemble_agreement
from sourcefree.studies.cell import Row

MOMENTS = (1 / 3, 2 / 3)  # of a training; its end is measured anyway
_SHARED = ("source-only", "adabn")  # measured in every cell


@dataclass(frozen=True)
class PointRecorder:
    """Measures the model that a stage trains when it reaches a moment, and keeps the points of a cell in a file.

    Only studies have one: the accuracy needs labels, which the adaptation itself never sees.

    Attributes:
        judge: label-free evidence.
        correct: returns (N,) which test images a model answers rightly.
        scenes: (N,) the scene that each of them shows.
        path: file of the cell's points.
    """

    judge: Judge
    correct: Callable[[Candidate], NDArray[np.bool_]]
    scenes: Sequence[Hashable]
    path: Path

    def observe(self, stage: str, before: float, after: float, model: Classifier) -> None:
        """Take a point if a moment lies in (before, after]: the shares of the stage done before and after an epoch."""
        if any(before < moment <= after < 1 for moment in MOMENTS):
            self.add(self.judge.candidate("adapted", model), stage=stage, progress=after)

    def add(self, candidate: Candidate, *, stage: str, progress: float) -> None:
        """Store a model's scores, answers on the target images and accuracy; a point of the same moment is replaced."""
        correct = self.correct(candidate)
        point = {
            "stage": stage,
            "progress": round(progress, 3),
            "accuracy": float(correct.mean()),
            "correct": by_scene(correct, self.scenes),
            "scores": {**candidate.scores, **candidate.target_scores},
            "estimate": {"low": candidate.estimate.low, "high": candidate.estimate.high},
            "answers": _rounded(candidate.target.logits),
            "pair_answers": _rounded(candidate.pair_logits),
            "source_answers": _rounded(candidate.source_logits),
        }
        kept = [old for old in read_points(self.path) if (old["stage"], old["progress"]) != (stage, point["progress"])]
        write_text(self.path, json.dumps([*kept, point]))


def by_scene(correct: Iterable[bool], scenes: Sequence[Hashable]) -> str:
    """Return 1 for every test image that is answered rightly and 0 for the others, a word for each scene: "110 0111"."""
    words: dict[Hashable, str] = {}
    for answer, scene in zip(correct, scenes, strict=True):
        words[scene] = words.get(scene, "") + str(int(answer))
    return " ".join(words.values())


def collect_points(rows: Sequence[Row], folder: Path, *, known: Sequence[Row] = ()) -> list[Row]:
    """Return the points of all cells, one row each: which model, when, its accuracy and its scores.

    Every cell of a task and seed measures the same source-only and AdaBN: they come once. ``ensemble_agreement`` (EnsV) and
    ``informed_agreement`` (the same, by :data:`DECISIVE`) are added here, since they need the answers of all models of a
    task and seed; where some are gone, they are left out. Models that learnt from target labels have no part in them.

    Args:
        rows: of a study.
        folder: where :class:`PointRecorder` kept the points, by key of the cell.
        known: points of an earlier call; those of cells that have no file any more, as in a new cache, stay.
    """
    groups: dict[tuple[str, int], dict[tuple[str, str, float], Row]] = {}
    labelled = {row["method"] for row in rows if row.get("uses_labels")}
    gone: set[tuple[str, int, str]] = set()
    for row in rows:
        points = read_points(folder / f"{row['key']}.json")
        group = groups.setdefault((row["task"], row["seed"]), {})
        group.update(
            {(_owner(point["stage"], row["method"]), point["stage"], point["progress"]): point for point in points}
        )
        if not points:
            gone.update((row["task"], row["seed"], method) for method in (row["method"], *_SHARED))
    collected = []
    for (task, seed), group in groups.items():
        stay = [
            point
            for point in known
            if (point["task"], point["seed"]) == (task, seed)
            and (task, seed, point["method"]) in gone
            and (point["method"], point["stage"], point["progress"]) not in group
        ]
        flat = _flat(task, seed, group, labelled)
        if not stay:
            models = zip(flat, group.values(), strict=True)
            _add_agreements([(row, point) for row, point in models if row["method"] not in labelled])
        collected += [*stay, *flat]
    return collected


def _owner(stage: str, method: str) -> str:
    return stage if stage in _SHARED else method


def _flat(task: str, seed: int, group: Mapping[tuple[str, str, float], Row], labelled: Collection[str]) -> list[Row]:
    return [
        {
            **{"task": task, "seed": seed, "method": method, "stage": stage, "progress": progress},
            "accuracy": point["accuracy"],
            **({"correct": point["correct"]} if "correct" in point else {}),  # older versions had none
            **point["scores"],
            **{f"estimate_{end}": value for end, value in point.get("estimate", {}).items()},  # older versions had none
            **({"uses_labels": 1.0} if method in labelled else {}),
        }
        for (method, stage, progress), point in group.items()
    ]


def _add_agreements(models: Sequence[tuple[Row, Row]]) -> None:
    """Add to the row of each model, which stands before its point, how often it answers as all models do together."""
    if not models:
        return
    answers = [torch.tensor(point["answers"]) for _, point in models]
    scores = [row[DECISIVE] for row, _ in models if DECISIVE in row]
    found = {"ensemble_agreement": ensemble_agreement(answers)}
    if len(scores) == len(models):
        found["informed_agreement"] = ensemble_agreement(answers, scores)
    for name, values in found.items():
        for (row, _), value in zip(models, values, strict=True):
            row[name] = value


def _rounded(logits: Tensor) -> list[list[float]]:
    return [[round(p, 4) for p in row] for row in logits.softmax(-1).tolist()]


def read_points(path: Path) -> list[dict[str, Any]]:
    """Return the points of a cell; none where nothing was recorded."""
    if not path.is_file():
        return []
    points: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return points
