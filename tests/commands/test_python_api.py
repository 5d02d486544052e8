"""The functions as a Python user calls them: an own nn.Module, another sensor than colour, many channels."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import yaml
from safetensors.torch import save_file
from torch import nn

import sourcefree
from sourcefree.commands.resuming import is_complete
from sourcefree.commands.source_models import resolve_source_model
from sourcefree.data.augment import CropFlips, draw_crop_flips
from sourcefree.data.image_io import write_image
from sourcefree.errors import CheckpointError, ConfigError, DivergenceError, SourcefreeError
from sourcefree.methods.presets import METHODS, student_sections
from sourcefree.models.architecture import Architecture
from sourcefree.models.classifier import Classifier, find_stages
from sourcefree.models.student import new_student
from sourcefree.models.trained import combine
from sourcefree.overrides import override

QUICK = {
    "allow_collapse": True,
    "precision": "fp32",
    "device": "cpu",
    **{
        f"{stage}.optimisation.{name}": value
        for stage in ("tgmb", "multilevel")
        for name, value in (("epochs", 1), ("min_steps", 0), ("batch_size", 8))
    },
}


class Own(nn.Module):
    """A network of one's own whose last linear layer is not its head."""

    def __init__(self, norm: type[nn.Module] = nn.BatchNorm2d) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2), norm(8), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2), nn.ReLU()
        )
        self.answer = nn.Linear(8, 2)
        self.unused = nn.Linear(8, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.body(images).mean((2, 3))
        return self.answer(features)  # type: ignore[no-any-return]


class NoNorm(nn.Identity):
    """Stands where batch norm would be."""


@pytest.fixture
def two_bands(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for i in range(16):
        scene = random.random((24, 24, 3), dtype=np.float32)
        write_image(tmp_path / "pairs/rgb" / f"{i}.png", (255 * scene).astype(np.uint8))
        write_image(tmp_path / "pairs/two" / f"{i}.tif", scene[..., :2] * 40 - 20)
        write_image(tmp_path / "target" / f"{i}.tif", random.random((24, 24, 2), dtype=np.float32) * 40 - 20)
    (tmp_path / "two.yaml").write_text("name: two\nchannels: 2\nunit: dB\nscale: 1\n")
    return tmp_path


def own_classifier(norm: type[nn.Module] = nn.BatchNorm2d) -> sourcefree.TrainedClassifier:
    torch.manual_seed(0)
    return sourcefree.TrainedClassifier.from_module(
        Own(norm), labels=["cat", "dog"], size=21, mean=(0.5,) * 3, std=(0.3,) * 3, head="answer"
    )


def adapt(
    source: sourcefree.TrainedClassifier, folder: Path, settings: sourcefree.AdaptSettings, *, resume: bool = False
) -> sourcefree.AdaptResult:
    return sourcefree.adapt(
        source_model=source,
        target=folder / "target",
        pairs_source=folder / "pairs/rgb",
        pairs_target=folder / "pairs/two",
        modality=folder / "two.yaml",
        out=folder / "run",
        settings=settings,
        resume=resume,
    )


def test_an_own_module_is_adapted_to_a_sensor_of_two_bands(two_bands: Path) -> None:
    result = adapt(own_classifier(), two_bands, override(sourcefree.method_settings("multilevel"), QUICK))
    assert result.model.modality.channels == 2
    assert set(result.scores) == {"source-only", "adabn", "translated", "adapted"}
    with pytest.raises(CheckpointError, match=r"your own nn\.Module"):
        sourcefree.predict(run=two_bands / "run", images=[two_bands / "target"])
    predictions = sourcefree.predict(run=two_bands / "run", images=[two_bands / "target"], network=Own())
    assert predictions.probabilities.shape == (16, 2)
    assert set(predictions.predicted) <= {"cat", "dog"}


@pytest.mark.parametrize(("setting", "told"), [("features", True), ("diversity", False), ("information", False)])
def test_that_two_classes_are_supposed_to_be_equally_frequent_is_told(
    two_bands: Path, setting: str, told: bool
) -> None:
    settings = override(sourcefree.method_settings("multilevel"), {**QUICK, f"multilevel.{setting}": 0.0})
    result = adapt(own_classifier(), two_bands, settings)
    assert ("cat and dog are about equally frequent" in " ".join(result.warnings)) is told
    assert ("--set multilevel.diversity=0" in (two_bands / "run/summary.json").read_text()) is told


def test_several_members_are_trained_in_other_orders_and_crops_and_delivered_as_one(
    two_bands: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = []

    def draw(*, seed: int, **places: Any) -> CropFlips:
        seeds.append(seed)
        return draw_crop_flips(seed=seed, **places)

    monkeypatch.setattr("sourcefree.data.datasets.draw_crop_flips", draw)
    settings = override(sourcefree.method_settings("shot"), {**QUICK, "members": 2, "shot.optimisation.epochs": 2})
    settings = override(settings, {"tgmb": None, "multilevel": None, "shot.optimisation.batch_size": 8})
    adapt(own_classifier(), two_bands, settings)
    both = sourcefree.load_trained(two_bands / "run/candidates/adapted", network=Own()).model
    summary = json.loads((two_bands / "run/summary.json").read_text())
    assert set(summary["timings"]) == {"shot", "shot-2"}
    assert {
        candidate["name"]: candidate["description"].endswith("2 networks.") for candidate in summary["candidates"]
    } == {
        "source-only": False,
        "adabn": False,
        "adapted": True,
    }
    images = torch.randn(4, 2, 21, 21)
    first, second = (member(images).logits for member in both.members())
    assert not torch.allclose(first, second)
    (two_bands / "run").rename(two_bands / "two")
    assert seeds[0] == settings.seed
    assert len(set(seeds)) == 2
    adapt(own_classifier(), two_bands, override(settings, {"members": 1}))
    alone = sourcefree.load_trained(two_bands / "run/candidates/adapted", network=Own()).model
    assert torch.equal(alone(images).logits, first)  # the first member is the model that would have been trained alone


@pytest.mark.parametrize("method", [name for name in METHODS if name != "oracle"])
def test_every_named_method_runs_and_what_it_delivers_can_be_loaded(two_bands: Path, method: str) -> None:
    preset = sourcefree.method_settings(method)
    changes = {name: value for name, value in QUICK.items() if "." not in name}
    for stage in preset.stages:
        values = {"epochs": 1, "min_steps": 0, "batch_size": 8}
        changes |= {f"{stage}.optimisation.{name}": value for name, value in values.items()}
    result = adapt(own_classifier(), two_bands, override(preset, changes))
    bridged, trained = preset.tgmb is not None, bool(preset.students)
    made = {name for name, is_made in {"translated": bridged, "adapted": trained}.items() if is_made}
    assert set(result.scores) == {"source-only", "adabn", *made, *student_sections(preset)[1:]}
    assert (two_bands / "run/translator").exists() is bridged
    preferred = "adapted" if trained else "translated" if bridged else method
    again = sourcefree.load_trained(two_bands / "run/candidates" / preferred, network=Own())
    images = torch.randn(4, 2, 21, 21)
    answers = again.model(images).logits
    assert again.model.translator_name == ("" if preferred != "translated" and not preset.translated_input else "paper")
    if preset.translated_input:  # what stands in front stays as TGMB left it
        kept = sourcefree.load_trained(
            two_bands / "run/candidates/translated", network=Own()
        ).model.adapter.state_dict()
        assert all(torch.equal(kept[name], value) for name, value in again.model.adapter.state_dict().items())
    assert answers.shape == (4, 2)
    assert torch.isfinite(answers).all()
    assert set(sourcefree.predict(run=two_bands / "run", images=[two_bands / "target"], network=Own()).predicted)


def test_a_rival_starts_from_the_source_model_and_not_from_the_method(two_bands: Path) -> None:
    changes = {**QUICK, "tgmb": None, "shot.optimisation.epochs": 0, "shot.optimisation.min_steps": 0, "aad": None}
    result = adapt(own_classifier(), two_bands, override(sourcefree.method_settings("auto"), changes))
    assert result.scores["shot"] == result.scores["source-only"] != result.scores["adapted"]


@pytest.mark.parametrize(("method", "part"), [("adabn", "AdaBN changes"), ("socket", "SOCKET matches")])
def test_a_method_that_lives_on_batch_norm_says_so_before_it_starts(two_bands: Path, method: str, part: str) -> None:
    own = sourcefree.TrainedClassifier.from_module(Own(NoNorm), labels=["cat", "dog"], size=21, head="answer")
    with pytest.raises(ConfigError, match=part):
        adapt(own, two_bands, sourcefree.method_settings(method))


def test_a_classifier_from_python_takes_a_size_and_refuses_what_it_brings_itself(two_bands: Path) -> None:
    own = own_classifier()
    assert resolve_source_model(own, size=33).size == 33
    assert resolve_source_model([own, own], size=33).size == 33
    assert own.size == 21
    for parts in ({"weights": two_bands / "w.pth"}, {"labels": two_bands / "labels.txt"}):
        with pytest.raises(ConfigError, match="found a classifier from Python"):
            resolve_source_model(own, **parts)


@pytest.mark.parametrize(
    ("source", "part"),
    [
        (Own(), "found the network Own"),
        (nn.Sequential(), "found the network Seq"),
        ([], "an empty list"),
        (3, "found int"),
    ],
)
def test_what_is_no_source_model_is_named(source: Any, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        resolve_source_model(source)


@pytest.mark.parametrize("settings", ["shot", {"method": "shot"}, sourcefree.TrainSettings()])
def test_what_is_no_settings_is_refused_with_the_call_that_makes_them(two_bands: Path, settings: Any) -> None:
    made = r"method_settings\('shot'\)" if settings == "shot" else r"method_settings\('multilevel'\)"
    with pytest.raises(ConfigError, match=f"expected AdaptSettings, found (?s:.)*{made}"):
        adapt(own_classifier(), two_bands, settings)
    with pytest.raises(ConfigError, match="expected AdaptSettings"):
        sourcefree.tune(
            source_model=own_classifier(),
            target=two_bands,
            pairs_source=two_bands,
            pairs_target=two_bands,
            modality="depth",
            out=two_bands / "tuned",
            settings=settings,
        )
    if isinstance(settings, (str, dict)):
        with pytest.raises(ConfigError, match="expected TrainSettings"):
            sourcefree.train_source(images=two_bands, out=two_bands / "trained", settings=settings)  # type: ignore[arg-type]


def test_the_oracle_is_no_adaptation(two_bands: Path) -> None:
    with pytest.raises(ConfigError, match="trains with target labels"):
        adapt(own_classifier(), two_bands, sourcefree.method_settings("oracle"))


def test_the_final_layer_must_fit_the_labels() -> None:
    with pytest.raises(CheckpointError, match="2 outputs, but 3 labels"):
        sourcefree.TrainedClassifier.from_module(Own(), labels=["a", "b", "c"], size=21, head="answer")
    with pytest.raises(ConfigError, match="found twice: a"):
        sourcefree.TrainedClassifier.from_module(Own(), labels=["a", "a"], size=21, head="answer")
    with pytest.raises(CheckpointError, match=r"Own has no layer 'anwser'(?s:.)*did you mean 'answer'"):
        sourcefree.TrainedClassifier.from_module(Own(), labels=["a", "b"], size=21, head="anwser")
    with pytest.raises(CheckpointError, match=r"no linear layer in NoNorm(?s:.)*from_module\(network, \.\.\., head="):
        sourcefree.TrainedClassifier.from_module(NoNorm(), labels=["a", "b"], size=21)


def test_statistics_must_fit_the_sensor() -> None:
    make = partial(sourcefree.TrainedClassifier.from_module, Own(), labels=["a", "b"], size=21, head="answer")
    with pytest.raises(ConfigError, match="sensor 'rgb': mean has 2 values for 3 bands"):
        make(mean=(0.5, 0.5), std=(1, 1))
    with pytest.raises(ConfigError, match="sensor 'depth': mean has 3 values for 1 bands"):
        make(modality="depth")
    measured = make(mean=np.full(3, 0.5), std=np.ones(3)).modality
    assert (measured.mean, measured.std) == ((0.5,) * 3, (1.0,) * 3)


def test_a_saved_classifier_comes_back_the_same(tmp_path: Path) -> None:
    own = own_classifier()
    own.save(tmp_path / "model")
    again = sourcefree.load_trained(tmp_path / "model", network=Own())
    images = torch.randn(3, 3, 21, 21)
    assert torch.equal(own.model.eval()(images).logits, again.model(images).logits)
    assert (again.labels, again.size, again.modality) == (own.labels, own.size, own.modality)
    with pytest.raises(CheckpointError, match=r"cannot be loaded(?s:.)*has network=Linear the layers"):
        sourcefree.load_trained(tmp_path / "model", network=nn.Linear(1, 1))
    (tmp_path / "model/weights.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        sourcefree.load_trained(tmp_path / "model", network=Own())


def test_a_network_lends_its_form_to_one_model_after_another(tmp_path: Path) -> None:
    network, images = Own(), torch.randn(3, 3, 21, 21)
    first, second = own_classifier(), own_classifier()
    torch.nn.init.ones_(second.model.head.weight)
    for name, one in (("first", first), ("second", second)):
        one.save(tmp_path / name)
    kept = sourcefree.load_trained(tmp_path / "first", network=network)
    sourcefree.load_trained(tmp_path / "second", network=network)
    assert torch.equal(kept.model(images).logits, first.model.eval()(images).logits)
    assert network.training


@pytest.mark.parametrize("twice", [False, True])
def test_several_networks_of_ones_own_are_loaded_as_a_list(tmp_path: Path, twice: bool) -> None:
    first, second = own_classifier(), own_classifier()
    torch.nn.init.ones_(second.model.head.weight)
    mixed = combine([first, bottleneck_member(size=21), second])
    mixed.save(tmp_path / "model")
    own = Own()
    given = nn.ModuleList([own, own if twice else Own()])
    again = sourcefree.load_trained(tmp_path / "model", network=given)
    images = torch.randn(3, 3, 21, 21)
    assert torch.equal(mixed.model.eval()(images).logits, again.model(images).logits)
    for network, found in ((None, 0), (own, 1), (nn.ModuleList([own] * 3), 3)):
        with pytest.raises(
            CheckpointError, match=rf"2 networks of your own \(Own, Own\), found {found}(?s:.)*ModuleList"
        ):
            sourcefree.load_trained(tmp_path / "model", network=network)


def test_a_network_of_ones_own_with_a_native_stem_is_loaded_from_the_network_as_it_was(tmp_path: Path) -> None:
    own = own_classifier()
    student = new_student(own.model, in_channels=2, native_stem=True)
    two = sourcefree.Modality(name="two", channels=2, unit="dB", scale=1, mean=(0, 0), std=(1, 1))
    adapted = replace(own, model=student, architecture=replace(own.architecture, in_channels=2), modality=two)
    adapted.save(tmp_path / "model")
    again = sourcefree.load_trained(tmp_path / "model", network=Own())
    images = torch.randn(3, 2, 21, 21)
    assert torch.equal(student.eval()(images).logits, again.model(images).logits)


def bottleneck_member(*, size: int) -> sourcefree.TrainedClassifier:
    return replace(bottleneck_classifier(), size=size)


def bottleneck_classifier() -> sourcefree.TrainedClassifier:
    torch.manual_seed(0)
    architecture = Architecture("bottleneck", "test_resnet", 2, bottleneck=8)
    network, head = architecture.build()
    model = Classifier(network, head=head, stages=find_stages(network, size=32)).eval()
    statistics = {"mean": (0.5,) * 3, "std": (0.3,) * 3}
    colour = sourcefree.Modality(**{**sourcefree.load_modality("rgb").to_dict(), **statistics})
    return sourcefree.TrainedClassifier(model, architecture, ("cat", "dog"), colour, 32)


@pytest.mark.parametrize(
    "changes",
    [{"student_backbone": "test_convnext", "student_from_scratch": True}, {"native_stem": True}],
    ids=["another backbone", "native stem"],
)
def test_a_target_model_of_another_form_is_trained_saved_and_used(two_bands: Path, changes: dict[str, object]) -> None:
    source = bottleneck_classifier()
    result = adapt(source, two_bands, override(sourcefree.method_settings("multilevel"), {**QUICK, **changes}))
    assert set(result.scores) == {"source-only", "adabn", "translated", "adapted"}
    again = sourcefree.load_trained(two_bands / "run/candidates/adapted")
    images = torch.randn(3, 2, 32, 32)
    assert again.model(images).logits.shape == (3, 2)
    if "native_stem" in changes:
        first = next(module for module in again.model.modules() if isinstance(module, nn.Conv2d))
        assert first.in_channels == 2
        old = next(module for module in source.model.modules() if isinstance(module, nn.Conv2d))
        assert old.in_channels == 3
    else:
        assert again.architecture.name == "test_convnext"
        source_head = source.model.network.get_submodule("head").weight
        assert torch.equal(again.model.network.get_submodule("head").weight, source_head)


def test_a_student_of_its_own_takes_over_the_final_layer_of_any_classifier(two_bands: Path) -> None:
    source = own_classifier()
    other = {"student_backbone": "test_resnet", "student_from_scratch": True}
    quick = {name.replace("multilevel", "tgkt"): value for name, value in QUICK.items() if not name.startswith("tgmb")}
    adapt(source, two_bands, override(sourcefree.method_settings("ti-distillation"), {**quick, **other}))
    predicted = sourcefree.predict(run=two_bands / "run", images=[two_bands / "target"], network=Own())
    assert set(predicted.predicted) <= {"cat", "dog"}
    again = sourcefree.load_trained(two_bands / "run/candidates/adapted")
    assert again.architecture.name == "test_resnet"
    head = again.model.head
    assert torch.allclose(head.weight, source.model.head.weight, atol=1e-6)
    assert torch.equal(head.bias, source.model.head.bias)


def test_what_cannot_work_is_refused_before_anything_is_read_or_written(two_bands: Path) -> None:
    several = combine([bottleneck_classifier(), bottleneck_classifier()])
    other = override(sourcefree.method_settings("ti-distillation"), {"student_backbone": "test_convnext"})
    unknown = override(other, {"student_backbone": "tset_convnext"})
    for source, settings, part in (
        (several, other, "linear final layer"),
        (own_classifier(), other, "does not run on images of 21 px"),
        (own_classifier(), unknown, "did you mean 'test_convnext'"),
        (own_classifier(), sourcefree.method_settings("oracle"), "target labels"),
        (own_classifier(NoNorm), sourcefree.method_settings("adabn"), "no batch norm"),
        (combine([own_classifier(), own_classifier(NoNorm)]), sourcefree.method_settings("socket"), "SOCKET matches"),
    ):
        with pytest.raises(SourcefreeError, match=part):
            sourcefree.adapt(
                source_model=source,
                target=two_bands / "missing",
                pairs_source=two_bands / "missing",
                pairs_target=two_bands / "missing",
                modality="depth",
                out=two_bands / "refused",
                settings=settings,
            )
        assert not (two_bands / "refused").exists()
    for changes in ({"joint": True, "native_stem": True}, {"translated_input": True, "native_stem": True}):
        with pytest.raises(ConfigError, match="native_stem goes with"):
            override(sourcefree.method_settings("tgmb-tgkt"), changes)
    with pytest.raises(ConfigError, match="SOCKET matches"):
        override(sourcefree.method_settings("socket"), {"student_backbone": "test_convnext"})


def test_a_typo_in_the_backbone_is_told_before_any_image_is_read(tmp_path: Path) -> None:
    settings = override(sourcefree.TrainSettings(), {"source.backbone": "test_resnt"})
    with pytest.raises(ConfigError, match="timm has no model 'test_resnt'"):
        sourcefree.train_source(images=tmp_path / "no images", out=tmp_path / "run", settings=settings)
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_resumed_with_other_images(two_bands: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would end at other weights than the unbroken one, without a word."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    settings = override(sourcefree.method_settings("multilevel"), QUICK)
    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr("sourcefree.commands.adaptation.Adaptation.judge", stop)
        adapt(own_classifier(), two_bands, settings)
    for side in ("source", "target"):
        pair = two_bands / ("pairs/rgb/3.png" if side == "source" else "pairs/two/3.tif")
        kept = pair.read_bytes()
        write_image(pair, np.zeros((24, 24, 3), np.uint8) if side == "source" else np.zeros((24, 24, 2), np.float32))
        with pytest.raises(ConfigError, match=rf"data\.pairs\.{side}_mean: was"):
            adapt(own_classifier(), two_bands, settings, resume=True)
        pair.write_bytes(kept)
    more = two_bands / "target/more.tif"
    more.write_bytes((two_bands / "target/0.tif").read_bytes())
    with pytest.raises(ConfigError, match=r"target\.images: was 16, is 17"):
        adapt(own_classifier(), two_bands, settings, resume=True)
    more.unlink()
    assert adapt(own_classifier(), two_bands, settings, resume=True).scores


def test_a_run_is_not_resumed_from_another_source_model(two_bands: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages that are done come from the model that the run was begun with."""

    class StopError(Exception):
        pass

    def stop(*_: object) -> None:
        raise StopError

    settings = override(sourcefree.method_settings("multilevel"), QUICK)
    monkeypatch.setattr("sourcefree.commands.adaptation.Adaptation.judge", stop)
    with pytest.raises(StopError):
        adapt(own_classifier(), two_bands, settings)
    retrained, renamed, moved = own_classifier(), own_classifier(), own_classifier()
    with torch.no_grad():
        next(retrained.model.parameters()).view(-1)[0] += 1
    renamed = replace(renamed, labels=("dog", "cat"))
    moved = replace(moved, modality=sourcefree.Modality(**{**moved.modality.to_dict(), "mean": (0.4, 0.5, 0.5)}))
    other = "are not those of then"
    for source, told in ((retrained, f"weights {other}"), (renamed, f"labels {other}"), (moved, "mean: was")):
        with pytest.raises(ConfigError, match=rf"data\.source_model\.{told}"):
            adapt(source, two_bands, settings, resume=True)
    config = two_bands / "run/config.yaml"
    earlier = yaml.safe_load(config.read_text())
    earlier["data"] = {part: {"names": earlier["data"][part]["names"]} for part in ("target", "pairs")}
    config.write_text(yaml.safe_dump(earlier))  # as a version wrote it that recorded less
    with pytest.raises(StopError):
        adapt(retrained, two_bands, settings, resume=True)


def test_a_collapse_is_accepted_as_its_hint_says(two_bands: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sourcefree.commands.adapt.collapse_warning", lambda *_: "one class only")
    accepting = override(sourcefree.method_settings("multilevel"), QUICK)
    refusing = override(accepting, {"allow_collapse": False})
    with pytest.raises(DivergenceError, match=r"one class only(?s:.)*--resume --allow-collapse"):
        adapt(own_classifier(), two_bands, refusing)
    assert "one class only" in adapt(own_classifier(), two_bands, accepting, resume=True).warnings
    assert is_complete(two_bands / "run")
    assert adapt(own_classifier(), two_bands, refusing, resume=True).scores  # it was accepted before
    assert is_complete(two_bands / "run")


def test_a_run_goes_on_from_another_working_directory(two_bands: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    def begin(folder: str, *, resume: bool) -> None:
        sourcefree.adapt(
            source_model=f"{folder}source",
            target=f"{folder}target",
            pairs_source=f"{folder}pairs/rgb",
            pairs_target=f"{folder}pairs/two",
            modality=f"{folder}two.yaml",
            out=f"{folder}run",
            settings=override(sourcefree.method_settings("multilevel"), QUICK),
            resume=resume,
        )

    bottleneck_classifier().save(two_bands / "source")
    monkeypatch.setattr("sourcefree.commands.adaptation.Adaptation.judge", stop)
    monkeypatch.chdir(two_bands)
    with pytest.raises(KeyboardInterrupt):
        begin("", resume=False)
    monkeypatch.chdir(two_bands / "pairs")
    with pytest.raises(KeyboardInterrupt):
        begin("../", resume=True)


class Viewing(Own):
    """Says ``view`` where it means ``reshape``, as tutorials do."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = nn.Linear(8 * 4 * 4, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.answer(self.body(images).view(len(images), -1))  # type: ignore[no-any-return]


def test_a_network_that_views_its_maps_is_adapted_and_the_callers_torch_is_left_alone(two_bands: Path) -> None:
    torch.manual_seed(3)
    source = sourcefree.TrainedClassifier.from_module(Viewing(), labels=["cat", "dog"], size=21, head="answer")
    settings = override(sourcefree.method_settings("multilevel"), QUICK)
    expected = torch.random.get_rng_state()
    with torch.no_grad():
        adapt(source, two_bands, override(settings, {"multilevel.optimisation.epochs": 2}))
        assert not torch.is_grad_enabled()
    assert torch.equal(torch.random.get_rng_state(), expected)
    learned = sourcefree.load_trained(two_bands / "run/candidates/adapted", network=Viewing()).model
    before, after = (model.network.get_submodule("body")[0].weight for model in (source.model, learned))
    assert not torch.equal(before, after)
    answers = sourcefree.predict(run=two_bands / "run", images=two_bands / "target", network=Viewing())
    assert len(answers.files) == 16


def test_files_may_be_named_by_text(two_bands: Path) -> None:
    weights = two_bands / "weights.safetensors"
    save_file(timm.create_model("test_resnet", num_classes=2).state_dict(), weights)
    (two_bands / "labels.txt").write_text("cat\ndog\n")
    classifier = resolve_source_model(
        "timm:test_resnet", weights=str(weights), labels=str(two_bands / "labels.txt"), size=32
    )
    classifier.save(str(two_bands / "saved"))
    assert sourcefree.load_trained(str(two_bands / "saved")).labels == ("cat", "dog")
