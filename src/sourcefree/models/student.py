"""The target model before training: a copy of the source model for another sensor's channels."""

from __future__ import annotations

import copy

from sourcefree.models.classifier import Classifier


def new_student(source_model: Classifier, *, in_channels: int) -> Classifier:
    """Return a trainable copy of the source model for a sensor with ``in_channels``."""
    network = copy.deepcopy(source_model.network).requires_grad_(True)
    student = Classifier(network, head=source_model.head_name, in_channels=in_channels, stages=source_model.stage_names)
    if in_channels == source_model.in_channels:
        student.adapter.load_state_dict(source_model.adapter.state_dict())
    return student
