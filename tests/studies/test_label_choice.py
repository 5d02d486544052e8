"""What labels would be worth beside a choice without."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sourcefree.studies.label_choice import draw, label_tables, rank_correlation, regret
from sourcefree.studies.points import by_scene


def test_answers_are_kept_scene_by_scene_in_the_order_of_the_images() -> None:
    assert by_scene([True, False, True, False], [0, 0, 1, 0]) == "100 1"
    with pytest.raises(ValueError, match="longer"):
        by_scene([True], [0, 1])


def test_regret_and_rank_correlation_by_hand() -> None:
    accuracy = np.asarray([[0.5, 0.5], [0.7, 0.4], [0.6, 0.9]])
    by_first = np.asarray([[1.0, 1.0], [3.0, 3.0], [2.0, 2.0]])  # the second model on both draws
    assert regret(by_first, accuracy) == pytest.approx((0.0 + 0.5) / 2)
    # As on the first draw; on the second the values 1, 3, 2 stand beside the ranks 2, 1, 3: a correlation of -0.5.
    assert rank_correlation(by_first, accuracy) == pytest.approx((1.0 - 0.5) / 2)
    assert math.isnan(rank_correlation(np.ones((3, 2)), accuracy))


def test_scenes_are_drawn_whole_and_the_same_for_all_models() -> None:
    drawn = draw(["1111 0000", "0000 1111", "1111 1111"], draws=200)
    assert set(drawn.test[0]) == {0.0, 0.5, 1.0}  # one of two scenes twice, or each once
    assert drawn.test[0] + drawn.test[1] == pytest.approx(np.ones(200))
    assert drawn.known == pytest.approx([0.5, 0.5, 1.0])
    # Scenes differ in size, and every image counts: 5 right of 6 where each is in once.
    sizes = draw(["11111 0"], draws=200).test[0]
    assert {round(float(value), 4) for value in sizes} == {1.0, 0.0, round(5 / 6, 4)}


def test_labelled_images_tell_more_the_more_there_are_and_break_ties_at_random() -> None:
    words = ["1" * right + "0" * (100 - right) for right in (50, 60)]
    scenes = [" ".join(np.random.default_rng(place).permutation(list(word))) for place, word in enumerate(words)]
    drawn = draw(scenes, draws=2000)
    chosen = {count: float((values[1] > values[0]).mean()) for count, values in drawn.labelled.items()}
    assert chosen[10] < chosen[30] < chosen[100] < chosen[300]
    same = draw(["10" * 20] * 2, draws=2000).labelled[10]
    assert float((same[1] > same[0]).mean()) == pytest.approx(0.5, abs=0.05)


def test_a_score_stands_beside_labels_and_chance_beside_both() -> None:
    """The score of task a ranks as the accuracy does; that of task b chooses the worse model, 40 points below."""
    good, bad = " ".join(["11110"] * 20), " ".join(["11000"] * 20)
    rows = [
        {"task": task, "seed": 0, "progress": progress, "correct": correct, "target_information": score}
        for task, scores in (("a", (0.9, 0.1)), ("b", (0.1, 0.9)))
        for progress, correct, score in zip((1, 1), (good, bad), scores, strict=True)
    ]
    choice, ranks = label_tables(rows)
    assert choice.header == ["choice by", "a", "b", "mean"]
    by = {row[0]: row[1:] for row in choice.body}
    assert list(by) == ["target_information", "10 labels", "30 labels", "100 labels", "300 labels", "all labels"]
    assert by["target_information"] == ["0.0", "40.0", "20.0"]
    assert by["all labels"] == ["0.0", "0.0", "0.0"]
    assert {row[0]: row[1:] for row in ranks.body}["target_information"] == ["1.00", "-1.00", "0.00"]
    alone = {row[0]: row[1:] for row in label_tables([rows[0], *rows[2:]])[1].body}
    assert alone["all labels"] == ["", "1.00", ""]  # one model has no ranks
    # Models on their way are ranked, and are no choice.
    early = {**rows[0], "progress": 0.5, "correct": " ".join(["11111"] * 20), "target_information": 0.0}
    choice, ranks = label_tables([*rows, early])
    assert {row[0]: row[1:] for row in choice.body}["target_information"] == ["0.0", "40.0", "20.0"]
    assert {row[0]: row[1:] for row in ranks.body}["target_information"][0] == "-0.50"


def test_there_is_no_table_of_points_that_kept_no_answers() -> None:
    assert label_tables([{"task": "a", "seed": 0, "progress": 1, "target_information": 1.0}]) == []
