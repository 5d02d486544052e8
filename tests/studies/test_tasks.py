"""What is prepared for a task, and what is changed about its pairs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sourcefree.commands.source_models import resolve_source_model
from sourcefree.data.folders import ImageFile, find_images
from sourcefree.data.image_io import read_image, write_image
from sourcefree.data.store import ImageStore
from sourcefree.engine.progress import Silent
from sourcefree.errors import ConfigError
from sourcefree.methods.presets import method_settings
from sourcefree.studies.cell import Cell
from sourcefree.studies.compare import _prepare, compare
from sourcefree.studies.executors import Outcome
from sourcefree.studies.linking import link, link_folders
from sourcefree.studies.measure import misalign
from sourcefree.studies.prepare import _train, prepare
from sourcefree.studies.renderings import RENDERINGS
from sourcefree.studies.study import StudySettings, task_from
from sourcefree.studies.task_folders import TaskFolders, placed
from sourcefree.studies.tasks import PairChanges, TaskSettings

TRAINING = {"size": 32, "backbone": "test_resnet", "optimisation": {"epochs": 1}}


@pytest.fixture(scope="module")
def sensors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sensors")
    rng = np.random.default_rng(0)
    for label, name in enumerate(("cat", "dog", "car")):
        for scene in range(40):
            for crop in range(2):
                picture = rng.integers(0, 255, (20, 20, 3)).astype(np.uint8)
                picture[..., label] = 255
                write_image(root / "rgb" / name / f"{scene:02d}{label}_c{crop}.png", picture)
                write_image(root / "nir" / name / f"{scene:02d}{label}_c{crop}.png", 255 - picture[..., :1])
    return root


DATA = {"source": "rgb", "target": "nir", "modality": "nir", "irrelevant": ["car"], "group": r"^\d+"}


def task(**folders: object) -> TaskSettings:
    data = {**DATA, **folders}
    return task_from({"folders": data, "source": TRAINING, "sources": 2}, origin="test")


def scenes(folder: Path) -> set[str]:
    return {path.stem.partition("_")[0] for path in folder.rglob("*.png")}


def test_real_folders_become_parts_without_a_common_scene(sensors: Path, tmp_path: Path) -> None:
    folders = TaskFolders(task(), 0, tmp_path, sensors)
    prepare(folders)
    prepared = folders.prepared()
    parts = [folders.source_data / "train", folders.source_data / "test", prepared.target_train, prepared.target_test]
    found = [scenes(part) for part in parts]
    assert all(found)
    assert sum(len(part) for part in found) == len(set.union(*found)) == 80
    assert {path.name for path in prepared.target_train.iterdir()} == {"cat", "dog"}
    assert {path.name for path in prepared.pairs_source.iterdir()} == {"car"}
    image = next(prepared.target_train.rglob("*.png"))
    assert image.is_symlink()
    assert image.resolve().is_relative_to(sensors / "nir")
    assert len(prepared.source_models) == 2
    assert all((model / "model" / "model.json").is_file() for model in prepared.source_models)
    assert len(resolve_source_model(prepared.source_models).model.members()) == 2
    parts_of_source = [scenes(path) for path in tmp_path.glob("part-*")]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    prepare(folders)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    names = [{path.name for path in part.rglob("*.png")} for part in sorted(tmp_path.glob("part-*"))]
    assert parts_of_source
    assert not names[0] & names[1]


def test_a_pool_of_pairs_never_shows_the_targets_scenes(sensors: Path, tmp_path: Path) -> None:
    folders = TaskFolders(task(irrelevant=[], pool_source="rgb", pool_target="nir"), 0, tmp_path, sensors)
    prepare(folders)
    prepared = folders.prepared()
    shown = scenes(prepared.pairs_source)
    assert shown == scenes(prepared.pairs_target)
    assert not shown & (scenes(prepared.target_train) | scenes(prepared.target_test))
    assert shown & scenes(folders.source_data / "train")


def test_pairs_of_irrelevant_classes_never_show_the_targets_scenes(sensors: Path, tmp_path: Path) -> None:
    """Scenes may hold several classes, as tiles of a map do."""
    for sensor in ("rgb", "nir"):
        (tmp_path / sensor).mkdir()
        for kind in ("cat", "dog", "car"):
            for number, image in enumerate(sorted((sensors / sensor / kind).iterdir())):
                place = tmp_path / sensor / kind / f"{number // 2:02d}_{kind}{number % 2}.png"
                place.parent.mkdir(exist_ok=True)
                place.symlink_to(image)
    folders = TaskFolders(task(), 0, tmp_path / "cache", tmp_path)
    assert folders.task.folders is not None
    link_folders(placed(folders.task.folders, tmp_path), seed=0, out=tmp_path / "parts")
    shown = scenes(tmp_path / "parts/pairs/source")
    of_target = scenes(tmp_path / "parts/target")
    assert shown
    assert of_target
    assert not shown & of_target


def test_images_of_a_manifest_whose_names_lack_the_extension_are_linked_as_images(
    sensors: Path, tmp_path: Path
) -> None:
    file = ImageFile(next((sensors / "rgb/cat").iterdir()), "cat/scene 7.v2")
    link(file, tmp_path)
    (found,) = find_images(tmp_path)
    assert found.name == "cat/scene 7.v2.png"


class Here:
    """An executor that prepares in this process, and answers every cell at once."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def run(self, work: Any, pieces: Any) -> Iterator[Outcome]:
        for number, piece in enumerate(pieces):
            if "folders" in piece:
                yield Outcome(number, work(**piece))
            else:
                cell = piece["cell"]
                row = {"key": cell.key, "task": cell.task_name, "method": cell.method_name, "seed": cell.seed}
                yield Outcome(number, {**row, "status": "done", "accuracy": 0.5})


