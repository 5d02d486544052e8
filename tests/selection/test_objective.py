"""The number that tuning makes as large as it can."""

from __future__ import annotations

import pytest

from sourcefree.errors import ConfigError
from sourcefree.selection.objective import SIGNS, find_objective, selection_score

SCORES = {"pair_divergence": 0.4, "information_maximization": 1.5, "pair_agreement": 0.7}


def test_more_information_and_less_divergence_are_better() -> None:
    assert selection_score({**SCORES, "information_maximization": 1.6}) > selection_score(SCORES)
    assert selection_score({**SCORES, "pair_divergence": 0.3}) > selection_score(SCORES)


def test_neither_blind_spot_wins_alone() -> None:
    good = selection_score(SCORES)
    collapsed = selection_score({"pair_divergence": 0.4, "information_maximization": 0.0})
    sure_and_wrong = selection_score({"pair_divergence": 5.0, "information_maximization": 2.3})
    assert good > max(collapsed, sure_and_wrong)


def test_one_score_by_name_with_higher_always_better() -> None:
    assert find_objective("combined")(SCORES) == selection_score(SCORES)
    assert find_objective("pair-agreement")(SCORES) == 0.7
    assert find_objective("pair_divergence")(SCORES) == -0.4
    assert SIGNS["pair_divergence"] == -1


@pytest.mark.parametrize("name", ["DEV", "iwcv", "importance weighting", "reverse-validation", "source_risk"])
def test_scores_that_need_source_data_are_refused_with_the_reason(name: str) -> None:
    with pytest.raises(ConfigError, match="labelled source images") as caught:
        find_objective(name)
    assert name in str(caught.value)
    assert "pair_agreement" in str(caught.value)


def test_scores_that_need_labels_and_unknown_ones_are_refused() -> None:
    with pytest.raises(ConfigError, match="needs target labels"):
        find_objective("accuracy")
    with pytest.raises(ConfigError, match="did you mean 'pair_agreement'"):
        find_objective("pair_agrement")
