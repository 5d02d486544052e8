"""AaD: attracting and dispersing, from unlabelled target images alone."""

from __future__ import annotations

from collections.abc import Iterable

from sourcefree.config import AadSettings
from sourcefree.losses.neighbourhood import attraction, dispersion, nearest
from sourcefree.methods.base import EpochView, Method, ParameterGroup, StudentParts
from sourcefree.methods.memory import TargetMemory
from sourcefree.methods.source_training import classifier_groups
from sourcefree.types import StepBatch, StepOutput


class Aad(Method):
    """Answers agree with those of the nearest neighbours and differ from those of the rest of the batch.

    Args:
        parts: the student is trained, its final layer too; the source model is not looked at.
        settings: neighbours and the decay of the dispersion.

    Reference: Yang et al., "Attracting and dispersing: a simple approach for source-free domain adaptation", NeurIPS 2022,
    equation 5. Deviations: the decay goes by epochs, not by steps; the bank is filled anew each epoch.
    """

    def __init__(self, parts: StudentParts, settings: AadSettings) -> None:
        super().__init__()
        self.settings = settings
        self.student = parts.student
        self.memory = TargetMemory()
        self.dispersion_weight = 1.0

    def parameter_groups(self) -> Iterable[ParameterGroup]:
        """Return the student's backbone and new layers apart."""
        return classifier_groups(self.student)

    def begin_epoch(self, view: EpochView) -> None:
        """Fill the bank and let the dispersion decay."""
        self.memory.fill(view, self.student)
        self.dispersion_weight = (1 + 10 * view.progress) ** -self.settings.decay

    def forward(self, batch: StepBatch) -> StepOutput:
        """Return attraction plus weighted dispersion."""
        target, memory = batch.target_images, self.memory
        output = self.student(target.images)
        memory.update(target.indices, output)
        probabilities = output.logits.float().softmax(-1)
        near = nearest(output.features.detach(), memory.features, count=self.settings.neighbours, own=target.indices)
        terms = {
            "attraction": attraction(probabilities, memory.probabilities[near]),
            "dispersion": self.dispersion_weight * dispersion(probabilities, target.indices),
        }
        return self.total(terms, anchor=output.logits)
