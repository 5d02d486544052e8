"""Self-training after the pairs have taught what they can: the target images join in."""

from __future__ import annotations

from torch import Tensor

from sourcefree.config import SelfTrainingSettings
from sourcefree.methods.base import EpochView, StudentParts
from sourcefree.methods.multilevel import Multilevel
from sourcefree.methods.self_labels import SelfLabels


class SelfTraining(Multilevel):
    """Information maximisation on the target images beside the terms of the pairs.

    A stage of its own, for a model that is good already: from a poor start, self-training makes a model surer of what it
    believes, right or wrong. The pairs stay, since they hold the model to what is known. Centroid pseudo-labels, given by
    the averaged weights, can be added; they are off, for on a far sensor the features group by other things than classes.

    Args:
        parts: source model, and as the student the model of the stage before.
        settings: weights and switches.

    Reference: ours; L_IM and centroid pseudo-labels: [SHOT] equations 3 to 7.
    """

    settings: SelfTrainingSettings

    def __init__(self, parts: StudentParts, settings: SelfTrainingSettings) -> None:
        super().__init__(parts, settings)
        self.self_labels = SelfLabels()

    def begin_epoch(self, view: EpochView) -> None:
        """Refresh the pseudo-labels."""
        if self.settings.pseudo_labels:
            self.self_labels.refresh(view, self.student)

    def target_terms(self, logits: Tensor, indices: Tensor) -> dict[str, Tensor]:
        """Return L_IM and the cross-entropy with pseudo-labels, where they are on."""
        weights = self.settings
        return self.self_labels.terms(
            logits, indices, information=weights.information, pseudo_labels=weights.pseudo_labels
        )
