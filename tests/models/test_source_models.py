"""Classifiers from other places: a function of one's own, label names inside checkpoints, hub names, transformers."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from sourcefree.commands.source_models import resolve_source_model
from sourcefree.errors import CheckpointError, ConfigError
from sourcefree.models.checkpoint_files import stored_labels
from sourcefree.models.stem import with_input_channels
from sourcefree.models.trained import load_trained

FACTORY = """
from torch import nn

def small():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))

def wrong():
    return 3

def broken():
    raise RuntimeError("no luck")
"""


@pytest.fixture
def factory(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(FACTORY)
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    return tmp_path


def test_a_function_of_ones_own_makes_a_classifier_that_can_be_saved_and_built_again(factory: Path) -> None:
    trained = resolve_source_model(f"{factory}/mine.py:small", labels=factory / "labels.txt", size=24)
    assert (trained.labels, trained.size) == (("cat", "dog"), 24)
    trained.save(factory / "model")
    again = load_trained(factory / "model")
    images = torch.randn(2, 3, 24, 24)
    assert torch.equal(trained.model.eval()(images).logits, again.model(images).logits)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("mine.py:smal", "no function 'smal'"),
        ("mine.py:wrong", "returns int"),
        ("mine.py:broken", "fails: RuntimeError: no luck"),
        ("none.py:small", "no such file"),
    ],
)
def test_a_factory_that_does_not_work_says_why(factory: Path, name: str, part: str) -> None:
    with pytest.raises(CheckpointError, match=part):
        resolve_source_model(f"{factory}/{name}", labels=factory / "labels.txt")


def test_labels_must_be_as_many_as_outputs_and_must_be_given(factory: Path) -> None:
    (factory / "three.txt").write_text("a\nb\nc\n")
    with pytest.raises(CheckpointError, match="2 outputs, but 3 labels"):
        resolve_source_model(f"{factory}/mine.py:small", labels=factory / "three.txt")
    with pytest.raises(ConfigError, match="label names are needed"):
        resolve_source_model(f"{factory}/mine.py:small")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize(
    ("key", "value"),
    [("labels", ["cat", "dog"]), ("class_to_idx", {"dog": 1, "cat": 0}), ("id2label", {"0": "cat", "1": "dog"})],
)
def test_label_names_inside_a_checkpoint_are_found(tmp_path: Path, suffix: str, key: str, value: object) -> None:
    import json

    network = timm.create_model("test_vit", num_classes=2)
    path = tmp_path / f"w{suffix}"
    if suffix == ".pth":
        torch.save({"state_dict": network.state_dict(), key: value}, path)
    else:
        save_file(network.state_dict(), path, metadata={key: json.dumps(value)})
    assert stored_labels(path) == ["cat", "dog"]
    trained = resolve_source_model("timm:test_vit", weights=path)
    assert (trained.labels, trained.size) == (("cat", "dog"), 160)
    assert all(torch.equal(a, b) for a, b in zip(trained.model.network.parameters(), network.parameters(), strict=True))


def test_a_hub_name_without_a_network_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "labels.txt").write_text("a\nb\n")
    with pytest.raises(CheckpointError, match="could not be had from the hub") as caught:
        resolve_source_model("hf-hub:someone/nothing-of-this-name", labels=tmp_path / "labels.txt")
    assert "online" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["test_vit", "test_convnext", "test_resnet"])
def test_the_native_stem_starts_where_repeating_the_channel_would(name: str) -> None:
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=2).eval()
    grey = torch.randn(2, 1, 160, 160)
    changed = with_input_channels(network, 1).eval()
    assert torch.allclose(changed(grey), network(grey.expand(-1, 3, -1, -1)), atol=1e-4)
    assert with_input_channels(network, 7)(torch.randn(2, 7, 160, 160)).shape == (2, 2)
    with pytest.raises(ConfigError, match="does not begin with a convolution"):
        with_input_channels(nn.Linear(3, 2), 1)
