"""NRC: neighbourhood reciprocity clustering, from unlabelled target images alone."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from sourcefree.config import NrcSettings
from sourcefree.losses.information import diversity
from sourcefree.losses.neighbourhood import attraction, nearest, reciprocal_weights
from sourcefree.methods.base import EpochView, Method, ParameterGroup, StudentParts
from sourcefree.methods.memory import TargetMemory
from sourcefree.methods.source_training import classifier_groups
from sourcefree.types import StepBatch, StepOutput


class Nrc(Method):
    """Answers agree with the image's own stored one, its neighbours' and, weakly, those of neighbours of neighbours.

    Args:
        parts: the student is trained, its final layer too; the source model is not looked at.
        settings: neighbours and weights.

    Reference: Yang et al., "Exploiting the intrinsic neighborhood structure for source-free domain adaptation", NeurIPS
    2021, equation 8. Deviation: the bank is filled anew each epoch (see :class:`TargetMemory`).
    """

    def __init__(self, parts: StudentParts, settings: NrcSettings) -> None:
        super().__init__()
        self.settings = settings
        self.student = parts.student
        self.memory = TargetMemory()

    def parameter_groups(self) -> Iterable[ParameterGroup]:
        """Return the student's backbone and new layers apart."""
        return classifier_groups(self.student)

    def begin_epoch(self, view: EpochView) -> None:
        """Fill the bank."""
        self.memory.fill(view, self.student)

    def forward(self, batch: StepBatch) -> StepOutput:
        """Return the weighted sum of the terms."""
        target, weights, memory = batch.target_images, self.settings, self.memory
        output = self.student(target.images)
        memory.update(target.indices, output)
        probabilities = output.logits.float().softmax(-1)
        near = nearest(output.features.detach(), memory.features, count=weights.neighbours, own=target.indices)
        theirs = nearest(memory.features[near], memory.features, count=weights.neighbours, own=near)
        trust = reciprocal_weights(near, theirs, target.indices, otherwise=weights.non_reciprocal)
        own_answers = memory.probabilities[target.indices][:, None]
        terms: dict[str, Tensor] = {
            "neighbours": attraction(probabilities, memory.probabilities[near], trust),
            "second_order": weights.second_order * attraction(probabilities, memory.probabilities[theirs.flatten(1)]),
            "own_answer": attraction(probabilities, own_answers),
            "diversity": weights.diversity * diversity(output.logits),
        }
        return self.total(terms, anchor=output.logits)