def test_what_was_made_from_other_images_is_refused(
    sensors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sourcefree.studies.compare.LocalExecutor", Here)
    once = task_from({"folders": DATA, "source": TRAINING}, origin="test")
    study = StudySettings(title="t", tasks=["mine"], methods=["source-only"], definitions={"mine": once})
    cache = tmp_path / "cache"
    compare(study=study, out=tmp_path / "out", data=sensors, cache=cache)
    for record in (tmp_path / "out" / "results.data", next(cache.glob("target-*.data"))):
        record.unlink()  # as an older version left them: accepted, and noted from then on
    compare(study=study, out=tmp_path / "out", data=sensors, cache=cache)
    (tmp_path / "out" / "results.data").unlink()
    compare(study=study, out=tmp_path / "out", data=sensors, cache=tmp_path / "emptied")  # rows are enough for it
    other = tmp_path / "other"
    shutil.copytree(sensors, other)
    next((other / "nir" / "cat").iterdir()).unlink()
    with pytest.raises(ConfigError, match="results: was made from other images"):
        compare(study=study, out=tmp_path / "out", data=other, cache=tmp_path / "new")
    with pytest.raises(ConfigError, match=r"target-.*: was made from other images"):
        compare(study=study, out=tmp_path / "new", data=other, cache=cache)


@pytest.mark.parametrize("kind", ["folders", "given"])
def test_what_was_made_with_another_description_of_the_sensor_is_refused(
    kind: str, sensors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sourcefree.studies.compare.LocalExecutor", Here)
    data, cache = tmp_path / "data", tmp_path / "cache"
    shutil.copytree(sensors, data)
    (data / "sensor.YAML").write_text("name: mine\nchannels: 1\nvalid_max: 0.5\n")
    paths = {"source": "rgb", "target": "nir", "pairs_source": "rgb/car", "pairs_target": "nir/car"}
    content = {**(DATA if kind == "folders" else paths), "modality": "sensor.YAML"}
    mine = task_from({kind: content, "source": TRAINING}, origin="test")
    assert TaskFolders(mine, 0, cache, data).prepared().modality == str(data / "sensor.YAML")
    study = StudySettings(title="t", tasks=["mine"], methods=["source-only"], definitions={"mine": mine})
    for _ in range(2):
        compare(study=study, out=tmp_path / "out", data=data, cache=cache)
    (data / "sensor.YAML").write_text("name: mine\nchannels: 1\nvalid_max: 0.9\n")
    with pytest.raises(ConfigError, match=r"results: was made with another sensor than that in .*sensor.YAML"):
        compare(study=study, out=tmp_path / "out", data=data, cache=tmp_path / "new")
    with pytest.raises(ConfigError, match=r"target-.*: was made with another sensor"):
        compare(study=study, out=tmp_path / "new", data=data, cache=cache)


def test_a_seed_that_the_study_has_not_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no seed '7'"):
        compare(study="tiny", out=tmp_path / "out", seeds=[7])


def test_points_of_another_form_end_no_study_without_its_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sourcefree.studies.compare.LocalExecutor", Here)
    small = {"size": 32, "source_train": 20, "source_test": 10, "target_train": 20, "target_test": 10, "pairs": 20}
    mine = task_from({"simulated": small, "source": TRAINING}, origin="t")
    study = StudySettings(title="t", tasks=["mine"], methods=["shot"], seeds=[4, 5], definitions={"mine": mine})
    out = tmp_path / "out"
    out.mkdir()
    (out / "points.csv").write_text("a,b\n1,2\n")
    compare(study=study, out=out, seeds=[5])
    assert (out / "results.md").is_file()
    assert (out / "points.csv").read_text() == "a,b\n1,2\n"
    # The page tells of the rows that it shows.
    assert "Seeds <b>5</b>" in (out / "report.html").read_text()


def test_half_a_table_of_a_study_that_was_killed_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sourcefree.studies.compare.LocalExecutor", Here)
    study = StudySettings(title="t", tasks=["depth-tiny"], methods=["source-only"])
    (tmp_path / ".results.csv.12ab.part").write_text("key,ta")
    assert compare(study=study, out=tmp_path).rows
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds other files and no study"):
        compare(study=study, out=tmp_path / "other")


def test_asking_for_a_part_takes_nothing_out_of_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sourcefree.studies.compare.LocalExecutor", Here)
    tasks, methods = ["depth-a", "depth-b"], ["source-only", "shot"]
    study, out = StudySettings(title="t", tasks=tasks, methods=methods), tmp_path / "out"
    monkeypatch.setattr("sourcefree.studies.compare.is_prepared", lambda _: True)
    compare(study=study, out=out)
    files = {
        name: (out / name).read_bytes() for name in ("results.csv", "results.md", "results.parquet", "report.html")
    }
    assert b"depth-b" in files["results.md"]
    for tables_only in (False, True):
        part = compare(study=study, out=out, tasks=["depth-a"], methods=["shot"], tables_only=tables_only)
        assert [row["task"] for row in part.rows] == ["depth-a"]
        assert all("depth-b" not in table.to_markdown() for table in part.tables)
        assert "shot" in part.tables[0].to_markdown()
        assert {name: (out / name).read_bytes() for name in files} == files


def given(**changes: str) -> TaskSettings:
    paths = {name: name for name in ("source", "target", "pairs_source", "pairs_target")}
    return task_from({"given": {**paths, "modality": "depth", **changes}}, origin="t")


def test_tasks_that_share_a_source_model_do_not_train_it_at_once(tmp_path: Path) -> None:
    batches = []

    class Watching(Here):
        def run(self, work: Any, pieces: Any) -> Iterator[Outcome]:
            batches.append(len(pieces))
            return iter(())

    cells = [Cell(name, "m", given(target=name), 0, method_settings("source-only")) for name in ("a", "b", "c")]
    _prepare(cells, Watching(2), {"cache": tmp_path, "data": tmp_path}, Silent())
    assert batches == [1, 2]


def test_a_source_model_that_was_stopped_before_it_began_is_begun_again(sensors: Path, tmp_path: Path) -> None:
    small = given(source="rgb").model_copy(update={"source": task().source})
    folders = TaskFolders(small, 0, tmp_path, sensors)
    (folders.source_model(0) / "checkpoints").mkdir(parents=True)
    _train(folders, 0)
    assert (folders.source_model(0) / "summary.json").is_file()


def test_given_tasks_share_a_source_model_only_with_the_same_images_to_test_it_on(tmp_path: Path) -> None:
    def model(**changes: str) -> Path:
        return TaskFolders(given(**changes), 0, tmp_path, tmp_path).source_model(0)

    assert model() == model(target="other")
    assert len({model(), model(source_test="a"), model(source_test="b")}) == 3


def test_other_pairs_leave_the_source_model_as_it_is(tmp_path: Path) -> None:
    def simulated(**changes: object) -> TaskFolders:
        content = {"simulated": {"task_set": "a", **changes}}
        return TaskFolders(task_from(content, origin="t"), 0, tmp_path, tmp_path)

    first, second, third = simulated(), simulated(pairs_of="task"), simulated(source_train=500)
    assert first.source_model(0) == second.source_model(0)
    assert first.target_data != second.target_data
    assert first.source_model(0) != third.source_model(0)


def test_tasks_that_cannot_work_are_refused() -> None:
    with pytest.raises(ConfigError, match="there are no pairs"):
        task(irrelevant=[])
    with pytest.raises(ConfigError, match="less than 5 %"):
        task(source_share=0.6, target_share=0.38)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"irrelevant": ["cra"]}, "irrelevant: no class folder 'cra'"),
        ({"classes": ["cat", "dogg"]}, "classes: no class folder 'dogg'"),
        ({"classes": ["cat", "car"]}, "'car' is in classes and in irrelevant"),
        ({"irrelevant": [], "pool_source": "test/rgb", "pool_target": "test/nir"}, "test/rgb: no pair is left"),
        ({"irrelevant": [], "pool_source": "rgb", "pool_target": "test/nir"}, "test/nir: no image"),
    ],
)
def test_names_of_classes_and_pairs_that_do_not_fit_are_refused(
    sensors: Path, tmp_path: Path, changes: dict[str, object], part: str
) -> None:
    split = TaskFolders(task(), 0, tmp_path / "split", sensors)
    link_folders(placed(split.task.folders, sensors), seed=0, out=split.target_data)
    for sensor in ("rgb", "nir"):
        (tmp_path / sensor).symlink_to(sensors / sensor)
        # A pool of nothing but a scene of the target.
        image = next((split.target_data / "target" / "test").rglob("*.png"))
        image = image.relative_to(split.target_data / "target" / "test")
        (tmp_path / "test" / sensor / image.parent).mkdir(parents=True)
        (tmp_path / "test" / sensor / image).symlink_to(sensors / sensor / image)
    with pytest.raises(ConfigError, match=part):
        prepare(TaskFolders(task(**changes), 0, tmp_path / "cache", tmp_path))
    assert not list((tmp_path / "cache").glob("*"))


