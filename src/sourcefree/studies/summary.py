"""What a study's rows say: means and spreads, the gap recovered, wins and losses, costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from sourcefree.markdown import markdown_table
from sourcefree.studies.cell import Row
from sourcefree.studies.leads import clear_wins, counted, paired

_TIE = 1e-9


@dataclass(frozen=True)
class Spread:
    """Mean over seeds.

    Attributes:
        mean: arithmetic mean; NaN where nothing was measured.
        std: sample standard deviation; NaN for one seed.
        count: how many seeds.
    """

    mean: float
    std: float
    count: int

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        """Return mean and spread of numbers."""
        if not values:
            return Spread(math.nan, math.nan, 0)
        return Spread(fmean(values), stdev(values) if len(values) > 1 else math.nan, len(values))


def names(rows: Sequence[Row], column: str) -> list[str]:
    """Return the different values of a column in the order they first occur."""
    return list(dict.fromkeys(str(row[column]) for row in rows))


def by_run(rows: Sequence[Row]) -> list[list[Row]]:
    """Return the rows of each task and seed, which stand on one source model, in the order they first occur."""
    groups: dict[tuple[str, float], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["task"], row["seed"]), []).append(row)
    return list(groups.values())


def spread(rows: Sequence[Row], *, task: str, method: str, column: str = "accuracy") -> Spread:
    """Return mean and spread of a column over the seeds of one method on one task; diverged runs are left out."""
    found = [row[column] for row in rows if row["task"] == task and row["method"] == method]
    return Spread.of([float(value) for value in found if value is not None])


def average(rows: Sequence[Row], *, method: str, column: str = "accuracy") -> float:
    """Return the mean over tasks of the means over seeds; NaN unless the method has a number on every task."""
    means = [spread(rows, task=task, method=method, column=column).mean for task in names(rows, "task")]
    return fmean(means) if means and all(math.isfinite(mean) for mean in means) else math.nan


def paired_means(rows: Sequence[Row], *, task: str, methods: Sequence[str]) -> list[float]:
    """Return each method's mean accuracy on a task over the seeds that all have: another seed is another source model."""
    shared = in_common([row for row in rows if row["task"] == task and row["method"] in methods])
    return [spread(shared, task=task, method=method).mean for method in methods]


def recovered(rows: Sequence[Row], *, task: str, method: str) -> float:
    """Return (method - source-only) / (oracle - source-only) of the means over common seeds; NaN without an oracle."""
    ours, low, high = paired_means(rows, task=task, methods=(method, "source-only", "oracle"))
    return (ours - low) / (high - low) if high > low else math.nan


def wins(rows: Sequence[Row], *, method: str, other: str) -> tuple[int, int, int]:
    """Return on how many (task, seed) the method is better, equal and worse than another one."""
    pairs = paired(rows, "accuracy", method=method, other=other)
    return counted((ours - theirs, _TIE) for ours, theirs in pairs)


def tasks_won(rows: Sequence[Row], *, method: str, other: str) -> tuple[int, int, int]:
    """Return on how many tasks the method's mean over common seeds is above, equal to and below another one's."""
    means = (paired_means(rows, task=task, methods=(method, other)) for task in names(rows, "task"))
    return counted((ours - theirs, _TIE) for ours, theirs in means)


