"""The table of a study: one row a cell, written whole after every cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sourcefree.errors import DataError
from sourcefree.files import whole_file, write_text
from sourcefree.selection.objective import SIGNS
from sourcefree.studies.cell import Row

COLUMNS = (
    *("task", "method", "seed", "status"),
    *("accuracy", "class_mean_accuracy", "macro_f1", "ece", "calibrated_ece"),
    *("translated_accuracy", "source_only_accuracy", "adabn_accuracy", "delivered", "delivered_accuracy"),
    *(*SIGNS, "mixing_temperature"),
    *("seconds", "wall_seconds", "peak_memory_mb", "parameters", "images"),
    *("target_images", "pairs", "test_images", "uses_labels", "note", "key"),
)
_TEXT = ("task", "method", "status", "delivered", "note", "key")
_POINT_TEXT = ("task", "method", "stage")
_BY_SCENE = "correct"  # words of zeros and ones, see sourcefree.studies.points.by_scene
_WHOLE = ("seed", "parameters", "images", "target_images", "pairs", "test_images")


class ResultTable:
    """Rows by key in a CSV file, for people and for resuming.

    Args:
        path: the file; read where it exists.

    Raises:
        DataError: the file is none of ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, Row] = {}
        if path.is_file():
            self.rows = {row["key"]: row for row in _read(path)}

    def add(self, row: Row) -> None:
        """Take a row, as it will be read again, and write the file, in place of the one before and never half.

        With all its digits, a fresh row could be rounded another way in a table than the same row read from the file.
        """
        self.rows[row["key"]] = {name: _value(name, _text(row.get(name))) for name in COLUMNS}
        write_csv(self.path, COLUMNS, self.rows.values())


def write_parquet(rows: list[Row], path: Path) -> None:
    """Write the table as Parquet, in place of the one before and never half."""
    import polars

    columns = {name: [row.get(name) for row in rows] for name in COLUMNS}
    with whole_file(path) as temporary:
        polars.DataFrame(columns, strict=False).write_parquet(temporary)


def write_points(points: list[Row], path: Path) -> None:
    """Write the points of a study as CSV; nothing where there are none."""
    if not points:
        return
    columns = list(dict.fromkeys(name for point in points for name in point))
    write_csv(path, columns, points)


def read_point_table(path: Path) -> list[Row]:
    """Return the rows of a study's ``points.csv``.

    Raises:
        DataError: there is none, or it is another kind of table.
    """
    hint = "it is written by sourcefree compare: move this one away, and write it again with --tables-only"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [_point(row) for row in csv.DictReader(file)]
    except (UnicodeDecodeError, csv.Error, TypeError, ValueError) as error:
        raise DataError(f"{path}: not the points of a study ({error})", hint=hint) from error
    except OSError as error:
        raise DataError(
            f"{path}: no points of a study", hint="run sourcefree compare first, with this --out"
        ) from error
    if not rows or not all({*_POINT_TEXT, "seed", "progress", "accuracy"} <= set(row) for row in rows):
        raise DataError(f"{path}: not the points of a study", hint=hint)
    return rows


def _point(row: Mapping[str, str]) -> Row:
    return {name: value if name in (*_POINT_TEXT, _BY_SCENE) else float(value) for name, value in row.items() if value}


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows as CSV, in place of the file before and never half; numbers with six digits."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _text(row.get(name)) for name in columns} for row in rows)
    write_text(path, buffer.getvalue())


def _read(path: Path) -> list[Row]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if "key" not in (reader.fieldnames or ()):
                raise DataError(f"{path}: not the table of a study: no column 'key'", hint="choose another --out")
            return [{name: _value(name, text) for name, text in row.items() if name in COLUMNS} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise DataError(f"{path}: not the table of a study ({error})", hint="choose another --out") from error


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _value(name: str, text: str | None) -> Any:
    if text is None or text == "":
        return None
    if name in _TEXT:
        return text
    if name == "uses_labels":
        return text == "True"
    return int(text) if name in _WHOLE else float(text)
