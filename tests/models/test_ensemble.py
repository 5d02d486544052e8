"""Several source models as one, each with the statistics that it was trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from sourcefree.data.modality import MODALITIES, Modality
from sourcefree.errors import CheckpointError, ConfigError, DataError
from sourcefree.models.architecture import Architecture
from sourcefree.models.ensemble import deep_ensemble
from sourcefree.models.student import new_student
from sourcefree.models.trained import TrainedClassifier, combine, load_trained
from support.classifiers import CLASSES, SIZE, small_classifier

LABELS = ("bus", "cat", "tree")


def trained(seed: int, *, mean: tuple[float, ...], std: tuple[float, ...]) -> TrainedClassifier:
    colour = Modality(**{**MODALITIES["rgb"].to_dict(), "mean": mean, "std": std})
    architecture = Architecture("bottleneck", "test_resnet", CLASSES, bottleneck=8)
    return TrainedClassifier(small_classifier(seed), architecture, LABELS, colour, SIZE)


def standardised(images: torch.Tensor, classifier: TrainedClassifier) -> torch.Tensor:
    mean, std = (torch.tensor(one)[:, None, None] for one in (classifier.modality.mean, classifier.modality.std))
    return (images - mean) / std


@pytest.fixture
def members() -> list[TrainedClassifier]:
    return [
        trained(0, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        trained(5, mean=(0.5, 0.4, 0.3), std=(0.5, 0.6, 0.7)),
    ]


def test_every_member_sees_images_as_it_was_trained_on_them(members: list[TrainedClassifier], tmp_path: Path) -> None:
    images = torch.rand(4, 3, SIZE, SIZE)
    mixed = combine(members)
    expected = sum(0.5 * one.model(standardised(images, one)).logits.softmax(-1) for one in members)
    mixed.save(tmp_path)
    for classifier in (mixed, load_trained(tmp_path)):
        answers = classifier.model.eval()(standardised(images, members[0])).logits.softmax(-1)
        assert torch.allclose(answers, expected, atol=1e-5)
        assert classifier.modality == members[0].modality


def test_classifiers_of_different_tasks_are_refused_in_a_few_words(members: list[TrainedClassifier]) -> None:
    first = members[0]
    for other, part in (
        (replace(first, labels=("bus", "cat", "dog")), r"share their labels, found \('bus', 'cat', 'tree'\) and"),
        (replace(first, size=64), "share their size, found 32 and 64"),
        (replace(first, modality=MODALITIES["depth"]), r"share their sensor \(name\), found rgb and depth"),
    ):
        with pytest.raises(ConfigError, match=part):
            combine([first, other])


def test_every_member_sees_images_of_another_sensor_in_that_sensors_own_standardisation(
    members: list[TrainedClassifier],
) -> None:
    images = torch.randn(4, 1, SIZE, SIZE)
    colour = images.expand(-1, 3, -1, -1)
    expected = sum(0.5 * one.model(colour).logits.softmax(-1) for one in members)
    for order in (members, members[::-1]):
        student = new_student(combine(order).model, in_channels=1).eval()
        assert torch.allclose(student(images).logits.softmax(-1), expected, atol=1e-5)


def test_mixtures_are_no_part_of_mixtures_but_of_averages(members: list[TrainedClassifier]) -> None:
    both = combine(members)
    with pytest.raises(ConfigError, match="itself a mixture of 2"):
        combine([both, members[0]])
    averaged = deep_ensemble([new_student(both.model, in_channels=1) for _ in range(2)])
    assert len(averaged.members()) == 4
    assert all(one.members() == [one] for one in averaged.members())


def test_weights_that_are_no_numbers_are_no_model(members: list[TrainedClassifier], tmp_path: Path) -> None:
    with torch.no_grad():
        next(members[0].model.parameters())[0] = torch.nan
    members[0].save(tmp_path)
    with pytest.raises(CheckpointError, match="some weights are no numbers"):
        load_trained(tmp_path)


def test_weights_that_cannot_be_written_are_told_with_their_file(
    members: list[TrainedClassifier], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("sourcefree.models.tensor_files.save_file", full)
    with pytest.raises(DataError, match=r"weights\.safetensors: cannot be written: .*No space left"):
        members[0].save(tmp_path)
    assert not list(tmp_path.iterdir())