def in_common(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of those tasks and seeds on which every method was measured; others are no comparison."""
    done = [row for row in rows if row.get("accuracy") is not None]
    measured = [_runs(done, method) for method in names(rows, "method")]
    shared = set.intersection(*measured) if measured else set()
    return [row for row in done if (row["task"], row["seed"]) in shared]


def _runs(rows: Sequence[Row], method: str) -> set[tuple[str, int]]:
    """Return the tasks and seeds that a method has rows of."""
    return {(row["task"], row["seed"]) for row in rows if row["method"] == method}


@dataclass(frozen=True)
class Table:
    """A table for people.

    Attributes:
        title: what it shows.
        header: column names, the first of them of the row names.
        body: text of every cell.
        note: a sentence below it.
    """

    title: str
    header: list[str]
    body: list[list[str]]
    note: str = ""

    def to_markdown(self) -> str:
        """Return the table in Markdown."""
        note = f"\n\n{self.note}" if self.note else ""
        return f"**{self.title}**\n\n{markdown_table(self.header, self.body, numbers=True)}{note}"


def summary_tables(rows: Sequence[Row], *, transposed: bool = False) -> list[Table]:
    """Return all tables that the rows can fill.

    Args:
        rows: of one study; with answers (:func:`sourcefree.studies.leads.with_answers`), chance has a table of its own.
        transposed: tasks in the rows, methods in the columns.
    """
    tables = [
        _score_table(rows, "Accuracy, %", "accuracy", transposed),
        _score_table(rows, "Class-mean accuracy, %", "class_mean_accuracy", transposed),
    ]
    if any(row.get("delivered_accuracy") is not None for row in rows):
        tables.append(_score_table(rows, "Accuracy of what the guard delivers, %", "delivered_accuracy", transposed))
    translated = [row for row in rows if row.get("translated_accuracy") is not None]
    if translated:
        tables.append(_score_table(translated, "Accuracy of translated images, %", "translated_accuracy", transposed))
    calibrated = [row for row in rows if row.get("calibrated_ece") is not None]
    if calibrated:
        tables.append(_calibration_table(calibrated, transposed))
    methods = names(rows, "method")
    if {"source-only", "oracle"} <= set(methods):
        tables.append(_recovered_table(rows))
    if len(methods) > 2 and not transposed:
        tables.append(_wins_table(rows, methods, "Tasks won", tasks_won, "by the means over common seeds"))
        tables.append(_wins_table(rows, methods, "Runs won", wins, "counted over tasks and seeds"))
    if len(methods) > 1 and not transposed and any("correct" in row for row in rows):
        tables.append(_clear_wins_table(rows, methods))
    tables.append(_cost_table(rows))
    return tables


def _score_table(rows: Sequence[Row], title: str, column: str, transposed: bool) -> Table:
    tasks, methods = names(rows, "task"), names(rows, "method")

    def cells(method: str) -> list[str]:
        return [_percent(spread(rows, task=task, method=method, column=column)) for task in tasks]

    notes = [_diverged_note(rows), _mixed_note(rows)]
    if transposed:
        columns = [cells(method) for method in methods]
        body = [[task, *(column[place] for column in columns)] for place, task in enumerate(tasks)]
        return Table(title, ["task", *map(_marked, methods)], body, _joined(notes))
    means, note = _mean_columns(rows, column) if len(tasks) > 1 else ({}, "")
    body = [
        [_marked(method), *cells(method), *(number_text(100 * mean[method]) for mean in means.values())]
        for method in methods
    ]
    return Table(title, ["method", *tasks, *means], body, _joined([note, *notes]))


def _mean_columns(rows: Sequence[Row], column: str) -> tuple[dict[str, dict[str, float]], str]:
    """Return the means of every method by column title, and what must be said of them.

    Methods that were measured on other seeds saw other source models. So the mean is of methods that have every run of the
    table, and where some have not, a second column is over the runs that all have.
    """
    methods = names(rows, "method")
    done = [row for row in rows if row.get("accuracy") is not None]  # a run that diverged is in no mean
    runs = {method: _runs(done, method) for method in methods}
    every = set.union(*runs.values())
    means = {
        method: average(rows, method=method, column=column) if runs[method] == every else math.nan for method in methods
    }
    if all(measured == every for measured in runs.values()):
        return {"mean": means}, ""
    shared = in_common(rows)
    if not shared:
        return {"mean": means}, f"Mean: of methods with all {len(every)} runs. There is no run that all methods have."
    common = {method: average(shared, method=method, column=column) for method in methods}
    count, tasks = len({(row["task"], row["seed"]) for row in shared}), len(names(shared, "task"))
    note = (
        f"Mean: of methods with all {len(every)} runs. In common: over {count} runs on {tasks} tasks, which all have."
    )
    return {"mean": means, "in common": common}, note


def _calibration_table(rows: Sequence[Row], transposed: bool) -> Table:
    tasks, methods = names(rows, "task"), names(rows, "method")

    def cell(task: str, method: str) -> str:
        before, after = (spread(rows, task=task, method=method, column=name).mean for name in ("ece", "calibrated_ece"))
        return _step(before, after)

    title = "Calibration error before and after calibration without labels, %"
    if transposed:
        return Table(title, ["task", *map(_marked, methods)], [[t, *(cell(t, m) for m in methods)] for t in tasks])
    (before, note), (after, _) = (_mean_columns(rows, name) for name in ("ece", "calibrated_ece"))
    means = before if len(tasks) > 1 else {}
    body = [
        [_marked(m), *(cell(t, m) for t in tasks), *(_step(before[name][m], after[name][m]) for name in means)]
        for m in methods
    ]
    return Table(title, ["method", *tasks, *means], body, note if means else "")


def _recovered_table(rows: Sequence[Row]) -> Table:
    tasks = names(rows, "task")
    methods = [method for method in names(rows, "method") if method not in ("source-only", "oracle")]
    body = [
        [method, *(number_text(100 * recovered(rows, task=task, method=method)) for task in tasks)]
        for method in methods
    ]
    note = "Share of the way from source-only to the oracle, which trains with target labels, on the seeds that all three have."
    return Table("Gap recovered, %", ["method", *tasks], body, note)


def _clear_wins_table(rows: Sequence[Row], methods: list[str]) -> Table:
    how = "where a lead is clear that other test scenes would hardly undo (95 %); over runs whose answers were kept"
    return _wins_table(
        rows, methods, "Runs won beyond chance", clear_wins, how, states="ahead - too near to tell - behind"
    )


def _wins_table(
    rows: Sequence[Row],
    methods: list[str],
    title: str,
    count: Callable[..., tuple[int, int, int]],
    how: str,
    *,
    states: str = "better - equal - worse",
) -> Table:
    compared = [method for method in methods if method != "oracle"]

    def text(method: str, other: str) -> str:
        return "" if method == other else "-".join(str(n) for n in count(rows, method=method, other=other))

    body = [[method, *(text(method, other) for other in compared)] for method in compared]
    return Table(title, ["", *compared], body, f"Row against column: {states}, {how}.")


def _cost_table(rows: Sequence[Row]) -> Table:
    columns: list[tuple[str, str, Callable[[float], str]]] = [
        ("training, s", "seconds", lambda value: f"{value:.0f}"),
        ("images seen", "images", lambda value: f"{value:,.0f}"),
        ("peak memory, MB", "peak_memory_mb", lambda value: f"{value:,.0f}"),
        ("parameters, M", "parameters", lambda value: f"{value / 1e6:.2f}"),
    ]
    body = []
    shared = in_common(rows)
    for method in names(rows, "method"):
        ours = [row for row in shared or rows if row["method"] == method]
        cells = []
        for _, column, show in columns:
            values = [float(row[column]) for row in ours if row.get(column) is not None]
            cells.append(show(fmean(values)) if values else "")
        body.append([_marked(method), *cells])
    over = "the tasks and seeds that all methods have in common" if shared else "what each method has been measured on"
    note = f"Means over {over}; parameters are those of the model that is used at inference."
    return Table("Cost", ["method", *(title for title, _, _ in columns)], body, note)


def _diverged_note(rows: Sequence[Row]) -> str:
    lost = [f"{row['method']} on {row['task']} (seed {row['seed']})" for row in rows if row.get("status") == "diverged"]
    return f"Diverged and left out of the means: {', '.join(lost)}." if lost else ""


def _mixed_note(rows: Sequence[Row]) -> str:
    """Name what was measured on different source models: they differ between machines, so a moved table must not grow."""
    found: dict[str, set[float]] = {}
    for row in rows:
        if row.get("source_only_accuracy") is not None:
            found.setdefault(f"{row['task']} (seed {row['seed']})", set()).add(row["source_only_accuracy"])
    mixed = [name for name, accuracies in found.items() if len(accuracies) > 1]
    return (
        f"Not one source model for all rows: {', '.join(mixed)}. They come from several machines or caches; take their "
        "rows out of results.csv and run the study again."
        if mixed
        else ""
    )


def _joined(notes: Sequence[str]) -> str:
    return " ".join(filter(None, notes))


def _marked(method: str) -> str:
    return "oracle (uses target labels)" if method == "oracle" else method


def _percent(value: Spread) -> str:
    if not value.count:
        return ""
    text = f"{100 * value.mean:.1f}"
    return text if math.isnan(value.std) else f"{text} ± {100 * value.std:.1f}"


def _step(before: float, after: float) -> str:
    return f"{100 * before:.1f} → {100 * after:.1f}" if math.isfinite(before) and math.isfinite(after) else ""


def number_text(value: float, *, digits: int = 1) -> str:
    """Return a number as text; nothing where it is none, so that a mean over some tasks is not read beside one over all.

    Args:
        value: the number.
        digits: after the point.
    """
    return f"{value:.{digits}f}" if math.isfinite(value) else ""
