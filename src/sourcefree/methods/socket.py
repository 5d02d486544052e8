"""SOCKET: SHOT's terms, the source's batch-norm statistics, and its features on task-irrelevant pairs."""

from __future__ import annotations

import torch
from torch import Tensor

from sourcefree.config import SocketSettings
from sourcefree.losses.matching import feature_norm
from sourcefree.losses.statistics import batch_norm_layers, inputs_of, statistics_gap
from sourcefree.methods.base import StudentParts
from sourcefree.methods.shot import Shot
from sourcefree.types import PairBatch, StepBatch, StepOutput


class Socket(Shot):
    """``L_IM + 0.3 CE(pseudo) + 0.5 sum_l m_l (|mu gap| + |var gap|) + 0.5 ||F_s(x^s_TI) - F_t(x^t_TI)||_F``.

    Several sources: give an ensemble as source model (:mod:`sourcefree.models.ensemble`). Its mixing weights are learned
    and features are matched member by member; each member's statistics are matched to its own source.

    Target images and pairs go through the student apart, as in the public code, so that the matched statistics are those of
    task images alone.

    Args:
        parts: source model and student.
        settings: weights.

    Reference: [SOCKET] equation 9. Deviation: with several sources pseudo-labels come from the members' features side by
    side, in place of a weighted sum of distances. None of the public code's defects is kept: pairs share crop and flip
    and are matched by name, layers are the student's own, pseudo-labels come from un-augmented images.
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
        layers = batch_norm_layers(self.student.network)
        with inputs_of(layers) as entering:
            logits = self.student(target.images).logits
        terms = self.target_terms(logits, target.indices)
        if weights.statistics and layers:
            gap = statistics_gap(entering, batch_norm_layers(self.source_model.network), first=weights.first_layer)
            terms["statistics"] = weights.statistics * gap
        if weights.features:
            terms["features"] = weights.features * self._feature_gap(batch.needed_pairs)
        return self.total(terms, anchor=logits)

    def _feature_gap(self, pairs: PairBatch) -> Tensor:
        with torch.no_grad():
            teacher = self.source_model(pairs.source).features
        return feature_norm(self.student(pairs.target).features, teacher)
