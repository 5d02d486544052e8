"""The number that tuning makes as large as it can."""

from __future__ import annotations

import pytest

from sourcefree.errors import ConfigError
from sourcefree.selection.objective import DECISIVE, SIGNS, find_objective

SCORES = {"pair_divergence": 0.4, "target_information": 1.2, "pair_information": 0.3, "pair_agreement": 0.7}


def test_one_score_by_name_with_higher_always_better() -> None:
    assert find_objective(DECISIVE)(SCORES) == 1.2
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
