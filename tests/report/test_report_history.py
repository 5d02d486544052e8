from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from sourcefree.report.history import read_history


def history(path: Path, lines: list[Any]) -> tuple[Any, Any, list[str]]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (path / "metrics.jsonl").write_text(text, encoding="utf-8")
    notes: list[str] = []
    losses, scores = read_history(path / "metrics.jsonl", notes)
    return losses, scores, notes


def test_terms_and_scores_become_series_by_stage(tmp_path: Path) -> None:
    losses, scores, notes = history(
        tmp_path,
        [
            {"stage": "tgmb", "epoch": 0, "step": 5, "terms": {"loss": 3.0, "rec": 1.0}},
            {"stage": "tgmb", "epoch": 1, "step": 10, "terms": {"loss": 2.0, "rec": 0.5}},
            {"stage": "tgkt", "epoch": 0, "step": 4, "terms": {"loss": 9.0}},
            {"stage": "tgkt", "epoch": 0, "scores": {"pair_agreement": 0.4}},
        ],
    )
    assert [(series.stage, series.name, series.x, series.y) for series in losses] == [
        ("tgmb", "loss", (0, 1), (3.0, 2.0)),
        ("tgmb", "rec", (0, 1), (1.0, 0.5)),
        ("tgkt", "loss", (0,), (9.0,)),
    ]
    assert [(series.name, series.y) for series in scores] == [("pair_agreement", (0.4,))]
    assert notes == []


def test_an_epoch_written_again_after_resume_counts_once(tmp_path: Path) -> None:
    line = {"stage": "s", "epoch": 0, "step": 3, "terms": {"loss": 5.0}}
    ((series,), _, _) = history(tmp_path, [line, {**line, "terms": {"loss": 4.0}}])
    assert series.x == (0,) and series.y == (4.0,)


def test_half_a_line_is_skipped_and_told(tmp_path: Path) -> None:
    good = {"stage": "s", "epoch": 0, "terms": {"loss": 1.0}}
    losses, _, notes = history(tmp_path, [good, '{"stage": "s", "epo', "3", '{"stage": "s"}'])
    assert len(losses) == 1
    assert notes == ["metrics.jsonl: 3 unreadable lines were skipped."]


def test_values_that_are_not_finite_stay_gaps(tmp_path: Path) -> None:
    lines = [
        '{"stage": "s", "epoch": 0, "terms": {"loss": NaN}}',
        '{"stage": "s", "epoch": 1, "terms": {"loss": null}}',
    ]
    ((series,), _, _) = history(tmp_path, lines)
    assert all(math.isnan(value) for value in series.y)


def test_no_file_is_no_history(tmp_path: Path) -> None:
    assert read_history(tmp_path / "metrics.jsonl", []) == ((), ())
