"""How well label-free scores tell the better model: rank correlation with the true accuracy, and regret of a choice by them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from scipy.stats import spearmanr

from sourcefree.config import STUDENT_SECTIONS
from sourcefree.selection.objective import DECISIVE, SIGNS
from sourcefree.selection.scores import combined_rank
from sourcefree.studies.cell import Row
from sourcefree.studies.label_choice import label_tables
from sourcefree.studies.summary import Table, by_run, names, number_text

_NO_MOMENTS = ("source-only", "adabn", "translated", "tgmb")  # stages that train no target model
_COMBINED = (DECISIVE, "informed_agreement")
_INTERVAL = ("estimate_low", "estimate_high")
_NO_SCORES = (
    *_INTERVAL,
    "task",
    "seed",
    "method",
    "stage",
    "progress",
    "accuracy",
    "correct",
    "mixing_temperature",
    "uses_labels",
)


@dataclass(frozen=True)
class Quality:
    """What a score is worth on one task.

    Attributes:
        correlation: Spearman's rank correlation with the accuracy, mean over seeds; NaN where either is constant.
        regrets: of each seed that has the score: accuracy of the best model minus that of the model with the best score.
    """

    correlation: float
    regrets: tuple[float, ...]


def score_names(rows: Sequence[Row]) -> list[str]:
    """Return the scores that the points have."""
    return list(dict.fromkeys(name for row in rows for name in row if name not in _NO_SCORES))


def quality(rows: Sequence[Row], *, task: str, score: str) -> Quality:
    """Return what a score is worth on a task; models are compared within a seed, never across source models."""
    correlations, regrets = [], []
    for group in by_run([row for row in rows if row["task"] == task and score in row]):
        values, accuracy = _values(group, score), np.asarray([row["accuracy"] for row in group])
        if np.ptp(values) > 0 and np.ptp(accuracy) > 0:
            correlations.append(float(spearmanr(values, accuracy).statistic))
        regrets.append(float(accuracy.max() - accuracy[_best(values)]))
    return Quality(fmean(correlations) if correlations else math.nan, tuple(regrets))


def quality_tables(rows: Sequence[Row]) -> list[Table]:
    """Return rank correlations and regrets of every score, a column for each task; models that saw labels do not compete."""
    # Points of older versions say it by the oracle's name alone.
    rows = _with_combined([row for row in rows if not row.get("uses_labels") and row["method"] != "oracle"])
    tasks, scores = names(rows, "task"), score_names(rows)
    found = {(task, score): quality(rows, task=task, score=score) for task in tasks for score in scores}
    correlation = [
        [score, *(number_text(value, digits=2) for value in (*values, fmean(values)))]
        for score, values in ((score, [found[task, score].correlation for task in tasks]) for score in scores)
    ]
    count = f"{len(rows)} models: every method at a third, two thirds and the end of its training."
    return [
        Table("Rank correlation with the accuracy", ["score", *tasks, "mean"], correlation, count),
        _regret_table(
            "Regret, points of accuracy",
            rows,
            "Accuracy of the best of all models of a task and seed, less that of the one with the best score.",
        ),
        _regret_table(
            "Regret among finished models, points of accuracy",
            [row for row in rows if row["progress"] == 1],
            "The same where only the end of each training is a candidate, as for the guard, tune and auto.",
        ),
        _moment_table(rows, scores),
        _estimate_table(rows, tasks),
        *label_tables(rows),
    ]


def _with_combined(rows: Sequence[Row]) -> list[Row]:
    """Add the combined rank of the models of a task and seed, which needs all of them, where each has both of its parts."""
    found: list[Row] = []
    for group in by_run(rows):
        if all(name in row for row in group for name in _COMBINED):
            ranks = combined_rank([_values(group, name).tolist() for name in _COMBINED])
            group = [{**row, "combined_rank": rank} for row, rank in zip(group, ranks, strict=True)]
        found += group
    return found


def _regret_table(title: str, rows: Sequence[Row], note: str) -> Table:
    tasks = names(rows, "task")
    body = []
    for score in score_names(rows):
        measured = [quality(rows, task=task, score=score).regrets for task in tasks]
        body.append([score, *map(_points, measured), *_mean_and_worst(measured)])
    return Table(title, ["score", *tasks, "mean", "worst"], body, note)


def _mean_and_worst(measured: Sequence[Sequence[float]]) -> tuple[str, str]:
    """Return the mean over tasks, whose numbers of seeds may differ, and the worst; empty where a task has no value."""
    if not all(measured):
        return "", ""
    return _points([fmean(regrets) for regrets in measured]), f"{100 * max(map(max, measured)):.1f}"


def moment_gains(rows: Sequence[Row], score: str) -> list[float]:
    """Return, for every training, the accuracy of its moment with the best score less that of its end."""
    gains = []
    for group in _trainings(rows):
        if not all(score in row for row in group):
            continue
        end = next(row for row in group if _is_end(row))
        gains.append(group[_best(_values(group, score))]["accuracy"] - end["accuracy"])
    return gains


def _trainings(rows: Sequence[Row]) -> list[list[Row]]:
    """Return the moments of every target model that was trained to its end and looked at before; rivals left out."""
    groups: dict[tuple[str, float, str], list[Row]] = {}
    for row in rows:
        if row["stage"] not in _NO_MOMENTS:
            groups.setdefault((row["task"], row["seed"], row["method"]), []).append(row)
    own = map(_without_rivals, groups.values())
    return [group for group in own if len(group) > 1 and any(map(_is_end, group))]


def _without_rivals(group: list[Row]) -> list[Row]:
    """Leave out the sections whose models ended under their own name: a method's own model ends as "adapted"."""
    rivals = {row["stage"] for row in group if row["progress"] == 1} & set(STUDENT_SECTIONS)
    return [row for row in group if row["stage"] not in rivals]


