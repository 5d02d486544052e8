"""Leads that chance of the test scenes does not explain."""

from __future__ import annotations

import math

import pytest

from sourcefree.studies.leads import clear_wins, lead, with_answers
from sourcefree.studies.summary import summary_tables


def test_a_lead_and_its_room_by_hand() -> None:
    """Three of four scenes differ by nothing, one by two of its images: two of eight images, all in one scene."""
    difference, room = lead("11 11 11 00", "00 11 11 00")
    assert difference == pytest.approx(0.25)
    # Student's t with three degrees of freedom at 95 %, and the variance of 0.25, 0, 0, 0: (0.1875² + 3 * 0.0625²) / 3.
    assert room == pytest.approx(3.182446 * math.sqrt(4 * 0.015625))
    assert lead("00 11 11 00", "11 11 11 00") == (pytest.approx(-0.25), room)


def test_images_of_one_scene_are_no_independent_evidence() -> None:
    apart, together = ["1"] * 12 + ["0"] * 12, ["1" * 12, "0" * 12]
    ahead, room = lead(" ".join(apart), " ".join(["0"] * 24))
    assert ahead > room
    ahead, room = lead(" ".join(together), " ".join(["0" * 12] * 2))
    assert 0 < ahead < room


def test_clear_wins_are_counted_over_runs_with_answers() -> None:
    good, bad = " ".join(["1110"] * 10), " ".join(["1100", "1000"] * 5)
    one_scene = " ".join(["1111", *["1110"] * 9])
    answers = {
        ("a", 0): (good, bad),  # ahead
        ("a", 1): (bad, good),  # behind
        ("b", 0): (one_scene, good),  # ahead in a single scene
    }
    rows = [
        {"task": task, "seed": seed, "method": method, "accuracy": 0.5, "class_mean_accuracy": 0.5}
        for task, seed in [*answers, ("b", 1)]
        for method in ("ours", "other")
    ]
    points = [
        {"task": task, "seed": seed, "method": method, "stage": stage, "progress": progress, "correct": correct}
        for (task, seed), pair in answers.items()
        for method, words in zip(("ours", "other"), pair, strict=True)
        for stage, progress, correct in (
            ("translated", 1.0, bad),
            ("adapted", 1.0, words),
            ("shot", 0.5, bad),
            ("aad", 1.0, bad),
        )
    ]
    found = with_answers(rows, points)
    assert [row.get("correct") for row in found] == [good, bad, bad, good, one_scene, good, None, None]
    assert clear_wins(found, method="ours", other="other") == (1, 1, 1)
    (table,) = (table for table in summary_tables(found) if table.title == "Runs won beyond chance")
    assert table.body == [["ours", "", "1-1-1"], ["other", "1-1-1", ""]]
    assert "Runs won beyond chance" not in [table.title for table in summary_tables(rows)]
