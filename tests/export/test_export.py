"""What is deployed answers as the model does, without torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sourcefree.commands.export import export
from sourcefree.data.image_io import write_image
from sourcefree.data.manifest import write_manifest
from sourcefree.data.modality import MODALITIES, Modality
from sourcefree.data.physical import resize_antialiased
from sourcefree.data.store import resize_physical
from sourcefree.errors import CheckpointError, ConfigError, DataError, SourcefreeError
from sourcefree.export import Predictor
from sourcefree.export.onnx_file import write_onnx
from sourcefree.models.architecture import Architecture
from sourcefree.models.classifier import Classifier
from sourcefree.models.trained import TrainedClassifier
from sourcefree.models.translators import behind_translator, create_translator
from support.command_line import run as cli

SIZE = 32


def depth() -> Modality:
    return Modality(**{**MODALITIES["depth"].to_dict(), "mean": (1.5,), "std": (0.5,)})


def trained(kind: str) -> TrainedClassifier:
    torch.manual_seed(0)
    if kind == "vit":
        architecture = Architecture("timm", "test_vit", 3)
    else:
        architecture = Architecture("bottleneck", "test_resnet", 3, bottleneck=8)
    network, head = architecture.build()
    model = Classifier(network, head=head, in_channels=1)
    if kind == "translated":
        source = Classifier(network, head=head)
        model = behind_translator(source, create_translator("unet", in_channels=1), name="unet", in_channels=1)
    size = 160 if kind == "vit" else SIZE
    model = model.calibrated(2.0) if kind == "calibrated" else model
    return TrainedClassifier(model.eval(), architecture, ("cat", "dog", "car"), depth(), size)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for number in range(6):
        picture = rng.integers(500, 4000, (40 + number, 50, 1)).astype(np.uint16)
        picture[:9, : 10 * number] = 0
        write_image(folder / ("cat", "dog")[number % 2] / f"{number}.png", picture)
    return folder


@pytest.mark.parametrize("kind", ["bottleneck", "calibrated", "translated", "vit"])
def test_the_file_answers_as_the_model_does(images: Path, tmp_path: Path, kind: str) -> None:
    trained(kind).save(tmp_path / "model")
    result = export(run=tmp_path / "model", out=tmp_path / "out", images=images)
    assert result.images == 6
    assert result.difference < 1e-5
    metadata = {entry.key: entry.value for entry in onnx.load(tmp_path / "out/model.onnx").metadata_props}
    assert json.loads(metadata["sourcefree.labels"]) == ["cat", "dog", "car"]
    predictor = Predictor(tmp_path / "out")
    files = sorted(images.rglob("*.png"))
    together, alone = predictor.predict(files), [predictor.predict(file)[0] for file in files]
    assert predictor.predict(str(files[0])) == alone[:1]
    for one, other in zip(together, alone, strict=True):
        assert one.label == other.label
        assert one.confidence == pytest.approx(other.confidence, abs=1e-5)
        assert sum(one.probabilities.values()) == pytest.approx(1.0, abs=1e-5)
        assert one.probabilities[one.label] == max(one.probabilities.values())


def test_the_folder_one_stands_in_is_written_to(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained("bottleneck").save(tmp_path / "model")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    export(run=tmp_path / "model", out=".", images=images)
    assert Path("model.onnx").is_file()
    assert sorted(part.name for part in tmp_path.iterdir()) == ["model", "out"]


def test_eight_bits_and_accuracy(images: Path, tmp_path: Path) -> None:
    trained("bottleneck").save(tmp_path / "model")
    result = export(run=tmp_path / "model", out=tmp_path / "out", images=images, labelled=images, quantize="int8")
    assert result.int8_agreement is not None
    assert result.accuracy is not None
    assert result.int8_accuracy is not None
    answers = Predictor(tmp_path / "out").predict(sorted(images.rglob("*.png")))
    truth = [path.parent.name for path in sorted(images.rglob("*.png"))]
    assert result.accuracy == np.mean([a.label == t for a, t in zip(answers, truth, strict=True)])
    small, large = (tmp_path / "out" / name for name in ("model.int8.onnx", "model.onnx"))
    assert small.stat().st_size < 0.6 * large.stat().st_size
    # Signed weights overflow on CPUs without VNNI.
    assert onnx.TensorProto.INT8 not in {tensor.data_type for tensor in onnx.load(small).graph.initializer}
    assert len(Predictor(tmp_path / "out", model="model.int8.onnx").predict(sorted(images.rglob("*.png")))) == 6


def test_a_damaged_labelled_image_is_left_out_of_the_accuracy(images: Path, tmp_path: Path) -> None:
    trained("bottleneck").save(tmp_path / "model")
    shutil.copytree(images, tmp_path / "labelled")
    (tmp_path / "labelled/cat/0.png").write_bytes(b"no image")
    result = export(run=tmp_path / "model", out=tmp_path / "out", images=images, labelled=tmp_path / "labelled")
    files = sorted((images).rglob("*.png"))[1:]
    right = [
        a.label == path.parent.name for path, a in zip(files, Predictor(tmp_path / "out").predict(files), strict=True)
    ]
    assert result.accuracy == np.mean(right)


def test_the_images_compared_are_spread_over_the_folder(
    monkeypatch: pytest.MonkeyPatch, images: Path, tmp_path: Path
) -> None:
    trained("bottleneck").save(tmp_path / "model")
    monkeypatch.setattr("sourcefree.commands.export._CHECKED", 2)
    seen: list[Path] = []
    monkeypatch.setattr(
        Predictor, "preprocess", lambda self, path: seen.append(path) or np.zeros((1, SIZE, SIZE), np.float32)
    )
    monkeypatch.setattr("sourcefree.commands.export._difference", lambda *_: 0.0)
    export(run=tmp_path / "model", out=tmp_path / "out", images=images)
    assert [path.parent.name for path in seen] == ["cat", "dog"]


def test_the_predictor_needs_neither_torch_nor_pydantic(images: Path, tmp_path: Path) -> None:
    trained("bottleneck").save(tmp_path / "model")
    export(run=tmp_path / "model", out=tmp_path / "out", images=images)
    script = (
        "import sys\n"
        "for name in ('torch', 'torchvision', 'timm', 'pydantic', 'yaml', 'sklearn', 'scipy'): sys.modules[name] = None\n"
        "from sourcefree.export import Predictor\n"
        f"print(Predictor({str(tmp_path / 'out')!r}).predict([{str(next(images.rglob('*.png')))!r}])[0].label)\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert found.stdout.strip() in ("cat", "dog", "car"), found.stderr


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 30), st.floats(0, 0.7), st.integers(0, 99))
def test_both_ways_of_resizing_give_the_same_numbers(
    height: int, width: int, side: int, missing: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    bands = rng.normal(2, 1, (2, height, width)).astype(np.float32)
    bands[rng.random(bands.shape) < missing] = np.nan
    ours, theirs = resize_physical(bands, side), resize_antialiased(bands, side)
    assert (np.isnan(ours) == np.isnan(theirs)).all()
    assert np.nanmax(np.abs(ours - theirs), initial=0.0) < 1e-4


def test_a_source_model_of_the_command_line_is_exported_with_its_card(source: Path, data: Path, tmp_path: Path) -> None:
    result = cli("export", source, "--out", tmp_path / "out", "--images", data / "source/test")
    assert "largest difference" in result.stdout
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"model.onnx", "preprocessing.json", "config.json", "model.safetensors", "README.md"}
    card = (tmp_path / "out/README.md").read_text()
    assert card.startswith("---\nlibrary_name: sourcefree\n")
    assert "Trained on labelled images of its own sensor" in card


def test_the_card_of_an_adapted_model_says_what_it_is(adapted: Path) -> None:
    card = (adapted / "model" / "README.md").read_text()
    for part in ("**multilevel**", "without any label of the target images", "name: depth", "valid_min: 0.0"):
        assert part in card
    summary = json.loads((adapted / "summary.json").read_text())
    assert "| model | accuracy | calibration error | pair agreement | pair information |" in card
    for candidate in summary["candidates"]:
        name, scores = candidate["name"], candidate["scores"]
        shown = f"**{name}**" if name == summary["delivered"] else name
        assert f"| {shown} |  |  | {100 * scores['pair_agreement']:.1f} % | {scores['pair_information']:.3f} |" in card


@pytest.mark.parametrize("given", [True, False])
def test_images_of_a_manifest_are_taken_as_the_run_took_them(images: Path, tmp_path: Path, given: bool) -> None:
    trained("bottleneck").save(tmp_path / "model")
    manifest = tmp_path / "target.csv"
    write_manifest(manifest, [(path.name, path) for path in sorted(images.rglob("*.png"))[:4]])
    (tmp_path / "model/config.yaml").write_text(f"inputs: {{target: {manifest}}}")
    result = export(run=tmp_path / "model", out=tmp_path / "out", images=manifest if given else None)
    assert result.images == 4


def test_a_file_that_answers_no_numbers_is_no_export(
    monkeypatch: pytest.MonkeyPatch, images: Path, tmp_path: Path
) -> None:
    trained("bottleneck").save(tmp_path / "model")
    answers = Predictor.probabilities
    monkeypatch.setattr(Predictor, "probabilities", lambda self, batch: answers(self, batch) * np.float32("nan"))
    with pytest.raises(SourcefreeError, match="differ by nan, more than"):
        export(run=tmp_path / "model", out=tmp_path / "out", images=images)
    assert not (tmp_path / "out").exists()


class Counting(nn.Module):
    """Asks for the number of images in a way that fixes it while the network is recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 4, 3)
        self.head = nn.Linear(4, 3)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        answers: torch.Tensor = self.head(self.body(pictures).mean((2, 3)).reshape(len(pictures), -1))
        return answers


