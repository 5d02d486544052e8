"""SOCKET: SHOT's terms, the source's batch-norm statistics, and its features on task-irrelevant pairs."""

from __future__ import annotations

import torch
from torch import Tensor

from sourcefree.config import SocketSettings
from sourcefree.losses.matching import feature_norm
from sourcefree.losses.statistics import batch_norm_layers, statistics_gap
from sourcefree.methods.base import StudentParts
from sourcefree.methods.shot import Shot
from sourcefree.models.classifier import Classifier, inputs_of
from sourcefree.models.ensemble import Mixture
from sourcefree.types import PairBatch, StepBatch, StepOutput


class Socket(Shot):
    """``L_IM + 0.3 CE(pseudo) + 0.5 sum_l m_l (|mu gap| + |var gap|) + 0.5 ||F_s(x^s_TI) - F_t(x^t_TI)||_F``.

    Several sources: give an ensemble as source model (:mod:`sourcefree.models.ensemble`). Its mixing weights are learned;
    each member's features and statistics are matched to those of its own source, and count by its weight.

    Target images and pairs go through the student apart, as in the public code, so that the matched statistics are those of
    task images alone.

    Args:
        parts: source model and student.
        settings: weights.

    Reference: [SOCKET] equation 9. Deviations, all for several sources: pseudo-labels come from the members' features side
    by side, in place of a weighted sum of distances; probabilities are mixed, in place of logits; norms are taken member by
    member before they are weighted, where the public code weights differences first. None of that code's defects is kept:
    pairs share crop and flip and are matched by name, layers are the student's own, pseudo-labels come from un-augmented
    images.
    """

    uses_pairs = True
    settings: SocketSettings

    def __init__(self, parts: StudentParts, settings: SocketSettings) -> None:
        super().__init__(parts, settings)
        self.source_model = parts.source_model
        self.keep_frozen("source_model")

    def forward(self, batch: StepBatch) -> StepOutput:
        """Return the weighted sum of the terms that are on."""
        target, weights = batch.target_images, self.settings
        # The network's own layers only: a translator in front has no counterpart in the source model.
        layers = [batch_norm_layers(member.network) for member in self.student.members()]
        with inputs_of([layer for own in layers for layer in own]) as entering:
            logits = self.student(target.images).logits
        terms = self.target_terms(logits, target.indices)
        if weights.statistics and entering:
            terms["statistics"] = weights.statistics * self._statistics_gap(entering)
        if weights.features:
            terms["features"] = weights.features * self._feature_gap(batch.needed_pairs)
        return self.total(terms, anchor=logits)

    def _statistics_gap(self, entering: dict[int, Tensor]) -> Tensor:
        """Return the gap of what entered each layer, by its place among those of all members."""
        gaps, start = [], 0
        for source in self.source_model.members():
            layers = batch_norm_layers(source.network)
            reached = [place for place in range(len(layers)) if start + place in entering]
            own = [entering[start + place] for place in reached]
            gaps.append(statistics_gap(own, [layers[place] for place in reached], first=self.settings.first_layer))
            start += len(layers)
        return self._mixed(gaps)

    def _feature_gap(self, pairs: PairBatch) -> Tensor:
        with torch.no_grad():
            taught = _member_features(self.source_model, pairs.source)
        learned = _member_features(self.student, pairs.target)
        return self._mixed([feature_norm(ours, theirs) for ours, theirs in zip(learned, taught, strict=True)])

    def _mixed(self, gaps: list[Tensor]) -> Tensor:
        """Return the mean over the members, by their mixing weights."""
        head = self.student.head
        return (head.weights() * torch.stack(gaps)).sum() if isinstance(head, Mixture) else torch.stack(gaps).sum()


def _member_features(model: Classifier, images: Tensor) -> list[Tensor]:
    """Return the features of every member, or of the one model."""
    members = model.members()
    if members == [model]:
        return [model(images).features]
    seen = model.adapter(images)
    return [member(seen).features for member in members]
