"""Learning from unlabelled target images: centroid pseudo-labels, refreshed when an epoch begins, and L_IM beside them."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import cross_entropy

from sourcefree.losses.information import information_maximization
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

    def terms(
        self, logits: Tensor, indices: Tensor, *, information: float, pseudo_labels: float, diversity: float = 1.0
    ) -> dict[str, Tensor]:
        """Return SHOT's weighted terms by name: L_IM, and the cross-entropy with the labels; without those that are off.

        Args:
            logits: (B, K).
            indices: (B,) position of each image among the target images.
            information: weight of L_IM.
            pseudo_labels: weight of the cross-entropy.
            diversity: factor on the second term of L_IM.

        Reference: [SHOT] equation 7; also the target terms of [SOCKET] equation 9.
        """
        terms = (
            {"information": information * information_maximization(logits, diversity=diversity)} if information else {}
        )
        own = self.loss(logits, indices) if pseudo_labels else None
        return terms if own is None else {**terms, "pseudo_labels": pseudo_labels * own}
