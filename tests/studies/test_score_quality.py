"""Points of trainings, and what label-free scores are worth on them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from sourcefree.errors import DataError
from sourcefree.studies.points import collect_points
from sourcefree.studies.results import read_point_table, write_points
from sourcefree.studies.score_quality import (
    moment_gains,
    quality,
    quality_tables,
    score_names,
)


def point(
    stage: str, progress: float, accuracy: float, answers: list[list[float]], **scores: float
) -> dict[str, object]:
    return {"stage": stage, "progress": progress, "accuracy": accuracy, "scores": scores, "answers": answers}


FIRST, SECOND = [[0.9, 0.1], [0.8, 0.2]], [[0.2, 0.8], [0.1, 0.9]]


@pytest.fixture
def points(tmp_path: Path) -> list[dict[str, object]]:
    shared = point("source-only", 1.0, 0.3, FIRST, good=1.0)
    (tmp_path / "a.json").write_text(json.dumps([shared, point("shot", 0.5, 0.4, FIRST, good=2.0)]))
    (tmp_path / "b.json").write_text(json.dumps([shared, point("adapted", 1.0, 0.6, SECOND, good=3.0)]))
    rows = [{"key": key, "task": "t", "seed": 0, "method": method} for key, method in (("a", "shot"), ("b", "ours"))]
    return collect_points([*rows, {"key": "none", "task": "t", "seed": 0, "method": "old"}], tmp_path)


def test_points_of_all_cells_with_the_shared_models_once(points: list[dict[str, object]]) -> None:
    assert [(p["method"], p["progress"], p["accuracy"]) for p in points] == [
        ("source-only", 1.0, 0.3),
        ("shot", 0.5, 0.4),
        ("ours", 1.0, 0.6),
    ]
    # Two of three say class 0 for both images: that is the ensemble's answer.
    assert [p["ensemble_agreement"] for p in points] == [1.0, 1.0, 0.0]


def test_points_come_back_from_their_table(points: list[dict[str, object]], tmp_path: Path) -> None:
    write_points(points, tmp_path / "points.csv")
    assert read_point_table(tmp_path / "points.csv") == points
    with pytest.raises(DataError, match="run sourcefree compare first"):
        read_point_table(tmp_path / "nothing.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="not the points of a study"):
        read_point_table(tmp_path / "other.csv")


@pytest.mark.parametrize("content", [b"0.5x", b"\xff", b"0.5,extra", b""])
def test_damaged_points_are_refused_and_not_a_crash(
    points: list[dict[str, object]], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "points.csv").write_bytes(
        b"task,seed,method,stage,progress,accuracy\nt,0,m,adapted,1,0.5\nt,0,m,adapted,1," + content + b"\n"
    )
    with pytest.raises(DataError, match="not the points of a study"):
        read_point_table(tmp_path / "points.csv")


def test_a_model_that_saw_labels_stands_in_no_competition_whatever_its_name(tmp_path: Path) -> None:
    rows = []
    for method, accuracy in (("a", 0.5), ("oracle, longer", 0.9)):
        (tmp_path / f"{method}.json").write_text(
            json.dumps([point("adapted", 1.0, accuracy, FIRST, good=1 - accuracy)])
        )
        rows.append({"key": method, "task": "t", "seed": 0, "method": method, "uses_labels": method != "a"})
    write_points(collect_points(rows, tmp_path), tmp_path / "points.csv")
    found = read_point_table(tmp_path / "points.csv")
    assert score_names(found) == ["good", "ensemble_agreement"]
    assert quality_tables(found)[1].body[0] == ["good", "0.0", "0.0", "0.0"]
    assert quality_tables(found)[0].note.startswith("1 models")


def test_points_whose_answers_are_gone_stay_and_have_no_part_in_a_new_ensemble(
    points: list[dict[str, object]], tmp_path: Path
) -> None:
    (tmp_path / "b.json").unlink()
    newer = point("shot", 0.5, 0.45, FIRST, good=2.5)
    (tmp_path / "a.json").write_text(json.dumps([newer]))
    rows = [{"key": key, "task": "t", "seed": 0, "method": method} for key, method in (("a", "shot"), ("b", "ours"))]
    elsewhere = [{**points[0], "seed": 1}, {**points[0], "method": "not in the study"}]
    found = collect_points(rows, tmp_path, known=[*points, *elsewhere])
    assert [(p["method"], p["accuracy"], p.get("ensemble_agreement")) for p in found] == [
        ("source-only", 0.3, 1.0),
        ("ours", 0.6, 0.0),
        ("shot", 0.45, None),
    ]
    assert quality(found, task="t", score="ensemble_agreement").regrets == (pytest.approx(0.3),)
    assert quality(found, task="t", score="good").regrets == (0.0,)


def test_an_informed_ensemble_hears_the_better_models_and_none_that_saw_labels(tmp_path: Path) -> None:
    """Three models say class 0, one with a far better score says class 1; the oracle, better still, has no say."""
    rows = []
    answers = {"a": (FIRST, 0.1), "b": (FIRST, 0.2), "c": (FIRST, 0.15), "good": (SECOND, 0.9), "oracle": (FIRST, 5.0)}
    for method, (given, score) in answers.items():
        content = [point("adapted", 1.0, 0.5, given, target_information=score)]
        (tmp_path / f"{method}.json").write_text(json.dumps(content))
        rows.append({"key": method, "task": "t", "seed": 0, "method": method, "uses_labels": method == "oracle"})
    found = {p["method"]: p for p in collect_points(rows, tmp_path)}
    assert [found[name]["ensemble_agreement"] for name in "abc"] == [1.0, 1.0, 1.0]
    assert [found[name]["informed_agreement"] for name in ("a", "b", "c", "good")] == [0.0, 0.0, 0.0, 1.0]
    assert "ensemble_agreement" not in found["oracle"]


def test_correlation_and_regret_by_hand() -> None:
    rows = [
        {
            **{"task": "t", "seed": seed, "method": "m", "stage": "adapted", "progress": 1 - abs(accuracy - 0.5)},
            **{"accuracy": accuracy, "up": up, "pair_divergence": down},
        }
        for seed, triples in (
            (0, [(0.2, 1, 3), (0.5, 2, 2), (0.9, 3, 1)]),
            (1, [(0.2, 3, 1), (0.5, 2, 2), (0.9, 1, 3)]),
        )
        for accuracy, up, down in triples
    ]
    for score in ("up", "pair_divergence"):  # a divergence is better where it is lower
        found = quality(rows, task="t", score=score)
        assert found.correlation == pytest.approx(0.0)  # 1 in one seed, -1 in the other
        assert found.regrets == pytest.approx((0.0, 0.7))
    assert score_names(rows) == ["up", "pair_divergence"]
    oracle = {**rows[0], "method": "oracle", "progress": 1, "accuracy": 1.0, "up": 0, "pair_divergence": 9}
    correlation, regret, finished, moments, estimates = quality_tables([*rows, oracle])
    assert correlation.body[0] == ["up", "0.00", "0.00"]
    assert regret.body[0] == ["up", "35.0", "35.0", "70.0"]
    # Both trainings end at 0.5, and nothing else is finished.
    assert finished.body[0] == ["up", "0.0", "0.0", "0.0"]
    # By "up" the first would have been left at 0.9, the second at 0.2.
    assert moments.body[0] == ["up", "+5.0", "-30.0", "+40.0"]
    assert not estimates.body  # no score that an estimate could be made of


def test_two_scores_are_combined_within_a_task_and_seed_where_every_model_has_both() -> None:
    """Either score misplaces models that the other does not; together two remain alike. The second task lacks a value."""
    rows = [
        {
            **{"task": task, "seed": 0, "method": "m", "stage": "adapted", "progress": 1, "accuracy": accuracy},
            **{"target_information": first, "informed_agreement": second},
        }
        for task in "ab"
        for accuracy, first, second in ((0.9, 4, 3), (0.8, 1, 4), (0.6, 3, 1), (0.5, 2, 2), (0.4, 0, 0))
    ]
    del rows[-1]["informed_agreement"]
    correlation, _, finished, *_ = quality_tables(rows)
    assert [line[:3] for line in correlation.body] == [
        ["target_information", "0.70", "0.70"],
        ["informed_agreement", "0.80", "0.60"],
        ["combined_rank", "0.97", ""],
    ]
    assert {line[0]: line[1:] for line in finished.body}["combined_rank"] == ["0.0", "", "", ""]


def test_tasks_count_alike_however_many_seeds_they_have_and_what_is_no_number_is_not_chosen() -> None:
    rows = [
        {
            **{"task": task, "seed": seed, "method": "m", "stage": "adapted", "progress": 1},
            **{"accuracy": accuracy, "score": score},
        }
        for task, seed, scores in (("a", 0, (2, 1)), ("a", 1, (2, 1)), ("a", 2, (2, math.nan)), ("b", 0, (1, 2)))
        for accuracy, score in zip((0.9, 0.7), scores, strict=True)
    ]
    assert quality_tables(rows)[1].body == [["score", "0.0", "20.0", "10.0", "20.0"]]


def test_the_error_of_the_estimate_is_that_of_the_ends() -> None:
    shared = {"task": "t", "seed": 0, "method": "m", "stage": "adapted"}
    rows = [
        {**shared, "progress": 0.5, "accuracy": 0.0, "estimated_accuracy": 0.9},
        {
            **shared,
            "progress": 1,
            "accuracy": 0.6,
            "estimated_accuracy": 0.7,
            "estimate_low": 0.6,
            "estimate_high": 0.8,
        },
        {
            **shared,
            "progress": 1,
            "method": "other",
            "accuracy": 0.3,
            "estimated_accuracy": 0.9,
            "estimate_low": 0.4,
            "estimate_high": 1.0,
        },
        {**shared, "progress": 1, "method": "of an older version", "accuracy": 0.3, "estimated_accuracy": 0.9},
    ]
    table = quality_tables(rows)[-1]
    assert table.body == [["t", "2", "+35.0", "+10.0", "+60.0", "50 %"]]


def test_the_moment_is_chosen_among_models_of_one_training() -> None:
    def row(method: str, stage: str, progress: float, accuracy: float, up: float) -> dict[str, object]:
        shared = {"task": "t", "seed": 0, "method": method, "stage": stage, "progress": progress}
        return {**shared, "accuracy": accuracy, "up": up}

    rows = [
        row("adabn", "adabn", 1, 0.9, 99),
        row("m", "translated", 1, 0.9, 99),
        row("m", "multilevel", 0.5, 0.7, 3),
        row("m", "adapted", 1, 0.6, 2),
        row("other", "adapted", 1, 0.8, 9),
    ]
    assert moment_gains(rows, "up") == pytest.approx([0.1])
    # A score that is not there at every moment of any training chooses none.
    late = [{**r, "late": 1.0} if r["progress"] == 1 else r for r in rows]
    assert [line[0] for line in quality_tables(late)[3].body] == ["up"]
    rival = [row("m", "aad", 0.5, 0.9, 8), row("m", "aad", 1, 0.9, 8)]
    assert moment_gains([*rows, *rival], "up") == pytest.approx([0.1])
