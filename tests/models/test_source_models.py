"""Classifiers from other places: a function of one's own, label names inside checkpoints, hub names, transformers."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from sourcefree.commands.source_models import resolve_source_model
from sourcefree.data.modality import MODALITIES
from sourcefree.errors import CheckpointError, ConfigError
from sourcefree.models.architecture import Architecture, parse_architecture
from sourcefree.models.checkpoint_files import read_stored
from sourcefree.models.pretrained import create_backbone
from sourcefree.models.stem import with_input_channels
from sourcefree.models.student import new_student
from sourcefree.models.trained import TrainedClassifier, load_trained
from sourcefree.models.translators import behind_translator, create_translator
from support.classifiers import CLASSES, SIZE, small_classifier

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
    network = timm.create_model("test_vit", num_classes=2)
    path = tmp_path / f"w{suffix}"
    if suffix == ".pth":
        torch.save({"state_dict": network.state_dict(), key: value}, path)
    else:
        save_file(network.state_dict(), path, metadata={key: json.dumps(value)})
    assert read_stored(path).labels == ["cat", "dog"]
    trained = resolve_source_model("timm:test_vit", weights=path)
    assert (trained.labels, trained.size) == (("cat", "dog"), 160)
    assert all(torch.equal(a, b) for a, b in zip(trained.model.network.parameters(), network.parameters(), strict=True))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_size_and_normalisation_inside_a_checkpoint_win_over_the_librarys(tmp_path: Path, suffix: str) -> None:
    network = timm.create_model("test_resnet", num_classes=2)
    told = {"labels": ["cat", "dog"], "input_size": [3, 64, 64], "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}
    path = tmp_path / f"w{suffix}"

    def write(changes: dict[str, object]) -> None:
        content = {**told, **changes}
        if suffix == ".pth":
            torch.save({"state_dict": network.state_dict(), **content}, path)
        else:
            save_file(network.state_dict(), path, metadata={key: json.dumps(value) for key, value in content.items()})

    write({})
    trained = resolve_source_model("timm:test_resnet", weights=path)
    assert (trained.size, trained.modality.mean, trained.modality.std) == (64, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert resolve_source_model("timm:test_resnet", weights=path, size=48).size == 48
    for changes, part in (({"mean": "grey"}, "cannot be used"), ({"std": [0, 1, 1]}, "std must be above 0")):
        write(changes)
        with pytest.raises(CheckpointError, match=part):
            resolve_source_model("timm:test_resnet", weights=path)


def test_label_names_of_a_file_may_be_others_than_the_checkpoints_but_not_the_same_in_another_order(
    tmp_path: Path,
) -> None:
    network = timm.create_model("test_resnet", num_classes=2)
    torch.save({"state_dict": network.state_dict(), "class_to_idx": {"cat": 0, "dog": 1}}, tmp_path / "w.pth")
    labels = tmp_path / "labels.txt"
    labels.write_text("Katze\nHund\n")
    options = {"weights": tmp_path / "w.pth", "labels": labels, "size": 32}
    assert resolve_source_model("timm:test_resnet", **options).labels == ("Katze", "Hund")
    labels.write_text("dog\ncat\n")
    with pytest.raises(ConfigError, match=r"in another order: it has 'cat' first"):
        resolve_source_model("timm:test_resnet", **options)


def hub_folder(folder: Path) -> nn.Module:
    """A model in the form of timm's hub: what ``hf-hub:`` downloads."""
    folder.mkdir()
    network: nn.Module = timm.create_model("test_resnet", num_classes=3)
    save_file(network.state_dict(), folder / "model.safetensors")
    config = {"input_size": [3, 48, 48], "mean": [0.5] * 3, "std": [0.25] * 3, "num_classes": 3}
    names = {"num_classes": 3, "num_features": network.num_features, "label_names": ["a", "b", "c"]}
    text = json.dumps({"architecture": "test_resnet", **names, "pretrained_cfg": config})
    (folder / "config.json").write_text(text)
    return network


def test_a_model_of_the_hub_brings_labels_size_and_normalisation_and_is_not_needed_again(tmp_path: Path) -> None:
    network = hub_folder(tmp_path / "hub")
    trained = resolve_source_model(f"local-dir:{tmp_path}/hub")
    assert (trained.labels, trained.size) == (("a", "b", "c"), 48)
    assert (trained.modality.mean, trained.modality.std) == ((0.5,) * 3, (0.25,) * 3)
    trained.save(tmp_path / "model")
    shutil.rmtree(tmp_path / "hub")
    again = load_trained(tmp_path / "model")
    images = torch.randn(2, 3, 48, 48)
    assert torch.equal(again.model(images).logits, network.eval()(images))


