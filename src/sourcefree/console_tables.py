"""Results as tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from sourcefree.evaluation import ClassificationMetrics
    from sourcefree.studies.summary import Table as StudyTable
    from sourcefree.studies.tuning import Trial, TuneResult

_CELL = 7  # columns of a terminal that a number needs, with its frame


def show_scores(console: Console, scores: Mapping[str, Mapping[str, float]], delivered: str) -> None:
    """Print the label-free scores of every candidate."""
    rows = [
        (
            f"{name} (delivered)" if name == delivered else name,
            f"{100 * row['pair_agreement']:.1f} %",
            f"{row['pair_information']:.3f}",
            f"{row['target_information']:.3f}",
            f"{100 * row['mean_confidence']:.1f} %",
        )
        for name, row in scores.items()
    ]
    head = ("without labels", "pair agreement", "pair information", "target information", "mean confidence")
    _show_table(console, "", head, rows)


def show_metrics(console: Console, title: str, metrics: Mapping[str, ClassificationMetrics]) -> None:
    """Print metrics on labelled images, one line a model."""
    rows = [
        (
            name,
            f"{100 * m.accuracy:.1f} %",
            f"{100 * m.class_mean_accuracy:.1f} %",
            f"{100 * m.macro_f1:.1f} %",
            f"{100 * m.ece:.1f} %",
        )
        for name, m in metrics.items()
    ]
    _show_table(console, title, ("model", "accuracy", "class mean", "macro F1", "ECE"), rows)


def show_confusion(
    console: Console, metrics: Mapping[str, ClassificationMetrics], delivered: str, labels: tuple[str, ...]
) -> None:
    """Print the confusion matrix of the delivered model, where it fits a terminal."""
    shown = metrics.get(delivered)
    if shown is None or len(labels) > 12:
        return
    rows = [(label, *(str(int(count)) for count in row)) for label, row in zip(labels, shown.confusion, strict=True)]
    head = ("true \\ predicted", *(label[:8] for label in labels))
    _show_table(console, f"confusion of {delivered}", head, rows)


def show_table(console: Console, table: StudyTable) -> None:
    """Print a table of a study; only its name where the terminal would cut every number short."""
    if len(table.header) * _CELL > console.width:
        console.print(f"[bold]{escape(table.title)}[/]: too wide for this terminal")
        return
    _show_table(console, table.title, table.header, table.body)
    if table.note:
        console.print(table.note, markup=False)


def show_tuning(console: Console, result: TuneResult) -> None:
    """Print the defaults against the best trial, and which trials diverged."""
    default, best = result.default, result.best
    names = dict.fromkeys((*default.record.scores, *best.record.scores))
    rows = [
        ("trial", str(default.number), str(best.number)),
        ("score", *(_number(trial.score) for trial in (default, best))),
        ("delivered", default.record.delivered, best.record.delivered),
        *((name, *(_number(trial.record.scores.get(name)) for trial in (default, best))) for name in names),
        *((name, *(_number(trial.values[name]) for trial in (default, best))) for name in best.values),
    ]
    finished = f"{len(result.trials)} trial{'s' if len(result.trials) > 1 else ''}"
    _show_table(console, f"{finished}, chosen without labels", ("", "default", "best"), rows)
    for trial in (one for one in result.trials if one.record.status == "diverged"):
        text = f"trial {trial.number} diverged with {_settings(trial)}: {trial.record.note}"
        console.print(text, markup=False, soft_wrap=True)
    if best.number == default.number:
        console.print("no other settings were better than the defaults", markup=False, soft_wrap=True)


def _settings(trial: Trial) -> str:
    return ", ".join(f"{name} {_number(value)}" for name, value in trial.values.items())


def _number(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _show_table(console: Console, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; the first column is text, the others are numbers."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for position, name in enumerate(head):
        table.add_column(escape(name), justify="left" if position == 0 else "right")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)
