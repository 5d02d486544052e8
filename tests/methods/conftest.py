"""A small source model and a batch, shared by the tests of methods."""

from __future__ import annotations

import pytest
import torch

from sourcefree.models.architecture import Architecture
from sourcefree.models.classifier import Classifier, find_stages
from sourcefree.types import ImageBatch, LabelledBatch, PairBatch, StepBatch

SIZE = 32


@pytest.fixture
def source_model() -> Classifier:
    """Three classes, features of width 8."""
    torch.manual_seed(0)
    network, head = Architecture("bottleneck", "test_resnet", 3, bottleneck=8).build()
    return Classifier(network, head=head, stages=find_stages(network, size=SIZE)).eval()


@pytest.fixture
def batch() -> StepBatch:
    """Six target images, six pairs, and labels for the same images."""
    torch.manual_seed(1)
    images = torch.randn(6, 1, SIZE, SIZE)
    pairs = PairBatch(torch.randn(6, 3, SIZE, SIZE), torch.randn(6, 1, SIZE, SIZE), torch.arange(6))
    labelled = LabelledBatch(images, torch.tensor([0, 1, 2, 0, 1, 2]), torch.arange(6))
    return StepBatch(target=ImageBatch(images, torch.arange(6)), pairs=pairs, labelled=labelled)