def _is_end(row: Row) -> bool:
    return bool(row["stage"] == "adapted" and row["progress"] == 1)


def _moment_table(rows: Sequence[Row], scores: Sequence[str]) -> Table:
    count = len(_trainings(rows))
    body = []
    for score in scores if count else ():
        gains = moment_gains(rows, score)
        if not gains:
            continue  # no training has it at all its moments
        body.append([score, *(f"{100 * value:+.1f}" for value in (fmean(gains), min(gains), max(gains)))])
    note = f"{count} trainings: accuracy at the moment with the best score (a third, two thirds, end), less that of the end."
    return Table(
        "Choice of the moment in a training, points of accuracy", ["score", "mean", "worst", "best"], body, note
    )


def _estimate_table(rows: Sequence[Row], tasks: Sequence[str]) -> Table:
    # Those of older versions, of images that the models were trained on, are another quantity.
    estimated = [row for row in rows if _is_end(row) and set(_INTERVAL) <= set(row)]
    body = []
    for task in tasks:
        ends = [row for row in estimated if row["task"] == task]
        errors = [row["estimated_accuracy"] - row["accuracy"] for row in ends]
        if errors:
            shown = (f"{100 * value:+.1f}" for value in (fmean(errors), min(errors), max(errors)))
            body.append([task, str(len(errors)), *shown, f"{100 * fmean(map(_inside, ends)):.0f} %"])
    head = ["task", "models", "mean", "lowest", "highest", "inside the interval"]
    note = "Estimated accuracy less the true one, of every adapted model, whether it would be delivered or not."
    return Table("Error of the estimated accuracy, points", head, body, note)


def _inside(row: Row) -> bool:
    low, high = (row[end] for end in _INTERVAL)
    return bool(low <= row["accuracy"] <= high)


def _points(shares: Sequence[float]) -> str:
    return f"{100 * fmean(shares):.1f}" if shares else ""


def _best(values: np.ndarray) -> int:
    """Return the place of the highest score; one that is no number is no reason to choose a model."""
    return int(np.where(np.isnan(values), -np.inf, values).argmax())


def _values(group: Sequence[Row], score: str) -> np.ndarray:
    return np.asarray([SIGNS.get(score, 1) * row[score] for row in group])
