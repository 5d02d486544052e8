"""Which of a run's models is handed over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pytest
import torch

import sourcefree
from sourcefree.commands.candidates import Candidate, Judge
from sourcefree.commands.delivery import decide
from sourcefree.models.classifier import Classifier
from sourcefree.selection.estimate import AccuracyEstimate
from sourcefree.types import ClassifierOutput


@dataclass
class Alone:
    """A model that mixes no others."""

    def members(self) -> list[Alone]:
        return [self]


@dataclass
class Unlike:
    """Evidence on target images of which a share looks like none of the pairs."""

    share: float = 0.0

    def share_unlike_pairs(self) -> float:
        return self.share


LABELS = ("cat", "dog", "car")
VARIED = torch.eye(3)[[0, 1, 2, 0, 1, 2, 0, 1, 2, 0]]


def answers_dog(count: int) -> torch.Tensor:
    """Return a hundred answers, so many of which are "dog"."""
    return torch.eye(3)[[1] * count + [0] * (100 - count)]


def candidate(name: str, score: float, *, logits: torch.Tensor = VARIED, chance: float = 0.001) -> Candidate:
    return Candidate(
        name=name,
        model=cast(Classifier, Alone()),
        scores={"target_information": score, "pair_information": 1.0},
        target_scores={"estimated_accuracy": 0.5},
        estimate=AccuracyEstimate(0.5, 0.3, 0.7),
        temperature=1.0,
        target=ClassifierOutput(torch.zeros(len(logits), 2), logits),
        pair_logits=torch.zeros(4, 3),
        source_logits=torch.zeros(4, 3),
        chance=chance,
        agreeing=[0] * 8,
        resampled=torch.full((10,), score),
    )


def deliver(**scores: float) -> str:
    found = {name.replace("_", "-"): candidate(name.replace("_", "-"), score) for name, score in scores.items()}
    return decide(found, cast(Judge, Unlike()), sourcefree.method_settings("auto"), LABELS).delivered


@pytest.mark.parametrize("best", ["source_only", "adabn", "adapted", "shot", "aad"])
def test_any_model_for_raw_target_images_may_be_the_best(best: str) -> None:
    scores = dict.fromkeys(("source_only", "adabn", "adapted", "shot", "aad"), 0.1)
    assert deliver(**{**scores, best: 0.2}) == best.replace("_", "-")


def test_the_methods_own_model_wins_where_scores_are_equal() -> None:
    assert deliver(source_only=0.0, shot=0.1, adapted=0.1) == "adapted"


def test_a_translated_model_stands_in_no_competition() -> None:
    assert deliver(source_only=0.1, translated=0.9, adapted=0.2) == "adapted"


@pytest.mark.parametrize(
    ("candidate_of_the_run", "unlike", "reason"),
    [
        (candidate("source-only", 0.1, chance=0.4), 0.0, "tell nothing of the source model's"),
        (candidate("source-only", 0.1), 0.95, "next to no target image looks like those of the pairs"),
        (candidate("source-only", 0.1, logits=answers_dog(81)), 0.0, "81 % of its answers are 'dog'"),
    ],
)
def test_nothing_is_estimated_where_there_is_nothing_to_estimate_it_by(
    candidate_of_the_run: Candidate, unlike: float, reason: str
) -> None:
    """A model that gives one answer may be sure of it, and an estimate by its confidence would praise it."""
    settings = sourcefree.method_settings("source-only")
    delivery = decide({"source-only": candidate_of_the_run}, cast(Judge, Unlike(unlike)), settings, LABELS)
    assert delivery.estimate is None
    assert reason in delivery.warnings[-1]


@pytest.mark.parametrize("logits", [VARIED, answers_dog(80)])  # up to 80 % of one class
def test_an_estimate_is_given_of_a_usual_model(logits: torch.Tensor) -> None:
    found = {"source-only": candidate("source-only", 0.1, logits=logits)}
    usual = decide(found, cast(Judge, Unlike()), sourcefree.method_settings("source-only"), LABELS)
    assert usual.estimate
    assert usual.estimate == AccuracyEstimate(0.5, 0.3, 0.7)
    assert not usual.warnings


def test_the_summary_tells_on_how_many_scenes_the_evidence_stands() -> None:
    entry = candidate("adapted", 0.1).to_dict()
    assert (entry["pairs"], entry["scenes"], entry["agreeing"]) == (4, 8, [0] * 8)
