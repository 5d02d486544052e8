from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import timm
import torch
from torch import nn

from sourcefree.errors import CheckpointError, ConfigError
from sourcefree.models.architecture import Architecture, parse_architecture
from sourcefree.models.classifier import Classifier, channel_adapter, find_head, find_stages, freeze, inputs_of

BOTTLENECK = Architecture("bottleneck", "test_resnet", 4, bottleneck=8)


def build(architecture: Architecture) -> Classifier:
    torch.manual_seed(0)
    network, head = architecture.build()
    return Classifier(network, head=head, stages=find_stages(network, size=64)).eval()


@pytest.mark.parametrize(
    "architecture",
    [
        BOTTLENECK,
        Architecture("bottleneck", "mobilenetv3_small_050", 4, bottleneck=8),  # a hidden layer follows the pooling
        Architecture("timm", "test_resnet", 4),
        Architecture("timm", "test_convnext", 4),
        Architecture("timm", "test_efficientnet", 4),
        Architecture("torchvision", "resnet18", 4),
    ],
    ids=lambda a: f"{a.kind}-{a.name}",
)
def test_features_are_what_enters_the_final_layer(architecture: Architecture) -> None:
    model = build(architecture)
    output, maps = model.with_stages(torch.randn(2, 3, 64, 64))
    assert output.logits.shape == (2, 4)
    assert torch.allclose(model.head(output.features), output.logits, atol=1e-5)
    assert 2 <= len(maps) <= 4
    assert all(deep.shape[-1] < shallow.shape[-1] for shallow, deep in itertools.pairwise(maps))


def test_a_transformer_has_stages_of_tokens() -> None:
    network = timm.create_model("test_vit", num_classes=4, img_size=64)
    model = Classifier(network, head=find_head(network), stages=find_stages(network, size=64))
    output, maps = model.with_stages(torch.randn(2, 3, 64, 64))
    assert output.logits.shape == (2, 4)
    assert maps
    assert all(level.ndim == 3 for level in maps)


@pytest.mark.parametrize("name", ["mobilevit_xxs", "edgenext_xx_small", "efficientvit_m0"])
def test_stages_are_maps_of_images_and_neither_patches_nor_attention(name: str) -> None:
    network = timm.create_model(name, num_classes=4, **({"img_size": 224} if name == "efficientvit_m0" else {}))
    size = 224 if name == "efficientvit_m0" else 64
    model = Classifier(network, head=find_head(network), stages=find_stages(network, size=size)).eval()
    _, maps = model.with_stages(torch.randn(3, 3, size, size))
    assert len(maps) == len(model.stage_names) == 4
    assert all(len(level) == 3 for level in maps)
    assert all(deep.shape[-1] < shallow.shape[-1] for shallow, deep in itertools.pairwise(maps))
    assert all(deep.shape[1] > shallow.shape[1] for shallow, deep in itertools.pairwise(maps[:3]))


def test_the_bottleneck_is_the_feature_where_there_is_one() -> None:
    assert build(BOTTLENECK)(torch.randn(2, 3, 64, 64)).features.shape == (2, 8)


def test_one_channel_is_repeated() -> None:
    grey = torch.randn(2, 1, 32, 32)
    model = build(BOTTLENECK)
    single = Classifier(model.network, head="head", in_channels=1).eval()
    assert torch.allclose(single(grey).logits, model(grey.repeat(1, 3, 1, 1)).logits, atol=1e-6)


def test_many_channels_start_as_their_mean_and_can_be_trained() -> None:
    adapter = channel_adapter(5)
    images = torch.randn(2, 5, 8, 8)
    assert torch.allclose(adapter(images), images.mean(1, keepdim=True).expand(-1, 3, -1, -1), atol=1e-6)
    assert all(parameter.requires_grad for parameter in adapter.parameters())


def test_finding_stages_leaves_the_network_as_it_was() -> None:
    network, _ = BOTTLENECK.build()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()
    frozen = next(module for module in network.modules() if isinstance(module, nn.BatchNorm2d)).eval()
    modes = [module.training for module in network.modules()]
    find_stages(network, size=64)
    assert modes == [module.training for module in network.modules()]
    assert not frozen.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


def test_a_frozen_model_does_not_move_in_forward() -> None:
    model = build(BOTTLENECK)
    freeze(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model(torch.randn(4, 3, 64, 64))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_a_network_without_linear_layer_is_refused() -> None:
    with pytest.raises(CheckpointError, match="no linear layer"):
        find_head(nn.Conv2d(3, 4, 1))


def test_an_architecture_survives_as_plain_data() -> None:
    again = Architecture(**BOTTLENECK.to_dict())
    assert again == BOTTLENECK
    first, second = (a.build()[0].state_dict() for a in (BOTTLENECK, again))
    assert {name: value.shape for name, value in first.items()} == {name: v.shape for name, v in second.items()}


@pytest.mark.parametrize("text", ["timm:resnet18x", "torchvision:resnet1", "resnet18", "keras:vgg"])
def test_an_unknown_architecture_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_architecture(text, num_classes=3)
    assert caught.value.hint


def test_a_close_name_is_offered() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_architecture("timm:resnt18", num_classes=3)
    assert "resnet18" in str(caught.value.hint)


def test_torchvision_and_timm_names_build() -> None:
    assert parse_architecture("torchvision:resnet18", num_classes=3).kind == "torchvision"
    assert parse_architecture("timm:resnet18", num_classes=3).name == "resnet18"


def test_inputs_of_layers_come_by_their_place_and_those_not_reached_are_left_out() -> None:
    network = nn.Sequential(nn.Conv2d(1, 3, 1), nn.BatchNorm2d(3), nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
    layers = [network[1], nn.BatchNorm2d(3), network[3]]
    with inputs_of(layers) as entering:
        network(torch.randn(4, 1, 5, 5))
    assert {place: tuple(part.shape) for place, part in entering.items()} == {0: (4, 3, 5, 5), 2: (4, 2, 5, 5)}
    before = entering[0]
    network(torch.randn(4, 1, 5, 5))
    assert entering[0] is before


class ByKeyword(nn.Module):
    """Calls its final layer with a named argument, after waiting for another thread where it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 2)
        self.both_inside = Barrier(2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = images.mean((2, 3))
        self.both_inside.wait(timeout=30)
        answers: torch.Tensor = self.head(input=features)
        self.both_inside.wait(timeout=30)
        return answers


def test_threads_that_ask_one_network_at_once_get_features_of_their_own_images() -> None:
    model = Classifier(ByKeyword(), head="head").eval()
    batches = [torch.full((2, 3, 4, 4), float(number)) for number in range(2)]
    with ThreadPoolExecutor(2) as pool:
        outputs = list(pool.map(model, batches))
    assert [output.features.unique().item() for output in outputs] == [0.0, 1.0]
