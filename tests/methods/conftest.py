"""A small source model and a batch, shared by the tests of methods."""

from __future__ import annotations

import pytest
import torch

from sourcefree.models.classifier import Classifier
from sourcefree.types import ImageBatch, PairBatch, StepBatch
from support.classifiers import SIZE, small_classifier


@pytest.fixture
def source_model() -> Classifier:
    return small_classifier()


@pytest.fixture
def batch() -> StepBatch:
    torch.manual_seed(1)
    pairs = PairBatch(torch.randn(6, 3, SIZE, SIZE), torch.randn(6, 1, SIZE, SIZE), torch.arange(6))
    return StepBatch(target=ImageBatch(torch.randn(6, 1, SIZE, SIZE), torch.arange(6)), pairs=pairs)
