"""The published layouts in miniature, nested folders, odd names and missing files included."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from sourcefree.benchmarks import nirscene, sunrgbd
from sourcefree.commands.prepare import DATASETS, prepare
from sourcefree.data.folders import find_images, match_pairs
from sourcefree.data.image_io import read_image, write_image
from sourcefree.data.modality import load_modality
from sourcefree.data.physical import to_physical
from sourcefree.errors import ConfigError, DataError
from sourcefree.methods.presets import method_settings
from sourcefree.presets import adapt_preset, train_preset
from sourcefree.studies.study import load_study, study_cells

RGB = np.zeros((8, 10, 3), np.uint8)


def rotated(millimetres: int) -> np.ndarray:
    value = ((millimetres << 3) | (millimetres >> 13)) & 0xFFFF
    return np.full((8, 10), value, np.uint16)


def sun_frame(folder: Path, label: str, *, millimetres: int = 1500, depth: bool = True) -> None:
    (folder / "image").mkdir(parents=True)
    Image.fromarray(RGB).save(folder / "image" / "a b.jpg")
    if depth:
        write_image(folder / "depth" / "0001.png", rotated(millimetres))
        write_image(folder / "depth_bfx" / "0001.png", rotated(millimetres + 1))
    (folder / "scene.txt").write_text(label)


@pytest.fixture
def sun(tmp_path: Path) -> Path:
    base = tmp_path / "SUNRGBD"
    places = {
        "kv1": "NYUdata/NYU{}",
        "kv2": "kinect2data/000002_2014-05-26_{}",
        "realsense": "lg/2014_10_21-18_16_{}",
        "xtion": "sun3ddata/brown_bm_1/brown_bm_1/deep er/0000{}",
    }
    for sensor, place in places.items():
        for number, label in enumerate(("office", "office\n", "kitchen ", "bathroom")):
            sun_frame(base / sensor / place.format(number), label, millimetres=1000 + number)
        sun_frame(base / sensor / place.format(8), "" if sensor == "kv1" else "only_" + sensor)
    sun_frame(base / "kv1" / "b3dodata" / "img_0001", "office", depth=False)
    (base / "kv2" / "align_kv2" / "empty").mkdir(parents=True)
    return tmp_path


def test_sun_rgbd_becomes_sixteen_tasks(sun: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = prepare(dataset="sunrgbd", path=sun, out=out)
    assert result.classes == ["bathroom", "kitchen", "office"]
    assert result.counts == {f"{side}/{s}": 4 for s in sunrgbd.SENSORS for side in ("rgb", "target")} | {
        "pairs/rgb": 3,
        "pairs/target": 3,
    }
    notes = " ".join(result.notes)
    for part in (
        "1 frames are left out: no depth.",
        "1 frames are left out: scene.txt is empty.",
        "3 classes are common",
    ):
        assert part in notes
    assert len(match_pairs(out / "pairs/rgb.csv", out / "pairs/target.csv").source) == 3
    sensor = load_modality(out / "sensor.yaml")
    image = next(file for file in find_images(out / "target/xtion.csv") if file.name.startswith("kitchen/"))
    assert to_physical(sensor, read_image(image.path)) == pytest.approx(1.002)
    study = load_study(str(out / "study.yaml"))
    cells = study_cells(study)
    assert len({cell.task_name for cell in cells}) == 16
    assert cells[0].task.source.backbone == "resnet50"
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    prepare(dataset="sunrgbd", path=sun, out=out)
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_filled_depth_and_copies(sun: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(dataset="sunrgbd", path=sun / "SUNRGBD", out=out, depth="filled", copy=True)
    image = next(file for file in find_images(out / "target/kv1.csv") if file.name.startswith("kitchen/"))
    assert image.path.resolve().is_relative_to(out)
    assert to_physical(load_modality(out / "sensor.yaml"), read_image(image.path)) == pytest.approx(1.003)


@pytest.fixture
def diml(tmp_path: Path) -> Path:
    root = tmp_path / "DIML"
    for split in ("train", "test"):
        for scene, count in {"cafe_1": 3, "cafe_2": 3, "library": 4, "office-01": 2, "yoga studio": 1}.items():
            for number in range(count):
                place = root / split / "HR" / scene
                write_image(place / "color" / f"in_k_{number}_c.png", RGB)
                if (split, scene, number) != ("train", "library", 0):
                    write_image(
                        place / "depth_filled" / f"in_k_{number}_depth_filled.png", np.full((8, 10), 900, np.uint16)
                    )
    return root


def test_diml_takes_the_published_halves_and_lets_the_user_choose(diml: Path, tmp_path: Path) -> None:
    result = prepare(dataset="diml", path=diml, out=tmp_path / "out", classes=["cafe", "library"])
    assert result.counts == {"rgb/task": 9, "target/task": 10, "pairs/rgb": 6, "pairs/target": 6}
    assert result.notes == ["1 colour images have no filled depth and are left out."]
    names = [file.name for file in find_images(tmp_path / "out/target/task.csv")]
    assert all("test__" in name for name in names)
    assert {name.partition("/")[0] for name in names} == {"cafe", "library"}
    with pytest.raises(ConfigError, match="no class 'libary'") as caught:
        prepare(dataset="diml", path=diml, out=tmp_path / "out", classes=["libary", "cafe"])
    assert "'library'" in str(caught.value.hint)


@pytest.fixture
def nir(tmp_path: Path) -> Path:
    root = tmp_path / "nirscene1"
    for label in nirscene.CLASSES:
        for number in range(4):
            write_image(root / label / f"{number:04d}_rgb.tiff", RGB)
            write_image(root / label / f"{number:04d}_nir.tiff", RGB[..., 0])
    (root / "water" / "0003_nir.tiff").unlink()
    return root


def test_all_84_splits_of_nirscene(nir: Path, tmp_path: Path) -> None:
    assert len(set(nirscene.SPLITS)) == 84
    default = prepare(dataset="nirscene", path=nir, out=tmp_path / "a")
    assert set(nirscene.CLASSES) - set(default.classes) == {"country", "mountain", "urban"}
    last = prepare(dataset="nirscene", path=nir.parent, out=tmp_path / "b", split=83, disjoint=True)
    assert set(nirscene.CLASSES) - set(last.classes) == {"street", "urban", "water"}
    assert last.counts == {"rgb/task": 12, "target/task": 12, "pairs/rgb": 11, "pairs/target": 11}
    sides = [{file.stem for file in find_images(tmp_path / "b" / side / "task.csv")} for side in ("rgb", "target")]
    assert not sides[0] & sides[1]
    assert "35 frames" in " ".join(last.notes)
    with pytest.raises(ConfigError, match="expected 0 to 83, found 84"):
        prepare(dataset="nirscene", path=nir, out=tmp_path / "c", split=84)


def test_neighbours_are_on_one_side(tmp_path: Path) -> None:
    for label in nirscene.CLASSES:
        for number in range(40):
            write_image(tmp_path / "nirscene1" / label / f"{number:04d}_rgb.tiff", RGB)
            write_image(tmp_path / "nirscene1" / label / f"{number:04d}_nir.tiff", RGB[..., 0])
    prepare(dataset="nirscene", path=tmp_path / "nirscene1", out=tmp_path / "out", disjoint=True)
    sides = {side: find_images(tmp_path / "out" / side / "task.csv") for side in ("rgb", "target")}
    numbers = {side: {int(file.path.stem[:4]) for file in files} for side, files in sides.items()}
    assert not numbers["rgb"] & numbers["target"]  # of every class the same
    meetings = sum(number + 1 in numbers["target"] for number in numbers["rgb"])
    assert (len(numbers["rgb"]), len(numbers["target"]), meetings) == (20, 20, 5)


def packed(root: Path, archive: Path) -> Path:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as file:
            for path in root.rglob("*"):
                file.write(path, path.relative_to(root.parent))
    else:
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(root, root.name)
    return archive


@pytest.mark.parametrize("name", ["nirscene1.zip", "nirscene1.tar.gz"])
def test_archives_are_unpacked_once_and_go_on(nir: Path, tmp_path: Path, name: str) -> None:
    archive, out = packed(nir, tmp_path / name), tmp_path / "out"
    first = prepare(dataset="nirscene", path=archive, out=out)
    lost = next((out / "unpacked").rglob("0001_rgb.tiff"))
    times = {path: path.stat().st_mtime_ns for path in (out / "unpacked").rglob("*.tiff")}
    lost.unlink()
    next((out / "unpacked").rglob(".unpacked")).unlink()  # as if it had been stopped
    assert prepare(dataset="nirscene", path=archive, out=out).counts == first.counts
    assert lost.is_file()
    assert all(path.stat().st_mtime_ns == time for path, time in times.items() if path != lost)


def other_archive(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("SUNRGBDtoolbox/readme.txt", "code")
    return path


def test_a_folder_of_archives_is_searched_below_what_is_unpacked(sun: Path, tmp_path: Path) -> None:
    folder = tmp_path / "archives"
    folder.mkdir()
    packed(sun / "SUNRGBD", folder / "SUNRGBD.zip")
    other_archive(folder / "SUNRGBDtoolbox.zip")
    for out in (tmp_path / "out", folder / "out"):  # the second call on each finds what the first one unpacked
        results = [prepare(dataset="sunrgbd", path=folder, out=out) for _ in range(2)]
        assert results[0] == results[1]
        assert results[0].counts["rgb/kv1"] == 4


def test_what_an_interrupted_call_unpacked_is_not_the_data_set(nir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "archives"
    folder.mkdir()
    packed(nir, folder / "nirscene1.zip")
    whole = prepare(dataset="nirscene", path=folder, out=folder / "out")
    lost = next((folder / "out/unpacked").rglob("0001_rgb.tiff"))
    lost.unlink()
    next((folder / "out/unpacked").rglob(".unpacked")).unlink()  # as if it had been stopped
    assert prepare(dataset="nirscene", path=folder, out=folder / "out") == whole
    assert lost.is_file()


@pytest.mark.parametrize("name", ["nirscene1.zip", "SUNRGBDtoolbox.zip"])
def test_archives_beside_the_unpacked_folder_are_left_alone(nir: Path, tmp_path: Path, name: str) -> None:
    alone = prepare(dataset="nirscene", path=nir.parent, out=tmp_path / "out")
    if name == "nirscene1.zip":
        packed(nir, tmp_path / name)
    else:
        other_archive(tmp_path / name)
    result = prepare(dataset="nirscene", path=nir.parent, out=tmp_path / "out")
    assert result.counts == alone.counts
    assert result.notes == [*alone.notes, f"Archives beside the unpacked data set are not read: {name}."]
    assert not (tmp_path / "out/unpacked").exists()


def test_classes_and_split_are_two_ways_to_say_one_thing(nir: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="both name the task's classes"):
        prepare(dataset="nirscene", path=nir, out=tmp_path / "out", split=3, classes=["urban", "water"])


@pytest.mark.parametrize("member", ["../evil.png", "/evil.png", "a/../../evil.png", "C:\\evil.png", "..\\evil.png"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_nothing_is_written_outside_the_folder(tmp_path: Path, member: str, kind: str) -> None:
    archive = tmp_path / f"a.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr(member, b"x")
    else:
        with tarfile.open(archive, "w") as tar:
            info = tarfile.TarInfo(member)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
    with pytest.raises(DataError, match="outside the folder"):
        prepare(dataset="nirscene", path=archive, out=tmp_path / "deep" / "out")
    assert not list(tmp_path.rglob("evil*"))


def test_links_in_a_tar_are_left_out(nir: Path, tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(nir, nir.name)
        link = tarfile.TarInfo("nirscene1/field/evil_rgb.tiff")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    prepare(dataset="nirscene", path=archive, out=tmp_path / "out")
    assert not list((tmp_path / "out").rglob("evil*"))


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/x_rgb.tiff", bytes(80 << 20))
    with pytest.raises(DataError, match="would grow"):
        prepare(dataset="nirscene", path=archive, out=tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.tiff"))


def test_a_cut_archive_a_wrong_folder_and_a_typo_are_named(nir: Path, tmp_path: Path) -> None:
    archive = packed(nir, tmp_path / "n.zip")
    archive.write_bytes(archive.read_bytes()[:500])
    with pytest.raises(DataError, match="cannot be unpacked"):
        prepare(dataset="nirscene", path=archive, out=tmp_path / "out")
    for name in DATASETS:
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(DataError, match="empty"):
            prepare(dataset=name, path=tmp_path / "empty", out=tmp_path / "out")
    with pytest.raises(ConfigError, match="no data set 'sunrgb'"):
        prepare(dataset="sunrgb", path=nir, out=tmp_path / "out")


@pytest.mark.parametrize("name", DATASETS)
def test_an_option_that_does_not_fit_the_data_set_is_refused(name: str, tmp_path: Path) -> None:
    if name != "nirscene":
        with pytest.raises(ConfigError, match=f"--split is for nirscene, found {name}"):
            prepare(dataset=name, path=tmp_path, out=tmp_path / "out", split=3)
    if name != "sunrgbd":
        with pytest.raises(ConfigError, match=f"--depth filled is for sunrgbd, found {name}"):
            prepare(dataset=name, path=tmp_path, out=tmp_path / "out", depth="filled")


def test_diml_is_halved_only_where_one_part_is_given(diml: Path, tmp_path: Path) -> None:
    classes, out = ["cafe", "library"], tmp_path / "out"
    with pytest.raises(ConfigError, match="found train and test of diml"):
        prepare(dataset="diml", path=diml, out=out, classes=classes, disjoint=True)
    assert not out.exists()
    part = prepare(dataset="diml", path=diml / "train", out=out, classes=classes, disjoint=True)
    assert part.counts == {"rgb/train": 5, "target/train": 4, "pairs/rgb": 3, "pairs/target": 3}


@pytest.mark.parametrize("name", DATASETS)
def test_presets_fit_the_settings(name: str) -> None:
    settings = train_preset(name)
    assert (settings.source.backbone, settings.source.size) == ("resnet50", 224)
    base = method_settings("tgmb-tgkt")
    adapted = adapt_preset(base, name, stages=base.stages)
    assert adapted.tgmb is not None
    assert adapted.tgkt is not None
    assert adapted.tgmb.optimisation.batch_size == adapted.tgkt.optimisation.batch_size == 32


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ConfigError, match="no preset 'sunrgb'"):
        train_preset("sunrgb")


def test_a_prepared_task_runs_in_a_study(nir: Path, tmp_path: Path) -> None:
    from sourcefree.studies.compare import compare

    out = tmp_path / "out"
    prepare(dataset="nirscene", path=nir, out=out)
    study = yaml.safe_load((out / "study.yaml").read_text())
    study["methods"], study["seeds"] = ["source-only"], [0]
    small = {"backbone": "test_resnet", "pretrained": False, "size": 16, "optimisation": {"epochs": 1}}
    study["definitions"]["nirscene"]["source"] = small
    (out / "small.yaml").write_text(yaml.safe_dump(study))
    result = compare(study=out / "small.yaml", out=tmp_path / "runs", data=out)
    assert result.failures == []
    assert result.rows[0]["test_images"] == result.rows[0]["target_images"] == 24 - 1
    study["methods"] = ["oracle"]
    (out / "oracle.yaml").write_text(yaml.safe_dump(study))
    with pytest.raises(Exception, match="measured on the images it was trained on"):
        compare(study=out / "oracle.yaml", out=tmp_path / "runs2", data=out, cache=tmp_path / "runs/cache")
    assert json.loads((out / "summary.json").read_text())["dataset"] == "nirscene"
