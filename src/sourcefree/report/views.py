"""Turn a run's records into the figures and pictures that the template places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sourcefree.report import plots, style
from sourcefree.report.embedding import feature_map, turned_onto, unit_spread
from sourcefree.report.records import Candidate, GalleryItem, RunData, Series
from sourcefree.report.thumbnails import data_uri, thumbnail_uri
from sourcefree.report.vocabulary import candidate_phrase, candidate_title, format_value, percent, quantity
from sourcefree.spread import evenly_spread
from sourcefree.stages import section_of, stage_title

_MOST_PICTURES = 72  # keeps a report below about 2 MB
_MOST_POINTS = 800  # two maps in a few seconds on one core
_REFERENCE_COLOURS = {"source-only": style.QUIET, "adabn": style.ADABN}


@dataclass(frozen=True)
class Figure:
    """A figure: title, picture as data URI, text for readers who cannot see it, and a note."""

    title: str
    uri: str
    alt: str
    note: str = ""


@dataclass(frozen=True)
class FigureGroup:
    """Figures under one heading."""

    title: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Picture:
    """A card of the gallery."""

    item: GalleryItem
    target: str | None
    translated: str | None
    confidence: str
    changed: bool
    wrong: bool | None


@dataclass(frozen=True)
class LegendEntry:
    """Class name with the colour and marker it has in the feature maps."""

    label: str
    colour: str
    marker: str


def loss_groups(data: RunData) -> list[FigureGroup]:
    """Return one group for each training stage with one small plot for each loss term.

    Args:
        data: run.
    """
    stages = dict.fromkeys(series.stage for series in data.losses)
    return [
        FigureGroup(stage_title(stage), tuple(_loss_figure(series) for series in data.losses if series.stage == stage))
        for stage in stages
    ]


def _loss_figure(series: Series) -> Figure:
    return Figure(
        title=series.name,
        uri=_svg_uri(plots.line_plot([series])),
        alt=f"{series.name} over training: {_course(series)}",
    )


def _course(series: Series) -> str:
    """Return how a curve runs, in words."""
    return f"from {series.y[0]:.4g} to {series.y[-1]:.4g} over {len(series.y)} epochs"


def score_figures(data: RunData) -> list[Figure]:
    """Return one small plot for each label-free score, with the baselines as dashed lines.

    Args:
        data: run.
    """
    figures = []
    for name in dict.fromkeys(series.name for series in data.scores):
        # Rivals were trained too, in stages that are called as they are.
        curves = [
            series for series in data.scores if series.name == name and data.candidate(section_of(series.stage)) is None
        ]
        references = [
            (candidate.scores[name], colour)
            for rival, colour in _REFERENCE_COLOURS.items()
            if (candidate := data.candidate(rival)) is not None and name in candidate.scores
        ]
        shown = quantity(name)
        direction = f"{shown.better} is better" if shown.better else ""
        figures.append(
            Figure(
                title=shown.title,
                uri=_svg_uri(plots.line_plot(curves, references=references, percent=shown.percent)),
                alt=f"{shown.title} over training: " + "; ".join(_course(curve) for curve in curves),
                note=direction,
            )
        )
    return figures


def balance_figure(data: RunData) -> Figure | None:
    """Return the bars of predictions by class, None where no model has counts for every label.

    Where labelled images were measured, bars and true shares are both of those: shares of different images cannot be compared.

    Args:
        data: run.
    """
    names = _before_and_after(data) if data.adapts else [entry.name for entry in data.candidates[:1]]
    shown = [found for name in names if (found := data.candidate(name)) is not None]
    matrices = [matrix for entry in shown if (matrix := _confusion(data, entry)) is not None]
    labelled = len(matrices) == len(shown)
    counts = [matrix.sum(axis=0) for matrix in matrices] if labelled else [np.asarray(e.class_counts) for e in shown]
    shares = {
        candidate_title(entry.name): row / row.sum()
        for entry, row in zip(shown, counts, strict=True)
        if len(row) == len(data.labels) > 0 < row.sum()
    }
    if not shares:
        return None
    true = matrices[-1].sum(axis=1) / matrices[-1].sum() if labelled else None
    note = _whose_answers(data, shown[-1] if labelled else None)
    alt = f"{note} " + "; ".join(
        f"{name}: " + ", ".join(f"{label} {percent(share)}" for label, share in zip(data.labels, values, strict=True))
        for name, values in shares.items()
    )
    uri = _svg_uri(plots.class_balance(labels=data.labels, shares=shares, true=true))
    return Figure("Class balance of the predictions", uri, alt, note)


def _confusion(data: RunData, candidate: Candidate) -> NDArray[np.int64] | None:
    """Return the confusion matrix of all labels, None where no labelled image was measured."""
    matrix = candidate.evaluation.confusion if candidate.evaluation else None
    return matrix if matrix is not None and len(matrix) == len(data.labels) and matrix.sum() > 0 else None


def _whose_answers(data: RunData, measured: Candidate | None) -> str:
    """Return which images the bars are of."""
    if measured is not None and measured.evaluation is not None:
        return f"Of labelled images ({measured.evaluation.data}), with their true shares."
    return "Of the target images." if data.adapts else "Of the images that the model was tested on."


def _after(data: RunData) -> str:
    return data.own.name if data.own else "adapted"


def _before_and_after(data: RunData) -> list[str]:
    return list(dict.fromkeys(("source-only", _after(data))))


def confusion_figures(data: RunData) -> list[Figure]:
    """Return the confusion matrices worth seeing: those of source-only, the method's model and what is delivered.

    Args:
        data: run.
    """
    wanted = (
        [*_before_and_after(data), str(data.delivered)] if data.adapts else [entry.name for entry in data.candidates]
    )
    figures = []
    for name in dict.fromkeys(wanted):
        candidate = data.candidate(name)
        found = candidate.evaluation if candidate else None
        if found is None or found.confusion is None or len(found.confusion) != len(data.labels):
            continue
        title, accuracy = candidate_title(name), format_value("accuracy", found.metrics.get("accuracy"))
        uri = _svg_uri(plots.confusion_heatmap(confusion=found.confusion, labels=data.labels))
        right, total = int(found.confusion.trace()), int(found.confusion.sum())
        alt = f"Confusion matrix of {title}: {right} of {total} correct"
        figures.append(Figure(title, uri, alt, note=f"accuracy {accuracy}"))
    return figures


def feature_figures(data: RunData) -> tuple[list[Figure], list[LegendEntry]]:
    """Return the feature maps before and after adaptation with their legend; empty without features.

    Args:
        data: run.
    """
    table = data.features
    if table is None:
        return [], []
    rows = evenly_spread(len(table.before), _MOST_POINTS)
    after = unit_spread(feature_map(table.after[rows]))
    before = turned_onto(feature_map(table.before[rows]), after)
    limit = 1.06 * max(float(np.abs(before).max()), float(np.abs(after).max()), 1e-6)
    figures = []
    maps = [
        ("Before: source model", before, table.predicted_before[rows]),
        (f"After: {candidate_phrase(_after(data)).removeprefix('the ')}", after, table.predicted[rows]),
    ]
    if _after(data) == "source-only":
        maps = [("Source model", after, table.predicted[rows])]
    for title, positions, predicted in maps:
        uri = _svg_uri(plots.scatter_map(positions=positions, predicted=predicted, limit=limit))
        alt = f"Map of the features of {len(rows)} target images, {len(np.unique(predicted))} predicted classes"
        figures.append(Figure(title, uri, alt))
    seen = np.union1d(table.predicted_before[rows], table.predicted[rows])
    return figures, [_legend_entry(data, int(index)) for index in seen]


def _legend_entry(data: RunData, index: int) -> LegendEntry:
    colour, marker = style.marker_of(index)
    label = data.labels[index] if 0 <= index < len(data.labels) else f"class {index}"
    return LegendEntry(label, colour, marker)


def gallery_pictures(data: RunData) -> list[Picture]:
    """Return the cards of the gallery, evenly chosen where there are more than a page can hold.

    Args:
        data: run.
    """
    if not data.gallery:
        return []
    chosen = [data.gallery[row] for row in evenly_spread(len(data.gallery), _MOST_PICTURES)]
    return [
        Picture(
            item=item,
            target=thumbnail_uri(item.target),
            translated=thumbnail_uri(item.translated),
            confidence=percent(item.confidence) if item.confidence is not None else "",
            changed=item.predicted_before is not None and item.predicted_before != item.predicted,
            wrong=None if item.label is None else item.label != item.predicted,
        )
        for item in chosen
    ]


def _svg_uri(content: bytes) -> str:
    return data_uri(content, mime="image/svg+xml")
