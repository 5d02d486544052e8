"""Centroid pseudo-labels of all target images, refreshed when an epoch begins: L_self of SHOT, SOCKET and TGKT."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import cross_entropy

from sourcefree.losses.pseudo_labels import centroid_pseudo_labels
from sourcefree.methods.base import EpochView
from sourcefree.models.classifier import Classifier


class SelfLabels:
    """Labels that a model gives the target images itself; none before the first refresh.

    Attributes:
        labels: (N,) class of each target image, or None.
    """

    labels: Tensor | None = None

    def refresh(self, view: EpochView, model: Classifier) -> None:
        """Label all target images anew, from un-augmented images in eval mode."""
        target = view.infer_target(model)
        self.labels = centroid_pseudo_labels(target.features, target.logits)

    def loss(self, logits: Tensor, indices: Tensor) -> Tensor | None:
        """Return the cross-entropy of a batch with its labels; None while there are none.

        Args:
            logits: (B, K).
            indices: (B,) position of each image among the target images.
        """
        if self.labels is None:
            return None
        return cross_entropy(logits.float(), self.labels.to(logits.device)[indices])