def test_shift_and_mirror_by_hand() -> None:
    values = np.arange(20, dtype=np.float32).reshape(1, 1, 2, 10)
    store = ImageStore(["a"], [0], values.copy(), [])
    misalign(store, PairChanges(shift=0.2))
    assert store.values[0, 0, 0].tolist() == [0, 0, 0, 1, 2, 3, 4, 5, 6, 7]
    store = ImageStore(["a"], [0], values.copy(), [])
    misalign(store, PairChanges(mirrored=True))
    assert store.values[0, 0, 1].tolist() == list(range(19, 9, -1))


@pytest.mark.parametrize("name", RENDERINGS)
def test_renderings_are_images_and_grey_is_luma(name: str) -> None:
    rgb = np.zeros((8, 8, 3), np.uint8)
    rgb[:, 4:] = (10, 200, 40)
    made = RENDERINGS[name](rgb, np.random.default_rng(0))
    assert made.dtype == np.uint8
    assert made.shape == ((8, 8, 3) if name == "rgb" else (8, 8, 1))
    luma = round(0.299 * 10 + 0.587 * 200 + 0.114 * 40)
    if name == "grey":
        assert (made[0, 0, 0], made[0, 7, 0]) == (0, luma)
    if name == "inverted":
        assert (made[0, 0, 0], made[0, 7, 0]) == (255, 255 - luma)
    if name == "edges":
        assert made[0, 0, 0] == 0
        assert made[0, 4, 0] > 100


