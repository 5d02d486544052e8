"""Small classifiers that tests of methods adapt."""

from __future__ import annotations

import torch

from sourcefree.models.architecture import Architecture
from sourcefree.models.classifier import Classifier, find_stages

SIZE, CLASSES = 32, 3


def small_classifier(seed: int = 0) -> Classifier:
    """Return a source model with features of width 8."""
    torch.manual_seed(seed)
    network, head = Architecture("bottleneck", "test_resnet", CLASSES, bottleneck=8).build()
    return Classifier(network, head=head, stages=find_stages(network, size=SIZE)).eval()