def test_a_network_that_fixes_the_number_of_images_is_no_export(images: Path, tmp_path: Path) -> None:
    own = TrainedClassifier.from_module(
        Counting(), labels=["cat", "dog", "car"], size=SIZE, modality=depth(), mean=(1.5,), std=(0.5,)
    )
    with pytest.raises(SourcefreeError, match="fixes the number of images, 2 when"):
        write_onnx(own, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported_says_why(images: Path, tmp_path: Path) -> None:
    trained("bottleneck").save(tmp_path / "model")
    with pytest.raises(ConfigError, match="no images to compare"):
        export(run=tmp_path / "model", out=tmp_path / "a")
    (tmp_path / "model/config.yaml").write_text(f"inputs: {{target: {tmp_path}/moved}}")
    with pytest.raises(ConfigError, match=f"its own were in {tmp_path}/moved"):
        export(run=tmp_path / "model", out=tmp_path / "a")
    with pytest.raises(ConfigError, match="not empty"):
        export(run=tmp_path / "model", out=images, images=images)
    with pytest.raises(CheckpointError, match="no such folder"):
        export(run=tmp_path / "nothing", out=tmp_path / "b", images=images)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/a.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="none of 1 images"):
        export(run=tmp_path / "model", out=tmp_path / "c", images=tmp_path / "bad")
    with pytest.raises(DataError, match="no such folder"):
        export(run=tmp_path / "model", out=tmp_path / "c", images=images, labelled=tmp_path / "lost")
    assert not {path.name for path in tmp_path.iterdir()} - {"model", "bad"}
    with pytest.raises(CheckpointError, match=r"preprocessing\.json: cannot be read"):
        Predictor(images)
