"""The tables of a report: candidates with their numbers, facts of the run, timings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sourcefree.report.records import Candidate, RunData
from sourcefree.report.vocabulary import (
    METRICS,
    candidate_title,
    count_title,
    duration,
    format_value,
    quantity,
)
from sourcefree.stages import stage_title


@dataclass(frozen=True)
class Cell:
    """A number of the candidates table: quantity, exact value, text, and whether it is the best."""

    name: str
    value: float | None
    text: str
    best: bool


@dataclass(frozen=True)
class CandidateRow:
    """A row of the candidates table."""

    name: str
    title: str
    description: str
    delivered: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Timing:
    """Time of one stage and its share of the whole run in [0, 1]."""

    title: str
    text: str
    share: float


def candidate_columns(data: RunData) -> tuple[list[str], list[str]]:
    """Return the names of the metrics and of the label-free scores that any candidate has, in reading order.

    Args:
        data: run.
    """
    found = [candidate.evaluation.metrics for candidate in data.candidates if candidate.evaluation]
    metrics = [name for name in METRICS if any(name in values for values in found)]
    scores = list(dict.fromkeys(name for candidate in data.candidates for name in candidate.scores))
    return metrics, scores


def candidate_rows(data: RunData) -> list[CandidateRow]:
    """Return the rows of the candidates table; cells follow the order of ``candidate_columns``.

    Args:
        data: run.
    """
    metrics, scores = candidate_columns(data)
    names = metrics + scores
    table = [[_value(candidate, name) for name in names] for candidate in data.candidates]
    best = [_best([row[column] for row in table], name) for column, name in enumerate(names)]
    return [
        CandidateRow(
            name=candidate.name,
            title=candidate_title(candidate.name),
            description=candidate.description,
            delivered=candidate.name == data.delivered,
            cells=tuple(
                Cell(name, value, format_value(name, value), best=value is not None and value == best[column])
                for column, (name, value) in enumerate(zip(names, row, strict=True))
            ),
        )
        for candidate, row in zip(data.candidates, table, strict=True)
    ]


def _value(candidate: Candidate, name: str) -> float | None:
    if name in METRICS:
        return candidate.evaluation.metrics.get(name) if candidate.evaluation else None
    return candidate.scores.get(name)


def _best(values: Sequence[float | None], name: str) -> float | None:
    """Return the best of several values, None where there is no contest or no better."""
    known = [value for value in values if value is not None]
    better = quantity(name).better
    if len(known) < 2 or better is None:
        return None
    return max(known) if better == "higher" else min(known)


def facts(data: RunData) -> list[tuple[str, str]]:
    """Return the sizes of the run as (what, how much), for the tiles at the top.

    Args:
        data: run.
    """
    tiles = [(count_title(name), f"{count:,}") for name, count in data.counts.items()]
    if data.labels:
        tiles.append(("classes", str(len(data.labels))))
    if data.timings:
        tiles.append(("total time", duration(sum(data.timings.values()))))
    if data.peak_memory_mb is not None:
        tiles.append(("peak memory", _memory(data.peak_memory_mb)))
    return tiles


def _memory(megabytes: float) -> str:
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 1024 else f"{megabytes:.0f} MB"


def timing_rows(data: RunData) -> list[Timing]:
    """Return the time of each stage.

    Args:
        data: run.
    """
    total = sum(data.timings.values())
    return [
        Timing(stage_title(stage), duration(seconds), seconds / total if total > 0 else 0.0)
        for stage, seconds in data.timings.items()
    ]
