"""What starts from a source model: at its temperature, with features of its width."""

from __future__ import annotations

import torch

from sourcefree.models.architecture import Architecture
from sourcefree.models.student import new_student, other_student
from sourcefree.models.translators import behind_translator, create_translator
from support.classifiers import CLASSES, SIZE, small_classifier


def test_every_target_model_takes_over_the_source_models_temperature() -> None:
    source = small_classifier().calibrated(2.0)
    architecture = Architecture("bottleneck", "test_resnet", CLASSES, bottleneck=8)
    other = other_student(source, architecture, backbone="test_resnet", in_channels=1, size=SIZE, pretrained=False)
    translator = create_translator("paper", in_channels=1)
    translated = behind_translator(source, translator, name="paper", in_channels=1)
    native = new_student(source, in_channels=2, native_stem=True)
    assert [float(model.temperature) for model in (other, translated, native)] == [2.0] * 3


def test_a_student_of_a_backbone_with_a_hidden_head_layer_has_features_of_the_source_models_width() -> None:
    architecture = Architecture("bottleneck", "test_resnet", CLASSES, bottleneck=8)
    student = other_student(
        small_classifier(), architecture, backbone="mobilenetv3_small_050", in_channels=1, size=SIZE, pretrained=False
    )
    output = student(torch.randn(2, 1, SIZE, SIZE))
    assert (output.features.shape, output.logits.shape) == ((2, 8), (2, CLASSES))
