"""Figures of a study, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from sourcefree.report import style
from sourcefree.report.style import figure_style, marker_of, printable, to_svg
from sourcefree.studies.cell import Row
from sourcefree.studies.summary import names, spread

_REFERENCES = {"source-only": style.QUIET, "oracle": style.ADABN}
_WIDTH = 40


def method_plot(rows: Sequence[Row], *, task: str) -> bytes:
    """Return one task's methods: a dot a seed, a line at the mean; source-only and oracle drawn through."""
    methods = names(rows, "method")
    with figure_style():
        figure = Figure(figsize=(6.4, 0.9 + 0.24 * len(methods)))
        axes = figure.add_subplot()
        for height, method in enumerate(reversed(methods)):
            found = [row for row in rows if row["task"] == task and row["method"] == method]
            values = [float(row["accuracy"]) for row in found if row.get("accuracy") is not None]
            axes.plot(values, [height] * len(values), "o", color=style.ADAPTED, markersize=4, alpha=0.6)
            mean = spread(rows, task=task, method=method).mean
            if math.isfinite(mean):
                axes.plot([mean, mean], [height - 0.35, height + 0.35], color=style.INK, linewidth=1.6)
        for method, colour in _REFERENCES.items():
            mean = spread(rows, task=task, method=method).mean
            if math.isfinite(mean):
                axes.axvline(mean, color=colour, linestyle=(0, (4, 2)), linewidth=1)
        axes.set_yticks(range(len(methods)), [printable(name, width=_WIDTH) for name in reversed(methods)])
        _percent(axes)
        return to_svg(figure)


def task_plot(rows: Sequence[Row]) -> bytes:
    """Return a curve a method over the tasks in their order, with the spread over seeds."""
    tasks, methods = names(rows, "task"), names(rows, "method")
    with figure_style():
        figure = Figure(figsize=(6.4, 3.6))
        axes = figure.add_subplot()
        for number, method in enumerate(methods):
            spreads = [spread(rows, task=task, method=method) for task in tasks]
            colour, marker = marker_of(number)
            errors = [0.0 if math.isnan(one.std) else one.std for one in spreads]
            axes.errorbar(
                range(len(tasks)),
                [one.mean for one in spreads],
                yerr=errors,
                color=colour,
                marker=marker,
                markersize=4,
                linewidth=1.4,
                capsize=2,
                label=printable(method, width=_WIDTH),
            )
        labels = [printable(task, width=_WIDTH) for task in tasks]
        axes.set_xticks(range(len(tasks)), labels, rotation=30, ha="right")
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
        axes.set_ylabel("accuracy")
        axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1))
        return to_svg(figure)


def _percent(axes: Axes) -> None:
    axes.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    axes.set_xlabel("accuracy on the task's test images")
