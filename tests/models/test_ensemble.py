"""Several source models as one, each with the statistics that it was trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sourcefree.data.modality import MODALITIES, Modality
from sourcefree.errors import ConfigError
from sourcefree.models.architecture import Architecture
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
