"""A network that does not take or return what is expected is refused where it is given, in a sentence that says what to do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn

from sourcefree.commands.source_models import resolve_source_model
from sourcefree.data.modality import load_modality
from sourcefree.errors import CheckpointError, ConfigError
from sourcefree.models.probe import check_network
from sourcefree.models.trained import TrainedClassifier

SIZE = 32


class Small(nn.Module):
    """Two labels, dropout and batch norm; ``answer`` is what its forward makes of the logits."""

    def __init__(self, *, channels: int = 3, answer: Callable[[nn.Module, Tensor], object] | None = None) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5))
        self.hidden = nn.Linear(4, 5)
        self.fc = nn.Linear(5, 2)
        self.answer = answer

    def forward(self, images: Tensor) -> object:
        self.seen = images
        logits = self.fc(self.hidden(self.body(images).mean((2, 3))))
        return self.answer(self, logits) if self.answer else logits


class Attending(Small):
    """Its last linear layer, inside attention, is never called as a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(2, 1)

    def forward(self, images: Tensor) -> object:
        logits = super().forward(images)
        return self.attention(logits, logits, logits)[0]


def classifier(network: nn.Module, **options: object) -> TrainedClassifier:
    return TrainedClassifier.from_module(network, **{"labels": ["cat", "dog"], "size": SIZE, **options})  # type: ignore[arg-type]


def tuple_in_training(network: nn.Module, logits: Tensor) -> object:
    return (logits, logits) if network.training else logits


def locked() -> nn.Module:
    network = Small()
    network.lock = threading.Lock()
    return network


@pytest.mark.parametrize(
    ("network", "options", "parts"),
    [
        (Small(answer=lambda _, logits: (logits, logits)), {}, ["found tuple of 2 in eval mode", "logits alone"]),
        (Small(answer=tuple_in_training), {}, ["expected logits (2, 2)", "found tuple of 2 in training mode"]),
        (Small(answer=lambda _, logits: {"logits": logits}), {}, ["found dict in eval mode"]),
        (Small(answer=lambda _, logits: logits[:, :1]), {}, ["found float32 (2, 1)"]),
        (Small(answer=lambda _, logits: logits.argmax(1)), {}, ["found int64 (2,)"]),
        (Attending(), {}, ["'attention.out_proj' is not called", "head='...'", "called is 'fc'"]),
        (Small(channels=1), {}, ["for 3 channels, found a first convolution over 1", "images.mean(1, keepdim=True)"]),
        (
            Small(channels=1),
            {"modality": "nir", "mean": [0.5], "std": [0.2]},
            ["found a first convolution over 1", "images.mean(1, keepdim=True)"],
        ),
        (Small(channels=5), {}, ["found a first convolution over 5", "adapt such a model"]),
        (Small(), {"size": 2}, ["does not run on images of 2 px", "another size"]),
        (Small().half(), {}, ["expected weights of float32, found float16", ".float()"]),
        (Small(answer=lambda network, logits: network.seen.sub_(1.0).mean((2, 3))[:, :2]), {}, ["changes the images"]),
        (
            Small(answer=lambda _network, logits: logits * torch.nan),
            {},
            ["its answers are no finite numbers in eval mode"],
        ),
        (locked(), {}, ["Small cannot be copied", "deepcopy"]),
    ],
)
def test_what_is_expected_and_found_is_said(network: nn.Module, options: dict[str, object], parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        classifier(network, **options)
    for part in parts:
        assert part in str(caught.value)


def test_probabilities_are_no_logits() -> None:
    with pytest.raises(ConfigError, match="expected logits, found probabilities"):
        check_network(Small(answer=lambda _, logits: logits.softmax(-1)), head="fc", labels=2, size=SIZE)
    check_network(Small(answer=lambda _, logits: logits.log_softmax(-1)), head="fc", labels=2, size=SIZE)


def test_a_head_of_any_kind_must_have_an_output_for_each_label() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Sequential(nn.Linear(4, 5)))
    with pytest.raises(CheckpointError, match=r"'3' gives \(2, 5\) for 2 images, but 2 labels"):
        classifier(network, head="3")
    assert classifier(network, head="3", labels=list("abcde")).labels == tuple("abcde")


@pytest.mark.filterwarnings("ignore:The default weight initialization")
@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_auxiliary_outputs_are_refused_before_there_is_a_run(tmp_path: Path, name: str) -> None:
    network = torchvision.models.get_model(name, weights=None, num_classes=2, init_weights=False)
    torch.save({"state_dict": network.state_dict(), "labels": ["cat", "dog"]}, tmp_path / "w.pth")
    with pytest.raises(ConfigError, match=r"found \w+Outputs of [23] in training mode(?s:.)*aux_logits=False"):
        resolve_source_model(f"torchvision:{name}", weights=tmp_path / "w.pth", size=299)


def test_a_classifier_is_checked_at_the_size_that_is_asked_for() -> None:
    source = classifier(nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE**2, 2)))
    assert resolve_source_model(source, size=SIZE).size == SIZE
    with pytest.raises(ConfigError, match="Sequential does not run on images of 48 px"):
        resolve_source_model(source, size=48)


def test_one_channel_is_repeated_for_a_network_of_three() -> None:
    trained = classifier(Small().eval(), modality="nir", mean=[0.5], std=[0.2])
    assert (trained.model.in_channels, trained.modality.mean) == (1, (0.5,))
    grey = torch.randn(2, 1, SIZE, SIZE)
    assert torch.equal(trained.model(grey).logits, trained.model.network(grey.expand(-1, 3, -1, -1)))


def test_a_sensor_of_many_channels_has_no_network_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "five.yaml").write_text("name: five\nchannels: 5\nunit: dB\nscale: 1\n")
    with pytest.raises(ConfigError, match="sensor 'five': expected 1 or 3 channels"):
        classifier(Small(), modality=load_modality(tmp_path / "five.yaml"), mean=[0] * 5, std=[1] * 5)


def test_looking_leaves_weights_statistics_modes_and_random_numbers_as_they_were() -> None:
    network = Small()
    network.body[1].eval()
    modes = [part.training for part in network.modules()]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    check_network(network, head="fc", labels=2, size=SIZE)
    assert torch.equal(torch.rand(4), expected)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert modes == [part.training for part in network.modules()]
    assert not any(part._forward_hooks for part in network.modules())


def test_a_network_whose_train_returns_nothing_is_fine() -> None:
    class Quiet(Small):
        def train(self, mode: bool = True) -> None:  # type: ignore[override]
            super().train(mode)

    check_network(Quiet(), head="fc", labels=2, size=SIZE)


def test_labels_that_are_numbers_become_names() -> None:
    assert classifier(Small(), labels=[0, 1]).labels == ("0", "1")
