"""Figures of a report, each returned as the bytes of an SVG file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, PercentFormatter
from numpy.typing import NDArray

from sourcefree.report import style
from sourcefree.report.records import Series
from sourcefree.report.style import figure_style, printable, to_svg
from sourcefree.stages import section_of

_LOG_RANGE = 20.0  # a positive curve that spans more than this factor is drawn on a log axis
_TRUE_SHARE = "true share (labelled)"
_MOST_ANNOTATED = 20  # more classes than this leave no room for numbers in the confusion matrix


def line_plot(
    series: Sequence[Series],
    *,
    references: Sequence[tuple[float, str]] = (),
    percent: bool = False,
) -> bytes:
    """Return a small plot of one quantity over training; the page around it says what the colours are.

    Args:
        series: curves of the quantity, one for each stage.
        references: value and colour of horizontal lines to compare the curve with.
        percent: whether the values are shares to be labelled in percent.
    """
    with figure_style():
        figure = Figure(figsize=(3.3, 2.0))
        # Fixed margins: plots that stand side by side have their axes at the same place.
        axes = figure.add_axes((0.19, 0.2, 0.79, 0.77))
        for curve in series:
            # The last stage, of any member, trains the model that the run is about; what came before it stands back.
            last = section_of(curve.stage) == section_of(series[-1].stage)
            colour = style.ADAPTED if last else style.BRIDGE
            marker = "o" if len(curve.x) <= 12 else None
            axes.plot(curve.x, curve.y, color=colour, marker=marker, markersize=3)
        for value, colour in references:
            axes.axhline(value, color=colour, linestyle=(0, (4, 2)), linewidth=1.2)
        _scale(axes, np.concatenate([curve.y for curve in series]), percent=percent, compared=bool(references))
        if len({x for curve in series for x in curve.x}) == 1:
            axes.set_xlim(series[0].x[0] - 1, series[0].x[0] + 1)  # else matplotlib shows hundredths of an epoch
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        axes.set_xlabel("epoch", fontsize=8)
        return to_svg(figure, tight=False)


def _scale(axes: Axes, values: NDArray[np.float64], *, percent: bool, compared: bool) -> None:
    """Choose a log axis for a positive curve over a wide range, and readable tick labels."""
    finite = values[np.isfinite(values)]
    if percent:
        wide = finite.size > 0 and finite.max() - finite.min() > 0.05
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0 if wide else 1))
    elif not compared and finite.size and finite.min() > 0 and finite.max() / finite.min() > _LOG_RANGE:
        axes.set_yscale("log")
        few = finite.max() / finite.min() < 1e3  # within three decades there is room for labels between them
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 3) if few else (1,), numticks=6))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    if axes.get_yscale() == "linear":
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5))


def class_balance(
    *,
    labels: Sequence[str],
    shares: Mapping[str, NDArray[np.float64]],
    true: NDArray[np.float64] | None = None,
) -> bytes:
    """Return grouped bars of the share of images predicted as each class.

    Args:
        labels: K class names.
        shares: (K,) shares summing to 1 by model, two models at most.
        true: (K,) shares among labelled images, drawn as ticks.
    """
    with figure_style():
        figure = Figure(figsize=(7.4, 0.9 + 0.34 * len(labels)))
        axes = figure.subplots()
        rows = np.arange(len(labels), dtype=np.float64)
        height = 0.74 / max(1, len(shares))
        for position, (name, values) in enumerate(shares.items()):
            offset = (position - (len(shares) - 1) / 2) * height
            colour = style.ADAPTED if position == len(shares) - 1 else style.SOURCE_ONLY
            axes.barh(rows + offset, values, height * 0.92, color=colour, label=name)
        if true is not None:
            axes.vlines(true, rows - 0.42, rows + 0.42, color=style.INK, linewidth=1.6, label=_TRUE_SHARE)
        axes.set_yticks(rows, [printable(label) for label in labels])
        axes.tick_params(axis="y", length=0, labelcolor=style.INK)
        axes.set_ylim(len(labels) - 0.45, -0.55)
        axes.grid(False, axis="y")
        axes.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
        axes.set_xlabel("share of images")
        _legend_above(axes)
        return to_svg(figure)


def _legend_above(axes: Axes) -> None:
    """Put the legend above the axes: the bars in their order, the true share last."""
    handles, names = axes.get_legend_handles_labels()
    order = sorted(range(len(names)), key=lambda position: names[position] == _TRUE_SHARE)
    axes.legend(
        [handles[position] for position in order],
        [names[position] for position in order],
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.2,
        ncols=3,
        fontsize=9,
    )


def confusion_heatmap(*, confusion: NDArray[np.int64], labels: Sequence[str]) -> bytes:
    """Return the confusion matrix, each row coloured by its share of the true class.

    Args:
        confusion: (K, K) image counts, rows true, columns predicted; rows without an image are drawn grey.
        labels: K class names.
    """
    count = len(confusion)
    totals = confusion.sum(axis=1, keepdims=True)
    shares = confusion / np.maximum(totals, 1)
    small = 8.0 if count <= 12 else 7.0 if count <= _MOST_ANNOTATED else max(3.5, 140 / count)
    with figure_style():
        figure = Figure(figsize=(5.6, 5.6))
        axes = figure.subplots()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.15)  # past 1: the darkest blue would swallow the numbers
        names = [printable(label, width=18) for label in labels]
        axes.set_xticks(range(count), names, rotation=45 if count <= 30 else 90, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(count), names)
        axes.tick_params(length=0, labelsize=min(8.5, small + 1), labelcolor=style.INK)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        axes.grid(False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        for row in np.flatnonzero(totals == 0):
            axes.axhspan(row - 0.5, row + 0.5, color="#eef0f2", linewidth=0)
        if count <= _MOST_ANNOTATED:
            _annotate(axes, confusion, shares, small)
        return to_svg(figure)


def _annotate(axes: Axes, confusion: NDArray[np.int64], shares: NDArray[np.float64], size: float) -> None:
    """Write each count that is not zero into its cell."""
    for row, column in np.argwhere(confusion > 0):
        colour = "white" if shares[row, column] > 0.6 else style.INK
        weight = "bold" if row == column else "normal"
        text = str(confusion[row, column])
        size_here = size if len(text) < 4 else size - 1.5
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size_here, fontweight=weight)


def scatter_map(*, positions: NDArray[np.float64], predicted: NDArray[np.int64], limit: float) -> bytes:
    """Return a map of images as points, colour and marker telling the predicted class.

    Args:
        positions: (N, 2) positions.
        predicted: (N,) class indices.
        limit: half width of the square shown, the same for maps that are compared.
    """
    with figure_style():
        figure = Figure(figsize=(4.8, 4.8))
        axes = figure.subplots()
        for index in np.unique(predicted):
            colour, marker = style.marker_of(int(index))
            chosen = positions[predicted == index]
            axes.scatter(
                chosen[:, 0],
                chosen[:, 1],
                s=16,
                c=colour,
                marker=marker,
                linewidths=0.3,
                edgecolors="white",
                alpha=0.9,
            )
        axes.set_xlim(-limit, limit)
        axes.set_ylim(-limit, limit)
        axes.set_aspect("equal")
        style.bare(axes)
        return to_svg(figure)
