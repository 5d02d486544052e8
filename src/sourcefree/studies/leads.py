"""Which of two models is ahead beyond what chance of the test scenes makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from sourcefree.config import STUDENT_SECTIONS
from sourcefree.selection.estimate import room_for_scenes
from sourcefree.studies.cell import Row


def with_answers(rows: Sequence[Row], points: Sequence[Row]) -> list[Row]:
    """Return the rows of cells with the answers of their models (``correct``), where the points kept them.

    Args:
        rows: of a study's cells.
        points: of the same study, see :func:`sourcefree.studies.points.collect_points`.
    """
    # In the order of its candidates the last is what a method is about, rivals under their own names left out.
    ends = {(one["task"], one["seed"], one["method"]): one["correct"] for one in points if _is_end(one)}
    return [
        {**row, "correct": ends[run]} if (run := (row["task"], row["seed"], row["method"])) in ends else row
        for row in rows
    ]


def _is_end(point: Mapping[str, object]) -> bool:
    return "correct" in point and point["progress"] == 1 and point["stage"] not in STUDENT_SECTIONS


def lead(correct: str, other: str) -> tuple[float, float]:
    """Return by how much one model's accuracy is above another's on the same images, and half its interval (95 %).

    Images of a scene are alike and both models saw the same, so what counts is how the difference varies from scene to scene
    (Student's t): two models that err on the same images are told apart by few.

    Args:
        correct: answers of a model, as :func:`sourcefree.studies.points.by_scene` writes them.
        other: those of the other.
    """
    words, others = correct.split(), other.split()
    count = sum(map(len, words))
    differences = [(a.count("1") - b.count("1")) / count for a, b in zip(words, others, strict=True)]
    return sum(differences), room_for_scenes(torch.tensor(differences, dtype=torch.float64))


def paired(rows: Sequence[Row], column: str, *, method: str, other: str) -> list[tuple[Any, Any]]:
    """Return the values that two methods have in a column, for every (task, seed) where both have one."""
    values = {(row["task"], row["seed"], row["method"]): row.get(column) for row in rows}
    both = ((value, values.get((task, seed, other))) for (task, seed, name), value in values.items() if name == method)
    return [(ours, theirs) for ours, theirs in both if ours is not None and theirs is not None]


def counted(leads: Iterable[tuple[float, float]]) -> tuple[int, int, int]:
    """Return how many differences are above their room, within it, and below; one that is not a number is none of these."""
    ahead = near = behind = 0
    for difference, room in leads:
        ahead += difference > room
        behind += difference < -room
        near += abs(difference) <= room
    return ahead, near, behind


def clear_wins(rows: Sequence[Row], *, method: str, other: str) -> tuple[int, int, int]:
    """Return on how many (task, seed) the method is ahead of another one, too near to tell, and behind.

    Args:
        rows: of :func:`with_answers`; those without answers are no run here.
        method: name of the method.
        other: name of the one that it is compared with.
    """
    return counted(lead(ours, theirs) for ours, theirs in paired(rows, "correct", method=method, other=other))
