"""What a choice by labels would be worth, beside one without: both judged on other draws of the test scenes.

Test images are few, and images of a scene are alike: of two models, either may come out ahead by chance, and the best of many
is in part the luckiest. So the test images of a task stand for all that there are. Every draw has a test set of its own, as
many scenes with replacement, and a few labelled images, drawn apart from it. A score without labels, the labelled images, and
one who knows the accuracy on all images choose among the same models, and are judged on the same draws (a bootstrap: Efron,
1979; of clusters: Field and Welsh, 2007). What the last one misses is chance of the test set: no choice does better.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from sourcefree.selection.objective import DECISIVE, SIGNS
from sourcefree.studies.cell import Row
from sourcefree.studies.summary import Table, by_run, names, number_text

_LABELS = (10, 30, 100, 300)
_SCORES = (DECISIVE, "informed_agreement", "combined_rank")
_DRAWS = 400
_TIE = 1e-6  # below one image of any test set

Values = NDArray[np.float64]
Measure = Callable[[Values, Values], float]


@dataclass(frozen=True, eq=False)
class Draws:
    """Accuracies of M models of one task and seed on D draws of its test scenes, and on as many draws of labelled images.

    Attributes:
        test: (M, D) accuracy on scenes drawn with replacement.
        labelled: by number of labelled images, (M, D) accuracy on them; ties broken at random.
        known: (M,) accuracy on all images.
    """

    test: Values
    labelled: dict[int, Values]
    known: Values


def draw(correct: Sequence[str], *, draws: int = _DRAWS) -> Draws:
    """Return what M models would have reached on other draws.

    Args:
        correct: of each model, as :func:`sourcefree.studies.points.by_scene` writes it.
        draws: how many.
    """
    generator = np.random.default_rng(0)
    words = [model.split() for model in correct]
    sums = np.asarray([[word.count("1") for word in model] for model in words], dtype=np.float64)
    sizes = np.asarray([len(word) for word in words[0]], dtype=np.float64)
    scenes = len(sizes)
    drawn = generator.multinomial(scenes, [1 / scenes] * scenes, size=draws).T  # (S, D): how often each scene is in
    answers = np.asarray([[digit == "1" for word in model for digit in word] for model in words], dtype=np.float64)
    labelled = {}
    for count in _LABELS:
        chosen = generator.multinomial(count, [1 / answers.shape[1]] * answers.shape[1], size=draws).T
        labelled[count] = answers @ chosen / count + _TIE * generator.random((len(words), draws))
    return Draws((sums @ drawn) / (sizes @ drawn), labelled, sums.sum(1) / sizes.sum())


def regret(values: Values, accuracy: Values) -> float:
    """Return the mean over draws of the best accuracy less that of the model with the highest value; both (M, D)."""
    chosen = np.take_along_axis(accuracy, values.argmax(0)[None], axis=0)[0]
    return float((accuracy.max(0) - chosen).mean())


def rank_correlation(values: Values, accuracy: Values) -> float:
    """Return Spearman's rank correlation, mean over the draws; both (M, D). NaN where one is constant on every draw."""
    ranks, others = (rankdata(of, axis=0) - (len(of) + 1) / 2 for of in (values, accuracy))
    norm = np.sqrt((ranks**2).sum(0) * (others**2).sum(0))
    different = norm > 0
    return float(((ranks * others).sum(0)[different] / norm[different]).mean()) if different.any() else math.nan


def label_tables(rows: Sequence[Row]) -> list[Table]:
    """Return what labelled images would tell of the models, beside the scores; no table where no answers were kept.

    Args:
        rows: points of models that saw no labels.
    """
    kept = [row for row in rows if "correct" in row]
    if not kept:
        return []
    finished = [row for row in kept if row["progress"] == 1]
    count = len(by_run(kept))
    note = (
        f"Tasks and seeds: {count}, each on {_DRAWS} draws of as many test scenes. N labels: target images drawn at random, "
        "apart from the test set. All labels: the accuracy on all test images is known, and what is missed is chance."
    )
    titles = ("Regret beside a choice by labels, finished models, points of accuracy", "Rank correlation beside labels")
    return [
        _table(titles[0], finished, lambda *of: 100 * regret(*of), note, digits=1),
        _table(titles[1], kept, rank_correlation, note, digits=2),
    ]


def _table(title: str, rows: Sequence[Row], measure: Measure, note: str, *, digits: int) -> Table:
    tasks = names(rows, "task")
    found: dict[str, dict[str, list[float]]] = {}
    for group in by_run(rows):
        drawn = draw([row["correct"] for row in group])
        for chooser, values in _choosers(group, drawn).items():
            found.setdefault(chooser, {}).setdefault(group[0]["task"], []).append(measure(values, drawn.test))
    body = []
    for chooser, by_task in found.items():
        means = [_mean(by_task.get(task, [])) for task in tasks]
        body.append([chooser, *(number_text(value, digits=digits) for value in (*means, fmean(means)))])
    return Table(title, ["choice by", *tasks, "mean"], body, note)


def _mean(values: Sequence[float]) -> float:
    """Return the mean of those that are numbers; NaN where none is, as of the ranks of a single model."""
    known = [value for value in values if math.isfinite(value)]
    return fmean(known) if known else math.nan


def _choosers(group: Sequence[Row], drawn: Draws) -> dict[str, Values]:
    """Return by what is chosen, (M, D) each: scores that all models have, labels."""

    def on_every_draw(values: Values) -> Values:
        return np.broadcast_to(values[:, None], drawn.test.shape)

    scores = {
        name: on_every_draw(np.asarray([SIGNS.get(name, 1) * row[name] for row in group], dtype=np.float64))
        for name in _SCORES
        if all(name in row for row in group)
    }
    return {
        **scores,
        **{f"{count} labels": drawn.labelled[count] for count in _LABELS},
        "all labels": on_every_draw(drawn.known),
    }
