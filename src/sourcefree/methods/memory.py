"""Features and answers of all target images, for methods that look at neighbours."""

from __future__ import annotations

import torch
from torch import Tensor

from sourcefree.methods.base import EpochView
from sourcefree.models.classifier import Classifier
from sourcefree.types import ClassifierOutput


class TargetMemory:
    """A bank that is filled anew when an epoch begins and follows every step in between.

    It holds nothing that a resumed run would miss: it depends on the weights at the start of the epoch. The published
    methods fill it once; one pass over the target images each epoch makes it fresher.
    """

    features: Tensor
    probabilities: Tensor

    def fill(self, view: EpochView, model: Classifier) -> None:
        """Take the model's features and answers on all un-augmented target images."""
        target = view.infer_target(model)
        device = next(model.parameters()).device
        self.features = target.features.to(device)
        self.probabilities = target.logits.softmax(-1).to(device)

    @torch.no_grad()
    def update(self, indices: Tensor, output: ClassifierOutput) -> None:
        """Store what a step has just computed for these images."""
        self.features[indices] = output.features.float().detach()
        self.probabilities[indices] = output.logits.float().softmax(-1).detach()
