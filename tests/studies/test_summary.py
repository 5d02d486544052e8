from __future__ import annotations

import math
from pathlib import Path

import polars
import pytest

from sourcefree.errors import DataError
from sourcefree.studies.results import ResultTable, write_parquet
from sourcefree.studies.summary import average, recovered, spread, summary_tables, tasks_won, wins


def row(task: str, method: str, seed: int, accuracy: float | None, **more: object) -> dict[str, object]:
    base = {"task": task, "method": method, "seed": seed, "accuracy": accuracy, "class_mean_accuracy": accuracy}
    status = "diverged" if accuracy is None else "done"
    return {**base, "status": status, "seconds": 2.0, "key": f"{task}{method}{seed}", **more}


ROWS = [
    row("a", "source-only", 0, 0.2),
    row("a", "source-only", 1, 0.4),
    row("a", "ours", 0, 0.5),
    row("a", "ours", 1, 0.4),
    row("a", "oracle", 0, 0.9),
    row("a", "oracle", 1, 0.7),
    row("b", "source-only", 0, 0.5),
    row("b", "ours", 0, None, note="not finite"),
    row("b", "oracle", 0, 0.6),
]


def test_means_spreads_and_recovered_gap_by_hand() -> None:
    found = spread(ROWS, task="a", method="ours")
    assert (found.mean, found.std, found.count) == (pytest.approx(0.45), pytest.approx(math.sqrt(0.005)), 2)
    assert recovered(ROWS, task="a", method="ours") == pytest.approx((0.45 - 0.3) / (0.8 - 0.3))
    assert average(ROWS, method="source-only") == pytest.approx((0.3 + 0.5) / 2)


def test_a_diverged_run_has_no_mean_and_is_named() -> None:
    assert math.isnan(average(ROWS, method="ours"))
    assert "ours on b (seed 0)" in summary_tables(ROWS)[0].note


def test_rows_of_different_source_models_are_named() -> None:
    rows = [
        row("a", "source-only", 0, 0.2, source_only_accuracy=0.2),
        row("a", "ours", 0, 0.5, source_only_accuracy=0.2),
        row("a", "source-only", 1, 0.3, source_only_accuracy=0.3),
        row("a", "ours", 1, 0.5, source_only_accuracy=0.31),
    ]
    assert summary_tables(rows[:3])[0].note == ""
    note = summary_tables(rows)[0].note
    assert "a (seed 1)" in note
    assert "seed 0" not in note


def test_calibration_errors_stand_side_by_side_before_and_after() -> None:
    rows = [
        row("a", "ours", 0, 0.5, ece=0.1, calibrated_ece=0.04),
        row("a", "ours", 1, 0.5, ece=0.2, calibrated_ece=0.05),
        row("b", "ours", 0, 0.5, ece=0.05, calibrated_ece=0.155),
    ]
    title = "Calibration error before and after calibration without labels, %"
    (table,) = (table for table in summary_tables(rows) if table.title == title)
    assert table.body == [["ours", "15.0 → 4.5", "5.0 → 15.5", "10.0 → 10.0"]]
    (table,) = (table for table in summary_tables(rows, transposed=True) if table.title == title)
    assert (table.header, table.body) == (["task", "ours"], [["a", "15.0 → 4.5"], ["b", "5.0 → 15.5"]])
    assert title not in [table.title for table in summary_tables(ROWS)]  # nothing was calibrated
    # A method that lacks a run has no mean beside those that have all; over the common runs it has.
    some = [*rows, row("a", "other", 0, 0.5, ece=0.3, calibrated_ece=0.2)]
    (table,) = (table for table in summary_tables(some) if table.title == title)
    assert table.header[-2:] == ["mean", "in common"]
    assert [line[-2:] for line in table.body] == [["10.0 → 10.0", "10.0 → 4.0"], ["", "30.0 → 20.0"]]


def test_wins_are_counted_over_tasks_and_seeds() -> None:
    assert wins(ROWS, method="ours", other="source-only") == (1, 1, 0)
    assert wins(ROWS, method="source-only", other="ours") == (0, 1, 1)
    assert wins(ROWS, method="oracle", other="source-only") == (3, 0, 0)
    assert tasks_won(ROWS, method="oracle", other="source-only") == (2, 0, 0)
    assert tasks_won(ROWS, method="ours", other="source-only") == (1, 0, 0)  # diverged on b: neither won nor lost


