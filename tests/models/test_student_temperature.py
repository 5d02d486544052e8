"""What starts from a calibrated source model answers at its temperature."""

from __future__ import annotations

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
