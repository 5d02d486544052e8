"""The models a run compares, and what can be said of them without labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sourcefree.data.datasets import ImagePairs, UnlabelledImages
from sourcefree.engine.inference import image_batches, infer
from sourcefree.engine.runtime import Runtime
from sourcefree.models.classifier import Classifier
from sourcefree.selection.chance import chance_of_match
from sourcefree.selection.drift import appearance, share_unlike
from sourcefree.selection.estimate import AccuracyEstimate, estimate_accuracy
from sourcefree.selection.mixing import mixing_consistency
from sourcefree.selection.resampling import resampled_information
from sourcefree.selection.scores import (
    agreement_by_scene,
    class_correlation,
    mean_confidence,
    mutual_information,
    nuclear_norm,
    pair_agreement,
    pair_divergence,
    pair_information,
    soft_neighbourhood_density,
    target_information,
)
from sourcefree.selection.temperature import pair_temperature, source_free_temperature, trusted_temperature
from sourcefree.types import ClassifierOutput, ImageBatch

_MIXED = 256  # target images that are mixed with others

_DESCRIPTIONS = {
    "source-only": "The source model on the target images as they are.",
    "adabn": "The source model with batch-norm statistics of the target images.",
    "translated": "The source model on translated target images.",
    "adapted": "The target model trained by this run.",
}


@dataclass(frozen=True)
class Candidate:
    """A model and its label-free evidence.

    Attributes:
        name: source-only, adabn, translated, adapted, or the section of a rival.
        model: returns a :class:`ClassifierOutput` for target images.
        scores: label-free scores by name: those that the report shows.
        target_scores: further ones, of the target images' answers alone, for studies of scores.
        temperature: that makes its probabilities as honest as can be told without labels.
        estimate: of its accuracy.
        target: its outputs on all target images.
        pair_logits: (N, K) on the target images of pairs that it was not trained on.
        source_logits: (N, K) of the source model on their source images.
        chance: that answers which have nothing to do with these pairs match the source model's as well.
        agreeing: on how many of these pairs it agrees with the source model, by scene.
        resampled: (R,) what its answers would tell by other scenes.
    """

    name: str
    model: Classifier
    scores: Mapping[str, float]
    target_scores: Mapping[str, float]
    temperature: float
    estimate: AccuracyEstimate
    target: ClassifierOutput
    pair_logits: Tensor
    source_logits: Tensor
    chance: float
    agreeing: list[int]
    resampled: Tensor

    @property
    def scenes(self) -> int:
        """How many scenes the pairs show."""
        return len(self.agreeing)

    def to_dict(self) -> dict[str, object]:
        """Return the entry of ``summary.json``."""
        predicted = self.target.logits.argmax(-1)
        counts = torch.bincount(predicted, minlength=self.target.logits.shape[1])
        return {
            "name": self.name,
            "description": self._description(),
            "scores": dict(self.scores),
            "target_scores": dict(self.target_scores),
            "temperature": self.temperature,
            "chance": self.chance,
            "pairs": len(self.pair_logits),
            "scenes": self.scenes,
            "agreeing": self.agreeing,
            "class_counts": counts.tolist(),
            "evaluation": None,
        }

    def _description(self) -> str:
        text = _DESCRIPTIONS.get(self.name, f"A target model trained by the method {self.name}.")
        count = len(self.model.members())
        return text if count == 1 else f"{text} It mixes the answers of {count} networks."


@dataclass(frozen=True)
class Witnesses:
    """Pairs that a model was not trained on, and what the source model says of them.

    Attributes:
        pairs: un-augmented.
        scenes: (N,) number of the scene that each shows.
        source_logits: (N, K) of the source model on their source images.
    """

    pairs: ImagePairs
    scenes: Tensor
    source_logits: Tensor


@dataclass(frozen=True)
class Judge:
    """Label-free evidence: unlabelled target images and pairs.

    Self-training makes a model as sure of its errors on the target images that it is trained on as of the rest, so its accuracy
    is estimated on images that it has not seen. They are few, so models are compared on all, and their probabilities
    calibrated by mixtures of all: those no model has seen.

    Attributes:
        target: un-augmented target images, all of them.
        unseen: positions of those that no model was trained on.
        unseen_scenes: (N,) number of the scene that each of these shows.
        held_out: pairs that no model was trained on.
        untrained: pairs for models that were trained on none: the held-out ones too, or all where pairs are few.
        runtime: where to compute.
    """

    target: UnlabelledImages
    unseen: list[int]
    unseen_scenes: Tensor
    held_out: Witnesses
    untrained: Witnesses
    runtime: Runtime

    def infer_target(self, model: nn.Module) -> ClassifierOutput:
        """Return the model's outputs on all target images."""
        return infer(model, self.target, runtime=self.runtime)

    def infer_pairs(self, model: nn.Module) -> Tensor:
        """Return (N, K) logits of the model on the target images of the held-out pairs."""
        return self._testimony(model, self.held_out)

    def pair_scores(self, model: nn.Module) -> dict[str, float]:
        """Return the scores that held-out pairs give."""
        return _pair_scores(self.infer_pairs(model), self.held_out.source_logits)

    def mixing_scores(self, model: nn.Module, target: ClassifierOutput) -> dict[str, float]:
        """Return what mixtures of target images say: MixVal, a temperature and the mean confidence at it.

        Only the first images of a fixed shuffle are mixed: mixing all would double the cost of a look.

        Args:
            model: to be asked for mixtures.
            target: its outputs on all target images.
        """
        chosen = torch.randperm(len(self.target), generator=torch.Generator().manual_seed(0))[:_MIXED]
        images = self.target.subset(chosen.tolist())

        def predict(first: Tensor, second: Tensor, share: float) -> Tensor:
            return infer(model, _Mixtures(images, first, second, share), runtime=self.runtime).logits

        labels = target.logits.argmax(-1)[chosen]
        temperature = source_free_temperature(labels, predict)
        return {
            "mixing_consistency": mixing_consistency(labels, predict),
            "mixing_temperature": temperature,
            "calibrated_confidence": mean_confidence(target.logits / temperature),
        }

    def share_unlike_pairs(self) -> float:
        """Return the share of target images that look like none of the held-out pairs' images of the same sensor."""
        target = image_batches(self.target, runtime=self.runtime)
        pairs = image_batches(self.held_out.pairs, runtime=self.runtime, side="target")
        return share_unlike(*(torch.cat([appearance(i).cpu() for i in part]) for part in (target, pairs)))

    def candidate(self, name: str, model: Classifier, *, trained_on_pairs: bool = True) -> Candidate:
        """Return the model with all its label-free evidence.

        Args:
            name: of the candidate.
            model: to be judged.
            trained_on_pairs: whether only held-out pairs can be heard of it.
        """
        witnesses = self.held_out if trained_on_pairs else self.untrained
        target, pair_logits = self.infer_target(model), self._testimony(model, witnesses)
        testimony = (pair_logits, witnesses.source_logits)
        mixing = self.mixing_scores(model, target)
        of_pairs = pair_temperature(*testimony)
        temperature = trusted_temperature(of_mixtures=mixing["mixing_temperature"], of_pairs=of_pairs)
        scores = {
            **_pair_scores(*testimony),
            "target_information": target_information(target.logits, temperature=temperature),
            "mean_confidence": mean_confidence(target.logits),
        }
        unseen = (target.logits[self.unseen].float() / temperature).softmax(-1).amax(-1)
        estimate = estimate_accuracy(unseen, self.unseen_scenes)
        target_scores = {
            "information_maximization": mutual_information(target.logits),
            "soft_neighbourhood_density": soft_neighbourhood_density(target.logits),
            "nuclear_norm": nuclear_norm(target.logits),
            "class_correlation": class_correlation(target.logits),
            **mixing,
            "estimated_accuracy": estimate.accuracy,
        }
        return Candidate(
            name=name,
            model=model,
            scores=scores,
            target_scores=target_scores,
            temperature=temperature,
            estimate=estimate,
            target=target,
            pair_logits=pair_logits,
            source_logits=witnesses.source_logits,
            chance=chance_of_match(*testimony, witnesses.scenes),
            agreeing=agreement_by_scene(*testimony, witnesses.scenes),
            resampled=resampled_information(target.logits, *testimony, witnesses.scenes),
        )

    def _testimony(self, model: nn.Module, witnesses: Witnesses) -> Tensor:
        return infer(model, witnesses.pairs, side="target", runtime=self.runtime).logits


@dataclass(frozen=True)
class _Mixtures:
    """Weighted sums of images and their partners; a data set for :func:`infer`."""

    images: UnlabelledImages
    first: Tensor
    second: Tensor
    share: float

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, indices: NDArray[np.int64]) -> ImageBatch:
        first, second = (self.images[part[indices].numpy()].images for part in (self.first, self.second))
        return ImageBatch(self.share * first + (1 - self.share) * second, torch.from_numpy(indices))


def _pair_scores(logits: Tensor, source_logits: Tensor) -> dict[str, float]:
    return {
        "pair_agreement": pair_agreement(logits, source_logits),
        "pair_divergence": pair_divergence(logits, source_logits),
        "pair_information": float(pair_information(logits, source_logits).mean()),
    }
