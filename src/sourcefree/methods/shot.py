"""SHOT: source hypothesis transfer, from unlabelled target images alone."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from sourcefree.config import ShotSettings
from sourcefree.methods.base import EpochView, Method, ParameterGroup, StudentParts
from sourcefree.methods.self_labels import SelfLabels
from sourcefree.methods.source_training import classifier_groups
from sourcefree.types import StepBatch, StepOutput


class Shot(Method):
    """``L_ent + L_div + 0.3 CE(pseudo-labels)``, the final layer frozen.

    Args:
        parts: the student is trained; the source model is not looked at.
        settings: weights.

    Reference: [SHOT] equation 7.
    """

    def __init__(self, parts: StudentParts, settings: ShotSettings) -> None:
        super().__init__()
        self.settings = settings
        self.student = parts.student
        self.student.freeze_head()
        self.self_labels = SelfLabels()

    def parameter_groups(self) -> Iterable[ParameterGroup]:
        """Return the student's backbone and new layers apart."""
        return classifier_groups(self.student)

    def begin_epoch(self, view: EpochView) -> None:
        """Refresh the pseudo-labels."""
        if self.settings.pseudo_labels:
            self.self_labels.refresh(view, self.student)

    def forward(self, batch: StepBatch) -> StepOutput:
        """Return the weighted sum of the terms that are on."""
        target = batch.target_images
        logits = self.student(target.images).logits
        return self.total(self.target_terms(logits, target.indices), anchor=logits)

    def target_terms(self, logits: Tensor, indices: Tensor) -> dict[str, Tensor]:
        """Return L_IM and the cross-entropy with pseudo-labels, where they are on."""
        weights = self.settings
        return self.self_labels.terms(
            logits, indices, information=weights.information, pseudo_labels=weights.pseudo_labels
        )
