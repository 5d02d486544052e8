"""Which images ``predict`` and ``translate`` read, and where what they make is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import sourcefree
from sourcefree.commands.predict import list_files
from sourcefree.commands.translator_files import save_translator
from sourcefree.data.image_io import write_image
from sourcefree.data.modality import MODALITIES, Modality
from sourcefree.engine.progress import Silent
from sourcefree.errors import CheckpointError, DataError
from sourcefree.models.architecture import Architecture
from sourcefree.models.trained import TrainedClassifier
from sourcefree.models.translators import create_translator
from support.classifiers import CLASSES, SIZE, small_classifier

COLOUR = Modality(**{**MODALITIES["rgb"].to_dict(), "mean": (0.5,) * 3, "std": (0.3,) * 3})


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run with a model and a translator, both untrained."""
    architecture = Architecture("bottleneck", "test_resnet", CLASSES, bottleneck=8)
    TrainedClassifier(small_classifier(), architecture, ("a", "b", "c"), COLOUR, SIZE).save(tmp_path / "run/model")
    translator = create_translator("unet", in_channels=3)
    save_translator(tmp_path / "run/translator", translator, name="unet", source_modality=COLOUR)
    return tmp_path / "run"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for i in range(3):
        noise = np.random.default_rng(i).integers(0, 255, (8, 8, 3)).astype(np.uint8)
        write_image(tmp_path / "images" / f"{i}.png", noise)
    return tmp_path / "images"


def manifest_of(path: Path, **files: Path | str) -> Path:
    path.write_text("\n".join(["name,file", *(f"{name},{file}" for name, file in files.items())]))
    return path


def test_a_manifest_stands_for_a_folder(run: Path, images: Path, tmp_path: Path) -> None:
    names = {"cat/far.png": images / "0.png", "dog/v1.5/near": "images/1.png"}
    manifest = manifest_of(tmp_path / "m.csv", **names)
    assert [file.name for file in list_files([manifest, images / "2.png"])] == [*names, "2.png"]
    found = sourcefree.predict(run=run, images=[manifest])
    assert found.files == [str(images / "0.png"), str(images / "1.png")]
    np.testing.assert_allclose(
        found.probabilities, sourcefree.predict(run=run, images=[images]).probabilities[:2], atol=1e-5
    )
    written = sourcefree.translate(run=run, images=[manifest], out=tmp_path / "out")
    assert written == [tmp_path / "out/cat/far.png", tmp_path / "out/dog/v1.5/near.png"]
    assert all(file.is_file() for file in written)


@pytest.mark.parametrize("name", ["../../outside.png", "a/../../outside.png", "{absolute}/outside.png"])
def test_translations_are_written_below_out_only(run: Path, images: Path, tmp_path: Path, name: str) -> None:
    manifest = manifest_of(tmp_path / "m.csv", **{name.format(absolute=tmp_path): images / "0.png"})
    with pytest.raises(DataError, match="is no path inside a folder"):
        sourcefree.translate(run=run, images=[manifest], out=tmp_path / "deep/er/out")
    assert not list(tmp_path.rglob("outside*"))


def test_a_table_that_is_no_manifest_is_no_image(images: Path) -> None:
    (images / "answers.csv").write_text("file,label\n0.png,cat\n")
    with pytest.raises(DataError, match="expected a manifest with the columns name and file, found file, label"):
        list_files([images / "answers.csv"])


def test_one_path_may_stand_by_itself(run: Path, images: Path, tmp_path: Path) -> None:
    one = str(images / "0.png")
    assert sourcefree.predict(run=run, images=one).files == [one]
    assert sourcefree.predict(run=run, images=images).files == sourcefree.predict(run=run, images=[images]).files
    assert len(sourcefree.translate(run=run, images=one, out=tmp_path / "out")) == 1


def test_translation_asks_for_no_network_of_ones_own(run: Path, images: Path, tmp_path: Path) -> None:
    file = run / "model/model.json"
    description = json.loads(file.read_text())
    file.write_text(json.dumps({**description, "architecture": {**description["architecture"], "kind": "module"}}))
    with pytest.raises(CheckpointError):
        sourcefree.load_trained(run)
    assert sourcefree.translate(run=run, images=[images], out=tmp_path / "out")


class Told(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def test_images_of_another_unit_are_told_and_those_of_the_sensor_are_not(
    run: Path, images: Path, tmp_path: Path
) -> None:
    progress = Told()
    sourcefree.predict(run=run, images=images, progress=progress)
    assert not progress.said
    for i in range(3):
        write_image(tmp_path / "kelvin" / f"{i}.tif", np.full((8, 8, 3), 290 + i, np.float32))
    sourcefree.predict(run=run, images=tmp_path / "kelvin", progress=progress)
    (told,) = progress.said
    assert told.startswith("3 of 3 images have values far from all that the model was made for (rgb)")


def test_what_is_measured_of_a_run_that_cannot_be_written_to_is_returned_all_the_same(
    run: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = {"delivered": "model", "counts": {}, "candidates": [{"name": "model"}]}
    (run / "summary.json").write_text(json.dumps(summary))
    for kind in "abc":
        (tmp_path / "labelled" / kind).mkdir(parents=True)
        (images / f"{'abc'.index(kind)}.png").rename(tmp_path / "labelled" / kind / "0.png")
    monkeypatch.setattr("os.access", lambda *_: False)
    progress = Told()
    result = sourcefree.evaluate(run=run, images=tmp_path / "labelled", progress=progress)
    assert result.metrics
    assert any("cannot be written to" in text for text in progress.said)
    assert json.loads((run / "summary.json").read_text()) == summary
