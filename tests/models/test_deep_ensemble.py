"""Target models that were trained alike, averaged: one classifier that can be saved, loaded and calibrated as any other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from sourcefree.commands.source_models import resolve_source_model
from sourcefree.data.modality import MODALITIES, Modality
from sourcefree.errors import CheckpointError, ConfigError
from sourcefree.models.architecture import Architecture
from sourcefree.models.classifier import Classifier
from sourcefree.models.ensemble import deep_ensemble
from sourcefree.models.student import new_student
from sourcefree.models.trained import TrainedClassifier, load_trained
from support.classifiers import CLASSES, SIZE, small_classifier

LABELS = ("bus", "cat", "tree")
MEMBER = Architecture("bottleneck", "test_resnet", CLASSES, bottleneck=8)


def student(seed: int, *, channels: int, native_stem: bool) -> Classifier:
    """Return a target model whose mixing layer, where it has one, is its own."""
    model = new_student(small_classifier(seed), in_channels=channels, native_stem=native_stem)
    torch.manual_seed(seed)
    for parameter in model.adapter.parameters():
        nn.init.normal_(parameter)
    return model.eval()


def averaged(channels: int, *, native_stem: bool = False) -> tuple[list[Classifier], TrainedClassifier]:
    members = [student(seed, channels=channels, native_stem=native_stem) for seed in (0, 5)]
    member = replace(MEMBER, in_channels=channels) if native_stem else MEMBER
    architecture = Architecture("deep-ensemble", member.name, CLASSES, members=(member, member), in_channels=channels)
    sensor = Modality(
        name="own", channels=channels, unit="dB", scale=1.0, mean=(0.0,) * channels, std=(1.0,) * channels
    )
    return members, TrainedClassifier(deep_ensemble(members).eval(), architecture, LABELS, sensor, SIZE)


@pytest.mark.parametrize(("channels", "native_stem"), [(1, False), (3, False), (5, False), (5, True)])
def test_it_answers_with_the_mean_probability_of_its_members_also_from_a_file(
    channels: int, native_stem: bool, tmp_path: Path
) -> None:
    members, classifier = averaged(channels, native_stem=native_stem)
    images = torch.randn(4, channels, SIZE, SIZE)
    each = [member(images).logits.softmax(-1) for member in members]
    assert not torch.allclose(*each, atol=1e-2)
    classifier.save(tmp_path)
    mean = (each[0] + each[1]) / 2
    modest = mean.sqrt() / mean.sqrt().sum(-1, keepdim=True)
    for model in (classifier.model, load_trained(tmp_path).model):
        assert torch.allclose(model(images).logits.softmax(-1), mean, atol=1e-5)
        assert torch.allclose(model.calibrated(2.0)(images).logits.softmax(-1), modest, atol=1e-5)


def test_members_of_an_own_network_are_built_of_one_copy_each(tmp_path: Path) -> None:
    def own() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, CLASSES))

    members = [Classifier(own(), head="3", in_channels=1).eval() for _ in range(2)]
    member = Architecture("module", "Sequential", CLASSES, head="3")
    architecture = Architecture("deep-ensemble", "Sequential", CLASSES, members=(member, member), in_channels=1)
    classifier = TrainedClassifier(deep_ensemble(members).eval(), architecture, LABELS, MODALITIES["depth"], SIZE)
    classifier.save(tmp_path)
    with pytest.raises(CheckpointError, match=r"your own nn\.Module"):
        load_trained(tmp_path)
    images = torch.randn(4, 1, SIZE, SIZE)
    again = load_trained(tmp_path, network=own()).model
    assert torch.equal(again(images).logits, classifier.model(images).logits)


def test_it_is_no_source_model_and_says_what_to_give_in_its_place() -> None:
    with pytest.raises(ConfigError, match="2 adapted models whose answers are averaged") as caught:
        resolve_source_model(averaged(3)[1])
    assert "candidates" in str(caught.value.hint)


def test_it_is_all_on_the_device_of_its_members() -> None:
    members = [student(seed, channels=1, native_stem=False).to("meta") for seed in (0, 5)]  # stands for a GPU
    model = deep_ensemble(members)
    assert {value.device.type for value in model.state_dict().values()} == {"meta"}
    assert model(torch.zeros(2, 1, SIZE, SIZE, device="meta")).logits.shape == (2, CLASSES)