def test_methods_are_compared_on_the_seeds_that_they_share() -> None:
    """Seed 1 has a far better source model: a method that has seed 0 alone must not look worse for it."""
    rows = [
        *(row("a", "source-only", 0, 0.2), row("a", "source-only", 1, 0.8)),
        *(row("a", "oracle", 0, 0.6), row("a", "oracle", 1, 0.9)),
        *(row("a", "full", 0, 0.3), row("a", "full", 1, 0.9)),
        row("a", "part", 0, 0.4),
        *(row("b", method, 0, 0.5) for method in ("source-only", "oracle", "full", "part")),
    ]
    assert recovered(rows, task="a", method="part") == pytest.approx((0.4 - 0.2) / (0.6 - 0.2))
    assert recovered(rows, task="a", method="full") == pytest.approx((0.6 - 0.5) / (0.75 - 0.5))
    assert tasks_won(rows, method="part", other="full") == (1, 1, 0)
    table = summary_tables(rows)[0]
    assert table.header == ["method", "a", "b", "mean", "in common"]
    means = {line[0]: line[-2:] for line in table.body}
    assert means["full"] == ["55.0", "40.0"]
    assert means["part"] == ["", "45.0"]
    assert "all 3 runs" in table.note
    assert "2 runs on 2 tasks" in table.note
    assert summary_tables([one for one in rows if one["seed"] == 0])[0].header[-1] == "mean"


def test_a_method_that_diverged_with_a_seed_has_no_mean_over_all_and_one_over_the_others() -> None:
    """Seed 1 is far easier: a mean without it must not stand beside means with it."""
    rows = [row(task, "whole", seed, 0.2 + 0.6 * seed) for task in "ab" for seed in (0, 1)]
    rows += [row("a", "lost", 0, 0.3), row("a", "lost", 1, None), row("b", "lost", 0, 0.3), row("b", "lost", 1, 0.9)]
    table = summary_tables(rows)[0]
    assert table.header == ["method", "a", "b", "mean", "in common"]
    means = {line[0]: line[-2:] for line in table.body}
    assert means == {"whole": ["50.0", "35.0"], "lost": ["", "45.0"]}
    assert "all 4 runs" in table.note
    assert "lost on a (seed 1)" in table.note
    never = [*rows, *(row(task, "never", seed, None) for task in "ab" for seed in (0, 1))]
    table = summary_tables(never)[0]
    assert table.header == ["method", "a", "b", "mean"]
    assert "no run that all methods have" in table.note


def test_costs_are_compared_on_what_every_method_was_measured_on() -> None:
    dear = [row("b", "source-only", 1, 0.5, images=100), row("b", "oracle", 1, 0.5, images=100)]
    rows = [{"images": 10, **one} for one in ROWS] + dear
    cost = summary_tables(rows)[-1]
    assert [line[2] for line in cost.body] == ["10", "10", "10"]
    assert "in common" in cost.note
    alone = summary_tables([row("a", "ours", 0, 0.5, images=10), row("b", "oracle", 0, 0.5, images=100)])[-1]
    assert [line[2] for line in alone.body] == ["10", "100"]
    assert "each method" in alone.note


def test_the_oracle_is_marked_wherever_it_appears() -> None:
    for transposed in (False, True):
        for table in summary_tables(ROWS, transposed=transposed):
            assert "| oracle |" not in table.to_markdown()
            assert "oracle" not in [*table.header, *(line[0] for line in table.body)]


def test_markdown_has_one_line_a_row() -> None:
    text = summary_tables(ROWS)[0].to_markdown().splitlines()
    assert text[2] == "| method | a | b | mean | in common |"
    assert "| source-only | 30.0 ± 14.1 | 50.0 | 40.0 | 30.0 |" in text


def test_names_with_a_bar_or_a_line_break_keep_the_table_whole() -> None:
    rows = [row("a|b", "ours|new\nest", 0, 0.5)]
    for transposed in (False, True):
        for table in summary_tables(rows, transposed=transposed):
            lines = table.to_markdown().split("\n\n")[1].splitlines()
            assert len(lines) == 3
            assert {line.count(" | ") for line in lines} == {len(table.header) - 1}
    assert r"| ours\|new est | 50.0 |" in summary_tables(rows)[0].to_markdown()


def test_a_fresh_row_is_printed_like_the_one_that_is_read_again(tmp_path: Path) -> None:
    """43.749996 % is printed as 43.7 with all its digits, and as 43.8 with the six of the file."""
    table = ResultTable(tmp_path / "results.csv")
    table.add({**ROWS[0], "accuracy": 0.43749996, "seconds": 1 / 3})
    again = ResultTable(tmp_path / "results.csv")
    assert table.rows == again.rows
    fresh, read = (summary_tables(list(rows.values()))[0].to_markdown() for rows in (table.rows, again.rows))
    assert fresh == read


def test_the_table_survives_and_refuses_other_files(tmp_path: Path) -> None:
    table = ResultTable(tmp_path / "results.csv")
    for entry in ROWS:
        table.add(entry)
    again = ResultTable(tmp_path / "results.csv")
    assert list(again.rows) == [entry["key"] for entry in ROWS]
    first = again.rows["asource-only0"]
    assert (first["seed"], first["accuracy"], first["translated_accuracy"]) == (0, 0.2, None)
    write_parquet(list(again.rows.values()), tmp_path / "results.parquet")
    assert polars.read_parquet(tmp_path / "results.parquet")["accuracy"].to_list()[:2] == [0.2, 0.4]
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="not the table of a study"):
        ResultTable(tmp_path / "other.csv")