def test_labels_that_do_not_fit_a_model_of_the_hub_are_no_new_random_layer(tmp_path: Path) -> None:
    hub_folder(tmp_path / "hub")
    (tmp_path / "labels.txt").write_text("a\nb\n")
    with pytest.raises(CheckpointError, match="3 outputs, but 2 labels"):
        resolve_source_model(f"local-dir:{tmp_path}/hub", labels=tmp_path / "labels.txt")


def test_a_hub_name_without_a_network_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "labels.txt").write_text("a\nb\n")
    with pytest.raises(CheckpointError, match="could not be had from the hub") as caught:
        resolve_source_model("hf-hub:someone/nothing-of-this-name", labels=tmp_path / "labels.txt")
    assert "online" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["", "a/b/c", "a b", "/b", "a/b?"])
def test_a_malformed_hub_name_is_refused_before_the_hub_is_asked(name: str) -> None:
    with pytest.raises(ConfigError, match="is no name of a model") as caught:
        resolve_source_model(f"hf-hub:{name}")
    assert "hf-hub:OWNER/NAME" in str(caught.value.hint)


@pytest.mark.parametrize(
    "config", ["{}", "[]", "{bad", '{"architecture": 3}', '{"architecture": "nope"}', '{"architecture": "test_resnet"}']
)
def test_a_folder_that_is_not_in_the_form_of_the_hub_says_what_is_expected(tmp_path: Path, config: str) -> None:
    with pytest.raises(ConfigError, match=r"expected a folder with a config\.json"):
        resolve_source_model(f"local-dir:{tmp_path}")
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(CheckpointError, match="cannot be used") as caught:
        resolve_source_model(f"local-dir:{tmp_path}")
    assert "names timm's architecture" in str(caught.value.hint)


def test_what_the_hub_says_is_told_once_and_to_the_end_of_its_sentence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reason = f"An error {'happened ' * 40}here."

    def fail(*_: object, **__: object) -> None:
        logging.getLogger("huggingface_hub.utils._http").warning("Retrying in 1s")
        raise OSError(f"{reason} Please check your connection.")

    monkeypatch.setattr("timm.create_model", fail)
    with pytest.raises(CheckpointError, match="no pretrained weights") as caught:
        create_backbone("resnet50", pretrained=True)
    assert caught.value.message.endswith(reason)
    assert not caplog.records


def test_of_many_models_the_closest_are_named_whole() -> None:
    for name in ("timm:rsnet50", "torchvision:rsnet50"):
        with pytest.raises(ConfigError) as caught:
            parse_architecture(name, num_classes=2)
        guess, _, closest = str(caught.value.hint).partition("closest: ")
        assert "'resnet50'" in guess
        assert len(closest.split(", ")) == 5
    with pytest.raises(ConfigError, match=r"none of the [0-9]+ known names is like it"):
        parse_architecture("timm:zzzzqq", num_classes=2)


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


def test_a_network_whose_layers_share_weights_is_saved(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 4), nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2))
    network[3].weight = network[2].weight
    trained = TrainedClassifier.from_module(network, labels=["cat", "dog"], size=16)
    trained.save(tmp_path / "model")
    assert load_trained(tmp_path / "model", network=network).labels == ("cat", "dog")


def test_only_a_network_of_three_channels_is_a_source_model(tmp_path: Path) -> None:
    model, labels = small_classifier(), ("a", "b", "c")
    plain = Architecture("bottleneck", "test_resnet", CLASSES, bottleneck=8)
    native = Architecture("bottleneck", "test_resnet", CLASSES, bottleneck=8, in_channels=1)
    translator = create_translator("paper", in_channels=1)
    for name, adapted, architecture in (
        ("repeated", new_student(model, in_channels=1), plain),
        ("native", new_student(model, in_channels=1, native_stem=True), native),
        ("translated", behind_translator(model, translator, name="paper", in_channels=1), plain),
    ):
        TrainedClassifier(adapted, architecture, labels, MODALITIES["depth"], SIZE).save(tmp_path / name)
    assert resolve_source_model(tmp_path / "repeated").model.in_channels == 1
    for name, part in (("native", "a first convolution of 1 channels"), ("translated", "the translator 'paper'")):
        with pytest.raises(ConfigError, match=f"{name}: a source model needs .* found {part}"):
            resolve_source_model(tmp_path / name)
        with pytest.raises(ConfigError, match=part):
            resolve_source_model(load_trained(tmp_path / name))
