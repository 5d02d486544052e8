"""The oracle: the target model trained WITH target labels, the reference of studies and no adaptation method."""

from __future__ import annotations

from collections.abc import Iterable

from torch.nn.functional import cross_entropy

from sourcefree.config import OracleSettings
from sourcefree.methods.base import Method, ParameterGroup, StudentParts
from sourcefree.methods.source_training import classifier_groups
from sourcefree.types import StepBatch, StepOutput


class Oracle(Method):
    """Cross-entropy with true labels of the target images, from the source model's weights on, nothing frozen.

    Args:
        parts: the student is trained.
        settings: label smoothing.
    """

    uses_labels = True
    keeps_dropout = True

    def __init__(self, parts: StudentParts, settings: OracleSettings) -> None:
        super().__init__()
        self.settings = settings
        self.student = parts.student

    def parameter_groups(self) -> Iterable[ParameterGroup]:
        """Return the student's backbone and new layers apart."""
        return classifier_groups(self.student)

    def forward(self, batch: StepBatch) -> StepOutput:
        """Return the smoothed cross-entropy of labelled target images."""
        labelled = batch.labelled_images
        logits = self.student(labelled.images).logits
        loss = cross_entropy(logits.float(), labelled.labels, label_smoothing=self.settings.label_smoothing)
        return self.total({"cross_entropy": loss}, anchor=logits)
