"""Training of the source model on labelled source images."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn
from torch.nn.functional import cross_entropy

from sourcefree.methods.base import Method, ParameterGroup
from sourcefree.models.classifier import Classifier
from sourcefree.types import StepBatch, StepOutput


class SourceTraining(Method):
    """Cross-entropy with label smoothing.

    Args:
        model: the classifier to train.
        label_smoothing: 0.1 in [SHOT]: smooth features make the later adaptation easier.

    Reference: [SHOT] equation 2.
    """

    keeps_dropout = True

    def __init__(self, model: Classifier, *, label_smoothing: float) -> None:
        super().__init__()
        self.model = model
        self.label_smoothing = label_smoothing

    def parameter_groups(self) -> Iterable[ParameterGroup]:
        """Return backbone and new layers apart."""
        return classifier_groups(self.model)

    def forward(self, batch: StepBatch) -> StepOutput:
        """Return the smoothed cross-entropy of labelled images."""
        labelled = batch.labelled_images
        logits = self.model(labelled.images).logits.float()
        loss = cross_entropy(logits, labelled.labels, label_smoothing=self.label_smoothing)
        correct = (logits.detach().argmax(-1) == labelled.labels).float().mean()
        return StepOutput(loss, {"cross_entropy": loss.detach(), "train_accuracy": correct})


def classifier_groups(model: Classifier) -> list[ParameterGroup]:
    """Return the parameters of backbones (pretrained) and of all else (new): bottlenecks and heads, as [SHOT], and adapters."""
    inside = {id(parameter) for member in model.members() for parameter in _backbone_parameters(member)}
    return [
        ParameterGroup([p for p in model.parameters() if id(p) in inside], pretrained=True),
        ParameterGroup([p for p in model.parameters() if id(p) not in inside]),
    ]


def _backbone_parameters(model: Classifier) -> list[nn.Parameter]:
    backbone = getattr(model.network, "backbone", None)
    if isinstance(backbone, nn.Module):
        return list(backbone.parameters())
    # A network without bottleneck: everything but the final layer is the backbone.
    head = {id(parameter) for parameter in model.head_parameters()}
    return [parameter for parameter in model.network.parameters() if id(parameter) not in head]
