"""Which of a run's models is handed over."""

from __future__ import annotations

from typing import cast

import pytest
import torch

import sourcefree
from sourcefree.commands.candidates import Candidate, Judge
from sourcefree.commands.delivery import decide
from sourcefree.models.classifier import Classifier
from sourcefree.types import ClassifierOutput


class NothingStrange:
    """Evidence on target images that look like the pairs'."""

    def share_unlike_pairs(self) -> float:
        return 0.0


def candidate(name: str, score: float) -> Candidate:
    return Candidate(
        name=name,
        model=cast(Classifier, None),
        scores={"target_information": score, "pair_information": 1.0},
        target_scores={"estimated_accuracy": 0.5},
        temperature=1.0,
        target=ClassifierOutput(torch.zeros(4, 2), torch.zeros(4, 3)),
        pair_logits=torch.zeros(4, 3),
        source_logits=torch.zeros(4, 3),
        chance=0.001,
        scenes=8,
    )


def deliver(**scores: float) -> str:
    found = {name.replace("_", "-"): candidate(name.replace("_", "-"), score) for name, score in scores.items()}
    return decide(found, cast(Judge, NothingStrange()), sourcefree.method_settings("auto")).delivered


@pytest.mark.parametrize("best", ["source_only", "adabn", "adapted", "shot", "aad"])
def test_any_model_for_raw_target_images_may_be_the_best(best: str) -> None:
    scores = dict.fromkeys(("source_only", "adabn", "adapted", "shot", "aad"), 0.1)
    assert deliver(**{**scores, best: 0.2}) == best.replace("_", "-")


def test_the_methods_own_model_wins_where_scores_are_equal() -> None:
    assert deliver(source_only=0.1, shot=0.1, adapted=0.1) == "adapted"


def test_a_translated_model_stands_in_no_competition() -> None:
    assert deliver(source_only=0.1, translated=0.9, adapted=0.2) == "adapted"