def rendered(rendering: str, cache: Path) -> TaskFolders:
    sizes = {"size": 32, "source_train": 20, "source_test": 10, "target_train": 20, "target_test": 10, "pairs": 20}
    content = {"simulated": {**sizes, "rendering": rendering}, "source": TRAINING}
    folders = TaskFolders(task_from(content, origin="t"), 0, cache, cache)
    prepare(folders)
    return folders


def test_a_rendered_target_is_made_of_the_rgb_images(tmp_path: Path) -> None:
    folders = rendered("inverted", tmp_path)
    prepared = folders.prepared()
    source = next(prepared.pairs_source.rglob("*.png"))
    target = prepared.pairs_target / source.relative_to(prepared.pairs_source)
    expected = RENDERINGS["inverted"](read_image(source), np.random.default_rng(0))
    assert (read_image(target) == expected).all()
    assert not (folders.target_data / "target_rgb").exists()
    assert len(list(prepared.target_train.rglob("*.png"))) == 20


def test_target_images_of_noise_show_nothing_and_pairs_stay_depth(tmp_path: Path) -> None:
    noise, depth = (rendered(rendering, tmp_path).prepared() for rendering in ("noise", "depth"))
    assert noise.modality == depth.modality == "depth"
    for part in ("target_train", "target_test", "pairs_target"):
        ours, theirs = (sorted(getattr(prepared, part).rglob("*.png")) for prepared in (noise, depth))
        assert len(ours) == len(theirs) > 0
        pictures = np.stack([read_image(path) for path in ours]).astype(float)
        kept = (pictures == np.stack([read_image(path) for path in theirs])).all()
        assert kept == (part == "pairs_target")
        alike = np.corrcoef(pictures[:, :, 1:].ravel(), pictures[:, :, :-1].ravel())[0, 1]
        assert (alike < 0.5) == (part != "pairs_target")
